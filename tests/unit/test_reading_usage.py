"""Token usage: each count is exact or unknown, in both forms of the API."""

from __future__ import annotations

from typing import Any, Final, get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from openai import BaseModel
from openai.types import CompletionUsage, CreateEmbeddingResponse
from openai.types.responses import ResponseUsage
from openai.types.responses.response import PromptCacheDiagnosticsCacheMiss

from tests.unit import wire
from tierscope.model import CacheMiss, Usage
from tierscope.reading import embeddings, usage
from tierscope.words import CACHE_MISSES

CHAT: Final[dict[str, Any]] = {
    "prompt_tokens": 1000,
    "completion_tokens": 300,
    "total_tokens": 1300,
    "prompt_tokens_details": {"cached_tokens": 640, "cache_write_tokens": 320, "audio_tokens": 5, "text_tokens": 995},
    "completion_tokens_details": {
        "reasoning_tokens": 128,
        "accepted_prediction_tokens": 3,
        "rejected_prediction_tokens": 7,
        "audio_tokens": 11,
    },
}
RESPONSES: Final[dict[str, Any]] = {
    "input_tokens": 1000,
    "output_tokens": 300,
    "total_tokens": 1300,
    "input_tokens_details": {"cached_tokens": 640, "cache_write_tokens": 320},
    "output_tokens_details": {"reasoning_tokens": 128},
}
CHAT_READ: Final = Usage(1000, 300, 640, 320, 128, 7, 11, 1300)
RESPONSES_READ: Final = Usage(1000, 300, 640, 320, 128, None, None, 1300)
CHAT_PLACES: Final[dict[str, wire.Path]] = {
    "input": ("prompt_tokens",),
    "output": ("completion_tokens",),
    "cached": ("prompt_tokens_details", "cached_tokens"),
    "cache_write": ("prompt_tokens_details", "cache_write_tokens"),
    "reasoning": ("completion_tokens_details", "reasoning_tokens"),
    "rejected_prediction": ("completion_tokens_details", "rejected_prediction_tokens"),
    "audio_output": ("completion_tokens_details", "audio_tokens"),
    "total": ("total_tokens",),
}
RESPONSES_PLACES: Final[dict[str, wire.Path]] = {
    "input": ("input_tokens",),
    "output": ("output_tokens",),
    "cached": ("input_tokens_details", "cached_tokens"),
    "cache_write": ("input_tokens_details", "cache_write_tokens"),
    "reasoning": ("output_tokens_details", "reasoning_tokens"),
    "total": ("total_tokens",),
}
FORMS: Final = [
    pytest.param(usage.of_chat, CHAT, CHAT_READ, CHAT_PLACES, CompletionUsage, id="chat"),
    pytest.param(usage.of_responses, RESPONSES, RESPONSES_READ, RESPONSES_PLACES, ResponseUsage, id="responses"),
]
COUNTS: Final = [
    pytest.param(0, 0, id="zero"),
    pytest.param(2**63 - 1, 2**63 - 1, id="largest"),
    pytest.param(2**63, None, id="beyond-int64"),
    pytest.param(-1, None, id="negative"),
    pytest.param(True, None, id="true"),
    pytest.param(False, None, id="false"),
    pytest.param("12", None, id="text"),
    pytest.param(12.0, None, id="float"),
    pytest.param(None, None, id="null"),
    pytest.param([12], None, id="list"),
    pytest.param({"value": 12}, None, id="object"),
]


@pytest.mark.parametrize(("read", "doc", "told", "where", "kind"), FORMS)
def test_every_count_is_read_exactly(read: Any, doc: Any, told: Usage, where: Any, kind: Any) -> None:
    """From the JSON and from the SDK's object of it."""
    assert read(doc) == told
    assert read(wire.parsed(kind, doc)) == told


@pytest.mark.parametrize(("value", "count"), COUNTS)
@pytest.mark.parametrize(("read", "doc", "told", "where", "kind"), FORMS)
def test_a_count_is_a_whole_number_or_unknown(
    read: Any, doc: Any, told: Usage, where: Any, kind: Any, value: Any, count: int | None
) -> None:
    """In place of each count in turn; the others stay."""
    for name, path in where.items():
        assert read(wire.replaced(doc, path, value)) == wire.changed(told, name, count), name


@pytest.mark.parametrize(("read", "doc", "told", "where", "kind"), FORMS)
def test_a_count_left_out_is_unknown(read: Any, doc: Any, told: Usage, where: Any, kind: Any) -> None:
    """As JSON and as object, one after the other."""
    for name, path in where.items():
        less = wire.without(doc, path)
        assert read(less) == read(wire.parsed(kind, less)) == wire.changed(told, name, None), name


@pytest.mark.parametrize("details", [None, [], [1], "x", 0, True, {}])
def test_details_of_a_wrong_type_hide_no_total(details: Any) -> None:
    odd = {**CHAT, "prompt_tokens_details": details, "completion_tokens_details": details}
    assert usage.of_chat(odd) == Usage(input=1000, output=300, total=1300)
    odd = {**RESPONSES, "input_tokens_details": details, "output_tokens_details": details}
    assert usage.of_responses(odd) == Usage(input=1000, output=300, total=1300)


@pytest.mark.parametrize("nothing", [None, {}, [], "many", 7, True, {"total_tokens": 5}, {"prompt_tokens": -1}])
def test_usage_without_input_and_output_is_no_usage(nothing: Any) -> None:
    """Unknown is not zero."""
    assert usage.of_chat(nothing) is None
    assert usage.of_responses(nothing) is None


def test_half_a_usage_is_one() -> None:
    """Embeddings have no output tokens."""
    assert usage.of_chat({"prompt_tokens": 8, "total_tokens": 8}) == Usage(input=8, total=8)
    assert usage.of_chat({"completion_tokens": 8}) == Usage(output=8)
    assert usage.of_responses({"input_tokens": 0}) == Usage(input=0)
    assert usage.of_responses({"output_tokens": 0}) == Usage(output=0)


def test_the_other_forms_words_mean_nothing() -> None:
    """A host that answers chat with the names of Responses has told nothing."""
    assert usage.of_chat(RESPONSES) is None
    assert usage.of_responses(CHAT) is None


class OldDetails(BaseModel):
    cached_tokens: int | None = None


class OldUsage(BaseModel):
    prompt_tokens: int
    prompt_tokens_details: OldDetails


def test_a_count_that_an_older_sdk_does_not_declare_is_read() -> None:
    """It stands among the extras of the parsed object (openai 1.40 knows no `cache_write_tokens`)."""
    old = wire.parsed(OldUsage, CHAT)
    assert "cache_write_tokens" not in old.prompt_tokens_details.__dict__
    assert usage.of_chat(old) == CHAT_READ


@given(st.sampled_from(sorted(CHAT_PLACES)), wire.values)
@example("input", True)
def test_any_value_in_place_of_a_chat_count_changes_that_count_alone(name: str, value: Any) -> None:
    told = wire.changed(CHAT_READ, name, wire.as_count(value))
    assert usage.of_chat(wire.replaced(CHAT, CHAT_PLACES[name], value)) == told


@given(st.sampled_from(sorted(RESPONSES_PLACES)), wire.values)
def test_any_value_in_place_of_a_responses_count_changes_that_count_alone(name: str, value: Any) -> None:
    told = wire.changed(RESPONSES_READ, name, wire.as_count(value))
    assert usage.of_responses(wire.replaced(RESPONSES, RESPONSES_PLACES[name], value)) == told


# ── embeddings ────────────────────────────────────────────────────────────────────────────────────────────────────
EMBEDDINGS: Final[dict[str, Any]] = {
    "object": "list",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}],
    "model": "text-embedding-3-small",
    "usage": {"prompt_tokens": 8, "total_tokens": 8},
}


@pytest.mark.parametrize("tier", [None, "default"])
def test_embeddings_tell_a_model_and_input_tokens(tier: str | None) -> None:
    """From JSON and object alike; a tier, which only compatible hosts may add, is read from both."""
    doc = EMBEDDINGS if tier is None else {**EMBEDDINGS, "service_tier": tier}
    for body in (doc, wire.parsed(CreateEmbeddingResponse, doc)):
        told = embeddings.reply(body, 200)
        assert (told.status, told.model, told.tier_raw) == (200, "text-embedding-3-small", tier)
        assert told.usage == Usage(input=8, total=8)


@given(wire.values)
def test_any_value_as_embeddings_is_harmless(body: Any) -> None:
    told = embeddings.reply(body)
    known = body if isinstance(body, dict) else {}
    assert (told.model, told.tier_raw, told.usage) == (wire.as_text(known.get("model")), None, None)


MISS: Final = {"type": "cache_miss", "reason": "service_tier_changed", "cache_missed_tokens": 900}
MISSES: Final = [
    pytest.param(MISS, CacheMiss("service_tier_changed", 900, None), id="tier"),
    pytest.param({**MISS, "comparison_reusable_tokens": 0}, CacheMiss("service_tier_changed", 900, 0), id="reusable"),
    pytest.param({**MISS, "reason": "input_changed"}, CacheMiss("input_changed", 900, None), id="input"),
    pytest.param({**MISS, "reason": "weather_changed"}, CacheMiss("_OTHER", 900, None), id="a-new-reason"),
    pytest.param({**MISS, "cache_missed_tokens": "9"}, CacheMiss("service_tier_changed", None, None), id="no-count"),
    pytest.param({**MISS, "reason": None}, None, id="no-reason"),
    pytest.param({**MISS, "type": "cache_hit"}, None, id="no-miss"),
    pytest.param({"type": "cache_hit"}, None, id="hit"),
    pytest.param({"type": "comparison_response_not_found"}, None, id="not-found"),
    pytest.param({"type": "unavailable"}, None, id="unavailable"),
    pytest.param([1], None, id="no-object"),
]


@pytest.mark.parametrize(("told", "read"), MISSES)
def test_why_the_cache_was_not_read(told: Any, read: CacheMiss | None) -> None:
    """In JSON, and in the SDK's own object; whatever else it says is no miss."""
    assert usage.cache_miss(told) == read
    if isinstance(told, dict):
        assert usage.cache_miss(BaseModel.construct(**told)) == read


def test_every_reason_of_the_sdk_is_known() -> None:
    """Those that openai-python declares, and one word for what may come."""
    reasons = get_args(PromptCacheDiagnosticsCacheMiss.model_fields["reason"].annotation)
    assert (*reasons, "_OTHER") == CACHE_MISSES
