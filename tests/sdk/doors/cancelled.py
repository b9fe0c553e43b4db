"""The doors by which a task is taken out of its stream, for asyncio and trio alike where both have them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import anyio
from anyio import wait_all_tasks_blocked
from tests.sdk.doors.apis import HELD_AFTER

if TYPE_CHECKING:
    from tests.sdk.doors.apis import At


async def cancelled_before_the_response(at: At) -> Any:
    async with anyio.create_task_group() as group:
        group.start_soon(at.stream)
        while not at.is_asked():  # noqa: ASYNC110  the service runs in a thread
            await anyio.sleep(0.001)
        group.cancel_scope.cancel()


async def cancelled_in_mid_stream(at: At) -> Any:
    stream, seen, begun = await at.stream(), [], anyio.Event()
    async with anyio.create_task_group() as group:
        group.start_soon(_read_into, seen, stream, begun)
        await begun.wait()
        await wait_all_tasks_blocked()
        group.cancel_scope.cancel()
    return seen


async def moved_on_in_mid_stream(at: At) -> Any:
    stream = await at.stream()
    seen = [await anext(stream), await anext(stream)]
    with anyio.move_on_after(0):
        seen.append(await anext(stream))
    return seen


async def moved_on_among_raw_lines(at: At) -> Any:
    async with at.streaming() as response:
        lines, seen = response.iter_lines(), []
        while seen.count("") < HELD_AFTER:
            seen.append(await anext(lines))
        with anyio.move_on_after(0):
            seen.append(await anext(lines))
    return seen


async def task_cancelled_before_the_response(at: At) -> Any:
    task = asyncio.create_task(at.stream())
    while not at.is_asked():  # noqa: ASYNC110  the service runs in a thread
        await asyncio.sleep(0.001)
    return await _cancelled(task)


async def task_cancelled_in_mid_stream(at: At) -> Any:
    stream, seen, begun = await at.stream(), [], anyio.Event()
    task = asyncio.create_task(_read_into(seen, stream, begun))
    await begun.wait()
    await wait_all_tasks_blocked()
    return [*seen, await _cancelled(task)]


async def asyncio_timeout_in_mid_stream(at: At) -> Any:
    stream = await at.stream()
    seen = [await anext(stream), await anext(stream)]
    try:
        async with asyncio.timeout(0):
            seen.append(await anext(stream))
    except TimeoutError:
        return seen


async def _read_into(seen: list[Any], stream: Any, begun: anyio.Event) -> None:
    async for chunk in stream:
        seen.append(chunk)
        if len(seen) == HELD_AFTER:
            begun.set()


async def _cancelled(task: asyncio.Task[Any]) -> type[BaseException]:
    task.cancel()
    try:
        await task
    except asyncio.CancelledError as exc:
        return type(exc)
    raise AssertionError("the cancellation was swallowed")
