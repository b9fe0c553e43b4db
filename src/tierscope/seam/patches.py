"""The eight patches on the SDK's base classes: what each makes of the method below it."""

from __future__ import annotations

import functools
import logging
from typing import TYPE_CHECKING, Any, Final, get_origin

import wrapt

from tierscope import guard
from tierscope.guard import guarded
from tierscope.reading import request as reading
from tierscope.seam import bodies, chunks, identity, usage_asked
from tierscope.seam.layers import CLIENT, STREAMING, Layers, Patch
from tierscope.seam.opencall import OpenCall
from tierscope.seam.world import STATE

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from tierscope.model import Request
    from tierscope.seam.world import World

log = logging.getLogger("tierscope")


class Shadow:
    """A call that is not ours, made inside one that is (a token provider's): it must not count as its attempt."""

    def __init__(self, args: Any, kwargs: Any) -> None:
        self.args = args
        self.kwargs = kwargs
        self._token: Any = None

    def __enter__(self) -> None:
        self._token = STATE.current.set(None)

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        STATE.current.reset(self._token)


@guarded("begin")
def begin(client: Any, args: Any, kwargs: Any) -> OpenCall | Shadow | None:
    """Open a call for an inference request; ``None`` for everything that Tierscope leaves alone."""
    world = STATE.world
    if world is None:
        return None
    STATE.drain()
    options = args[1] if len(args) > 1 else kwargs["options"]
    kind = reading.endpoint(options.method, options.url)
    if kind is not None:
        request, row = identity.open_request(world, client, options, kind, is_stream=bool(_stream(args, kwargs)))
        if usage_asked.is_wanted(world, request, row, client, options) and _is_followed(kwargs.get("stream_cls")):
            request, args, kwargs = _asking(request, args, kwargs, options)
        observation = world.observer.started(request)
        if observation is not None:
            call = OpenCall(request, row, observation, world, args, kwargs)
            if STATE.enter(call):
                return call
    return Shadow(args, kwargs) if STATE.current.get() is not None else None


def _stream(args: Any, kwargs: Any) -> Any:
    """Return ``stream``: a keyword since 1.109; before, possibly the fourth argument behind ``remaining_retries``."""
    return kwargs.get("stream", args[3] if len(args) > 3 else False)  # noqa: PLR2004


def _is_followed(stream_cls: Any) -> bool:
    """Say whether our layer will see the chunks: not so in a subclass with its own ``__stream__``."""
    if stream_cls is None:
        return True
    kind = get_origin(stream_cls) or stream_cls
    definer = next((base for base in getattr(kind, "__mro__", ()) if "__stream__" in base.__dict__), None)
    return LAYERS.is_laid_on(definer)


def _asking(request: Request, args: Any, kwargs: Any, options: Any) -> tuple[Request, Any, Any]:
    asking = usage_asked.with_usage(options)
    if len(args) > 1:
        args = (args[0], asking, *args[2:])
    else:
        kwargs = {**kwargs, "options": asking}
    return request._replace(usage_asked=True), args, kwargs


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
        with call:
            return inner(*call.args, **call.kwargs)

    return layer


def arequest(wrapped: Any) -> Callable[..., Any]:
    """``AsyncAPIClient.request``: the call begins when it is awaited."""

    @functools.wraps(wrapped)
    async def layer(self: Any, *args: Any, **kwargs: Any) -> Any:
        inner = wrapped.__get__(self, type(self))
        call = begin(self, args, kwargs)
        if call is None:
            return await inner(*args, **kwargs)
        with call:
            return await inner(*call.args, **call.kwargs)

    return layer


def process(wrapped: Any) -> Callable[..., Any]:
    """``SyncAPIClient._process_response``: the attempt that answered, before the SDK parses it."""

    @functools.wraps(wrapped)
    def layer(self: Any, *args: Any, **kwargs: Any) -> Any:
        inner = wrapped.__get__(self, type(self))
        call = received(kwargs)
        if call is None:
            return inner(*args, **kwargs)
        try:
            result = inner(*args, **kwargs)
        except Exception:
            parsed(call, kwargs["response"], None)
            raise
        parsed(call, kwargs["response"], result)
        return result

    return layer


def aprocess(wrapped: Any) -> Callable[..., Any]:
    """``AsyncAPIClient._process_response``."""

    @functools.wraps(wrapped)
    async def layer(self: Any, *args: Any, **kwargs: Any) -> Any:
        inner = wrapped.__get__(self, type(self))
        call = received(kwargs)
        if call is None:
            return await inner(*args, **kwargs)
        try:
            result = await inner(*args, **kwargs)
        except Exception:
            parsed(call, kwargs["response"], None)
            raise
        parsed(call, kwargs["response"], result)
        return result

    return layer


@guarded("reply")
def received(kwargs: Any) -> OpenCall | None:
    """Note the response of the current call; a streamed or unread body is tapped."""
    call, response = STATE.current.get(), kwargs["response"]
    if call is None:
        return None
    call.replied(response)
    if kwargs.get("stream") or not hasattr(response, "_content"):
        call.opened()
        bodies.attach(call, response, call.world.clock)
    return call


@guarded("body")
def parsed(call: OpenCall, response: Any, result: object) -> None:
    """Read a body in memory: from the SDK's parsed object where there is one, else from the bytes."""
    if call.is_streaming:
        return
    if isinstance(result, dict) or hasattr(type(result), "model_fields"):
        call.read(result)
    else:
        call.read_bytes(response.content)


def build(wrapped: Any) -> Callable[..., Any]:
    """``BaseClient._build_request``: once per attempt; its result is the request as sent."""

    @functools.wraps(wrapped)
    def layer(self: Any, *args: Any, **kwargs: Any) -> Any:
        sent = wrapped.__get__(self, type(self))(*args, **kwargs)
        call = STATE.current.get()
        if call is not None:
            call.built(sent)
        return sent

    return layer


def _wrapt(wrapper: Callable[..., Any]) -> Callable[[Any], Any]:
    """Make a transparent layer: ``inspect`` still sees a generator function in ``__stream__``."""
    return lambda wrapped: wrapt.FunctionWrapper(wrapped, wrapper)


@_wrapt
def retry(wrapped: Any, _client: Any, args: Any, kwargs: Any) -> Any:
    """``BaseClient._should_retry``: the status of a failed attempt, whose reply goes nowhere else."""
    call = STATE.current.get()
    if call is not None:
        call.failed_attempt(args[0] if args else kwargs["response"])
    return wrapped(*args, **kwargs)


@_wrapt
def stream(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    """``Stream.__stream__``: the iterator of parsed chunks."""
    inner = wrapped(*args, **kwargs)
    handle = guard.isolate("stream", chunks.handle_of, instance)
    return inner if handle is None else chunks.follow(handle, inner)


@_wrapt
def astream(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    """``AsyncStream.__stream__``."""
    inner = wrapped(*args, **kwargs)
    handle = guard.isolate("stream", chunks.handle_of, instance)
    return inner if handle is None else chunks.AsyncFollow(handle, inner)


# ── the eight ─────────────────────────────────────────────────────────────────────────────────────────────────────
PATCHES: Final = (
    Patch(CLIENT, "SyncAPIClient", "request", request),
    Patch(CLIENT, "AsyncAPIClient", "request", arequest),
    Patch(CLIENT, "SyncAPIClient", "_process_response", process),
    Patch(CLIENT, "AsyncAPIClient", "_process_response", aprocess),
    Patch(CLIENT, "BaseClient", "_build_request", build),
    Patch(CLIENT, "BaseClient", "_should_retry", retry),
    Patch(STREAMING, "Stream", "__stream__", stream),
    Patch(STREAMING, "AsyncStream", "__stream__", astream),
)


LAYERS: Final = Layers(PATCHES)


def install(world: World) -> None:
    """Lay the seam: at once where openai is loaded, else when it will be."""
    STATE.world = world
    STATE.when_idle = LAYERS.take_off
    LAYERS.hook()


def remove() -> None:
    """Take the seam off, when no call is inside it any more; streams that are open finish normally."""
    STATE.drain()
    STATE.world = None
    LAYERS.take_off()
