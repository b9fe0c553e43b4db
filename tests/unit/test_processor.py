"""How much of a processor a stream's window demanded, on the real machine."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from tierscope.seam import processor

SCHEDSTAT = pytest.mark.skipif(not Path(processor._SCHEDSTAT).exists(), reason="the system tells no waiting times")


def busy(seconds: float) -> None:
    """Compute for so long by the wall clock."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


@SCHEDSTAT
def test_who_computes_demands_all_of_the_time_however_much_he_gets() -> None:
    """Used and waited for add up to the wall time, on a busy machine too."""
    start, since = time.perf_counter_ns(), processor.demand()
    busy(0.3)
    demanded, wall = since(), time.perf_counter_ns() - start
    assert demanded / wall == pytest.approx(1, abs=0.15)


def test_who_sleeps_demands_nearly_nothing() -> None:
    since = processor.demand()
    time.sleep(0.2)
    assert since() < 0.1e9


def test_in_another_thread_only_cpu_time_is_told() -> None:
    """What one thread waited says nothing of another: its waiting time may even be less."""
    told: list[int] = []
    since = processor.demand()
    before = time.process_time_ns()
    busy(0.05)
    thread = threading.Thread(target=lambda: told.append(since()))
    thread.start()
    thread.join()
    assert 0 < told[0] <= time.process_time_ns() - before + 10**7


@pytest.mark.parametrize("content", ["", "1", "a b c", None], ids=["empty", "short", "junk", "absent"])
def test_a_system_that_tells_nothing_leaves_the_cpu_time(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other systems have no such file, and this one may be forbidden."""
    file = tmp_path / "schedstat"
    if content is not None:
        file.write_text(content)
    monkeypatch.setattr(processor, "_SCHEDSTAT", str(file))
    since = processor.demand()
    before = time.process_time_ns()
    busy(0.02)
    assert 0 < since() <= time.process_time_ns() - before + 10**7
