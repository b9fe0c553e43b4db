"""The short way of plain chunks tells the same as the long way of all others."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletionChunk

from tests.unit import wire
from tierscope.model import Usage
from tierscope.reading.chat import TEXT, ChatReader
from tierscope.reading.responses import ResponsesReader

if TYPE_CHECKING:
    from collections.abc import Callable

    from tierscope.stream import Reader

TEXTS: Final = st.sampled_from([None, "", "x", "word", 5, ["x"]])
REASONS: Final = st.sampled_from([None, None, None, "", "stop", "length", "tool_calls"])
TIERS: Final = st.sampled_from([None, None, "priority", "default", "", 7])
USAGES: Final = st.sampled_from([None, None, None, {"prompt_tokens": 3, "completion_tokens": 5}, "odd"])
DELTAS: Final = st.fixed_dictionaries(
    {}, optional={"content": TEXTS, "reasoning_content": TEXTS, "refusal": TEXTS, "role": st.just("assistant")}
) | st.just({"tool_calls": [{"index": 0, "function": {"name": "f"}}]})
CHOICES: Final = st.fixed_dictionaries(
    {"index": st.just(0), "delta": DELTAS | st.none()}, optional={"finish_reason": REASONS}
)
CHUNKS: Final = st.lists(
    st.fixed_dictionaries(
        {"id": st.just("chatcmpl-1"), "choices": st.lists(CHOICES, max_size=2) | st.none()},
        optional={"service_tier": TIERS, "usage": USAGES, "model": st.just("gpt-5")},
    ),
    max_size=12,
)


def told(make: Callable[[], Reader], chunks: list[Any], *, short: bool) -> tuple[Any, ...]:
    """Return all that a reader knows in the end, and which chunks brought a text."""
    reader = make()
    texts = [(short and reader.plain(chunk)) or reader.chunk(chunk) == TEXT for chunk in chunks]
    return texts, reader.shape(), reader.reply(200), reader.failure


@given(CHUNKS)
def test_a_chat_stream_tells_the_same_by_either_way(chunks: list[dict[str, Any]]) -> None:
    parsed = [wire.parsed(ChatCompletionChunk, chunk) for chunk in chunks]
    assert told(ChatReader, parsed, short=True) == told(ChatReader, parsed, short=False)


def event(kind: str, **fields: Any) -> Any:
    """Return an event as the SDK's classes hold it; those of one kind share a class."""
    return SimpleNamespace(type=kind, **fields)


EVENTS: Final = st.lists(
    st.builds(event, st.just("response.output_text.delta"), delta=TEXTS)
    | st.builds(event, st.sampled_from(["response.refusal.delta", "response.reasoning_text.delta"]), delta=TEXTS)
    | st.builds(
        event, st.just("response.output_item.added"), item=st.sampled_from([{"type": "message"}, {"type": "x"}])
    )
    | st.builds(
        event, st.just("response.completed"), response=st.just({"status": "completed", "service_tier": "flex"})
    ),
    max_size=12,
)


@given(EVENTS)
def test_a_responses_stream_tells_the_same_by_either_way(events: list[Any]) -> None:
    assert told(ResponsesReader, events, short=True) == told(ResponsesReader, events, short=False)


def plain_chunk(**fields: Any) -> Any:
    return wire.parsed(
        ChatCompletionChunk,
        {"id": "1", "choices": [{"index": 0, "delta": {"content": "x"}, "finish_reason": None}], **fields},
    )


@pytest.mark.parametrize(
    ("chunk", "is_plain"),
    [
        pytest.param(plain_chunk(), True, id="no tier"),
        pytest.param(plain_chunk(service_tier="priority"), True, id="the tier known so far"),
        pytest.param(plain_chunk(service_tier="default"), False, id="another tier"),
        pytest.param(plain_chunk(choices=[]), False, id="no choice"),
        pytest.param(plain_chunk(choices=[{"index": 0, "delta": {"content": ""}}]), False, id="no text"),
        pytest.param(plain_chunk(choices=[{"index": 0, "delta": {"content": 7}}]), False, id="no text but a number"),
        pytest.param({"id": "1", "choices": [{"index": 0, "delta": {"content": "x"}}]}, False, id="not the SDK's"),
        pytest.param(
            SimpleNamespace(choices=[SimpleNamespace(delta=SimpleNamespace(content="x"))], service_tier=None),
            False,
            id="another class",
        ),
    ],
)
def test_only_one_more_text_is_plain(chunk: Any, is_plain: bool) -> None:
    """And the first text of a stream never is: it shows what the stream is made of."""
    reader = ChatReader()
    assert not reader.plain(plain_chunk(service_tier="priority"))
    reader.chunk(plain_chunk(service_tier="priority"))
    assert reader.plain(chunk) is is_plain


ENDED: Final[dict[str, Any]] = {"index": 0, "delta": {"content": "x"}, "finish_reason": "tool_calls"}
THOUGHT: Final[dict[str, Any]] = {"index": 0, "delta": {"reasoning_content": "hm"}}


def test_plain_chunks_are_counted_and_the_last_of_them_is_read() -> None:
    """It may end its choice and bring the usage; whatever is asked first, to ask again counts nothing again."""
    last = plain_chunk(choices=[ENDED], usage={"prompt_tokens": 3, "completion_tokens": 4})
    one, other = ChatReader(), ChatReader()
    for reader in (one, other):
        brought = [reader.plain(chunk) or reader.chunk(chunk) for chunk in (*[plain_chunk()] * 3, last)]
        assert brought == [TEXT, True, True, True]
    assert one.shape() == one.shape() == (4, 1, 1, True, False)
    told = other.reply()
    assert (told.finish_reasons, told.usage) == (("tool_calls",), Usage(input=3, output=4))
    assert other.shape() == one.shape()


def test_what_follows_a_plain_chunk_is_the_later_word() -> None:
    reader = ChatReader()
    reader.chunk(plain_chunk())
    assert reader.plain(plain_chunk(usage={"prompt_tokens": 1, "completion_tokens": 1}))
    reader.chunk(plain_chunk(choices=[], usage={"prompt_tokens": 3, "completion_tokens": 4}))
    assert (reader.reply().usage, reader.shape().text_deltas) == (Usage(input=3, output=4), 2)


class Other(SimpleNamespace):
    """A class of events that has brought no text yet."""


WORDS: Final = "response.output_text.delta"


@pytest.mark.parametrize(
    ("after", "is_plain"),
    [
        pytest.param(event(WORDS, delta="x"), True, id="a text"),
        pytest.param(event(WORDS, delta=""), False, id="no text"),
        pytest.param(event(WORDS, delta=7), False, id="no text but a number"),
        pytest.param(event("response.refusal.delta", delta="x"), False, id="a refusal"),
        pytest.param(event("response.completed"), False, id="no delta"),
        pytest.param({"type": WORDS, "delta": "x"}, False, id="not the SDK's"),
        pytest.param(Other(type=WORDS, delta="x"), False, id="another class"),
    ],
)
def test_only_one_more_text_event_is_plain(after: Any, is_plain: bool) -> None:
    """And the first text of a stream never is."""
    reader, first = ResponsesReader(), event(WORDS, delta="x")
    assert reader.plain(first) is False
    reader.chunk(first)
    assert [reader.plain(after), reader.plain(first)] == [is_plain, True]
    assert reader.shape().text_deltas == 2 + is_plain


BETWEEN: Final = [
    pytest.param(ChatReader, plain_chunk(), plain_chunk(choices=[THOUGHT]), True, id="chat"),
    pytest.param(
        *(ResponsesReader, event(WORDS, delta="x"), event("response.reasoning_text.delta", delta="x"), True),
        id="responses",
    ),
    pytest.param(
        ResponsesReader, event(WORDS, delta="x"), event("response.refusal.delta", delta="x"), False, id="refusal"
    ),
    pytest.param(ResponsesReader, event(WORDS, delta="x"), event(WORDS, delta=""), False, id="no-text"),
]


@pytest.mark.parametrize(("make", "text", "other", "has_other"), BETWEEN)
def test_a_text_after_another_kind_is_not_plain(
    make: Callable[[], Reader], text: Any, other: Any, has_other: bool
) -> None:
    """It shows whether the other kind stood between two texts."""
    reader = make()
    for chunk in (text, other):
        reader.chunk(chunk)
    assert reader.plain(text) is False
    reader.chunk(text)
    assert reader.shape().has_other_delta is has_other
    assert reader.plain(text) is True
