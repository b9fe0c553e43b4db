"""``scale-idle`` and ``scale-spill``."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

import pytest

from tests.unit.advice.made import DAY, KNOWN, found, line
from tierscope.advice import Money, Units
from tierscope.advice.figures import Minute
from tierscope.advice.scale_units import find

UNIT: Final = KNOWN.promises.scale_unit("openai", "gpt-4.1", DAY)
assert UNIT is not None
BOUGHT: Final = KNOWN._replace(units=(Units(UNIT, 1, 1),))
MODEL: Final = ("openai", "gpt-4.1-2025-04-14")
FIRST: Final = DAY * 1_440
HOUR: Final = {FIRST: Minute(15_000, 1_000), FIRST + 59: Minute(3_000, 200)}
"""An hour with two minutes of use: 18 000 of 60 x 30 000 in, 1 200 of 60 x 2 500 out."""
SCALE: Final = {"requested": "unset", "expected": "scale", "served": "scale"}
SPILLED: Final = {**SCALE, "served": "default", "outcome": "downgraded"}


def test_units_that_cost_more_than_priority_are_found() -> None:
    """An hour of 110 + 36 dollars a day; at priority 18 000 x 3.50 + 1 200 x 14 = 79 800 micro-dollars."""
    (one,) = found(find, line(6, **SCALE), known=BOUGHT, scale={MODEL: HOUR})
    units = round(Fraction(146, 24) * 10**12)
    assert (one.id, one.calls) == ("scale-idle:openai:gpt-4.1", 6)
    assert one.money == Money(units - 79_800_000_000, "saving")
    assert one.evidence == {
        "minutes": 60,
        "input_tokens": 18_000,
        "output_tokens": 1_200,
        "units_pico_usd": units,
        "at_priority_pico_usd": 79_800_000_000,
    }
    assert "used to 1.0% over 60 minutes; by priority the same tokens would have cost 1%" in one.title


def test_units_in_full_use_pay_against_priority() -> None:
    """30 000 x 60 x 3.50 + 2 500 x 60 x 14 = 8.40 dollars for 6.08 of units; and a spill is no fault of theirs then."""
    full = {FIRST + minute: Minute(30_000, 2_500) for minute in range(60)}
    lines = [line(60, **SCALE), line(9, **SPILLED)]
    assert found(find, *lines, known=BOUGHT, scale={MODEL: full}) == []


def test_a_spill_beside_idle_units_is_found_with_what_it_cost() -> None:
    lines = [line(6, **SCALE), line(3, sums={"paid": 253}, **SPILLED), line(1, sums={"paid": 9}, **SPILLED)]
    idle, spill = found(find, *lines, known=BOUGHT, scale={MODEL: HOUR})
    assert (idle.rule, spill.id) == ("scale-idle", "scale-spill:openai:gpt-4.1")
    assert (spill.calls, spill.money) == (4, Money(262, "paid"))
    assert spill.title == (
        "4 of 10 calls on gpt-4.1 that expected scale were served default, while 99% of the units lay idle."
    )


@pytest.mark.parametrize("minutes", [{}, {FIRST: Minute(1, 1), FIRST + 58: Minute(1, 1)}], ids=["none", "59"])
def test_less_than_an_hour_says_nothing(minutes: dict[int, Minute]) -> None:
    assert found(find, line(6, **SCALE), known=BOUGHT, scale={MODEL: minutes}) == []


def test_units_of_another_model_are_not_used_by_it() -> None:
    other = ("openai", "gpt-5-2025-08-07")
    assert found(find, line(6, **SCALE), known=BOUGHT, scale={other: HOUR}) == []


def test_without_units_nothing_is_said() -> None:
    """Nobody knows how many there were."""
    assert found(find, line(6, **SCALE), line(30, **SPILLED), scale={MODEL: HOUR}) == []
