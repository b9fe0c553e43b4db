"""A finished call as metrics: sums for counters, one record a histogram, nothing per chunk."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from opentelemetry.metrics import Observation

from tierscope import guard, rates, tiers
from tierscope import signals as s
from tierscope.emit.bounds import Bounded
from tierscope.emit.spans import first_chunk
from tierscope.emit.sums import observable
from tierscope.words import DEFAULT, DOWNGRADED, FAILED, FLEX, REFUSED, UNKNOWN, UNREPORTED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from opentelemetry.context import Context
    from opentelemetry.metrics import CallbackOptions, Histogram, Meter

    from tierscope.model import Call, Usage

MAX_SETS = 2048
_NO_RATE = frozenset({"embeddings", "fetch_response"})


def _histogram(meter: Meter, metric: s.Metric) -> Histogram:
    return meter.create_histogram(
        metric.name,
        unit=metric.unit,
        description=metric.description,
        explicit_bucket_boundaries_advisory=metric.buckets,
    )


class Meters:
    """Records calls on every metric declared in ``signals``."""

    def __init__(self, meter: Meter, *, genai: bool) -> None:
        self._model = Bounded()
        self._genai = genai
        self._sets: dict[Any, dict[str, Any]] = {}
        self._seen: set[tuple[Any, ...]] = set()
        self._calls = observable(meter, s.CALLS)
        self._errors = observable(meter, s.CALL_ERRORS)
        self._attempts = observable(meter, s.CALL_ATTEMPTS)
        self._tokens = observable(meter, s.TOKENS_USED)
        self._rate_missing = observable(meter, s.RATE_MISSING)
        self._usage_missing = observable(meter, s.USAGE_MISSING)
        self._headroom = observable(meter, s.HEADROOM)
        meter.create_observable_counter(
            s.INTERNAL_ERRORS.name,
            callbacks=[_internal_errors],
            unit=s.INTERNAL_ERRORS.unit,
            description=s.INTERNAL_ERRORS.description,
        )
        self._duration = _histogram(meter, s.DURATION)
        self._generation = _histogram(meter, s.GENERATION)
        self._end_to_end = _histogram(meter, s.END_TO_END)
        self._first_token = _histogram(meter, s.TIME_TO_FIRST_TOKEN)
        if genai:
            self._genai_duration = _histogram(meter, s.GENAI_DURATION)
            self._genai_tokens = _histogram(meter, s.GENAI_TOKENS)
            self._genai_first = _histogram(meter, s.GENAI_FIRST_CHUNK)
        os.register_at_fork(after_in_child=self._forked)

    def _forked(self) -> None:
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
        """Record one call; ``context`` holds its span, for exemplars; ``genai`` is off where another has recorded."""
        request = call.request
        asked = self._model(request.model)
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
        key = (request.provider, request.operation, asked, answered, request.requested, call.served)
        attributes = self._set(s.DURATION, key)
        self._duration.record(_seconds(call), attributes, context)
        if speed.first_token_s is not None:
            self._first_token.record(speed.first_token_s, attributes, context)
        limited = (*key, bool(speed.consumer_limited))
        if speed.generation is not None:
            self._generation.record(speed.generation, self._set(s.GENERATION, limited), context)
        if speed.end_to_end is not None:
            self._end_to_end.record(speed.end_to_end, self._set(s.END_TO_END, limited), context)

    def _conventions(self, call: Call, asked: str | None, answered: str | None, context: Context | None) -> None:
        request, served = call.request, call.served
        tier = served if served != UNREPORTED else None
        who = (request.operation, request.provider, asked, answered, request.address, request.port)
        self._genai_duration.record(_seconds(call), self._set(s.GENAI_DURATION, (*who, call.error_type, tier)), context)
        first = first_chunk(call)
        if first is not None:
            self._genai_first.record(first, self._set(s.GENAI_FIRST_CHUNK, (*who, tier)), context)
        usage = call.reply.usage if call.reply is not None and call.reply.is_usage_new else None
        if usage is None:
            return
        for side, count in (("input", usage.input), ("output", usage.output)):
            if count is not None:
                self._genai_tokens.record(count, self._set(s.GENAI_TOKENS, (*who, side, tier)), context)

    def _set(self, metric: s.Metric, values: tuple[Any, ...]) -> dict[str, Any]:
        """Return the attribute set of a closed combination, made once."""
        known = self._sets.get((metric.attributes, values))
        if known is None:
            known = {a.key: v for a, v in zip(metric.attributes, values, strict=True) if v is not None}
            if len(self._sets) < MAX_SETS:
                self._sets[metric.attributes, values] = known
        return known


def _seconds(call: Call) -> float:
    return (call.timing.end_ns - call.timing.start_ns) * rates.NS


def token_parts(usage: Usage) -> Iterator[tuple[str, int]]:
    """Split a usage into kinds that add up to its total; sides without details stay undivided."""
    if usage.input is not None:
        yield from _parts("input", usage.input, "uncached", {"cached": usage.cached, "cache_write": usage.cache_write})
    if usage.output is not None:
        yield from _parts(
            "output",
            usage.output,
            "visible",
            {"reasoning": usage.reasoning, "rejected_prediction": usage.rejected_prediction},
        )


def _parts(side: str, total: int, rest: str, details: dict[str, int | None]) -> Iterator[tuple[str, int]]:
    known = {name: count for name, count in details.items() if count is not None}
    remainder = total - sum(known.values())
    if not known or remainder < 0:
        yield f"{side}_undivided", total
        return
    yield f"{side}_{rest}", remainder
    yield from ((f"{side}_{name}", count) for name, count in known.items())


def _internal_errors(_options: CallbackOptions) -> list[Observation]:
    return [Observation(count, {s.STEP.key: step}) for step, count in guard.counts().items()]
