"""OTLP as it reaches a gateway: spans of Tierscope, spans of others, and the points of an application's metrics."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.metrics.v1.metrics_pb2 import AGGREGATION_TEMPORALITY_CUMULATIVE, Metric

from tierscope import signals as s

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TRACES = 50
"""Traces of one export; each is the span of a call and the HTTP span of its one attempt."""
SECOND_NS = 1_000_000_000

CALL: Mapping[str, Any] = {
    s.OPERATION.key: "chat",
    s.PROVIDER.key: "openai",
    s.REQUEST_MODEL.key: "gpt-4.1",
    s.RESPONSE_MODEL.key: "gpt-4.1-2025-04-14",
    s.SERVER_ADDRESS.key: "api.openai.com",
    s.SERVER_PORT.key: 443,
    s.INPUT_TOKENS.key: 1200,
    s.OUTPUT_TOKENS.key: 180,
    s.CACHE_READ.key: 1024,
    s.REASONING.key: 0,
    s.REQUEST_TIER.key: "priority",
    s.RESPONSE_TIER.key: "default",
    "gen_ai.response.id": "chatcmpl-0123456789abcdef",
    "gen_ai.response.finish_reasons": "stop",
    "openai.api.type": "chat_completions",
}
"""What any instrumentation by the conventions writes."""
OURS: Mapping[str, Any] = {
    s.TIER_REQUESTED.key: "priority",
    s.TIER_EXPECTED.key: "priority",
    s.TIER_SERVED.key: "default",
    s.TIER_OUTCOME.key: "downgraded",
    s.ENDING.key: "complete",
    s.ATTEMPTS.key: 1,
    s.FIRST_TOKEN.key: 0.31,
    s.RATE_GENERATION.key: 61.5,
    s.RATE_END_TO_END.key: 55.25,
    s.PROCESSING_MS.key: 210.0,
}
"""What Tierscope adds."""
HTTP: Mapping[str, Any] = {
    "http.request.method": "POST",
    "url.full": "https://api.openai.com/v1/chat/completions",
    "http.response.status_code": 200,
}


def spans(language: str, attributes: Mapping[str, Any]) -> ExportTraceServiceRequest:
    """Return an export of calls of one service."""
    request = ExportTraceServiceRequest()
    resource = request.resource_spans.add()
    _tell(resource.resource.attributes, {"service.name": "bench", "telemetry.sdk.language": language})
    scope = resource.scope_spans.add()
    for _ in range(TRACES):
        for name, told in (("chat gpt-4.1", attributes), ("POST", HTTP)):
            span = scope.spans.add(name=name, kind=3, span_id=os.urandom(8))
            _tell(span.attributes, told)
    return request


def renewed(request: ExportTraceServiceRequest) -> int:
    """Make new traces of an export, which end now; return how many spans there are."""
    now = time.time_ns()
    all_spans = request.resource_spans[0].scope_spans[0].spans
    for call, inner in zip(all_spans[::2], all_spans[1::2], strict=True):
        call.trace_id = inner.trace_id = os.urandom(16)
        inner.parent_span_id = call.span_id
        for span in (call, inner):
            span.start_time_unix_nano, span.end_time_unix_nano = now - SECOND_NS, now
    return len(all_spans)


def metrics(series: int) -> ExportMetricsServiceRequest:
    """Return an export of an application: each of our metrics with so many attribute sets."""
    request = ExportMetricsServiceRequest()
    resource = request.resource_metrics.add()
    _tell(resource.resource.attributes, {"service.name": "bench", "service.instance.id": "bench-1"})
    scope = resource.scope_metrics.add()
    for declared in s.OWN_METRICS:
        metric = scope.metrics.add(name=declared.name, unit=declared.unit)
        for number in range(series):
            told = {attribute.key: f"value-{number}" for attribute in declared.attributes}
            _tell(_point(metric, declared.kind, declared.buckets).attributes, told)
    return request


def later(request: ExportMetricsServiceRequest) -> int:
    """Give each point the present time and a higher value; return how many points there are."""
    now, count = time.time_ns(), 0
    for point in _points(request):
        point.time_unix_nano, count = now, count + 1
        if hasattr(point, "bucket_counts"):
            point.count += 1
            point.bucket_counts[0] += 1
        else:
            point.as_int += 1
    return count


def _points(request: ExportMetricsServiceRequest) -> Iterator[Any]:
    for metric in request.resource_metrics[0].scope_metrics[0].metrics:
        yield from getattr(metric, metric.WhichOneof("data")).data_points


def _point(metric: Metric, kind: str, buckets: tuple[float, ...]) -> Any:
    start = time.time_ns()
    if kind == "histogram":
        metric.histogram.aggregation_temporality = AGGREGATION_TEMPORALITY_CUMULATIVE
        counts = [0] * (len(buckets) + 1)
        return metric.histogram.data_points.add(
            start_time_unix_nano=start, explicit_bounds=buckets, bucket_counts=counts, sum=1.0
        )
    if kind == "gauge":
        return metric.gauge.data_points.add(as_int=0)
    metric.sum.aggregation_temporality, metric.sum.is_monotonic = AGGREGATION_TEMPORALITY_CUMULATIVE, True
    return metric.sum.data_points.add(start_time_unix_nano=start, as_int=0)


def _tell(attributes: Any, told: Mapping[str, Any]) -> None:
    for key, value in told.items():
        field = {int: "int_value", float: "double_value", str: "string_value"}[type(value)]
        setattr(attributes.add(key=key).value, field, value)
