"""What is compared: the bare client, a hand-written floor, and Tierscope; each with providers of its own."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Protocol

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind

import tierscope
from tierscope.config import Settings
from tierscope.wiring import WIRING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from opentelemetry.sdk.trace import ReadableSpan

FLOOR_SPAN_ATTRIBUTES = 12
FLOOR_RECORDS = 4
FLOOR_RECORD_ATTRIBUTES = 6


class Counting(SpanExporter):
    """Exports nothing, and counts: a contestant that emits nothing must not win."""

    def __init__(self) -> None:
        self.spans = 0
        self.attributes = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.spans += len(spans)
        self.attributes += sum(len(span.attributes or ()) for span in spans)
        return SpanExportResult.SUCCESS


class Contestant(Protocol):
    """One way of making the same call."""

    name: str

    def enter(self) -> None:
        """Put it in place."""

    def leave(self) -> None:
        """Take it off."""

    def call(self, operation: Callable[[], Any]) -> Any:
        """Make one call."""

    def settle(self) -> None:
        """Do the deferred work: inside the region whose CPU time is taken."""

    def emitted(self) -> tuple[int, int, int]:
        """Spans, span attributes and metric records so far."""


class Bare:
    """The client alone. Twice in every run: what lies between the two is the error of the measurement."""

    def __init__(self, name: str) -> None:
        self.name = name

    def enter(self) -> None: ...

    def leave(self) -> None: ...

    def call(self, operation: Callable[[], Any]) -> Any:
        return operation()

    def settle(self) -> None: ...

    def emitted(self) -> tuple[int, int, int]:
        return 0, 0, 0


class Observed:
    """What has providers: a batch processor, and a reader that is asked only in the end."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._exporter = Counting()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(BatchSpanProcessor(self._exporter))
        self._reader = InMemoryMetricReader()
        self.meters = MeterProvider([self._reader])

    def enter(self) -> None: ...

    def leave(self) -> None: ...

    def call(self, operation: Callable[[], Any]) -> Any:
        return operation()

    def settle(self) -> None:
        self.tracers.force_flush()

    def emitted(self) -> tuple[int, int, int]:
        data = self._reader.get_metrics_data()
        metrics = [m for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics] if data else []
        records = sum(getattr(point, "count", 0) for metric in metrics for point in metric.data.data_points)
        return self._exporter.spans, self._exporter.attributes, records


class Floor(Observed):
    """The least that a hand-written instrumentation does: one span with 12 attributes, four records with 6.

    No correct software: it loses failing calls and knows nothing of tiers.
    """

    def __init__(self) -> None:
        super().__init__("floor")
        self._tracer = self.tracers.get_tracer("floor")
        meter = self.meters.get_meter("floor")
        self._histograms = [meter.create_histogram(f"floor.{n}") for n in range(FLOOR_RECORDS)]

    def call(self, operation: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        with self._tracer.start_as_current_span("chat gpt-4.1", kind=SpanKind.CLIENT) as span:
            reply = operation()
            span.set_attributes(
                {
                    "gen_ai.operation.name": "chat",
                    "gen_ai.provider.name": "openai",
                    "gen_ai.request.model": "gpt-4.1",
                    "server.address": "api.openai.com",
                    "server.port": 443,
                    "gen_ai.response.model": reply.model,
                    "gen_ai.response.id": reply.id,
                    "gen_ai.usage.input_tokens": reply.usage.prompt_tokens,
                    "gen_ai.usage.output_tokens": reply.usage.completion_tokens,
                    "gen_ai.response.finish_reasons": (reply.choices[0].finish_reason,),
                    "openai.request.service_tier": "priority",
                    "openai.response.service_tier": reply.service_tier,
                }
            )
            seconds = time.perf_counter() - start
            shared = {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "openai",
                "gen_ai.request.model": "gpt-4.1",
                "gen_ai.response.model": reply.model,
                "openai.response.service_tier": reply.service_tier,
            }
            values = (seconds, seconds, reply.usage.prompt_tokens, reply.usage.completion_tokens)
            for histogram, value in zip(self._histograms, values, strict=True):
                histogram.record(value, {**shared, "gen_ai.token.type": "input"})
        return reply


class Tierscope(Observed):
    """Tierscope as users have it."""

    def __init__(self, name: str, *, genai_metrics: bool) -> None:
        super().__init__(name)
        self._settings = Settings(genai_metrics=genai_metrics)

    def enter(self) -> None:
        tierscope.instrument(self._settings, tracer_provider=self.tracers, meter_provider=self.meters)

    def settle(self) -> None:
        WIRING.flush()
        super().settle()

    def leave(self) -> None:
        tierscope.uninstrument()
