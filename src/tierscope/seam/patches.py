"""The eight patches on the SDK's base classes: what each makes of the method below it."""

from __future__ import annotations

import functools
import logging
from typing import TYPE_CHECKING, Any, Final, get_origin

import wrapt

from tierscope import guard
from tierscope.guard import guarded
from tierscope.reading import request as reading
from tierscope.seam import chunks, identity, usage_asked
from tierscope.seam.layers import CLIENT, STREAMING, Layers, Patch
from tierscope.seam.opencall import OpenCall
from tierscope.seam.world import STATE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tierscope.model import Request
    from tierscope.seam.world import World

log = logging.getLogger("tierscope")


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
        is_stream = bool(kwargs.get("stream"))
        form = identity.form(world, client, options, kind, is_stream=is_stream)
        request = form.request
        is_wanted = is_stream and usage_asked.is_wanted(world, request, form.row, client, options)
        if is_wanted and _is_followed(client, kwargs):
            request, args, kwargs = _asking(request, args, kwargs, options)
        now = world.wall()
        observation = world.observer.started(request, now)
        if observation is not None:
            call = OpenCall(form, request, world, observation, now, args, kwargs)
            if STATE.world is world:
                return call
            call.withdraw()
    return Shadow(args, kwargs) if STATE.current.get() is not None else None


def _options(args: Any, kwargs: Any) -> Any:
    return args[1] if len(args) > 1 else kwargs["options"]


def _is_followed(client: Any, kwargs: Any) -> bool:
    """Say whether our layer will see the chunks: not so in a subclass with its own ``__stream__``."""
    stream_cls = kwargs.get("stream_cls") or getattr(client, "_default_stream_cls", None)
    kind = get_origin(stream_cls) or stream_cls
    definer = next((base for base in getattr(kind, "__mro__", ()) if "__stream__" in base.__dict__), None)
    return definer is not None and LAYERS.is_laid_on(definer, "__stream__")


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
    """``Stream.__stream__`` and its async twin: the iterator of parsed chunks."""
    inner = wrapped(*args, **kwargs)
    return guard.isolate("stream", chunks.followed, instance, inner) or inner


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


def install(world: World) -> None:
    """Lay the seam: at once where openai is loaded, else when it will be."""
    STATE.world = world
    STATE.when_idle = LAYERS.take_off
    LAYERS.hook()
    if world.http is not None:
        world.http.begin()


def remove() -> None:
    """Take the seam off, when no call is inside it any more; streams that are open finish normally."""
    STATE.drain()
    world, STATE.world = STATE.world, None
    if world is not None and world.http is not None:
        world.http.end()
    LAYERS.take_off()
