"""``long-context``."""

from __future__ import annotations

from typing import Final

from tests.unit.advice.made import LOST, found, line
from tierscope.advice import Money
from tierscope.advice.long_context import find

LONG: Final = {**LOST, "inferred_cause": "long_context"}
SUMS: Final = {"priced": 2, "compared": 2, "paid": 520_800, "above_expected": -390_600, "parts": (260_000, 0, 0, 100)}
"""In micro-dollars: 260 000 x 2 + 100 x 8; at priority 260 000 x 3.50 + 100 x 14 = 911 400."""


def test_prompts_too_long_for_priority_are_found_with_the_premium_that_was_not_charged() -> None:
    (one,) = found(find, line(2, sums=SUMS, **LONG), line(5), line(3, **LOST))
    assert one.id == "long-context:openai:gpt-4.1:proj_a"
    assert (one.calls, one.money) == (2, Money(911_400 - 520_800, "not_charged"))
    assert one.evidence == {"input_tokens": 260_000, "priced_calls": 2, "paid_pico_usd": 520_800}
    assert one.title == (
        "2 calls on gpt-4.1 (proj_a) expected priority with a prompt beyond 128,000 tokens; none got it."
    )


def test_each_project_is_a_finding_and_days_are_none() -> None:
    lines = [line(2, sums=SUMS, **LONG), line(1, **LONG)._replace(day=20_776), line(4, **LONG, project="proj_b")]
    assert {one.subject.project: one.calls for one in found(find, *lines)} == {"proj_a": 3, "proj_b": 4}


def test_without_a_price_there_is_no_money() -> None:
    """Absent, not zero."""
    (one,) = found(find, line(2, **LONG))
    assert one.money is None


def test_priority_that_was_served_is_none() -> None:
    assert found(find, line(9), line(9, **LOST)) == []
