"""Reads a ledger into the figures that rules are made of; no call is kept.

SQLite adds up what is alike; the rest is read row by row.

What is held grows with the kinds of calls, with the days and minutes they fall into, and by two numbers for each
streamed call whose speed is compared.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from typing import TYPE_CHECKING, Any, Final

from tierscope.advice.columns import KIND, SHARED, Row, Workload
from tierscope.advice.figures import Figures, Minute, Speeds
from tierscope.advice.finding import Span
from tierscope.advice.growth import Growth
from tierscope.advice.lines import Sums
from tierscope.advice.totals import Totals, is_compared
from tierscope.cost import DAY_NS
from tierscope.ledger.kinds import numbered
from tierscope.ledger.once import Once
from tierscope.promise.ramp import MINUTE_NS
from tierscope.words import SCALE, UNREPORTED

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from tierscope.advice.totals import Group
    from tierscope.catalog.prices import Rates
    from tierscope.ledger.kinds import Kinds
    from tierscope.promise.ramp import Ramps

_FETCH: Final = "fetch_response"
_LAST: Final = 2**63
_LineKey = tuple[tuple[Any, ...], int, int]


class Reading:
    """Adds rows up."""

    def __init__(self, rates: Rates, ramps: Ramps) -> None:
        self._edges = sorted({row.band.above for row in rates.rows if row.band.above})
        self._lines: dict[_LineKey, Sums] = {}
        self._begun: dict[_LineKey, int] = {}
        self._speeds: dict[tuple[str, str | None, str], Speeds] = {}
        self._scale: dict[tuple[str, str | None], dict[int, list[int]]] = {}
        self._growth = Growth(ramps)
        self._calls, self._first, self._last = 0, 2**63, 0

    def read(self, db: sqlite3.Connection) -> Figures:
        """Read every row; a background response counts once, with what its first final fetch told.

        Raises:
            LedgerError: a row cannot be read.

        """
        with numbered(db, KIND) as kinds:
            self.take(db, kinds)
        return self.figures()

    def take(self, db: sqlite3.Connection, kinds: Kinds) -> None:
        """Read every row that is numbered; see ``read``."""
        plain = Totals(db, kinds)
        for group in plain.groups(self._edges):
            self._include(group)
        plain.speeds(self._speeds_of)
        for where, minute, taken, given in plain.scale():
            self._keep_scale(where, minute, taken, given)
        plain.grow(self._growth)
        self.add_all(plain.apart())

    def add_all(self, rows: Iterable[Row]) -> None:
        """Add rows in their order; a background response counts once."""
        once: Once[Row] = Once()
        for row in rows:
            if not row.is_background and row.operation != _FETCH:
                self.add(row)
                continue
            settled = once.settled(row)
            if settled is not None:
                self.add(_whole(settled.row, settled.created))
        for row in once.queued.values():
            self.add(row, _LAST)

    def add(self, row: Row, place: int | None = None) -> None:
        """Add one call; in the order of lines it stands at its row's number, or at another place."""
        start = row.started_unix_ns
        self._see(1, start, start)
        key = row[:SHARED], start // DAY_NS, bisect_left(self._edges, row.input_tokens or 0)
        self._sums(key, row.row if place is None else place).add(row)
        if row.rate_generation is not None and is_compared(row.served, row.consumer_limited):
            speeds = self._speeds_of(row)
            speeds.generation.append(row.rate_generation)
            if row.first_token_s is not None:
                speeds.first_token.append(row.first_token_s)
        if SCALE in (row.served, row.expected):
            is_new = row.usage_is_new != 0
            taken, given = (row.input_tokens or 0, row.output_tokens or 0) if is_new else (0, 0)
            self._keep_scale(row, row.ended_unix_ns // MINUTE_NS, taken, given)
        self._growth.add(row)

    def _include(self, group: Group) -> None:
        self._see(group.alike.calls, group.first_ns, group.last_ns)
        if self._growth.step_ns(group.where) is not None:
            self._growth.see(group.where.provider, group.first_ended_ns, group.last_ended_ns)
        self._sums((group.where, group.day, group.band), group.row).include(group.alike)

    def _see(self, calls: int, first_ns: int, last_ns: int) -> None:
        self._calls += calls
        self._first = min(self._first, first_ns)
        self._last = max(self._last, last_ns)

    def _sums(self, key: _LineKey, row: int) -> Sums:
        """Return the sums of a line, and note which of its rows comes first."""
        sums = self._lines.get(key)
        if sums is None:
            sums = self._lines[key] = Sums()
            self._begun[key] = row
        self._begun[key] = min(self._begun[key], row)
        return sums

    def _speeds_of(self, where: Row | Workload) -> Speeds:
        key = where.provider, where.response_model, where.served
        if key not in self._speeds:
            self._speeds[key] = Speeds(array("d"), array("d"))
        return self._speeds[key]

    def _keep_scale(self, where: Row | Workload, minute: int, taken: int, given: int) -> None:
        minutes = self._scale.setdefault((where.provider, where.response_model or where.request_model), {})
        held = minutes.setdefault(minute, [0, 0])
        if where.served == SCALE:
            held[0] += taken
            held[1] += given

    def figures(self) -> Figures:
        """What was read so far."""
        span = Span(self._first, self._last) if self._calls else Span(0, 0)
        lines = tuple(
            sums.line(Workload._make(where), day, self._prompt(band))
            for (where, day, band), sums in sorted(self._lines.items(), key=lambda line: self._begun[line[0]])
        )
        scale = {
            key: {minute: Minute(*minutes[minute]) for minute in sorted(minutes)}
            for key, minutes in self._scale.items()
        }
        over, beyond = self._growth.told()
        return Figures(self._calls, span, lines, self._speeds, scale, beyond, over)

    def _prompt(self, band: int) -> int:
        """A length within a band: above one edge, at most at the next."""
        return self._edges[band] if band < len(self._edges) else (self._edges or [0])[-1] + 1


def _whole(row: Row, created: Row | None) -> Row:
    """Return a fetched response with what only the call that began it knew."""
    if created is None:
        return row
    asked = created.requested if row.requested == UNREPORTED else row.requested
    return row._replace(
        requested=asked,
        expected=row.expected or created.expected,
        service=created.service,
        workload=created.workload,
    )
