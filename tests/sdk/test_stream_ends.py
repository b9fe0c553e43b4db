"""What the end of a stream tells beyond its ending word; and ends that no door of the table shows."""

from __future__ import annotations

import asyncio
import functools
import gc
import sys
import time
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import anyio
import openai
import pytest
from tests.sdk import replies
from tests.sdk.capabilities import CONNECTION, HTTP, RESPONSES_TIER
from tests.sdk.conftest import ASK, CHAT, TRUSTED

from tierscope import testing
from tierscope.config import Settings

if TYPE_CHECKING:
    from tests.sdk.conftest import Service

KNOWS_LATENESS = pytest.mark.skipif(sys.platform != "linux", reason="only Linux says when a connection last had data")
STREAM = {**CHAT, "service_tier": "priority", "stream": True}


def test_an_error_event_is_failed_with_its_code(service: Service) -> None:
    """The application gets its APIError; the record says failed, with the API's code."""
    body = replies.chat_stream(done=False) + b'data: {"error":{"message":"m","type":"server_error","code":null}}\n\n'
    client = service.client(replies.stream(body))
    with testing.capture(TRUSTED) as calls:
        stream = client.chat.completions.create(**STREAM)
        with pytest.raises(openai.APIError, match="m"):
            list(stream)
    (call,) = calls
    assert (call.ending, call.outcome, call.error_type, call.served) == ("error", "failed", "server_error", "priority")


@RESPONSES_TIER
def test_a_failed_response_is_failed_although_nothing_is_raised(service: Service) -> None:
    """``response.failed`` is no success: outcome failed, error type from its error, ending complete."""
    body = replies.responses_stream(last="failed", error={"code": "server_error", "message": "m"})
    client = service.client(replies.stream(body))
    with testing.capture(TRUSTED) as calls:
        list(client.responses.create(**ASK, stream=True))
    (call,) = calls
    assert (call.ending, call.outcome, call.error_type) == ("complete", "failed", "server_error")


async def test_a_cancelled_call_says_so_in_its_attempt(service: Service) -> None:
    """Cancelled while the headers were awaited: error type and attempt name the cancellation."""
    async with service.aclient(replies.whole(replies.chat()), hold_after=0) as client:
        with testing.capture(TRUSTED) as calls:
            async with anyio.create_task_group() as group:
                group.start_soon(functools.partial(client.chat.completions.create, **CHAT))
                while not service.replay.received(key_of(client)):  # noqa: ASYNC110  the service runs in a thread
                    await anyio.sleep(0.001)
                group.cancel_scope.cancel()
    (call,) = calls
    kind = anyio.get_cancelled_exc_class()
    name = f"{kind.__module__.partition('.')[0]}.{kind.__qualname__}"
    assert (call.error_type, [a.result for a in call.attempts]) == (name, ["cancelled"])


def key_of(client: Any) -> str:
    return str(client.base_url).rstrip("/").split("/")[-2]


class Paused(HTTP.AsyncByteStream):  # type: ignore[misc,name-defined]
    """A body that waits after two of its chunks."""

    def __init__(self, until: asyncio.Future[None]) -> None:
        self._until = until

    async def __aiter__(self) -> Any:
        _, _, blocks = replies.stream(replies.chat_stream())
        for block in blocks[:2]:
            yield block
        await self._until
        for block in blocks[2:]:
            yield block


async def hung_before(request: Any) -> Any:
    await asyncio.Future()


async def hung_after(request: Any) -> Any:
    return HTTP.Response(200, headers=replies.SSE, stream=Paused(asyncio.Future()))


def leave_pending(handler: Any) -> None:
    """Close a loop over a task that waits for the service, and drop everything.

    No real socket here: anyio keeps a task that waits for one of its sockets for ever, so it would never be collected;
    and it keeps the first one of a client, for old versions of which it asks the platform in a thread.
    """

    async def answer(request: Any) -> Any:
        return HTTP.Response(200, json={}) if request.method == "GET" else await handler(request)

    http = HTTP.AsyncClient(transport=HTTP.MockTransport(answer))
    client = openai.AsyncOpenAI(api_key="k", http_client=http, base_url="http://x")
    asyncio.run(client.get("/models", cast_to=object))

    async def read() -> None:
        async for _ in await client.chat.completions.create(**STREAM):
            pass

    async def turn() -> None:
        for _ in range(50):
            await asyncio.sleep(0)

    loop = asyncio.new_event_loop()
    pending = loop.create_task(read())
    loop.run_until_complete(turn())
    assert not pending.done()
    loop.close()


@pytest.mark.parametrize(
    ("handler", "outcome"),
    [pytest.param(hung_before, "failed", id="no reply"), pytest.param(hung_after, "honored", id="mid-stream")],
)
def test_a_coroutine_that_is_dropped_is_abandoned(handler: Any, outcome: str) -> None:
    """A loop that is closed over a pending task: the collector records nothing, the drain one record."""
    with testing.capture(Settings(trusted_hosts={"x": "openai"})) as calls:
        leave_pending(handler)
        gc.collect()
        assert calls == []
    assert [(call.ending, call.outcome, call.error_type) for call in calls] == [("abandoned", outcome, None)]


def test_an_abandoned_stream_ends_with_its_last_chunk(service: Service) -> None:
    """The time of the collection says nothing: the call ends when it was last heard of."""
    client = service.client(replies.stream(replies.chat_stream()), hold_after=2)
    with testing.capture(TRUSTED) as calls:
        stream = client.chat.completions.create(**STREAM)
        next(stream), next(stream)
        del stream
    (call,) = calls
    assert call.timing.end_ns == call.timing.last_text_ns


@pytest.mark.parametrize("texts", [25, 60])
def test_a_text_only_stream_has_a_generation_rate_from_arrival_times(service: Service, texts: int) -> None:
    """(V - 1) / (last text - first text) of the stamps; never above the server's pace of one token in 5 ms."""
    client = service.client(replies.stream(replies.chat_stream(texts=texts)), gap_s=0.005)
    with testing.capture(TRUSTED) as calls:
        list(client.chat.completions.create(**STREAM))
    (call,) = calls
    assert call.speed.generation_absent is None
    seconds = (call.timing.last_text_ns - call.timing.first_text_ns) * 1e-9
    assert call.speed.generation == pytest.approx((texts - 1) / seconds)
    assert call.speed.generation < 200
    assert call.speed.consumer_limited is False


LATE_S = 0.3
"""So long a reader is away; by then the server, which takes 0.06 s, has sent everything."""


@KNOWS_LATENESS
def test_a_text_that_waited_for_a_reader_is_late(service: Service) -> None:
    """By the system's word on the connection, though the reader stamped it when it read it."""
    client = service.client(replies.stream(replies.chat_stream()), gap_s=0.01)
    with testing.capture(TRUSTED) as calls:
        stream = client.chat.completions.create(**STREAM)
        next(stream), next(stream)
        time.sleep(LATE_S)
        list(stream)
    (call,) = calls
    assert call.ending == "complete"
    assert 0.1 < call.timing.late_ns * 1e-9 < LATE_S
    assert call.speed.consumer_limited is True


@KNOWS_LATENESS
@CONNECTION
async def test_a_text_that_waited_for_a_blocked_loop_is_late(service: Service) -> None:
    """Whatever blocked it."""
    async with service.aclient(replies.stream(replies.chat_stream()), gap_s=0.01) as client:
        with testing.capture(TRUSTED) as calls:
            stream = await client.chat.completions.create(**STREAM)
            await anext(stream), await anext(stream)
            time.sleep(LATE_S)  # noqa: ASYNC251  the fault
            async for _ in stream:
                pass
    (call,) = calls
    assert call.ending == "complete"
    assert 0.1 < call.timing.late_ns * 1e-9 < LATE_S
    assert call.speed.consumer_limited is True


@pytest.mark.asyncio
async def test_two_tasks_on_one_stream_leave_one_record() -> None:
    """The SDK's generator refuses the second reader; that is neither an error of the stream nor its end."""
    until: asyncio.Future[None] = asyncio.Future()
    answer = HTTP.MockTransport(lambda _: HTTP.Response(200, headers=replies.SSE, stream=Paused(until)))
    client = openai.AsyncOpenAI(api_key="k", http_client=HTTP.AsyncClient(transport=answer), base_url="http://x")
    with testing.capture(Settings(trusted_hosts={"x": "openai"})) as calls:
        stream = await client.chat.completions.create(**STREAM)
        await anext(stream), await anext(stream)
        first = asyncio.create_task(anext(stream))
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match="already running"):
            await anext(stream)
        assert calls == []
        until.set_result(None)
        assert len([await first, *[chunk async for chunk in stream]]) == 6
    assert [(call.ending, call.reply.usage.output) for call in calls] == [("complete", 12)]


async def test_an_iterator_that_is_closed_closes_what_is_below(service: Service) -> None:
    """As far as the SDK's own generator would: newer ones release the connection. The record says closed, at once."""
    seen = []
    for is_ours in (False, True):
        async with service.aclient(replies.stream(replies.chat_stream())) as client:
            with testing.capture(TRUSTED) if is_ours else nullcontext([]) as calls:
                stream = await client.chat.completions.create(**STREAM)
                await anext(stream)
                await stream._iterator.aclose()
                seen.append((stream.response.is_closed, [call.ending for call in calls]))
    (bare, _), ours = seen
    assert ours == (bare, ["closed"])
