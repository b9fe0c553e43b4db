"""Was it the service, or the reader? What the signs of ``consumer_limited`` make of a stream."""

from __future__ import annotations

from typing import Final

import pytest

from tierscope import rates
from tierscope.model import Shape, Timing, Usage

S: Final = 1_000_000_000
TEXT: Final = Shape(text_deltas=100, choices=1, messages=1)
STAMPS: Final = Timing(0, 4 * S, 1, attempt_ns=S, first_token_ns=2 * S, first_text_ns=2 * S, last_text_ns=3 * S)

BRAKES: Final = [
    pytest.param(100, 15, 85, False, id="both-shares-on-their-limit"),
    pytest.param(100, 14, 0, True, id="hardly-waited-for-the-network"),
    pytest.param(100, 100, 86, True, id="event-loop-busy"),
    pytest.param(100, 14, 86, True, id="both"),
    pytest.param(100, 100, 0, False, id="waited-all-the-time"),
    pytest.param(100, 100, 800, True, id="eight-busy-threads"),
    pytest.param(None, 10, 10, None, id="not-streamed"),
    pytest.param(0, 0, 0, None, id="one-chunk"),
    pytest.param(100, None, 0, None, id="wait-unknown"),
    pytest.param(100, 0, None, None, id="cpu-unknown"),
]


@pytest.mark.parametrize(("window", "waited", "cpu", "limited"), BRAKES)
def test_the_reader_is_the_brake_when_it_hardly_waits_or_is_busy(
    window: int | None, waited: int | None, cpu: int | None, limited: bool | None
) -> None:
    stamps = STAMPS._replace(window_ns=window, waited_ns=waited, cpu_ns=cpu)
    assert rates.consumer_limited(stamps) is limited
    assert rates.speed(Usage(output=50), TEXT, stamps, is_complete=True).consumer_limited is limited


LATE: Final = [
    pytest.param(None, False, id="nobody-knows"),
    pytest.param(0, False, id="in-time"),
    pytest.param(50, False, id="on-the-limit"),
    pytest.param(51, True, id="late"),
]


@pytest.mark.parametrize(("late", "limited"), LATE)
def test_the_reader_is_the_brake_when_it_read_the_last_text_late(late: int | None, limited: bool) -> None:
    """Milliseconds of a second; whatever the other signs say."""
    stamps = STAMPS._replace(window_ns=S, waited_ns=S, cpu_ns=0, late_ns=None if late is None else late * S // 1000)
    assert rates.consumer_limited(stamps) is limited


@pytest.mark.parametrize(("late", "limited"), [(10_000_000, False), (10_000_001, True)])
def test_a_tick_of_the_system_clock_is_no_lateness(late: int, limited: bool) -> None:
    """However short the stream was."""
    stamps = STAMPS._replace(window_ns=20_000_000, waited_ns=20_000_000, cpu_ns=0, late_ns=late)
    assert rates.consumer_limited(stamps) is limited
