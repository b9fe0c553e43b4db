"""Medians of windows by the tier that served: the same windows as reading A counts, and gaps where nothing is known."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.promise.made import NOON, SAMPLE, TARGET, S

from tierscope.promise import sla
from tierscope.promise.timeline import Bin, Line, Timeline, Window, binned

if TYPE_CHECKING:
    from tierscope.catalog.promises import Target
    from tierscope.promise.samples import Sample

LINE: Final = Line("openai", "gpt-4.1", "priority", "generation")
FIVE: Final = 300 * S


class Targets:
    """One promise, of gpt-4.1 on priority."""

    def target(self, provider: str, model: str, tier: str, day: int, /) -> Target | None:
        assert (provider, day) == ("openai", NOON // (86_400 * S))
        return TARGET if (model, tier) == ("gpt-4.1-2025-04-14", "priority") else None


def at(window: int, rate: float, **fields: object) -> Sample:
    return SAMPLE._replace(started_ns=NOON + window * FIVE, generation=rate, **fields)


def timeline(*samples: Sample) -> Timeline:
    made = Timeline(Targets())
    for sample in samples:
        made.add(sample)
    return made


def test_a_window_has_its_lower_median() -> None:
    """Of 70, 80, 90, 100 it is 80, not above 80; of 81 and 90 it is 81; the window between has no call, and no row."""
    made = timeline(*(at(0, rate) for rate in (100.0, 70.0, 90.0, 80.0)), at(2, 90.0), at(2, 81.0))
    assert made.lines()[LINE] == (Window(NOON, 4, 80.0, is_met=False), Window(NOON + 2 * FIVE, 2, 81.0, is_met=True))
    assert made.rates()[LINE] == 81.0
    assert made.targets() == {LINE: 80.0, LINE._replace(basis="end_to_end"): 80.0}


def test_tiers_without_a_promise_have_lines_too() -> None:
    """Under the same model, without a verdict."""
    made = timeline(at(0, 60.0, served="default", outcome="downgraded"), at(0, 90.0))
    assert made.lines()[LINE._replace(tier="default")] == (Window(NOON, 1, 60.0, is_met=None),)
    assert LINE._replace(tier="default") not in made.targets()


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"consumer_limited": True}, "consumer_limited"),
        ({"trusted": False}, "host_not_trusted"),
        ({"outcome": "failed"}, "failed"),
        ({"input_tokens": 128_001}, "long_context"),
        ({"generation": None}, "no_rate"),
    ],
    ids=str,
)
def test_what_does_not_count_is_left_out_by_reason(fields: dict[str, object], reason: str) -> None:
    made = timeline(SAMPLE._replace(**fields))
    assert LINE not in made.lines()
    assert made.left_out[LINE] == {reason: 1}


def test_a_reply_without_a_tier_has_no_line() -> None:
    made = timeline(at(0, 90.0, served="unreported"), at(0, 90.0, served="_OTHER"))
    assert (made.lines(), dict(made.left_out)) == ({}, {})


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([79.0, 80.0, 81.0, 120.0])), min_size=1))
def test_windows_are_met_as_reading_a_holds(calls: list[tuple[int, float]]) -> None:
    """As many windows, as many met, and the median of the standard library."""
    samples = [at(window, rate) for window, rate in calls]
    windows = timeline(*samples).lines()[LINE]
    told = sla.readings(samples, "priority", TARGET, "generation").windows
    assert (sum(bool(one.is_met) for one in windows), len(windows)) == told
    rates = [rate for window, rate in calls if window == calls[0][0]]
    assert statistics.median_low(rates) in {one.median for one in windows}


def test_windows_are_laid_together() -> None:
    """Of an hour: how many, of how many calls, the span of their medians, and how many missed."""
    hour = 12 * FIVE
    begin = NOON // hour * hour
    windows = [Window(begin + n * FIVE, n + 1, rate, rate > 80) for n, rate in enumerate((90.0, 70.0, 85.0, 100.0))]
    after = Window(begin + 3 * hour, 1, 60.0, is_met=None)
    assert binned([*windows, after], hour) == (
        Bin(begin, 4, 10, 70.0, 85.0, 100.0, missed=1),
        Bin(begin + 3 * hour, 1, 1, 60.0, 60.0, 60.0, missed=None),
    )
