"""The HTTP layer below a call: our ear on every request, and a gate before the transports of httpx and httpx2.

The ear is httpx's documented ``trace`` extension. httpcore calls it inside the HTTP span, whoever made that: what an
attempt tells gets onto it in every order of instrumentations. Hooks belong to whoever instruments first.
The gate leads a request of ours, and no other, through the method of the OpenTelemetry instrumentor, unless somebody
has made an HTTP span for it, or will.
"""

from __future__ import annotations

import functools
import sys
import threading
from typing import TYPE_CHECKING, Any, Final

from tierscope.forks import at_fork
from tierscope.guard import guarded, isolate
from tierscope.reading import headers
from tierscope.seam.layers import Hook, Layers, Patch
from tierscope.seam.world import STATE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

    from tierscope.observer import HttpAttempt, HttpObserver
    from tierscope.seam.opencall import OpenCall

TRACE: Final = "trace"
MARK: Final = "tierscope.attempt"
"""Keys in ``request.extensions``, which httpx hands on to redirects and leaves out of pickles."""
_LIBRARIES: Final = ("httpx", "httpx2")
_SENT: Final = ("connect_tcp.started", "connect_unix_socket.started", "send_request_headers.started")
_ANSWERED: Final = "receive_response_headers.complete"


class Ear:
    """Hears what httpcore does for one attempt, in front of the user's own callback."""

    __slots__ = ("_attempt", "_is_async", "_is_tunnel", "_theirs")

    def __init__(self, attempt: HttpAttempt, theirs: Callable[..., Any] | None, *, is_async: bool) -> None:
        self._attempt = attempt
        self._theirs = theirs
        self._is_async = is_async
        self._is_tunnel = False
        """Whether a proxy is asked for a tunnel: what it answers is not the service's word."""

    def __call__(self, event: str, info: Mapping[str, Any]) -> Any:
        """Take one event; an async httpcore awaits what comes back."""
        isolate("http", self._hear, event, info)
        if self._theirs is not None:
            return self._theirs(event, info)
        return _nothing() if self._is_async else None

    def _hear(self, event: str, info: Mapping[str, Any]) -> None:
        """Events of the body are left alone: they come after the HTTP span, inside one of the application's own."""
        if event.endswith(_SENT):
            self._is_tunnel = getattr(info.get("request"), "method", None) == b"CONNECT"
            self._attempt.sent()
        elif event.endswith(_ANSWERED) and not self._is_tunnel:
            self._attempt.answered(headers.read(info["return_value"][-1]))


async def _nothing() -> None:
    """Be awaited."""


class Watch:
    """The HTTP layer as one activation of the seam has it."""

    def __init__(self, observer: HttpObserver) -> None:
        self.observer = observer

    def begin(self) -> None:
        """Be ready when openai is."""
        GATES.hook()

    def end(self) -> None:
        """Take off what was laid."""
        GATES.take_off()

    @guarded("http")
    def attempt(self, call: OpenCall, client: Any, sent: Any) -> None:
        """Put our ear on the request of an attempt; the extensions are copied, for a user's client may share them."""
        library = type(sent).__module__.partition(".")[0]
        if library not in _LIBRARIES:
            return
        GATES.lay(library, self.observer)
        attempt = self.observer.attempt(library, call.attempt_number, call.request.requested)
        is_async = hasattr(client._client, "aclose")  # noqa: SLF001  openai's own
        ear = Ear(attempt, sent.extensions.get(TRACE), is_async=is_async)
        sent.extensions = {**sent.extensions, TRACE: ear, MARK: attempt}


# ── the gate ──────────────────────────────────────────────────────────────────────────────────────────────────────
def gate(http: HttpObserver, spanned: Any, wrapped: Any) -> Callable[..., Any]:
    """``HTTPTransport.handle_request``: with a span, or as it was."""

    @functools.wraps(wrapped)
    def layer(self: Any, *args: Any, **kwargs: Any) -> Any:
        method = spanned if isolate("http", is_ours, http, args, kwargs) else wrapped
        return method.__get__(self, type(self))(*args, **kwargs)

    return layer


def agate(http: HttpObserver, spanned: Any, wrapped: Any) -> Callable[..., Any]:
    """``AsyncHTTPTransport.handle_async_request``."""

    @functools.wraps(wrapped)
    async def layer(self: Any, *args: Any, **kwargs: Any) -> Any:
        method = spanned if isolate("http", is_ours, http, args, kwargs) else wrapped
        return await method.__get__(self, type(self))(*args, **kwargs)

    return layer


def is_ours(http: HttpObserver, args: Any, kwargs: Any) -> bool:
    """Say whether a request is an attempt that has no HTTP span yet; a gate left below another's layer says no."""
    attempt = (args[0] if args else kwargs["request"]).extensions.get(MARK)
    watch = STATE.world.http if STATE.world is not None else None
    return attempt is not None and attempt.is_bare and watch is not None and watch.observer is http


_TRANSPORTS: Final = (
    ("HTTPTransport", "handle_request", gate),
    ("AsyncHTTPTransport", "handle_async_request", agate),
)


class Gates:
    """The gates that stand: for each library that requests of openai went through."""

    def __init__(self) -> None:
        self._laid: dict[str, Layers] = {}
        self.hook = Hook(self.prepare)
        """Be ready when openai is: importing the instrumentor takes 50 ms, which no call shall wait for."""
        self._forked()
        at_fork(in_child=self._forked)

    def _forked(self) -> None:
        self._lock = threading.Lock()

    @guarded("http")
    def prepare(self, client: ModuleType) -> None:
        """Lay the gate of the library that this openai uses by itself."""
        if STATE.world is not None and STATE.world.http is not None:
            self.lay("httpx2" if hasattr(client, "httpx2") else "httpx", STATE.world.http.observer)

    def lay(self, library: str, http: HttpObserver) -> None:
        """Lay a gate where none stands; not while the application's own instrumentation makes the spans."""
        if library not in self._laid:
            with self._lock:
                if library not in self._laid:
                    self._lay(sys.modules[library], http)

    def _lay(self, module: ModuleType, http: HttpObserver) -> None:
        """Borrow the instrumentor's methods, and leave the instrumentor to the application."""
        places = [(getattr(module, owner), name) for owner, name, _ in _TRANSPORTS]
        before = [owner.__dict__[name] for owner, name in places]
        with http.instrumented(module.__name__) as is_so:
            spanned = [owner.__dict__[name] for owner, name in places]
        if not is_so:
            return
        for (owner, name), method in zip(places, before, strict=True):
            setattr(owner, name, method)  # the very object: the instrumentor's own undoing may leave a bound copy
        layers = Layers(
            tuple(
                Patch(module.__name__, owner, name, functools.partial(layer, http, method))
                for (owner, name, layer), method in zip(_TRANSPORTS, spanned, strict=True)
            )
        )
        layers.lay(module)
        self._laid[module.__name__] = layers

    def take_off(self) -> None:
        """Remove our gates where they are on top; one covered by somebody else's stays, and lets all pass."""
        for layers in self._laid.values():
            layers.take_off()
        self._laid.clear()


GATES: Final = Gates()
