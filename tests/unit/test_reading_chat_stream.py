"""Chat and legacy completions: what a stream of chunks tells, whatever stands in them."""

from __future__ import annotations

from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types import Completion
from openai.types.chat import ChatCompletionChunk

from tests.unit import wire
from tierscope.model import Failure, Reply, Usage
from tierscope.reading.chat import NOTHING, TEXT, TOKEN, ChatReader

USAGE: Final = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
COUNTS: Final = Usage(input=100, output=20, total=120)
TOLD: Final = Reply(200, "chatcmpl-1", "gpt-5", "fp_1", "priority", ("stop", "length"), usage=COUNTS)
LEGACY: Final[dict[str, Any]] = {
    "id": "cmpl-1",
    "object": "text_completion",
    "created": 1,
    "model": "gpt-3.5-turbo-instruct",
    "service_tier": "default",
    "usage": USAGE,
}


def chunk(*choices: Any, **fields: Any) -> dict[str, Any]:
    return {"id": "chatcmpl-1", "created": 1, "model": "gpt-5", "object": "x", "choices": list(choices), **fields}


def delta(index: int = 0, finish: str | None = None, **fields: Any) -> dict[str, Any]:
    return {"index": index, "delta": fields, "finish_reason": finish}


def follow(*chunks: Any, as_object: bool = False, kind: Any = ChatCompletionChunk) -> tuple[ChatReader, list[int]]:
    """Return a reader that has read these chunks, and what each brought."""
    reader = ChatReader()
    return reader, [reader.chunk(wire.parsed(kind, entry) if as_object else entry) for entry in chunks]


STREAM: Final = [
    chunk(delta(role="assistant", content=""), system_fingerprint="fp_1"),
    chunk(delta(content="Hel"), service_tier="default"),
    chunk(delta(content="lo"), service_tier="priority"),
    chunk(delta(1, content="Ho"), service_tier=None),
    chunk(delta(finish="stop")),
    chunk(delta(1, finish="length")),
    chunk(usage=USAGE),
]
BRINGS: Final = [
    pytest.param(delta(content="x"), TEXT, id="text"),
    pytest.param(delta(refusal="no"), TEXT, id="refusal"),
    pytest.param({"index": 0, "text": "x"}, TEXT, id="legacy-text"),
    pytest.param({"index": 0, "text": ""}, NOTHING, id="legacy-empty"),
    pytest.param(delta(content=""), NOTHING, id="empty-text"),
    pytest.param(delta(content=None), NOTHING, id="null-text"),
    pytest.param(delta(content=["x"]), NOTHING, id="text-of-a-wrong-type"),
    pytest.param(delta(role="assistant"), NOTHING, id="role"),
    pytest.param(delta(tool_calls=[{"index": 0}]), TOKEN, id="tool-call"),
    pytest.param(delta(function_call={"name": "f"}), TOKEN, id="function-call"),
    pytest.param(delta(content="x", tool_calls=[{"index": 0}]), TOKEN, id="text-and-tool-call"),
    pytest.param(delta(tool_calls=[]), NOTHING, id="no-tool-calls"),
    pytest.param(delta(reasoning_content="x"), TOKEN, id="reasoning-content"),
    pytest.param(delta(reasoning="x"), TOKEN, id="reasoning"),
    pytest.param(delta(audio={"id": "a"}), TOKEN, id="audio"),
    pytest.param(delta(reasoning_content=""), NOTHING, id="empty-reasoning"),
    pytest.param({"index": 0, "delta": {}}, NOTHING, id="empty-delta"),
    pytest.param({"index": 0, "delta": "x"}, NOTHING, id="delta-of-a-wrong-type"),
]


@pytest.mark.parametrize("as_object", [False, True], ids=["json", "object"])
def test_a_stream_tells_what_its_chunks_tell_together(as_object: bool) -> None:
    """The last tier that is not null, the usage of the last chunk, one reason a choice."""
    reader, brought = follow(*STREAM, as_object=as_object)
    assert brought == [NOTHING, TEXT, TEXT, TEXT, NOTHING, NOTHING, NOTHING]
    assert reader.reply(200) == TOLD
    assert (reader.tier_raw, reader.usage, reader.failure, reader.is_terminal) == ("priority", COUNTS, None, True)
    assert reader.shape() == (3, 2, 1, False, False)


@pytest.mark.parametrize("as_object", [False, True], ids=["json", "object"])
@pytest.mark.parametrize(("choice", "kind"), BRINGS)
def test_what_one_chunk_brings(choice: Any, kind: int, as_object: bool) -> None:
    reader, brought = follow(
        chunk(choice), as_object=as_object, kind=Completion if "text" in choice else ChatCompletionChunk
    )
    assert brought == [kind]
    assert reader.shape().text_deltas == (kind == TEXT)


TOOLS: Final = [
    pytest.param(delta(tool_calls=[{"index": 0}]), True, id="tool-calls"),
    pytest.param(delta(function_call={"name": "f"}), True, id="function-call"),
    pytest.param(delta(finish="tool_calls"), True, id="ended-by-tool-calls"),
    pytest.param(delta(finish="function_call"), True, id="ended-by-a-function-call"),
    pytest.param(delta(tool_calls=[], function_call=None, content="x"), False, id="none"),
    pytest.param(delta(reasoning="x"), False, id="reasoning"),
]


@pytest.mark.parametrize(("choice", "has_tools"), TOOLS)
def test_a_stream_with_tools_says_so(choice: dict[str, Any], has_tools: bool) -> None:
    """And goes on saying so."""
    reader, _ = follow(chunk(choice), chunk(delta(finish="stop", content="x")))
    assert reader.shape().has_tool_call is has_tools


def test_several_choices_in_a_chunk_bring_the_most_of_them() -> None:
    reader, brought = follow(chunk(delta(content="x"), None, delta(1, reasoning="x"), delta(2)))
    assert brought == [TEXT]
    assert reader.shape().choices == 3


@pytest.mark.parametrize("as_object", [False, True], ids=["json", "object"])
def test_a_legacy_stream_tells_the_same(as_object: bool) -> None:
    """The SDK does not declare a tier for it: it is read all the same."""
    text = {"index": 0, "text": "hi", "finish_reason": None, "logprobs": None}
    end = {**text, "text": "", "finish_reason": "stop"}
    reader, brought = follow(
        {**LEGACY, "choices": [text], "usage": None}, {**LEGACY, "choices": [end]}, as_object=as_object, kind=Completion
    )
    assert brought == [TEXT, NOTHING]
    assert reader.reply(200) == Reply(200, "cmpl-1", LEGACY["model"], None, "default", ("stop",), usage=COUNTS)


def test_azures_first_chunk_tells_no_id_and_no_model() -> None:
    """It holds the results of the prompt filter, and empty texts."""
    first = {"id": "", "model": "", "object": "", "created": 0, "choices": [], "prompt_filter_results": [{}]}
    reader, brought = follow(first, *STREAM)
    assert brought[0] == NOTHING
    assert reader.reply(200) == TOLD


def test_a_model_told_before_the_id_stays() -> None:
    reader, _ = follow({"model": "gpt-5"}, {"id": "chatcmpl-1"})
    assert reader.reply() == Reply(response_id="chatcmpl-1", model="gpt-5")


def test_news_is_a_tier_or_usage_not_known_before() -> None:
    told = []
    reader = ChatReader()
    for entry in [*STREAM, {}, None, *[chunk(service_tier="x" * 600)] * 2]:
        reader.chunk(entry)
        told.append(reader.is_news)
    assert told == [False, True, True, False, False, False, True, False, False, True, False]
    assert ChatReader().is_news is False


GAPS: Final = [
    pytest.param(["content", "content"], False, id="only-text"),
    pytest.param(["reasoning", "content", "content"], False, id="reasoning-first"),
    pytest.param(["content", "content", "reasoning"], False, id="reasoning-last"),
    pytest.param(["content", "reasoning", "content"], True, id="reasoning-between"),
    pytest.param(["content", "audio", "content", "content"], True, id="audio-between"),
]


@pytest.mark.parametrize(("kinds", "has_other"), GAPS)
def test_only_what_stands_between_texts_is_an_other_delta(kinds: list[str], has_other: bool) -> None:
    reader, _ = follow(*(chunk({"index": 0, "delta": {kind: "x"}}) for kind in kinds))
    assert reader.shape().has_other_delta is has_other


def test_a_stream_without_a_word_tells_nothing() -> None:
    reader, brought = follow(None, {}, [], "x", 7, object(), {"choices": 7})
    assert brought == [NOTHING] * 7
    assert reader.reply() == Reply()
    assert reader.shape() == (0, 0, 0, False, False)


def test_an_error_in_the_stream_is_its_failure() -> None:
    """Its tier and usage, known before, stay."""
    error = {"error": {"code": "server_is_overloaded", "type": "service_unavailable_error", "message": "no"}}
    reader, brought = follow(*STREAM, error)
    failure = Failure("server_is_overloaded", None, "server_is_overloaded", "service_unavailable_error")
    assert (brought[-1], reader.failure, reader.is_news) == (NOTHING, failure, True)
    assert reader.reply(200) == TOLD._replace(failure=failure)


def test_a_later_usage_that_is_junk_takes_nothing_back() -> None:
    reader, _ = follow(*STREAM, chunk(usage="many"), chunk(usage={}), chunk(usage=None))
    assert reader.usage == COUNTS


@given(st.lists(st.sampled_from([None, "", "default", "priority", "fast", 7, "x" * 600]), max_size=6))
def test_the_last_tier_that_is_a_text_is_the_served_one(tiers: list[Any]) -> None:
    reader, _ = follow(*(chunk(service_tier=tier) for tier in tiers))
    known = [wire.as_text(tier) for tier in tiers if wire.as_text(tier)]
    assert reader.tier_raw == reader.reply().tier_raw == (known[-1] if known else None)


@given(st.sampled_from(list(wire.places(STREAM))), wire.values)
def test_any_value_anywhere_in_a_stream_is_harmless(path: wire.Path, value: Any) -> None:
    """One odd value spoils no other chunk: what the others tell is still told."""
    odd = wire.replaced(STREAM, path, value)
    at = path[0] if path else None
    if not isinstance(odd, list) or not isinstance(at, int):
        return
    for as_object in (False, True):
        reader, brought = follow(*odd, as_object=as_object and isinstance(odd[at], dict))
        assert [b for i, b in enumerate(brought) if i != at] == [b for i, b in enumerate(follow(*STREAM)[1]) if i != at]
        assert reader.reply().tier_raw == "priority" or at == 2 or path[1:] == ("service_tier",)
        assert reader.usage == COUNTS or at == 6 or path[1:] == ("usage",)


@given(wire.values)
def test_any_value_as_index_of_a_choice_is_one_choice(value: Any) -> None:
    """Text and reason of a choice are kept, whatever numbers it."""
    reader, brought = follow(
        chunk({**delta(content="x"), "index": value}),
        chunk({**delta(finish="stop"), "index": value}),
        chunk({**delta(), "index": value}),
    )
    assert brought == [TEXT, NOTHING, NOTHING]
    assert reader.reply().finish_reasons == ("stop",)


@given(wire.values)
def test_any_value_as_finish_reason_of_a_chunk_reads_as_in_a_body(value: Any) -> None:
    reader, _ = follow(chunk({**delta(), "finish_reason": value}))
    assert reader.reply().finish_reasons == (wire.as_text(value),)


def test_an_empty_finish_reason_takes_nothing_back() -> None:
    """Some compatible hosts send `""` on every chunk; what is no text is none either."""
    odd: Any = 7
    reader, _ = follow(*(chunk(delta(finish=reason)) for reason in ("", "stop", "", odd)))
    assert reader.reply().finish_reasons == ("stop",)


def test_a_choice_without_a_number_is_the_first() -> None:
    reader, _ = follow(chunk({"delta": {"content": "x"}}), chunk(delta(finish="stop")))
    assert (reader.shape().choices, reader.reply().finish_reasons) == (1, ("stop",))


def test_what_a_chunk_brings_is_false_for_nothing_and_most_for_text() -> None:
    """The tap asks whether it brought anything, and a chunk with several choices brought the most of them."""
    assert not NOTHING
    assert NOTHING < TOKEN < TEXT
