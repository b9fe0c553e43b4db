"""Ramp rate: series, growth, headroom, forewarning, and the inferred cause."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.promise.made import NOON, RULE, SAMPLE, S

from tierscope.promise import ramp
from tierscope.promise.ramp import Limit, Point, Series
from tierscope.promise.samples import Sample

M: Final = 1_000_000
MINUTE: Final = 60 * S
OPENAI: Final = ramp.limit(RULE)
FLOORLESS: Final = ramp.limit(RULE._replace(floor_tpm=100_000, is_floor_stated=False))
KEY: Final = ("openai", "gpt-4.1-2025-04-14", "priority")


def flow(*tokens: int, first: int = 100) -> Series:
    """Return a series of a step each, behind a first one that is only seen in part."""
    steps = dict(enumerate((0, *tokens), first))
    return Series(first, first + len(tokens), {step: count for step, count in steps.items() if count})


def last(*tokens: int, bound: Limit = OPENAI) -> Point | None:
    """Judge the last step of a series."""
    one = flow(*tokens)
    return ramp.point(one, one.last, bound)


# ── the rule ──────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(("floor", "expected"), [(0, 100_000), (5_000, 100_000), (100_000, 100_000), (M, M)], ids=str)
def test_the_floor_is_never_below_ours(floor: int | None, expected: int) -> None:
    assert ramp.limit(RULE._replace(floor_tpm=floor)) == Limit(MINUTE, expected, 0.5)


@pytest.mark.parametrize(("seconds", "step"), [(None, MINUTE), (900, MINUTE), (15, S), (7.5, S // 2)])
def test_the_window_can_be_shortened(seconds: float | None, step: int) -> None:
    """A step is its fifteenth."""
    assert ramp.limit(RULE, seconds).step_ns == step


# ── a step ────────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_growth_beyond_a_half_is_over() -> None:
    """2 M after 2 M is none; 3 M is just allowed; a token more is not."""
    assert last(2 * M, 2 * M) == Point(102, 2 * M, 2 * M, M, 0, is_warning=False, is_over=False)
    assert last(2 * M, 3 * M) == Point(102, 3 * M, 2 * M, 0, 1, is_warning=True, is_over=False)
    beyond = last(2 * M, 3 * M + 1)
    assert beyond is not None
    assert (beyond.is_over, beyond.headroom_tpm) == (True, -1)


@pytest.mark.parametrize(("tokens", "is_warning"), [(2_800_000, False), (2_800_001, True)])
def test_forewarning_from_four_fifths_of_the_allowed_growth(tokens: int, is_warning: bool) -> None:
    """Of the 1 M that is allowed above 2 M, 0.8 M."""
    found = last(2 * M, tokens)
    assert found is not None
    assert (found.is_warning, found.is_over) == (is_warning, False)
    assert found.growth == pytest.approx(0.4, abs=1e-6)


def test_the_lowest_of_fifteen_steps_counts() -> None:
    """A step of 1 M fifteen before is in, sixteen before it is out."""
    assert [told and told.lowest_tpm for told in (last(M, *[4 * M] * 15), last(M, *[4 * M] * 16))] == [M, 4 * M]


@pytest.mark.parametrize(("tokens", "is_judged"), [(999_999, False), (M, True)])
def test_below_the_floor_nothing_is_said(tokens: int, is_judged: bool) -> None:
    """Not of a tenfold growth either."""
    assert (last(tokens // 10, tokens) is not None) is is_judged


def test_after_an_idle_step_the_floor_is_what_is_allowed() -> None:
    """From nothing to 1 M is allowed; more is over, by a growth that has no number."""
    assert last(0, M) == Point(102, M, 0, 0, 1, is_warning=True, is_over=False)
    found = last(0, 1_200_000)
    assert found is not None
    assert (found.growth, found.is_over, found.headroom_tpm) == (None, True, -200_000)


def test_without_a_stated_floor_ours_holds() -> None:
    """Azure states none: 100 000."""
    assert last(80_000, 99_999, bound=FLOORLESS) is None
    found = last(80_000, 120_001, bound=FLOORLESS)
    assert found is not None
    assert (found.is_over, found.headroom_tpm) == (True, -1)


def test_the_first_step_is_seen_in_part_and_compared_with_nothing() -> None:
    """A ledger that begins in the middle of a minute must not make the next one look like growth."""
    one = Series(100, 101, {100: 10, 101: 5 * M})
    assert ramp.points(one, OPENAI) == []
    assert ramp.headroom(one, 101, OPENAI) is None


def test_headroom_is_known_below_the_floor() -> None:
    """Up to the floor at least; above, up to one and a half times the lowest."""
    one = flow(200_000, 300_000, 2 * M, 2 * M)
    assert [ramp.headroom(one, step, OPENAI) for step in (102, 103)] == [700_000, -M]
    steady = flow(*[2 * M] * 3)
    assert ramp.headroom(steady, 103, OPENAI) == M


def test_steps_are_rates() -> None:
    """In a window of 15 s a step is a second: 50 000 tokens in it are 3 M a minute."""
    bound = ramp.limit(RULE, 15)
    found = ramp.point(flow(40_000, 50_000), 102, bound)
    assert found is not None
    assert (found.tpm, found.lowest_tpm, found.headroom_tpm) == (3 * M, 2_400_000, 600_000)


# ── series ────────────────────────────────────────────────────────────────────────────────────────────────────────────
def call(minute: float, tokens: int | None, **fields: object) -> Sample:
    started = NOON + round(minute * MINUTE)
    return SAMPLE._replace(**{"started_ns": started, "input_tokens": tokens, "duration_ns": 0, **fields})


def test_tokens_are_added_up_by_expected_tier_when_they_are_known() -> None:
    """By the end of the call; batch has a quota of its own; all series span all calls."""
    first = NOON // MINUTE
    calls = [
        call(0, 10),
        call(0.5, 5, duration_ns=MINUTE),
        call(1, None),
        call(2, 7, served="default", outcome="downgraded"),
        call(3, 3, expected="default", served="default"),
        call(4, 1),
        call(9, 99, expected="batch"),
        call(9, 99, served="batch"),
    ]
    assert ramp.series(calls) == {
        KEY: Series(first, first + 4, {first: 10, first + 1: 5, first + 2: 7, first + 4: 1}),
        (*KEY[:2], "default"): Series(first, first + 4, {first + 3: 3}),
    }
    assert ramp.series([]) == {}


# ── the cause ─────────────────────────────────────────────────────────────────────────────────────────────────────────
DOWN: Final = {"served": "default", "outcome": "downgraded", "inferred_cause": "capacity_or_unknown"}
RAMP: Final = [
    call(0, 10),
    call(1, 2 * M),
    call(2, 2 * M, **DOWN),
    call(3, 3 * M),
    call(3.5, M, **DOWN),
    call(3.5, 200_000, **{**DOWN, "inferred_cause": "long_context"}),
    call(3.6, 1, **{**DOWN, "inferred_cause": None}),
]
"""Minute 3 has 4.2 M after 2 M: more than half as much again."""


def test_a_downgrade_in_a_step_that_grew_too_fast_is_inferred_to_be_for_that() -> None:
    """Not one in a steady minute, none that has a better cause, nor what was not downgraded."""
    found = ramp.causes(RAMP, lambda provider: RULE)
    assert found == [None, None, "capacity_or_unknown", None, "ramp_rate", "long_context", "ramp_rate"]


def test_a_call_meets_the_rule_in_any_step_of_its_life() -> None:
    """The service decides when it starts; what it was sent then is known when that ends: in this step or the next."""
    begun = call(2.9, 1, duration_ns=MINUTE // 2, **DOWN)
    before, after = call(2.4, 1, duration_ns=MINUTE // 2, **DOWN), call(3.9, 1, duration_ns=MINUTE // 2, **DOWN)
    found = ramp.causes([*RAMP, begun, before, after], lambda provider: RULE)
    assert found[-3:] == ["ramp_rate", "capacity_or_unknown", "ramp_rate"]


def test_a_prompt_too_long_for_priority_is_no_growth_of_it() -> None:
    """It neither breaks the rule for others, nor is it measured by it."""
    steady = [call(minute, 2 * M) for minute in range(4)]
    long = call(3, 9 * M, **{**DOWN, "inferred_cause": "long_context"})
    assert ramp.causes([*steady, long, call(3.5, 1, **DOWN)], lambda provider: RULE)[-1] == "capacity_or_unknown"


@pytest.mark.parametrize(("more", "cause"), [(0, "capacity_or_unknown"), (1, "ramp_rate")])
def test_tokens_that_are_unknown_are_no_growth(more: int, cause: str) -> None:
    """After 2 M a minute may have 3 M; a call that told none makes it neither more nor less."""
    steady = [call(minute, 2 * M) for minute in range(3)]
    silent, last = call(3, None), call(3, 3 * M + more, **DOWN)
    assert ramp.causes([*steady, silent, last], lambda provider: RULE)[-1] == cause


def test_steps_are_a_fifteenth_of_the_window_of_the_providers_rule() -> None:
    assert ramp.Ramps({"openai": RULE}.get).step_ns("openai") == MINUTE
    assert ramp.Ramps({"openai": RULE}.get, 15).step_ns("openai") == MINUTE // 60
    assert ramp.Ramps({"openai": RULE}.get).step_ns("azure.ai.openai") is None


def test_order_does_not_matter() -> None:
    assert ramp.causes(RAMP[::-1], lambda provider: RULE)[::-1] == ramp.causes(RAMP, lambda provider: RULE)


def test_without_a_rule_nothing_is_inferred() -> None:
    assert ramp.causes(RAMP, lambda provider: None) == [sample.inferred_cause for sample in RAMP]


def test_the_rule_is_of_priority() -> None:
    """Growth of what expected ``scale`` says nothing about its spill-over."""
    calls = [sample._replace(expected="scale") for sample in RAMP]
    assert ramp.causes(calls, lambda provider: RULE) == [sample.inferred_cause for sample in calls]


def test_each_provider_has_its_own_rule() -> None:
    """Azure's traffic is no growth of OpenAI's."""
    azure = [sample._replace(provider="azure.ai.openai") for sample in RAMP]
    rules = {"openai": RULE}
    found = ramp.causes([*azure, *RAMP], rules.get)
    assert found == [*(sample.inferred_cause for sample in azure), *ramp.causes(RAMP, lambda provider: RULE)]


def test_a_shortened_window_tells_it_too() -> None:
    """The same ramp in seconds: 60 times fewer tokens, 60 times faster."""
    quick = [
        sample._replace(
            started_ns=NOON + (sample.started_ns - NOON) // 60, input_tokens=(sample.input_tokens or 0) // 60
        )
        for sample in RAMP
    ]
    assert ramp.causes(quick, lambda provider: RULE, 15) == ramp.causes(RAMP, lambda provider: RULE)
    assert "ramp_rate" not in ramp.causes(quick, lambda provider: RULE)


@given(st.lists(st.integers(0, 4 * M), min_size=2, max_size=40))
def test_a_step_is_over_exactly_beyond_the_rule(tokens: list[int]) -> None:
    """More than the floor, and more than one and a half times the lowest of up to 15 steps before."""
    one = flow(*tokens)
    over = {found.step for found in ramp.points(one, OPENAI) if found.is_over}
    expected = {
        101 + place
        for place in range(1, len(tokens))
        if tokens[place] > M and tokens[place] > 1.5 * min(tokens[max(0, place - 15) : place])
    }
    assert over == expected
