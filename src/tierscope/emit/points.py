"""One attribute set of one histogram, and which of its records are worth an exemplar."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import trace
from opentelemetry.context import Context

from tierscope.emit.attributes import told
from tierscope.emit.binding import recorder

if TYPE_CHECKING:
    from opentelemetry.metrics import Histogram
    from opentelemetry.trace import SpanContext

    from tierscope.declared import Metric

EXEMPLAR_NS: Final = 1_000_000_000
"""One exemplar a bucket and second: the SDK keeps the last of an interval, and each costs an eighth of a record."""
_NO_SPAN: Final = Context()


class Point:
    """Records values of calls that share all attributes."""

    __slots__ = ("_bounds", "_due", "_record")

    def __init__(self, histogram: Histogram, metric: Metric, *values: Any) -> None:
        self._record = recorder(histogram, told((attribute.key for attribute in metric.attributes), values))
        self._bounds = metric.buckets
        self._due: dict[int, int] = {}

    def record(self, value: float, at_ns: int, span: SpanContext | None) -> None:
        """Record a value of a call that ended at ``at_ns``; ``span`` is the call's, ``None`` if it is not sampled."""
        context = _NO_SPAN
        if span is not None:
            bucket = bisect_left(self._bounds, value)
            if at_ns >= self._due.get(bucket, 0):
                self._due[bucket] = at_ns + EXEMPLAR_NS
                context = trace.set_span_in_context(trace.NonRecordingSpan(span), _NO_SPAN)
        self._record(value, context)
