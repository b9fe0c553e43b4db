"""What calls cost: literals with their arithmetic beside them, from the numbers that the sources print."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any, Final

import pytest

from tierscope import cost, words
from tierscope.catalog import prices
from tierscope.catalog.providers import AZURE
from tierscope.model import NO_COST, Cost, Failure, Reply, Request, Usage

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
    start = datetime.date.fromisoformat(day).toordinal() - datetime.date(1970, 1, 1).toordinal()
    reply = facts.pop("reply", Reply(model=model, usage=usage))
    expected = facts.pop("expected", None)
    asked = Request(
        **{"operation": "chat", "endpoint": "chat_completions", "provider": "openai", "row": "openai", "trusted": True}
        | facts
    )
    unix_ns = start * cost.DAY_NS + NOON_NS
    return cost.of(RATES, asked, reply, served=tier, expected=expected, unix_ns=unix_ns)


def worked_out(arithmetic: str) -> Decimal:
    """Return what tokens times dollars for a million come to: millionths of a dollar."""
    return sum(
        (Decimal(a) * Decimal(b) for a, b in (part.split(" * ") for part in arithmetic.split(" + "))), Decimal(0)
    )


# (provider, model of the reply, served tier, day, (input, of it cached, of it written, output), millionths of a dollar)
CASES: Final = [
    # source document 000, its priority prices; 004, its flex prices; then genai-prices 0.2.3, litellm 1.109.1
    ("openai", "gpt-4.1", "priority", "2026-11-26", (100, 64, 0, 20), "36 * 3.50 + 64 * 0.875 + 20 * 14.00", "462"),
    ("openai", "gpt-4.1", "priority", "2025-08-01", (1000, 0, 0, 500), "1000 * 3.50 + 500 * 14.00", "10500"),
    (
        "openai",
        "gpt-4.1-mini",
        "priority",
        "2026-11-26",
        (100, 64, 0, 20),
        "36 * 0.70 + 64 * 0.175 + 20 * 2.80",
        "92.4",
    ),
    ("openai", "gpt-4.1-mini", "priority", "2025-08-01", (1000, 0, 0, 500), "1000 * 0.70 + 500 * 2.80", "2100"),
    (
        "openai",
        "gpt-4.1-nano",
        "priority",
        "2026-11-26",
        (100, 64, 0, 20),
        "36 * 0.20 + 64 * 0.050 + 20 * 0.80",
        "26.4",
    ),
    ("openai", "gpt-4.1-nano", "priority", "2025-08-01", (1000, 0, 0, 500), "1000 * 0.20 + 500 * 0.80", "600"),
    (
        "openai",
        "gpt-4o-2024-11-20",
        "priority",
        "2026-11-26",
        (100, 64, 0, 20),
        "36 * 4.25 + 64 * 2.125 + 20 * 17.00",
        "629",
    ),
    ("openai", "gpt-4o-2024-11-20", "priority", "2025-08-01", (1000, 0, 0, 500), "1000 * 4.25 + 500 * 17.00", "12750"),
    (
        "openai",
        "gpt-4o-2024-08-06",
        "priority",
        "2026-11-26",
        (100, 64, 0, 20),
        "36 * 4.25 + 64 * 2.125 + 20 * 17.00",
        "629",
    ),
    ("openai", "gpt-4o-2024-08-06", "priority", "2025-08-01", (1000, 0, 0, 500), "1000 * 4.25 + 500 * 17.00", "12750"),
    ("openai", "gpt-4o-mini", "priority", "2026-11-26", (100, 64, 0, 20), "36 * 0.25 + 64 * 0.125 + 20 * 1.00", "37"),
    ("openai", "gpt-4o-mini", "priority", "2025-08-01", (1000, 0, 0, 500), "1000 * 0.25 + 500 * 1.00", "750"),
    ("openai", "o3", "priority", "2026-11-26", (100, 64, 0, 20), "36 * 3.50 + 64 * 0.875 + 20 * 14.00", "462"),
    ("openai", "o3", "priority", "2025-08-01", (1000, 0, 0, 500), "1000 * 3.50 + 500 * 14.00", "10500"),
    ("openai", "o4-mini", "priority", "2026-11-26", (100, 64, 0, 20), "36 * 2.00 + 64 * 0.500 + 20 * 8.00", "264"),
    ("openai", "o4-mini", "priority", "2025-08-01", (1000, 0, 0, 500), "1000 * 2.00 + 500 * 8.00", "6000"),
    ("openai", "gpt-4o-2024-05-13", "priority", "2026-11-26", (1000, 0, 0, 500), "1000 * 8.75 + 500 * 26.25", "21875"),
    ("openai", "o3", "flex", "2025-05-01", (1000, 0, 0, 500), "1000 * 5.00 + 500 * 20.00", "15000"),
    ("openai", "o3", "default", "2025-06-09", (1000, 0, 0, 500), "1000 * 10.00 + 500 * 40.00", "30000"),
    ("openai", "o3", "default", "2025-06-10", (1000, 0, 0, 500), "1000 * 2.00 + 500 * 8.00", "6000"),
    ("openai", "o3", "flex", "2026-10-12", (1000, 0, 0, 500), "1000 * 1.00 + 500 * 4.00", "3000"),
    ("openai", "o3", "flex", "2026-11-26", (100, 64, 0, 20), "36 * 1.00 + 64 * 0.25 + 20 * 4.00", "132"),
    ("openai", "o4-mini", "flex", "2025-05-01", (1000, 0, 0, 500), "1000 * 0.55 + 500 * 2.20", "1650"),
    ("openai", "o4-mini", "flex", "2026-11-26", (1000, 0, 0, 500), "1000 * 0.55 + 500 * 2.20", "1650"),
    ("openai", "o4-mini", "default", "2025-05-01", (1000, 0, 0, 500), "1000 * 1.10 + 500 * 4.40", "3300"),
    (
        "openai",
        "gpt-4.1-2025-04-14",
        "default",
        "2026-11-26",
        (100, 64, 0, 20),
        "36 * 2.00 + 64 * 0.50 + 20 * 8.00",
        "264",
    ),
    (
        "openai",
        "gpt-4.1-mini-2025-04-14",
        "default",
        "2026-11-26",
        (10000, 4000, 0, 1000),
        "6000 * 0.40 + 4000 * 0.10 + 1000 * 1.60",
        "4400",
    ),
    (
        "openai",
        "gpt-4.1-nano-2025-04-14",
        "default",
        "2026-11-26",
        (10000, 4000, 0, 1000),
        "6000 * 0.10 + 4000 * 0.025 + 1000 * 0.40",
        "1100",
    ),
    (
        "openai",
        "gpt-4o-2024-08-06",
        "default",
        "2026-11-26",
        (10000, 4000, 0, 1000),
        "6000 * 2.50 + 4000 * 1.25 + 1000 * 10.00",
        "30000",
    ),
    ("openai", "gpt-4o-2024-05-13", "default", "2026-11-26", (1000, 0, 0, 500), "1000 * 5.00 + 500 * 15.00", "12500"),
    (
        "openai",
        "gpt-5-2025-08-07",
        "default",
        "2026-11-26",
        (10000, 4000, 0, 1000),
        "6000 * 1.25 + 4000 * 0.125 + 1000 * 10.00",
        "18000",
    ),
    (
        "openai",
        "gpt-5-2025-08-07",
        "priority",
        "2026-11-26",
        (10000, 4000, 0, 1000),
        "6000 * 2.50 + 4000 * 0.25 + 1000 * 20.00",
        "36000",
    ),
    (
        "openai",
        "gpt-5-2025-08-07",
        "flex",
        "2026-11-26",
        (10000, 4000, 0, 1000),
        "6000 * 0.625 + 4000 * 0.0625 + 1000 * 5.00",
        "9000",
    ),
    (
        "openai",
        "gpt-5-2025-08-07",
        "batch",
        "2026-11-26",
        (10000, 4000, 0, 1000),
        "6000 * 0.625 + 4000 * 0.0625 + 1000 * 5.00",
        "9000",
    ),
    (
        "openai",
        "gpt-5-mini-2025-08-07",
        "default",
        "2026-11-26",
        (10000, 4000, 0, 1000),
        "6000 * 0.25 + 4000 * 0.025 + 1000 * 2.00",
        "3600",
    ),
    (
        "openai",
        "gpt-5-mini-2025-08-07",
        "priority",
        "2026-11-26",
        (10000, 4000, 0, 1000),
        "6000 * 0.45 + 4000 * 0.045 + 1000 * 3.60",
        "6480",
    ),
    (
        "openai",
        "gpt-5-mini-2025-08-07",
        "flex",
        "2026-11-26",
        (10000, 4000, 0, 1000),
        "6000 * 0.125 + 4000 * 0.0125 + 1000 * 1.00",
        "1800",
    ),
    (
        "openai",
        "gpt-5.4-2026-03-05",
        "default",
        "2026-11-26",
        (272000, 0, 0, 100),
        "272000 * 2.50 + 100 * 15.00",
        "681500",
    ),
    (
        "openai",
        "gpt-5.4-2026-03-05",
        "default",
        "2026-11-26",
        (272001, 0, 0, 100),
        "272001 * 5.00 + 100 * 22.50",
        "1362255",
    ),
    ("openai", "gpt-5.4-2026-03-05", "flex", "2026-11-26", (272000, 0, 0, 100), "272000 * 1.25 + 100 * 7.50", "340750"),
    (
        "openai",
        "gpt-5.4-2026-03-05",
        "flex",
        "2026-11-26",
        (272001, 0, 0, 100),
        "272001 * 2.50 + 100 * 11.25",
        "681127.5",
    ),
    ("openai", "gpt-5.4", "priority", "2026-11-26", (272001, 0, 0, 100), "272001 * 5.00 + 100 * 30.00", "1363005"),
    (
        "openai",
        "gpt-5.6-sol-2026-07-09",
        "default",
        "2026-08-20",
        (300000, 200000, 50000, 1000),
        "50000 * 10.00 + 200000 * 1.00 + 50000 * 12.50 + 1000 * 45.00",
        "1370000",
    ),
    (
        "openai",
        "gpt-5.6-sol-2026-07-09",
        "default",
        "2026-08-21",
        (300000, 200000, 50000, 1000),
        "50000 * 8.00 + 200000 * 0.80 + 50000 * 10.00 + 1000 * 30.00",
        "1090000",
    ),
    (
        "openai",
        "gpt-5.6-sol-2026-07-09",
        "priority",
        "2026-11-26",
        (300000, 200000, 50000, 1000),
        "50000 * 16.00 + 200000 * 1.60 + 50000 * 20.00 + 1000 * 60.00",
        "2180000",
    ),
    (
        "openai",
        "gpt-5.6-sol-2026-07-09",
        "priority",
        "2026-11-26",
        (10000, 4000, 0, 1000),
        "6000 * 8.00 + 4000 * 0.80 + 1000 * 40.00",
        "91200",
    ),
    (
        "openai",
        "gpt-6-sol-2026-09-22",
        "default",
        "2026-11-26",
        (10000, 4000, 2000, 1000),
        "4000 * 2.00 + 4000 * 0.20 + 2000 * 2.50 + 1000 * 10.00",
        "23800",
    ),
    (
        "openai",
        "gpt-6-sol-2026-09-22",
        "priority",
        "2026-11-26",
        (10000, 4000, 2000, 1000),
        "4000 * 4.00 + 4000 * 0.40 + 2000 * 5.00 + 1000 * 20.00",
        "47600",
    ),
    (
        "openai",
        "gpt-6-sol-2026-09-22",
        "flex",
        "2026-11-26",
        (10000, 4000, 2000, 1000),
        "4000 * 1.00 + 4000 * 0.10 + 2000 * 1.25 + 1000 * 5.00",
        "11900",
    ),
    (
        "openai",
        "gpt-6-sol-2026-09-22",
        "batch",
        "2026-11-26",
        (10000, 4000, 2000, 1000),
        "4000 * 1.00 + 4000 * 0.10 + 2000 * 1.25 + 1000 * 5.00",
        "11900",
    ),
    (
        "openai",
        "gpt-6-astra",
        "default",
        "2026-11-26",
        (10000, 4000, 2000, 1000),
        "4000 * 10.00 + 4000 * 1.00 + 2000 * 12.50 + 1000 * 50.00",
        "119000",
    ),
    (
        "openai",
        "gpt-6-astra",
        "priority",
        "2026-11-26",
        (10000, 4000, 2000, 1000),
        "4000 * 20.00 + 4000 * 2.00 + 2000 * 25.00 + 1000 * 100.00",
        "238000",
    ),
    (
        "openai",
        "gpt-6-astra",
        "ultrafast",
        "2026-11-26",
        (10000, 4000, 2000, 1000),
        "4000 * 60.00 + 4000 * 6.00 + 2000 * 75.00 + 1000 * 300.00",
        "714000",
    ),
    (
        "openai",
        "gpt-6-astra",
        "ultrafast",
        "2026-11-26",
        (300000, 200000, 50000, 1000),
        "50000 * 120.00 + 200000 * 12.00 + 50000 * 150.00 + 1000 * 450.00",
        "16350000",
    ),
    (
        "openai",
        "gpt-6.1-sol",
        "ultrafast",
        "2026-11-26",
        (100000, 0, 0, 100000),
        "100000 * 12.00 + 100000 * 60.00",
        "7200000",
    ),
    (
        "openai",
        "gpt-6.1-sol",
        "priority",
        "2026-11-26",
        (100000, 0, 0, 100000),
        "100000 * 4.00 + 100000 * 20.00",
        "2400000",
    ),
    (
        "openai",
        "gpt-6.1-sol",
        "ultrafast",
        "2026-11-26",
        (300000, 200000, 50000, 1000),
        "50000 * 24.00 + 200000 * 1.20 + 50000 * 30.00 + 1000 * 90.00",
        "3030000",
    ),
    ("openai", "gpt-4.1", "batch", "2026-11-26", (1000, 0, 0, 500), "1000 * 1.00 + 500 * 4.00", "3000"),
    (
        "openai",
        "o1-2024-12-17",
        "default",
        "2026-11-26",
        (10000, 4000, 0, 1000),
        "6000 * 15.00 + 4000 * 7.50 + 1000 * 60.00",
        "180000",
    ),
    (
        "openai",
        "gpt-4o-mini-2024-07-18",
        "default",
        "2026-11-26",
        (100, 64, 0, 20),
        "36 * 0.15 + 64 * 0.075 + 20 * 0.60",
        "22.2",
    ),
    ("openai", "text-embedding-3-small", "default", "2026-11-26", (1000, 0, 0, 0), "1000 * 0.02", "20"),
    (
        "openai",
        "ft:gpt-4o-mini-2024-07-18:acme:support:9xYz",
        "default",
        "2026-11-26",
        (1000, 0, 0, 500),
        "1000 * 0.30 + 500 * 1.20",
        "900",
    ),
    (
        AZURE,
        "gpt-4.1-2025-04-14",
        "priority",
        "2026-11-26",
        (100, 64, 0, 20),
        "36 * 3.50 + 64 * 0.875 + 20 * 14.00",
        "462",
    ),
    (
        AZURE,
        "gpt-5.1-2025-11-13",
        "priority",
        "2026-11-26",
        (10000, 4000, 0, 1000),
        "6000 * 2.50 + 4000 * 0.25 + 1000 * 20.00",
        "36000",
    ),
    (
        AZURE,
        "gpt-5.2-2025-12-11",
        "priority",
        "2026-11-26",
        (10000, 4000, 0, 1000),
        "6000 * 3.50 + 4000 * 0.35 + 1000 * 28.00",
        "50400",
    ),
]


@pytest.mark.parametrize(("provider", "model", "tier", "day", "tokens", "arithmetic", "millionths"), CASES)
def test_a_cost_is_what_its_source_comes_to(
    provider: str, model: str, tier: str, day: str, tokens: tuple[int, int, int, int], arithmetic: str, millionths: str
) -> None:
    """To the last digit: in pico-dollars nothing is rounded."""
    taken, cached, written, given = tokens
    assert worked_out(arithmetic) == Decimal(millionths)
    found = of(model, tier, Usage(taken, given, cached, written), day=day, provider=provider)
    assert (found.amount, found.unpriced) == (int(Decimal(millionths) * 1_000_000), None)


def test_there_are_enough_of_them() -> None:
    """Sixty at least, all different."""
    assert len({case[:5] for case in CASES}) == len(CASES) >= 60


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


# ── no price ──────────────────────────────────────────────────────────────────────────────────────────────────────────
UNPRICED: Final = [
    pytest.param("gpt-4.1", "default", None, {}, "no_usage", id="usage"),
    pytest.param("gpt-4.1", "unreported", SAMPLE, {}, "tier_unreported", id="tier not told"),
    pytest.param("gpt-4.1", "_OTHER", SAMPLE, {}, "tier_unknown", id="unknown word"),
    pytest.param(None, "default", SAMPLE, {}, "no_model", id="no model"),
    pytest.param("gpt-4.1", "default", SAMPLE, {"provider": "x_ai"}, "unknown_provider", id="provider"),
    pytest.param("gpt-99", "default", SAMPLE, {}, "unknown_model", id="model"),
    pytest.param("ft:gpt-4.1-2025-04-14:acme::1", "priority", SAMPLE, {}, "unknown_model", id="tuned is not its base"),
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


def test_an_amount_survives_the_ledger() -> None:
    """Dollars in a column of 64 bits are pico-dollars again, below a thousand dollars a call."""
    amounts = (1, 264_000_000, 999_999_999_999_999)
    assert [round(amount / cost.PICO * cost.PICO) for amount in amounts] == list(amounts)
