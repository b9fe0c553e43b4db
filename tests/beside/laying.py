"""How each neighbour is switched on and off in a process of its own. Nothing of them is imported before."""

from __future__ import annotations

import importlib
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import Counter, Histogram, MeterProvider, ObservableCounter
from opentelemetry.sdk.metrics.export import AggregationTemporality, InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import tierscope

if TYPE_CHECKING:
    from collections.abc import Callable

DELTA: Final = dict.fromkeys((Counter, Histogram, ObservableCounter), AggregationTemporality.DELTA)


class Ears:
    """Exporters in memory, on whatever providers there are: the launcher's, logfire's, or our own."""

    def __init__(self, *, is_logfire: bool) -> None:
        self.spans = InMemorySpanExporter()
        self.readers: list[InMemoryMetricReader] = []
        if isinstance(trace.get_tracer_provider(), TracerProvider):  # the launcher's
            trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(self.spans))
            metrics.get_meter_provider().add_metric_reader(self._reader())  # type: ignore[attr-defined]
        elif not is_logfire:
            tracers = TracerProvider()
            tracers.add_span_processor(SimpleSpanProcessor(self.spans))
            trace.set_tracer_provider(tracers)
            metrics.set_meter_provider(MeterProvider([self._reader()]))
        if is_logfire:
            self._logfire()

    def _reader(self) -> InMemoryMetricReader:
        self.readers.append(InMemoryMetricReader(DELTA))  # type: ignore[arg-type]
        return self.readers[-1]

    def _logfire(self) -> None:
        logfire: Any = importlib.import_module("logfire")
        logfire.configure(
            send_to_logfire=False,
            console=False,
            inspect_arguments=False,
            additional_span_processors=[SimpleSpanProcessor(self.spans)],
            metrics=logfire.MetricsOptions(additional_readers=[self._reader()]),
        )


class Theirs:
    """A neighbour by its name."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._stack = ExitStack()
        self.exported: InMemorySpanExporter | None = None
        """What langfuse would have sent to its server."""

    def lay(self, variant: str = "") -> None:
        """Switch it on, on the global providers."""
        _LAY[self._name + variant](self)

    def take_off(self) -> None:
        """Switch it off again."""
        self._stack.close()

    def instrumentor(self, module: str) -> None:
        """Instrument as every package with a ``BaseInstrumentor`` is."""
        instrumentor = importlib.import_module(module).OpenAIInstrumentor()
        instrumentor.instrument()
        self._stack.callback(instrumentor.uninstrument)

    def logfire(self, *, suppress: bool) -> None:
        """Instrument the client's classes, which ``logfire.configure`` alone does not."""
        logfire: Any = importlib.import_module("logfire")
        taken_off = logfire.instrument_openai(suppress_other_instrumentation=suppress)
        self._stack.callback(self._leave, taken_off)

    @staticmethod
    def _leave(taken_off: Any) -> None:
        with taken_off:
            pass

    def langfuse(self, *, filters: bool) -> None:
        """Replace the import; it patches for good. Its keys are none, its exporter is in memory."""
        self.exported = InMemorySpanExporter()
        langfuse: Any = importlib.import_module("langfuse")
        langfuse.Langfuse(
            public_key="pk",
            secret_key="sk",  # noqa: S106
            base_url="http://127.0.0.1:9",
            span_exporter=self.exported,
            should_export_span=_not_ours if filters else None,
        )
        importlib.import_module("langfuse.openai")


def _not_ours(span: Any) -> bool:
    """Let langfuse send what it would, but no span of Tierscope."""
    usual: Any = importlib.import_module("langfuse.span_filter")
    return span.instrumentation_scope.name != "tierscope" and bool(usual.is_default_export_span(span))


_LAY: Final[dict[str, Callable[[Theirs], None]]] = {
    "official": lambda them: them.instrumentor("opentelemetry.instrumentation.genai.openai"),
    "traceloop": lambda them: them.instrumentor("opentelemetry.instrumentation.openai"),
    "openinference": lambda them: them.instrumentor("openinference.instrumentation.openai"),
    "logfire": lambda them: them.logfire(suppress=False),
    "logfire+suppressing": lambda them: them.logfire(suppress=True),
    "langfuse": lambda them: them.langfuse(filters=False),
    "langfuse+filtering": lambda them: them.langfuse(filters=True),
}
OURS: Final[dict[str, Callable[[], object]]] = {"+ours": tierscope.instrument, "-ours": tierscope.uninstrument}
