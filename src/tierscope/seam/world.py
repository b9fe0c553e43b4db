"""The world as the seam sees it: who listens, what is set, which clocks tick; and the state of this process."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections import OrderedDict, deque
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final, Protocol

from tierscope.forks import at_fork

if TYPE_CHECKING:
    from collections.abc import Callable

    from tierscope.catalog import Catalog
    from tierscope.config import Settings
    from tierscope.model import EndingWord
    from tierscope.observer import Observer
    from tierscope.seam.background import Background
    from tierscope.seam.identity import Form
    from tierscope.seam.opencall import OpenCall
    from tierscope.seam.transports import Watch

EXTENSION: Final = "tierscope.call"
"""Key in ``response.extensions``, which httpx leaves out when a response is pickled."""


def _nothing(*_args: object) -> None:
    """The seam has not been laid."""


class World:
    """What the seam is given when it is laid, and what it learns while it is."""

    catalog: Catalog
    background: Background

    def __init__(
        self,
        observer: Observer,
        settings: Settings,
        http: Watch | None = None,
        first: Callable[[], object] = _nothing,
        clock: Callable[[], int] = time.perf_counter_ns,
        wall: Callable[[], int] = time.time_ns,
    ) -> None:
        self.observer = observer
        self.settings = settings
        self.http = http
        """Watches HTTP attempts; ``None``: nothing of ours is on any request."""
        self.first = first
        """Called when the first call is about to be opened."""
        self.clock = clock
        """Monotonic nanoseconds."""
        self.wall = wall
        self.forms: dict[tuple[Any, ...], Form] = {}
        """What is known of calls that have the same form."""

    def equip(self) -> None:
        """Get ready for the first call; whichever thread is first, all see the same memory."""
        from tierscope import catalog  # noqa: PLC0415  not before there is a call
        from tierscope.seam.background import Background  # noqa: PLC0415

        vars(self).setdefault("catalog", catalog.load(self.settings.catalog))
        vars(self).setdefault("background", Background())


class Ends(Protocol):
    """What may be dropped before it has ended: a call, or a connection with all of its calls."""

    is_dropped: bool

    @property
    def is_finished(self) -> bool:
        """Whether there is nothing left to record."""
        ...

    def finish(self, ending: EndingWord) -> object:
        """Record it; never called from a finalizer."""
        ...


class Lifeline(weakref.ref[Any]):
    """A weak reference to what a stream's response holds.

    The collector calls weak references back before it runs any finalizer of what it collects: a body that one of these
    closes is known to be dropped, whatever their order.
    """

    __slots__ = ("call",)
    call: Ends


class Seen:
    """The batches whose end was told in this process: bounded, and the same before and after an ``uninstrument()``."""

    MOST: Final = 10_000

    def __init__(self) -> None:
        self._known: OrderedDict[str, None] = OrderedDict()
        self.forked()

    def forked(self) -> None:
        """Take a new lock: another thread of the parent may have held the old one."""
        self._lock = threading.Lock()

    def is_new(self, ident: str) -> bool:
        """Say whether this is the first to tell of a batch, whichever thread asks."""
        with self._lock:
            if ident in self._known:
                self._known.move_to_end(ident)
                return False
            self._known[ident] = None
            if len(self._known) > self.MOST:
                self._known.popitem(last=False)
            return True

    def forget(self) -> None:
        """Begin anew: for tests, which use the same ids again."""
        with self._lock:
            self._known.clear()


class State:
    """The seam's state in this process: whether it is active, which streams are open, and which were dropped."""

    def __init__(self) -> None:
        self.world: World | None = None
        self.current: ContextVar[OpenCall | None] = ContextVar("tierscope_call", default=None)
        self.endings: deque[Ends] = deque()
        self._lifelines: set[Lifeline] = set()
        self.inside: set[Ends] = set()
        """The calls whose ``request`` runs, or that come over a socket: they need all our layers to the end."""
        self.when_idle: Callable[[], None] = _nothing
        """Called when the last call has left although the seam is to go."""
        self.opened: Callable[..., OpenCall | None] = _nothing
        """Opens a call; the first one loads what it needs."""
        self.batches = Seen()
        self.pid = os.getpid()
        at_fork(in_child=self._forked)

    def _forked(self) -> None:
        """A child records nothing of its parent's calls."""
        self.pid = os.getpid()
        self.endings.clear()
        self._lifelines.clear()
        self.inside.clear()
        self.batches.forked()
        if self.world is not None and "background" in vars(self.world):
            self.world.background.forked()

    def leave(self, call: Ends) -> None:
        """Note that ``request`` has returned, or that a response has come over its socket."""
        self.inside.discard(call)
        if self.world is None and not self.inside:
            self.when_idle()

    def watch(self, thing: object, call: Ends) -> None:
        """Hear when a stream is dropped with its response, or a connection is dropped."""
        lifeline = Lifeline(thing, self._gone)
        lifeline.call = call
        self._lifelines.add(lifeline)

    def _gone(self, lifeline: Lifeline) -> None:
        self._lifelines.discard(lifeline)
        self.dropped(lifeline.call)

    def dropped(self, call: Ends) -> None:
        """Queue a call; a finalizer may run inside a lock of OpenTelemetry's SDK, where recording would never end."""
        if not (call.is_dropped or call.is_finished):
            call.is_dropped = True
            self.inside.discard(call)
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
        for lifeline in list(self._lifelines):
            lifeline.call.finish("abandoned")


STATE: Final = State()
