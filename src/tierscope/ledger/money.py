"""Money of many rows, added up in pico-dollars: the same to the last digit in whatever order."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tierscope import cost
from tierscope.cost import PICO
from tierscope.ledger.figures import Money
from tierscope.model import Cost

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tierscope.ledger.queries import Row


def pico(dollars: float | None) -> int | None:
    """The pico-dollars of a column of the ledger."""
    return None if dollars is None else round(dollars * PICO)


class Bill:
    """The running sums of one group."""

    __slots__ = ("_at_default", "_cost", "_effects", "_priced", "_unpriced")

    def __init__(self) -> None:
        self._cost = self._priced = self._at_default = 0
        self._effects: dict[str, int] = {}
        self._unpriced: Counter[str] = Counter()

    def add(self, row: Row) -> None:
        """Add one row: nothing where its tokens were counted before."""
        if row.cost_absent is not None:
            self._unpriced[row.cost_absent] += 1
        paid = pico(row.cost_usd)
        if paid is not None:
            self._add(Cost(paid, pico(row.cost_default_usd), pico(row.cost_expected_usd)), 1, row.outcome, row.expected)

    def add_alike(self, row: Row, calls: int, bill: Cost) -> None:
        """Add calls that are alike, and their sums, if they have a price.

        Of each two of the amounts, one must be above the other in all of these calls, or in none.
        """
        if row.cost_absent is not None:
            self._unpriced[row.cost_absent] += calls
        if bill.amount is not None:
            self._add(bill, calls, row.outcome, row.expected)

    def _add(self, bill: Cost, calls: int, outcome: str, expected: str | None) -> None:
        self._cost += bill.amount or 0
        self._priced += calls
        self._at_default += bill.at_default or 0
        if bill.amount == bill.at_default and bill.at_expected is None:
            return  # nearly always: the tier made nothing of the bill
        for effect, amount in cost.effects(bill, outcome, expected):
            self._effects[effect] = self._effects.get(effect, 0) + amount

    def include(self, other: Bill) -> None:
        """Add everything another one has."""
        self._cost += other._cost
        self._priced += other._priced
        self._at_default += other._at_default
        self._unpriced.update(other._unpriced)
        for effect, amount in other._effects.items():
            self._effects[effect] = self._effects.get(effect, 0) + amount

    def money(self) -> Money:
        """The sums so far, frozen, in dollars."""
        return Money(
            cost=self._cost / PICO,
            priced=self._priced,
            at_default=self._at_default / PICO,
            unpriced=dict(self._unpriced.most_common()),
            **{effect: amount / PICO for effect, amount in self._effects.items()},
        )


def total(bills: Iterable[Bill]) -> Money:
    """The sums of several groups."""
    whole = Bill()
    for bill in bills:
        whole.include(bill)
    return whole.money()
