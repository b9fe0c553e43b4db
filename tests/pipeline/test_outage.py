"""Prometheus and the store of traces go away for a minute, and a gateway is killed meanwhile: nothing decided is lost.

`OUTAGE_S` makes the outage shorter for who works on this file.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest
from tests.pipeline.application import Ran, ran, running, say
from tests.pipeline.collectors import program
from tests.pipeline.made import spans_of
from tools.rules.promql import name
from tools.stack import figures, truth
from tools.stack.process import Process, until
from tools.stack.stack import Stack

from tierscope import signals as s
from tierscope.ledger.store import open_to_read

OUTAGE_S: Final = float(os.environ.get("OUTAGE_S", "60"))
BEFORE_S: Final = 8.0
AFTER_S: Final = 8.0
SETTLE_S: Final = 90.0
"""A sender that was refused for a minute tries again after up to 45 s: 30 s, give or take half."""
DECISION_S: Final = 1.0
TICK_S: Final = 1.0
"""How often tail sampling looks which traces are due."""
SAMPLING: Final = {
    "TIERSCOPE_DECISION_WAIT": "10s",
    "TIERSCOPE_DECISION_WAIT_AFTER_ROOT": f"{DECISION_S:g}s",
    "TIERSCOPE_KEPT_PERCENT": "100",
    "TIERSCOPE_KEPT_SPANS_PER_SECOND": "100000",
}
"""Each decision is to keep, so that what is missing was lost."""
DECIDED: Final = "decided.jsonl"
OVERLAY: Final = f"""
exporters:
  file/decided: {{path: {DECIDED}, append: true, flush_interval: 10ms}}
service:
  pipelines:
    traces/keep: {{exporters: [otlp_http/traces, file/decided]}}
"""
"""Writes down each decision, beside the queue that is to bring the trace to the store."""
S: Final = 1_000_000_000

pytestmark = pytest.mark.timeout(480)


class Outage(NamedTuple):
    """What there was before, and what is there after."""

    stack: Stack
    ran: Ran
    down_at: float
    killed_at: float
    up_at: float
    right_after_s: float
    """From the return of Prometheus, or from the application's end, to the first answer without a difference."""


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outage]:
    """Run the application through the outage, and wait until Prometheus is right or the time is up."""
    program("collector"), program("prometheus")
    folder = tmp_path_factory.mktemp("outage")
    overlay = folder / "decided.yaml"
    overlay.write_text(OVERLAY)
    with Stack(folder, SAMPLING, overlay) as stack:
        with running(stack, folder / "run", BEFORE_S + OUTAGE_S + AFTER_S) as application:
            _sleep_until(lambda: figures.told(stack.prometheus).calls.total() > 0, 60)
            time.sleep(BEFORE_S)
            down_at = time.time()
            backends = (stack.prometheus.process, stack.store)
            _down(*backends)
            time.sleep(OUTAGE_S / 2)
            killed_at = _kill_between_decisions(stack.gateways[0])
            time.sleep(OUTAGE_S / 6)
            _up(stack.gateways[0])
            time.sleep(max(0.0, down_at + OUTAGE_S - time.time()))
            _up(*backends)
            up_at = time.time()
            status = application.wait()
        ended = ran(folder / "run", status)
        since, wanted = max(up_at, time.time()), truth.told(ended.served)
        until(lambda: not figures.differences(stack.prometheus, wanted), SETTLE_S, 0.5)
        right_after_s = time.time() - since
        until(lambda: _stored(stack) >= _decided(stack), SETTLE_S, 0.5)
        yield Outage(stack, ended, down_at, killed_at, up_at, right_after_s)


def _sleep_until(holds, seconds: float) -> None:
    assert until(holds, seconds, 0.2), "the application has not sent anything yet"


def _down(*processes: Process) -> None:
    for process in processes:
        process.stop()


def _up(*processes: Process) -> None:
    for process in processes:
        process.start()
    for process in processes:
        process.await_ready()


def _kill_between_decisions(gateway: Process) -> float:
    """Kill it half a second after a decision: the next one is half a second away."""
    path = gateway.folder / DECIDED
    size = path.stat().st_size
    assert until(lambda: path.stat().st_size > size, 20, 0.01), "no trace was decided while the backends were down"
    time.sleep(TICK_S / 2)
    gateway.kill()
    return time.time()


# ── counters ──────────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_application_noticed_nothing(done: Outage) -> None:
    """And it ran longer than the outage."""
    assert done.ran.status == 0
    ends = [row.ended_ns / S for row in done.ran.served]
    assert min(ends) < done.down_at < done.killed_at < done.up_at
    assert sum(done.down_at < end < done.up_at for end in ends) > 10


@pytest.mark.parametrize("what", truth.Truth._fields)
def test_every_counter_is_right_at_the_next_cumulative_point(done: Outage, what: str) -> None:
    here, there = getattr(figures.told(done.stack.prometheus), what), getattr(truth.told(done.ran.served), what)
    say(f"{what}: {sum(there.values()):,}, right {done.right_after_s:.1f} s after the last")
    assert here == there


def test_no_counter_ever_went_back(done: Outage) -> None:
    """What the queues sent late is in its place: no series was reset."""
    resets = done.stack.prometheus.query(f"sum(resets({name(s.CALLS)}[30m]))")
    assert [one.value for one in resets] == [0]


def test_the_points_of_the_outage_arrived_late(done: Outage) -> None:
    """At the middle of the outage Prometheus has points, though nobody could give it any then."""
    middle = (done.down_at + done.up_at) / 2
    window = f"{max(5, int(OUTAGE_S / 3))}s"
    found = done.stack.prometheus.query(f"sum(count_over_time({name(s.CALLS)}[{window}]))", middle)
    say(f"points of {name(s.CALLS)} within {window} of the outage: {found[0].value if found else 0:g}")
    assert [one.value > 0 for one in found] == [True]


# ── traces ────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_no_trace_whose_decision_was_taken_is_lost(done: Outage) -> None:
    """Neither by the kill, nor by the store's absence: each that a gateway decided to keep is in the store."""
    decided, stored = _decided(done.stack), _stored(done.stack)
    say(f"traces decided: {len(decided)}, of them in the store: {len(decided & stored)}")
    assert decided
    assert decided - stored == set()


def test_only_what_waited_for_its_decision_is_missing(done: Outage) -> None:
    """Each call has a trace of its own: those that are missing ended shortly before the kill."""
    with contextlib.closing(_ledger(done)) as db:
        ends = [at / S + seconds for at, seconds in db.execute("SELECT started_unix_ns, duration_s FROM calls")]
    missing = len(ends) - len(_stored(done.stack))
    waited = sum(done.killed_at - DECISION_S - 3 * TICK_S < end < done.killed_at for end in ends)
    say(f"calls: {len(ends)}, without a trace: {missing}; undecided at the kill: at most {waited}")
    assert 0 <= missing <= waited


def _decided(stack: Stack) -> set[str]:
    return set().union(*(_ids(gateway.folder / DECIDED) for gateway in stack.gateways))


def _stored(stack: Stack) -> set[str]:
    return _ids(stack.traces)


def _ids(path: Path) -> set[str]:
    return {span["traceId"] for span in spans_of(path)}


def _ledger(done: Outage):
    db = open_to_read(done.ran.calls)
    assert db is not None
    return db
