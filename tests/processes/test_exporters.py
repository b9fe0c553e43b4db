"""Exporters that block, raise or find nobody: calls end as fast as ever, nothing grows, what is lost is counted."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any, Final

import pytest
from opentelemetry.sdk.metrics import ExemplarFilter, MeterProvider
from opentelemetry.sdk.metrics.export import (
    InMemoryMetricReader,
    MetricExporter,
    MetricExportResult,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from tests.processes.conftest import CHUNKS, HOOK_TIMED, QUICK_S, Place, Said
from tests.processes.inside import call, client
from tests.sdk.conftest import TRUSTED

import tierscope
from tierscope import guard
from tierscope.emit import later

CALLS: Final = 3 * later.MARK
Says = Callable[..., Said]


class Trouble:
    """What an exporter does instead of exporting, until it is mended."""

    def __init__(self, *, is_blocking: bool) -> None:
        self._is_blocking = is_blocking
        self.met = threading.Semaphore(0)
        self.mended = threading.Event()

    def __call__(self) -> None:
        if self.mended.is_set():
            return
        self.met.release()
        if not self._is_blocking:
            raise ConnectionError
        assert self.mended.wait(60)


class Spans(SpanExporter):
    def __init__(self, trouble: Trouble) -> None:
        self._trouble = trouble
        self.count = 0

    def export(self, spans: Any) -> SpanExportResult:
        self._trouble()
        self.count += len(spans)
        return SpanExportResult.SUCCESS


class Metrics(MetricExporter):
    def __init__(self, trouble: Trouble) -> None:
        super().__init__()
        self._trouble = trouble
        self.last: Any = None

    def export(self, metrics_data: Any, timeout_millis: float = 10_000, **_: Any) -> MetricExportResult:
        self._trouble()
        self.last = metrics_data
        return MetricExportResult.SUCCESS

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return True

    def shutdown(self, timeout_millis: float = 30_000, **_: Any) -> None:
        pass


def sums(data: Any, name: str, key: str) -> dict[Any, int]:
    """Return the points of one counter by one of their attributes; zeros are absent."""
    found: dict[Any, int] = {}
    for scope in data.resource_metrics[0].scope_metrics:
        for metric in scope.metrics:
            for point in metric.data.data_points if metric.name == name else ():
                found[point.attributes[key]] = found.get(point.attributes[key], 0) + point.value
    return {attribute: value for attribute, value in found.items() if value}


@pytest.mark.parametrize("is_blocking", [True, False], ids=["blocks", "raises"])
def test_calls_do_not_wait_for_an_exporter(says: Says, caplog: pytest.LogCaptureFixture, is_blocking: bool) -> None:
    """While both exporters hang, or fail each time, calls and streams end, and so does `uninstrument()`.

    We say nothing; when the exporters are mended every call is there.
    """
    trouble = Trouble(is_blocking=is_blocking)
    spans, metrics = Spans(trouble), Metrics(trouble)
    tracers, reader = TracerProvider(), PeriodicExportingMetricReader(metrics, export_interval_millis=20)
    tracers.add_span_processor(BatchSpanProcessor(spans, schedule_delay_millis=20, max_export_batch_size=1))
    meters = MeterProvider([reader])
    tierscope.instrument(TRUSTED, tracer_provider=tracers, meter_provider=meters)
    with client(says().url) as own:
        call(own, "m")
        for _ in range(2):
            assert trouble.met.acquire(timeout=30)
        for _ in range(CALLS):
            call(own, "m")
        stream: Any = own.chat.completions.create(model="m", messages=[], stream=True)
        assert len(list(stream)) == CHUNKS
        tierscope.uninstrument()
        assert not trouble.mended.is_set()
    trouble.mended.set()
    meters.force_flush()
    tracers.force_flush()
    assert sums(metrics.last, "tierscope.calls", "gen_ai.request.model") == {"m": CALLS + 2}
    if is_blocking:
        assert spans.count == CALLS + 2
    assert [record.getMessage() for record in caplog.records if record.name == "tierscope"] == []
    tracers.shutdown()
    meters.shutdown()


class Stuck(ExemplarFilter):
    """A filter of exemplars that hangs: the one place of the SDK where an application's code runs inside a record."""

    def __init__(self) -> None:
        self.reached, self.go_on = threading.Event(), threading.Event()

    def should_sample(self, *_: Any) -> bool:
        self.reached.set()
        assert self.go_on.wait(60)
        return False


def test_a_queue_that_nobody_drains_is_bounded(says: Says, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a record hangs, calls end and wait, up to the limit; what exceeds it is counted in our own metric."""
    limit, beyond = later.MARK + 20, 30
    monkeypatch.setattr(later, "LIMIT", limit)
    guard.reset()
    stuck, reader = Stuck(), InMemoryMetricReader()
    meters = MeterProvider([reader], exemplar_filter=stuck)
    tierscope.instrument(TRUSTED, meter_provider=meters)
    with client(says().url) as own:
        for _ in range(later.MARK + 1):
            call(own, "m")
        assert stuck.reached.wait(30)  # one is being recorded now, the others wait
        for _ in range(limit - later.MARK + beyond):
            call(own, "m")
    stuck.go_on.set()
    data = reader.get_metrics_data()
    assert sums(data, "tierscope.calls", "gen_ai.request.model") == {"m": limit + 1}
    assert sums(data, "tierscope.internal.errors", "tierscope.internal.step") == {"metrics_dropped": beyond}
    meters.shutdown()


@pytest.mark.parametrize("is_listening", [True, False], ids=["never answers", "refuses"])
def test_a_collector_out_of_reach(place: Place, is_listening: bool) -> None:
    """The program ends as it would, our exit hook waits for nobody and says nothing; its ledger has every call."""
    with socket.socket() as collector:
        collector.bind(("127.0.0.1", 0))
        if is_listening:
            collector.listen()
        env = {
            "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{collector.getsockname()[1]}",
            "OTEL_EXPORTER_OTLP_TIMEOUT": "2",
            "OTEL_METRIC_EXPORT_INTERVAL": "50",
            "OTEL_BSP_SCHEDULE_DELAY": "50",
            "TIERSCOPE_LEDGER": "calls.db",
        }
        done = place.run(HOOK_TIMED.format(first="export()", then="ask('m', 40)"), **env)
    assert done.status == 0
    assert float(done.out) < QUICK_S
    assert "ierscope" not in done.err
    assert place.rows == {"m": 40}
