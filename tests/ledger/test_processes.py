"""The sink in real processes: forks, several writers, crashes, a full disk, a read-only folder, the end."""

from __future__ import annotations

import contextlib
import signal
import sqlite3
import sys
from typing import TYPE_CHECKING

import pytest
from tests.ledger.made import finish, numbers, run, start

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="fork and signals of POSIX")
QUIET_FORK = "import warnings; warnings.simplefilter('ignore', DeprecationWarning)  # 3.12+: fork beside threads\n"


def test_parent_and_forked_child_both_write(tmp_path: Path) -> None:
    """What was queued before is the parent's, each writes its own after, and every row is there once."""
    code = """
ledger = LedgerSink("calls.db")
ledger.ended(numbered(1)); ledger.flush()
ledger.ended(numbered(2))
child = os.fork()
mine = 100 if child else 200
for number in range(50):
    ledger.ended(numbered(mine + number))
ledger.flush()
if not child:
    os._exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
ledger.ended(numbered(3)); ledger.flush()
print(guard.counts())
"""
    assert run(QUIET_FORK + code, tmp_path) == (0, "{}\n", "")
    found = numbers(tmp_path / "calls.db")
    assert sorted(found) == [1, 2, 3, *range(100, 150), *range(200, 250)]


def test_forking_in_the_middle_of_writing(tmp_path: Path) -> None:
    """A server that forks its workers while calls end: no row is lost, twice, or torn, and nobody hangs."""
    code = """
import threading
ledger, stop = LedgerSink("calls.db"), threading.Event()
sinks.EVERY_S = 0.0005
written = []
def busy():
    while not stop.is_set():
        written.append(len(written)); ledger.ended(numbered(written[-1])); time.sleep(0.0002)
thread = threading.Thread(target=busy); thread.start()
children = []
for worker in range(1, 9):
    time.sleep(0.01)
    child = os.fork()
    if not child:
        for number in range(5):
            ledger.ended(numbered(worker * 1_000_000 + number))
        ledger.flush()
        os._exit(len(ledger._queue) + sum(count for step, count in guard.counts().items() if step != "ledger"))
    children.append(child)
assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0] * 8
stop.set(); thread.join(); ledger.flush()
print(len(written))
"""
    status, out, err = run(QUIET_FORK + code, tmp_path)
    assert status == 0, err
    found = numbers(tmp_path / "calls.db")
    of_children = [worker * 1_000_000 + number for worker in range(1, 9) for number in range(5)]
    assert sorted(found) == [*range(int(out)), *of_children]


def test_a_child_of_a_fork_in_the_middle_of_a_commit_says_so(tmp_path: Path) -> None:
    """When a commit outlasts the fork's patience the child writes nothing, says so once, and counts what is lost."""
    code = """
sinks.FORK_S = 0.05
ledger = LedgerSink("calls.db")
ledger.ended(numbered(1)); ledger.flush()
ledger.ended(numbered(2))
while ledger._queue: time.sleep(0.01)
ledger._writing.acquire()  # as a disk does that takes its time
child = os.fork()
if not child:
    ledger.ended(numbered(3)); ledger.ended(numbered(4)); ledger.flush()
    os._exit(guard.counts()["ledger_refused"])
ledger._writing.release()
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 2
ledger.ended(numbered(5)); ledger.flush()
"""
    status, _, err = run(QUIET_FORK + code, tmp_path)
    assert status == 0
    assert err.count("\n") == 1
    assert "(TIERSCOPE_LEDGER=calls.db: the process forked while a row was being written; this child" in err
    assert numbers(tmp_path / "calls.db") == [1, 2, 5]


def test_a_worker_of_multiprocessing_writes_what_it_queued(tmp_path: Path) -> None:
    """Such workers leave without ``atexit``; their last rows are written all the same."""
    code = """
import multiprocessing
ledger = LedgerSink("calls.db")
def work(number):
    ledger.ended(numbered(number))
if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=work, args=(number,)) for number in range(3)]
    for worker in workers: worker.start()
    for worker in workers: worker.join()
"""
    status, _, err = run(QUIET_FORK + code, tmp_path)
    assert status == 0
    assert "ledger_refused" not in err
    assert sorted(numbers(tmp_path / "calls.db")) == [0, 1, 2]


def test_several_processes_write_one_ledger(tmp_path: Path) -> None:
    """Started at once on a file that is not there yet: every row of each, once."""
    code = """
ledger, mine = LedgerSink("calls.db"), int(sys.argv[1]) * 10_000
for number in range(600):
    ledger.ended(numbered(mine + number))
    if number % 100 == 0:
        ledger.flush()
ledger.flush()
print(guard.counts().get("ledger_dropped", 0), len(ledger._queue))
"""
    with contextlib.ExitStack() as stack:
        processes = [stack.enter_context(start(code, tmp_path, str(index))) for index in range(4)]
        ended = [finish(process) for process in processes]
    assert [(status, out) for status, out, _ in ended] == [(0, "0 0\n")] * 4
    found = numbers(tmp_path / "calls.db")
    assert sorted(found) == [index * 10_000 + number for index in range(4) for number in range(600)]


@pytest.mark.parametrize(
    ("end", "status"),
    [("os._exit(3)", 3), ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL)],
    ids=["os._exit", "SIGKILL"],
)
def test_a_crash_loses_what_was_queued_and_nothing_else(tmp_path: Path, end: str, status: int) -> None:
    """What was committed stays, in a file that reads well, and that the next process writes on."""
    code = f"""
ledger = LedgerSink("calls.db")
for number in range(700): ledger.ended(numbered(number))
while ledger._queue: time.sleep(0.005)
sinks.EVERY_S = 60
ledger.ended(numbered(700))
{end}
"""
    assert run(code, tmp_path) == (status, "", "")
    found = numbers(tmp_path / "calls.db")
    assert found in ([*range(700)], [*range(701)])
    again = 'ledger = LedgerSink("calls.db"); ledger.ended(numbered(9000)); ledger.flush()'
    assert run(again, tmp_path) == (0, "", "")
    assert numbers(tmp_path / "calls.db") == [*found, 9000]


def test_a_crash_while_writing_tears_no_row(tmp_path: Path) -> None:
    """Killed at any moment, the file has the first calls without a gap."""
    code = """
ledger = LedgerSink("calls.db")
sinks.EVERY_S, sinks.BATCH = 0.001, 7
for number in range(2_000):
    ledger.ended(numbered(number))
while len(ledger._queue) > 1_000: pass
print("now", flush=True)
time.sleep(10)
"""
    with start(code, tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "now\n"
        process.kill()
    found = numbers(tmp_path / "calls.db")
    assert len(found) >= 1_000
    assert found == [*range(len(found))]


def test_the_end_of_a_program_flushes(tmp_path: Path) -> None:
    """Through the wiring's ``atexit``: the last call is written although no time was left for the thread."""
    code = """
import tierscope, tierscope.wiring
from tierscope.config import Settings
tierscope.instrument(Settings(ledger="calls.db"))
tierscope.wiring.WIRING.fan.sinks[0].ended(numbered(1))
"""
    status, _, err = run(code, tmp_path)
    assert (status, err) == (0, "")
    assert numbers(tmp_path / "calls.db") == [1]


def test_an_exception_that_ends_a_program_flushes_too(tmp_path: Path) -> None:
    """The program's own status and traceback are its own."""
    code = """
import tierscope, tierscope.wiring
from tierscope.config import Settings
tierscope.instrument(Settings(ledger="calls.db"))
tierscope.wiring.WIRING.fan.sinks[0].ended(numbered(1))
raise SystemExit(5)
"""
    assert run(code, tmp_path)[0] == 5
    assert numbers(tmp_path / "calls.db") == [1]


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    """Rows wait; once there is room again all are written, and the file reads well."""
    code = """
import resource
ledger = LedgerSink("calls.db")
ledger.ended(numbered(0)); ledger.flush()
free = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, free[1]))
for number in range(1, 2_000): ledger.ended(numbered(number))
while guard.counts().get("ledger", 0) < 2: time.sleep(0.01)
resource.setrlimit(resource.RLIMIT_FSIZE, free)
ledger.flush()
print(len(ledger._queue))
"""
    status, out, err = run(code, tmp_path)
    assert (status, out) == (0, "0\n")
    assert err.count("\n") == 1
    assert "TIERSCOPE_LEDGER=calls.db cannot be written now: disk I/O error; rows wait" in err
    assert numbers(tmp_path / "calls.db") == [*range(2_000)]


@pytest.mark.parametrize("exists", [False, True], ids=["new-file", "read-only-file"])
def test_a_place_without_permission_is_one_line(place: Path, exists: bool) -> None:
    """It names what may not be written; rows wait."""
    if exists:
        assert run('ledger = LedgerSink("calls.db"); ledger.ended(numbered(0)); ledger.flush()', place)[0] == 0
        (place / "calls.db").chmod(0o444)
    else:
        place.chmod(0o555)
    code = """
unprivileged()
ledger = LedgerSink("calls.db")
sinks.FLUSH_S = 0.3
ledger.ended(numbered(1)); ledger.flush()
ledger.ended(numbered(2)); ledger.flush()
print(len(ledger._queue))
"""
    status, out, err = run(code, place)
    assert (status, out) == (0, "2\n"), err
    assert err.count("\n") == 1
    what = place / "calls.db" if exists else place
    assert f"TIERSCOPE_LEDGER=calls.db cannot be written now: no permission to write {what}; rows wait" in err


def test_a_thread_that_cannot_be_had_loses_nothing(tmp_path: Path) -> None:
    """Under a limit of threads the rows wait for the next call, or for the flush at the end."""
    code = """
import threading
ledger, real = LedgerSink("calls.db"), threading.Thread.start
def none(thread): raise RuntimeError("can't start new thread")
threading.Thread.start = none
ledger.ended(numbered(1))
ledger.flush()
ledger.ended(numbered(2))
threading.Thread.start = real
ledger.ended(numbered(3))
while ledger._queue: time.sleep(0.005)
"""
    assert run(code, tmp_path) == (0, "", "")
    assert numbers(tmp_path / "calls.db") == [1, 2, 3]


def test_a_signal_handler_may_end_a_call(tmp_path: Path) -> None:
    """In the middle of the thread's start: nothing that the handler needs is held by whom it interrupts."""
    code = """
import threading
ledger, real = LedgerSink("calls.db"), threading.Thread.start
def interrupted(thread):
    os.kill(os.getpid(), signal.SIGUSR1)
    real(thread)
threading.Thread.start = interrupted
signal.signal(signal.SIGUSR1, lambda *_: ledger.ended(numbered(2)))
signal.alarm(10)
ledger.ended(numbered(1))
ledger.flush()
"""
    assert run(code, tmp_path) == (0, "", "")
    assert numbers(tmp_path / "calls.db") == [1, 2]


def test_readers_and_writers_do_not_hinder_each_other(tmp_path: Path) -> None:
    """A report in the middle of reading sees one moment; the writer goes on meanwhile, and says nothing."""
    code = """
ledger = LedgerSink("calls.db")
ledger.ended(numbered(1)); ledger.flush()
print("written", flush=True)
sys.stdin.readline()
ledger.ended(numbered(2)); ledger.flush()
print(guard.counts(), len(ledger._queue))
"""
    count = "SELECT count(*) FROM calls"
    with start(code, tmp_path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "written\n"
        with contextlib.closing(sqlite3.connect(tmp_path / "calls.db", isolation_level=None)) as reader:
            reader.execute("BEGIN")
            assert reader.execute(count).fetchone() == (1,)
            out, err = process.communicate("go on\n", timeout=30)
            assert (process.returncode, out, err) == (0, "{} 0\n", "")
            assert reader.execute(count).fetchone() == (1,)
            reader.execute("COMMIT")
            assert reader.execute(count).fetchone() == (2,)
