"""The world as the seam sees it: who listens, what is set, which clocks tick; and the state of this process."""

from __future__ import annotations

import os
import time
from collections import deque
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tierscope.seam.background import Background

if TYPE_CHECKING:
    from collections.abc import Callable

    from tierscope.catalog import Catalog
    from tierscope.config import Settings
    from tierscope.observer import HttpObserver, Observer
    from tierscope.seam.identity import Form
    from tierscope.seam.opencall import OpenCall

EXTENSION: Final = "tierscope.call"
"""Key in ``response.extensions``, which httpx leaves out when a response is pickled."""


@dataclass(frozen=True, slots=True)
class World:
    """What the seam is given when it is laid."""

    observer: Observer
    settings: Settings
    catalog: Catalog
    clock: Callable[[], int] = time.perf_counter_ns
    """Monotonic nanoseconds."""
    wall: Callable[[], int] = time.time_ns
    http: HttpObserver | None = None
    """Hears of HTTP attempts; ``None``: nothing of ours is on any request."""
    background: Background = field(default_factory=Background)
    forms: dict[tuple[Any, ...], Form] = field(default_factory=dict)
    """What is known of calls that have the same form."""


class State:
    """The seam's state in this process: whether it is active, and the endings that finalizers left behind."""

    def __init__(self) -> None:
        self.world: World | None = None
        self.current: ContextVar[OpenCall | None] = ContextVar("tierscope_call", default=None)
        self.endings: deque[OpenCall] = deque()
        self.pid = os.getpid()
        os.register_at_fork(after_in_child=self._forked)

    def _forked(self) -> None:
        """A child records nothing of its parent's calls."""
        self.pid = os.getpid()
        self.endings.clear()

    def drain(self) -> None:
        """Record the calls that were dropped without a close. Never called from a finalizer."""
        while self.endings:
            try:
                call = self.endings.popleft()
            except IndexError:  # another thread was faster
                return
            call.finish("abandoned")


STATE: Final = State()
