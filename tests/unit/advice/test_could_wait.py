"""``could-wait``."""

from __future__ import annotations

from typing import Any, Final

import pytest

from tests.unit.advice.made import KNOWN, PATIENT, found, line
from tierscope.advice import Money
from tierscope.advice.could_wait import find
from tierscope.advice.lines import Line

POLICY: Final = KNOWN._replace(policy=PATIENT)
SUITE: Final = {
    "request_model": "gpt-5-mini",
    "response_model": "gpt-5-mini-2025-08-07",
    "requested": "unset",
    "expected": None,
    "served": "default",
    "outcome": "resolved",
    "is_stream": 0,
}
PARTS: Final = (6_000, 4_000, 0, 1_000)
PAID: Final = 6_000 * 250_000 + 4_000 * 25_000 + 1_000 * 2_000_000
"""3 600 micro-dollars, in pico-dollars; on flex half: 6 000 x 0.125 + 4 000 x 0.0125 + 1 000 x 1 = 1 800."""


def suite(calls: int = 3, paid: int = PAID, parts: tuple[int, int, int, int] = PARTS, **columns: Any) -> Line:
    return line(calls, sums={"priced": calls, "paid": paid, "parts": parts}, **{**SUITE, **columns})


def test_what_nobody_waits_for_is_priced_on_flex() -> None:
    (one,) = found(find, suite(), known=POLICY)
    assert (one.id, one.calls) == ("could-wait:openai:gpt-5-mini:proj_a", 3)
    assert one.money == Money(1_800_000_000, "saving")
    assert one.evidence == {
        "paid_pico_usd": PAID, "at_flex_pico_usd": PAID // 2, "served": "default", "policy": "suite"
    }  # fmt: skip
    assert one.title == (
        "3 calls on gpt-5-mini (proj_a) that nobody waits for: on flex their tokens cost 50% of what was paid."
    )


def test_on_priority_more_is_saved() -> None:
    """gpt-5-mini: 6 000 x 0.45 + 4 000 x 0.045 + 1 000 x 3.60 = 6 480 micro-dollars, less 1 800."""
    one = suite(paid=6_480_000_000, requested="priority", expected="priority", served="priority")
    (told,) = found(find, one, known=POLICY)
    assert told.money == Money((6_480 - 1_800) * 1_000_000, "saving")


def test_without_a_price_on_flex_it_is_priced_as_a_batch() -> None:
    """gpt-4.1 has none: 1 000 x 2 + 500 x 8 = 6 000 micro-dollars, as a batch 3 000."""
    model = {"request_model": "gpt-4.1", "response_model": "gpt-4.1-2025-04-14"}
    (one,) = found(find, suite(paid=6_000_000_000, parts=(1_000, 0, 0, 500), **model), known=POLICY)
    assert one.money == Money(3_000_000_000, "saving")
    assert (one.effort, one.evidence["at_batch_pico_usd"]) == ("high", 3_000_000_000)


def test_a_long_prompt_has_its_own_price() -> None:
    """gpt-5.4 beyond 272 000 tokens on flex: 272 001 x 2.50 + 100 x 11.25 = 681 127.5 micro-dollars."""
    model = {"request_model": "gpt-5.4", "response_model": "gpt-5.4-2026-03-05"}
    one = suite(1, 1_362_255_000_000, (272_001, 0, 0, 100), **model)._replace(prompt=300_000)
    (told,) = found(find, one, known=POLICY)
    assert told.money == Money(1_362_255_000_000 - 681_127_500_000, "saving")


NONE: Final = [
    pytest.param(suite(project="proj_b"), id="no-rule"),
    pytest.param(suite(served="flex"), id="flex-already"),
    pytest.param(suite(expected="flex"), id="flex-lost"),
    pytest.param(suite(completion_window="8h"), id="background-discount"),
    pytest.param(suite(served="scale"), id="paid-by-the-day"),
    pytest.param(suite(served="unreported"), id="tier-unknown"),
    pytest.param(suite()._replace(priced=0), id="unpriced"),
    pytest.param(suite(response_model="gpt-9"), id="no-price"),
    pytest.param(suite(paid=1_800_000_000), id="no-saving"),
    pytest.param(suite(request_model=None, response_model=None), id="no-model"),
]


@pytest.mark.parametrize("one", NONE)
def test_what_cannot_be_cheaper_is_none(one: Line) -> None:
    assert found(find, one, known=POLICY) == []


def test_without_a_policy_nobody_says_what_can_wait() -> None:
    assert found(find, suite()) == []


def test_an_endpoint_without_tiers_has_no_flex() -> None:
    """Embeddings can be collected into batches: text-embedding-3-small at 0.02, as a batch 0.01."""
    model = {"request_model": "text-embedding-3-small", "response_model": "text-embedding-3-small"}
    one = suite(paid=20_000_000, parts=(1_000, 0, 0, 0), endpoint="embeddings", **model)
    assert [told.money for told in found(find, one, known=POLICY)] == [Money(10_000_000, "saving")]
