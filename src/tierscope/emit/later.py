"""Metrics made outside the caller: a finished call waits in a queue until a reader collects, or enough calls wait.

Recording costs more than the rest of Tierscope together, and half as much again call by call as in a batch (ADR 3).
"""

from __future__ import annotations

import contextlib
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
FORK_S: Final = 1.0
"""How long a fork waits for a record under way, which holds locks of the OpenTelemetry SDK."""


def _nothing() -> None: ...


class Later:
    """A queue in front of one function, which is called for each entry by one thread at a time."""

    def __init__(self, record: Callable[..., None], then: Callable[[], None] = _nothing) -> None:
        self._record = record
        self._then = then
        """Called when all that waited is recorded."""
        self._begin()

    def _begin(self) -> None:
        self._queue: deque[tuple[Any, ...]] = deque()
        self._turn = threading.RLock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._limit, self._excess = LIMIT, f"more than {LIMIT} calls wait to be recorded"

    def before_fork(self) -> None:
        """Let no record be under way while the process is copied: the child could never take the SDK's locks."""
        self._turn.acquire(timeout=FORK_S)

    def after_fork_in_parent(self) -> None:
        """Go on."""
        with contextlib.suppress(RuntimeError):  # the turn was not to be had
            self._turn.release()

    def after_fork_in_child(self) -> None:
        """Begin with an empty queue: what waited is the parent's to record."""
        is_clean = self._turn.acquire(blocking=False)  # ours, or nobody's
        self._begin()
        if not is_clean:  # recording could wait for ever
            self._limit, self._excess = 0, "the process forked in the middle of a record; this child records no metrics"

    def put(self, *entry: Any) -> None:
        """Take an entry; never waits."""
        waiting = len(self._queue)
        if waiting >= self._limit:
            guard.note("metrics_dropped", self._excess)
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
        except RuntimeError:  # no thread to be had: tried again; or the interpreter is ending: `drain` at exit records
            self._wake.clear()
            return
        self._thread = thread

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            if not self._turn.acquire(blocking=False):  # whoever has it records; waiting for it slows a busy caller
                continue
            try:
                self._take()
            finally:
                self._turn.release()

    def drain(self) -> None:
        """Record what waits: called before each collection, at ``uninstrument()`` and at exit."""
        with self._turn:  # even if nothing waits: the last entry may still be under way in the thread
            self._take()

    def _take(self) -> None:
        """Record what waits now; what comes meanwhile waits: one by one costs a third more."""
        queue = self._queue
        for _ in range(len(queue)):
            if queue:  # not emptied by a record that collects
                guard.isolate("metrics", self._record, *queue.popleft())
        guard.isolate("metrics", self._then)
