"""The world as the seam sees it: who listens, what is set, which clocks tick; and the state of this process."""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict, deque
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tierscope.forks import at_fork

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
        self._asked: OrderedDict[str, Request] = OrderedDict()
        self._counted: OrderedDict[str, None] = OrderedDict()
        self.forked()

    def forked(self) -> None:
        """Take a new lock: another thread of the parent may have held the old one."""
        self._lock = threading.Lock()

    def remember(self, response_id: str, request: Request) -> None:
        """Keep the request of a queued response until its terminal state is fetched."""
        with self._lock:
            self._asked[response_id] = request
            if len(self._asked) > MAX_REMEMBERED:
                self._asked.popitem(last=False)

    def asked(self, response_id: str) -> Request | None:
        """Return the request that queued this response, if this process sent it."""
        return self._asked.get(response_id)

    def count(self, response_id: str) -> bool:
        """Say whether the tokens of this response are new, and mark them counted."""
        with self._lock:
            if response_id in self._counted:
                return False
            self._counted[response_id] = None
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


class State:
    """The seam's state in this process: whether it is active, and the endings that finalizers left behind."""

    def __init__(self) -> None:
        self.world: World | None = None
        self.current: ContextVar[OpenCall | None] = ContextVar("tierscope_call", default=None)
        self.endings: deque[OpenCall] = deque()
        self.inside: set[OpenCall] = set()
        """The calls whose ``request`` runs: they need all our layers until it has returned."""
        self.when_idle: Callable[[], None] = _nothing
        """Called when the last call has left although the seam is to go."""
        self.pid = os.getpid()
        at_fork(in_child=self._forked)

    def _forked(self) -> None:
        """A child records nothing of its parent's calls."""
        self.pid = os.getpid()
        self.endings.clear()
        self.inside.clear()
        if self.world is not None:
            self.world.background.forked()

    def enter(self, call: OpenCall) -> bool:
        """Hold the layers in place for a call; false if they may have been taken off while it was being opened."""
        self.inside.add(call)
        if self.world is call.world:
            return True
        self.leave(call)
        return False

    def leave(self, call: OpenCall) -> None:
        """Note that ``request`` has returned."""
        self.inside.discard(call)
        if self.world is None and not self.inside:
            self.when_idle()

    def drain(self) -> None:
        """Record the calls that were dropped without a close. Never called from a finalizer."""
        while self.endings:
            try:
                call = self.endings.popleft()
            except IndexError:  # another thread was faster
                return
            call.finish("abandoned")


def _nothing() -> None:
    """The seam has not been laid."""


STATE: Final = State()
