"""Bound histograms hold what ``Histogram.record`` would have made them hold, with every setting of an SDK we know."""

from __future__ import annotations

import json
import logging
import random
from math import inf, nan
from typing import TYPE_CHECKING, Any, Final

import pytest
from opentelemetry import metrics, trace
from opentelemetry.context import Context
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.metrics._internal.instrument import _ProxyHistogram
from opentelemetry.sdk.metrics import (
    AlwaysOffExemplarFilter,
    AlwaysOnExemplarFilter,
    Histogram,
    MeterProvider,
    TraceBasedExemplarFilter,
)
from opentelemetry.sdk.metrics._internal import _MeterConfig
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from opentelemetry.sdk.metrics.view import (
    DropAggregation,
    ExplicitBucketHistogramAggregation,
    ExponentialBucketHistogramAggregation,
    View,
)
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags
from opentelemetry.version import __version__ as api_version

from tierscope.emit import binding

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.metrics import Meter

CUMULATIVE: Final = {Histogram: AggregationTemporality.CUMULATIVE}
DELTA: Final = {Histogram: AggregationTemporality.DELTA}
SETS: Final = (
    {"model": "gpt-4.1", "tier": "priority", "port": 443, "is_stream": True},
    {"model": "gpt-4.1", "tier": "default", "port": 443, "is_stream": False},
    {"model": "gpt-5", "tier": "default", "port": 1, "is_stream": True},
    {"model": "gpt-5-mini", "tier": "flex"},
    {},
)
BY_MODEL: Final = View(instrument_name="h", attribute_keys={"model"})
OF_TENS: Final = View(instrument_name="h", name="tens", aggregation=ExplicitBucketHistogramAggregation([10, 100]))
EXPONENTIAL: Final = View(instrument_name="h", aggregation=ExponentialBucketHistogramAggregation())
NOTHING: Final = View(instrument_name="h", aggregation=DropAggregation())
OF_THREE: Final = View(instrument_name="h", aggregation_cardinality_limit=3)
SETTINGS: Final = {
    "cumulative": ((CUMULATIVE,), (), TraceBasedExemplarFilter()),
    "delta": ((DELTA,), (), TraceBasedExemplarFilter()),
    "both": ((CUMULATIVE, DELTA), (), TraceBasedExemplarFilter()),
    "no reader": ((), (), TraceBasedExemplarFilter()),
    "fewer attributes": ((CUMULATIVE, DELTA), (BY_MODEL,), TraceBasedExemplarFilter()),
    "two views": ((CUMULATIVE, DELTA), (BY_MODEL, OF_TENS), TraceBasedExemplarFilter()),
    "exponential": ((CUMULATIVE,), (EXPONENTIAL,), TraceBasedExemplarFilter()),
    "exponential, delta": ((DELTA,), (EXPONENTIAL,), AlwaysOffExemplarFilter()),
    "dropped": ((CUMULATIVE, DELTA), (NOTHING, OF_TENS), TraceBasedExemplarFilter()),
    "overflow": ((CUMULATIVE, DELTA), (OF_THREE,), TraceBasedExemplarFilter()),
    "all exemplars": ((CUMULATIVE, DELTA), (OF_TENS,), AlwaysOnExemplarFilter()),
    "no exemplars": ((CUMULATIVE, DELTA), (OF_TENS,), AlwaysOffExemplarFilter()),
}


class Service:
    """A meter provider with one histogram, and its readers."""

    def __init__(self, name: str, how: Callable[[Any, Any], Any]) -> None:
        temporalities, views, exemplars = SETTINGS[name]
        self.readers = [InMemoryMetricReader(preferred_temporality=dict(one)) for one in temporalities]
        self.provider = MeterProvider(self.readers, views=views, exemplar_filter=exemplars)
        self.histogram = histogram(self.provider.get_meter("test"))
        self.records: list[Any] = [how(self.histogram, attributes) for attributes in SETS]

    def points(self) -> list[Any]:
        """Everything that each reader collects, without times."""
        collected = [reader.get_metrics_data() for reader in self.readers]
        return [timeless(json.loads(data.to_json())) if data else None for data in collected]


def histogram(meter: Meter) -> metrics.Histogram:
    return meter.create_histogram("h", unit="s", explicit_bucket_boundaries_advisory=[0.1, 1, 10])


def unbound(of: metrics.Histogram, attributes: Any) -> Any:
    return lambda value, context: of.record(value, attributes, context)


def timeless(told: Any) -> Any:
    """The same without times, and with points in the order of their attributes."""
    if isinstance(told, dict):
        return {key: timeless(value) for key, value in told.items() if "time" not in key}
    return sorted(map(timeless, told), key=json.dumps) if isinstance(told, list) else told


def somewhere(dice: random.Random) -> Context:
    """None, one that is not sampled, or one that is."""
    if dice.random() < 0.3:
        return Context()
    flags = TraceFlags(dice.choice((TraceFlags.DEFAULT, TraceFlags.SAMPLED)))
    span = SpanContext(dice.getrandbits(128) or 1, dice.getrandbits(64) or 1, is_remote=False, trace_flags=flags)
    return trace.set_span_in_context(NonRecordingSpan(span), Context())


def fill(service: Service, seed: int) -> None:
    """Record values in every bucket and of every set."""
    dice = random.Random(seed)  # noqa: S311  no secret
    random.seed(seed)  # what the SDK's reservoirs draw from
    for _ in range(200):
        dice.choice(service.records)(dice.choice((0, 0.05, 0.1, 0.5, 1, 5, 50, 500)), somewhere(dice))


@pytest.mark.parametrize("name", SETTINGS)
def test_points_and_exemplars_are_the_same(name: str) -> None:
    """Three collections, between which a reader comes and goes."""
    bound, plain = Service(name, binding.recorder), Service(name, unbound)
    seen: list[Any] = []
    for turn in range(3):
        for service in (bound, plain):
            if turn == 1:
                service.readers.append(InMemoryMetricReader())
                service.provider.add_metric_reader(service.readers[-1])
            if turn == 2:
                service.provider.remove_metric_reader(service.readers.pop())
            fill(service, turn)
        seen.append(plain.points())
        assert bound.points() == seen[-1]
    assert "exemplars" in json.dumps(seen)
    for service in (bound, plain):
        service.provider.shutdown()


def test_the_sdk_that_is_pinned_is_known() -> None:
    """A newer one is compared here before its name is added."""
    service = Service("both", binding.recorder)
    assert api_version.startswith(binding.KNOWN)
    assert isinstance(service.records[0].__self__, binding.BoundHistogram)


def test_one_that_is_unknown_records_through_the_api(monkeypatch: pytest.MonkeyPatch) -> None:
    """Slower, and the same."""
    monkeypatch.setattr(binding, "KNOWN", ("1.44.",))
    other, plain = Service("both", binding.recorder), Service("both", unbound)
    assert not hasattr(other.records[0], "__self__")
    fill(other, 1)
    fill(plain, 1)
    assert other.points() == plain.points()


def test_what_is_no_duration_is_refused_in_the_words_of_the_sdk(caplog: pytest.LogCaptureFixture) -> None:
    """Not a number, without end, and below zero."""
    service = Service("cumulative", binding.recorder)
    with caplog.at_level(logging.WARNING):
        for value in (nan, inf, -1.0):
            service.records[0](value, Context())
    assert len(caplog.records) == 3
    assert service.points() == [None]


def test_a_meter_that_is_switched_off_records_nothing() -> None:
    """By the SDK's own switch, at any time."""
    service = Service("cumulative", binding.recorder)
    service.provider._set_meter_configurator(meter_configurator=lambda _scope: _MeterConfig(is_enabled=False))
    fill(service, 1)
    assert service.points() == [None]


def test_a_histogram_of_no_sdk_is_left_alone() -> None:
    """The API's own, which does nothing, and one that was made before there was a provider."""
    nothing = NoOpMeterProvider().get_meter("test").create_histogram("h")
    binding.recorder(nothing, {})(1.0, Context())
    service = Service("cumulative", binding.recorder)
    early: Any = _ProxyHistogram("h", "s", "")
    early.on_meter_set(service.provider.get_meter("early"))
    late = binding.recorder(early, {"model": "gpt-4.1"})
    late(1.0, Context())
    assert isinstance(late.__self__, binding.BoundHistogram)  # type: ignore[attr-defined]
    assert '"count": 1' in json.dumps(service.points())
