"""What SQLite adds up for the rules, kind by kind of call: of those that ``columns.PLAIN`` means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tierscope.advice.columns import KIND, PLAIN, READ, SHARED, Row, Workload, read
from tierscope.advice.growth import is_lost
from tierscope.advice.lines import Alike, tells_usage
from tierscope.cost import DAY_NS
from tierscope.ledger.kinds import NUMBERED, ONCE, among, total, whole
from tierscope.promise.ramp import MINUTE_NS
from tierscope.words import BATCH, DEFAULT, PRIORITY, SCALE

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection, Iterator, Sequence

    from tierscope.advice.figures import Speeds
    from tierscope.advice.growth import Growth
    from tierscope.ledger.kinds import Kinds

_COMPARED: Final = frozenset({PRIORITY, DEFAULT})
_ROWS: Final = f"(SELECT kind, {READ} FROM {NUMBERED} WHERE {PLAIN} AND {{}})"  # noqa: S608  our own names
_CACHED, _WRITTEN = "coalesce(cached_tokens, 0)", "coalesce(cache_write_tokens, 0)"
_PRICED: Final = "CASE WHEN paid IS NOT NULL THEN {} END"
_COUNTS: Final = ("*", "paid", "paid - at_expected", "CASE WHEN output_tokens IS NULL THEN 1 END")
_SUMS: Final = (
    "paid",
    "paid - at_default",
    "paid - at_expected",
    _PRICED.format(f"coalesce(input_tokens, 0) - {_CACHED} - {_WRITTEN}"),
    _PRICED.format(_CACHED),
    _PRICED.format(_WRITTEN),
    _PRICED.format("coalesce(output_tokens, 0)"),
)
_SUMMED: Final = (
    "row",
    "started_unix_ns",
    "ended_unix_ns",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "cache_write_tokens",
    "paid",
    "at_default",
    "at_expected",
)
_LINES: Final = f"""
SELECT kind, started_unix_ns / {DAY_NS} AS day, {{band}} AS band, min(row), min(started_unix_ns), max(started_unix_ns),
    min(ended_unix_ns), max(ended_unix_ns), {", ".join(f"count({what})" for what in _COUNTS)},
    {", ".join(map(total, _SUMS))}
FROM (SELECT kind, {read(_SUMMED)} FROM {NUMBERED} WHERE {PLAIN} {ONCE}) GROUP BY kind << 32 | day << 8 | band
"""  # noqa: S608  our own names
_NEW: Final = "CASE WHEN usage_is_new IS NOT 0 THEN {}_tokens END"


class Group(NamedTuple):
    """Calls of one kind and day with prompts of one band, added up."""

    where: Workload
    day: int
    band: int
    row: int
    """The first of them."""
    first_ns: int
    last_ns: int
    """When the first and the last of them started, nanoseconds since 1970."""
    first_ended_ns: int
    last_ended_ns: int
    alike: Alike


class _Kind(NamedTuple):
    """What the calls of a kind have in common."""

    where: Workload
    ending: str
    consumer_limited: int | None


def is_compared(served: str, consumer_limited: int | None) -> bool:
    """Say whether the speed of such a call is compared."""
    return served in _COMPARED and not consumer_limited


class Totals:
    """The plain calls among the numbered rows of a ledger."""

    def __init__(self, db: sqlite3.Connection, kinds: Kinds) -> None:
        self._db = db
        self._kinds = {
            number: _Kind(Workload._make(few[:SHARED]), *few[SHARED:]) for number, few in kinds.of(KIND).items()
        }

    def _numbers(self, is_meant: Callable[[_Kind], bool]) -> list[int]:
        return [number for number, kind in self._kinds.items() if is_meant(kind)]

    def _rows(self, columns: str, kinds: Collection[int], rest: str = "") -> Iterator[tuple[Any, ...]]:
        return self._db.execute(f"SELECT {columns} FROM {_ROWS.format(among(kinds))} {rest}")  # noqa: S608  our own names

    def groups(self, edges: Sequence[int]) -> Iterator[Group]:
        """Return sums, for the bands of prompts between some lengths."""
        band = " + ".join(f"(coalesce(input_tokens, 0) > {edge})" for edge in edges) or "0"
        for values in self._db.execute(_LINES.format(band=band)):
            kind, day, number, row, first_ns, last_ns, first_ended_ns, last_ended_ns, *told = values
            where, ending, _ = self._kinds[kind]
            calls, priced, compared, without = told[: len(_COUNTS)]
            without_usage = without if tells_usage(where, ending) else 0
            alike = Alike(calls, priced, compared, without_usage, *whole(told[len(_COUNTS) :]))
            yield Group(where, day, number, row, first_ns, last_ns, first_ended_ns, last_ended_ns, alike)

    def speeds(self, held: Callable[[Workload], Speeds]) -> None:
        """Keep rate and first token of each call whose speed is compared, where those of its workload are held."""
        known: dict[int, Speeds] = {}
        kinds = self._numbers(lambda kind: is_compared(kind.where.served, kind.consumer_limited))
        for number, rate, first_token_s in self._rows(
            "kind, rate_generation, first_token_s", kinds, "WHERE rate_generation IS NOT NULL"
        ):
            speeds = known.get(number)
            if speeds is None:
                speeds = known[number] = held(self._kinds[number].where)
            speeds.generation.append(rate)
            if first_token_s is not None:
                speeds.first_token.append(first_token_s)

    def scale(self) -> Iterator[tuple[Workload, int, int, int]]:
        """Return input and output tokens by the minute in which calls ended that are about Scale."""
        kinds = self._numbers(lambda kind: SCALE in (kind.where.served, kind.where.expected))
        sums_of = ", ".join(total(_NEW.format(side)) for side in ("input", "output"))
        columns = f"kind, ended_unix_ns / {MINUTE_NS} AS minute, {sums_of}"
        for number, minute, *sums in self._rows(columns, kinds, "GROUP BY kind, minute"):
            taken, given = whole(sums)
            yield self._kinds[number].where, minute, taken, given

    def grow(self, growth: Growth) -> None:
        """Add the input tokens of calls that expected Priority, by step, and those that may have lost it for growth."""
        steps: dict[int, int] = {}
        for number in self._numbers(lambda kind: kind.where.expected == PRIORITY):
            step_ns = growth.step_ns(self._kinds[number].where)
            if step_ns is not None:
                steps[number] = step_ns
        for step_ns in sorted(set(steps.values())):
            kinds = [number for number, own in steps.items() if own == step_ns]
            columns = f"kind, ended_unix_ns / {step_ns} AS step, {total(_NEW.format('input'))}"
            for number, step, *sums in self._rows(columns, kinds, "GROUP BY kind, step"):
                growth.take(self._kinds[number].where, step, *whole(sums))
        lost = [number for number in steps if is_lost(self._kinds[number].where)]
        for values in self._rows(", ".join(Row._fields), lost):
            growth.lose(Row._make(values))

    def apart(self) -> Iterator[Row]:
        """Return the calls that are not plain, in the order in which they ended."""
        chosen = f"SELECT {READ} FROM {NUMBERED} WHERE operation <> '{BATCH}' AND ({PLAIN}) IS NOT TRUE ORDER BY row"  # noqa: S608  our own names
        return map(Row._make, self._db.execute(chosen))
