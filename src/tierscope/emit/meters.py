"""A finished call as metrics: sums for counters, one record a histogram, nothing per chunk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.metrics import Observation

from tierscope import guard, rates, tiers
from tierscope import signals as s
from tierscope.emit.bounds import Bounded
from tierscope.emit.later import Later
from tierscope.emit.records import MAX_SETS, recorded
from tierscope.emit.spans import first_chunk
from tierscope.emit.sums import observable
from tierscope.forks import at_fork
from tierscope.words import DEFAULT, DOWNGRADED, FAILED, FLEX, REFUSED, UNKNOWN, UNREPORTED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.context import Context
    from opentelemetry.metrics import CallbackOptions, Meter

    from tierscope.model import Call, Usage

_INPUT = ("input_undivided", "input_uncached", "input_cached", "input_cache_write")
_OUTPUT = ("output_undivided", "output_visible", "output_reasoning", "output_rejected_prediction")
_NO_RATE = frozenset({"embeddings", "fetch_response"})


class Meters:
    """Records calls on every metric declared in ``signals``."""

    def __init__(self, meter: Meter, *, genai: bool) -> None:
        self._model = Bounded()
        self._genai = genai
        self._seen: set[tuple[Any, ...]] = set()
        self._later = Later(self._record)
        self._calls = observable(meter, s.CALLS, self._later)
        self._errors = observable(meter, s.CALL_ERRORS, self._later)
        self._attempts = observable(meter, s.CALL_ATTEMPTS, self._later)
        self._tokens = observable(meter, s.TOKENS_USED, self._later)
        self._rate_missing = observable(meter, s.RATE_MISSING, self._later)
        self._usage_missing = observable(meter, s.USAGE_MISSING, self._later)
        self._headroom = observable(meter, s.HEADROOM, self._later)
        meter.create_observable_counter(
            s.INTERNAL_ERRORS.name,
            callbacks=[_internal_errors],
            unit=s.INTERNAL_ERRORS.unit,
            description=s.INTERNAL_ERRORS.description,
        )
        self._duration = recorded(meter, s.DURATION)
        self._generation = recorded(meter, s.GENERATION)
        self._end_to_end = recorded(meter, s.END_TO_END)
        self._first_token = recorded(meter, s.TIME_TO_FIRST_TOKEN)
        if genai:
            self._genai_duration = recorded(meter, s.GENAI_DURATION)
            self._genai_tokens = recorded(meter, s.GENAI_TOKENS)
            self._genai_first = recorded(meter, s.GENAI_FIRST_CHUNK)
        at_fork(before=self._later.before_fork, in_parent=self._later.after_fork_in_parent, in_child=self._forked)

    def _forked(self) -> None:
        self._later.after_fork_in_child()
        for sums in (
            self._calls,
            self._errors,
            self._attempts,
            self._tokens,
            self._rate_missing,
            self._usage_missing,
            self._headroom,
        ):
            sums.clear()
        self._seen.clear()

    def record(self, call: Call, context: Context | None, *, genai: bool = True) -> None:
        """Record one call, soon; ``context`` holds its span, for exemplars; ``genai`` off: another has recorded."""
        self._later.put(call, context, genai)

    def drain(self) -> None:
        """Record what waits."""
        self._later.drain()

    def _record(self, call: Call, context: Context | None, genai: bool) -> None:
        asked = self._model(call.request.model)
        answered = self._model(call.reply.model if call.reply else None)
        self._count(call, asked, answered)
        self._measure(call, asked, answered, context)
        if genai and self._genai:
            self._conventions(call, asked, answered, context)

    # ── counters ──────────────────────────────────────────────────────────────────────────────────────────────────
    def _count(self, call: Call, asked: str | None, answered: str | None) -> None:
        request = call.request
        who = (request.provider, request.operation, asked)
        promised = request.expected or UNKNOWN
        self._first_seen(who, request.requested, promised)
        self._calls.add((*who, request.requested, promised, call.served, call.outcome))
        if call.error_type is not None:
            self._errors.add((*who, request.requested, call.error_type))
        for attempt in call.attempts:
            self._attempts.add((*who, request.requested, attempt.result))
        self._count_tokens(call, (*who, answered, request.requested, promised, call.served, call.outcome))
        self._count_absence(call, (*who, request.requested))
        self._note_headroom(call, asked)

    def _first_seen(self, who: tuple[Any, ...], requested: str, promised: str) -> None:
        """Let the series of the worst outcomes start at 0: ``increase()`` of one born at 1 is 0."""
        if (*who, requested, promised) in self._seen or len(self._seen) >= MAX_SETS:
            return
        self._seen.add((*who, requested, promised))
        for outcome in (REFUSED, FAILED):
            self._calls.add((*who, requested, promised, UNREPORTED, outcome), 0)
        below = next((tier for tier in (DEFAULT, FLEX) if tiers.TABLE.get((promised, tier)) == DOWNGRADED), None)
        if below is not None:
            self._calls.add((*who, requested, promised, below, DOWNGRADED), 0)

    def _count_tokens(self, call: Call, key: tuple[Any, ...]) -> None:
        usage = call.reply.usage if call.reply is not None and call.reply.is_usage_new else None
        if usage is not None:
            for kind, count in token_parts(usage):
                self._tokens.add((*key, kind), count)

    def _count_absence(self, call: Call, key: tuple[Any, ...]) -> None:
        reply, operation = call.reply, call.request.operation
        if reply is None or operation in _NO_RATE:
            return
        if reply.usage is None and reply.is_terminal:
            self._usage_missing.add((*key, call.request.is_stream))
        for basis, reason in (
            ("generation", call.speed.generation_absent),
            ("end_to_end", call.speed.end_to_end_absent),
        ):
            if reason is not None:
                self._rate_missing.add((*key, basis, reason))

    def _note_headroom(self, call: Call, asked: str | None) -> None:
        limits = call.headers.rate_limits if call.headers is not None else None
        if limits is None:
            return
        for kind, left, limit in (
            ("requests", limits.remaining_requests, limits.limit_requests),
            ("tokens", limits.remaining_tokens, limits.limit_tokens),
        ):
            if left is not None and limit:
                self._headroom.put((call.request.provider, asked, kind), left / limit)

    # ── histograms ────────────────────────────────────────────────────────────────────────────────────────────────
    def _measure(self, call: Call, asked: str | None, answered: str | None, context: Context | None) -> None:
        request, speed = call.request, call.speed
        pair = (request.provider, asked, answered, request.requested, call.served)
        self._duration.add(_seconds(call), pair, context)
        if speed.first_token_s is not None:
            self._first_token.add(speed.first_token_s, pair, context)
        limited = (*pair, bool(speed.consumer_limited))
        if speed.generation is not None:
            self._generation.add(speed.generation, limited, context)
        if speed.end_to_end is not None:
            self._end_to_end.add(speed.end_to_end, limited, context)

    def _conventions(self, call: Call, asked: str | None, answered: str | None, context: Context | None) -> None:
        request = call.request
        tier = call.served if call.served != UNREPORTED else None
        who = (request.operation, request.provider, asked, answered, request.address, request.port)
        self._genai_duration.add(_seconds(call), (*who, call.error_type, tier), context)
        first = first_chunk(call)
        if first is not None:
            self._genai_first.add(first, (*who, tier), context)
        usage = call.reply.usage if call.reply is not None and call.reply.is_usage_new else None
        if usage is None:
            return
        if usage.input is not None:
            self._genai_tokens.add(usage.input, (*who, "input", tier), context)
        if usage.output is not None:
            self._genai_tokens.add(usage.output, (*who, "output", tier), context)


def _seconds(call: Call) -> float:
    return (call.timing.end_ns - call.timing.start_ns) * rates.NS


def token_parts(usage: Usage) -> list[tuple[str, int]]:
    """Split a usage into kinds that add up to its total; sides without details stay undivided."""
    return [
        *_parts(_INPUT, usage.input, usage.cached, usage.cache_write),
        *_parts(_OUTPUT, usage.output, usage.reasoning, usage.rejected_prediction),
    ]


def _parts(
    kinds: tuple[str, str, str, str], total: int | None, first: int | None, second: int | None
) -> Iterator[tuple[str, int]]:
    whole, rest_of_it, first_kind, second_kind = kinds
    if total is None:
        return
    rest = total - (first or 0) - (second or 0)
    if (first is None and second is None) or rest < 0:
        yield whole, total
        return
    yield rest_of_it, rest
    if first is not None:
        yield first_kind, first
    if second is not None:
        yield second_kind, second


def _internal_errors(_options: CallbackOptions) -> list[Observation]:
    return [Observation(count, {s.STEP.key: step}) for step, count in guard.counts().items()]
