"""Promised speed: two readings, two bases, and what is left out."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.promise.made import NOON, SAMPLE, TARGET, S, at

from tierscope.promise.share import Share
from tierscope.promise.sla import BASES, REASONS, Basis, Latency, Readings, is_long, readings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tierscope.promise.samples import Sample

both = pytest.mark.parametrize("basis", BASES)


def told(samples: Sequence[Sample], basis: Basis = "generation", **fields: Any) -> Readings:
    return readings(samples, "priority", fields.pop("target", TARGET), basis, **fields)


# ── reading A ─────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("rates", "is_met"),
    [
        pytest.param((81.0,), True, id="one-above"),
        pytest.param((80.0,), False, id="one-on-the-target"),
        pytest.param((79.0, 81.0), False, id="half-is-not-fewer-than-half"),
        pytest.param((79.0, 81.0, 81.0), True, id="a-third"),
        pytest.param((80.0, 81.0, 81.0, 80.0), False, id="half-on-the-target"),
        pytest.param((80.0, 80.0, 500.0), False, id="two-thirds"),
    ],
)
@both
def test_a_window_is_met_if_fewer_than_half_are_at_most_the_target(
    rates: tuple[float, ...], is_met: bool, basis: Basis
) -> None:
    """As ``bucket{le="80"} / count < 0.5`` says of a histogram."""
    found = told([at(1, rate) for rate in rates], basis)
    assert found.windows == Share(int(is_met), 1)


def test_windows_are_of_utc_and_only_those_with_calls() -> None:
    """Calls at 0:00, 4:59, 5:00 and 60:00 are of three windows; the middle one, of one slow call, is missed."""
    found = told([at(0, 90), at(4.99, 90), at(5, 70), at(60, 90)])
    assert (found.windows, found.windows.missed) == (Share(2, 3), 1)


def test_a_window_may_have_another_length() -> None:
    """Older agreements count by the minute: 90 and 70 are then apart, and together a half is not fewer than half."""
    calls = [at(0, 90), at(1, 70)]
    assert told(calls).windows == Share(0, 1)
    assert told(calls, window_s=60).windows == Share(1, 2)
    assert told(calls, target=TARGET._replace(window_s=60)).windows == Share(1, 2)
    assert told(calls, window_s=60).window_s == 60


def test_thin_windows_count_and_are_said() -> None:
    """Of 6, 5 and 4 calls, one window is thin at 5; at 6 two are, and one of those is missed."""
    calls = [*[at(0, 90)] * 6, *[at(5, 90)] * 5, *[at(10, 70)] * 4]
    assert told(calls).thin == Share(0, 1)
    assert told(calls, min_samples=6).thin == Share(1, 2)
    assert told(calls, min_samples=6).windows == Share(2, 3)


# ── reading B ─────────────────────────────────────────────────────────────────────────────────────────────────────────
@both
def test_requests_above_the_target(basis: Basis) -> None:
    """Strictly: 80 of 80 is not above; 99 of 100 keep 99 %."""
    found = told([*[at(0, 80.01)] * 99, at(0, 80.0)], basis)
    assert found.requests == Share(99, 100)
    assert found.requests.keeps(TARGET.attainment) is True
    assert told([*[at(0, 81)] * 98, *[at(0, 80.0)] * 2], basis).requests.keeps(0.99) is False


# ── what is left out ──────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("fields", "generation", "end_to_end"),
    [
        pytest.param({"trusted": False, "outcome": "failed"}, "host_not_trusted", "host_not_trusted", id="host"),
        pytest.param({"outcome": "failed"}, "failed", "failed", id="failed"),
        pytest.param({"outcome": "refused", "served": "unreported"}, "refused", "refused", id="refused"),
        pytest.param({"outcome": "unverified"}, "unverified", "unverified", id="unverified"),
        pytest.param({"outcome": "unreported", "served": "unreported"}, "unreported", "unreported", id="unreported"),
        pytest.param({"served": "default", "outcome": "downgraded"}, "other_tier", "other_tier", id="other-tier"),
        pytest.param({"input_tokens": 128_001}, "long_context", "long_context", id="long"),
        pytest.param({"consumer_limited": True}, "consumer_limited", "consumer_limited", id="reader"),
        pytest.param({"generation": None}, "no_rate", None, id="no-generation-rate"),
        pytest.param({"end_to_end": None}, None, "no_rate", id="no-end-to-end-rate"),
        pytest.param({"is_background": True}, None, "no_rate", id="background"),
        pytest.param({"output_tokens": 99}, None, "few_tokens", id="99-tokens"),
        pytest.param({"output_tokens": None}, None, "few_tokens", id="tokens-unknown"),
        pytest.param({"output_tokens": 100, "input_tokens": 128_000}, None, None, id="just-in"),
        pytest.param({"consumer_limited": None}, None, None, id="not-streamed"),
    ],
)
def test_each_call_is_counted_or_left_out_for_the_first_reason(
    fields: dict[str, Any], generation: str | None, end_to_end: str | None
) -> None:
    for basis, reason in zip(BASES, (generation, end_to_end), strict=True):
        found = told([SAMPLE._replace(**fields)], basis)
        assert found.excluded == ({} if reason is None else {reason: 1})
        assert found.requests.of == (reason is None)


def test_without_a_target_nothing_is_judged() -> None:
    """A call another tier served is that first."""
    found = told([SAMPLE, SAMPLE._replace(served="default")], target=None)
    assert found == Readings("generation", window_s=300, calls=2, excluded={"other_tier": 1, "no_target": 1})


@pytest.mark.parametrize(
    ("marked", "tokens", "limit", "expected"),
    [
        (True, 128_001, 128_000, True),
        (True, 128_000, 128_000, False),
        (True, None, 128_000, None),
        (None, 128_001, 128_000, None),
        (None, 128_001, None, None),
        (None, 128_000, None, False),
        (None, None, None, None),
        (False, 500_000, None, False),
        (False, None, 128_000, False),
        (True, 2, 1, True),
    ],
)
def test_long_prompts(marked: bool | None, tokens: int | None, limit: int | None, expected: bool | None) -> None:
    """Left out only where the promise says so; where pages conflict or the length is unknown, it counts and is said."""
    target = TARGET._replace(excludes_long_context=marked, long_context_tokens=limit)
    sample = SAMPLE._replace(input_tokens=tokens)
    assert is_long(sample, target) is expected
    found = told([sample], target=target)
    assert (found.requests.of, found.long_context_unclear) == (int(not expected), int(expected is None))


# ── properties ────────────────────────────────────────────────────────────────────────────────────────────────────────
calls = st.builds(
    SAMPLE._replace,
    started_ns=st.integers(0, 3_600).map(lambda second: NOON + second * S),
    generation=st.none() | st.sampled_from([10.0, 79.9, 80.0, 80.1, 200.0]),
    end_to_end=st.none() | st.sampled_from([10.0, 80.0, 80.1]),
    output_tokens=st.none() | st.integers(90, 110),
    input_tokens=st.none() | st.integers(127_999, 128_002),
    outcome=st.sampled_from(["honored", "downgraded", "failed", "refused", "unverified", "unreported", "resolved"]),
    served=st.sampled_from(["priority", "default"]),
    trusted=st.booleans(),
    consumer_limited=st.sampled_from([None, False, True]),
    is_background=st.booleans(),
)


@given(st.lists(calls), st.sampled_from(BASES))
def test_counted_and_left_out_are_all(samples: list[Sample], basis: Basis) -> None:
    """Every call is somewhere, once; no window is there without a call."""
    found = told(samples, basis)
    assert found.requests.of + sum(found.excluded.values()) == found.calls == len(samples)
    assert set(found.excluded) <= set(REASONS)
    assert list(found.excluded) == [reason for reason in REASONS if reason in found.excluded]
    assert found.windows.of <= found.requests.of
    assert bool(found.windows.of) == bool(found.requests.of)


def test_merged_figures_are_sums() -> None:
    """One window of both, one of each: 3 + 2 calls, 1 + 1 of them slow, 1 + 2 unclear, 1 + 1 left out."""
    target = TARGET._replace(excludes_long_context=None)
    one, other = (Latency("priority", target, "generation") for _ in range(2))
    for sample in (at(0, 90), at(1, 70), at(6, 90, input_tokens=None), at(0, 90, served="flex")):
        one.add(sample)
    for sample in (at(2, 70, input_tokens=None), at(11, 90, input_tokens=None), at(0, 90, served="flex")):
        other.add(sample)
    one.merge(other)
    found = one.readings()
    assert (found.requests, found.windows, found.long_context_unclear) == (Share(3, 5), Share(2, 3), 3)
    assert (found.calls, found.excluded) == (7, {"other_tier": 2})


@given(st.lists(calls), st.lists(calls), st.sampled_from(BASES))
def test_figures_add_up(some: list[Sample], more: list[Sample], basis: Basis) -> None:
    """Two halves merged are the whole, windows that both have calls of too."""
    target = TARGET._replace(excludes_long_context=None)
    halves = [Latency("priority", target, basis) for _ in range(2)]
    for half, samples in zip(halves, (some, more), strict=True):
        for sample in samples:
            half.add(sample)
    halves[0].merge(halves[1])
    assert halves[0].readings() == told([*some, *more], basis, target=target)


@given(st.lists(calls), st.lists(calls), st.sampled_from(BASES))
def test_a_slow_reader_changes_no_figure(samples: list[Sample], slow: list[Sample], basis: Basis) -> None:
    """Whatever was read too slowly is counted among what is left out, and nowhere else."""
    limited = [sample._replace(consumer_limited=True) for sample in slow]
    alone, beside = told(samples, basis), told([*limited, *samples], basis)
    assert (beside.windows, beside.requests, beside.thin) == (alone.windows, alone.requests, alone.thin)
    assert beside.long_context_unclear == alone.long_context_unclear
    assert beside.calls - alone.calls == len(slow)


@given(st.lists(st.integers(0, 3_600), min_size=1), st.sampled_from([1.0, 79.9, 80.0, 80.1, 1e6]))
def test_the_readings_agree_on_identical_rates(seconds: list[int], rate: float) -> None:
    """Where all calls were equally fast, all windows and all requests are met, or none."""
    found = told([at(second / 60, rate) for second in seconds])
    assert found.windows.value == found.requests.value == Fraction(int(rate > 80))


@given(st.lists(st.tuples(st.integers(0, 900), st.sampled_from([70.0, 80.0, 80.5, 90.0])), min_size=1))
def test_reading_a_is_the_median_of_each_window(timed: list[tuple[int, float]]) -> None:
    """Done anew, with sorted lists: the upper median's predecessors decide; an even half at most the target misses."""
    found = told([at(second / 60, rate) for second, rate in timed])
    windows: dict[int, list[float]] = {}
    for second, rate in timed:
        windows.setdefault(second // 300, []).append(rate)
    met = [ordered[(len(ordered) - 1) // 2] > 80 for ordered in map(sorted, windows.values())]
    assert found.windows == Share(sum(met), len(met))


# ── shares ────────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("share", "required", "expected"),
    [
        (Share(99, 100), 0.99, True),
        (Share(989, 1_000), 0.99, False),
        (Share(999, 1_000), 0.999, True),
        (Share(9_989, 10_000), 0.999, False),
        (Share(), 0.99, None),
        (Share(1, 1), None, None),
    ],
)
def test_a_share_keeps_what_is_required(share: Share, required: float | None, expected: bool | None) -> None:
    assert share.keeps(required) is expected


def test_a_share_is_exact() -> None:
    assert Share(1, 3).value == Fraction(1, 3)
    assert Share().value is None
    assert Share(1, 3).missed == 2
