"""A loopback OTLP/HTTP receiver: keeps the spans and metric points that real exporters send it."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import Any, Final, Self

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

SCOPE: Final = "tierscope"
INSTANCE: Final = "service.instance.id"
MODEL: Final = "gen_ai.request.model"
Attributes = dict[str, Any]


class Receiver:
    """The server, as a context manager; what it keeps is Tierscope's, of all processes that exported to it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._spans: list[Attributes] = []
        self._points: dict[tuple[str, str, tuple[tuple[str, Any], ...]], int] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), name="otlp")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """The endpoint for ``OTEL_EXPORTER_OTLP_ENDPOINT``."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def take(self, path: str, body: bytes) -> None:
        """Keep one export."""
        with self._lock:
            if path.endswith("/traces"):
                self._take_spans(ExportTraceServiceRequest.FromString(body))
            else:
                self._take_points(ExportMetricsServiceRequest.FromString(body))

    def _take_spans(self, export: ExportTraceServiceRequest) -> None:
        for resource in export.resource_spans:
            for scope in resource.scope_spans:
                if scope.scope.name == SCOPE:
                    self._spans.extend(_plain(span.attributes) for span in scope.spans)

    def _take_points(self, export: ExportMetricsServiceRequest) -> None:
        for resource in export.resource_metrics:
            instance = _plain(resource.resource.attributes).get(INSTANCE, "")
            for scope in resource.scope_metrics:
                for metric in scope.metrics if scope.scope.name == SCOPE else ():
                    data = getattr(metric, metric.WhichOneof("data"))
                    for point in data.data_points:
                        key = metric.name, instance, tuple(sorted(_plain(point.attributes).items()))
                        self._points[key] = point.count if hasattr(point, "count") else point.as_int

    def spans(self, key: str = MODEL) -> Counter[Any]:
        """Count the spans by one of their attributes."""
        with self._lock:
            return Counter(span.get(key) for span in self._spans)

    def points(self, name: str, key: str = MODEL) -> Counter[Any]:
        """Sum the last cumulative points of one metric over processes, by one of their attributes; zeros are absent."""
        with self._lock:
            sums: Counter[Any] = Counter()
            for (metric, _, attributes), value in self._points.items():
                if metric == name:
                    sums[dict(attributes).get(key)] += value
            return +sums


def _plain(attributes: Iterable[Any]) -> Attributes:
    return {item.key: getattr(item.value, item.value.WhichOneof("value")) for item in attributes if _is_flat(item)}


def _is_flat(item: Any) -> bool:
    return item.value.WhichOneof("value") not in {"array_value", "kvlist_value", None}


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            is_packed = self.headers.get("content-encoding") == "gzip"
            receiver.take(self.path, gzip.decompress(body) if is_packed else body)
            self.send_response_only(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
