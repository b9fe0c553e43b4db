"""Metrics made outside the caller: a finished call waits in a queue until a reader collects, or enough calls wait.

Recording costs more than the rest of Tierscope together, and half as much again call by call as in a batch (ADR 3).
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from tierscope import guard

if TYPE_CHECKING:
    from collections.abc import Callable

MARK: Final = 32
"""Calls that wait before the thread is woken; fewer stay until the next collection, or the end of the process."""
LIMIT: Final = 10_000
"""The most calls that wait; what comes on top is counted as ``metrics_dropped``."""


class Later:
    """A queue in front of one function, which is called for each entry by one thread at a time."""

    def __init__(self, record: Callable[..., None]) -> None:
        self._record = record
        self.reset()

    def reset(self) -> None:
        """Begin with an empty queue; in a forked child what waited is the parent's to record."""
        self._queue: deque[tuple[Any, ...]] = deque()
        self._turn = threading.RLock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def put(self, *entry: Any) -> None:
        """Take an entry; never waits."""
        waiting = len(self._queue)
        if waiting >= LIMIT:
            guard.note("metrics_dropped", f"more than {LIMIT} calls wait to be recorded")
            return
        self._queue.append(entry)
        if waiting >= MARK and not self._wake.is_set():
            self._wake.set()
            if self._thread is None:
                self._start()

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name="tierscope-metrics", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the interpreter is ending: `drain` at exit records what waits
            return
        self._thread = thread

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            self.drain()

    def drain(self) -> None:
        """Record what waits: called by the thread, before each collection, at ``uninstrument()`` and at exit."""
        with self._turn:  # even if nothing waits: the last entry may still be under way in the thread
            queue = self._queue
            while queue:
                guard.isolate("metrics", self._record, *queue.popleft())
