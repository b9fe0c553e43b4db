"""The short way of plain chunks tells the same as the long way of all others."""

from __future__ import annotations

import asyncio
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.chat import ChatCompletionChunk

from tests.unit import wire
from tierscope.model import Usage
from tierscope.reading.chat import ChatReader
from tierscope.reading.responses import ResponsesReader
from tierscope.seam.bodies import Handle
from tierscope.seam.chunks import follow
from tierscope.stream import Tap

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator

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


class Call:
    """What the layer needs of a call: it notes which chunks go the long way, and how the stream ended."""

    is_parsed = is_finished = False

    def __init__(self, make: Callable[[], Reader]) -> None:
        self.tap = Tap(make(), time.perf_counter_ns, lambda: lambda: 0, 0)
        self.long: list[object] = []
        self.endings: list[object] = []
        self.finish = self.failed = self.endings.append

    def chunk(self, chunk: object) -> bool:
        self.long.append(chunk)
        self.tap.chunk(chunk)
        return False


async def each(chunks: Iterable[Any]) -> AsyncIterator[Any]:
    for chunk in chunks:
        yield chunk


def arriving(tap: Tap, chunks: Iterable[Any]) -> Iterator[Any]:
    for number, chunk in enumerate(chunks, 1):
        tap.arrived = 10 * number
        yield chunk


async def drained(chunks: AsyncIterator[Any]) -> list[Any]:
    return [chunk async for chunk in chunks]


def followed(call: Any, chunks: Iterable[Any], *, is_async: bool) -> list[Any]:
    """Return what comes out of our layer, which is read to the end."""
    handle = Handle(call, call.tap)
    return asyncio.run(drained(follow(handle, each(chunks)))) if is_async else list(follow(handle, iter(chunks)))


def read(make: Callable[[], Reader], chunks: list[Any], *, is_async: bool = False) -> Call:
    """Return the call of a stream that was read through our layer."""
    call = Call(make)
    got = followed(call, chunks, is_async=is_async)
    call.tap.settle()
    assert (got, call.endings) == (chunks, ["complete"])
    return call


def told(reader: Reader) -> tuple[Any, ...]:
    """Return all that a reader knows."""
    return reader.shape(), reader.reply(200), reader.failure


def long_way(make: Callable[[], Reader], chunks: list[Any]) -> tuple[Any, ...]:
    """Return what a reader knows that was given every chunk."""
    reader = make()
    for chunk in chunks:
        reader.chunk(chunk)
    return told(reader)


WAYS: Final = pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])


@WAYS
@given(CHUNKS)
def test_a_chat_stream_tells_the_same_by_either_way(is_async: bool, chunks: list[dict[str, Any]]) -> None:
    parsed = [wire.parsed(ChatCompletionChunk, chunk) for chunk in chunks]
    call = read(ChatReader, parsed, is_async=is_async)
    assert told(call.tap.reader) == long_way(ChatReader, parsed)


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


@WAYS
@given(EVENTS)
def test_a_responses_stream_tells_the_same_by_either_way(is_async: bool, events: list[Any]) -> None:
    assert told(read(ResponsesReader, events, is_async=is_async).tap.reader) == long_way(ResponsesReader, events)


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
@WAYS
def test_only_one_more_text_is_plain(chunk: Any, is_plain: bool, is_async: bool) -> None:
    """And the first text of a stream never is: it shows what the stream is made of."""
    first = plain_chunk(service_tier="priority")
    assert read(ChatReader, [first, chunk], is_async=is_async).long == ([first] if is_plain else [first, chunk])


ENDED: Final[dict[str, Any]] = {"index": 0, "delta": {"content": "x"}, "finish_reason": "tool_calls"}
THOUGHT: Final[dict[str, Any]] = {"index": 0, "delta": {"reasoning_content": "hm"}}


def test_plain_chunks_are_counted_and_the_last_of_them_is_read() -> None:
    """It may end its choice and bring the usage; to settle again counts nothing again."""
    last = plain_chunk(choices=[ENDED], usage={"prompt_tokens": 3, "completion_tokens": 4})
    call = read(ChatReader, [*[plain_chunk()] * 3, last])
    call.tap.settle()
    shape, reply, _ = told(call.tap.reader)
    assert (len(call.long), shape) == (1, (4, 1, 1, True, False))
    assert (reply.finish_reasons, reply.usage) == (("tool_calls",), Usage(input=3, output=4))
    assert call.tap.last is None


def test_what_follows_a_plain_chunk_is_the_later_word() -> None:
    plain = plain_chunk(usage={"prompt_tokens": 1, "completion_tokens": 1})
    last = plain_chunk(choices=[], usage={"prompt_tokens": 3, "completion_tokens": 4})
    call = read(ChatReader, [plain_chunk(), plain, last])
    shape, reply, _ = told(call.tap.reader)
    assert (len(call.long), reply.usage, shape.text_deltas) == (2, Usage(input=3, output=4), 2)


@WAYS
def test_a_plain_chunk_is_stamped_with_its_arrival(is_async: bool) -> None:
    """What it moves is its own stamp, and the last of any token and any event with it."""
    call = Call(ChatReader)
    got = followed(call, arriving(call.tap, [plain_chunk()] * 3), is_async=is_async)
    assert (len(got), call.tap.texts) == (3, 2)
    assert (call.tap.first_text, call.tap.last_text, call.tap.last_token, call.tap.last_event) == (10, 30, 30, 30)


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
@WAYS
def test_only_one_more_text_event_is_plain(after: Any, is_plain: bool, is_async: bool) -> None:
    """And the first text of a stream never is."""
    first = event(WORDS, delta="x")
    call = read(ResponsesReader, [first, after, first], is_async=is_async)
    assert [chunk is after for chunk in call.long][1:2] == ([] if is_plain else [True])
    assert told(call.tap.reader) == long_way(ResponsesReader, [first, after, first])


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
    call = read(make, [text, other, text, text])
    assert len(call.long) == 3
    assert call.tap.reader.shape().has_other_delta is has_other
