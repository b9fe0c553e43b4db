"""``same-rate``."""

from __future__ import annotations

from typing import Final

import pytest

from tests.unit.advice.made import found, line, speeds
from tierscope.advice import Money
from tierscope.advice.figures import Speeds
from tierscope.advice.same_rate import find

FAST: Final = speeds([100.0] * 30, [0.20] * 30)
PAID: Final = line(7, sums={"above_default": 198, "paid": 462})


def by_tier(priority: Speeds, default: Speeds) -> dict[tuple[str, str, str], Speeds]:
    model = ("openai", "gpt-4.1-2025-04-14")
    return {(*model, "priority"): priority, (*model, "default"): default}


def test_priority_that_is_no_faster_is_found_with_its_premium() -> None:
    """Of every project; 95 token/s and 0.21 s are within a twentieth of 100 and 0.20."""
    lines = [PAID, line(3, sums={"above_default": 2}, project="proj_b"), line(9, served="default")]
    (one,) = found(find, *lines, speeds=by_tier(FAST, speeds([95.0] * 40, [0.21] * 40)))
    assert (one.id, one.calls, one.money) == ("same-rate:openai:gpt-4.1-2025-04-14", 10, Money(200, "saving"))
    assert one.title == (
        "10 calls on gpt-4.1-2025-04-14 paid for priority, at a median of 100 token/s; the default tier gave 95."
    )
    assert (one.evidence["default_samples"], one.evidence["default_first_token_p50_s"]) == (40, 0.21)


SLOWER: Final = [
    pytest.param(speeds([94.9] * 40, [0.2] * 40), id="median"),
    pytest.param(speeds([94.0] * 3 + [100.0] * 37, [0.2] * 40), id="slowest-twentieth"),
    pytest.param(speeds([100.0] * 40, [0.211] * 40), id="first-token"),
    pytest.param(speeds([100.0] * 29, [0.2] * 40), id="few-rates"),
    pytest.param(speeds([100.0] * 40, [0.2] * 29), id="few-first-tokens"),
]


@pytest.mark.parametrize("default", SLOWER)
def test_a_default_that_is_slower_or_hardly_measured_is_none(default: Speeds) -> None:
    assert found(find, PAID, speeds=by_tier(FAST, default)) == []


def test_without_samples_of_both_tiers_nothing_is_compared() -> None:
    assert found(find, PAID) == []
    assert found(find, PAID, speeds={("openai", "gpt-4.1-2025-04-14", "priority"): FAST}) == []


def test_without_a_premium_there_is_nothing_to_save() -> None:
    assert found(find, line(7), speeds=by_tier(FAST, FAST)) == []
