"""What goes out: one span a call, metrics as declared, exemplars, suppression, sampling, companion mode."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import pytest
from opentelemetry import trace
from opentelemetry.instrumentation.utils import suppress_instrumentation
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from tests.sdk import replies
from tests.sdk.capabilities import HTTP, RESPONSES, RESPONSES_TIER
from tests.sdk.conftest import ASK, CHAT
from tests.sdk.policies import written
from tests.sdk.telemetry import TRUSTED, Telemetry

import tierscope
from tierscope import signals
from tierscope.config import Settings

if TYPE_CHECKING:
    from pathlib import Path

    from tests.sdk.conftest import Service

PRIORITY: dict[str, Any] = {**CHAT, "service_tier": "priority"}


GOLDEN = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4.1",
    "gen_ai.response.model": "gpt-4.1-2025-04-14",
    "gen_ai.response.id": "chatcmpl-1",
    "gen_ai.response.finish_reasons": ("stop",),
    "gen_ai.usage.input_tokens": 100,
    "gen_ai.usage.output_tokens": 20,
    "gen_ai.usage.cache_read.input_tokens": 64,
    "gen_ai.usage.reasoning.output_tokens": 7,
    "openai.api.type": "chat_completions",
    "openai.request.service_tier": "priority",
    "openai.response.service_tier": "default",
    "openai.response.system_fingerprint": "fp_1",
    "server.address": "127.0.0.1",
    "tierscope.tier.requested": "priority",
    "tierscope.tier.expected": "priority",
    "tierscope.tier.served": "default",
    "tierscope.tier.outcome": "downgraded",
    "tierscope.tier.inferred_cause": "capacity_or_unknown",
    "tierscope.ending": "complete",
    "tierscope.attempts": 1,
    "tierscope.request_id": "req_1",
    "tierscope.processing_ms": 12.0,
    "tierscope.rate_limit.requests.limit": 500,
    "tierscope.rate_limit.requests.remaining": 499,
    "tierscope.rate_limit.tokens.limit": 30000,
    "tierscope.rate_limit.tokens.remaining": 15000,
}
VARIES = {"server.port", "tierscope.output_rate.end_to_end"}


def test_a_downgraded_call_is_this_span(service: Service, telemetry: Telemetry) -> None:
    """The golden span: name, kind, status and every attribute."""
    client = service.client(replies.whole(replies.chat("default"), headers=replies.LIMITS))
    client.chat.completions.create(**PRIORITY)
    (span,) = telemetry.spans
    attributes = dict(span.attributes)
    assert (span.name, span.kind, span.status.is_unset) == ("chat gpt-4.1", trace.SpanKind.CLIENT, True)
    assert {key for key in attributes if key in VARIES} == VARIES
    assert {key: value for key, value in attributes.items() if key not in VARIES} == GOLDEN


def test_a_call_served_as_asked_tells_no_limits(service: Service, telemetry: Telemetry) -> None:
    """Nobody looks for a limit that was hit; the gauge has what is left."""
    client = service.client(replies.whole(replies.chat("priority"), headers=replies.LIMITS))
    client.chat.completions.create(**PRIORITY)
    (span,) = telemetry.spans
    assert not [key for key in span.attributes if key.startswith("tierscope.rate_limit.")]
    left = {
        dict(key)["tierscope.rate_limit.kind"]: v
        for key, v in telemetry.points("tierscope.rate_limit.headroom").items()
    }
    assert left == {"requests": 499 / 500, "tokens": 0.5}


BODY = {"calls", "tokens", "call.duration", "output_rate.end_to_end"}
STREAM = {*BODY, "time_to_first_token", "output_rate.generation"}
USED = {**replies.RESPONSES_USAGE, "output_tokens": 37}
TIERED = [
    pytest.param(replies.whole(replies.chat("default")), "chat", BODY, id="chat"),
    pytest.param(replies.stream(replies.chat_stream("default", texts=30)), "chat", STREAM, id="chat stream"),
    pytest.param(replies.whole(replies.responses("default")), "responses", BODY, id="responses", marks=RESPONSES),
    pytest.param(replies.stream(replies.responses_stream("default", texts=30, usage=USED)), "responses", STREAM,
                 id="responses stream", marks=RESPONSES),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "endpoint", "names"), TIERED)
def test_both_tiers_are_on_every_own_metric(
    service: Service, telemetry: Telemetry, answer: replies.Reply, endpoint: str, names: set[str]
) -> None:
    """Calls, tokens, times and rates carry requested and served tier, for bodies and streams alike."""
    client = service.client(answer, gap_s=0.001)
    create = client.chat.completions.create if endpoint == "chat" else client.responses.create
    result: Any = create(
        **(CHAT if endpoint == "chat" else ASK), extra_body={"service_tier": "priority"}, stream=names is STREAM
    )
    assert names is BODY or list(result)
    for name in names:
        hot = [dict(key) for key, value in telemetry.points(f"tierscope.{name}").items() if value]
        assert {(k["tierscope.tier.requested"], k["tierscope.tier.served"]) for k in hot} == {("priority", "default")}


def test_the_kinds_of_token_add_up_to_the_total(service: Service, telemetry: Telemetry) -> None:
    """Cached is part of input, reasoning of output: each token is in one kind."""
    service.client(replies.whole(replies.chat("default"))).chat.completions.create(**PRIORITY)
    tokens = telemetry.points("tierscope.tokens")
    kinds = {dict(key)["tierscope.token.kind"]: value for key, value in tokens.items()}
    assert kinds == {"input_uncached": 36, "input_cached": 64, "output_visible": 13, "output_reasoning": 7}


def test_the_worst_outcomes_start_at_zero(service: Service, telemetry: Telemetry) -> None:
    """When a model and tier are first seen, downgraded, refused and failed exist at 0."""
    service.client(replies.whole(replies.chat("priority"))).chat.completions.create(**PRIORITY)
    outcomes = {dict(key)["tierscope.tier.outcome"]: v for key, v in telemetry.points("tierscope.calls").items()}
    assert outcomes == {"honored": 1, "downgraded": 0, "refused": 0, "failed": 0}


def drive(service: Service) -> None:
    """Make calls of every kind."""
    chat = service.client(replies.whole(replies.chat("default"), headers=replies.LIMITS))
    chat.chat.completions.create(**PRIORITY)
    stream = service.client(replies.stream(replies.chat_stream(texts=30)), gap_s=0.002)
    list(stream.chat.completions.create(**PRIORITY, stream=True))
    bare = service.client(replies.stream(replies.chat_stream(usage=False)))
    list(bare.chat.completions.create(**PRIORITY, stream=True))
    miss = {"type": "cache_miss", "reason": "service_tier_changed", "cache_missed_tokens": 80}
    diagnosed = replies.responses(prompt_cache_diagnostics={**miss, "comparison_reusable_tokens": 64})
    service.client(replies.whole(diagnosed)).responses.create(**ASK)
    service.client(replies.whole(replies.responses(background=True))).responses.retrieve("resp_1")
    service.client(replies.whole(replies.embeddings())).embeddings.create(model="e", input="hi")
    azure = {"x-ms-region": "eu", "x-ms-deployment-name": "d", "x-ms-is-spilled-over": "true"}
    azure["x-ms-spillover-from-deployment"] = "ptu"
    usage = {**replies.USAGE, "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 5}}
    service.client(replies.whole(replies.chat(usage=usage), headers=azure)).chat.completions.create(**CHAT)
    failing = service.client(replies.whole(replies.error("invalid_api_key"), 401))
    with pytest.raises(Exception, match="401"):
        failing.chat.completions.create(**PRIORITY)
    service.client(replies.whole(replies.batch("batch_of_every_kind"))).batches.retrieve("batch_of_every_kind")
    retried = replies.whole(replies.error(None), 500, {"retry-after-ms": "1"})
    service.client(retried, replies.whole(replies.chat()), retries=1).chat.completions.create(**CHAT)


@RESPONSES_TIER
def test_what_is_declared_is_emitted_and_what_is_emitted_is_declared(service: Service, tmp_path: Path) -> None:
    """Both ways: span attributes, metric names, units, kinds, descriptions, buckets, attribute keys and values."""
    from tierscope import guard

    guard.note("test", "planted")
    with Telemetry(settings=TRUSTED._replace(policy=written(tmp_path, tier="flex"))) as telemetry:
        drive(service)
        emitted = {key for span in telemetry.spans for key in span.attributes}
        metrics = telemetry.metrics
    assert emitted == {attribute.key for attribute in signals.SPAN_ATTRIBUTES}
    assert set(metrics) == {metric.name for metric in signals.METRICS}
    for declared in signals.METRICS:
        metric = metrics[declared.name]
        assert (metric.unit, metric.description) == (declared.unit, declared.description)
        allowed = {attribute.key: attribute.values for attribute in declared.attributes}
        for point in metric.data.data_points:
            assert set(point.attributes) <= set(allowed), declared.name
            for key, value in point.attributes.items():
                assert allowed[key] is None or value in allowed[key], (declared.name, key, value)
            if declared.kind == "histogram":
                assert point.explicit_bounds == declared.buckets
    guard.reset(strict=True)


def test_exemplars_point_at_the_span_of_the_call(service: Service, telemetry: Telemetry) -> None:
    """Each histogram's exemplar is the trace and span of the call it came from."""
    service.client(replies.whole(replies.chat())).chat.completions.create(**PRIORITY)
    (span,) = telemetry.spans
    metrics = telemetry.metrics
    for name in ("tierscope.call.duration", "tierscope.output_rate.end_to_end", "gen_ai.client.operation.duration"):
        (point,) = metrics[name].data.data_points
        assert [(e.trace_id, e.span_id) for e in point.exemplars] == [(span.context.trace_id, span.context.span_id)]


def test_a_body_tells_of_no_reader(service: Service, telemetry: Telemetry) -> None:
    """Whether a reader was the brake is unknown where nothing was streamed: neither yes nor no."""
    service.client(replies.whole(replies.chat())).chat.completions.create(**PRIORITY)
    stream = service.client(replies.stream(replies.chat_stream(texts=30)), gap_s=0.002)
    list(stream.chat.completions.create(**PRIORITY, stream=True))
    told = [dict(key).get("tierscope.consumer_limited") for key in telemetry.points("tierscope.output_rate.end_to_end")]
    assert None in told
    assert len(told) == 2


def test_the_span_is_current_while_the_request_runs(service: Service, telemetry: Telemetry) -> None:
    """A span made below the SDK's ``request`` nests in ours; none stays current afterwards."""
    inner: list[int] = []

    def hook(_request: Any) -> None:
        inner.append(trace.get_current_span().get_span_context().span_id)

    url = service.url(replies.whole(replies.chat()))
    client = openai.OpenAI(api_key="k", base_url=url, http_client=HTTP.Client(event_hooks={"request": [hook]}))
    client.chat.completions.create(**PRIORITY)
    client.close()
    assert inner == [telemetry.spans[0].context.span_id]
    assert not trace.get_current_span().get_span_context().is_valid


def test_suppression_is_honoured(service: Service, telemetry: Telemetry) -> None:
    """Inside ``suppress_instrumentation()`` nothing is recorded."""
    client = service.client(replies.whole(replies.chat()))
    with suppress_instrumentation():
        client.chat.completions.create(**PRIORITY)
    assert telemetry.spans == []
    assert not any(telemetry.points("tierscope.calls").values())


def test_a_sampled_out_call_counts_in_every_metric(service: Service) -> None:
    """Sampling drops the span and no count."""
    with Telemetry(sampler=ALWAYS_OFF) as telemetry:
        service.client(replies.whole(replies.chat("default"))).chat.completions.create(**PRIORITY)
        assert telemetry.spans == []
        assert sum(telemetry.points("tierscope.calls").values()) == 1
        assert sum(telemetry.points("gen_ai.client.operation.duration").values()) == 1


def test_genai_metrics_can_be_silenced(service: Service) -> None:
    """``TIERSCOPE_GENAI_METRICS=off`` leaves our own metrics alone."""
    with Telemetry(settings=Settings(genai_metrics=False)) as telemetry:
        service.client(replies.whole(replies.chat())).chat.completions.create(**PRIORITY)
        assert not any(name.startswith("gen_ai.") for name in telemetry.metrics)
        assert sum(telemetry.points("tierscope.calls").values()) == 1


def test_models_on_metrics_are_bounded(service: Service, telemetry: Telemetry) -> None:
    """At most 100 models of 128 characters; a hostile name becomes ``_OTHER``."""
    client = service.client(replies.whole(replies.chat(model="m" * 500)))
    for number in range(120):
        client.chat.completions.create(**{**CHAT, "model": f"model-{number}"})
    keys = [dict(key) for key in telemetry.points("tierscope.call.duration")]
    assert len({key["gen_ai.request.model"] for key in keys}) <= 101
    assert {key["gen_ai.response.model"] for key in keys} == {"_OTHER"}


def test_failures_have_their_duration_and_error(service: Service, telemetry: Telemetry) -> None:
    """What is recorded for success is recorded for failure, with ``error.type`` on span and metric alike."""
    client = service.client(replies.whole(replies.error("invalid_api_key"), 401))
    with pytest.raises(Exception, match="401"):
        client.chat.completions.create(**PRIORITY)
    (span,) = telemetry.spans
    assert (span.status.is_ok, span.attributes["error.type"]) == (False, "invalid_api_key")
    ((key, count),) = telemetry.points("gen_ai.client.operation.duration").items()
    assert (dict(key)["error.type"], count) == ("invalid_api_key", 1)
    assert sum(telemetry.points("tierscope.call.duration").values()) == 1


def test_a_provider_need_not_be_hashable(service: Service) -> None:
    """Logfire's is a dataclass: compared by its fields, it has no hash."""

    class Provider(MeterProvider):
        __hash__ = None  # type: ignore[assignment]

    reader = InMemoryMetricReader()
    assert tierscope.instrument(Settings(), meter_provider=Provider([reader]))
    service.client(replies.whole(replies.chat())).chat.completions.create(**CHAT)
    assert reader.get_metrics_data() is not None


def test_instrumenting_again_counts_once(service: Service, telemetry: Telemetry) -> None:
    """Uninstrument and instrument on the same providers: no second set of instruments, no double count."""
    client = service.client(replies.whole(replies.chat()))
    client.chat.completions.create(**PRIORITY)
    tierscope.uninstrument()
    client.chat.completions.create(**PRIORITY)
    tierscope.instrument(telemetry.settings, tracer_provider=telemetry.tracers, meter_provider=telemetry.meters)
    client.chat.completions.create(**PRIORITY)
    assert len(telemetry.spans) == 2
    assert sum(telemetry.points("tierscope.calls").values()) == 2
