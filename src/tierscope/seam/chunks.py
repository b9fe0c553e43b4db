"""The layer in ``Stream.__stream__``: parsed chunks pass through it unchanged, sync and async.

Its loops run for every chunk of every stream. An ordinary chunk, one more piece of text, passes by ``Reader.plain`` and
one stamp; all others take the long way through ``OpenCall.chunk`` (ADR 8).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from tierscope import guard
from tierscope.seam.bodies import Handle, aclosed
from tierscope.seam.world import EXTENSION

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


def handle_of(stream: Any) -> Handle | None:
    """Return the handle of a stream's response, or ``None`` for streams that are not ours."""
    extensions = getattr(stream.response, "extensions", None)
    handle = extensions.get(EXTENSION) if isinstance(extensions, dict) else None
    return handle if isinstance(handle, Handle) and not handle.call.is_finished else None


def followed(stream: Any, inner: Any) -> Any:
    """Return the iterator that stands in for the SDK's own, or ``None`` for streams that are not ours."""
    handle = handle_of(stream)
    if handle is None:
        return None
    make = afollow if hasattr(inner, "__anext__") else follow
    handle.outer = outer = make(handle, inner)
    return outer


def follow(handle: Handle, inner: Iterator[Any]) -> Iterator[Any]:
    """Hand on every chunk of a stream; record the call when it ends."""
    call, tap = handle.call, handle.tap
    plain, clock = tap.reader.plain, tap.clock
    handle.inner, call.is_parsed = inner, True
    try:
        for chunk in inner:
            try:
                if plain(chunk):
                    arrived = tap.arrived
                    tap.last_text = clock() if arrived is None else arrived
                elif call.chunk(chunk):
                    continue
            except guard.FAULT as exc:
                guard.caught("plain", exc)
            yield chunk
    except BaseException as exc:
        handle.let_go()
        call.failed(exc)
        raise
    handle.let_go()
    call.finish("complete")


async def _afollow(handle: Handle, inner: AsyncIterator[Any]) -> AsyncIterator[Any]:
    call, tap = handle.call, handle.tap
    plain, clock = tap.reader.plain, tap.clock
    yield None  # to `afollow`
    handle.inner, call.is_parsed = inner, True
    try:
        async for chunk in inner:
            try:
                if plain(chunk):
                    arrived = tap.arrived
                    tap.last_text = clock() if arrived is None else arrived
                elif call.chunk(chunk):
                    continue
            except guard.FAULT as exc:
                guard.caught("plain", exc)
            try:
                yield chunk
            except GeneratorExit:
                if handle.is_pulled:  # somebody awaits `aclose()`; nobody does when the collector closes us
                    await aclosed(inner)
                    call.finish("closed")
                raise
    except BaseException as exc:
        handle.let_go()
        call.failed(exc)
        raise
    handle.let_go()
    call.finish("complete")


def afollow(handle: Handle, inner: AsyncIterator[Any]) -> AsyncIterator[Any]:
    """Follow an async stream: an async generator, for nothing else passes a chunk on without a coroutine of its own.

    It is started here and without the hooks by which event loops finalize generators: when it is dropped it shall end
    at once, like a sync one, and leave the closing of what is below to the SDK's own.
    """
    outer = _afollow(handle, inner)
    hooks = sys.get_asyncgen_hooks()
    sys.set_asyncgen_hooks(None, None)
    try:
        outer.__anext__().send(None)  # type: ignore[attr-defined]
    except StopIteration:  # it has yielded
        pass
    finally:
        sys.set_asyncgen_hooks(*hooks)
    return outer
