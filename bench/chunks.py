"""What Tierscope adds to one chunk of a stream: hot in a loop of its own, and in situ inside the real SDK.

In situ a shim below our layer stamps the moment before it hands a chunk up, the consumer stamps its arrival, and the
same on the way back; what the SDK itself does between the two is measured without us and taken off.
"""

from __future__ import annotations

import asyncio
import functools
import statistics
import time
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any

import httpx2
import openai
from canned import CHUNKS, Transport
from noise import LOOPS, undisturbed
from openai import _streaming

import tierscope
from tierscope.config import Settings
from tierscope.reading.chat import ChatReader
from tierscope.reading.responses import ResponsesReader
from tierscope.seam.bodies import Handle
from tierscope.seam.chunks import follow
from tierscope.seam.processor import demand
from tierscope.stream import Tap

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

ROUNDS = 60
HOT_LOOPS = 500
WARM = 10
"""The first chunks of a stream, which are no plain ones."""
clock = time.perf_counter_ns


def ask(client: Any, endpoint: str) -> Any:
    """Open a stream."""
    if endpoint == "chat":
        messages = [{"role": "user", "content": "hello"}]
        return client.chat.completions.create(model="gpt-4.1", messages=messages, service_tier="priority", stream=True)
    return client.responses.create(model="gpt-4.1", input="hello", service_tier="priority", stream=True)


# ── hot ───────────────────────────────────────────────────────────────────────────────────────────────────────────
class _Done:
    """A call whose chunks go nowhere but into its tap."""

    is_finished = is_parsed = True

    def __init__(self, tap: Tap) -> None:
        self.tap = tap
        self.chunk = tap.chunk

    def finish(self, _ending: str) -> None: ...

    def failed(self, _exc: BaseException) -> None: ...


def _handle(endpoint: str) -> Handle:
    tap = Tap(ChatReader() if endpoint == "chat" else ResponsesReader(), clock, demand, clock())
    call: Any = _Done(tap)
    call.chunk = lambda chunk: tap.chunk(chunk) and False
    return Handle(call, tap)


def _texts(endpoint: str) -> list[Any]:
    """Real chunks of the SDK's own classes, of which a few come round: like those of a stream they are in the cache."""
    client = openai.OpenAI(api_key="k", http_client=httpx2.Client(transport=Transport()))
    chunks = list(ask(client, endpoint))
    return [*chunks[:WARM], *islice(cycle(chunks[WARM : 2 * WARM]), CHUNKS - WARM)]


async def _each(chunks: list[Any]) -> AsyncIterator[Any]:
    for chunk in chunks:
        yield chunk


async def _drain(iterator: Any) -> float:
    for _ in range(WARM):
        await anext(iterator)
    start = clock()
    async for _ in iterator:
        pass
    return (clock() - start) / (CHUNKS - WARM)


def _read(iterator: Iterator[Any]) -> float:
    for _ in range(WARM):
        next(iterator)
    start = clock()
    for _ in iterator:
        pass
    return (clock() - start) / (CHUNKS - WARM)


def hot(endpoint: str, *, is_async: bool) -> float:
    """Nanoseconds per chunk that our iterator adds to one that does nothing, without what is done once a stream."""
    chunks = _texts(endpoint)
    own: list[float] = []
    bare: list[float] = []
    with asyncio.Runner() as runner:
        for _ in range(HOT_LOOPS):
            if is_async:
                bare.append(runner.run(_drain(_each(chunks))))
                own.append(runner.run(_drain(follow(_handle(endpoint), _each(chunks)))))
            else:
                bare.append(_read(chunk for chunk in chunks))
                own.append(_read(follow(_handle(endpoint), (chunk for chunk in chunks))))
    return undisturbed(own, LOOPS) - undisturbed(bare, LOOPS)


# ── in situ ───────────────────────────────────────────────────────────────────────────────────────────────────────
class Shim:
    """Stamps below our layer, laid on ``__stream__`` before ours."""

    def __init__(self) -> None:
        self.up: list[int] = []
        self.back: list[int] = []

    def lay(self) -> Callable[[], None]:
        """Lay it on both classes; return what takes it off."""
        kept = _streaming.Stream.__stream__, _streaming.AsyncStream.__stream__
        up, back = self.up, self.back

        @functools.wraps(kept[0])
        def sync(stream: Any) -> Iterator[Any]:
            for chunk in kept[0](stream):
                up.append(clock())
                yield chunk
                back.append(clock())

        @functools.wraps(kept[1])
        async def asynchronous(stream: Any) -> AsyncIterator[Any]:
            async for chunk in kept[1](stream):
                up.append(clock())
                yield chunk
                back.append(clock())

        def put(pair: tuple[Any, Any]) -> None:
            _streaming.Stream.__stream__, _streaming.AsyncStream.__stream__ = pair  # type: ignore[method-assign]

        put((sync, asynchronous))
        return lambda: put(kept)


def _passages(shim: Shim, arrived: list[int], left: list[int]) -> list[int]:
    """Nanoseconds between shim and consumer, up and back, of each text chunk."""
    pairs = zip(arrived, shim.up, shim.back, left, strict=False)
    return [(came - up) + (back - went) for came, up, back, went in pairs][WARM : CHUNKS - WARM]


def _consume(client: Any, endpoint: str, shim: Shim) -> list[int]:
    arrived: list[int] = []
    left: list[int] = []
    shim.up.clear()
    shim.back.clear()
    for _ in ask(client, endpoint):
        arrived.append(clock())
        left.append(clock())
    return _passages(shim, arrived, left)


async def _aconsume(client: Any, endpoint: str, shim: Shim) -> list[int]:
    arrived: list[int] = []
    left: list[int] = []
    shim.up.clear()
    shim.back.clear()
    async for _ in await ask(client, endpoint):
        arrived.append(clock())
        left.append(clock())
    return _passages(shim, arrived, left)


def in_situ(endpoint: str, *, is_async: bool) -> float:
    """Nanoseconds per chunk that our layer adds inside the SDK: with us and without in turn, in one process."""
    shim, spent = Shim(), {True: list[float](), False: list[float]()}
    off = shim.lay()
    if is_async:
        aclient = openai.AsyncOpenAI(api_key="k", http_client=httpx2.AsyncClient(transport=Transport()))
        loop = asyncio.new_event_loop()
        once = lambda: loop.run_until_complete(_aconsume(aclient, endpoint, shim))  # noqa: E731
    else:
        client = openai.OpenAI(api_key="k", http_client=httpx2.Client(transport=Transport()))
        once = lambda: _consume(client, endpoint, shim)  # noqa: E731
    for number in range(2 * ROUNDS):
        is_ours = number % 2 == 1
        if is_ours:
            tierscope.instrument(Settings())
        spent[is_ours].append(statistics.median(once()))
        tierscope.uninstrument()
    off()
    return undisturbed(spent[True], LOOPS) - undisturbed(spent[False], LOOPS)


def table() -> list[tuple[str, str, float, float]]:
    """Endpoint, reader, hot and in situ nanoseconds per chunk."""
    return [
        (
            endpoint,
            "async" if is_async else "sync",
            hot(endpoint, is_async=is_async),
            in_situ(endpoint, is_async=is_async),
        )
        for endpoint in ("chat", "responses")
        for is_async in (False, True)
    ]


if __name__ == "__main__":
    for endpoint, reader, hot_ns, situ_ns in table():
        print(f"{endpoint:10} {reader:6} hot {hot_ns:6.0f} ns  in situ {situ_ns:6.0f} ns")
