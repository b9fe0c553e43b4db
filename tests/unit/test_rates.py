"""Output rates: exact by their formula, or absent for one reason of a closed list."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any, Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tierscope import rates, words
from tierscope.model import Attempt, Shape, Timing, Usage

S: Final = 1_000_000_000
TEXT: Final = Shape(text_deltas=100, choices=1, messages=1)
STAMPS: Final = Timing(0, 4 * S, 1, attempt_ns=S, first_token_ns=2 * S, first_text_ns=2 * S, last_text_ns=3 * S)
moments = st.integers(0, 10**15)
lengths = st.integers(1, 3600 * S)
counts = st.integers(0, 10**9)


def parts(
    output: int | None, reasoning: int | None = None, rejected: int | None = None, audio: int | None = None
) -> Usage:
    return Usage(output=output, reasoning=reasoning, rejected_prediction=rejected, audio_output=audio)


# ── worked examples ───────────────────────────────────────────────────────────────────────────────────────────────
VISIBLE: Final = [
    pytest.param(None, None, id="no-usage"),
    pytest.param(Usage(input=10), None, id="output-unknown"),
    pytest.param(parts(0), 0, id="zero-is-known"),
    pytest.param(parts(1000), 1000, id="no-details"),
    pytest.param(parts(1000, 900), 100, id="hidden-reasoning"),
    pytest.param(parts(1000, 0, 0, 0), 1000, id="zero-details"),
    pytest.param(parts(1000, 500, 200, 100), 200, id="all-three-parts"),
    pytest.param(parts(5, 7), -2, id="junk-is-not-hidden"),
]


@pytest.mark.parametrize(("usage", "tokens"), VISIBLE)
def test_visible_tokens_are_output_less_its_hidden_parts(usage: Usage | None, tokens: int | None) -> None:
    assert rates.visible(usage) == tokens


def test_hidden_reasoning_is_no_speed() -> None:
    """1 000 tokens of which 900 are reasoning, text for 1 s: 99 a second and not 999."""
    speed = rates.speed(parts(1000, 900), TEXT, STAMPS, is_complete=True)
    assert speed.generation == pytest.approx(99.0, rel=1e-12)
    assert speed.generation_absent is None


def test_end_to_end_counts_everything_since_the_last_attempt() -> None:
    """1 000 tokens, 4 s of which the first was spent on an attempt that failed: 333.3 a second."""
    speed = rates.speed(parts(1000, 900), TEXT, STAMPS, is_complete=True)
    assert speed.end_to_end == pytest.approx(1000 / 3, rel=1e-12)
    assert speed.end_to_end_absent is None


def test_without_an_attempt_the_call_itself_is_the_start() -> None:
    stamps = STAMPS._replace(attempt_ns=None)
    assert rates.end_to_end(parts(1000), stamps) == pytest.approx(250.0, rel=1e-12)
    assert rates.first_token(stamps) == pytest.approx(2.0, rel=1e-12)


def test_an_attempt_at_the_very_start_of_the_clock_is_an_attempt() -> None:
    stamps = Timing(start_ns=-S, end_ns=S, unix_ns=1, attempt_ns=0, first_token_ns=S)
    assert (rates.end_to_end(parts(10), stamps), rates.first_token(stamps)) == (10.0, 1.0)
    assert rates.duration(stamps) == 2.0


# ── formulas ──────────────────────────────────────────────────────────────────────────────────────────────────────
@given(tokens=st.integers(20, 10**9), hidden=counts, first=moments, length=lengths)
def test_generation_times_its_window_gives_back_the_tokens(tokens: int, hidden: int, first: int, length: int) -> None:
    """The tokens after the first, over the time from first to last text; nothing else counts."""
    usage = parts(tokens + hidden, hidden)
    stamps = Timing(start_ns=0, end_ns=0, unix_ns=1, first_text_ns=first, last_text_ns=first + length)
    assert rates.generation(usage, stamps) == pytest.approx(float(Fraction((tokens - 1) * S, length)), rel=1e-12)


@given(tokens=st.integers(1, 10**9), start=moments, wasted=lengths, length=lengths)
def test_end_to_end_times_the_attempt_gives_back_the_tokens(tokens: int, start: int, wasted: int, length: int) -> None:
    """Output over the last attempt; what failed attempts and back-off took is not in it."""
    attempt = start + wasted
    stamps = Timing(start_ns=start, end_ns=attempt + length, unix_ns=1, attempt_ns=attempt)
    assert rates.end_to_end(parts(tokens), stamps) == pytest.approx(float(Fraction(tokens * S, length)), rel=1e-12)


@given(tokens=st.integers(20, 10**9), length=lengths, k=st.integers(2, 1000))
def test_k_times_the_time_is_a_kth_of_the_rate(tokens: int, length: int, k: int) -> None:
    def at(scale: int) -> tuple[float | None, float | None]:
        stamps = Timing(start_ns=0, end_ns=scale * length, unix_ns=1, first_text_ns=0, last_text_ns=scale * length)
        return rates.generation(parts(tokens), stamps), rates.end_to_end(parts(tokens), stamps)

    (once, total), (slow, slow_total) = at(1), at(k)
    assert None not in {once, total}
    assert slow == pytest.approx(once / k, rel=1e-12)
    assert slow_total == pytest.approx(total / k, rel=1e-12)


@given(start=moments, before=st.integers(0, 3600 * S), wait=st.integers(0, 3600 * S))
def test_first_token_is_timed_from_the_last_attempt(start: int, before: int, wait: int) -> None:
    stamps = Timing(
        start_ns=start, end_ns=0, unix_ns=1, attempt_ns=start + before, first_token_ns=start + before + wait
    )
    assert rates.first_token(stamps) == pytest.approx(float(Fraction(wait, S)), rel=1e-12)


def test_no_token_no_figure() -> None:
    assert [rates.end_to_end(usage, STAMPS) for usage in (None, parts(0))] == [None, None]
    assert rates.generation(Usage(input=10), STAMPS) is None
    assert rates.first_token(STAMPS._replace(first_token_ns=None)) is None
    body = rates.speed(parts(30), None, STAMPS._replace(window_ns=S, waited_ns=0, cpu_ns=0), is_complete=True)
    assert (body.first_token_s, body.consumer_limited) == (None, None)


# ── absence ───────────────────────────────────────────────────────────────────────────────────────────────────────
ALONE: Final = [
    pytest.param(parts(30), None, True, "not_streamed", id="body"),
    pytest.param(None, TEXT, True, "no_usage", id="whole-without-usage"),
    pytest.param(Usage(input=5), TEXT, True, "no_usage", id="whole-with-half-a-usage"),
    pytest.param(None, TEXT, False, "not_complete", id="cut-before-the-usage"),
    pytest.param(parts(19), TEXT, True, "few_tokens", id="19-tokens"),
    pytest.param(parts(100, 81), TEXT, True, "few_tokens", id="19-visible-tokens"),
    pytest.param(parts(20), TEXT._replace(choices=2), True, "several_choices", id="two-choices"),
    pytest.param(parts(20), TEXT._replace(has_tool_call=True), True, "tool_call", id="tool-call"),
    pytest.param(parts(20), TEXT._replace(messages=2), True, "several_messages", id="two-messages"),
    pytest.param(parts(20), TEXT._replace(has_other_delta=True), True, "other_deltas", id="reasoning-between-texts"),
    pytest.param(parts(20), TEXT._replace(text_deltas=19), True, "few_deltas", id="19-deltas"),
    pytest.param(parts(81), TEXT._replace(text_deltas=20), True, "coarse_deltas", id="4.05-tokens-a-delta"),
    pytest.param(parts(80), TEXT._replace(text_deltas=20), True, None, id="4-tokens-a-delta"),
    pytest.param(parts(20), TEXT._replace(text_deltas=20), True, None, id="20-tokens-in-20-deltas"),
    pytest.param(parts(20), TEXT._replace(choices=0, messages=0), True, None, id="no-count-of-choices"),
    pytest.param(parts(20), TEXT, False, None, id="cut-after-the-usage"),
]


@pytest.mark.parametrize(("usage", "shape", "is_complete", "reason"), ALONE)
def test_each_condition_of_a_text_only_reply_alone(
    usage: Usage | None, shape: Shape | None, is_complete: bool, reason: str | None
) -> None:
    """Every other condition holds, and each limit is met exactly on both of its sides."""
    assert rates.generation_absent(usage, shape, is_complete=is_complete) == reason
    assert rates.speed(usage, shape, STAMPS, is_complete=is_complete).generation_absent == reason


FAULTS: Final = (
    ("several_choices", {"choices": 2}),
    ("tool_call", {"has_tool_call": True}),
    ("several_messages", {"messages": 2}),
    ("other_deltas", {"has_other_delta": True}),
    ("few_deltas", {"text_deltas": 4}),
)


@pytest.mark.parametrize("first", range(len(FAULTS)), ids=[word for word, _ in FAULTS])
def test_the_first_condition_that_fails_is_the_reason(first: int) -> None:
    """The order is that of the reference table; a reply with every later fault too has this one."""
    shape = TEXT
    for _, fault in FAULTS[first:]:
        shape = shape._replace(**fault)
    assert rates.generation_absent(parts(1000), shape, is_complete=True) == FAULTS[first][0]


CORPUS: Final = [
    pytest.param(30, Shape(29, 1, 1), None, id="41c9eb6efc99"),
    pytest.param(262, Shape(261, 1, 1), None, id="8acc178094dc"),
    pytest.param(140, Shape(139, 1, 1), None, id="a4a5573e9bfc"),
    pytest.param(24, Shape(20, 1, 1), None, id="82e8c93e5ea1"),
    pytest.param(43, Shape(0, 1, 1, has_tool_call=True), "tool_call", id="0708a2258f4c"),
    pytest.param(67, Shape(0, 1, 0, has_tool_call=True), "tool_call", id="29e2a7d6155b"),
    pytest.param(109, Shape(75, 1, 1, has_tool_call=True), "tool_call", id="481c5055e7d9"),
    pytest.param(40, Shape(4, 1, 1, has_tool_call=True), "tool_call", id="945ff3920024"),
    pytest.param(399, Shape(4, 1, 2), "several_messages", id="839a1cc30c66"),
    pytest.param(30, Shape(12, 1, 1), "few_deltas", id="3fbef3c59cfa"),
]


@pytest.mark.parametrize(("tokens", "shape", "reason"), CORPUS)
def test_recorded_streams_of_the_required_table(tokens: int, shape: Shape, reason: str | None) -> None:
    """Visible tokens and deltas of real streams, by the last part of their id."""
    assert rates.generation_absent(parts(tokens), shape, is_complete=True) == reason


TOTALS: Final = [
    pytest.param(None, True, {}, "no_usage", id="no-usage"),
    pytest.param(Usage(input=9), True, {}, "no_usage", id="output-unknown"),
    pytest.param(parts(0), True, {}, "few_tokens", id="nothing-came-out"),
    pytest.param(parts(9), False, {}, "not_complete", id="cut"),
    pytest.param(None, False, {}, "not_complete", id="cut-without-usage"),
    pytest.param(parts(9), True, {"is_background": True}, "background", id="waited-in-a-queue"),
    pytest.param(parts(9), True, {"is_replayed": True}, "background", id="stored-response-fetched"),
    pytest.param(parts(1), True, {}, None, id="one-token-is-enough"),
]


@pytest.mark.parametrize(("usage", "is_complete", "kind", "reason"), TOTALS)
def test_each_reason_for_no_end_to_end_rate(
    usage: Usage | None, is_complete: bool, kind: dict[str, bool], reason: str | None
) -> None:
    speed = rates.speed(usage, TEXT, STAMPS, is_complete=is_complete, **kind)
    assert (speed.end_to_end_absent, speed.end_to_end is None) == (reason, reason is not None)


def test_a_background_stream_has_a_generation_rate_and_a_fetched_response_has_nothing() -> None:
    """The queue is outside the window of the text; a stored response was generated at another time."""
    queued = rates.speed(parts(101), TEXT, STAMPS, is_complete=True, is_background=True)
    assert queued.generation == pytest.approx(100.0, rel=1e-12)
    assert queued.generation_absent is None
    assert queued.first_token_s == pytest.approx(1.0, rel=1e-12)
    fetched = rates.speed(parts(101), TEXT, STAMPS, is_complete=True, is_replayed=True)
    assert (fetched.generation, fetched.generation_absent, fetched.first_token_s) == (None, "background", None)


UNTIMED: Final = [
    pytest.param({"first_text_ns": None}, id="no-first-text"),
    pytest.param({"last_text_ns": None}, id="no-last-text"),
    pytest.param({"last_text_ns": 2 * S}, id="all-text-at-once"),
    pytest.param({"last_text_ns": S}, id="clock-ran-backwards"),
]


@pytest.mark.parametrize("stamps", UNTIMED)
def test_without_a_window_there_is_no_rate_and_no_infinity(stamps: dict[str, Any]) -> None:
    speed = rates.speed(parts(1000), TEXT._replace(text_deltas=300), STAMPS._replace(**stamps), is_complete=True)
    assert (speed.generation, speed.generation_absent) == (None, "no_time")


@pytest.mark.parametrize("end", [S, S - 1])
def test_without_duration_there_is_no_end_to_end_rate(end: int) -> None:
    speed = rates.speed(parts(1000), TEXT, STAMPS._replace(end_ns=end), is_complete=True)
    assert (speed.end_to_end, speed.end_to_end_absent) == (None, "no_time")


# ── whatever comes ────────────────────────────────────────────────────────────────────────────────────────────────
maybe_counts = st.none() | st.integers(0, 100) | counts
shapes = st.none() | st.builds(Shape, st.integers(0, 200), st.integers(0, 2), st.integers(0, 2)) | st.just(TEXT)
stamped = st.none() | st.integers(0, 100 * S)
timings = st.builds(
    Timing, st.integers(0, 9), st.integers(0, 100 * S), stamped, first_text_ns=stamped, last_text_ns=stamped
)


def _exactly(rate: float | None, reason: str | None, tokens: int | None, first: int | None, last: int | None) -> None:
    """Demand a rate with these tokens over this window, or one reason why there is none."""
    if reason is not None:
        assert (rate, reason in words.ABSENT) == (None, True)
        return
    assert None not in {rate, tokens, first, last}
    assert rate * (last - first) == pytest.approx(tokens * S, rel=1e-12)
    assert 0 < rate < math.inf


@given(st.none() | st.builds(parts, *[maybe_counts] * 4), shapes, timings, *[st.booleans()] * 3)
@example(parts(200), TEXT, STAMPS, True, False, False)
@example(parts(200), TEXT, STAMPS._replace(last_text_ns=2 * S, end_ns=S), True, False, False)
def test_every_rate_is_the_formulas_or_absent_for_exactly_one_reason(
    usage: Usage | None, shape: Shape | None, timing: Timing, whole: bool, queued: bool, fetched: bool
) -> None:
    """Never NaN, infinite or negative, never both a rate and a reason, never neither."""
    speed = rates.speed(usage, shape, timing, is_complete=whole, is_background=queued, is_replayed=fetched)
    output, *hidden = (0,) if usage is None else (usage.output, *usage[4:7])
    begun = timing.start_ns if timing.attempt_ns is None else timing.attempt_ns
    after_first = (output or 0) - sum(part or 0 for part in hidden) - 1
    _exactly(speed.generation, speed.generation_absent, after_first, timing.first_text_ns, timing.last_text_ns)
    _exactly(speed.end_to_end, speed.end_to_end_absent, output, begun, timing.end_ns)


def test_the_closed_list_of_reasons() -> None:
    """Each of the words is the answer of some test above; dashboards read them."""
    assert (
        *("not_streamed", "no_usage", "few_tokens", "several_choices", "tool_call", "several_messages"),
        *("other_deltas", "few_deltas", "coarse_deltas", "not_complete", "no_time", "background"),
    ) == words.ABSENT


WAITS: Final = [
    pytest.param((), None, id="no-attempt"),
    pytest.param((None,), 0.0, id="one-attempt-waits-for-none"),
    pytest.param((None, 500_000_000), 0.5, id="one-wait"),
    pytest.param((None, 500_000_000, 250_000_000), 0.75, id="two-waits"),
    pytest.param((None, 0), 0.0, id="none-at-all"),
    pytest.param((None, 500_000_000, None), None, id="one-unknown"),
]


@pytest.mark.parametrize(("waits", "seconds"), WAITS)
def test_waiting_between_attempts_is_a_sum_or_unknown(waits: tuple[int | None, ...], seconds: float | None) -> None:
    """0.5 s + 0.25 s = 0.75 s; what the first attempt waited for is no wait between two."""
    assert rates.retry_wait(tuple(Attempt(0, "ok", wait_ns=wait) for wait in waits)) == seconds
