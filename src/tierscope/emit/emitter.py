"""The observer that turns the three moments of a call into one CLIENT span and metrics."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import context, metrics, trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from tierscope import signals
from tierscope.catalog import prices
from tierscope.emit import batches, companion, names, spans
from tierscope.emit.meters import Meters

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import Span, Tracer, TracerProvider

    from tierscope.model import Call, Request
    from tierscope.policy import Policy


_SUPPRESSED: Final = ("suppress_instrumentation", context._SUPPRESS_INSTRUMENTATION_KEY)  # noqa: SLF001
"""The keys of ``opentelemetry.instrumentation.utils``, whose import costs more than the rest of ``emit``."""


class SpanObservation:
    """Our own span around one call."""

    __slots__ = ("_context", "_meters", "_request", "_span", "_token")

    is_curious = False

    def __init__(self, span: Span, request: Request, meters: Meters) -> None:
        self._span = span
        self._request = request
        self._meters = meters
        self._context = trace.set_span_in_context(span)
        self._token: Any = None

    def __enter__(self) -> None:
        self._token = context.attach(self._context)

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        context.detach(self._token)

    def learned(self, call: Call) -> None:
        """Our own span ends with the call: there is nothing to hurry for."""

    def ended(self, call: Call) -> None:
        """End the span at the call's own end, and record its metrics with that span as exemplar."""
        span = self._span
        if span.is_recording():
            if call.request is not self._request:  # as sent it told another tier, or its deployment
                span.set_attributes(spans.at_start(call.request))
            span.set_attributes(spans.at_end(call))
            if spans.is_error(call):
                span.set_status(Status(StatusCode.ERROR, call.error_type))
        self._meters.record(call, span.get_span_context())
        span.end(call.timing.unix_ns + call.timing.end_ns - call.timing.start_ns)


class CompanionObservation:
    """Facts for the official span around one call; our own metrics as always."""

    __slots__ = ("_data", "_meters", "_span")

    is_curious = True

    def __init__(self, data: Any, meters: Meters) -> None:
        self._data = data
        self._meters = meters
        self._span = trace.get_current_span().get_span_context()

    def __enter__(self) -> None:
        """The outer span is current already."""

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        """The outer span is left by its owner."""

    def learned(self, call: Call) -> None:
        """Write before the chunk is handed on: the outer span may end on it."""
        companion.publish_so_far(self._data, call)

    def ended(self, call: Call) -> None:
        """Write the last facts, where the outer span still listens, and record our own metrics."""
        companion.publish_end(self._data, call)
        self._meters.record(call, self._span, genai=False)


class Emitter:
    """Opens a span, or joins the official one, for every call that is not suppressed."""

    def __init__(self, tracer: Tracer, meters: Meters, *, service: Callable[[], str | None], is_heard: bool) -> None:
        self._tracer = tracer
        self._meters = meters
        self.service = service
        """Asked for the name of the service, again and again: its provider may be set after the first call."""
        self.is_heard = is_heard
        """Whether any provider was configured when this was made."""

    def started(self, request: Request, unix_ns: int) -> SpanObservation | CompanionObservation | None:
        """Begin to observe a call; ``None`` while instrumentation is suppressed."""
        ambient = context.get_current()
        if ambient:  # nothing can be suppressed, or be around us, in an empty context
            if _is_suppressed(ambient):
                return None
            data = companion.outer(ambient, request)
            if data is not None:
                companion.publish_start(data, request)
                return CompanionObservation(data, self._meters)
        span = self._tracer.start_span(
            spans.name(request),
            kind=SpanKind.CLIENT,
            attributes=spans.at_start(request),
            start_time=unix_ns,
        )
        return SpanObservation(span, request, self._meters)

    def is_suppressed(self) -> bool:
        """Say whether instrumentation is suppressed where this is called."""
        return _is_suppressed(context.get_current())

    def batches(self, told: Call, records: tuple[Call, ...]) -> None:
        """Make one span of the API call that told of batches, and record the metrics of each batch."""
        span = batches.span(self._tracer, told, records)
        for record in records:
            self._meters.record(record, span, genai=False)


_made: list[tuple[MeterProvider, bool, Meters]] = []
"""By identity: a provider need not be hashable (logfire's is not)."""


def emitter_for(
    tracers: TracerProvider | None,
    meters: MeterProvider | None,
    *,
    genai_metrics: bool,
    version: str,
    catalog: str | None,
    policy: Policy | None = None,
    service: str | None = None,
) -> Emitter:
    """Return an emitter; instruments are made once a provider, for the SDK refuses a second set of the same names."""
    tracer_provider = tracers or trace.get_tracer_provider()
    meter_provider = meters or metrics.get_meter_provider()
    made = next((m for p, genai, m in _made if p is meter_provider and genai is genai_metrics), None)
    if made is None:
        meter = metrics.get_meter(signals.SCOPE, version, meter_provider, schema_url=signals.SCHEMA_URL)
        made = Meters(meter, genai=genai_metrics)
        _made.append((meter_provider, genai_metrics, made))
    named = functools.partial(names.service, tracers, service)
    made.use(prices.rates(catalog), policy, named)
    tracer = trace.get_tracer(signals.SCOPE, version, tracer_provider, schema_url=signals.SCHEMA_URL)
    return Emitter(
        tracer, made, service=named, is_heard=not (_is_silent(tracer_provider) and _is_silent(meter_provider))
    )


def flush() -> None:
    """Record every call that waits, whoever recorded it."""
    for _, _, meters in _made:
        meters.drain()


def _is_suppressed(ambient: context.Context) -> bool:
    return any(ambient.get(key) for key in _SUPPRESSED)


def _is_silent(provider: object) -> bool:
    """Say whether a provider is the API's own: a no-op, or a proxy for one that may still be set."""
    return (
        type(provider).__module__.partition(".")[2].startswith(("trace", "metrics"))
        and "sdk" not in type(provider).__module__
    )
