"""The instruments of every metric that is declared in ``signals``, made once a provider."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from opentelemetry.metrics import Observation

from tierscope import guard
from tierscope import signals as s
from tierscope.catalog import prices
from tierscope.cost import PICO
from tierscope.emit.sums import observable

if TYPE_CHECKING:
    from opentelemetry.metrics import CallbackOptions, Histogram, Meter

    from tierscope.declared import Metric
    from tierscope.emit.later import Later


class ConventionInstruments:
    """The histograms of the GenAI conventions, made once a provider."""

    def __init__(self, meter: Meter) -> None:
        self.duration = _histogram(meter, s.GENAI_DURATION)
        self.tokens = _histogram(meter, s.GENAI_TOKENS)
        self.first_chunk = _histogram(meter, s.GENAI_FIRST_CHUNK)


class Instruments:
    """Sums for counters and gauges, histograms as they are."""

    def __init__(self, meter: Meter, later: Later, *, genai: bool) -> None:
        self.rates = prices.rates()
        """The price list, that of whoever instrumented last."""
        self.calls = observable(meter, s.CALLS, later)
        self.errors = observable(meter, s.CALL_ERRORS, later)
        self.attempts = observable(meter, s.CALL_ATTEMPTS, later)
        self.tokens = observable(meter, s.TOKENS_USED, later)
        self.cost = observable(meter, s.COST_USD, later, per=PICO)
        self.cost_at_default = observable(meter, s.COST_AT_DEFAULT, later, per=PICO)
        self.cost_effects = observable(meter, s.COST_EFFECTS, later, per=PICO)
        self.unpriced = observable(meter, s.UNPRICED, later)
        self.rate_missing = observable(meter, s.RATE_MISSING, later)
        self.usage_missing = observable(meter, s.USAGE_MISSING, later)
        self.headroom = observable(meter, s.HEADROOM, later)
        self.retry_wait = observable(meter, s.RETRY_WAIT, later)
        self.batch_requests = observable(meter, s.BATCH_REQUESTS, later)
        self.sums = (
            *(self.calls, self.errors, self.attempts, self.tokens),
            *(self.cost, self.cost_at_default, self.cost_effects, self.unpriced),
            *(self.rate_missing, self.usage_missing, self.headroom),
            *(self.retry_wait, self.batch_requests),
        )
        self.duration = _histogram(meter, s.DURATION)
        self.generation = _histogram(meter, s.GENERATION)
        self.end_to_end = _histogram(meter, s.END_TO_END)
        self.first_token = _histogram(meter, s.TIME_TO_FIRST_TOKEN)
        self.turnaround = _histogram(meter, s.TURNAROUND)
        self.conventions = ConventionInstruments(meter) if genai else None
        internal = s.INTERNAL_ERRORS
        meter.create_observable_counter(
            internal.name, callbacks=[_internal_errors], unit=internal.unit, description=internal.description
        )
        age = s.CATALOG_AGE
        meter.create_observable_gauge(age.name, callbacks=[_age], unit=age.unit, description=age.description)


def _age(_options: CallbackOptions) -> list[Observation]:
    return [Observation(prices.age_s(time.time()))]


def _histogram(meter: Meter, metric: Metric) -> Histogram:
    return meter.create_histogram(
        metric.name,
        unit=metric.unit,
        description=metric.description,
        explicit_bucket_boundaries_advisory=metric.buckets,
    )


def _internal_errors(_options: CallbackOptions) -> list[Observation]:
    return [Observation(count, {s.STEP.key: step}) for step, count in guard.counts().items()]
