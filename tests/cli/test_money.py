"""What the summary says about money."""

from __future__ import annotations

import pytest

from tierscope import words
from tierscope.cli import sentences
from tierscope.ledger.figures import Money, Report


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0.0, "$0.00"),
        (1.0, "$1.00"),
        (1234.567, "$1,234.57"),
        (0.999, "$0.999"),
        (0.5, "$0.500"),
        (0.0123456, "$0.0123"),
        (0.000264, "$0.000264"),
        (0.00000000125, "$0.00000000125"),
    ],
)
def test_an_amount_is_readable(amount: float, text: str) -> None:
    """Cents from one dollar on, below it three digits that count: a call costs fractions of a cent."""
    assert sentences.dollars(amount) == text


def money(report_money: Money) -> list[str]:
    lines = sentences.footnotes(Report(calls=3, attempts=3, money=report_money))
    return [line for line in lines if "price" in line or "tiers made" in line]


def test_a_bill_at_the_default_tier_is_one_figure() -> None:
    """There is nothing to compare it with."""
    assert money(Money(cost=2.5, priced=2, at_default=2.5)) == ["List price of 2 calls: $2.50."]


def test_what_tiers_made_of_the_bill() -> None:
    """Each effect with its amount, beside the cost of the same tokens at the default tier."""
    told = money(
        Money(
            cost=3.0,
            priced=4,
            at_default=2.5,
            premium_paid=0.75,
            saving_made=0.25,
            premium_not_charged=0.05,
            saving_lost=0.01,
        )
    )
    assert told == [
        "List price of 4 calls: $3.00 ($2.50 at the default tier).",
        (
            "What the tiers made of it: $0.750 premium paid for faster tiers, $0.250 saved by slower ones, "
            "$0.0500 premium not charged for downgraded calls, "
            "$0.0100 saving lost where flex was answered by a dearer tier."
        ),
    ]


@pytest.mark.parametrize("reason", words.UNPRICED)
def test_every_reason_for_no_price_has_its_words(reason: str) -> None:
    """A closed set: none is shown as its bare word."""
    (line,) = money(Money(unpriced={reason: 2}))
    assert line.startswith("Without a price: 2 calls, for ")
    assert line != f"Without a price: 2 calls, for {reason}."
