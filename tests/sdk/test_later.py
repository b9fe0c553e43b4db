"""Metrics are recorded outside the caller, and none is lost on the way."""

from __future__ import annotations

import os
import threading
import time

import pytest
from tests.sdk import replies
from tests.sdk.conftest import CHAT, Service
from tests.sdk.telemetry import Telemetry

from tierscope import guard
from tierscope.emit import later
from tierscope.emit.later import Later


def test_a_collection_sees_every_call_that_has_ended(service: Service, telemetry: Telemetry) -> None:
    """Nothing waits beyond a collection, so `force_flush()` exports everything."""
    client = service.client(replies.whole(replies.chat()))
    for done in (1, 2, 3):
        client.chat.completions.create(**CHAT)
        assert sum(telemetry.points("tierscope.calls").values()) == done
        assert sum(telemetry.points("tierscope.call.duration").values()) == done


def test_the_caller_waits_for_no_record() -> None:
    """While one record hangs, entries are taken at once; afterwards all are recorded, in their order."""
    gate, done = threading.Event(), []

    def record(number: int) -> None:
        assert gate.wait(20)
        done.append(number)

    queue = Later(record)
    count = 3 * later.MARK
    for number in range(count):
        queue.put(number)
    assert done == []
    gate.set()
    queue.drain()
    assert done == list(range(count))


def test_many_waiting_calls_wake_the_thread() -> None:
    """Without any reader the queue empties itself."""
    done: list[int] = []
    queue = Later(done.append)
    for number in range(later.MARK + 1):
        queue.put(number)
    end = time.monotonic() + 10
    while len(done) <= later.MARK and time.monotonic() < end:
        time.sleep(0.005)
    assert done == list(range(later.MARK + 1))


def test_what_exceeds_the_bound_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A queue that nobody can empty stays bounded, and says how much was lost."""
    monkeypatch.setattr(later, "LIMIT", 5)
    guard.reset()
    queue = Later(print)
    for number in range(7):
        queue.put(number)
    assert guard.counts() == {"metrics_dropped": 2}


def test_a_thread_that_cannot_be_had_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under a limit of threads the entries wait; the next one that comes has another try."""
    done: list[int] = []
    queue = Later(done.append)
    with monkeypatch.context() as limited:
        limited.setattr(threading.Thread, "start", _no_thread)
        for number in range(later.MARK + 1):
            queue.put(number)
    queue.put(later.MARK + 1)
    end = time.monotonic() + 10
    while len(done) <= later.MARK + 1 and time.monotonic() < end:
        time.sleep(0.005)
    assert done == list(range(later.MARK + 2))


def _no_thread(_thread: threading.Thread) -> None:
    raise RuntimeError("can't start new thread")


def test_a_record_that_fails_takes_no_other_with_it() -> None:
    """A fault is counted; the entries behind it are recorded."""
    guard.reset()
    done: list[float] = []
    queue = Later(lambda number: done.append(1 / number))
    for number in (1, 0, 2):
        queue.put(number)
    queue.drain()
    assert (done, guard.counts()) == ([1.0, 0.5], {"metrics": 1})


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this platform")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_child_begins_with_an_empty_queue() -> None:
    """What waited in the parent is recorded once, by the parent; the child records its own."""
    done: list[int] = []
    queue = Later(done.append)
    queue.put(1)
    child = os.fork()
    if child == 0:  # no assertion here: its exit status is the answer
        queue.after_fork_in_child()
        queue.put(2)
        queue.drain()
        os._exit(0 if done == [2] else 1)
    assert os.waitpid(child, 0)[1] == 0
    queue.drain()
    assert done == [1]
