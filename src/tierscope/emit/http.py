"""HTTP spans of attempts: made by opentelemetry-instrumentation-httpx, ours to borrow or the application's own.

What an attempt tells is written onto the current span, which inside the HTTP layer is the HTTP span, whoever made it.
"""

from __future__ import annotations

import importlib
import logging
from contextlib import contextmanager
from importlib import util
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import trace
from opentelemetry.trace import SpanKind

from tierscope.emit import spans

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import TracerProvider

    from tierscope.model import Headers

log = logging.getLogger("tierscope")

PACKAGE: Final = "opentelemetry.instrumentation.httpx"
_INSTRUMENTORS: Final[Mapping[str, str]] = {"httpx": "HTTPXClientInstrumentor", "httpx2": "HTTPX2ClientInstrumentor"}
REMEDY: Final = "pip install --upgrade 'tierscope[http]'"


class Attempt:
    """One attempt of a call, and the span that it started from."""

    __slots__ = ("_http", "_library", "_number", "_requested", "_start")

    def __init__(self, http: HttpSpans, library: str, number: int, requested: str) -> None:
        self._http = http
        self._library = library
        self._number = number
        self._requested = requested
        self._start = trace.get_current_span()

    @property
    def is_bare(self) -> bool:
        """Whether an HTTP span is ours to make: nobody has made a span since, and the application's do not follow."""
        return trace.get_current_span() is self._start and not self._http.is_taken_over(self._library)

    def sent(self) -> None:
        """Say which attempt this is."""
        self._write(spans.at_attempt(self._number, self._requested))

    def answered(self, headers: Headers) -> None:
        """Say what its response's headers told."""
        self._write(spans.at_answer(headers))

    def _write(self, attributes: dict[str, Any]) -> None:
        """Write onto the HTTP span; where there is none, the current one is the call's, or somebody else's."""
        span = trace.get_current_span()
        if span is not self._start and span.is_recording() and getattr(span, "kind", None) is SpanKind.CLIENT:
            span.set_attributes(attributes)


class HttpSpans:
    """Lends the OpenTelemetry instrumentor's methods, and knows whether the application uses it itself."""

    def __init__(self, tracers: TracerProvider | None, meters: MeterProvider | None) -> None:
        self._providers = {"tracer_provider": tracers, "meter_provider": meters}
        self._instrumentors: dict[str, Any] = {}

    def attempt(self, library: str, number: int, requested: str) -> Attempt:
        """Begin to observe an attempt."""
        return Attempt(self, library, number, requested)

    def is_taken_over(self, library: str) -> bool:
        """Say whether the application has instrumented the library itself, before or after us."""
        instrumentor = self._instrumentor(library)
        return instrumentor is not None and instrumentor.is_instrumented_by_opentelemetry

    @contextmanager
    def instrumented(self, library: str) -> Iterator[bool]:
        """Instrument a library for the length of a block, unless the application has, or nobody can."""
        instrumentor = self._instrumentor(library)
        if instrumentor is None or instrumentor.is_instrumented_by_opentelemetry:
            yield False
            return
        instrumentor.instrument(skip_dep_check=True, **self._providers)
        try:
            yield True
        finally:
            instrumentor.uninstrument()

    def _instrumentor(self, library: str) -> Any | None:
        """Return the application's one instrumentor of a library; an old package has none of httpx2."""
        if library not in self._instrumentors:
            self._instrumentors[library] = _instrumentor(library)
        return self._instrumentors[library]


def _instrumentor(library: str) -> Any | None:
    try:
        return getattr(importlib.import_module(PACKAGE), _INSTRUMENTORS[library])()
    except (ImportError, AttributeError):  # old ones import httpx, or know nothing else
        log.warning("Tierscope: no HTTP spans, the installed %s has none of %s: %s", PACKAGE, library, REMEDY)
        return None


def observer_for(tracers: TracerProvider | None, meters: MeterProvider | None) -> HttpSpans | None:
    """Return an observer of HTTP attempts, or ``None`` and one log line where the extra is missing."""
    if util.find_spec(PACKAGE) is None:
        log.warning("Tierscope: no HTTP spans, %s is not installed: %s", PACKAGE, REMEDY)
        return None
    return HttpSpans(tracers, meters)
