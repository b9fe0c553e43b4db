"""Missing telemetry, our own errors, the Collector's and Prometheus' health.

Names are those of the Collector 0.161 (`documentation.md` of exporterhelper, receiverhelper, tailsamplingprocessor);
they end in `_total` or not, as its reader is set up, so both are matched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tools.rules import recorded as r
from tools.rules.model import Alert, Group, Record
from tools.rules.promql import counted, equal, rate, select, total

from tierscope import signals as s
from tierscope import words as w

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.rules.model import Series

SIGNALS: Final = ("spans", "metric_points")
COLLECTOR: Final = "otelcol"
"""Name of the job that scrapes Collectors."""
_SAMPLING: Final = "otelcol_processor_tail_sampling"


def groups() -> list[Group]:
    """Return rules and alerts."""
    return [
        Group("tierscope-telemetry", "1m", (Record(r.PRESENT, _count(select(s.CALLS))), *_telemetry())),
        Group("tierscope-pipeline", "1m", (*_collector(), *_pipeline())),
    ]


def _count(selector: str) -> str:
    return f"count by ({', '.join(r.PRESENT.labels)}) ({selector})"


def _named(stem: str, *matchers: str) -> str:
    """Return a selector of a counter, with `_total` or without."""
    return "{" + ", ".join((f'__name__=~"{stem}(_total)?"', *matchers)) + "}"


def _collector() -> Iterator[Record]:
    by = ", ".join(r.QUEUE.labels)
    yield Record(
        r.QUEUE,
        f"sum by ({by}) (otelcol_exporter_queue_size)\n/ (sum by ({by}) (otelcol_exporter_queue_capacity) > 0)",
    )
    for signal in SIGNALS:
        yield _rate(r.ENQUEUE_FAILED, f"otelcol_exporter_enqueue_failed_{signal}", signal)
        yield _rate(r.SEND_FAILED, f"otelcol_exporter_send_failed_{signal}", signal)
        yield _rate(r.REFUSED, f"otelcol_receiver_refused_{signal}", signal)
    yield Record(
        r.DROPPED_EARLY, total(r.DROPPED_EARLY.keys, rate(_named(f"{_SAMPLING}_sampling_trace_dropped_too_early")))
    )
    decided, kept = (
        total(r.KEPT.keys, rate(_named(f"{_SAMPLING}_global_count_traces_sampled", *matcher)))
        for matcher in ((), (equal("sampled", "true"),))
    )
    yield Record(r.KEPT, f"(\n{kept}\nor 0 *\n{decided}\n)\n/ (\n{decided} > 0\n)")


def _rate(series: Series, stem: str, signal: str) -> Record:
    keys = [key for key in series.keys if key != r.SIGNAL]
    # Such a counter is born with the first loss: rate() would not see a single one.
    return Record(series, f"{total(keys, counted(_named(stem)))} / 300", {r.SIGNAL: signal})


def _telemetry() -> list[Alert]:
    service = "{{ $labels.service_name }} ({{ $labels.deployment_environment_name }})"
    others = select(s.CALLS, equal(s.REQUEST_MODEL, w.OTHER))
    overflow = '{__name__=~"tierscope_.+", otel_metric_overflow="true"}'
    return [
        Alert(
            "TierscopeTelemetryMissing",
            "ticket",
            f"max_over_time((count_over_time({r.PRESENT.name}[1h]) >= 50)[6h:5m])\n"
            f"unless on ({', '.join(r.PRESENT.labels)}) last_over_time({r.PRESENT.name}[10m])",
            "5m",
            f"No telemetry of {service} arrives",
            "It had sent for an hour, and is silent for 15 minutes: no other alert can fire for it.",
        ),
        Alert(
            "TierscopeInternalErrors",
            "ticket",
            f"{total((*r.PRESENT.keys, s.STEP), counted(select(s.INTERNAL_ERRORS), '15m'))} > 0",
            "",
            f"Tierscope itself failed in {service}",
            "Errors in step {{ $labels.tierscope_internal_step }}; the application never saw them, but "
            "calls may be missing.",
        ),
        Alert(
            "TierscopeSeriesOverflow",
            "ticket",
            f"count by ({', '.join(r.PRESENT.labels)}) ({others} or {overflow}) > 0",
            "15m",
            f"{service} has more series than are kept apart",
            "Later models, or combinations of attributes, are counted together as _OTHER: ratios by model miss them.",
        ),
    ]


def _pipeline() -> Iterator[Alert]:
    at = "of {{ $labels.instance }}"
    yield Alert(
        "TierscopeCollectorDown",
        "page",
        f'up{{job="{COLLECTOR}"}} == 0',
        "5m",
        f"The Collector {at} does not answer",
        "It has not been scraped for 5 minutes. What applications send to it waits in their memory, then is lost.",
    )
    yield Alert(
        "TierscopeCollectorQueueFull",
        "ticket",
        f"{r.QUEUE.name} > 0.8",
        "10m",
        f"The queue {at} to {{{{ $labels.exporter }}}} fills up",
        "{{ $value | humanizePercentage }} of it is used: the back end is down or too slow. When it is full, "
        "data are lost.",
    )
    yield Alert(
        "TierscopeCollectorLosesData",
        "page",
        f"{r.ENQUEUE_FAILED.name} > 0\nor {r.SEND_FAILED.name} > 0",
        "2m",
        f"The Collector {at} loses {{{{ $labels.signal }}}} for {{{{ $labels.exporter }}}}",
        "{{ $value | humanize }} a second: its queue is full, or the back end refuses them for good.",
    )
    yield Alert(
        "TierscopeCollectorRefuses",
        "ticket",
        f"{r.REFUSED.name} > 0",
        "10m",
        f"The Collector {at} turns {{{{ $labels.signal }}}} away",
        "{{ $value | humanize }} a second at {{ $labels.receiver }}: its memory is short. Senders try again, "
        "for a while.",
    )
    yield Alert(
        "TierscopeTracesDroppedEarly",
        "info",
        f"{r.DROPPED_EARLY.name} > 0",
        "10m",
        f"The Collector {at} drops traces before it decides on them",
        "{{ $value | humanize }} traces a second. Metrics are not touched: they are taken before the sampling.",
    )
    yield Alert(
        "TierscopeRulesFail",
        "ticket",
        "sum by (job, instance, rule_group) (\n  increase(prometheus_rule_evaluation_failures_total[15m])\n) > 0",
        "5m",
        "Prometheus fails to evaluate {{ $labels.rule_group }}",
        "{{ $value | humanize }} failures in 15 minutes: its alerts are silent, its panels empty.",
    )
    yield Alert(
        "TierscopeSamplesTooOld",
        "ticket",
        "sum by (job, instance) (\n  increase(prometheus_tsdb_too_old_samples_total[15m])\n) > 0",
        "5m",
        "Prometheus at {{ $labels.instance }} turns samples away as too old",
        "{{ $value | humanize }} in 15 minutes: an outage was longer than out_of_order_time_window, so "
        "its points are lost.",
    )
