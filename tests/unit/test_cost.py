"""What calls cost: literals with their arithmetic beside them, from the numbers that the sources print."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any, Final

import pytest

from tests.unit.costs import COSTS
from tierscope import cost, words
from tierscope.catalog import prices
from tierscope.catalog.providers import AZURE
from tierscope.model import NO_COST, Batch, Call, Cost, Failure, Reply, Request, Speed, Timing, Usage

RATES: Final = prices.rates()
NOON_NS: Final = 12 * 3600 * 10**9
NOW: Final = "2026-11-26"
PRIORITY_GPT_41: Final = 462_000_000
"""36 x 3.50 + 64 x 0.875 + 20 x 14.00 millionths of a dollar."""
DEFAULT_GPT_41: Final = 264_000_000
"""36 x 2.00 + 64 x 0.50 + 20 x 8.00."""
SAMPLE: Final = Usage(100, 20, 64, 0, 7)


def of(model: str | None, tier: str, usage: Usage | None, *, day: str = NOW, **facts: Any) -> Cost:
    """Return the cost of a call whose reply names this model."""
    start = dt.date.fromisoformat(day).toordinal() - dt.date(1970, 1, 1).toordinal()
    reply = facts.pop("reply", Reply(model=model, usage=usage))
    expected = facts.pop("expected", None)
    asked = Request(
        **{"operation": "chat", "endpoint": "chat_completions", "provider": "openai", "row": "openai", "trusted": True}
        | facts
    )
    timing = Timing(0, 1, start * cost.DAY_NS + NOON_NS)
    call = Call(asked._replace(expected=expected), (), reply, None, timing, "complete", Speed(), tier, "honored")
    assert cost.priced(RATES, call) == call._replace(cost=cost.of(RATES, call))
    return cost.of(RATES, call)


def worked_out(arithmetic: str) -> Decimal:
    """Return what tokens times dollars for a million come to: millionths of a dollar."""
    return sum((Decimal(a) * Decimal(b) for a, b in (part.split("*") for part in arithmetic.split("+"))), Decimal(0))


CASES: Final = [line for line in COSTS.splitlines() if line]


@pytest.mark.parametrize("case", CASES)
def test_a_cost_is_what_its_source_comes_to(case: str) -> None:
    """To the last digit: in pico-dollars nothing is rounded."""
    asked, sum_ = case.split(": ")
    provider, model, tier, day, tokens = asked.split(" ")
    taken, cached, written, given = map(int, tokens.split("/"))
    arithmetic, millionths = sum_.split(" = ")
    assert worked_out(arithmetic) == Decimal(millionths)
    found = of(model, tier, Usage(taken, given, cached, written), day=day, provider=provider)
    assert (found.amount, found.unpriced) == (int(Decimal(millionths) * 1_000_000), None)
    on = dt.date.fromisoformat(day).toordinal() - dt.date(1970, 1, 1).toordinal()
    parts = (taken - cached - written, cached, written, given)
    assert cost.at(RATES, provider, model, tier, on, taken, parts) == found.amount
    assert cost.at(RATES, provider, "gpt-9", tier, on, taken, parts) is None


def test_there_are_enough_of_them() -> None:
    """Sixty at least, all different."""
    assert len({case.partition(":")[0] for case in CASES}) == len(CASES) >= 60


# ── beside it: the default tier, the promised tier ────────────────────────────────────────────────────────────────────
def test_a_premium_is_paid() -> None:
    """The same tokens at the default tier stand beside; the difference is the premium."""
    bill = of("gpt-4.1-2025-04-14", "priority", SAMPLE, expected="priority")
    assert bill == Cost(PRIORITY_GPT_41, DEFAULT_GPT_41, None, "exact")
    assert dict(cost.effects(bill, "honored", "priority")) == {"premium_paid": 198_000_000}


def test_a_downgrade_is_a_premium_not_charged() -> None:
    """Billed by the tier that served; what the promised one would have cost stands beside it."""
    bill = of("gpt-4.1-2025-04-14", "default", SAMPLE, expected="priority")
    assert bill == Cost(DEFAULT_GPT_41, DEFAULT_GPT_41, PRIORITY_GPT_41, "exact")
    assert dict(cost.effects(bill, "downgraded", "priority")) == {"premium_not_charged": 198_000_000}


def test_flex_answered_by_default_is_a_saving_lost() -> None:
    """1000 x 0.25 + 500 x 2 at default, half of it at flex."""
    bill = of("gpt-5-mini-2025-08-07", "default", Usage(1000, 500, 0), expected="flex")
    assert bill == Cost(1_250_000_000, 1_250_000_000, 625_000_000, "exact")
    assert dict(cost.effects(bill, "upgraded", "flex")) == {"saving_lost": 625_000_000}


def test_flex_is_a_saving() -> None:
    """Half the price."""
    bill = of("gpt-5-mini-2025-08-07", "flex", Usage(1000, 500, 0), expected="flex")
    assert dict(cost.effects(bill, "honored", "flex")) == {"saving_made": 625_000_000}


EFFECTS = [
    pytest.param((2, 2, None), "honored", "default", {}, id="nothing to say"),
    pytest.param((None, 2, 3), "downgraded", "flex", {}, id="no price"),
    pytest.param((2, None, None), "honored", "priority", {}, id="no default price"),
    pytest.param((3, 2, None), "honored", "priority", {"premium_paid": 1}, id="dearer"),
    pytest.param((1, 2, None), "honored", "flex", {"saving_made": 1}, id="cheaper"),
    pytest.param((2, 2, 5), "downgraded", "priority", {"premium_not_charged": 3}, id="downgraded"),
    pytest.param((2, 2, 5), "failed", "priority", {}, id="not downgraded"),
    pytest.param((2, 2, 2), "downgraded", "priority", {}, id="downgraded at one price"),
    pytest.param((2, 2, 1), "downgraded", "priority", {}, id="downgraded and dearer"),
    pytest.param((2, 2, 1), "upgraded", "flex", {"saving_lost": 1}, id="flex lost"),
    pytest.param((2, 2, 1), "upgraded", "batch", {"saving_lost": 1}, id="batch lost"),
    pytest.param((2, 2, 1), "upgraded", "default", {}, id="dearer than asked, but no saving"),
    pytest.param((2, 2, 2), "upgraded", "flex", {}, id="flex at the default price (Groq)"),
    pytest.param((2, 2, 3), "upgraded", "flex", {}, id="flex would have been dearer"),
]


@pytest.mark.parametrize(("amounts", "outcome", "expected", "found"), EFFECTS)
def test_what_a_tier_makes_of_a_bill(
    amounts: tuple[int | None, int | None, int | None], outcome: str, expected: str, found: dict[str, int]
) -> None:
    """By amounts paid, at the default tier, at the promised one; only what is above zero."""
    assert dict(cost.effects(Cost(*amounts), outcome, expected)) == found


def test_scale_stays_out() -> None:
    """Capacity was paid for in advance: no cost, and no huge saving either; its spill-over is billed."""
    assert of("gpt-4.1-2025-04-14", "scale", SAMPLE, expected="scale") == NO_COST
    assert of("gpt-4.1-2025-04-14", "default", SAMPLE, expected="scale") == Cost(
        DEFAULT_GPT_41, DEFAULT_GPT_41, None, "exact"
    )


@pytest.mark.parametrize(("window", "share"), [("2h", "0.7"), ("8h", "0.6"), (None, "1"), ("soonest", "1")])
def test_background_work_that_may_wait(window: str | None, share: str) -> None:
    """1000 x 1.25 + 500 x 10, times the share of its window; what it would have cost at once stands beside it."""
    background = {"endpoint": "responses", "is_background": True, "window": window}
    bill = of("gpt-5-2025-08-07", "default", Usage(1000, 500, 0), **background)
    basis = "exact" if share == "1" else "overlay"
    assert bill == Cost(int(6250 * Decimal(share)) * 1_000_000, 6_250_000_000, None, basis)


def test_a_window_lowers_no_other_tier() -> None:
    """It needs background work at the default tier."""
    background = {"endpoint": "responses", "is_background": True, "window": "8h"}
    assert of("gpt-5-2025-08-07", "priority", Usage(1000, 500, 0), **background).amount == 12_500_000_000
    assert of("gpt-5-2025-08-07", "default", Usage(1000, 500, 0), window="8h").amount == 6_250_000_000


def test_an_endpoint_without_tiers_is_priced_at_its_one_price() -> None:
    """1000 x 0.02: no reply of theirs names a tier."""
    bill = of("text-embedding-3-small", "unreported", Usage(1000), endpoint="embeddings", operation="embeddings")
    assert bill == Cost(20_000_000, 20_000_000, None, "exact")


def test_edges_of_a_price() -> None:
    """All of the prompt cached; nothing in; no output told; legacy completions; a deployment's name."""
    assert of("gpt-4.1", "default", Usage(64, 0, 64)).amount == 32_000_000
    assert of("gpt-5.4", "default", Usage(0, 10)).amount == 150_000_000
    assert of("gpt-4.1", "default", Usage(10)).amount == 20_000_000
    legacy = {"endpoint": "completions", "operation": "text_completion"}
    assert of("gpt-3.5-turbo-instruct", "unreported", Usage(10), **legacy).amount == 15_000_000
    assert of(None, "default", Usage(10), deployment="gpt-4.1").amount == 20_000_000


def test_output_without_a_price() -> None:
    """Of an embedding there is none; that is no matter of the cache."""
    assert of("text-embedding-3-small", "default", Usage(10, 5)) == Cost(unpriced="no_price")


# ── no price ──────────────────────────────────────────────────────────────────────────────────────────────────────────
UNPRICED: Final = [
    pytest.param("gpt-4.1", "default", None, {}, "no_usage", id="usage"),
    pytest.param("gpt-4.1", "unreported", SAMPLE, {}, "tier_unreported", id="tier not told"),
    pytest.param("gpt-4.1", "_OTHER", SAMPLE, {}, "tier_unknown", id="unknown word"),
    pytest.param(None, "default", SAMPLE, {}, "no_model", id="no model"),
    pytest.param("gpt-4.1", "default", SAMPLE, {"provider": "x_ai"}, "unknown_provider", id="provider"),
    pytest.param("gpt-99", "default", SAMPLE, {}, "unknown_model", id="model"),
    pytest.param("ft:gpt-4.1-2025-04-14:acme::1", "priority", SAMPLE, {}, "no_price", id="tuned is not its base"),
    pytest.param("chat-prod", "default", SAMPLE, {"provider": AZURE}, "unknown_model", id="a deployment's name"),
    pytest.param("gpt-4.1", "flex", SAMPLE, {}, "no_price", id="no flex variant: genai-prices says standard"),
    pytest.param("gpt-4.1", "ultrafast", SAMPLE, {}, "no_price", id="no ultrafast: genai-prices says standard"),
    pytest.param("gpt-5-2025-08-07", "priority", SAMPLE, {"day": "2026-10-11"}, "not_dated", id="before its variant"),
    pytest.param("o3", "flex", SAMPLE, {"day": "2026-01-01"}, "not_dated", id="between two prices"),
    pytest.param("gpt-4.1", "batch", SAMPLE, {}, "no_cache_price", id="batch without a price of cached tokens"),
    pytest.param("gpt-4o-2024-05-13", "priority", SAMPLE, {}, "no_cache_price", id="printed as a dash"),
    pytest.param("gpt-4.1", "default", Usage(100, 20, 0, 5), {}, "no_cache_price", id="no price of writing"),
    pytest.param("gpt-4.1", "default", Usage(100, 20, 101), {}, "inconsistent_usage", id="more cached than taken"),
    pytest.param("gpt-4.1", "default", Usage(100, 20, audio_output=3), {}, "audio", id="audio"),
]


@pytest.mark.parametrize(("model", "tier", "usage", "facts", "reason"), UNPRICED)
def test_what_has_no_price_says_why(
    model: str | None, tier: str, usage: Usage | None, facts: dict[str, Any], reason: str
) -> None:
    """One of a closed set of reasons, and no amount at all."""
    assert of(model, tier, usage, **facts) == Cost(unpriced=reason)


def test_every_reason_is_met() -> None:
    """The set holds no word that no call can have."""
    assert {case.values[-1] for case in UNPRICED} == set(words.UNPRICED)


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(None, id="no reply"),
        pytest.param(Reply(model="gpt-4.1", usage=SAMPLE, is_usage_new=False), id="counted before"),
        pytest.param(Reply(model="gpt-4.1", failure=Failure("server_error")), id="failed without usage"),
    ],
)
def test_where_nothing_is_billed_there_is_neither_price_nor_reason(reply: Reply | None) -> None:
    """A refused call is not unpriced: it cost nothing that we know of."""
    assert of("gpt-4.1", "default", None, reply=reply) == NO_COST


def test_a_failed_call_with_usage_is_priced() -> None:
    """Its tokens are told, and billed."""
    failed = Reply(model="gpt-4.1", usage=SAMPLE, failure=Failure("server_error"))
    assert of("gpt-4.1", "default", SAMPLE, reply=failed).amount == DEFAULT_GPT_41


def test_a_batch_has_the_price_of_the_day_on_which_it_was_made() -> None:
    """Before the first day of that price it has none; without its date, that of the call that told of it."""
    made = (dt.date(2026, 10, 13), dt.date(2026, 10, 14), None)
    stamps = [day and (day.toordinal() - dt.date(1970, 1, 1).toordinal()) * cost.DAY_S for day in made]
    told = [Reply(model="gpt-5-2025-08-07", usage=Usage(1000), batch=Batch(stamp)) for stamp in stamps]
    costs = [of(None, "batch", None, reply=reply, operation="batch", endpoint="batches") for reply in told]
    assert [(one.amount, one.unpriced) for one in costs] == [
        (None, "not_dated"),
        (625_000_000, None),
        (625_000_000, None),
    ]


def test_an_amount_survives_the_ledger() -> None:
    """Dollars in a column of 64 bits are pico-dollars again, below a thousand dollars a call."""
    amounts = (1, 264_000_000, 999_999_999_999_999)
    assert [round(amount / cost.PICO * cost.PICO) for amount in amounts] == list(amounts)
