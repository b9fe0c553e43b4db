"""The layer in ``Stream.__stream__``: parsed chunks pass through it unchanged, sync and async.

Its loops run for every chunk of every stream. An ordinary chunk, one more piece of text, passes by ``Reader.plain`` and
one stamp; all others take the long way through ``OpenCall.chunk`` (ADR 8).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tierscope import guard
from tierscope.seam.bodies import Handle
from tierscope.seam.world import EXTENSION

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator


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
    make = AsyncFollow if hasattr(inner, "__anext__") else follow
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


class AsyncFollow:
    """The same for an async stream; a slotted class, for no async generator may be left to the finalizer hooks."""

    __slots__ = ("_call", "_handle", "_inner", "_plain", "_step", "_tap", "is_pulling")

    def __init__(self, handle: Handle, inner: AsyncIterator[Any]) -> None:
        self._handle = handle
        self._call = handle.call
        self._tap = handle.tap
        self._inner = inner
        self._step = inner.__anext__
        self._plain = handle.tap.reader.plain
        self.is_pulling = False
        """Whether the SDK's iterator is being pulled by us, not by a finalizer."""

    def __aiter__(self) -> AsyncFollow:
        return self

    async def __anext__(self) -> Any:
        if not self._call.is_parsed:
            self._handle.inner, self._call.is_parsed = self._inner, True
        self.is_pulling = True
        try:
            while True:
                chunk = await self._step()
                try:
                    if self._plain(chunk):
                        tap = self._tap
                        tap.last_text = tap.clock() if tap.arrived is None else tap.arrived
                    elif self._call.chunk(chunk):
                        continue
                except guard.FAULT as exc:
                    guard.caught("plain", exc)
                self.is_pulling = False
                return chunk
        except BaseException as exc:
            self._left(exc)
            raise

    def _left(self, exc: BaseException) -> None:
        """Record how the stream ended, unless another task is inside: the SDK's generator refuses a second reader."""
        is_complete = isinstance(exc, StopAsyncIteration)
        if self._handle.is_running and not is_complete:
            return
        self.is_pulling = False
        self._handle.let_go()
        if is_complete:
            self._call.finish("complete")
        else:
            self._call.failed(exc)

    async def aclose(self) -> None:
        """Close the SDK's own generator, as its ``aclose`` would."""
        closing: Callable[[], Any] | None = getattr(self._inner, "aclose", None)
        if closing is not None:
            await closing()
