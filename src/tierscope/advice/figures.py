"""Reads a ledger into the figures that rules are made of: one pass, row by row, and no call is kept.

What is held grows with the kinds of calls, with the days and minutes they fall into, and by two numbers for each
streamed call whose speed is compared.
"""

from __future__ import annotations

import json
from array import array
from bisect import bisect_left
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tierscope.advice.finding import Span
from tierscope.cost import DAY_NS
from tierscope.ledger.money import pico
from tierscope.ledger.once import Once
from tierscope.ledger.queries import COMPLETE
from tierscope.ledger.schema import TABLE, LedgerError
from tierscope.promise.ramp import MINUTE_NS, Ramps
from tierscope.rates import NS
from tierscope.words import (
    BATCH,
    CAPACITY_OR_UNKNOWN,
    DEFAULT,
    DOWNGRADED,
    FAILED,
    FLEX,
    LONG_CONTEXT,
    PRIORITY,
    REFUSED,
    SCALE,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from tierscope.catalog.prices import Rates
    from tierscope.cost import Parts
    from tierscope.promise.ramp import Key, Over

PATIENCE_S: Final = (600.0, 605.0)
"""How long an attempt took that ran into the SDK's default time-out of 600 s (openai-python, ``_constants.py``)."""
_FETCH: Final = "fetch_response"
_LOST: Final = frozenset({REFUSED, FAILED})
_COMPARED: Final = frozenset({PRIORITY, DEFAULT})


class Workload(NamedTuple):
    """What the calls of a line have in common: columns of the ledger, all of them."""

    provider: str
    operation: str
    endpoint: str
    request_model: str | None
    response_model: str | None
    project: str | None
    deployment: str | None
    address: str | None
    region: str | None
    requested: str
    expected: str | None
    served: str
    outcome: str
    inferred_cause: str | None
    completion_window: str | None
    is_stream: int


class _Row(NamedTuple):
    """The columns read, in their order: those of ``Workload`` come first."""

    provider: str
    operation: str
    endpoint: str
    request_model: str | None
    response_model: str | None
    project: str | None
    deployment: str | None
    address: str | None
    region: str | None
    requested: str
    expected: str | None
    served: str
    outcome: str
    inferred_cause: str | None
    completion_window: str | None
    is_stream: int
    row: int
    ending: str
    started_unix_ns: int
    duration_s: float
    attempts: int
    attempts_timeout: int
    attempts_json: str
    retry_wait_s: float | None
    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int | None
    cache_write_tokens: int | None
    cost_usd: float | None
    cost_default_usd: float | None
    cost_expected_usd: float | None
    first_token_s: float | None
    rate_generation: float | None
    consumer_limited: int | None
    is_background: int
    usage_is_new: int | None
    response_id: str | None


_SELECT: Final = f"SELECT {', '.join(_Row._fields)} FROM {TABLE} WHERE operation <> '{BATCH}' ORDER BY row"  # noqa: S608  our own names
_SHARED: Final = len(Workload._fields)


class Line(NamedTuple):
    """The calls of one workload on one day, with prompts of one band of the price list. Money is pico-dollars."""

    where: Workload
    day: int
    """Whole days since 1970."""
    prompt: int
    """A length that stands for their prompts: prices are the same for all of them."""
    calls: int
    priced: int
    paid: int
    above_default: int
    """What they cost more than at the default tier (less: negative), where both are known."""
    above_expected: int
    """What they cost more than at the tier that was promised (less: negative), where both are known."""
    compared: int
    """Calls for which both are: another tier served, and each has a price."""
    parts: Parts
    """Tokens of the priced: input that was neither cached nor written to the cache, cached, written, output."""
    retried: int
    """Calls with more than one attempt."""
    retries: int
    """Attempts beyond the first."""
    waited_s: float
    """Seconds between attempts."""
    without_usage: int
    """Streams read out whose tokens were not told."""
    impatient: int
    """Calls on flex with an attempt that ran into the SDK's default time-out."""


class Speeds(NamedTuple):
    """Samples of one model and served tier; those of slow readers are left out."""

    generation: array[float]
    """Output rate (generation), token/s."""
    first_token: array[float]
    """Seconds."""


class Minute(NamedTuple):
    """Tokens that ``scale`` served, by the minute in which their call ended."""

    input: int
    output: int


class Beyond(NamedTuple):
    """Downgraded calls of one workload that may have met the ramp limit, by the steps between start and end."""

    where: Workload
    key: Key
    steps: range
    calls: int
    compared: int
    """Those whose price is known at both tiers."""
    not_charged: int
    """Pico-dollars that they would have cost more."""


class Figures(NamedTuple):
    """What a ledger holds, as far as rules ask."""

    calls: int
    span: Span
    lines: tuple[Line, ...]
    speeds: Mapping[tuple[str, str | None, str], Speeds]
    """By provider, model of the reply, and served tier."""
    scale: Mapping[tuple[str, str | None], Mapping[int, Minute]]
    """By provider and model of the reply, then by minute; one with a call that expected scale is there."""
    beyond: tuple[Beyond, ...]
    over: Over


class _Sums:
    """The running sums of one line."""

    __slots__ = Line._fields[3:]

    def __init__(self) -> None:
        self.calls = self.priced = self.paid = self.above_default = self.above_expected = self.compared = 0
        self.retried = self.retries = self.without_usage = self.impatient = 0
        self.waited_s = 0.0
        self.parts = [0, 0, 0, 0]

    def add(self, row: _Row) -> None:
        self.calls += 1
        paid = pico(row.cost_usd)
        if paid is not None:
            self._price(row, paid)
        if row.attempts > 1:
            self.retried += 1
            self.retries += row.attempts - 1
            self.waited_s += row.retry_wait_s or 0.0
        if row.output_tokens is None and row.is_stream and row.ending == COMPLETE:
            self.without_usage += row.endpoint != "responses" and row.outcome not in _LOST
        if row.attempts_timeout and FLEX in {row.requested, row.expected}:
            self.impatient += any(PATIENCE_S[0] <= took < PATIENCE_S[1] for took in _timed_out(row))

    def _price(self, row: _Row, paid: int) -> None:
        self.priced += 1
        self.paid += paid
        at_default, at_expected = pico(row.cost_default_usd), pico(row.cost_expected_usd)
        if at_default is not None:
            self.above_default += paid - at_default
        if at_expected is not None:
            self.above_expected += paid - at_expected
            self.compared += 1
        cached, written, parts = row.cached_tokens or 0, row.cache_write_tokens or 0, self.parts
        parts[0] += (row.input_tokens or 0) - cached - written
        parts[1] += cached
        parts[2] += written
        parts[3] += row.output_tokens or 0

    def line(self, where: Workload, day: int, prompt: int) -> Line:
        plain, cached, written, output = self.parts
        return Line(
            where, day, prompt,
            self.calls, self.priced, self.paid, self.above_default, self.above_expected, self.compared,
            (plain, cached, written, output),
            self.retried, self.retries, self.waited_s, self.without_usage, self.impatient,
        )  # fmt: skip


def _timed_out(row: _Row) -> list[float]:
    """Return how long the attempts took that the client gave up, in seconds.

    Raises:
        LedgerError: the attempts of the row cannot be read.

    """
    try:
        told = json.loads(row.attempts_json)
        ends = [*(later["start_s"] - (later["wait_s"] or 0.0) for later in told[1:]), row.duration_s]
        return [end - one["start_s"] for one, end in zip(told, ends, strict=True) if one["result"] == "timeout"]
    except (TypeError, ValueError, KeyError):
        raise LedgerError(
            f"row {row.row}: attempts_json is {row.attempts_json!r:.60}, no list of attempts. Something else than "
            f"Tierscope wrote it; delete the row, or read a copy of the ledger without it."
        ) from None


class Reading:
    """Adds rows up."""

    def __init__(self, rates: Rates, ramps: Ramps) -> None:
        self._edges = sorted({row.band.above for row in rates.rows if row.band.above})
        self._ramps = ramps
        self._lines: dict[tuple[tuple[Any, ...], int, int], _Sums] = {}
        self._speeds: dict[tuple[str, str | None, str], Speeds] = {}
        self._scale: dict[tuple[str, str | None], Counter[tuple[int, str]]] = {}
        self._beyond: dict[tuple[tuple[Any, ...], Key, int, int], list[int]] = {}
        self._calls, self._first, self._last = 0, 2**63, 0

    def read(self, db: sqlite3.Connection) -> Figures:
        """Read every row; a background response counts once, with what its first final fetch told.

        Raises:
            LedgerError: a row cannot be read.

        """
        once: Once[_Row] = Once()
        for values in db.execute(_SELECT):
            row = _Row._make(values)
            if not row.is_background and row.operation != _FETCH:
                self.add(row)
                continue
            settled = once.settled(row)
            if settled is not None:
                created = settled.created
                expected = row.expected or (created.expected if created else None)
                self.add(settled.row._replace(expected=expected))
        for row in once.queued.values():
            self.add(row)
        return self.figures()

    def add(self, row: _Row) -> None:
        """Add one call."""
        start = row.started_unix_ns
        self._calls += 1
        self._first, self._last = min(self._first, start), max(self._last, start)
        band = bisect_left(self._edges, row.input_tokens or 0)
        key = row[:_SHARED], start // DAY_NS, band
        sums = self._lines.get(key)
        if sums is None:
            sums = self._lines[key] = _Sums()
        sums.add(row)
        if row.served in _COMPARED and not row.consumer_limited and row.rate_generation is not None:
            self._keep_speed(row, row.rate_generation)
        if SCALE in {row.served, row.expected}:
            self._keep_scale(row)
        if row.served != BATCH != row.expected and row.inferred_cause != LONG_CONTEXT:
            self._keep_growth(row)

    def _keep_speed(self, row: _Row, rate: float) -> None:
        key = row.provider, row.response_model, row.served
        speeds = self._speeds.get(key)
        if speeds is None:
            speeds = self._speeds[key] = Speeds(array("d"), array("d"))
        speeds.generation.append(rate)
        if row.first_token_s is not None:
            speeds.first_token.append(row.first_token_s)

    def _keep_scale(self, row: _Row) -> None:
        minutes = self._scale.setdefault((row.provider, row.response_model or row.request_model), Counter())
        minute = _ended_ns(row) // MINUTE_NS
        is_ours = row.served == SCALE and row.usage_is_new != 0
        minutes[minute, "input"] += (row.input_tokens or 0) if is_ours else 0
        minutes[minute, "output"] += (row.output_tokens or 0) if is_ours else 0

    def _keep_growth(self, row: _Row) -> None:
        step_ns = self._ramps.step_ns(row.provider)
        if step_ns is None:
            return
        key, end = (row.provider, row.response_model or row.request_model, row.expected), _ended_ns(row)
        self._ramps.take(key, end, 0 if row.usage_is_new == 0 else row.input_tokens or 0)
        is_lost = row.outcome == DOWNGRADED and row.inferred_cause in {None, CAPACITY_OR_UNKNOWN}
        if is_lost and row.expected == PRIORITY:
            steps = row.started_unix_ns // step_ns, end // step_ns
            held = self._beyond.setdefault((row[:_SHARED], key, *steps), [0, 0, 0])
            held[0] += 1
            paid, at_expected = pico(row.cost_usd), pico(row.cost_expected_usd)
            if paid is not None and at_expected is not None:
                held[1] += 1
                held[2] += at_expected - paid

    def figures(self) -> Figures:
        """What was read so far."""
        span = Span(self._first, self._last) if self._calls else Span(0, 0)
        lines = tuple(
            sums.line(Workload._make(where), day, self._prompt(band))
            for (where, day, band), sums in self._lines.items()
        )
        beyond = tuple(
            Beyond(Workload._make(where), key, range(first, last + 1), *counts)
            for (where, key, first, last), counts in self._beyond.items()
        )
        scale = {key: _by_minute(minutes) for key, minutes in self._scale.items()}
        return Figures(self._calls, span, lines, self._speeds, scale, beyond, self._ramps.over())

    def _prompt(self, band: int) -> int:
        """A length within a band: above one edge, at most at the next."""
        return self._edges[band] if band < len(self._edges) else (self._edges or [0])[-1] + 1


def _ended_ns(row: _Row) -> int:
    return row.started_unix_ns + round(row.duration_s / NS)


def _by_minute(told: Mapping[tuple[int, str], int]) -> dict[int, Minute]:
    return {minute: Minute(told[minute, "input"], told[minute, "output"]) for minute in sorted({at for at, _ in told})}
