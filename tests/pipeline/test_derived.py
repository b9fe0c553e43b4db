"""What the Collector derives: each call of another language once, under our names, with what its span proves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest
from tests.pipeline.collectors import Collector, lines, until
from tests.pipeline.conftest import DERIVED, FILES, Starts
from tests.pipeline.made import Attributes, plain, samples, span, traces
from tests.pipeline.test_tiers import OPENAI

from tierscope import signals as s

CALL: Final = {
    **OPENAI,
    s.RESPONSE_MODEL.key: "gpt-4.1-2025-04-14",
    s.REQUEST_TIER.key: "priority",
    s.RESPONSE_TIER.key: "default",
}
USED: Final = {s.INPUT_TOKENS.key: 100, s.OUTPUT_TOKENS.key: 20}
Series = Counter[tuple[str, frozenset[tuple[str, Any]]]]


def points(collector: Collector) -> Iterator[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]]:
    """Yield resource, metric and point of what was derived, in their order."""
    for line in lines(collector.folder / DERIVED):
        for resource in line["resourceMetrics"]:
            about = plain(resource["resource"]["attributes"])
            for scope in resource["scopeMetrics"]:
                for metric in scope["metrics"]:
                    (data,) = (metric[kind] for kind in ("sum", "histogram") if kind in metric)
                    yield from ((about, {**metric, **data}, point) for point in data["dataPoints"])


def sums(collector: Collector, metric: str, *keys: str, of: str | None = None) -> Counter[tuple[Any, ...]]:
    """Return the last cumulative value of each series of a metric, summed by some of its attributes."""
    last: dict[tuple[Any, ...], int] = {}
    for about, one, point in points(collector):
        if one["name"] == metric and about["service.name"] == of:
            told = plain(point.get("attributes", ()))
            last[tuple(sorted(told.items()))] = int(point.get("asInt", point.get("count", 0)))
    totals: Counter[tuple[Any, ...]] = Counter()
    for series, value in last.items():
        totals[tuple(dict(series).get(key) for key in keys)] += value
    return totals


def derived(collector: Collector, *spans: dict[str, Any], service: str, **about: Any) -> None:
    """Send spans of a service, then one of another service, and wait until that one is counted."""
    resource = {"service.name": service, **about.pop("resource", {})}
    assert collector.send("traces", traces(*spans, resource=resource, **about))[0] == 200
    last = f"after-{service}"
    assert collector.send("traces", traces(span(CALL), resource={"service.name": last}))[0] == 200
    assert until(lambda: sums(collector, s.CALLS.name, of=last)), collector.log[-2000:]


# ── calls ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_call_is_one_point_of_each_metric_that_it_proves(shared: Collector) -> None:
    """Names, units, descriptions, attributes and buckets are those of signals.py; nothing else is made."""
    derived(shared, span({**CALL, **USED}, seconds=2.0), service="one")
    made = {one["name"]: (one, point) for about, one, point in points(shared) if about["service.name"] == "one"}
    assert made.keys() == {metric.name for metric in (s.CALLS, s.TOKENS_USED, s.DURATION)}
    for metric in (s.CALLS, s.TOKENS_USED, s.DURATION):
        one, point = made[metric.name]
        assert (one["unit"], one["description"], one["aggregationTemporality"]) == (metric.unit, metric.description, 2)
        assert plain(point["attributes"]).keys() == {attribute.key for attribute in metric.attributes}
    calls, duration = made[s.CALLS.name], made[s.DURATION.name]
    assert calls[0]["isMonotonic"] is True
    assert plain(calls[1]["attributes"]) == {
        s.PROVIDER.key: "openai",
        s.OPERATION.key: "chat",
        s.REQUEST_MODEL.key: "gpt-4.1",
        s.TIER_REQUESTED.key: "priority",
        s.TIER_EXPECTED.key: "priority",
        s.TIER_SERVED.key: "default",
        s.TIER_OUTCOME.key: "downgraded",
    }
    assert duration[1]["explicitBounds"] == list(s.DURATION.buckets)
    assert duration[1]["sum"] == pytest.approx(2.0, abs=1e-6)


def test_calls_add_up_over_exports(shared: Collector) -> None:
    """Three exports of 1, 2 and 3 calls: 6, in one series that only grows."""
    for count in (1, 2, 3):
        derived(shared, *(span(CALL) for _ in range(count)), service="sum")
    assert sums(shared, s.CALLS.name, of="sum") == {(): 6}


def test_the_series_is_the_services_and_the_collectors(shared: Collector) -> None:
    derived(shared, span(CALL), service="who", resource={"service.instance.id": "pod-7", "host.name": "h"})
    (about,) = [
        about for about, one, _ in points(shared) if about["service.name"] == "who" and one["name"] == s.CALLS.name
    ]
    assert about.keys() == {"service.name", "collector.instance.id"}


NOT: Final = [
    pytest.param({**CALL, s.OPERATION.key: "invoke_agent"}, {}, {}, id="an-agent"),
    pytest.param({**CALL, s.OPERATION.key: "execute_tool"}, {}, {}, id="a-tool"),
    pytest.param({**CALL, "openinference.span.kind": "CHAIN"}, {}, {}, id="a-chain"),
    pytest.param({**CALL, "traceloop.span.kind": "workflow"}, {}, {}, id="a-workflow"),
    pytest.param({key: value for key, value in CALL.items() if key != s.OPERATION.key}, {}, {}, id="no-operation"),
    pytest.param({**CALL, s.TIER_OUTCOME.key: "downgraded"}, {}, {}, id="counted-by-its-service"),
    pytest.param(
        {**CALL, s.PROVIDER.key: "anthropic", s.SERVER_ADDRESS.key: "api.anthropic.com"},
        {},
        {},
        id="a-provider-of-other-tiers",
    ),
    pytest.param(CALL, {"telemetry.sdk.language": "python"}, {}, id="python"),
    pytest.param(CALL, {"telemetry.sdk.language": None}, {}, id="no-language"),
    pytest.param(CALL, {"telemetry.sdk.language": ""}, {}, id="an-empty-language"),
    pytest.param({"http.request.method": "POST"}, {}, {}, id="http"),
]


@pytest.mark.parametrize(("attributes", "resource", "scope"), NOT)
def test_what_is_not_counted(
    shared: Collector, attributes: Attributes, resource: Attributes, scope: Attributes, request: pytest.FixtureRequest
) -> None:
    service = request.node.callspec.id
    derived(shared, span(attributes), service=service, resource=resource, scope=scope)
    assert sums(shared, s.CALLS.name, of=service) == {}


def test_python_counts_where_service_and_scope_are_named(starts: Starts) -> None:
    """Nested instrumentations of Python make several spans of one call: who opts in says which of them counts."""
    one = starts(
        "standalone", over=FILES, TIERSCOPE_PYTHON_SERVICES="^(old|older)-app", TIERSCOPE_PYTHON_SCOPES="openai"
    )
    python = {"telemetry.sdk.language": "python"}
    for service, scope in (("old-app", "x.openai.v1"), ("old-app", "x.langchain"), ("new-app", "x.openai.v1")):
        derived(one, span(CALL), service=service, resource=python, scope={"name": scope})
    assert sums(one, s.CALLS.name, of="old-app") == {(): 1}
    assert sums(one, s.CALLS.name, of="new-app") == {}


def test_a_scope_can_be_left_out(starts: Starts) -> None:
    """Of two instrumentations that nest in JavaScript, one."""
    one = starts("standalone", over=FILES, TIERSCOPE_IGNORED_SCOPES="^ai$")
    for scope in ("ai", "openai"):
        derived(one, span(CALL), service="nested", scope={"name": scope})
    assert sums(one, s.CALLS.name, of="nested") == {(): 1}


# ── tokens, errors, durations ─────────────────────────────────────────────────────────────────────────────────────
CACHE, WRITE, REASONING = s.CACHE_READ.key, s.CACHE_WRITE.key, s.REASONING.key
TOKENS: Final = [
    pytest.param(USED, {"input_undivided": 100, "output_undivided": 20}, id="undivided"),
    pytest.param({**USED, CACHE: 40}, {"input_uncached": 60, "input_cached": 40, "output_undivided": 20}, id="cached"),
    pytest.param(
        {**USED, CACHE: 40, WRITE: 10},
        {"input_uncached": 50, "input_cached": 40, "input_cache_write": 10, "output_undivided": 20},
        id="written",
    ),
    pytest.param(
        {**USED, REASONING: 5}, {"input_undivided": 100, "output_visible": 15, "output_reasoning": 5}, id="reasoning"
    ),
    pytest.param({**USED, CACHE: 101}, {"input_undivided": 100, "output_undivided": 20}, id="parts-beyond-the-whole"),
    pytest.param({**USED, s.INPUT_TOKENS.key: 100.0}, {"input_undivided": 100, "output_undivided": 20}, id="a-double"),
    pytest.param({**USED, s.INPUT_TOKENS.key: "100"}, {"output_undivided": 20}, id="a-text"),
    pytest.param({**USED, s.INPUT_TOKENS.key: -1}, {"output_undivided": 20}, id="negative"),
    pytest.param({s.OUTPUT_TOKENS.key: 0}, {"output_undivided": 0}, id="none-given"),
]


@pytest.mark.parametrize(("used", "kinds"), TOKENS)
def test_tokens_come_in_parts_that_add_up(
    shared: Collector, used: Attributes, kinds: Mapping[str, int], request: pytest.FixtureRequest
) -> None:
    service = f"tokens-{request.node.callspec.id}"
    derived(shared, span({**CALL, **used}), service=service)
    assert sums(shared, s.TOKENS_USED.name, s.TOKEN_KIND.key, of=service) == {(kind,): n for kind, n in kinds.items()}


def test_an_answer_without_tokens_is_counted_as_such(shared: Collector) -> None:
    """Of a stream, of a call that says it is none, and of one that says neither; not of an error or an embedding."""
    streamed = ({**CALL, s.REQUEST_STREAM.key: flag} for flag in (True, False))
    failed, embedded = span(CALL, status={"code": 2}), span({**CALL, s.OPERATION.key: "embeddings"})
    derived(shared, *map(span, streamed), span(CALL), span({**CALL, **USED}), failed, embedded, service="missing")
    found = sums(shared, s.USAGE_MISSING.name, s.IS_STREAM.key, of="missing")
    assert found == {(True,): 1, (False,): 1, (None,): 1}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("invalid_api_key", "invalid_api_key"),
        ("openai.RateLimitError", "openai.RateLimitError"),
        ("who knows", "_OTHER"),
    ],
)
def test_errors_are_words_of_a_closed_list(shared: Collector, told: str, expected: str) -> None:
    derived(shared, span({**CALL, "error.type": told}, status={"code": 2}), span(CALL), service=f"error-{told}")
    assert sums(shared, s.CALL_ERRORS.name, s.ERROR_TYPE.key, of=f"error-{told}") == {(expected,): 1}
    assert sums(shared, s.CALLS.name, s.TIER_OUTCOME.key, of=f"error-{told}") == {("failed",): 1, ("downgraded",): 1}


@pytest.mark.parametrize("model", ["m" * 129, "a\nb", 7], ids=["long", "unprintable", "no-text"])
def test_a_model_that_is_no_name_is_another(shared: Collector, model: Any) -> None:
    service = f"model-{str(model)[:3]!r}"
    derived(shared, span({**CALL, s.REQUEST_MODEL.key: model}), service=service)
    assert sums(shared, s.CALLS.name, s.REQUEST_MODEL.key, of=service) == {("_OTHER",): 1}


def test_a_span_that_ends_before_it_begins_has_no_duration(shared: Collector) -> None:
    """It is a call all the same."""
    odd = {**span(CALL), "startTimeUnixNano": "2000000000", "endTimeUnixNano": "1000000000"}
    derived(shared, odd, span(CALL), service="skew")
    assert sums(shared, s.DURATION.name, of="skew") == {(): 1}
    assert sums(shared, s.CALLS.name, of="skew") == {(): 2}


def test_a_span_that_stands_for_several_counts_as_so_many(shared: Collector) -> None:
    """`ot=th:c` keeps a quarter of all traces (OpenTelemetry, probability sampling): 4 calls, 400 tokens."""
    derived(shared, {**span({**CALL, **USED}), "traceState": "ot=th:c"}, service="sampled")
    assert sums(shared, s.CALLS.name, of="sampled") == {(): 4}
    assert sums(shared, s.TOKENS_USED.name, s.TOKEN_KIND.key, of="sampled")["input_undivided",] == 400


def test_a_scrape_has_the_names_of_prometheus(shared: Collector) -> None:
    """And the labels that Prometheus makes of the same metrics by OTLP."""
    derived(shared, span({**CALL, **USED}), service="scraped")
    ours = [
        (name, labels, value)
        for name, labels, value in samples(shared.scraped)
        if labels.get("service_name") == "scraped"
    ]
    assert {name for name, _, _ in ours} == {
        "tierscope_calls_total",
        "tierscope_tokens_total",
        *(f"tierscope_call_duration_seconds_{part}" for part in ("bucket", "sum", "count")),
    }
    ((labels, value),) = [(labels, value) for name, labels, value in ours if name == "tierscope_calls_total"]
    assert value == 1
    assert labels.keys() - {"job", "instance", "service_name", "collector_instance_id"} == {
        attribute.key.replace(".", "_") for attribute in s.CALLS.attributes
    }


def test_series_beyond_the_bound_are_dropped_and_counted(starts: Starts) -> None:
    """A hostile name for each call fills no memory: of 9 series (3 models, 3 metrics) 2 stay; 14 of 18 points go."""
    one = starts("standalone", over=FILES, TIERSCOPE_DERIVED_SERIES="2")
    for _ in range(2):
        models = [span({**CALL, s.REQUEST_MODEL.key: f"m{number}"}) for number in range(3)]
        assert one.send("traces", traces(*models, resource={"service.name": "many"}))[0] == 200
    assert until(lambda: _dropped(one) == 14)
    assert until(lambda: sum(1 for _ in points(one)) == 4)
    series = {(metric["name"], str(point.get("attributes"))) for _, metric, point in points(one)}
    assert len(series) == 2


def _dropped(collector: Collector) -> float:
    told = samples(collector.own_metrics)
    return sum(
        value
        for name, labels, value in told
        if "deltatocumulative_datapoints" in name and labels.get("error") == "limit"
    )
