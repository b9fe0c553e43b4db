"""The doors of the async client, for asyncio and trio alike; each has the name of its sync twin where it has one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
from tests.sdk.doors.apis import OwnAsyncStream
from tests.sdk.doors.blocking import UsersError

import tierscope

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.sdk.doors.apis import At


async def everything(iterator: Any) -> list[Any]:
    return [entry async for entry in iterator]


# ── read out ──────────────────────────────────────────────────────────────────────────────────────────────────────
async def read_to_the_end(at: At) -> Any:
    return await everything(await at.stream())


async def next_then_iterate(at: At) -> Any:
    stream = await at.stream()
    return [await anext(stream), *await everything(stream)]


async def iterate_twice(at: At) -> Any:
    stream = await at.stream()
    return await everything(stream), await everything(stream)


async def two_iterators(at: At) -> Any:
    stream = await at.stream()
    one, two = aiter(stream), aiter(stream)
    return [await anext(one), await anext(two), *await everything(one), *await everything(two)]


async def read_elsewhere(at: At) -> Any:
    stream, seen = await at.stream(), []

    async def read() -> None:
        seen.extend(await everything(stream))

    async with anyio.create_task_group() as group:
        group.start_soon(read)
    return seen


async def with_read_to_the_end(at: At) -> Any:
    async with await at.stream() as stream:
        return await everything(stream)


async def read_then_close(at: At) -> Any:
    stream = await at.stream()
    seen = await everything(stream)
    await stream.close()
    return seen


# ── left by the application ───────────────────────────────────────────────────────────────────────────────────────
async def close(at: At) -> Any:
    stream = await at.stream()
    seen = await anext(stream)
    await stream.close()
    return seen


async def close_twice(at: At) -> Any:
    stream = await at.stream()
    seen = await anext(stream)
    await stream.close()
    await stream.close()
    return seen


async def close_then_read(at: At) -> Any:
    stream = await at.stream()
    await anext(stream), await anext(stream)
    await stream.close()
    return await everything(stream)


async def close_unread(at: At) -> Any:
    await (await at.stream()).close()


async def with_break(at: At) -> Any:
    async with await at.stream() as stream:
        async for chunk in stream:
            return chunk
    raise AssertionError("an empty stream")


async def with_error(at: At) -> Any:
    async with await at.stream() as stream:
        await anext(stream)
        raise UsersError


async def response_close(at: At) -> Any:
    stream = await at.stream()
    seen = await anext(stream)
    await stream.response.aclose()
    return seen


async def own_generator_closed(at: At) -> Any:
    async def words() -> AsyncIterator[Any]:
        async with await at.stream() as stream:
            async for chunk in stream:
                yield chunk

    generator = words()
    seen = await anext(generator)
    await generator.aclose()
    return seen


# ── dropped ───────────────────────────────────────────────────────────────────────────────────────────────────────
async def break_then_drop(at: At) -> Any:
    async for chunk in await at.stream():
        return chunk
    raise AssertionError("an empty stream")


async def next_then_drop(at: At) -> Any:
    return await anext(await at.stream())


async def never_iterated(at: At) -> Any:
    await at.stream()


# ── helper managers ───────────────────────────────────────────────────────────────────────────────────────────────
async def manager_read_out(at: At) -> Any:
    async with at.manager() as stream:
        return await everything(stream)


async def manager_until_done(at: At) -> Any:
    async with at.manager() as stream:
        await stream.until_done()


async def manager_left_early(at: At) -> Any:
    async with at.manager() as stream:
        async for event in stream:
            return event
    raise AssertionError("an empty stream")


async def manager_unread(at: At) -> Any:
    async with at.manager():
        pass


async def manager_with_error(at: At) -> Any:
    async with at.manager() as stream:
        await anext(stream)
        raise UsersError


async def manager_never_entered(at: At) -> Any:
    at.manager()


async def manager_never_left(at: At) -> Any:
    return await anext(await at.manager().__aenter__())


# ── raw ───────────────────────────────────────────────────────────────────────────────────────────────────────────
async def raw_parsed(at: At) -> Any:
    return await everything((await at.raw()).parse())


async def raw_parsed_closed(at: At) -> Any:
    stream = (await at.raw()).parse()
    seen = await anext(stream)
    await stream.close()
    return seen


async def raw_never_parsed(at: At) -> Any:
    await at.raw()


async def raw_parsed_never_iterated(at: At) -> Any:
    (await at.raw()).parse()


async def raw_lines(at: At) -> Any:
    return await everything((await at.raw()).http_response.aiter_lines())


async def raw_lines_left_early(at: At) -> Any:
    return await anext((await at.raw()).http_response.aiter_lines())


async def raw_closed(at: At) -> Any:
    await (await at.raw()).http_response.aclose()


async def streaming_lines(at: At) -> Any:
    async with at.streaming() as response:
        return await everything(response.iter_lines())


async def streaming_lines_left_early(at: At) -> Any:
    async with at.streaming() as response:
        return await anext(response.iter_lines())


async def streaming_bytes(at: At) -> Any:
    async with at.streaming() as response:
        return b"".join(await everything(response.iter_bytes()))


async def streaming_read(at: At) -> Any:
    async with at.streaming() as response:
        return await response.read()


async def streaming_parsed(at: At) -> Any:
    async with at.streaming() as response:
        return await everything(await response.parse())


async def streaming_parsed_left_early(at: At) -> Any:
    async with at.streaming() as response:
        return await anext(await response.parse())


async def streaming_unread(at: At) -> Any:
    async with at.streaming():
        pass


async def streaming_with_error(at: At) -> Any:
    async with at.streaming() as response:
        await anext(response.iter_lines())
        raise UsersError


async def own_class(at: At) -> Any:
    return await everything(await at.own(OwnAsyncStream))


async def own_class_closed(at: At) -> Any:
    stream = await at.own(OwnAsyncStream)
    seen = await anext(stream)
    await stream.close()
    return seen


async def own_class_dropped(at: At) -> Any:
    return await anext(await at.own(OwnAsyncStream))


# ── from outside ──────────────────────────────────────────────────────────────────────────────────────────────────
async def time_out(at: At) -> Any:
    stream = await at.stream()
    stream.response.request.extensions["timeout"]["read"] = 0.02
    return await everything(stream)


async def uninstrumented(at: At) -> Any:
    stream = await at.stream()
    seen = await anext(stream)
    tierscope.uninstrument()
    return [seen, *await everything(stream)]


async def uninstrumented_then_closed(at: At) -> Any:
    stream = await at.stream()
    seen = await anext(stream)
    tierscope.uninstrument()
    await stream.close()
    return seen
