"""Writes one row per finished call, from a bounded queue, in one background thread. The caller never waits."""

from __future__ import annotations

import logging
import os
import sqlite3
import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Final
from weakref import WeakSet

from tierscope import cost, guard
from tierscope.catalog import prices
from tierscope.forks import at_fork
from tierscope.ledger import schema, store
from tierscope.ledger.retention import DROPPED, Keep, Trimmer
from tierscope.ledger.schema import LedgerError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tierscope.model import Call
    from tierscope.policy import Policy

log = logging.getLogger("tierscope")

LIMIT: Final = 10_000
"""The most calls that wait to be written; what comes on top is counted as ``ledger_dropped``."""
EVERY_S: Final = 0.2
"""How long rows are gathered into one commit."""
BATCH: Final = 500
"""The most rows of one transaction: another process never waits long."""
BACK_OFF_S: Final = (0.1, 0.25, 0.5, 1.0, 2.0)
FLUSH_S: Final = 5.0
FORK_S: Final = 1.0
"""How long a fork waits for a commit under way."""


class LedgerSink:
    """A sink of finished calls in an SQLite file.

    A file that is locked, full or unwritable is one log line; rows wait, up to ``LIMIT``, and are tried again.
    Several processes may write one ledger, and a forked child writes with a connection and a thread of its own.
    """

    def __init__(self, path: str) -> None:
        self._path = str(Path(path).absolute())
        self._named = path
        self.catalog: str | None = None
        """The user's file of prices; that of whoever instrumented last."""
        self.keep = Keep()
        """What is kept of older rows; likewise."""
        self.service: Callable[[], str | None] = _nobody
        """Asked for the name of the service, whose provider may be set after the first calls; likewise."""
        self.policy: Policy | None = None
        """Its rules name workloads; likewise."""
        self._copied: sqlite3.Connection | None = None
        self._has_dropped = False
        _SINKS.add(self)
        self._begin()

    def _begin(self) -> None:
        self._queue: deque[Call] = deque()
        self._wake = threading.Event()
        self._hurry = threading.Event()
        self._starting = threading.Lock()
        self._writing = threading.Lock()
        self._db: sqlite3.Connection | None = None
        self._file: store.Identity | None = None
        self._thread: threading.Thread | None = None
        self._refusal: str | None = None
        self._failures = 0
        self._is_locked = False
        self._is_still = False
        self._trimmer: Trimmer | None = None

    def _row(self, call: Call) -> tuple[schema.Value, ...]:
        service, bill = self.service(), cost.of(prices.rates(self.catalog), call)
        rule = None if self.policy is None else self.policy.of(call, service)
        return schema.row(call._replace(cost=bill, service=service, workload=rule and rule.name))

    def ended(self, call: Call) -> None:
        """Take one finished call: appended, not written; never waits."""
        if self._refusal is not None:
            guard.note("ledger_refused", self._refusal)
            return
        if len(self._queue) >= LIMIT:
            guard.note("ledger_dropped", f"TIERSCOPE_LEDGER={self._named}: {LIMIT:,} rows wait, further ones are lost")
            return
        self._queue.append(call)
        if self._thread is None:
            self._start()
        if not self._wake.is_set():
            self._wake.set()

    def _start(self) -> None:
        if not self._starting.acquire(blocking=False):
            return  # another thread starts it
        try:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="tierscope-ledger", daemon=True)
                thread.start()
                self._thread = thread
                _flush_at_worker_exit(self)
        except RuntimeError:  # no thread to be had, or the interpreter is ending: `flush` at exit writes the queue
            return
        finally:
            self._starting.release()

    def _run(self) -> None:
        while True:
            self._wake.wait(EVERY_S if self._is_trimming() else None)
            self._hurry.wait(EVERY_S)
            self._wake.clear()
            while self._queue:
                if not guard.isolate("ledger_write", self._write):
                    self._hurry.wait(BACK_OFF_S[min(self._failures, len(BACK_OFF_S)) - 1])
                    self._hurry.clear()
            if self._is_trimming():
                guard.isolate("ledger_trim", self._trim)

    def _is_trimming(self) -> bool:
        return self._trimmer is not None and self._trimmer.is_busy

    def _trim(self) -> None:
        """Drop a few rows more."""
        with self._writing:
            self._drop()

    def _drop(self) -> None:
        """Drop rows that are not to be kept; where that cannot be done now, it is tried again with later rows."""
        if self.keep == Keep() or self._db is None:
            return
        if self._trimmer is None or self._trimmer.keep != self.keep:
            self._trimmer = Trimmer(self.keep)
        try:
            count = self._trimmer.step(self._db, time.monotonic(), time.time_ns())
        except sqlite3.Error as error:
            self._close()
            if not store.is_locked(error):
                guard.note("ledger_trim", f"TIERSCOPE_LEDGER={self._named}: older rows cannot be dropped: {error}")
            return
        if count and not self._has_dropped:
            self._has_dropped = True
            log.info(
                "Tierscope: TIERSCOPE_LEDGER=%s keeps %s: older calls are dropped, and counted in its table %s.",
                self._named,
                self.keep.words(),
                DROPPED,
            )

    def _write(self) -> bool:
        """Write one batch; rows leave the queue once they are committed. False: try again later."""
        with self._writing:
            size = min(len(self._queue), BATCH)
            batch = [self._queue[index] for index in range(size)]
            rows = [row for row in (guard.isolate("ledger_row", self._row, call) for call in batch) if row is not None]
            try:
                self._commit(rows)
            except LedgerError as error:
                self._refuse(str(error))
                return True
            except sqlite3.Error as error:
                self._failed(error)
                return False
            for _ in range(size):
                self._queue.popleft()
            self._failures = 0
            self._drop()
            return True

    def _commit(self, rows: list[tuple[schema.Value, ...]]) -> None:
        if self._db is not None and self._is_gone():
            self._close()
            guard.note("ledger", f"TIERSCOPE_LEDGER={self._named} was moved or removed; a new one is begun")
        if self._db is None:
            self._db, self._file = store.open_to_write(self._path)
        self._db.execute("BEGIN IMMEDIATE")  # what fails from here on is rolled back by closing the connection
        self._db.executemany(schema.INSERT, rows)
        self._db.execute("COMMIT")

    def _refuse(self, why: str) -> None:
        """Give up for good: the file is not ours, and stays as it is. Every row it was to get is counted."""
        self._refusal = f"TIERSCOPE_LEDGER={self._named}: {why}"
        while self._queue:
            self._queue.popleft()
            guard.note("ledger_refused", self._refusal)

    def _failed(self, error: sqlite3.Error) -> None:
        self._failures += 1
        self._is_locked = store.is_locked(error)
        self._close()
        if self._failures == 1 and self._is_locked:
            return  # two processes made the ledger, or wrote, at the same moment: said when it lasts
        guard.note(
            "ledger", f"TIERSCOPE_LEDGER={self._named} cannot be written now: {_reason(self._path, error)}; rows wait"
        )

    def _close(self) -> None:
        db, self._db = self._db, None
        if db is None:
            return
        if self._is_gone():
            store.fold(db)
        db.close()

    def _is_gone(self) -> bool:
        """Whether another file stands where ours was opened, or none: SQLite would go on writing to what was moved."""
        return store.identity(self._path) != self._file

    def flush(self) -> None:
        """Wait until everything queued is written: at most five seconds, and not for a place that cannot be written."""
        end, failures = time.monotonic() + FLUSH_S, self._failures
        while self._queue and time.monotonic() < end:
            if not self._is_locked and self._failures > failures + 1:  # one attempt may have begun before
                break
            if self._thread is not None and self._thread.is_alive():
                self._hurry.set()
                self._wake.set()
                time.sleep(0.005)
            elif not self._write():
                time.sleep(BACK_OFF_S[0])
        self._hurry.clear()
        with self._writing:
            self._close()

    def before_fork(self) -> None:
        """Let no commit be under way and no connection be open while the process is copied."""
        self._is_still = self._writing.acquire(timeout=FORK_S)
        if self._is_still:
            self._close()

    def after_fork_in_parent(self) -> None:
        """Go on."""
        if self._is_still:
            self._writing.release()

    def after_fork_in_child(self) -> None:
        """Begin anew: what was queued is the parent's to write."""
        was_still, copied = self._is_still or self._writing.acquire(blocking=False), self._db
        self._begin()
        if not was_still:  # SQLite's own state was copied in the middle of a commit: closing that could wait for ever
            self._copied = copied
            self._refuse("the process forked while a row was being written; this child records nothing")


_SINKS: Final[WeakSet[LedgerSink]] = WeakSet()


def _nobody() -> str | None:
    return None


def _reason(path: str, error: sqlite3.Error) -> str:
    """Say why a file cannot be written, in better words than SQLite's where the file system tells them."""
    file, folder = Path(path), Path(path).parent
    if not folder.is_dir():
        return f"there is no folder {folder}"
    if file.is_dir():
        return "it is a folder"
    if not os.access(file if file.exists() else folder, os.W_OK):
        return f"no permission to write {file if file.exists() else folder}"
    return str(error)


def _flush_at_worker_exit(sink: LedgerSink) -> None:
    """Workers of ``multiprocessing`` leave without ``atexit``: its own finalizers do run."""
    process, util = sys.modules.get("multiprocessing.process"), sys.modules.get("multiprocessing.util")
    if process is not None and util is not None and process.parent_process() is not None:
        util.Finalize(None, sink.flush, exitpriority=10)


def _before_fork() -> None:
    for sink in list(_SINKS):
        sink.before_fork()


def _after_fork_in_parent() -> None:
    for sink in list(_SINKS):
        sink.after_fork_in_parent()


def _after_fork_in_child() -> None:
    for sink in list(_SINKS):
        sink.after_fork_in_child()


at_fork(before=_before_fork, in_parent=_after_fork_in_parent, in_child=_after_fork_in_child)
