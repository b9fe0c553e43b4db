"""Causes of gaps: named where the figures prove them, in full, and nowhere else."""

from __future__ import annotations

from typing import Final

import pytest

from tierscope.reconcile import causes
from tierscope.reconcile.compare import Cell, by_tier, compare, least, rows, whole
from tierscope.reconcile.figures import ZERO, Figures, Key, Ours, Theirs
from tierscope.reconcile.hours import Span

H: Final = 3600
SPAN: Final = Span(0, 4 * H, H)
FAST: Final = Key("gpt-4.1", "priority")
SLOW: Final = Key("gpt-4.1", "default")
BLANK: Final = Key("gpt-4.1", "unreported")
BATCH: Final = Key("gpt-4.1", "batch")
TEN: Final = Figures(10, 1000, 64, 200)
ONE: Final = Figures(1, 100, 0, 20)
NINE: Final = Figures(9, 900, 64, 180)


def ours(figures: Figures = TEN, **more: int | dict[str, int]) -> Ours:
    return Ours(figures, **more)  # type: ignore[arg-type]


def cells(
    theirs: dict[int, dict[Key, Theirs]],
    held: dict[int, dict[Key, Ours]],
    lost: dict[tuple[int, str], int] | None = None,
) -> dict[tuple[int, Key], Cell]:
    return {(cell.begin_s, cell.key): cell for cell in compare(SPAN, theirs, held, lost or {})}


def found(cell: Cell) -> tuple[tuple[tuple[str, Figures], ...], Figures]:
    return tuple((cause.word, cause.figures) for cause in cell.causes), cell.unexplained


def test_equal_books_have_no_gap() -> None:
    """To the last token; and every part is covered whole."""
    told = cells({0: {FAST: Theirs(TEN)}}, {0: {FAST: ours()}})
    assert found(told[0, FAST]) == ((), ZERO)
    row = whole(told.values())
    assert [row.covered(field) for field in Figures._fields] == [1.0] * 4
    assert least(row) == 1.0


def test_what_nothing_proves_is_unexplained() -> None:
    """One call of ten is missing: 0.9 of requests, 0.9 of 1,000 input and of 200 output tokens, all of the cached."""
    told = cells({0: {FAST: Theirs(TEN)}}, {0: {FAST: ours(NINE)}})
    assert found(told[0, FAST]) == ((), ONE)
    (row,) = rows(told.values())
    assert (row.covered("requests"), row.covered("input"), row.covered("cached")) == (0.9, 0.9, 1.0)
    assert least(row) == 0.9


def test_the_least_part_counts() -> None:
    """0.9 of requests and input, half of the output; of nothing there is no part."""
    told = cells({0: {FAST: Theirs(TEN)}}, {0: {FAST: ours(NINE._replace(output=100))}})
    assert least(whole(told.values())) == 0.5
    assert (whole(()).theirs, whole(()).ours, least(whole(()))) == (ZERO, ZERO, None)


def test_sums_by_tier_and_by_key() -> None:
    """Over hours and models, each tier; over hours, each model and tier, in their order."""
    mini = Key("gpt-4.1-mini", "priority")
    theirs = {0: {mini: Theirs(ONE), FAST: Theirs(TEN), SLOW: Theirs(ONE)}, H: {FAST: Theirs(ONE)}}
    held = {0: {FAST: ours(), SLOW: ours(ONE)}, H: {FAST: ours(ONE)}}
    told = cells(theirs, held).values()
    eleven = Figures(11, 1100, 64, 220)
    tiers = [(row.key.tier, row.theirs, row.ours) for row in by_tier(told)]
    assert tiers == [("default", ONE, ONE), ("priority", Figures(12, 1200, 64, 240), eleven)]
    keys = [(row.key, row.theirs, row.ours) for row in rows(told)]
    assert keys == [(SLOW, ONE, ONE), (FAST, eleven, eleven), (mini, ONE, ZERO)]


def test_more_here_than_there_is_a_gap_too() -> None:
    """Below 0, and covered by more than the whole."""
    told = cells({0: {FAST: Theirs(NINE)}}, {0: {FAST: ours()}})
    assert found(told[0, FAST]) == ((), Figures(-1, -100, 0, -20))
    assert rows(told.values())[0].covered("requests") == 10 / 9


@pytest.mark.parametrize(("begin", "is_in"), [(-H, False), (0, True), (3 * H, True), (4 * H, False)])
def test_only_closed_buckets_are_compared(begin: int, is_in: bool) -> None:
    assert bool(cells({begin: {FAST: Theirs(TEN)}}, {begin: {FAST: ours()}})) is is_in


def test_unknown_is_not_nothing() -> None:
    """Cached tokens that either side does not tell are no gap, and no coverage."""
    dark = TEN._replace(cached=None)
    for theirs, held in ((dark, TEN), (TEN, dark)):
        told = cells({0: {FAST: Theirs(theirs)}}, {0: {FAST: ours(held)}})
        assert told[0, FAST].unexplained == Figures(0, 0, None, 0)
        assert whole(told.values()).covered("cached") is None
    assert least(whole(cells({}, {0: {FAST: ours()}}).values())) is None


# ── projects and batches ──────────────────────────────────────────────────────────────────────────────────────────────
def test_other_projects_are_named_by_the_provider() -> None:
    told = cells({0: {FAST: Theirs(TEN, foreign=ONE)}}, {0: {FAST: ours(NINE)}})
    assert found(told[0, FAST]) == (((causes.OTHER_PROJECT, ONE),), ZERO)


def test_what_other_projects_leave_is_unexplained() -> None:
    told = cells({0: {FAST: Theirs(TEN, foreign=ONE)}}, {0: {FAST: ours(Figures(8, 800, 64, 160))}})
    assert found(told[0, FAST]) == (((causes.OTHER_PROJECT, ONE),), ONE)


def test_batches_stand_apart() -> None:
    """Ours is unknown for them, and no sum holds them."""
    told = cells({0: {FAST: Theirs(TEN), BATCH: Theirs(ONE)}}, {0: {FAST: ours()}})
    assert told[0, BATCH].ours is None
    assert told[0, BATCH].theirs == ONE
    assert found(told[0, BATCH]) == (((causes.BATCHES, ONE),), ZERO)
    assert whole(told.values()).theirs == TEN
    assert [row.key for row in rows(told.values())] == [FAST]
    assert [row.key.tier for row in by_tier(told.values())] == ["priority"]


# ── usage and tiers that are not known here ───────────────────────────────────────────────────────────────────────────
def test_calls_without_usage() -> None:
    """As many requests, fewer tokens, and a call that told none: the tokens are its."""
    held = ours(Figures(10, 900, 64, 180), without_usage=1)
    told = cells({0: {FAST: Theirs(TEN)}}, {0: {FAST: held}})
    assert found(told[0, FAST]) == (((causes.WITHOUT_USAGE, Figures(0, 100, 0, 20)),), ZERO)


def test_no_call_told_its_usage() -> None:
    """Then ours is unknown, and the whole of theirs is missing."""
    held = ours(Figures(10, None, None, None), without_usage=10)
    told = cells({0: {FAST: Theirs(TEN)}}, {0: {FAST: held}})
    assert found(told[0, FAST]) == (((causes.WITHOUT_USAGE, TEN._replace(requests=0)),), ZERO)
    assert whole(told.values()).covered("input") is None


@pytest.mark.parametrize(
    "held",
    [
        ours(Figures(10, 900, 64, 180)),
        ours(Figures(9, 900, 64, 180), without_usage=1),
        ours(Figures(10, 1100, 64, 180), without_usage=1),
        ours(Figures(10, 900, 64, 201), without_usage=1),
    ],
    ids=["none-without", "a-request-is-missing", "more-tokens-here", "one-token-more-here"],
)
def test_where_calls_without_usage_prove_nothing(held: Ours) -> None:
    assert cells({0: {FAST: Theirs(TEN)}}, {0: {FAST: held}})[0, FAST].causes == ()


def test_a_stream_that_was_cut_before_its_tier() -> None:
    """One is missing at priority, one here has no tier: that is it, for whatever reason the ledger knows."""
    held = {FAST: ours(NINE), BLANK: ours(Figures(1, None, None, None), without_usage=1, unsaid={"cut_short": 1})}
    told = cells({0: {FAST: Theirs(TEN)}}, {0: held})
    assert found(told[0, FAST]) == ((("cut_short", ONE),), ZERO)
    assert found(told[0, BLANK]) == ((("cut_short", Figures(-1, 0, 0, 0)),), ZERO)


def test_several_tiers_and_reasons() -> None:
    """Over the tiers of the model the numbers agree; which reason is which tier's is not known."""
    blank = ours(Figures(2, 150, 0, 30), unsaid={"cut_short": 1, "queued": 1})
    told = cells({0: {FAST: Theirs(TEN), SLOW: Theirs(ONE)}}, {0: {FAST: ours(NINE), BLANK: blank}})
    assert {cell.causes[0].word for cell in told.values()} == {causes.TIER_UNKNOWN}
    assert all(cell.unexplained == ZERO for cell in told.values())


@pytest.mark.parametrize("spare", [1, 3], ids=["fewer", "more"])
def test_tiers_that_do_not_add_up_prove_nothing(spare: int) -> None:
    held = {FAST: ours(Figures(8, 800, 64, 160)), BLANK: ours(Figures(spare, 0, 0, 0), unsaid={"cut_short": spare})}
    told = cells({0: {FAST: Theirs(TEN)}}, {0: held})
    assert [cell.causes for cell in told.values()] == [(), ()]


def test_a_tier_with_too_many_calls_proves_nothing_of_the_others() -> None:
    """Three missing at priority, one too many at default: two without a tier would make up for it, by chance."""
    held = {
        FAST: ours(Figures(7, 700, 64, 140)),
        SLOW: ours(Figures(2, 200, 0, 40)),
        BLANK: ours(Figures(2, 0, 0, 0), unsaid={"cut_short": 2}),
    }
    told = cells({0: {FAST: Theirs(TEN), SLOW: Theirs(ONE)}}, {0: held})
    assert [cell.causes for cell in told.values()] == [()] * 3


# ── edges ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def moved(*, near_begin: int = 0, near_end: int = 0, later: int = H) -> list[Cell]:
    """A call that the provider has in the first bucket, and the ledger in a later one."""
    theirs = {0: {FAST: Theirs(TEN)}, later: {FAST: Theirs(NINE)}}
    held = {0: {FAST: ours(NINE, near_end=near_end)}, later: {FAST: ours(TEN, near_begin=near_begin)}}
    return list(cells(theirs, held).values())


def test_a_call_at_the_edge_is_one_of_the_clocks() -> None:
    first, second = moved(near_begin=1)
    assert found(first) == (((causes.CLOCK_SKEW, ONE),), ZERO)
    assert found(second) == (((causes.CLOCK_SKEW, Figures(-1, -100, 0, -20)),), ZERO)


def test_the_other_way_round() -> None:
    """The ledger has it in the earlier bucket: near its end."""
    theirs = {0: {FAST: Theirs(NINE)}, H: {FAST: Theirs(TEN)}}
    told = cells(theirs, {0: {FAST: ours(TEN, near_end=1)}, H: {FAST: ours(NINE)}})
    assert [cell.causes[0].word for cell in told.values()] == [causes.CLOCK_SKEW] * 2


@pytest.mark.parametrize(
    "told",
    [moved(), moved(near_end=1), moved(near_begin=1, later=2 * H)],
    ids=["none-near", "near-the-wrong-edge", "not-the-next-bucket"],
)
def test_where_an_edge_proves_nothing(told: list[Cell]) -> None:
    assert [cell.causes for cell in told] == [(), ()]


def test_tokens_must_agree_too() -> None:
    """One call more there and one less here, of other tokens: two gaps."""
    theirs = {0: {FAST: Theirs(TEN)}, H: {FAST: Theirs(NINE._replace(output=179))}}
    told = cells(theirs, {0: {FAST: ours(NINE)}, H: {FAST: ours(TEN, near_begin=1)}})
    assert [cell.causes for cell in told.values()] == [(), ()]


def test_a_run_over_three_buckets() -> None:
    """Calls move on at each edge: 10, 10, 9 there are 9, 10, 10 here, with one near the begin of each."""
    theirs = {0: {FAST: Theirs(TEN)}, H: {FAST: Theirs(TEN)}, 2 * H: {FAST: Theirs(NINE)}}
    held = {0: {FAST: ours(NINE)}, H: {FAST: ours(near_begin=1)}, 2 * H: {FAST: ours(near_begin=1)}}
    told = cells(theirs, held)
    assert [cell.unexplained for cell in told.values()] == [ZERO] * 3
    assert [len(cell.causes) for cell in told.values()] == [1, 0, 1]


def test_a_gap_before_a_run_does_not_hide_it() -> None:
    """What is missing for ever in the first bucket has nothing to do with the edge after the second."""
    theirs = {0: {FAST: Theirs(TEN)}, H: {FAST: Theirs(TEN)}, 2 * H: {FAST: Theirs(NINE)}}
    held = {0: {FAST: ours(Figures(4, 400, 64, 80))}, H: {FAST: ours(NINE)}, 2 * H: {FAST: ours(near_begin=1)}}
    told = cells(theirs, held)
    assert [cell.unexplained.requests for cell in told.values()] == [6, 0, 0]


def test_a_background_response_that_was_fetched_late() -> None:
    """Two buckets later, where the call that made it is not in the ledger."""
    theirs = {0: {FAST: Theirs(TEN)}, 2 * H: {FAST: Theirs(NINE)}}
    told = cells(theirs, {0: {FAST: ours(NINE)}, 2 * H: {FAST: ours(late=1)}})
    assert [cell.causes[0].word for cell in told.values()] == [causes.FETCHED_LATE] * 2
    told = cells(theirs, {0: {FAST: ours(NINE)}, 2 * H: {FAST: ours(late=0)}})
    assert [cell.causes for cell in told.values()] == [(), ()]


def test_late_is_what_comes_later() -> None:
    """Responses that were counted where they were fetched, in the hour that lacks one or before, prove nothing."""
    theirs = {0: {FAST: Theirs(TEN)}, 2 * H: {FAST: Theirs(NINE)}}
    told = cells(theirs, {0: {FAST: ours(NINE, late=1)}, 2 * H: {FAST: ours()}})
    assert [cell.causes for cell in told.values()] == [(), ()]


def test_the_other_way_round_needs_the_next_bucket() -> None:
    theirs = {0: {FAST: Theirs(NINE)}, 2 * H: {FAST: Theirs(TEN)}}
    told = cells(theirs, {0: {FAST: ours(TEN, near_end=1)}, 2 * H: {FAST: ours(NINE)}})
    assert [cell.causes for cell in told.values()] == [(), ()]


def test_equal_buckets_before_a_run() -> None:
    """Do not hide it."""
    theirs = {0: {FAST: Theirs(TEN)}, H: {FAST: Theirs(TEN)}, 2 * H: {FAST: Theirs(NINE)}}
    told = cells(theirs, {0: {FAST: ours()}, H: {FAST: ours(NINE)}, 2 * H: {FAST: ours(near_begin=1)}})
    assert [len(cell.causes) for cell in told.values()] == [0, 1, 1]


# ── attempts without an answer ────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(("lost", "is_named"), [(0, False), (1, True), (5, True)])
def test_attempts_without_an_answer_are_inferred(lost: int, is_named: bool) -> None:
    """No more requests are missing than such attempts: perhaps these, and the word says that it is inferred."""
    told = cells({0: {FAST: Theirs(TEN)}}, {0: {FAST: ours(NINE)}}, {(0, "gpt-4.1"): lost})
    assert found(told[0, FAST]) == ((((causes.NO_ANSWER, ONE),), ZERO) if is_named else ((), ONE))
    assert causes.NO_ANSWER.startswith("inferred")


def test_attempts_are_of_a_model_in_all_its_tiers() -> None:
    """One missing at priority, default whole: that one. One too many at default: nothing is inferred."""
    theirs = {0: {FAST: Theirs(TEN), SLOW: Theirs(ONE)}}
    told = cells(theirs, {0: {FAST: ours(NINE), SLOW: ours(ONE)}}, {(0, "gpt-4.1"): 1})
    assert (len(told[0, FAST].causes), told[0, SLOW].causes) == (1, ())
    told = cells(
        theirs, {0: {FAST: ours(Figures(8, 800, 64, 160)), SLOW: ours(Figures(2, 200, 0, 40))}}, {(0, "gpt-4.1"): 9}
    )
    assert [cell.causes for cell in told.values()] == [(), ()]


def test_every_cause_has_its_words() -> None:
    """In the sentences of the command line."""
    from tierscope.cli.books import _CAUSES

    assert set(causes.CAUSES) == set(_CAUSES)
