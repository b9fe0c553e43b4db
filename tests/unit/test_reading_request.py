"""What was asked for: the endpoint behind a path, the tier and the model in a body."""

from __future__ import annotations

from typing import Any, Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.unit import wire
from tierscope.reading import fields, request

CHAT: Final = ("chat_completions", "chat")
RESPONSES: Final = ("responses", "chat")
FETCH: Final = ("responses", "fetch_response")
BATCH: Final = ("batches", "batch")
ENDPOINTS: Final = [
    pytest.param("post", "/chat/completions", CHAT, id="chat"),
    pytest.param("POST", "/responses", RESPONSES, id="responses"),
    pytest.param("Post", "/completions", ("completions", "text_completion"), id="legacy"),
    pytest.param("post", "/embeddings", ("embeddings", "embeddings"), id="embeddings"),
    pytest.param("post", "/responses?beta=true", RESPONSES, id="query"),
    pytest.param("post", "/responses/", RESPONSES, id="slash-at-the-end"),
    pytest.param("post", "https://example.com/v1/chat/completions", CHAT, id="absolute"),
    pytest.param("post", "/openai/deployments/d/chat/completions?api-version=1", CHAT, id="azure-deployment"),
    pytest.param("post", "https://x.openai.azure.com/openai/v1/responses", RESPONSES, id="azure-v1"),
    pytest.param("get", "/responses/resp_1", FETCH, id="retrieve"),
    pytest.param("GET", "/responses/resp_1?stream=true", FETCH, id="retrieve-stream"),
    pytest.param("get", "https://api.openai.com/v1/responses/resp_1/", FETCH, id="retrieve-absolute"),
    pytest.param("get", "/responses", None, id="no-id"),
    pytest.param("get", "/responses/", None, id="empty-id"),
    pytest.param("get", "/chat/completions", None, id="stored-completions"),
    pytest.param("get", "/chat/completions/c_1", None, id="stored-completion"),
    pytest.param("get", "/responses/resp_1/input_items", None, id="input-items"),
    pytest.param("post", "/responses/resp_1/cancel", None, id="cancel"),
    pytest.param("post", "/responses/input_tokens", None, id="input-tokens"),
    pytest.param("post", "/responses/compact", None, id="compact"),
    pytest.param("delete", "/responses/resp_1", None, id="delete"),
    pytest.param("put", "/chat/completions", None, id="another-method"),
    pytest.param("post", "/batches", BATCH, id="batch-made"),
    pytest.param("get", "/batches?limit=2", BATCH, id="batches-listed"),
    pytest.param("get", "/batches/batch_1", BATCH, id="batch-retrieved"),
    pytest.param("post", "https://x.openai.azure.com/openai/batches/batch_1/cancel?a=b", BATCH, id="batch-cancelled"),
    pytest.param("post", "/batches/batch_1", None, id="no-such-call-of-batches"),
    pytest.param("get", "/batches/batch_1/cancel", None, id="batch-cancelled-by-get"),
    pytest.param("delete", "/batches/batch_1", None, id="batch-deleted"),
    pytest.param("get", "/vector_stores/v/file_batches/b", None, id="file-batches"),
    pytest.param("post", "/vector_stores/v/file_batches", None, id="file-batches-made"),
    pytest.param("get", "/batches/a/b/c", None, id="batch-and-more"),
    pytest.param("post", "/images?next=/responses", None, id="only-in-the-query"),
    pytest.param("post", "/my-responses", None, id="alike"),
    pytest.param("post", "/chat/completions/x", None, id="longer"),
    pytest.param("post", "/responsesX", None, id="longer-word"),
    pytest.param("post", "", None, id="empty"),
]


@pytest.mark.parametrize(("method", "url", "kind"), ENDPOINTS)
def test_method_and_path_tell_the_endpoint(method: str, url: str, kind: Any) -> None:
    assert request.endpoint(method, url) == kind


@pytest.mark.parametrize("url", ["/responses/resp_X", "/responses/resp_X/", "https://x/v1/responses/resp_X?a=/b"])
def test_a_retrieve_names_its_response(url: str) -> None:
    assert request.fetched_id(url) == "resp_X"


DEPLOYMENTS: Final = [
    pytest.param("/openai/deployments/my-chat/chat/completions", "my-chat", id="in-the-path"),
    pytest.param("/deployments/gpt-5.4/responses", "gpt-5.4", id="at-the-start"),
    pytest.param("/openai/v1/chat/completions", None, id="v1-has-none"),
    pytest.param("/openai/deployments/", None, id="a-list"),
    pytest.param("/openai/deployments//chat/completions", None, id="empty"),
    pytest.param("/mydeployments/x/y", None, id="alike"),
    pytest.param("", None, id="no-path"),
]


@pytest.mark.parametrize(("path", "name"), DEPLOYMENTS)
def test_a_path_may_name_a_deployment(path: str, name: str | None) -> None:
    assert request.deployment(path) == name


# ── the body as it will be sent ───────────────────────────────────────────────────────────────────────────────────
MERGED: Final = [
    pytest.param({"a": 1}, None, {"a": 1}, id="no-extra"),
    pytest.param({"service_tier": "flex"}, {"service_tier": "priority"}, {"service_tier": "priority"}, id="extra-wins"),
    pytest.param({"service_tier": "flex"}, {"service_tier": None}, {"service_tier": None}, id="extra-null-wins"),
    pytest.param({"a": 1}, {"b": 2}, {"a": 1, "b": 2}, id="both"),
    pytest.param(None, {"b": 2}, {"b": 2}, id="only-extra"),
    pytest.param([1], "x", {}, id="neither-is-an-object"),
    pytest.param({"a": 1}, {}, {"a": 1}, id="empty-extra"),
]


@pytest.mark.parametrize(("body", "extra", "sent"), MERGED)
def test_extra_body_wins_over_keywords(body: Any, extra: Any, sent: dict[str, Any]) -> None:
    """And the caller's own objects stay as they are."""
    before = repr((body, extra))
    assert request.merged(body, extra) == sent
    assert repr((body, extra)) == before


TIERS: Final = [
    pytest.param({}, None, id="absent"),
    pytest.param({"service_tier": None}, None, id="null"),
    pytest.param({"service_tier": ""}, "", id="empty"),
    pytest.param({"service_tier": "auto"}, "auto", id="auto"),
    pytest.param({"service_tier": "fast_tier_temp_pilot"}, "fast_tier_temp_pilot", id="unknown"),
    pytest.param({"service_tier": "Priority "}, "Priority ", id="as-it-was-sent"),
    pytest.param({"service_tier": "x" * 600}, "x" * 128, id="bounded"),
    pytest.param({"service_tier": 7}, "7", id="number"),
    pytest.param({"service_tier": False}, "False", id="false-is-something"),
    pytest.param({"service_tier": ["flex"]}, "['flex']", id="list"),
]


@pytest.mark.parametrize(("body", "raw"), TIERS)
def test_the_tier_is_kept_as_it_was_sent(body: dict[str, Any], raw: str | None) -> None:
    assert request.asked(body)[0] == raw


@given(wire.values)
def test_any_value_as_tier_is_a_bounded_text_or_nothing_sent(value: Any) -> None:
    """A wrong type is not the same as absence here: something was sent."""
    raw, *_ = request.asked({"service_tier": value})
    assert raw == (None if value is None else (value if isinstance(value, str) else repr(value))[:128])


@given(wire.values)
@example("")
@example("x" * 513)
def test_any_value_as_model_is_a_bounded_text_or_unknown(value: Any) -> None:
    assert request.asked({"model": value}) == (None, wire.as_text(value), False, None)


@given(wire.values)
@example(True)
@example(False)
def test_only_true_asks_for_background_work(value: Any) -> None:
    assert request.asked({"background": value}) == (None, None, value is True, None)


WINDOWS: Final = [
    *(pytest.param({"completion_window": word}, word, id=word) for word in ("soonest", "2h", "8h")),
    *(pytest.param({"completion_window": word}, None, id=str(word)) for word in ("24h", "2H", "", None, 2, ["2h"])),
    *(pytest.param(options, None, id=f"options-{options}") for options in (None, {}, "2h", ["2h"], 7)),
]


@pytest.mark.parametrize(("options", "window"), WINDOWS)
def test_only_a_documented_window_is_one(options: Any, window: str | None) -> None:
    assert request.asked({"background_options": options}) == (None, None, False, window)


@given(wire.values)
def test_any_value_as_window_is_a_word_or_unknown(value: Any) -> None:
    told = request.asked({"background_options": {"completion_window": value}})[3]
    assert told == (value if isinstance(value, str) and value in {"soonest", "2h", "8h"} else None)


# ── fields: the same look-up in JSON and in parsed objects ────────────────────────────────────────────────────────
class Thing:
    """A parsed object as pydantic keeps one: declared fields, and what else came."""

    def __init__(self, declared: dict[str, Any], extra: dict[str, Any] | None) -> None:
        self.__dict__.update(declared)
        object.__setattr__(self, "__pydantic_extra__", extra)


@given(wire.values)
def test_a_field_is_found_among_declared_ones_and_extras(value: Any) -> None:
    """A declared one wins, `null` or not; a miss is unknown."""
    for thing in (
        {"a": value},
        Thing({"a": value}, {"a": "other"}),
        Thing({}, {"a": value}),
        Thing({}, {"b": 1, "a": value}),
    ):
        assert fields.field(thing, "a") is value
        assert fields.mapping(thing).get("a") is value
    assert fields.field(Thing({"a": None}, {"a": 1}), "a") is None


NOWHERE: Final = [{}, Thing({}, {}), Thing({}, None), None, 7, "a", [], True, object()]


@pytest.mark.parametrize("thing", NOWHERE, ids=lambda thing: type(thing).__name__)
def test_a_field_that_is_not_there_is_unknown(thing: Any) -> None:
    assert (fields.field(thing, "a"), fields.text(thing, "a"), fields.flag(thing, "a")) == (None, None, None)
    assert (fields.items(thing, "a"), fields.mapping(thing).get("a")) == ([], None)


@given(wire.values)
@example("")
@example(0)
@example(-1)
@example(1)
@example(2**63)
@example(True)
@example([None, 1])
def test_a_value_of_a_wrong_type_is_unknown(value: Any) -> None:
    thing = {"a": value}
    assert fields.text(thing, "a") == wire.as_text(value)
    assert fields.texts(value, "x" * 513) == [wire.as_text(value), "x" * 512]
    assert [fields.count(value)] == fields.counts(value) == [wire.as_count(value)]
    assert fields.flag(thing, "a") is (value if value is True or value is False else None)
    assert fields.items(thing, "a") == ([entry for entry in value if entry is not None] if type(value) is list else [])


@given(st.integers(500, 530))
def test_a_text_is_kept_up_to_512_characters(length: int) -> None:
    assert fields.text({"a": "x" * length}, "a") == "x" * min(length, 512)
