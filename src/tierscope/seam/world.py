"""The world as the seam sees it: who listens, what is set, which clocks tick; and the state of this process."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections import OrderedDict, deque
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from tierscope.catalog import Catalog, Provider
    from tierscope.config import Settings
    from tierscope.model import Request
    from tierscope.observer import Observer
    from tierscope.seam.opencall import OpenCall

MAX_REMEMBERED: Final = 10_000
EXTENSION: Final = "tierscope.call"
"""Key in ``response.extensions``, which httpx leaves out when a response is pickled."""


class Background:
    """What this process knows of background responses: who asked for what, and whose tokens were counted."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: OrderedDict[str, Request] = OrderedDict()
        self._counted: OrderedDict[str, weakref.ref[OpenCall]] = OrderedDict()

    def remember(self, response_id: str, request: Request) -> None:
        """Keep the request of a queued response until its terminal state is fetched."""
        with self._lock:
            self._asked[response_id] = request
            if len(self._asked) > MAX_REMEMBERED:
                self._asked.popitem(last=False)

    def asked(self, response_id: str) -> Request | None:
        """Return the request that queued this response, if this process sent it."""
        return self._asked.get(response_id)

    def count(self, response_id: str, call: OpenCall) -> bool:
        """Say whether the tokens of this response are this call's: of the first that asks, however often it does."""
        with self._lock:
            counted = self._counted.get(response_id)
            if counted is not None:
                return counted() is call
            self._counted[response_id] = weakref.ref(call)
            self._asked.pop(response_id, None)
            if len(self._counted) > MAX_REMEMBERED:
                self._counted.popitem(last=False)
            return True


@dataclass(frozen=True, slots=True)
class World:
    """What the seam is given when it is laid."""

    observer: Observer
    settings: Settings
    catalog: Catalog
    clock: Callable[[], int] = time.perf_counter_ns
    """Monotonic nanoseconds."""
    wall: Callable[[], int] = time.time_ns
    background: Background = field(default_factory=Background)
    rows: dict[tuple[str | None, int | None, bool], tuple[Provider, bool]] = field(default_factory=dict)
    """The rows of hosts that were looked up before."""


class Watch(weakref.ref[Any]):
    """Watches the response or the iterator of a stream.

    The collector calls weak references back before it runs any finalizer of what it collects: a body that one of these
    closes is known to be dropped, whatever their order.
    """

    __slots__ = ("call",)
    call: OpenCall


class State:
    """The seam's state in this process: whether it is active, which streams are open, and which were dropped."""

    def __init__(self) -> None:
        self.world: World | None = None
        self.current: ContextVar[OpenCall | None] = ContextVar("tierscope_call", default=None)
        self.endings: deque[OpenCall] = deque()
        self._watches: set[Watch] = set()
        self.pid = os.getpid()
        os.register_at_fork(after_in_child=self._forked)

    def _forked(self) -> None:
        """A child records nothing of its parent's calls."""
        self.pid = os.getpid()
        self.endings.clear()
        self._watches.clear()

    def watch(self, thing: object, call: OpenCall) -> None:
        """Hear when the last means to read a stream is dropped."""
        watch = Watch(thing, self._gone)
        watch.call = call
        self._watches.add(watch)

    def _gone(self, watch: Watch) -> None:
        self._watches.discard(watch)
        self.dropped(watch.call)

    def dropped(self, call: OpenCall) -> None:
        """Queue a call; a finalizer may run inside a lock of OpenTelemetry's SDK, where recording would never end."""
        if not (call.is_dropped or call.is_finished):
            call.is_dropped = True
            self.endings.append(call)

    def drain(self) -> None:
        """Record the calls that were dropped without a close. Never called from a finalizer."""
        while self.endings:
            try:
                call = self.endings.popleft()
            except IndexError:  # another thread was faster
                return
            call.finish("abandoned")

    def abandon(self) -> None:
        """Record the streams that are still open when the process ends."""
        for watch in list(self._watches):
            watch.call.finish("abandoned")


STATE: Final = State()
