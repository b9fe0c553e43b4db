"""What the layers on a WebSocket connection hear, and hand to the state of that connection.

Nothing is loaded here: what follows a response comes with the first one that is asked for over a socket.
"""

from __future__ import annotations

import functools
import weakref
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, Self

from tierscope.forks import at_fork
from tierscope.guard import guarded
from tierscope.reading.sse import as_object
from tierscope.seam.patches import SOCKETS
from tierscope.seam.world import STATE

if TYPE_CHECKING:
    from types import TracebackType

    from tierscope.seam.socketcall import SocketCall
    from tierscope.seam.sockets import Socket

CREATE: Final = "response.create"
CREATED: Final = "response.created"

KNOWN: Final[weakref.WeakKeyDictionary[Any, Socket]] = weakref.WeakKeyDictionary()
"""What is known of each connection, and of each manager that holds requests for one; gone when they are."""
_SENDING: Final[ContextVar[object]] = ContextVar("tierscope_sending", default=None)
"""The connection whose ``send`` runs: what it passes to ``send_raw`` has been read."""
at_fork(in_child=KNOWN.clear)


@guarded("socket")
def known(thing: Any) -> Socket | None:
    """Return what is known of a connection or a manager."""
    return KNOWN.get(thing)


def kind_of(event: Any) -> object:
    """Return the type of an event, of a mapping or of the SDK's own object."""
    return event.get("type") if isinstance(event, dict) else getattr(event, "type", None)


class Sending:
    """Around one send: a request is known before it is sent, and what hinders it is its end."""

    __slots__ = ("_call", "_socket", "_token")

    def __init__(self, target: Any, event: Any, lane: str | None = None) -> None:
        self._call: SocketCall | None = None
        self._socket = known(target)
        if event is not None:
            self._ask(target, event, lane)
        self._token = _SENDING.set(target)

    @guarded("ask")
    def _ask(self, target: Any, event: Any, lane: str | None) -> None:
        socket, world = self._socket, STATE.world
        if kind_of(event) != CREATE:
            return
        if STATE.endings:
            STATE.drain()
        if socket is None and world is not None:
            from tierscope.seam import sockets  # noqa: PLC0415  with the first request

            self._socket = socket = sockets.of(target, world)
        if socket is not None:
            self._call = socket.asked(event, lane)

    def __enter__(self) -> None:
        """Everything is known already."""

    @guarded("ask")
    def __exit__(self, _kind: object, exc: BaseException | None, _trace: TracebackType | None) -> None:
        if isinstance(exc, GeneratorExit):  # of a coroutine that was dropped, perhaps collected in another context
            return
        _SENDING.reset(self._token)
        if exc is not None and self._call is not None and self._socket is not None:
            self._socket.unsent(self._call, exc)


class Entering:
    """Around the opening of a connection: requests that were queued for it are its own from then on."""

    __slots__ = ("_manager",)

    def __init__(self, manager: Any) -> None:
        self._manager = manager

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, exc: BaseException | None, _trace: TracebackType | None) -> None:
        socket = None if exc is None else known(self._manager)
        if exc is not None and socket is not None:
            socket.failed(exc)

    def opened(self, connection: Any) -> Any:
        """Note a connection, and hand it on."""
        self._note(connection)
        return connection

    @guarded("connect")
    def _note(self, connection: Any) -> None:
        if STATE.world is not None or self._manager in KNOWN:
            from tierscope.seam import sockets  # noqa: PLC0415

            sockets.opened(self._manager, connection)


@guarded("event")
def hear(connection: Any, data: object, event: object) -> None:
    """Take an event that has been parsed; of a connection from before us, from the next response on."""
    socket, world = KNOWN.get(connection), STATE.world
    if socket is None and world is not None and kind_of(event) == CREATED:
        from tierscope.seam import sockets  # noqa: PLC0415

        socket = sockets.of(connection, world)
    if socket is not None:
        socket.parsed(data, event)


def leave(connection: Any, *, is_async: bool) -> None:
    """Note that the application closes a connection."""
    socket = known(connection)
    if socket is not None:
        socket.closed(is_async=is_async)


@guarded("ask")
def decoded(connection: Any, data: Any) -> Any:
    """Return the request in a raw message; ``None`` for others, and where ``send`` has read it."""
    if _SENDING.get() is connection or not _is_of_responses(connection.__class__):
        return None
    needle: Any = CREATE if isinstance(data, str) else CREATE.encode()
    return as_object(data) if needle in data else None


@functools.lru_cache(maxsize=64)
def _is_of_responses(kind: Any) -> bool:
    """Say whether a class of connections is one of ours: realtime ones share the base, and know no tiers."""
    return any(base.__module__ in SOCKETS and base.__name__.endswith("Connection") for base in kind.__mro__)
