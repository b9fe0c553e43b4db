"""The end of a program: what has ended before is in ledger, spans and metrics, whichever exit hook runs first."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest
from tests.processes.conftest import HEAD, HOOK_TIMED, LAUNCHER, OURS, QUICK_S, Place, Said

WORK = """
ask("body", 40)
opened = stream("dropped"); opened = None; gc.collect()
"""
"""More calls than wake the metrics thread, and a stream that only a finalizer saw end: its record is queued."""
TOLD = {"body": 40, "dropped": 1}
ORDERS = {
    "providers first": "export(); tierscope.instrument()",
    "tierscope first": "tierscope.instrument(); export()",
}


def told(place: Place) -> list[dict[str, int]]:
    """Return the calls by model, as ledger, spans and metrics have them."""
    return [dict(place.rows), dict(place.receiver.spans()), dict(place.receiver.points("tierscope.calls"))]


@pytest.mark.parametrize("order", ORDERS.values(), ids=ORDERS)
@pytest.mark.parametrize(
    ("end", "status"),
    [
        ("", 0),
        ("sys.exit(3)", 3),
        ("raise ValueError", 1),
        ("os.kill(os.getpid(), signal.SIGINT); time.sleep(9)", -signal.SIGINT),
    ],
    ids=["the last line", "sys.exit", "an exception", "SIGINT"],
)
def test_everything_is_told_at_the_end(place: Place, order: str, end: str, status: int) -> None:
    """However a program ends, and whether the providers were set up before Tierscope or after it."""
    done = place.run(order + WORK + end, TIERSCOPE_LEDGER="calls.db")
    assert done.status == status, done.err
    assert "tierscope" not in done.err.lower()
    assert told(place) == [TOLD, TOLD, TOLD]


def test_everything_is_told_at_the_end_under_the_launcher(place: Place) -> None:
    """The launcher sets the providers up, and Tierscope behind them."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "TIERSCOPE_"))}
    done = subprocess.run(
        [LAUNCHER, sys.executable, "-c", HEAD + WORK],
        env={**env, **place.env, **OURS, "TIERSCOPE_LEDGER": str(place.ledger)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert told(place) == [TOLD, TOLD, TOLD]


def test_providers_set_up_after_a_fork(place: Place) -> None:
    """Instrumented in the parent, which calls; the child sets its own providers up: nothing is lost at its end."""
    work = WORK.replace("\n", "\n    ")
    code = f"""
tierscope.instrument()
ask("parent")
def work():
    export()
    {work}
assert wait(fork(work, to_the_end=True)) == [0]
"""
    done = place.run(code, TIERSCOPE_LEDGER="calls.db")
    assert (done.status, done.err) == (0, "")
    assert told(place) == [TOLD | {"parent": 1}, TOLD, TOLD]


@pytest.mark.parametrize("keep", ["", "kept = "], ids=["dropped", "kept"])
def test_streams_that_are_open_at_the_end_keep_nobody(place: Place, says: Callable[..., Said], keep: str) -> None:
    """A reader waits for a chunk that never comes: the program ends at once and says nothing."""
    place.said = says(gap_s=60)
    code = f"""
export(); tierscope.instrument()
ask("body")
reading = threading.Event()
def work():
    opened = stream("open")
    reading.set()
    list(opened)
{keep}stream("open")
threading.Thread(target=work, daemon=True).start()
reading.wait()
"""
    done = place.run(code, TIERSCOPE_LEDGER="calls.db")
    assert (done.status, done.err) == (0, "")
    assert [sums["body"] for sums in told(place)] == [1, 1, 1]


def test_threads_that_call_until_the_end(place: Place) -> None:
    """Daemon threads that never cease: nobody hangs, nothing is said, what ended before is told, and nothing twice."""
    code = """
export(); tierscope.instrument()
sys.setswitchinterval(1e-5)
own, done = client(), []
def busy():
    while True:
        call(own, "busy")
        done.append(1)
for _ in range(4): threading.Thread(target=busy, daemon=True).start()
while len(done) < 100: time.sleep(0.01)
print(len(done))
"""
    done = place.run(code, TIERSCOPE_LEDGER="calls.db")
    assert (done.status, done.err) == (0, "")
    for sums in told(place):
        assert int(done.out) <= sums["busy"] <= place.said.asked["busy"]


@pytest.mark.parametrize("ledger", ["", "calls.db", "missing/calls.db"], ids=["none", "a ledger", "no folder for it"])
def test_our_exit_hook_is_quick(place: Place, ledger: str) -> None:
    """Between the exit hooks before and behind ours a moment passes, and no time-out of a ledger out of reach."""
    done = place.run(HOOK_TIMED.format(first="", then="ask('body', 40)"), TIERSCOPE_LEDGER=ledger)
    assert done.status == 0
    assert float(done.out) < QUICK_S
