"""``flex-lost``."""

from __future__ import annotations

from typing import Final

from tests.unit.advice.made import found, line
from tierscope.advice import Money
from tierscope.advice.flex_lost import find

DEAR: Final = {"requested": "flex", "expected": "flex", "served": "default", "outcome": "upgraded"}


def test_flex_that_was_answered_by_default_is_found_with_what_was_lost() -> None:
    lines = [
        line(2, sums={"above_expected": 1_800, "paid": 3_600}, **DEAR),
        line(1, sums={"above_expected": 5, "paid": 9}, **{**DEAR, "served": "priority"}),
    ]
    (one,) = found(find, *lines, line(8))
    assert (one.id, one.calls, one.money) == ("flex-lost:openai:gpt-4.1:proj_a", 3, Money(1_805, "saving"))
    assert one.evidence == {"served": "default, priority", "paid_pico_usd": 3_609}
    assert one.title == "3 calls on gpt-4.1 (proj_a) expected flex, and got and paid default, priority."


def test_flex_that_was_served_is_none() -> None:
    assert found(find, line(5, requested="flex", expected="flex", served="flex")) == []


def test_a_downgrade_is_cheaper_and_none() -> None:
    assert found(find, line(5, sums={"above_expected": -9}, served="default", outcome="downgraded")) == []
