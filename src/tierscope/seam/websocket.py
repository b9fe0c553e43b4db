"""The second seam: WebSocket connections of the Responses API, which never pass a client's ``request``.

Laid when openai's module of them is loaded, and gated by what is there: openai 2.22 brought them, later versions moved
half of their methods to a base that realtime connections share, and added lanes that write past them.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

from tierscope.seam.hearing import Entering, Sending, decoded, hear, known, leave
from tierscope.seam.layers import Layers, Patch
from tierscope.seam.patches import SESSIONS, SOCKETS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BASE: Final = "openai._websocket_connection"
"""Since openai 3.x the home of ``send_raw`` and ``close``."""


# ── what each kind of method is given to send ─────────────────────────────────────────────────────────────────────
def _first(args: Any, kwargs: Any, name: str) -> Any:
    return args[0] if args else kwargs.get(name)


def _event(self: Any, args: Any, kwargs: Any) -> Sending:
    return Sending(self, _first(args, kwargs, "event"))


def _raw(self: Any, args: Any, kwargs: Any) -> Sending:
    return Sending(self, decoded(self, _first(args, kwargs, "data")))


def _lane(self: Any, args: Any, kwargs: Any) -> Sending:
    lane = getattr(getattr(self, "_state", None), "stream_id", None)
    session = getattr(self, "_session", None)
    return Sending(getattr(session, "connection", self), _first(args, kwargs, "event"), lane)


# ── the twins ─────────────────────────────────────────────────────────────────────────────────────────────────────
def sending(reads: Callable[[Any, Any, Any], Sending]) -> Callable[[Any], Any]:
    """Make the layer of a method that sends."""

    def make(wrapped: Any) -> Any:
        @functools.wraps(wrapped)
        def layer(self: Any, *args: Any, **kwargs: Any) -> Any:
            with reads(self, args, kwargs):
                return wrapped.__get__(self, type(self))(*args, **kwargs)

        return layer

    return make


def asending(reads: Callable[[Any, Any, Any], Sending]) -> Callable[[Any], Any]:
    """Make the layer of one that is awaited."""

    def make(wrapped: Any) -> Any:
        @functools.wraps(wrapped)
        async def layer(self: Any, *args: Any, **kwargs: Any) -> Any:
            with reads(self, args, kwargs):
                return await wrapped.__get__(self, type(self))(*args, **kwargs)

        return layer

    return make


def receive(wrapped: Any) -> Any:
    """``recv_bytes``: every message, whoever reads it."""

    @functools.wraps(wrapped)
    def layer(self: Any, *args: Any, **kwargs: Any) -> Any:
        socket = known(self)
        if socket is None:
            return wrapped.__get__(self, type(self))(*args, **kwargs)
        since = socket.waiting()
        try:
            message = wrapped.__get__(self, type(self))(*args, **kwargs)
        except BaseException as exc:
            socket.broke(exc)
            raise
        socket.received(message, since)
        return message

    return layer


def areceive(wrapped: Any) -> Any:
    """Its async twin."""

    @functools.wraps(wrapped)
    async def layer(self: Any, *args: Any, **kwargs: Any) -> Any:
        socket = known(self)
        if socket is None:
            return await wrapped.__get__(self, type(self))(*args, **kwargs)
        since = socket.waiting()
        try:
            message = await wrapped.__get__(self, type(self))(*args, **kwargs)
        except BaseException as exc:
            socket.broke(exc)
            raise
        socket.received(message, since)
        return message

    return layer


def parse(wrapped: Any) -> Any:
    """``parse_event``, which is no coroutine on either connection: iteration, ``recv`` and lanes all pass it."""

    @functools.wraps(wrapped)
    def layer(self: Any, *args: Any, **kwargs: Any) -> Any:
        event = wrapped.__get__(self, type(self))(*args, **kwargs)
        hear(self, _first(args, kwargs, "data"), event)
        return event

    return layer


def close(wrapped: Any) -> Any:
    """``close``: whatever is under way ends here."""

    @functools.wraps(wrapped)
    def layer(self: Any, *args: Any, **kwargs: Any) -> Any:
        leave(self, is_async=False)
        return wrapped.__get__(self, type(self))(*args, **kwargs)

    return layer


def aclose(wrapped: Any) -> Any:
    """Its async twin."""

    @functools.wraps(wrapped)
    async def layer(self: Any, *args: Any, **kwargs: Any) -> Any:
        leave(self, is_async=True)
        return await wrapped.__get__(self, type(self))(*args, **kwargs)

    return layer


def enter(wrapped: Any) -> Any:
    """``__enter__`` of a manager, and its other name."""

    @functools.wraps(wrapped)
    def layer(self: Any, *args: Any, **kwargs: Any) -> Any:
        with Entering(self) as one:
            return one.opened(wrapped.__get__(self, type(self))(*args, **kwargs))

    return layer


def aenter(wrapped: Any) -> Any:
    """Its async twin."""

    @functools.wraps(wrapped)
    async def layer(self: Any, *args: Any, **kwargs: Any) -> Any:
        with Entering(self) as one:
            return one.opened(await wrapped.__get__(self, type(self))(*args, **kwargs))

    return layer


# ── the places ────────────────────────────────────────────────────────────────────────────────────────────────────
def _of_connections(module: str, sync: str, asynchronous: str) -> Iterator[Patch]:
    """Yield what every connection class may define itself, or inherit from one of ours."""
    yield Patch(module, sync, "send_raw", sending(_raw))
    yield Patch(module, asynchronous, "send_raw", asending(_raw))
    yield Patch(module, sync, "close", close)
    yield Patch(module, asynchronous, "close", aclose)


def _patches() -> Iterator[Patch]:
    yield from _of_connections(BASE, "WebSocketConnectionBase", "AsyncWebSocketConnectionBase")
    for module in SOCKETS:
        sync, asynchronous = "ResponsesConnection", "AsyncResponsesConnection"
        yield from _of_connections(module, sync, asynchronous)
        yield Patch(module, sync, "send", sending(_event))
        yield Patch(module, asynchronous, "send", asending(_event))
        yield Patch(module, sync, "recv_bytes", receive)
        yield Patch(module, asynchronous, "recv_bytes", areceive)
        for owner in (sync, asynchronous):
            yield Patch(module, owner, "parse_event", parse)
            yield Patch(module, f"{owner}Manager", "send", sending(_event))
        for name in ("__enter__", "enter"):
            yield Patch(module, f"{sync}Manager", name, enter)
        for name in ("__aenter__", "enter"):
            yield Patch(module, f"{asynchronous}Manager", name, aenter)
    yield Patch(SESSIONS, "ResponsesWebSocketLane", "send", sending(_lane))
    yield Patch(SESSIONS, "AsyncResponsesWebSocketLane", "send", asending(_lane))


SOCKET_PATCHES: Final = tuple(_patches())
SOCKET_LAYERS: Final = Layers(SOCKET_PATCHES, is_optional=True)
