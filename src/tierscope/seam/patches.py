"""The eight patches on the SDK's base classes: what each makes of the method below it."""

from __future__ import annotations

import functools
import sys
from typing import TYPE_CHECKING, Any, Final

from tierscope import guard
from tierscope.guard import guarded
from tierscope.reading import request as reading
from tierscope.seam.layers import CLIENT, STREAMING, Awaited, Hook, Layers, Patch
from tierscope.seam.world import STATE

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

    from tierscope.seam.opencall import OpenCall
    from tierscope.seam.world import World


class Shadow:
    """A call that is not ours, made inside one that is (a token provider's): it must not count as its attempt."""

    def __init__(self, args: Any, kwargs: Any) -> None:
        self.args = args
        self.kwargs = kwargs
        self._token = STATE.current.set(None)

    @guarded("exit")
    def left(self, _result: object, exc: BaseException | None = None) -> None:
        """Make the outer call the current one again."""
        if not isinstance(exc, GeneratorExit):  # of a coroutine that may be collected in another context
            STATE.current.reset(self._token)


@guarded("begin")
def begin(client: Any, args: Any, kwargs: Any) -> OpenCall | Shadow | None:
    """Open a call for an inference request; ``None`` for everything that Tierscope leaves alone."""
    world = STATE.world
    if world is None:
        return None
    if STATE.endings:
        STATE.drain()
    options, current = _options(args, kwargs), STATE.current.get()
    if current is not None and _options(current.args, current.kwargs) is options:
        return None  # our layer on a subclass began this very call
    kind = reading.endpoint(options.method, options.url)
    if kind is not None:
        call: OpenCall | None = STATE.opened(world, client, args, kwargs, options, kind)
        if call is not None:
            return call
    return Shadow(args, kwargs) if current is not None else None


def _options(args: Any, kwargs: Any) -> Any:
    return args[1] if len(args) > 1 else kwargs["options"]


def _first(world: World, *args: Any) -> OpenCall | None:
    """Load the rest with the first call, and lay what follows its stream: a start pays for the patches alone."""
    from tierscope.seam.opening import opened  # noqa: PLC0415  see above

    guard.isolate("wiring", world.first)
    world.equip()
    LAYERS.lay_again()
    STATE.opened = opened
    return opened(world, *args)


# ── the twins ─────────────────────────────────────────────────────────────────────────────────────────────────────
# Plain functions on what every call passes: a wrapt layer costs a microsecond and a half more each (ADR 4). They bind
# what they wrap, for it may be somebody else's descriptor.
def request(wrapped: Any) -> Callable[..., Any]:
    """``SyncAPIClient.request``: one call, retries included."""

    @functools.wraps(wrapped)
    def layer(self: Any, *args: Any, **kwargs: Any) -> Any:
        inner = wrapped.__get__(self, type(self))
        call = begin(self, args, kwargs)
        if call is None:
            return inner(*args, **kwargs)
        try:
            result = inner(*call.args, **call.kwargs)
        except BaseException as exc:
            call.left(None, exc)
            raise
        call.left(result)
        return result

    return layer


def arequest(wrapped: Any) -> Callable[..., Any]:
    """``AsyncAPIClient.request``: the call begins when it is awaited."""

    @functools.wraps(wrapped)
    async def layer(self: Any, *args: Any, **kwargs: Any) -> Any:
        inner = wrapped.__get__(self, type(self))
        call = begin(self, args, kwargs)
        if call is None:
            return await inner(*args, **kwargs)
        try:
            result = await inner(*call.args, **call.kwargs)
        except BaseException as exc:
            call.left(None, exc)
            raise
        call.left(result)
        return result

    return layer


def process(wrapped: Any) -> Callable[..., Any]:
    """``SyncAPIClient._process_response``: the attempt that answered, before the SDK parses it."""

    @functools.wraps(wrapped)
    def layer(self: Any, *args: Any, **kwargs: Any) -> Any:
        call = STATE.current.get()
        if call is not None:
            call.replied(kwargs)
        return wrapped.__get__(self, type(self))(*args, **kwargs)

    return layer


def aprocess(wrapped: Any) -> Callable[..., Any]:
    """``AsyncAPIClient._process_response``."""

    @functools.wraps(wrapped)
    async def layer(self: Any, *args: Any, **kwargs: Any) -> Any:
        call = STATE.current.get()
        if call is not None:
            call.replied(kwargs)
        return await wrapped.__get__(self, type(self))(*args, **kwargs)

    return layer


def build(wrapped: Any) -> Callable[..., Any]:
    """``BaseClient._build_request``: once per attempt; its result is the request as sent."""

    @functools.wraps(wrapped)
    def layer(self: Any, *args: Any, **kwargs: Any) -> Any:
        sent = wrapped.__get__(self, type(self))(*args, **kwargs)
        call = STATE.current.get()
        if call is not None:
            call.built(sent)
            if call.world.http is not None:
                call.world.http.attempt(call, self, sent)
        elif STATE.world is not None:
            unseen(self, args, kwargs)
        return sent

    return layer


@guarded("attempt")
def unseen(client: Any, args: Any, kwargs: Any) -> None:
    """Count a call that went past ``request``, and lay the seam again so that the next one does not.

    A package that took off its own wrapper has put back the method that it found, from before us.
    """
    options = args[0] if args else kwargs["options"]
    if reading.endpoint(options.method, options.url) is not None and LAYERS.is_bypassed(client):
        guard.note("bypassed", "another package kept the client's request method; such calls are unseen")
        LAYERS.lay_again()


def retry(wrapped: Any) -> Callable[..., Any]:
    """``BaseClient._should_retry``: the status of a failed attempt, whose reply goes nowhere else."""

    @functools.wraps(wrapped)
    def layer(self: Any, *args: Any, **kwargs: Any) -> Any:
        call = STATE.current.get()
        if call is not None:
            call.failed_attempt(args[0] if args else kwargs["response"])
        return wrapped.__get__(self, type(self))(*args, **kwargs)

    return layer


def stream(wrapped: Any) -> Any:
    """``Stream.__stream__`` and its async twin: the iterator of parsed chunks.

    The layer is transparent: ``inspect`` still sees a generator function.
    """
    import wrapt  # noqa: PLC0415  with the first call, as all that streams need

    from tierscope.seam import chunks  # noqa: PLC0415

    def layer(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
        inner = wrapped(*args, **kwargs)
        return guard.isolate("stream", chunks.followed, instance, inner) or inner

    return wrapt.FunctionWrapper(wrapped, layer)


# ── the eight ─────────────────────────────────────────────────────────────────────────────────────────────────────
PATCHES: Final = (
    Patch(CLIENT, "SyncAPIClient", "request", request),
    Patch(CLIENT, "AsyncAPIClient", "request", arequest),
    Patch(CLIENT, "SyncAPIClient", "_process_response", process),
    Patch(CLIENT, "AsyncAPIClient", "_process_response", aprocess),
    Patch(CLIENT, "BaseClient", "_build_request", build),
    Patch(CLIENT, "BaseClient", "_should_retry", retry),
    Patch(STREAMING, "Stream", "__stream__", stream),
    Patch(STREAMING, "AsyncStream", "__stream__", stream),
)


LAYERS: Final = Layers(PATCHES)
_HOOK: Final = Hook(LAYERS.lay)

# ── the second seam ───────────────────────────────────────────────────────────────────────────────────────────────
SOCKETS: Final = ("openai.resources.responses.responses", "openai.resources.beta.responses.responses")
"""Hold the WebSocket connections, since openai 2.22; loaded when a client's ``responses`` is first asked for."""
SESSIONS: Final = "openai.lib.responses_websocket._session"
"""Lanes over one connection, in later versions: they write to the socket themselves."""
_TRANSPORTS: Final = ("websockets.sync.client", "websockets.asyncio.client")
"""What openai connects with: where neither is loaded, no connection is open."""
_AWAITED: Final = Awaited()


def connecting(wrapped: Any) -> Callable[..., Any]:
    """``__init__`` of a manager: there will be a connection, so its layers are laid; not before, they are many."""

    @functools.wraps(wrapped)
    def layer(self: Any, *args: Any, **kwargs: Any) -> Any:
        _lay_sockets()
        return wrapped.__get__(self, type(self))(*args, **kwargs)

    return layer


MANAGERS: Final = Layers(
    tuple(
        Patch(module, f"{kind}ResponsesConnectionManager", "__init__", connecting)
        for module in SOCKETS
        for kind in ("", "Async")
    ),
    is_optional=True,
)
_LAID: Final = [LAYERS, MANAGERS]
"""All that is to go when we go."""


@guarded("patch")
def _lay_sockets() -> None:
    if STATE.world is None:
        return
    from tierscope.seam.websocket import SOCKET_LAYERS  # noqa: PLC0415  not before there may be a connection

    if SOCKET_LAYERS not in _LAID:
        _LAID.append(SOCKET_LAYERS)
    SOCKET_LAYERS.lay_again()


def _on_sockets(module: ModuleType) -> None:
    MANAGERS.lay(module)
    if module.__name__ == SESSIONS or any(name in sys.modules for name in _TRANSPORTS):
        _lay_sockets()


def install(world: World) -> None:
    """Lay the seam: at once where openai is loaded, else when it will be."""
    STATE.world, STATE.opened = world, _first
    STATE.when_idle = _take_off_when_idle
    _HOOK()
    for name in (*SOCKETS, SESSIONS):
        _AWAITED.want(name, _on_sockets)
    if world.http is not None:
        world.http.begin()


def remove() -> None:
    """Take the seam off, when no call is inside it any more; streams that are open finish normally."""
    STATE.drain()
    world, STATE.world = STATE.world, None
    _AWAITED.forget()
    if world is not None and world.http is not None:
        world.http.end()
    _take_off_when_idle()


def _take_off_when_idle() -> None:
    for layers in _LAID:
        layers.take_off_when_idle()
