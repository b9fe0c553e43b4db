"""The layer in ``Stream.__stream__``: parsed chunks pass through it unchanged, sync and async."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tierscope.guard import isolate
from tierscope.seam.bodies import Handle
from tierscope.seam.world import EXTENSION

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator


def handle_of(stream: Any) -> Handle | None:
    """Return the handle of a stream's response, or ``None`` for streams that are not ours."""
    extensions = getattr(stream.response, "extensions", None)
    handle = extensions.get(EXTENSION) if isinstance(extensions, dict) else None
    return handle if isinstance(handle, Handle) and not handle.call.is_finished else None


def follow(handle: Handle, inner: Iterator[Any]) -> Iterator[Any]:
    """Hand on every chunk of a stream; record the call when it ends."""
    call = handle.call
    handle.inner, call.is_parsed = inner, True
    try:
        while True:
            handle.is_pulling = True
            try:
                chunk = next(inner)
            except StopIteration:
                break
            finally:
                handle.is_pulling = False
            if not isolate("chunk", call.chunk, chunk):
                yield chunk
    except BaseException as exc:
        handle.inner = None
        call.failed(exc)
        raise
    handle.inner = None
    call.finish("complete")


class AsyncFollow:
    """The same for an async stream; a slotted class, for no async generator may be left to the finalizer hooks."""

    __slots__ = ("__weakref__", "_handle", "_inner")

    def __init__(self, handle: Handle, inner: AsyncIterator[Any]) -> None:
        self._handle = handle
        self._inner = inner

    def __aiter__(self) -> AsyncFollow:
        return self

    async def __anext__(self) -> Any:
        handle = self._handle
        call = handle.call
        handle.inner, call.is_parsed, handle.is_pulling = self._inner, True, True
        try:
            chunk = await self._inner.__anext__()
            while isolate("chunk", call.chunk, chunk):
                chunk = await self._inner.__anext__()
        except StopAsyncIteration:
            handle.inner = None
            call.finish("complete")
            raise
        except BaseException as exc:
            handle.inner = None
            call.failed(exc)
            raise
        finally:
            handle.is_pulling = False
        return chunk

    async def aclose(self) -> None:
        """Close the SDK's own generator, as its ``aclose`` would."""
        closing: Callable[[], Any] | None = getattr(self._inner, "aclose", None)
        if closing is not None:
            await closing()
