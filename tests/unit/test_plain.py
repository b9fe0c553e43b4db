"""The short way of plain chunks tells the same as the long way of all others."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletionChunk

from tests.unit import wire
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
        pytest.param({"id": "1", "choices": [{"index": 0, "delta": {"content": "x"}}]}, False, id="not the SDK's"),
    ],
)
def test_only_one_more_text_is_plain(chunk: Any, is_plain: bool) -> None:
    """And the first text of a stream never is: it shows what the stream is made of."""
    reader = ChatReader()
    assert not reader.plain(plain_chunk(service_tier="priority"))
    reader.chunk(plain_chunk(service_tier="priority"))
    assert reader.plain(chunk) is is_plain
