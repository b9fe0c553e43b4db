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

    def __init__(self) -> None:
        self._sums: Counter[str] = Counter()
        self._unpriced: Counter[str] = Counter()

    def add(self, row: Row) -> None:
        """Add one row: nothing where its tokens were counted before."""
        if row.cost_absent is not None:
            self._unpriced[row.cost_absent] += 1
        paid, at_default = pico(row.cost_usd), pico(row.cost_default_usd)
        if paid is None:
            return
        self._sums["cost"] += paid
        self._sums["priced"] += 1
        self._sums["at_default"] += at_default or 0
        bill = Cost(paid, at_default, pico(row.cost_expected_usd))
        self._sums.update(dict(cost.effects(bill, row.outcome, row.expected)))

    def money(self) -> Money:
        """The sums so far, frozen, in dollars."""
        priced = self._sums["priced"]
        sums = {word: amount / PICO for word, amount in self._sums.items() if word != "priced"}
        return Money(priced=priced, unpriced=dict(self._unpriced.most_common()), **sums)


def total(bills: Iterable[Bill]) -> Money:
    """The sums of several groups."""
    whole = Bill()
    for bill in bills:
        whole._sums.update(bill._sums)  # noqa: SLF001  of our own kind
        whole._unpriced.update(bill._unpriced)  # noqa: SLF001
    return whole.money()
