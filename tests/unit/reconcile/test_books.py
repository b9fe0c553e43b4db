"""Buckets, clocks, money, and the pages of the admin API: each by literals."""

from __future__ import annotations

from typing import Any, Final

import pytest

from tierscope.reconcile import clocks, hours, money, pages
from tierscope.reconcile.figures import ZERO, Figures, Key, Ours, Theirs, coverage, named

H: Final = 3600
DAY: Final = 86_400
FAST: Final = Key("gpt-4.1", "priority")


# ── hours ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("begin", "end", "now", "buckets", "open_"),
    [
        (0, 3 * H, 9 * H, [0, H, 2 * H], []),
        (1, 3 * H - 1, 9 * H, [H], []),
        (0, 3 * H, 2 * H + 359, [0], [H, 2 * H]),
        (0, 3 * H, 2 * H + 360, [0, H], [2 * H]),
        (0, 9 * H, 2 * H + 360, [0, H], [2 * H]),
        (0, 2 * H, 100, [], [0]),
        (H, 2 * H, 100, [], []),
        (10, 20, 9 * H, [], []),
    ],
    ids=["all", "partial", "settling", "settled", "to-come", "none-closed", "in-the-future", "within-one"],
)
def test_only_whole_closed_buckets(begin: int, end: int, now: int, buckets: list[int], open_: list[int]) -> None:
    """An hour is closed 360 s after its end; those that have begun are named, those to come are not."""
    span = hours.span(begin, end, H, now_s=now, settle_s=hours.settling(H))
    assert (list(span.buckets), list(span.open)) == (buckets, open_)


def test_the_widths_are_those_of_the_api() -> None:
    assert hours.WIDTHS == {"1m": 60, "1h": 3600}


# ── clocks ────────────────────────────────────────────────────────────────────────────────────────────────────────────
def books(*counts: int, ahead: int = 0) -> tuple[dict[int, dict[Key, Theirs]], dict[int, dict[Key, Ours]]]:
    figures = [Figures(count, 100 * count, 0, count) for count in counts]
    theirs = {at * H: {FAST: Theirs(one)} for at, one in enumerate(figures)}
    return theirs, {(at + ahead) * H: {FAST: Ours(one)} for at, one in enumerate(figures)}


@pytest.mark.parametrize("ahead", [-24, -2, 1, 9, 24])
def test_a_clock_that_is_off_by_hours_is_found(ahead: int) -> None:
    assert clocks.shift(*books(3, 5, 4, ahead=ahead), H) == ahead


@pytest.mark.parametrize(
    ("counts", "ahead"), [((3, 5, 4), 0), ((3, 5), 2), ((3, 5, 4), 25)], ids=["right", "too-few", "too-far"]
)
def test_a_clock_that_cannot_be_called_wrong(counts: tuple[int, ...], ahead: int) -> None:
    assert clocks.shift(*books(*counts, ahead=ahead), H) is None


def test_one_figure_in_its_place_clears_a_clock() -> None:
    """And so does one that has no match at any distance."""
    theirs, ours = books(3, 5, 4, ahead=1)
    assert clocks.shift({**theirs, H: {FAST: Theirs(Figures(3, 300, 0, 3))}}, ours, H) is None
    assert clocks.shift({at: held for at, held in theirs.items() if at != H}, ours, H) is None


def test_figures_that_are_equal_in_every_hour() -> None:
    """They are in their place as well as anywhere: no clock is called wrong."""
    theirs, ours = books(3, 5, 4, ahead=1)
    slow, seven = Key("gpt-4.1", "default"), Figures(7, 700, 0, 7)
    theirs = {at: {**held, slow: Theirs(seven)} for at, held in theirs.items()}
    ours = {at: {**held, slow: Ours(seven)} for at, held in ours.items()}
    assert clocks.shift(theirs, ours, H) is None


# ── money ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_money_of_whole_days_only() -> None:
    """Of three days begun, the one in the middle; line items of models that the ledger never names stand apart.

    $2.50 there, $2.00 here: 80 %.
    """
    paid = [
        pages.Paid(DAY, "gpt-4.1-2025-04-14, input_tokens", 2 * pages.PICO),
        pages.Paid(DAY, "dall-e-3", pages.PICO // 4),
        pages.Paid(DAY, "dall-e-3", pages.PICO // 4),
        pages.Paid(2 * DAY, "gpt-4.1-2025-04-14, input_tokens", 7 * pages.PICO),
    ]
    bills = {DAY: money.Bill(2 * pages.PICO, 9, {"no_usage": 1})}
    (day,) = money.days(10, 3 * DAY - 10, paid, bills, frozenset({"gpt-4.1"}))[:1]
    assert (day.begin_s, day.theirs_pico, day.covered) == (DAY, 5 * pages.PICO // 2, 0.8)
    assert day.elsewhere == {"dall-e-3": pages.PICO // 2}
    (bare,) = money.days(0, DAY, [pages.Paid(0, None, 5)], {}, frozenset())
    assert (bare.elsewhere, bare.ours) == ({"no line item": 5}, money.Bill(0, 0))
    assert [one.begin_s for one in money.days(10, 2 * DAY, paid, bills, frozenset())] == [DAY]
    assert money.days(10, 2 * DAY - 1, paid, bills, frozenset()) == []


def test_money_that_is_unknown() -> None:
    """No priced call here is no 0 %, and nothing there is no 100 %."""
    assert money.Day(0, 5, money.Bill(unpriced={"no_usage": 3}), {}).covered is None
    assert money.Day(0, 0, money.Bill(5, 1), {}).covered is None


# ── pages ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
RESULT: Final = {
    "num_model_requests": 2,
    "input_tokens": 100,
    "input_cached_tokens": 64,
    "output_tokens": 20,
    "model": "gpt-4.1-2025-04-14",
    "service_tier": "fast",
    "project_id": "proj_a",
    "batch": False,
}


def page(*results: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"data": [{"start_time": H, "end_time": 2 * H, "results": list(results)}], **more}


@pytest.mark.parametrize(
    ("changed", "tier"),
    [
        ({}, "priority"),
        ({"service_tier": "standard"}, "default"),
        ({"service_tier": None}, "unreported"),
        ({"service_tier": ""}, "unreported"),
        ({"service_tier": "warp"}, "_OTHER"),
        ({"service_tier": "default", "batch": True}, "batch"),
        ({"service_tier": "batch"}, "batch"),
    ],
)
def test_tiers_are_canonical(changed: dict[str, Any], tier: str) -> None:
    """The API's word is a free string; batches are told by their own field."""
    (used,) = pages.used(page({**RESULT, **changed}))
    assert used == (H, Key("gpt-4.1", tier), "proj_a", Figures(2, 100, 64, 20))


def test_cached_tokens_may_be_absent() -> None:
    """As in older replies: unknown, not nothing."""
    (used,) = pages.used(page({key: value for key, value in RESULT.items() if key != "input_cached_tokens"}))
    assert used.figures.cached is None


def test_results_add_up_by_bucket_and_key() -> None:
    """Two projects, one of which the ledger knows; a bucket that a page cuts is the same bucket."""
    results = pages.used(page(RESULT, {**RESULT, "project_id": "proj_b", "service_tier": "priority"}))
    late = results[1]._replace(begin_s=H + 60)
    held = pages.books([results[0], late], H, frozenset({"proj_a"}))
    assert held == {H: {FAST: Theirs(Figures(4, 200, 128, 40), foreign=Figures(2, 100, 64, 20))}}
    assert pages.books([results[0], late], H, None)[H][FAST].foreign == ZERO


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (None, "NoneType"),
        ("<html>", "str without a list named data"),
        ({"data": {}}, "dict without a list"),
        ({"data": [{"start_time": 5}]}, "no results"),
        (page({**RESULT, "input_tokens": "many"}), "no input_tokens"),
    ],
)
def test_what_is_no_page_says_why(told: Any, said: str) -> None:
    with pytest.raises(pages.PageError, match=said):
        pages.used(told)


@pytest.mark.parametrize(("value", "pico"), [(0.06, 60_000_000_000), ("1.5", 1_500_000_000_000), (None, 0)])
def test_amounts_are_numbers_or_their_text(value: Any, pico: int) -> None:
    amount = {"value": value, "currency": "usd"}
    assert pages.paid(page({"amount": amount, "line_item": "x"})) == [pages.Paid(H, "x", pico)]


@pytest.mark.parametrize(
    ("amount", "said"), [({"value": "ten"}, "no number: 'ten'"), ({"value": 1, "currency": "eur"}, "'eur'")]
)
def test_amounts_that_cannot_be_added(amount: dict[str, Any], said: str) -> None:
    with pytest.raises(pages.PageError, match=said):
        pages.paid(page({"amount": amount}))


def test_the_next_page() -> None:
    assert pages.following({"has_more": False, "next_page": "x"}) is None
    assert pages.following({"has_more": True, "next_page": "x"}) == "x"
    with pytest.raises(pages.PageError, match="names no next page"):
        pages.following({"has_more": True, "next_page": None})


# ── figures ───────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("theirs", "ours", "part"), [(10, 9, 0.9), (0, 0, None), (None, 5, None), (5, None, None), (5, 0, 0.0)]
)
def test_coverage_is_exact_or_absent(theirs: int | None, ours: int | None, part: float | None) -> None:
    assert coverage(theirs, ours) == part


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("gpt-4.1-2025-04-14", "gpt-4.1"),
        ("gpt-4.1", "gpt-4.1"),
        ("ft:gpt-4.1-2025-04-14:org::id", "ft:gpt-4.1"),
        (None, "?"),
    ],
)
def test_a_model_is_compared_without_its_date(model: str | None, name: str) -> None:
    """One side may name the alias, the other the snapshot."""
    assert named(model) == name
