"""Reads rows of a ledger as named tuples: in their order, one at a time, and only the columns that are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from tierscope.ledger.schema import TABLE

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

RowT = TypeVar("RowT", bound=NamedTuple)


class Period(NamedTuple):
    """From its first nanosecond since 1970 to the one it ends before."""

    begin_ns: int
    end_ns: int


EVER: Final = Period(0, 2**63 - 1)
"""All the time that a ledger can hold."""


def select(kind: type[NamedTuple], where: str) -> str:
    """Return the SQL that reads a kind of row, where a condition holds, in the order in which calls ended."""
    return f"SELECT {', '.join(kind._fields)} FROM {TABLE} WHERE {where} ORDER BY row"  # noqa: S608  our own names


def rows(
    db: sqlite3.Connection, kind: type[RowT], *, after: int = 0, period: Period | None = None, where: str = ""
) -> Iterator[RowT]:
    """Read rows of one moment of a ledger; never more than one is held.

    Args:
        db: of ``open_to_read``; in ledgers of older versions, columns that were not there yet are ``None``.
        kind: a named tuple whose fields are names of columns, ``row`` among them for the number of the row.
        after: only rows that follow this one.
        period: only calls that started in it.
        where: a further condition in SQL.

    """
    conditions, values = ["row > ?"], [after]
    if period is not None:
        conditions.append("started_unix_ns >= ? AND started_unix_ns < ?")
        values += period
    if where:
        conditions.append(f"({where})")
    return map(kind._make, db.execute(select(kind, " AND ".join(conditions)), values))
