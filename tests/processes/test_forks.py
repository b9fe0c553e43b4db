"""Forks at the worst moments: the child hangs nowhere, records its own calls once and none of its parent's."""

from __future__ import annotations

import sys

import pytest
from tests.processes.conftest import CHUNKS, Place

LEDGER = {"TIERSCOPE_LEDGER": "calls.db"}


def test_forking_again_and_again_under_load(place: Place) -> None:
    """Twelve children of a process whose threads never cease to call: all end, and every call is counted once by all.

    Queues, threads and locks of ledger, metrics and SDK are in every state when the process is copied.
    """
    code = """
export(); tierscope.instrument()
from tierscope.emit import later
later.MARK = 1  # its thread records all the time
sys.setswitchinterval(1e-5)  # and is interrupted anywhere
own = client()
call(own, "parent")  # what is imported late is imported now: a fork in an import, or in OpenSSL, is nobody's to mend
def work():
    ask("child", 2)
    flush()
with Busy(lambda: call(own, "parent"), threads=3):
    assert [wait(fork(work)) for _ in range(12)] == 12 * [[0]]
"""
    done = place.run(code, **LEDGER)
    assert (done.status, done.err) == (0, "")
    assert place.said.asked["child"] == 24
    assert place.rows == place.receiver.spans() == place.receiver.points("tierscope.calls") == place.said.asked


@pytest.mark.parametrize(
    "act", ["pass", "opened.close()", "opened = None; gc.collect()"], ids=["left open", "closed", "dropped"]
)
@pytest.mark.parametrize("instrument", ["tierscope.instrument()", "pass"], ids=["", "bare"])
def test_a_fork_while_a_stream_is_open(place: Place, instrument: str, act: str) -> None:
    """The child records nothing of it, whatever it does to it; the parent reads on, as without us, and records it once.

    What waits in the parent's queues is the parent's; the child's own call is recorded once.
    """
    code = f"""
export(); {instrument}
ask("parent")
opened = stream("dropped")
opened = None; gc.collect()
opened = stream("parent")
def work():
    global opened
    {act}
    ask("child")
assert wait(fork(work, to_the_end=True)) == [0]
print(len(list(opened)))
"""
    done = place.run(code, **LEDGER)
    assert (done.status, done.out, done.err) == (0, f"{CHUNKS - 1}\n", "")
    if instrument != "pass":
        told = {"parent": 2, "dropped": 1, "child": 1}
        assert place.rows == place.receiver.spans() == place.receiver.points("tierscope.calls") == told


LOCKS = {
    "a call's": "opened.response.extensions['tierscope.call'].call._lock",
    "background responses'": "world.STATE.world.background._lock",
    "batches'": "world.STATE.batches._lock",
    "the layers'": "patches.LAYERS._lock",
    "the wiring's": "wiring.WIRING._lock",
    "the metrics'": "emitter._made[0][2]._later._turn",
}


@pytest.mark.parametrize("lock", LOCKS.values(), ids=LOCKS)
def test_a_lock_that_another_thread_holds_at_the_fork(place: Place, lock: str) -> None:
    """Nobody would ever release it in the child, which does without: it calls, ends streams, takes us off and on again.

    Where the lock stands for a record under way the child records no metrics, for the SDK's locks may be held too.
    """
    code = f"""
from tierscope import guard, wiring
from tierscope.emit import emitter, later
from tierscope.seam import patches, world
later.FORK_S = 0.05
export(); tierscope.instrument()
opened = stream("parent")
lock, held, release = {lock}, threading.Event(), threading.Event()
def holding():
    with lock:
        held.set(); release.wait()
holder = threading.Thread(target=holding)
def work():
    opened.close()
    world.STATE.world.background._count("id", holder)
    world.STATE.batches.is_new("id")
    ask("child")
    tierscope.uninstrument(); tierscope.instrument()
    print(dict(guard.counts()))
holder.start(); held.wait()
child = fork(work, to_the_end=True)
assert wait(child) == [0]
release.set(); holder.join()
list(opened)
"""
    done = place.run(code, **LEDGER)
    is_deaf = "_later" in lock
    assert done.err.count("this child records no metrics") == is_deaf
    assert (done.status, done.out) == (0, f"{ {'metrics_dropped': 1} if is_deaf else {} }\n"), done.err
    assert place.rows == place.receiver.spans() == {"parent": 1, "child": 1}
    assert place.receiver.points("tierscope.calls") == {"parent": 1} | ({} if is_deaf else {"child": 1})


@pytest.mark.parametrize(
    "hooks",
    [
        pytest.param(True, id="os.fork"),
        pytest.param(
            False,
            id="a fork in C",
            marks=pytest.mark.skipif(
                sys.version_info >= (3, 12), reason="Python aborts: its own hooks must run before"
            ),
        ),
    ],
)
def test_a_fork_in_a_thread(place: Place, hooks: bool) -> None:
    """Where a server forks in C (uWSGI does), nothing runs before the fork: the child records its calls."""
    code = """
import ctypes
if not HOOKS:
    def in_c():
        sys.setswitchinterval(60); time.sleep(0.05)  # no thread of Python's may interrupt until the child is one
        child = ctypes.PyDLL(None).fork()
        if not child: ctypes.pythonapi.PyOS_AfterFork_Child()
        return child
    os.fork = in_c
export(); tierscope.instrument()
ask("parent")
tierscope.wiring.WIRING.flush()
ask("parent")
def work():
    ask("child")
    flush()
together([lambda: print(wait(fork(work)))])
ask("parent")
"""
    done = place.run(code.replace("HOOKS", str(hooks)), **LEDGER)
    assert (done.status, done.out, done.err) == (0, "[0]\n", "")
    assert place.rows == place.receiver.spans() == place.receiver.points("tierscope.calls") == {"parent": 3, "child": 1}


def test_a_child_counts_its_own_faults(place: Place) -> None:
    """What the parent lost is the parent's: the sum over processes stays true."""
    code = """
from tierscope import guard
export(); tierscope.instrument(); ask("parent")
guard.note("test", "lost in the parent")
def work():
    guard.note("test", "lost in the child"); guard.note("test", "and again")
    ask("child")
wait(fork(work, to_the_end=True))
"""
    done = place.run(code)
    assert (done.status, done.err.count("lost in the")) == (0, 2)
    assert place.receiver.points("tierscope.internal.errors", "tierscope.internal.step") == {"test": 3}
