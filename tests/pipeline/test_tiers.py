"""Golden spans: what other instrumentations wrote, and the names, tiers and outcome that the Collector gives it."""

from __future__ import annotations

import itertools
import json
from typing import Any, Final

import pytest
from tests.pipeline.collectors import Collector, until
from tests.pipeline.conftest import TRACES
from tests.pipeline.made import Attributes, span, spans_of, traces

from tierscope import signals as s
from tierscope import tiers, words

OPENAI: Final = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-4.1",
    "server.address": "api.openai.com",
}
GROQ: Final = {**OPENAI, "server.address": "api.groq.com"}
ASKED, SERVED = s.REQUEST_TIER.key, s.RESPONSE_TIER.key
Row = tuple[str, str, str, str]


def through(shared: Collector, *spans: dict[str, Any], **about: Any) -> list[dict[str, Any]]:
    """Send spans, and return them as they left, in their order."""
    assert shared.send("traces", traces(*spans, **about)) == (200, '{"partialSuccess":{}}')
    ids = [one["spanId"] for one in spans]

    def left() -> list[dict[str, Any]] | None:
        found = {one["spanId"]: one for one in spans_of(shared.folder / TRACES)}
        return [found[one] for one in ids] if found.keys() >= set(ids) else None

    answer = until(left)
    assert answer is not None, shared.log[-2000:]
    return list(answer)


def verdict(attributes: Attributes) -> Row:
    """Return requested, expected, served and outcome."""
    keys = (s.TIER_REQUESTED, s.TIER_EXPECTED, s.TIER_SERVED, s.TIER_OUTCOME)
    requested, expected, served, outcome = (attributes.get(attribute.key) for attribute in keys)
    return requested, expected, served, outcome  # type: ignore[return-value]


# ── the words are those of tiers.py ───────────────────────────────────────────────────────────────────────────────
RAW: Final = (None, "", "auto", "default", "standard", "flex", "priority", "fast", "FAST", "scale", "ultrafast", "x")


def test_every_pair_of_words_has_the_outcome_of_the_package(shared: Collector) -> None:
    """144 pairs at a trusted host, and at one that nobody knows: the Collector and `tierscope.tiers` agree."""
    cases = list(itertools.product(RAW, RAW, ("api.openai.com", "llm.example.com")))
    sent = [
        span(told({**OPENAI, s.SERVER_ADDRESS.key: host, ASKED: asked, SERVED: served}))
        for asked, served, host in cases
    ]
    found = [verdict(one["attributes"]) for one in through(shared, *sent)]
    assert dict(zip(cases, found, strict=True)) == {case: _as_the_package(*case) for case in cases}


def _as_the_package(asked: str | None, served: str | None, host: str) -> Row:
    requested = tiers.requested(asked and asked.lower())
    requested = words.UNREPORTED if requested == words.UNSET else requested
    expected = tiers.expected(requested, configured=None, auto_means=None)
    word = tiers.served(served and served.lower())
    outcome = tiers.outcome(expectation=expected, served_word=word, trusted=host == "api.openai.com", state="answered")
    return requested, expected or words.UNKNOWN, word, outcome


def told(attributes: Attributes) -> Attributes:
    """Return what is known of them."""
    return {key: value for key, value in attributes.items() if value is not None}


# ── rows of providers.json, hosts, names ──────────────────────────────────────────────────────────────────────────
ROWS: Final = [
    pytest.param(
        {**GROQ, ASKED: "on_demand", SERVED: "on_demand"}, ("default", "default", "default", "honored"), id="groq"
    ),
    pytest.param(
        {**GROQ, ASKED: "performance", SERVED: "flex"},
        ("priority", "priority", "flex", "downgraded"),
        id="groq-performance",
    ),
    pytest.param(
        {**OPENAI, ASKED: "on_demand"}, ("_OTHER", "unknown", "unreported", "unreported"), id="an-alias-of-another"
    ),
    pytest.param(
        {**OPENAI, "server.address": "EU.api.openai.com", ASKED: "flex", SERVED: "flex"},
        ("flex", "flex", "flex", "honored"),
        id="a-region",
    ),
    pytest.param(
        {**OPENAI, "server.address": "x.openai.azure.com", ASKED: "priority", SERVED: "default"},
        ("priority", "priority", "default", "downgraded"),
        id="azure",
    ),
    pytest.param(
        {**OPENAI, "server.address": "evil-api.openai.com.example.com", ASKED: "priority", SERVED: "priority"},
        ("priority", "priority", "priority", "unverified"),
        id="alike",
    ),
    pytest.param(
        {**OPENAI, "server.address": "chatgpt.com", ASKED: "priority", SERVED: "default"},
        ("priority", "priority", "default", "unverified"),
        id="not-to-be-believed",
    ),
    pytest.param(
        {key: v for key, v in {**OPENAI, SERVED: "default"}.items() if key != "server.address"},
        ("unreported", "unknown", "default", "unverified"),
        id="no-host",
    ),
    pytest.param(
        {**OPENAI, ASKED: 7, SERVED: ["default"]}, ("unreported", "unknown", "unreported", "unreported"), id="no-texts"
    ),
    pytest.param(
        {**OPENAI, "gen_ai.openai.request.service_tier": "flex", "gen_ai.openai.response.service_tier": "default"},
        ("flex", "flex", "default", "upgraded"),
        id="old-keys",
    ),
    pytest.param(
        {**OPENAI, "gen_ai.request.service_tier": "Priority", "gen_ai.response.service_tier": "standard"},
        ("priority", "priority", "default", "downgraded"),
        id="hebo",
    ),
]


@pytest.mark.parametrize(("attributes", "expected"), ROWS)
def test_a_row_of_the_catalog_decides(shared: Collector, attributes: Attributes, expected: Row) -> None:
    (found,) = through(shared, span(attributes))
    assert verdict(found["attributes"]) == expected


def test_azure_is_known_by_its_host_and_by_its_names(shared: Collector) -> None:
    """The client library says `openai`; the host says who answered."""
    by_host = {**OPENAI, "server.address": "x.services.ai.azure.com"}
    by_name = {**OPENAI, "gen_ai.provider.name": "azure_openai", "server.address": "proxy.example.com"}
    found = through(shared, span(by_host), span(by_name))
    assert [one["attributes"]["gen_ai.provider.name"] for one in found] == ["azure.ai.openai"] * 2


INFERENCE: Final = {
    "openinference.span.kind": "LLM",
    "llm.provider": "openai",
    "llm.model_name": "gpt-4.1",
    "server.address": "api.openai.com",
    "llm.token_count.prompt": 12,
    "llm.token_count.completion": 5,
    "llm.token_count.prompt_details.cache_read": 4,
    "llm.token_count.completion_details.reasoning": 2,
    "llm.invocation_parameters": json.dumps({"temperature": 0, "service_tier": "flex"}),
    "input.value": "what was asked",
}
NAMED: Final = {
    s.OPERATION.key: "chat",
    s.PROVIDER.key: "openai",
    s.REQUEST_MODEL.key: "gpt-4.1",
    s.REQUEST_TIER.key: "flex",
    s.INPUT_TOKENS.key: 12,
    s.OUTPUT_TOKENS.key: 5,
    s.CACHE_READ.key: 4,
    s.REASONING.key: 2,
}


def test_openinference_gets_the_names_of_the_conventions(shared: Collector) -> None:
    """The requested tier is found in the JSON of the parameters, which then goes."""
    (found,) = through(shared, span(INFERENCE))
    assert NAMED.items() <= found["attributes"].items()
    assert not {"llm.invocation_parameters", "input.value"} & found["attributes"].keys()


@pytest.mark.parametrize("parameters", ["", "{", "[1]", '{"service_tier": {"a": 1}}', '{"service_tier": null}'])
def test_parameters_that_say_no_tier_say_none(shared: Collector, parameters: str) -> None:
    (found,) = through(shared, span({**INFERENCE, "llm.invocation_parameters": parameters}))
    assert found["attributes"]["tierscope.tier.requested"] == "unreported"


@pytest.mark.parametrize("kind", ["CHAIN", "AGENT", "TOOL"])
def test_a_chain_is_no_call(shared: Collector, kind: str) -> None:
    (found,) = through(shared, span({**INFERENCE, "openinference.span.kind": kind}))
    assert verdict(found["attributes"]) == (None, None, None, None)


def test_what_tierscope_said_stays(shared: Collector) -> None:
    """A span with an outcome passes as it is, were the Collector's own verdict another."""
    own = {**OPENAI, ASKED: "flex", s.TIER_REQUESTED.key: "priority", s.TIER_OUTCOME.key: "downgraded"}
    (found,) = through(shared, span(own))
    assert found["attributes"] == own


# ── .NET, failures ────────────────────────────────────────────────────────────────────────────────────────────────
DOTNET: Final = {**OPENAI, SERVED: "priority", "gen_ai.request.stream": True}


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        pytest.param({**DOTNET, "openai.api.type": "responses"}, ("unreported", "unverified"), id="responses-stream"),
        pytest.param(DOTNET, ("unreported", "unverified"), id="no-type"),
        pytest.param({**DOTNET, "openai.api.type": "chat_completions"}, ("priority", "resolved"), id="chat-stream"),
        pytest.param({**DOTNET, "gen_ai.request.stream": False}, ("priority", "resolved"), id="no-stream"),
    ],
)
def test_dotnet_takes_the_echo_of_a_stream_for_the_tier(
    shared: Collector, attributes: Attributes, expected: tuple[str, str]
) -> None:
    (found,) = through(shared, span(attributes), resource={"telemetry.sdk.language": "dotnet"})
    assert verdict(found["attributes"])[2:] == expected


FLEX: Final = {**OPENAI, ASKED: "flex"}
NO_ROOM: Final = "Error code: 429 - Resource unavailable, try again later"
FAILURES: Final = [
    pytest.param(FLEX, NO_ROOM, "refused", id="flex"),
    pytest.param(
        {**FLEX, "error.type": "resource_unavailable", "http.response.status_code": 429},
        "",
        "refused",
        id="flex-by-attributes",
    ),
    pytest.param({**OPENAI, ASKED: "priority"}, NO_ROOM, "failed", id="another-tier"),
    pytest.param(FLEX, "429 rate_limit_exceeded: resource unavailable", "failed", id="a-rate"),
    pytest.param(FLEX, "503 Resource unavailable", "failed", id="another-status"),
    pytest.param({**FLEX, "error.type": "RateLimitError"}, "429", "failed", id="a-class-proves-nothing"),
    pytest.param(OPENAI, "400 {'param': 'service_tier', 'code': 'invalid_value'}", "refused", id="by-parameter"),
    pytest.param({**GROQ, ASKED: "flex"}, "498 capacity_exceeded", "refused", id="groq"),
    pytest.param({**GROQ, ASKED: "on_demand"}, "498 capacity_exceeded", "failed", id="groq-on-demand"),
]


@pytest.mark.parametrize(("attributes", "message", "expected"), FAILURES)
def test_an_error_is_a_refusal_where_that_is_proved(
    shared: Collector, attributes: Attributes, message: str, expected: str
) -> None:
    """And the message does not stay: it may quote the request."""
    (found,) = through(shared, span(attributes, status={"code": 2, "message": message}))
    assert (found["attributes"]["tierscope.tier.outcome"], found["status"]) == (expected, {"code": 2})
