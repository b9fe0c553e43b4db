"""Taps on ``response.stream``: network wait, raw readers, and the close of a body from any layer."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any

from tierscope.guard import guarded
from tierscope.reading.sse import MAX_EVENT, EventScan, Inflater
from tierscope.seam import network
from tierscope.seam.world import EXTENSION, STATE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tierscope.seam.opencall import OpenCall
    from tierscope.stream import Tap


class Handle:
    """Lives in ``response.extensions`` as long as the response does."""

    __slots__ = ("__weakref__", "call", "inner", "outer", "tap")

    def __init__(self, call: OpenCall, tap: Tap) -> None:
        self.call = call
        self.tap = tap
        self.inner: Any = None
        """The SDK's own iterator, while it may still be running."""
        self.outer: Any = None
        """Our layer's iterator around it."""

    def let_go(self) -> None:
        """Forget the iterators: both know the response, which knows this handle."""
        self.inner = self.outer = None

    @property
    def is_pulled(self) -> bool:
        """Whether our layer is inside the SDK's iterator right now."""
        return bool(getattr(self.outer, "gi_running", False) or getattr(self.outer, "ag_running", False))

    @property
    def is_running(self) -> bool:
        """Whether the SDK's iterator runs: if nobody pulls it, it is being finalized."""
        return bool(getattr(self.inner, "gi_running", False) or getattr(self.inner, "ag_running", False))


class Body:
    """What passes through a body: scanned only when no ``Stream`` object reads it."""

    __slots__ = (
        "_connection",
        "_content",
        "_handle",
        "_inflater",
        "_scan",
        "_size",
        "call",
        "is_exhausted",
        "is_left",
        "tap",
    )

    def __init__(self, handle: Handle, *, is_sse: bool, encoding: str, connection: Any) -> None:
        self._handle = handle
        self.call = handle.call
        self.tap = handle.tap
        self._inflater = Inflater(encoding)
        self._connection = connection
        self._scan = EventScan() if is_sse else None
        self._content: list[bytes] = []
        self._size = 0
        self.is_exhausted = False
        self.is_left = False
        """Whether its reader was closed, not the body: an async one is when the event loop finalizes it."""

    @guarded("scan")
    def look(self, data: bytes) -> None:
        """Scan what nobody parses."""
        plain = self._inflater.feed(data)
        if self._scan is not None:
            for event in self._scan.feed(plain):
                self.call.chunk(event)
        elif self._size + len(plain) <= MAX_EVENT:
            self._size += len(plain)
            self._content.append(plain)

    @guarded("scan")
    def closed(self) -> None:
        """End the call, unless somebody nearer to the application will: our own iterator, or who drops it."""
        handle, call = self._handle, self.call
        if call.is_finished or call.is_dropped:
            return
        if handle.is_pulled:
            self._listen()
            return
        if call.is_parsed and (self.is_left or handle.is_running):
            STATE.dropped(call)
            return
        if self._scan is None and self._content and self.is_exhausted:
            call.read_bytes(b"".join(self._content))
        is_whole = self.is_exhausted or (self._scan is not None and self._scan.is_done)
        call.finish("complete" if is_whole and not call.is_parsed else "closed")
        handle.let_go()

    def _listen(self) -> None:
        """Note how long the connection has been silent, before it is given back."""
        silence = network.silence(self._connection)
        if silence is not None:
            self.tap.quiet = self.tap.clock() - silence

    def failed(self, exc: BaseException) -> None:
        """Record an error that a raw reader meets; a ``Stream`` meets it in its own iterator."""
        if not self.call.is_parsed:
            self.call.failed(exc)


async def aclosed(inner: Any) -> None:
    """Close an async iterator, if it is a generator."""
    if hasattr(inner, "aclose"):
        await inner.aclose()


class _Reads:
    """An async iterator over one body; no generator, for those need finalizer hooks (trio warns of them).

    Yet it has all the methods of one, for httpx2 closes nothing else (trio would warn of what is below).
    """

    __slots__ = ("_body", "_inner")

    def __init__(self, body: Body, inner: Any) -> None:
        self._body = body
        self._inner = inner

    def __aiter__(self) -> _Reads:
        return self

    async def __anext__(self) -> Any:
        body = self._body
        since = body.tap.clock()
        try:
            data = await self._inner.__anext__()
        except StopAsyncIteration:
            body.is_exhausted = True
            raise
        except BaseException as exc:
            body.failed(exc)
            raise
        body.tap.read(since)
        if not body.call.is_parsed:
            body.look(data)
        return data

    async def asend(self, _value: object) -> Any:
        return await self.__anext__()

    async def athrow(self, *exc: Any) -> Any:
        return await self._inner.athrow(*exc)

    async def aclose(self) -> None:
        self._body.is_left = True
        await aclosed(self._inner)


class _SyncTap:
    """A body that is read through us; mixed with the library's own base class, for httpx asserts it."""

    def __init__(self, inner: Any, body: Body) -> None:
        self._inner = inner
        self._body = body

    def __iter__(self) -> Iterator[bytes]:
        body, inner = self._body, iter(self._inner)
        call, tap = body.call, body.tap
        while True:
            since = tap.clock()
            try:
                data = next(inner)
            except StopIteration:
                body.is_exhausted = True
                return
            except BaseException as exc:
                body.failed(exc)
                raise
            tap.read(since)
            if not call.is_parsed:
                body.look(data)
            yield data

    def close(self) -> None:
        self._body.closed()
        self._inner.close()


class _AsyncTap:
    """The same for an async body."""

    def __init__(self, inner: Any, body: Body) -> None:
        self._inner = inner
        self._body = body

    def __aiter__(self) -> _Reads:
        return _Reads(self._body, self._inner.__aiter__())

    async def aclose(self) -> None:
        self._body.closed()
        await self._inner.aclose()


@functools.cache
def tap_classes(library: str) -> tuple[type, type]:
    """Return the sync and async tap for ``httpx`` or ``httpx2``: each refuses to close a tap of the other."""
    module = sys.modules[library]
    return (
        type("SyncTap", (_SyncTap, module.SyncByteStream), {}),
        type("AsyncTap", (_AsyncTap, module.AsyncByteStream), {}),
    )


def attach(call: OpenCall, tap: Tap, response: Any) -> None:
    """Mark a streamed response with its call, and tap its body if that has not been read yet."""
    handle = Handle(call, tap)
    response.extensions[EXTENSION] = handle
    STATE.watch(handle, call)
    if hasattr(response, "_content"):
        return
    content_type = response.headers.get("content-type", "")
    body = Body(
        handle,
        is_sse=call.request.is_stream or "event-stream" in content_type,
        encoding=response.headers.get("content-encoding", ""),
        connection=response.extensions.get("network_stream"),
    )
    sync, asynchronous = tap_classes(type(response).__module__.partition(".")[0])
    inner = response.stream
    response.stream = (asynchronous if hasattr(inner, "aclose") else sync)(inner, body)
