"""Kinds of calls: rows that are the same in columns of few values get one number, once for all that is asked of them.

SQLite sorts what it groups: a million rows by twenty columns of text in ten seconds, by one number in one.
"""

from __future__ import annotations

import contextlib
import operator
from typing import TYPE_CHECKING, Any, Final

from tierscope.ledger.schema import TABLE

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterator, Sequence

NUMBERED: Final = f"temp.numbered CROSS JOIN {TABLE} USING (row)"
"""What to select from: the rows in their order, each with the number of its ``kind``."""
ONCE: Final = "LIMIT -1"
"""At the end of a subquery: what it works out is not worked out again wherever it is named."""
STARTED: Final = "started_unix_ns >= ? AND started_unix_ns < ?"
"""The condition that a call started in a period."""
_TELLING: Final = ("request_model", "served", "outcome", "requested", "ending", "is_stream")
"""Columns that tell most kinds apart: looked at first, they are mostly enough to pass a kind by."""


class Kinds:
    """The kinds of a ledger's rows, numbered in the order in which they come first."""

    def __init__(self, columns: Sequence[str]) -> None:
        self.columns = tuple(columns)
        self._values: list[tuple[Any, ...]] = []

    def add(self, *values: Any) -> int:
        """Add a kind; return its number."""
        self._values.append(values)
        return len(self._values)

    def of(self, columns: Sequence[str]) -> dict[int, tuple[Any, ...]]:
        """Return some of the columns of each kind, two at least, by its number."""
        picked = operator.itemgetter(*(self.columns.index(name) for name in columns))
        return {number: picked(values) for number, values in enumerate(self._values, 1)}


@contextlib.contextmanager
def numbered(
    db: sqlite3.Connection, columns: Sequence[str], where: str = "1", values: Sequence[object] = ()
) -> Iterator[Kinds]:
    """Number rows by kind, for as long as the context lasts; all that is read inside is of one moment.

    The numbers are in a temporary table, which takes a dozen bytes for each row; nothing of the ledger is changed.

    Args:
        db: of ``open_to_read``.
        columns: what rows of one kind have in common.
        where: a condition on rows, in SQL, with a ``?`` for each of the ``values``.
        values: see ``where``.

    """
    kinds = Kinds(columns)
    names = ", ".join(columns)
    places = ", ".join("?" * (1 + len(columns)))

    def add(*told: object) -> int:
        number = kinds.add(*told)
        db.execute(f"INSERT INTO temp.kinds VALUES ({places})", (number, *told))  # noqa: S608  our own names
        return number

    db.execute("SAVEPOINT kinds")  # also inside of a transaction, unlike BEGIN
    try:
        db.create_function("tierscope_kind", len(columns), add)
        db.execute(f"CREATE TEMP TABLE kinds (number INTEGER PRIMARY KEY, {names})")
        db.execute(f"CREATE INDEX temp.kinds_by ON kinds ({', '.join(sorted(columns, key=_is_less_telling))})")
        db.execute("CREATE TEMP TABLE numbered (row INTEGER PRIMARY KEY, kind INTEGER)")
        alike = " AND ".join(f"kinds.{name} IS {TABLE}.{name}" for name in columns)
        db.execute(
            "INSERT INTO temp.numbered SELECT row, "  # noqa: S608  our own names
            f"coalesce((SELECT number FROM temp.kinds WHERE {alike}), tierscope_kind({names})) "
            f"FROM {TABLE} WHERE {where} ORDER BY row",
            values,
        )
        yield kinds
    finally:
        db.execute("ROLLBACK TO kinds")
        db.execute("RELEASE kinds")


def _is_less_telling(column: str) -> bool:
    return column not in _TELLING


def among(kinds: Collection[int]) -> str:
    """Return the condition that a row is of one of these kinds, in SQL."""
    return f"kind IN ({', '.join(map(str, sorted(kinds)))})"


def total(value: str) -> str:
    """Return the SQL of two columns: whole numbers added up, in halves that 64 bits can always hold."""
    return f"coalesce(sum(({value}) >> 32), 0), coalesce(sum(({value}) & 0xFFFFFFFF), 0)"


def whole(halves: Sequence[int]) -> list[int]:
    """Return the sums that such columns hold."""
    return [(high << 32) + low for high, low in zip(halves[::2], halves[1::2], strict=True)]
