"""Reads a ledger into the figures that rules are made of: one pass, row by row, and no call is kept.

What is held grows with the kinds of calls, with the days and minutes they fall into, and by two numbers for each
streamed call whose speed is compared.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from typing import TYPE_CHECKING, Any, Final

from tierscope.advice.columns import SELECT, SHARED, Row, Workload
from tierscope.advice.figures import Figures, Minute, Speeds
from tierscope.advice.finding import Span
from tierscope.advice.growth import Growth
from tierscope.advice.lines import Sums
from tierscope.cost import DAY_NS
from tierscope.ledger.once import Once
from tierscope.promise.ramp import MINUTE_NS
from tierscope.words import DEFAULT, PRIORITY, SCALE, UNREPORTED

if TYPE_CHECKING:
    import sqlite3

    from tierscope.catalog.prices import Rates
    from tierscope.promise.ramp import Ramps

_FETCH: Final = "fetch_response"
_COMPARED: Final = frozenset({PRIORITY, DEFAULT})


class Reading:
    """Adds rows up."""

    def __init__(self, rates: Rates, ramps: Ramps) -> None:
        self._edges = sorted({row.band.above for row in rates.rows if row.band.above})
        self._lines: dict[tuple[tuple[Any, ...], int, int], Sums] = {}
        self._speeds: dict[tuple[str, str | None, str], Speeds] = {}
        self._scale: dict[tuple[str, str | None], dict[int, list[int]]] = {}
        self._growth = Growth(ramps)
        self._calls, self._first, self._last = 0, 2**63, 0

    def read(self, db: sqlite3.Connection) -> Figures:
        """Read every row; a background response counts once, with what its first final fetch told.

        Raises:
            LedgerError: a row cannot be read.

        """
        once: Once[Row] = Once()
        for values in db.execute(SELECT):
            row = Row._make(values)
            if not row.is_background and row.operation != _FETCH:
                self.add(row)
                continue
            settled = once.settled(row)
            if settled is not None:
                self.add(_whole(settled.row, settled.created))
        for row in once.queued.values():
            self.add(row)
        return self.figures()

    def add(self, row: Row) -> None:
        """Add one call."""
        start = row.started_unix_ns
        self._calls += 1
        self._first = min(self._first, start)
        self._last = max(self._last, start)
        key = row[:SHARED], start // DAY_NS, bisect_left(self._edges, row.input_tokens or 0)
        sums = self._lines.get(key)
        if sums is None:
            sums = self._lines[key] = Sums()
        sums.add(row)
        if row.rate_generation is not None and row.served in _COMPARED and not row.consumer_limited:
            self._keep_speed(row, row.rate_generation)
        if SCALE in (row.served, row.expected):
            self._keep_scale(row)
        self._growth.add(row)

    def _keep_speed(self, row: Row, rate: float) -> None:
        key = row.provider, row.response_model, row.served
        speeds = self._speeds.get(key)
        if speeds is None:
            speeds = self._speeds[key] = Speeds(array("d"), array("d"))
        speeds.generation.append(rate)
        if row.first_token_s is not None:
            speeds.first_token.append(row.first_token_s)

    def _keep_scale(self, row: Row) -> None:
        minutes = self._scale.setdefault((row.provider, row.response_model or row.request_model), {})
        held = minutes.setdefault(row.ended_unix_ns // MINUTE_NS, [0, 0])
        if row.served == SCALE and row.usage_is_new != 0:
            held[0] += row.input_tokens or 0
            held[1] += row.output_tokens or 0

    def figures(self) -> Figures:
        """What was read so far."""
        span = Span(self._first, self._last) if self._calls else Span(0, 0)
        lines = tuple(
            sums.line(Workload._make(where), day, self._prompt(band))
            for (where, day, band), sums in self._lines.items()
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
