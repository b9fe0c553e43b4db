"""A real SDK with in-memory exporters, instrumented for the length of a block."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Self

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import tierscope
from tierscope import testing
from tierscope.config import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from opentelemetry.sdk.metrics.view import View
    from opentelemetry.sdk.trace import ReadableSpan

TRUSTED = Settings(trusted_hosts={"127.0.0.1": "openai"})
"""The loopback service is believed as api.openai.com is."""


class Telemetry:
    """A real SDK with in-memory exporters of its own."""

    def __init__(self, sampler: Any = None, settings: Settings = TRUSTED, views: Sequence[View] = ()) -> None:
        self._exporter = InMemorySpanExporter()
        self.tracers = TracerProvider(sampler=sampler)
        self.tracers.add_span_processor(SimpleSpanProcessor(self._exporter))
        self._reader = InMemoryMetricReader()
        self.meters = MeterProvider([self._reader], views=views)
        self.settings = settings

    def __enter__(self) -> Self:
        tierscope.instrument(self.settings, tracer_provider=self.tracers, meter_provider=self.meters)
        return self

    def __exit__(self, *_: object) -> None:
        testing.settle()
        tierscope.uninstrument()
        self.tracers.shutdown()
        self.meters.shutdown()

    @property
    def spans(self) -> list[ReadableSpan]:
        return list(self._exporter.get_finished_spans())

    @property
    def metrics(self) -> dict[str, Any]:
        data = self._reader.get_metrics_data()
        scopes = [s for r in data.resource_metrics for s in r.scope_metrics] if data else []
        return {metric.name: metric for scope in scopes for metric in scope.metrics}

    def records(self, name: str) -> dict[str, float]:
        """Return scope → sum of values (or of counts) of one metric: who recorded it, and how often."""
        data = self._reader.get_metrics_data()
        found: Counter[str] = Counter()
        for scope in [s for r in data.resource_metrics for s in r.scope_metrics] if data else []:
            for metric in scope.metrics:
                if metric.name == name:
                    found[scope.scope.name] += sum(_amount(point) for point in metric.data.data_points)
        return dict(found)

    def points(self, name: str) -> dict[tuple[tuple[str, Any], ...], Any]:
        """Return attribute set → value (or count) of one metric."""
        metric = self.metrics.get(name)
        points = metric.data.data_points if metric else []
        return {tuple(sorted(p.attributes.items())): _amount(p) for p in points}


def _amount(point: Any) -> Any:
    """Return the value of a sum's point, the count of a histogram's."""
    return getattr(point, "value", getattr(point, "count", None))
