"""Where the figures of calls of one combination go: keys and attribute sets are made once, each call only adds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tierscope import rates, tiers
from tierscope import signals as s
from tierscope.emit.conventions import Conventions
from tierscope.emit.costs import Costs
from tierscope.emit.points import Point
from tierscope.emit.sums import Cells
from tierscope.words import DEFAULT, DOWNGRADED, FAILED, FLEX, REFUSED, UNKNOWN, UNREPORTED

if TYPE_CHECKING:
    from opentelemetry.metrics import Histogram
    from opentelemetry.trace import SpanContext

    from tierscope.declared import Metric
    from tierscope.emit.instruments import Instruments
    from tierscope.emit.sums import Cell
    from tierscope.model import Call, Usage

_INPUT = ("input_undivided", "input_uncached", "input_cached", "input_cache_write")
_OUTPUT = ("output_undivided", "output_visible", "output_reasoning", "output_rejected_prediction")
_NO_RATE = frozenset({"embeddings", "fetch_response"})


class Series:
    """The series of one combination of request, answering model, served tier, outcome and error."""

    def __init__(self, instruments: Instruments, call: Call, asked: str | None, answered: str | None) -> None:
        self._to = instruments
        self.drift: Cell | None = None
        """What counts these calls as drift from a policy."""
        request = call.request
        who, promised = (request.provider, request.operation, asked), request.expected or UNKNOWN
        self._calls = instruments.calls.cell(*who, request.requested, promised, call.served, call.outcome)
        self._start_at_zero(*who, request.requested, promised)
        error = call.error_type
        self._errors = error and instruments.errors.cell(*who, request.requested, error)
        self._attempts = Cells(instruments.attempts, *who, request.requested)
        self._who = (*who, request.requested)
        verdict = (request.requested, promised, call.served, call.outcome)
        self._tokens = Cells(instruments.tokens, *who, answered, *verdict)
        self._costs = Costs(instruments, (*who, answered), verdict, call)
        self._rate_missing = Cells(instruments.rate_missing, *who, request.requested)
        self._usage_missing = Cells(instruments.usage_missing, *who, request.requested)
        self._headroom = Cells(instruments.headroom, request.provider, asked)
        pair = (request.provider, asked, answered, request.requested, call.served)
        self._duration = Point(instruments.duration, s.DURATION, *pair)
        self._first_token = Point(instruments.first_token, s.TIME_TO_FIRST_TOKEN, *pair)
        self._generation = _by_reader(instruments.generation, s.GENERATION, *pair)
        self._end_to_end = _by_reader(instruments.end_to_end, s.END_TO_END, *pair)
        genai = instruments.conventions
        self.conventions = None if genai is None else Conventions(genai, call, asked, answered)

    def _start_at_zero(self, *key: Any) -> None:
        """Let the series of the worst outcomes exist at 0: ``increase()`` of one born at 1 is 0."""
        for outcome in (REFUSED, FAILED):
            self._to.calls.cell(*key, UNREPORTED, outcome)
        below = next((tier for tier in (DEFAULT, FLEX) if tiers.TABLE.get((key[-1], tier)) == DOWNGRADED), None)
        if below is not None:
            self._to.calls.cell(*key, below, DOWNGRADED)

    # ── counters ──────────────────────────────────────────────────────────────────────────────────────────────────
    def count(self, call: Call) -> None:
        """Add one call to the counters."""
        self._calls.value += 1
        if self._errors:
            self._errors.value += 1
        for attempt in call.attempts:
            self._attempts[attempt.result].value += 1
        if len(call.attempts) > 1:
            self._to.retry_wait.cell(*self._who).value += rates.retry_wait(call.attempts) or 0.0
        reply = call.reply
        if reply is not None:
            if reply.usage is not None and reply.is_usage_new:
                count_tokens(self._tokens, reply.usage)
            if call.request.operation not in _NO_RATE:
                self._count_absence(call)
            self._costs.count(call)
        if call.headers is not None and call.headers.rate_limits is not None:
            self._note_headroom(*call.headers.rate_limits)

    def _count_absence(self, call: Call) -> None:
        reply, speed = call.reply, call.speed
        if reply is not None and reply.usage is None and reply.is_terminal:
            self._usage_missing[call.request.is_stream].value += 1
        if speed.generation_absent is not None:
            self._rate_missing["generation", speed.generation_absent].value += 1
        if speed.end_to_end_absent is not None:
            self._rate_missing["end_to_end", speed.end_to_end_absent].value += 1

    def _note_headroom(
        self,
        limit: int | None,
        left: int | None,
        _reset: float | None,
        token_limit: int | None,
        tokens_left: int | None,
        _token_reset: float | None,
    ) -> None:
        if limit and left is not None:
            self._headroom["requests"].value = left / limit
        if token_limit and tokens_left is not None:
            self._headroom["tokens"].value = tokens_left / token_limit

    # ── histograms ────────────────────────────────────────────────────────────────────────────────────────────────
    def measure(self, call: Call, span: SpanContext | None) -> None:
        """Record duration and speed."""
        speed, at_ns = call.speed, call.timing.end_ns
        self._duration.record(rates.duration(call.timing), at_ns, span)
        if speed.first_token_s is not None:
            self._first_token.record(speed.first_token_s, at_ns, span)
        if speed.generation is not None:
            self._generation[speed.consumer_limited].record(speed.generation, at_ns, span)
        if speed.end_to_end is not None:
            self._end_to_end[speed.consumer_limited].record(speed.end_to_end, at_ns, span)


def count_tokens(cells: Cells, usage: Usage) -> None:
    """Add the tokens of one reply."""
    _count_side(cells, _INPUT, usage.input, usage.cached, usage.cache_write)
    _count_side(cells, _OUTPUT, usage.output, usage.reasoning, usage.rejected_prediction)


def _count_side(
    cells: Cells, kinds: tuple[str, str, str, str], total: int | None, first: int | None, second: int | None
) -> None:
    """Add one side in kinds that add up to its total; without details it stays undivided."""
    if total is None:
        return
    undivided, rest_of_it, first_kind, second_kind = kinds
    rest = total - (first or 0) - (second or 0)
    if first is second is None or rest < 0:
        cells[undivided].value += total
        return
    cells[rest_of_it].value += rest
    if first is not None:
        cells[first_kind].value += first
    if second is not None:
        cells[second_kind].value += second


def _by_reader(histogram: Histogram, metric: Metric, *pair: Any) -> dict[bool | None, Point]:
    """Return the points of readers that kept up, of those that were the brake, and of what was not streamed."""
    return {limited: Point(histogram, metric, *pair, limited) for limited in (False, True, None)}
