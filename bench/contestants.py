"""What is compared: the bare client, a hand-written floor, the official package, and Tierscope in three ways."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind

import tierscope
from tierscope.config import Settings
from tierscope.emit.costs import Costs
from tierscope.wiring import WIRING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import Span
    from operations import Operation

FLOOR_SPAN_ATTRIBUTES = 12
FLOOR_RECORDS = 4
FLOOR_RECORD_ATTRIBUTES = 6


class Counting(SpanExporter):
    """Exports nothing, and counts: a contestant that emits nothing must not win."""

    def __init__(self) -> None:
        self.spans = 0
        self.attributes = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Take a batch."""
        self.spans += len(spans)
        self.attributes += sum(len(span.attributes or ()) for span in spans)
        return SpanExportResult.SUCCESS


class Bare:
    """The client alone. Twice in every run: what lies between the two is the error of the measurement."""

    least: tuple[int, int, int] = (0, 0, 0)
    """Spans, span attributes and metric records that a call leaves at least."""

    def __init__(self, name: str = "bare") -> None:
        self.name = name

    def enter(self) -> None:
        """Put it in place."""

    def leave(self) -> None:
        """Take it off."""

    def around(self, operation: Operation) -> Any:
        """Return what makes one call."""
        return operation.call

    def settle(self) -> None:
        """Do the deferred work: inside the region whose CPU time is taken."""

    def emitted(self) -> tuple[int, int, int]:
        """Return spans, span attributes and metric records so far."""
        return 0, 0, 0


class Observed(Bare):
    """What has providers of its own: a batch processor, and a reader that is asked only in the end."""

    least = (1, FLOOR_SPAN_ATTRIBUTES, 1)

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self._exporter = Counting()
        self.tracers = TracerProvider()
        self.tracers.add_span_processor(BatchSpanProcessor(self._exporter))
        self._reader = InMemoryMetricReader()
        self.meters = MeterProvider([self._reader])

    def settle(self) -> None:
        """Export the spans."""
        self.tracers.force_flush()

    def emitted(self) -> tuple[int, int, int]:
        """Return what came out."""
        data = self._reader.get_metrics_data()
        metrics = [m for r in data.resource_metrics for s in r.scope_metrics for m in s.metrics] if data else []
        records = sum(getattr(point, "count", 0) for metric in metrics for point in metric.data.data_points)
        return self._exporter.spans, self._exporter.attributes, records


class Floor(Observed):
    """The least that a hand-written instrumentation does: one span with 12 attributes, four records with 6.

    No correct software: it loses failing calls and dropped streams, and knows nothing of tiers.
    """

    least = (1, FLOOR_SPAN_ATTRIBUTES, FLOOR_RECORDS)

    def __init__(self, name: str = "floor") -> None:
        super().__init__(name)
        self._tracer = self.tracers.get_tracer("floor")
        meter = self.meters.get_meter("floor")
        self._histograms = [meter.create_histogram(f"floor.{number}") for number in range(FLOOR_RECORDS)]

    def around(self, operation: Operation) -> Any:
        """Return a plain wrapper around a call."""
        if operation.is_async:

            async def acall() -> Any:
                with self._observed() as done:
                    done(operation.facts(await operation.call()))

            return acall

        def call() -> Any:
            with self._observed() as done:
                done(operation.facts(operation.call()))

        return call

    @contextmanager
    def _observed(self) -> Iterator[Any]:
        start = time.perf_counter()
        with self._tracer.start_as_current_span("chat gpt-4.1", kind=SpanKind.CLIENT) as span:
            yield lambda facts: self._done(span, start, facts)

    def _done(self, span: Span, start: float, facts: tuple[Any, ...]) -> None:
        model, ident, taken, given, finish, tier = facts
        span.set_attributes(
            {
                "gen_ai.operation.name": "chat",
                "gen_ai.provider.name": "openai",
                "gen_ai.request.model": "gpt-4.1",
                "server.address": "api.openai.com",
                "server.port": 443,
                "gen_ai.response.model": model,
                "gen_ai.response.id": ident,
                "gen_ai.usage.input_tokens": taken,
                "gen_ai.usage.output_tokens": given,
                "gen_ai.response.finish_reasons": (finish,),
                "openai.request.service_tier": "priority",
                "openai.response.service_tier": tier,
            }
        )
        seconds = time.perf_counter() - start
        shared = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": "openai",
            "gen_ai.request.model": "gpt-4.1",
            "gen_ai.response.model": model,
            "openai.response.service_tier": tier,
        }
        for histogram, value in zip(self._histograms, (seconds, seconds, taken, given), strict=True):
            histogram.record(value, {**shared, "gen_ai.token.type": "input"})


class Official(Observed):
    """opentelemetry-instrumentation-genai-openai."""

    least = (1, 5, 1)

    def __init__(self, name: str = "official") -> None:
        super().__init__(name)
        self._instrumentor = OpenAIInstrumentor()

    def enter(self) -> None:
        """Instrument."""
        self._instrumentor.instrument(tracer_provider=self.tracers, meter_provider=self.meters)

    def leave(self) -> None:
        """Take it off."""
        self._instrumentor.uninstrument()


class Tierscope(Observed):
    """Tierscope as users have it."""

    def __init__(self, name: str = "tierscope", *, genai_metrics: bool = True) -> None:
        super().__init__(name)
        self._settings = Settings(genai_metrics=genai_metrics)

    def enter(self) -> None:
        """Instrument."""
        tierscope.instrument(self._settings, tracer_provider=self.tracers, meter_provider=self.meters)

    def settle(self) -> None:
        """Record what waits, and export."""
        WIRING.flush()
        super().settle()

    def leave(self) -> None:
        """Take it off."""
        tierscope.uninstrument()


class Priced(Tierscope):
    """Tierscope whose costs are stamped where they are counted."""

    def __init__(self) -> None:
        super().__init__("tierscope, stamped")
        self._count = Costs.count
        self.spent_ns = 0

    def enter(self) -> None:
        """Instrument, and put stamps around what costs add."""
        super().enter()
        setattr(Costs, "count", self._stamped(self._count))  # noqa: B010  its type is a method

    def leave(self) -> None:
        """Take them off."""
        super().leave()
        setattr(Costs, "count", self._count)  # noqa: B010  see above

    def _stamped(self, function: Callable[..., None]) -> Callable[..., None]:
        def run(*told: Any) -> None:
            began = time.perf_counter_ns()
            function(*told)
            self.spent_ns += time.perf_counter_ns() - began

        return run


class Companion(Tierscope):
    """Tierscope inside the official package's spans."""

    def __init__(self, name: str = "companion") -> None:
        super().__init__(name)
        self._instrumentor = OpenAIInstrumentor()

    def enter(self) -> None:
        """Instrument both."""
        self._instrumentor.instrument(tracer_provider=self.tracers, meter_provider=self.meters)
        super().enter()

    def leave(self) -> None:
        """Take both off."""
        super().leave()
        self._instrumentor.uninstrument()


def everyone() -> list[Bare]:
    """Return all contestants; the bare client is the control of itself."""
    return [
        Bare(),
        Bare("bare again"),
        Floor(),
        Tierscope(),
        Tierscope("tierscope, GenAI off", genai_metrics=False),
        Official(),
        Companion(),
    ]
