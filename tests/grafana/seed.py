"""Three simulated hours of a fleet, as OpenMetrics text: what every board is to have an answer to."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from tools.rules import recorded as r
from tools.rules.promql import ENVIRONMENT, SERVICE, label, name

from tierscope import signals as s
from tierscope import words as w

MINUTES: Final = 180
DIP: Final = range(60, 90)
"""Minutes in which traffic grows too fast, Priority is downgraded, and all is slow."""


class Flow(NamedTuple):
    """Calls of one kind, so many a minute."""

    requested: str
    expected: str
    served: str
    outcome: str
    calls: int
    model: str = "gpt-4.1"
    operation: str = "chat"
    only: range | None = None
    """Minutes in which there are any."""
    more: int = 3
    """How many times as many calls there are in the dip."""

    def at(self, minute: int) -> int:
        """Calls of a minute."""
        if self.only is not None:
            return self.calls if minute in self.only else 0
        return self.calls * (self.more if minute in DIP else 1)


FLOWS: Final = (
    Flow(w.PRIORITY, w.PRIORITY, w.PRIORITY, w.HONORED, 400),
    Flow(w.PRIORITY, w.PRIORITY, w.DEFAULT, w.DOWNGRADED, 60, only=DIP),
    Flow(w.PRIORITY, w.PRIORITY, w.UNREPORTED, w.FAILED, 2, more=9),
    Flow(w.UNSET, w.UNKNOWN, w.DEFAULT, w.RESOLVED, 30, "gpt-4.1-mini"),
    Flow(w.DEFAULT, w.DEFAULT, w.UNREPORTED, w.UNREPORTED, 3, "gpt-4.1-mini"),
    Flow(w.FLEX, w.FLEX, w.FLEX, w.HONORED, 12, "gpt-5.1"),
    Flow(w.FLEX, w.FLEX, w.DEFAULT, w.UPGRADED, 1, "gpt-5.1"),
    Flow(w.FLEX, w.FLEX, w.UNREPORTED, w.REFUSED, 4, "gpt-5.1"),
    Flow(w.SCALE, w.SCALE, w.SCALE, w.HONORED, 20),
    Flow(w.SCALE, w.SCALE, w.DEFAULT, w.DOWNGRADED, 1, only=DIP),
    Flow(w.BATCH, w.BATCH, w.BATCH, w.HONORED, 6, "gpt-4.1-mini", "batch"),
)
BARE: Final = tuple(flow for flow in FLOWS if not {flow.requested, flow.served} & {w.FLEX, w.SCALE, w.BATCH})
"""A fleet that uses neither flex nor scale nor batch."""
_VALUES: Final[dict[Any, Any]] = {
    s.ERROR_TYPE: lambda f: ["server_error"] if f.outcome == w.FAILED else ["resource_unavailable"],
    s.ATTEMPT_RESULT: lambda f: {w.FAILED: ["server_error", "timeout"], w.REFUSED: ["refused"]}.get(f.outcome, ["ok"]),
    s.TOKEN_KIND: lambda _: ["input_uncached", "input_cached", "output_visible", "output_reasoning"],
    s.COST_BASIS: lambda _: [w.EXACT],
    s.COST_EFFECT: lambda f: {
        (w.PRIORITY, w.PRIORITY): [w.PREMIUM_PAID],
        (w.PRIORITY, w.DEFAULT): [w.PREMIUM_NOT_CHARGED],
        (w.FLEX, w.FLEX): [w.SAVING_MADE],
        (w.BATCH, w.BATCH): [w.SAVING_MADE],
        (w.FLEX, w.DEFAULT): [w.SAVING_LOST],
    }.get((f.requested, f.served), []),
    s.UNPRICED_REASON: lambda f: [w.TIER_UNREPORTED] if f.outcome == w.UNREPORTED else [],
    s.RATE_BASIS: lambda _: ["generation", "end_to_end"],
    s.RATE_ABSENT: lambda f: [w.NOT_STREAMED] if f.requested == w.UNSET else [w.FEW_TOKENS],
    s.CONSUMER_LIMITED: lambda f: ["false", "true"] if f.outcome == w.HONORED else ["false"],
    s.IS_STREAM: lambda f: ["true"] if f.outcome == w.RESOLVED else [],
    s.BATCH_STATUS: lambda f: ["completed"] if f.served == w.BATCH else [],
    s.BATCH_RESULT: lambda f: ["completed", "failed"] if f.served == w.BATCH else [],
    s.LIMIT_KIND: lambda _: ["requests", "tokens"],
    s.STEP: lambda _: ["reading"],
    s.POLICY_WORKLOAD: lambda f: ["chat"] if f.requested in {w.UNSET, w.DEFAULT} else [],
    s.POLICY_TIER: lambda _: [w.PRIORITY],
    s.PROVIDER: lambda _: ["openai"],
    s.OPERATION: lambda f: [f.operation],
    s.REQUEST_MODEL: lambda f: [f.model],
    s.RESPONSE_MODEL: lambda f: [f"{f.model}-2025-04-14" if f.model.startswith("gpt-4.1") else f.model],
    s.TIER_REQUESTED: lambda f: [f.requested],
    s.TIER_EXPECTED: lambda f: [f.expected],
    s.TIER_SERVED: lambda f: [f.served],
    s.TIER_OUTCOME: lambda f: [f.outcome],
}
_UNITS: Final = {
    s.TOKENS_USED: 1200.0,
    s.COST_AT_DEFAULT: 0.006,
    s.USAGE_MISSING: 0.1,
    s.RATE_MISSING: 0.05,
    s.INTERNAL_ERRORS: 1 / 32_000,
}
"""What a call adds; to all other counters, 1."""
_PRICES: Final = {w.PRIORITY: 0.01, w.DEFAULT: 0.006, w.FLEX: 0.003, w.BATCH: 0.003}
"""What a call costs at a tier; Scale has no price, nor has a tier that is not told."""
_ANSWERED: Final = frozenset({w.HONORED, w.DOWNGRADED, w.UPGRADED, w.RESOLVED, w.UNREPORTED})
_FAILING: Final = frozenset({s.CALL_ERRORS})
_SECONDS: Final = {w.FLEX: 40.0, w.SCALE: 1.8, w.PRIORITY: 1.3, w.DEFAULT: 4.5}
"""How long a call takes at a tier."""
_GAUGES: Final = {s.CATALOG_AGE: 20 * 86_400.0, s.HEADROOM: 0.4}


def _added(metric: Any, flow: Flow) -> float:
    """What a call adds to a counter."""
    if metric == s.COST_USD:
        return _PRICES[flow.served]
    if metric == s.COST_EFFECTS:
        return abs(_PRICES[flow.requested] - _PRICES[w.DEFAULT])
    return _UNITS.get(metric, 1.0)


def _value(metric: Any, flow: Flow, minute: int) -> float:
    """What the calls of a minute took; slow in the dip, slower on flex."""
    slow = minute in DIP
    if metric in {s.GENERATION, s.END_TO_END}:
        return (61.0 if slow else 95.0) - (4.0 if metric == s.END_TO_END else 0.0)
    return {s.TURNAROUND: 4000.0}.get(metric, _SECONDS.get(flow.served, 3.0) * (3 if slow else 1))


def _sets(metric: Any, flow: Flow) -> Iterator[dict[str, str]]:
    if (metric in _FAILING) is (flow.outcome in _ANSWERED) and metric not in {s.CALLS, s.CALL_ATTEMPTS, s.RETRY_WAIT}:
        return
    if metric in {s.COST_USD, s.COST_AT_DEFAULT} and flow.served not in _PRICES:
        return
    for values in itertools.product(*(_VALUES[key](flow) for key in metric.attributes)):
        yield {label(key): value for key, value in zip(metric.attributes, values, strict=True)}


def _line(series: str, labels: dict[str, str], value: float, at: int) -> str:
    inside = ",".join(f'{key}="{text}"' for key, text in labels.items())
    return f"{series}{{{inside}}} {value:.10g} {at}"


def _counter(metric: Any, labels: dict[str, str], flow: Flow, start: int) -> Iterator[str]:
    count = 0.0
    for minute in range(MINUTES + 1):
        yield _line(name(metric), labels, count, start + 60 * minute)
        count += flow.at(minute) * _added(metric, flow)


def _histogram(metric: Any, labels: dict[str, str], flow: Flow, start: int, spelling: str) -> Iterator[str]:
    stem, edges = name(metric), [*metric.buckets, float("inf")]
    counts, total, summed = [0] * len(edges), 0, 0.0
    made: list[list[str]] = [[] for _ in range(len(edges) + 2)]
    for minute in range(MINUTES + 1):
        at = start + 60 * minute
        for number, edge in enumerate(edges):
            le = "+Inf" if edge == float("inf") else spelling.format(float(edge))
            made[number].append(_line(f"{stem}_bucket", {**labels, "le": le}, counts[number], at))
        made[-2].append(_line(f"{stem}_count", labels, total, at))
        made[-1].append(_line(f"{stem}_sum", labels, summed, at))
        value, calls = _value(metric, flow, minute), flow.at(minute)
        counts = [count + calls * (value <= edge) for count, edge in zip(counts, edges, strict=True)]
        total, summed = total + calls, summed + calls * value
    yield from itertools.chain.from_iterable(made)


def _steady(series: str, labels: dict[str, str], start: int, value: float, growth: float = 0) -> Iterator[str]:
    for minute in range(MINUTES + 1):
        yield _line(series, labels, value + growth * minute, start + 60 * minute)


def _around(environment: str, start: int, flows: tuple[Flow, ...]) -> Iterator[str]:
    """What is not a metric of ours: the Collector's own, Prometheus' own, and what a user's rule says."""
    job = {"job": "otelcol", "instance": f"{environment}:8888"}
    out = {**job, "exporter": "otlp_http/metrics"}
    yield from _steady("up", job, start, 1)
    yield from _steady("otelcol_exporter_queue_size", out, start, 30 * len(environment))
    yield from _steady("otelcol_exporter_queue_capacity", out, start, 1000)
    for signal, lost in (("spans", 1), ("metric_points", 0)):
        yield from _steady(f"otelcol_exporter_enqueue_failed_{signal}_total", out, start, 0)
        yield from _steady(f"otelcol_exporter_send_failed_{signal}_total", out, start, 0, lost)
        yield from _steady(f"otelcol_receiver_refused_{signal}_total", {**job, "receiver": "otlp"}, start, 0)
    sampling = "otelcol_processor_tail_sampling"
    yield from _steady(f"{sampling}_sampling_trace_dropped_too_early_total", job, start, 0)
    for sampled, traces in (("true", 1), ("false", len(environment))):
        yield from _steady(
            f"{sampling}_global_count_traces_sampled_total", {**job, "sampled": sampled}, start, 0, traces
        )
    alert = {"alertname": "TierscopeDowngraded", "alertstate": "firing", "severity": "info", ENVIRONMENT: environment}
    for minute in range(DIP.start + 5, MINUTES + 1):
        yield _line("ALERTS", alert, 1, start + 60 * minute)
    for process, version, first, end in (("1", "1.0", 0, 100), ("2", "1.0", 50, 100), ("1", "1.1", 100, MINUTES + 1)):
        place = {SERVICE: "shop", "instance": f"{environment}-{process}", "service_version": version}
        for minute in range(first, end):
            yield _line("target_info", place, 1, start + 60 * minute)
    if any(flow.served == w.SCALE for flow in flows):
        for side in ("input", "output"):
            unit = {label(s.PROVIDER): "openai", label(r.PROMISE_MODEL): "gpt-4.1", label(r.DIRECTION): side}
            yield from _steady(r.UNITS.name, unit, start, {"input": 4, "output": 24}[side])


class Place(NamedTuple):
    """An environment."""

    name: str
    flows: tuple[Flow, ...]
    provider: str
    spelling: str
    """Of a bucket's edge: `{:g}` as OTLP writes it (80), `{}` as a scrape does (80.0)."""


PLACES: Final = (
    Place("otlp", FLOWS, "openai", "{:g}"),
    Place("scrape", FLOWS, "openai", "{}"),
    Place("bare", BARE, "azure.ai.openai", "{:g}"),
)


def _metric(metric: Any, place: Place, start: int) -> Iterator[str]:
    """Yield the series of a metric in an environment, each once."""
    around, seen = {ENVIRONMENT: place.name, SERVICE: "shop", "service_instance_id": "1"}, set()
    for flow, found in ((one, found) for one in place.flows for found in _sets(metric, one)):
        provided = {label(s.PROVIDER): place.provider} if label(s.PROVIDER) in found else {}
        labels = {**around, **found, **provided}
        if (key := tuple(labels.items())) in seen:
            continue
        seen.add(key)
        if metric.kind == "histogram":
            yield from _histogram(metric, labels, flow, start, place.spelling)
        elif metric.kind == "gauge":
            requests = labels.get(label(s.LIMIT_KIND)) == "requests"  # of those, twice as much is left as of tokens
            yield from _steady(name(metric), labels, start, _GAUGES[metric] * (1 + requests))
        else:
            yield from _counter(metric, labels, flow, start)


def seed(start: int) -> str:
    """Return the text, from this second of the epoch on."""
    lines = [line for metric in s.OWN_METRICS for place in PLACES for line in _metric(metric, place, start)]
    around = dict.fromkeys(line for one in PLACES for line in _around(one.name, start, one.flows))
    families = sorted(around, key=lambda line: line.partition("{")[0])  # one at a time; times stay in order
    return "\n".join([*lines, *families, "# EOF", ""])
