"""The Responses API: bodies and streams; before the last word the tier is only an echo of the request."""

from __future__ import annotations

import re
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.responses import Response, ResponseStreamEvent

from tests.unit import wire
from tierscope.catalog import Refusal
from tierscope.model import CacheMiss, Failure, Reply, Usage
from tierscope.reading import responses
from tierscope.reading.chat import NOTHING, TEXT, TOKEN
from tierscope.reading.responses import ResponsesReader

COUNTS: Final = Usage(input=100, output=20, cached=64, reasoning=7, total=120)
BODY: Final[dict[str, Any]] = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1,
    "status": "completed",
    "background": False,
    "error": None,
    "incomplete_details": None,
    "model": "gpt-5-2025-08-07",
    "service_tier": "priority",
    "output": [],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "usage": {
        "input_tokens": 100,
        "output_tokens": 20,
        "total_tokens": 120,
        "input_tokens_details": {"cached_tokens": 64},
        "output_tokens_details": {"reasoning_tokens": 7},
    },
}
TOLD: Final = Reply(
    status=200,
    response_id="resp_1",
    model="gpt-5-2025-08-07",
    tier_raw="priority",
    finish_reasons=("completed",),
    response_status="completed",
    is_background=False,
    usage=COUNTS,
)
QUOTA: Final = {"code": "insufficient_quota", "message": "no"}
QUOTA_READ: Final = Failure("insufficient_quota", None, "insufficient_quota")
STATES: Final = [
    pytest.param({}, ("completed",), True, None, id="completed"),
    pytest.param({"status": "queued", "background": True}, (), False, None, id="queued"),
    pytest.param({"status": "in_progress"}, (), False, None, id="in-progress"),
    pytest.param({"status": "cancelled"}, ("cancelled",), True, None, id="cancelled"),
    pytest.param(
        {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
        ("max_output_tokens",),
        True,
        None,
        id="incomplete",
    ),
    pytest.param({"status": "incomplete"}, ("incomplete",), True, None, id="incomplete-without-a-reason"),
    pytest.param({"status": "failed", "error": QUOTA}, ("failed",), True, QUOTA_READ, id="failed"),
    pytest.param({"status": "failed"}, ("failed",), True, Failure("_OTHER"), id="failed-without-a-word"),
    pytest.param({"status": "completed", "error": QUOTA}, ("completed",), True, None, id="completed-all-the-same"),
    pytest.param({"status": "incomplete", "error": QUOTA}, ("incomplete",), True, None, id="incomplete-all-the-same"),
    pytest.param({"status": "new_state", "error": QUOTA}, ("new_state",), True, QUOTA_READ, id="unknown-with-an-error"),
]
TEXTS: Final[dict[str, str]] = {"response_id": "id", "model": "model", "tier_raw": "service_tier"}


@pytest.mark.parametrize("as_object", [False, True], ids=["json", "object"])
@pytest.mark.parametrize(("fields", "reasons", "is_terminal", "failure"), STATES)
def test_a_body_tells_its_state(
    fields: dict[str, Any], reasons: tuple[str, ...], is_terminal: bool, failure: Failure | None, as_object: bool
) -> None:
    """The reason of an incomplete one, whether more may come, and why one failed; from JSON and object alike."""
    doc = {**BODY, **fields}
    told = responses.reply(wire.parsed(Response, doc) if as_object else doc, 200)
    assert told == TOLD._replace(
        finish_reasons=reasons,
        response_status=doc["status"],
        is_background=doc["background"],
        is_terminal=is_terminal,
        failure=failure,
    )


@given(st.sampled_from(sorted(TEXTS)), wire.values)
def test_any_value_in_place_of_a_text_changes_that_text_alone(name: str, value: Any) -> None:
    """Itself, cut at 512 characters, or unknown."""
    assert responses.reply({**BODY, TEXTS[name]: value}, 200) == wire.changed(TOLD, name, wire.as_text(value))


@given(wire.values)
def test_any_value_as_background_is_a_bool_or_unknown(value: Any) -> None:
    told = responses.reply({**BODY, "background": value}, 200)
    assert told == TOLD._replace(is_background=value if isinstance(value, bool) else None)


@given(wire.values)
def test_any_value_as_status_is_a_state_or_unknown(value: Any) -> None:
    state = wire.as_text(value)
    told = responses.reply({**BODY, "status": value}, 200)
    assert (told.response_status, told.finish_reasons) == (state, (state,) if state else ())
    assert (told.tier_raw, told.usage, told.is_terminal) == ("priority", COUNTS, True)


@given(st.sampled_from(list(wire.places(BODY))), wire.values)
def test_any_value_anywhere_is_harmless_in_json_and_object(path: wire.Path, value: Any) -> None:
    odd = wire.replaced(BODY, path, value)
    assert responses.reply(odd, 200).status == 200
    if isinstance(odd, dict):
        assert responses.reply(wire.parsed(Response, odd), 200).status == 200


# ── streams ───────────────────────────────────────────────────────────────────────────────────────────────────────
WHERE: Final = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
ECHO: Final = {**BODY, "status": "in_progress", "service_tier": "auto", "usage": None}


def words(text: Any = "x", kind: str = "response.output_text.delta") -> dict[str, Any]:
    return {"type": kind, **WHERE, "delta": text, "logprobs": []}


def item(kind: Any) -> dict[str, Any]:
    return {"type": "response.output_item.added", "output_index": 0, "item": {"id": "i_1", "type": kind}}


MESSAGE: Final[dict[str, Any]] = {
    "type": "response.output_item.added",
    "output_index": 0,
    "item": {"id": "msg_1", "type": "message", "role": "assistant", "status": "in_progress", "content": []},
}
STREAM: Final[list[Any]] = [
    {"type": "response.created", "response": ECHO},
    {"type": "response.in_progress", "response": ECHO},
    MESSAGE,
    words("Hel"),
    words("lo"),
    {"type": "response.output_text.done", **WHERE, "text": "Hello"},
    {"type": "response.completed", "response": BODY},
]
ERROR: Final = {"type": "error", "code": "server_is_overloaded", "message": "no", "param": None}


def follow(*events: Any, as_object: bool = False) -> tuple[ResponsesReader, list[int]]:
    """Return a reader that has read these events, and what each brought."""
    reader = ResponsesReader()
    kind = ResponseStreamEvent
    return reader, [reader.chunk(wire.parsed(kind, event) if as_object else event) for event in events]


@pytest.mark.parametrize("as_object", [False, True], ids=["json", "object"])
def test_only_the_last_event_tells_the_tier(as_object: bool) -> None:
    """The first ones echo the request."""
    assert ResponsesReader().is_news is False
    reader, brought = follow(*STREAM[:-1], as_object=as_object)
    early = TOLD._replace(
        tier_raw=None, finish_reasons=(), response_status="in_progress", is_terminal=False, usage=None
    )
    assert brought == [NOTHING, NOTHING, NOTHING, TEXT, TEXT, NOTHING]
    assert (reader.reply(200), reader.tier_raw, reader.usage, reader.is_terminal) == (early, None, None, False)
    assert reader.chunk(STREAM[-1]) == NOTHING
    assert (reader.reply(200), reader.tier_raw, reader.usage, reader.is_terminal) == (TOLD, "priority", COUNTS, True)
    assert reader.shape() == (2, 1, 1, False, False)


@pytest.mark.parametrize("first", ["created", "queued", "in_progress"])
def test_the_first_event_with_a_response_tells_whose_it_is(first: str) -> None:
    """A later one adds nothing, and an event of another kind says nothing of it."""
    early, later = {"type": f"response.{first}", "response": ECHO}, {**ECHO, "id": "resp_2"}
    reader, _ = follow({"type": "response.new.thing", "response": later}, early, {**early, "response": later})
    assert reader.reply().response_id == "resp_1"


@pytest.mark.parametrize("last", ["completed", "incomplete", "failed"])
def test_every_terminal_event_tells_the_tier(last: str) -> None:
    reader, _ = follow({"type": f"response.{last}", "response": {**BODY, "status": last}})
    assert (reader.tier_raw, reader.usage, reader.is_news) == ("priority", COUNTS, True)
    assert (reader.failure is not None) is (last == "failed")
    reader.chunk(words())
    assert reader.is_news is False


@pytest.mark.parametrize("as_object", [False, True], ids=["json", "object"])
@pytest.mark.parametrize(
    "event", [ERROR, {"type": "error", "error": {**ERROR, "type": "server_error"}}], ids=["flat", "nested"]
)
def test_an_error_event_is_the_failure(event: dict[str, Any], as_object: bool) -> None:
    """Flat as documented, or nested as seen; it holds no response, and the tier stays unknown."""
    reader, _ = follow(STREAM[0], event, as_object=as_object)
    told = reader.reply(200)
    assert told.failure is not None
    assert (told.failure.error_type, told.failure.code) == ("server_is_overloaded", "server_is_overloaded")
    assert (told.tier_raw, told.is_terminal, reader.is_news) == (None, False, True)


def test_an_error_in_the_stream_is_never_a_refusal() -> None:
    """A refusal has a status: once the reply has begun (200), the tier had room (domain: failed, whatever it says)."""
    row = Refusal(tier="flex", status=429, pattern=re.compile("unavailable"))
    reader = ResponsesReader("flex", [row])
    reader.chunk({**ERROR, "message": "unavailable"})
    assert reader.failure == Failure("server_is_overloaded", None, "server_is_overloaded", "error")


KINDS: Final = [
    pytest.param(words(), TEXT, False, id="text"),
    pytest.param(words(kind="response.refusal.delta"), TEXT, False, id="refusal"),
    pytest.param(words(""), NOTHING, False, id="empty-text"),
    pytest.param(words(7), NOTHING, False, id="text-of-a-wrong-type"),
    pytest.param(words(kind="response.reasoning_text.delta"), TOKEN, False, id="reasoning"),
    pytest.param(words(kind="response.reasoning_summary_text.delta"), TOKEN, False, id="summary"),
    pytest.param(words(kind="response.audio.delta"), TOKEN, False, id="audio"),
    pytest.param(words(kind="response.function_call_arguments.delta"), TOKEN, True, id="arguments"),
    pytest.param(words("", "response.mcp_call_arguments.delta"), NOTHING, True, id="empty-arguments"),
    pytest.param(item("function_call"), NOTHING, True, id="a-tool-item"),
    pytest.param(item("web_search_call"), NOTHING, True, id="a-server-tool"),
    pytest.param(item("message"), NOTHING, False, id="a-message"),
    pytest.param(item("reasoning"), NOTHING, False, id="reasoning-item"),
    pytest.param(item("compaction"), NOTHING, False, id="compaction"),
    pytest.param(item(None), NOTHING, False, id="an-item-without-a-type"),
    pytest.param({"type": "response.new.thing"}, NOTHING, False, id="unknown"),
    pytest.param({"type": 7}, NOTHING, False, id="type-of-a-wrong-type"),
    pytest.param({}, NOTHING, False, id="empty"),
    pytest.param(None, NOTHING, False, id="nothing"),
]


@pytest.mark.parametrize(("event", "kind", "has_tools"), KINDS)
def test_what_one_event_brings(event: Any, kind: int, has_tools: bool) -> None:
    reader, brought = follow(event)
    assert brought == [kind]
    shape = reader.shape()
    assert (shape.text_deltas, shape.has_tool_call, reader.is_news) == (kind == TEXT, has_tools, False)
    assert (shape.messages, shape.has_other_delta) == (event == item("message"), False)


REASONING: Final = words(kind="response.reasoning_text.delta")
GAPS: Final = [
    pytest.param([words(), words()], False, id="only-text"),
    pytest.param([REASONING, words(), words()], False, id="reasoning-first"),
    pytest.param([words(), words(), REASONING], False, id="reasoning-last"),
    pytest.param([words(), REASONING, words()], True, id="reasoning-between"),
]


@pytest.mark.parametrize(("events", "has_other"), GAPS)
def test_only_what_stands_between_texts_is_an_other_delta(events: list[Any], has_other: bool) -> None:
    assert follow(*events)[0].shape().has_other_delta is has_other


@given(st.sampled_from(list(wire.places(STREAM))), wire.values)
def test_any_value_anywhere_in_a_stream_is_harmless(path: wire.Path, value: Any) -> None:
    """One odd value spoils no other event, and an early one never becomes the tier."""
    odd = wire.replaced(STREAM, path, value)
    if not path or not isinstance(path[0], int):
        return
    at = path[0]
    for as_object in (False, True):
        reader, brought = follow(*odd, as_object=as_object and isinstance(odd[at], dict))
        assert [kind for i, kind in enumerate(brought) if i != at] == [
            kind for i, kind in enumerate(follow(*STREAM)[1]) if i != at
        ]
        assert reader.tier_raw == "priority" or at == len(STREAM) - 1


@pytest.mark.parametrize("as_object", [False, True], ids=["json", "object"])
def test_diagnostics_of_the_cache_come_with_the_last_word(as_object: bool) -> None:
    """Of a body and of a stream; those of the first events are not asked."""
    told = {"type": "cache_miss", "reason": "service_tier_changed", "cache_missed_tokens": 90}
    body = {**BODY, "prompt_cache_diagnostics": told}
    miss = CacheMiss("service_tier_changed", 90)
    assert responses.reply(Response.construct(**body) if as_object else body).cache_miss == miss
    assert responses.reply(BODY).cache_miss is None
    reader = ResponsesReader()
    reader.chunk({"type": "response.created", "response": body})
    assert reader.reply().cache_miss is None
    reader.chunk({"type": "response.completed", "response": body})
    assert reader.reply().cache_miss == miss
