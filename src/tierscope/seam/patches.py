"""The eight patches on the SDK's base classes: laid when openai is imported, gated, and taken off again."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, get_origin

import wrapt

from tierscope import guard
from tierscope.guard import guarded
from tierscope.reading import request as reading
from tierscope.seam import bodies, chunks, identity, usage_asked
from tierscope.seam.opencall import OpenCall
from tierscope.seam.world import STATE

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType, TracebackType

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
            return OpenCall(request, row, observation, world, args, kwargs)
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
    return replace(request, usage_asked=True), args, kwargs


# ── the twins ─────────────────────────────────────────────────────────────────────────────────────────────────────
def request(wrapped: Any, client: Any, args: Any, kwargs: Any) -> Any:
    """``SyncAPIClient.request``: one call, retries included."""
    call = begin(client, args, kwargs)
    if call is None:
        return wrapped(*args, **kwargs)
    with call:
        return wrapped(*call.args, **call.kwargs)


def arequest(wrapped: Any, client: Any, args: Any, kwargs: Any) -> Any:
    """``AsyncAPIClient.request``: the call begins when it is awaited."""

    async def run() -> Any:
        call = begin(client, args, kwargs)
        if call is None:
            return await wrapped(*args, **kwargs)
        with call:
            return await wrapped(*call.args, **call.kwargs)

    return run()


def process(wrapped: Any, _client: Any, args: Any, kwargs: Any) -> Any:
    """``SyncAPIClient._process_response``: the attempt that answered, before the SDK parses it."""
    call = received(kwargs)
    if call is None:
        return wrapped(*args, **kwargs)
    try:
        result = wrapped(*args, **kwargs)
    except Exception:
        parsed(call, kwargs["response"], None)
        raise
    parsed(call, kwargs["response"], result)
    return result


def aprocess(wrapped: Any, _client: Any, args: Any, kwargs: Any) -> Any:
    """``AsyncAPIClient._process_response``."""

    async def run() -> Any:
        call = received(kwargs)
        if call is None:
            return await wrapped(*args, **kwargs)
        try:
            result = await wrapped(*args, **kwargs)
        except Exception:
            parsed(call, kwargs["response"], None)
            raise
        parsed(call, kwargs["response"], result)
        return result

    return run()


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


def build(wrapped: Any, _client: Any, args: Any, kwargs: Any) -> Any:
    """``BaseClient._build_request``: once per attempt; its result is the request as sent."""
    sent = wrapped(*args, **kwargs)
    call = STATE.current.get()
    if call is not None:
        call.built(sent)
    return sent


def retry(wrapped: Any, _client: Any, args: Any, kwargs: Any) -> Any:
    """``BaseClient._should_retry``: the status of a failed attempt, whose reply goes nowhere else."""
    call = STATE.current.get()
    if call is not None:
        call.failed_attempt(args[0] if args else kwargs["response"])
    return wrapped(*args, **kwargs)


def stream(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    """``Stream.__stream__``: the iterator of parsed chunks."""
    inner = wrapped(*args, **kwargs)
    handle = guard.isolate("stream", chunks.handle_of, instance)
    return inner if handle is None else chunks.follow(handle, inner)


def astream(wrapped: Any, instance: Any, args: Any, kwargs: Any) -> Any:
    """``AsyncStream.__stream__``."""
    inner = wrapped(*args, **kwargs)
    handle = guard.isolate("stream", chunks.handle_of, instance)
    return inner if handle is None else chunks.AsyncFollow(handle, inner)


# ── laying and removing ───────────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True, slots=True)
class Patch:
    """One patched method: where it is, and our layer."""

    module: str
    owner: str
    name: str
    wrapper: Callable[..., Any]


_CLIENT: Final = "openai._base_client"
_STREAMING: Final = "openai._streaming"
PATCHES: Final = (
    Patch(_CLIENT, "SyncAPIClient", "request", request),
    Patch(_CLIENT, "AsyncAPIClient", "request", arequest),
    Patch(_CLIENT, "SyncAPIClient", "_process_response", process),
    Patch(_CLIENT, "AsyncAPIClient", "_process_response", aprocess),
    Patch(_CLIENT, "BaseClient", "_build_request", build),
    Patch(_CLIENT, "BaseClient", "_should_retry", retry),
    Patch(_STREAMING, "Stream", "__stream__", stream),
    Patch(_STREAMING, "AsyncStream", "__stream__", astream),
)


class Layers:
    """Our own layers on the SDK's classes, so that only these are ever taken off."""

    def __init__(self) -> None:
        self._laid: dict[Patch, tuple[Any, Any]] = {}
        self._is_hooked = False

    def hook(self) -> None:
        """Wait for openai's import; that cannot be taken back, so the hook asks whether we are active."""
        if not self._is_hooked:
            self._is_hooked = True
            for name in (_CLIENT, _STREAMING):
                wrapt.when_imported(name)(self.lay)
        else:
            self.lay_again()

    @guarded("patch")
    def lay(self, module: ModuleType) -> None:
        """Lay every patch of this module that is not there yet."""
        if STATE.world is None:
            return
        for patch in PATCHES:
            if patch.module == module.__name__:
                self._lay_one(module, patch)

    def lay_again(self) -> None:
        """Lay the patches of modules that were imported long ago."""
        import sys  # noqa: PLC0415  only for re-instrumentation

        for name in (_CLIENT, _STREAMING):
            if name in sys.modules:
                self.lay(sys.modules[name])

    def _lay_one(self, module: ModuleType, patch: Patch) -> None:
        owner = getattr(module, patch.owner, None)
        if owner is None or patch.name not in owner.__dict__:
            log.warning(
                "Tierscope: %s.%s is not in this version of openai; what it tells stays unknown.",
                patch.owner,
                patch.name,
            )
            return
        if self._laid.get(patch, (None,))[0] is owner:
            return
        wrapt.wrap_function_wrapper(owner, patch.name, patch.wrapper)
        self._laid[patch] = owner, owner.__dict__[patch.name]

    def is_laid_on(self, owner: object) -> bool:
        """Say whether a class carries one of our layers."""
        return any(owner is laid for laid, _ in self._laid.values())

    def take_off(self) -> None:
        """Remove our layers where they are on top; one covered by somebody else's stays, inactive."""
        for patch, (owner, layer) in list(self._laid.items()):
            if owner.__dict__.get(patch.name) is layer:
                setattr(owner, patch.name, layer.__wrapped__)
                del self._laid[patch]


LAYERS: Final = Layers()


def install(world: World) -> None:
    """Lay the seam: at once where openai is loaded, else when it will be."""
    STATE.world = world
    LAYERS.hook()


def remove() -> None:
    """Take the seam off; streams that are open finish normally."""
    STATE.drain()
    STATE.world = None
    LAYERS.take_off()
