"""Every door by which a stream is left: one record, at once where the SDK allows it."""

from __future__ import annotations

import asyncio
import itertools
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import openai
import pytest
from tests.sdk import replies
from tests.sdk.capabilities import RESPONSES_TIER
from tests.sdk.conftest import ASK, CHAT, TRUSTED

from tierscope import testing

if TYPE_CHECKING:
    from tests.sdk.conftest import Service

    from tierscope.model import Call

STREAM = {**CHAT, "service_tier": "priority", "stream": True}


def read_all(stream: Any) -> None:
    for _ in stream:
        pass


def next_then_read(stream: Any) -> None:
    next(stream)
    read_all(stream)


def tee(stream: Any) -> None:
    left, right = itertools.tee(stream)
    assert len(list(left)) == len(list(right))


def other_thread(stream: Any) -> None:
    thread = threading.Thread(target=read_all, args=(stream,))
    thread.start()
    thread.join()


def two_iterators(stream: Any) -> None:
    first, second = iter(stream), iter(stream)
    next(first), next(second)
    list(first), list(second)


def close(stream: Any) -> None:
    next(stream)
    stream.close()


def with_break(stream: Any) -> None:
    with stream:
        for _ in stream:
            break


def close_response(stream: Any) -> None:
    next(stream)
    stream.response.close()


def close_unread(stream: Any) -> None:
    stream.close()


def drop(stream: Any) -> None:
    next(stream)


def never(stream: Any) -> None:
    del stream


DOORS = {
    read_all: ("complete", "honored"),
    next_then_read: ("complete", "honored"),
    tee: ("complete", "honored"),
    other_thread: ("complete", "honored"),
    two_iterators: ("complete", "honored"),
    close: ("closed", "honored"),
    with_break: ("closed", "honored"),
    close_response: ("closed", "honored"),
    close_unread: ("closed", "unverified"),
    drop: ("abandoned", "honored"),
    never: ("abandoned", "unverified"),
}


@pytest.mark.parametrize("door", DOORS, ids=lambda d: d.__name__)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_chat_stream_leaves_one_record_by_every_door(service: Service, door: Any) -> None:
    """However a sync stream ends, it is recorded once, with its ending and what was known of the tier."""
    client = service.client(replies.stream(replies.chat_stream()))
    with testing.capture(TRUSTED) as calls:
        door(client.chat.completions.create(**STREAM))
        if DOORS[door][0] != "abandoned":
            assert len(calls) == 1, "recorded at once"
    assert [(call.ending, call.outcome) for call in calls] == [DOORS[door]]


async def aread_all(stream: Any) -> None:
    async for _ in stream:
        pass


async def aclose(stream: Any) -> None:
    await anext(stream)
    await stream.close()


async def awith_break(stream: Any) -> None:
    async with stream:
        async for _ in stream:
            break


async def aclose_response(stream: Any) -> None:
    await anext(stream)
    await stream.response.aclose()


async def aother_task(stream: Any) -> None:
    await asyncio.create_task(aread_all(stream))


async def adrop(stream: Any) -> None:
    await anext(stream)


async def anever(stream: Any) -> None:
    del stream


async def acancel(stream: Any) -> None:
    """Cancel a task in the middle of a stream whose next chunk never comes in time."""
    task = asyncio.create_task(aread_all(stream))
    await asyncio.sleep(0.15)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


ADOORS = {
    aread_all: ("complete", "honored"),
    aclose: ("closed", "honored"),
    awith_break: ("closed", "honored"),
    aclose_response: ("closed", "honored"),
    aother_task: ("complete", "honored"),
    adrop: ("abandoned", "honored"),
    anever: ("abandoned", "unverified"),
    acancel: ("cancelled", "honored"),
}


@pytest.mark.parametrize("door", ADOORS, ids=lambda d: d.__name__)
@pytest.mark.filterwarnings("ignore::ResourceWarning")
async def test_an_async_chat_stream_leaves_one_record_by_every_door(service: Service, door: Any) -> None:
    """However an async stream ends, it is recorded once."""
    answer = replies.stream(replies.chat_stream())
    async with service.aclient(answer, gap_s=0.1 if door is acancel else 0.0) as client:
        with testing.capture(TRUSTED) as calls:
            await door(await client.chat.completions.create(**STREAM))
            for _ in range(3):  # dropped async streams: a collection, a turn of the loop, a second collection
                testing.settle()
                await asyncio.sleep(0)
    assert [(call.ending, call.outcome) for call in calls] == [ADOORS[door]]


def read_responses(client: openai.OpenAI) -> None:
    read_all(client.responses.create(**ASK, service_tier="priority", stream=True))


def close_responses(client: openai.OpenAI) -> None:
    close(client.responses.create(**ASK, service_tier="priority", stream=True))


def manager_left_early(client: openai.OpenAI) -> None:
    with client.responses.stream(**ASK, service_tier="priority") as stream:
        next(iter(stream))


def manager_read_out(client: openai.OpenAI) -> None:
    with client.responses.stream(**ASK, service_tier="priority") as stream:
        stream.until_done()


RESPONSES_DOORS = {
    read_responses: ("complete", "honored", 20),
    manager_read_out: ("complete", "honored", 20),
    close_responses: ("closed", "unverified", None),
    manager_left_early: ("closed", "unverified", None),
}


@RESPONSES_TIER
@pytest.mark.parametrize("door", RESPONSES_DOORS, ids=lambda d: d.__name__)
def test_a_responses_stream_is_never_honored_before_its_terminal_event(service: Service, door: Any) -> None:
    """The echo of the first events is no served tier: cut before the terminal event it is unverified."""
    client = service.client(replies.stream(replies.responses_stream(echo="priority")))
    with testing.capture(TRUSTED) as calls:
        door(client)
    (call,) = calls
    used = call.reply.usage.output if call.reply and call.reply.usage else None
    assert (call.ending, call.outcome, used) == RESPONSES_DOORS[door]


@RESPONSES_TIER
def test_a_manager_that_is_never_entered_leaves_no_record(service: Service) -> None:
    """Nothing was sent, so nothing is recorded."""
    client = service.client(replies.stream(replies.responses_stream()))
    with testing.capture(TRUSTED) as calls:
        client.chat.completions.stream(**CHAT)
    assert calls == []


def test_an_error_event_in_mid_stream_is_failed_and_reaches_the_application(service: Service) -> None:
    """The application gets its APIError; the record says failed, with the API's code."""
    body = replies.chat_stream(done=False) + b'data: {"error":{"message":"m","type":"server_error","code":null}}\n\n'
    client = service.client(replies.stream(body))
    with testing.capture(TRUSTED) as calls:
        stream = client.chat.completions.create(**STREAM)
        with pytest.raises(openai.APIError, match="m"):
            read_all(stream)
    (call,) = calls
    assert (call.ending, call.outcome, call.error_type, call.served) == ("error", "failed", "server_error", "priority")


@RESPONSES_TIER
def test_a_failed_response_is_failed_although_nothing_is_raised(service: Service) -> None:
    """``response.failed`` is no success: outcome failed, error type from its error, ending complete."""
    error = {"code": "server_error", "message": "m"}
    body = replies.responses_stream(last="failed", error=error)
    client = service.client(replies.stream(body))
    with testing.capture(TRUSTED) as calls:
        read_responses(client)
    (call,) = calls
    assert (call.ending, call.outcome, call.error_type) == ("complete", "failed", "server_error")


def test_a_dropped_connection_is_one_error_with_the_applications_exception(service: Service) -> None:
    """The server breaks off: one record, the same exception type as without us."""
    client = service.client(replies.stream(replies.chat_stream()), drop_after=3)
    with pytest.raises(Exception) as bare:  # noqa: PT011  its type differs between versions of openai
        read_all(client.chat.completions.create(**STREAM))
    with testing.capture(TRUSTED) as calls, pytest.raises(type(bare.value)):
        read_all(client.chat.completions.create(**STREAM))
    assert [(call.ending, call.outcome) for call in calls] == [("error", "failed")]


async def test_a_call_cancelled_before_its_reply_is_recorded_as_cancelled(service: Service) -> None:
    """Cancelled while the headers were awaited: re-raised as it is, recorded once."""
    answer = (200, {**replies.JSON, "content-length": "9"}, [b"{", b"       }"])
    async with service.aclient(answer, gap_s=5.0) as client:
        with testing.capture(TRUSTED) as calls:
            task = asyncio.create_task(client.chat.completions.create(**CHAT))
            await asyncio.sleep(0.1)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
    (call,) = calls
    assert (call.ending, call.error_type, call.attempts[-1].result) == (
        "cancelled",
        "asyncio.CancelledError",
        "cancelled",
    )


def speed_of(call: Call) -> tuple[Any, Any]:
    return call.speed.generation, call.speed.generation_absent


@pytest.mark.parametrize("texts", [25, 60])
def test_a_text_only_stream_has_a_generation_rate_from_arrival_times(service: Service, texts: int) -> None:
    """(V - 1) / (last text - first text) comes out near the server's pace: 5 ms a token."""
    client = service.client(replies.stream(replies.chat_stream(texts=texts)), gap_s=0.005)
    with testing.capture(TRUSTED) as calls:
        read_all(client.chat.completions.create(**STREAM))
    (call,) = calls
    rate, why = speed_of(call)
    assert why is None
    assert 100 < rate < 200
    assert call.speed.consumer_limited is False
