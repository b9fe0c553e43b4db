"""``cache-breaks``."""

from __future__ import annotations

from typing import Any, Final

from tests.unit.advice.made import LOST, found, line
from tierscope.advice import Money
from tierscope.advice.cache_breaks import find

BROKEN: Final[dict[str, Any]] = {"endpoint": "responses", "cache_miss": "service_tier_changed"}
SUMS: Final[dict[str, Any]] = {"priced": 2, "paid": 35_000_000_000, "parts": (10_000, 0, 0, 0), "missed": 9_000}
"""10 000 tokens at 3.50 USD per 1M."""


def test_a_break_is_found_with_what_its_tokens_cost_more_than_from_the_cache() -> None:
    """gpt-4.1: 8 000 x (3.50 - 0.875) USD per 1M at Priority, and 1 000 x (2 - 0.50) where it was downgraded."""
    (one,) = found(
        find,
        line(2, sums={**SUMS, "lost_plain": 8_000}, **BROKEN),
        line(1, sums={**SUMS, "missed": 1_000, "lost_plain": 1_000}, **BROKEN, **LOST),
        line(9, sums={**SUMS, "lost_plain": 8_000}, endpoint="responses", cache_miss="input_changed"),
        line(9, endpoint="responses"),
    )
    assert (one.id, one.calls) == ("cache-breaks:openai:gpt-4.1:proj_a", 3)
    assert one.money == Money(21_000_000_000 + 1_500_000_000, "estimated")
    assert one.title == (
        "3 calls on gpt-4.1 (proj_a) lost the prompt cache to a change of the tier: 10,000 input tokens, by the "
        "service's estimate."
    )
    assert one.evidence == {
        "served": "default, priority",
        "downgraded_calls": 1,
        "missed_tokens_estimated": 10_000,
        "repriced_tokens_estimated": 9_000,
    }


def test_tokens_that_were_written_to_the_cache_cost_what_writing_costs() -> None:
    """gpt-6-sol at default: 100 x (2 - 0.20) and 400 x (2.50 - 0.20) USD per 1M."""
    model = {"request_model": "gpt-6-sol", "response_model": "gpt-6-sol-2026-09-22", "served": "default"}
    sums = {**SUMS, "parts": (100, 0, 600, 5), "lost_plain": 100, "lost_written": 400}
    (one,) = found(find, line(1, sums=sums, **BROKEN, **model))
    assert one.money == Money(180_000_000 + 920_000_000, "estimated")


def test_what_has_no_price_has_no_money() -> None:
    """A model nobody knows, work that had a discount, and a reply that told no tokens."""
    lost = {**SUMS, "lost_plain": 8_000}
    for more, sums in (
        ({"request_model": "own", "response_model": "own"}, lost),
        ({"completion_window": "2h"}, lost),
        ({}, {"missed": 0}),
    ):
        (one,) = found(find, line(1, sums=sums, **BROKEN, **more))
        assert (one.calls, one.money) == (1, None)
