"""What calls of one combination cost, in the series of four counters.

Tokens are summed, and priced once for all calls that are recorded together (ADR 18).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tierscope import cost
from tierscope.emit.sums import Cells

if TYPE_CHECKING:
    from tierscope.catalog.prices import Rates
    from tierscope.emit.instruments import Instruments
    from tierscope.emit.sums import Key
    from tierscope.model import Call, Cost


class Till:
    """The price list, and whose tokens are not priced yet."""

    def __init__(self, rates: Rates) -> None:
        self.rates = rates
        """That of whoever instrumented last."""
        self.waiting: list[Costs] = []

    def settle(self) -> None:
        """Price the tokens that wait."""
        while self.waiting:
            self.waiting.pop().settle()

    def clear(self) -> None:
        """Forget them: a forked child has calls of its own."""
        self.waiting = []


class Basket:
    """Tokens of one price band, with the same kinds of them in each call, that are not priced yet."""

    __slots__ = ("band", "cached", "calls", "fresh", "is_summed", "output", "written")

    def __init__(self, band: int, *, is_summed: bool) -> None:
        self.band = band
        self.is_summed = is_summed
        self.empty()

    def empty(self) -> None:
        """Begin again."""
        self.calls = self.fresh = self.cached = self.written = self.output = 0


class Costs:
    """List price, the same at the default tier, what the tier made of the bill, and calls without a price."""

    def __init__(self, to: Instruments, who: Key, verdict: Key, call: Call) -> None:
        requested, _, served, _ = verdict
        key = (*who, *verdict)
        self._outcome, self._expected = call.outcome, call.request.expected
        self._at_default = Cells(to.cost_at_default, *key)
        self._paid = Cells(to.cost, *key)
        self._effects = Cells(to.cost_effects, *key)
        self._unpriced = Cells(to.unpriced, *who, requested, served)
        self._till, self._rates, self._is_waiting = to.till, to.till.rates, False
        self._open(call, cost.day(call))

    def _open(self, call: Call, day: int) -> None:
        """Take the prices of a day."""
        self._day = day
        self._tariff = cost.tariff_of(self._rates, call, day)
        self._baskets: dict[tuple[int, bool, bool, bool], Basket] = {}

    def count(self, call: Call) -> None:
        """Add the tokens of one call, or the reason why they have no price."""
        billed = cost.billed(call)
        if not isinstance(billed, tuple):
            if billed is not None:
                self._unpriced[billed].value += 1
            return
        day = cost.day(call)
        if day != self._day:
            self.settle()
            self._open(call, day)
        fresh, cached, written, output = billed
        band = self._tariff.band(fresh + cached + written)
        basket = self._baskets.get((band, not cached, not written, not output)) or self._basket(band, *billed)
        basket.calls += 1
        basket.fresh += fresh
        basket.cached += cached
        basket.written += written
        basket.output += output
        if not basket.is_summed:
            self._settle(basket)
        elif not self._is_waiting:
            self._is_waiting = True
            self._till.waiting.append(self)

    def _basket(self, band: int, _fresh: int, cached: int, written: int, output: int) -> Basket:
        basket = Basket(band, is_summed=self._tariff.adds_up(band))
        self._baskets[band, not cached, not written, not output] = basket
        return basket

    def settle(self) -> None:
        """Price the tokens that wait."""
        self._is_waiting = False
        for basket in self._baskets.values():
            if basket.calls:
                self._settle(basket)

    def _settle(self, basket: Basket) -> None:
        parts = basket.fresh, basket.cached, basket.written, basket.output
        self._add(self._tariff.bill(basket.band, parts), basket.calls)
        basket.empty()

    def _add(self, bill: Cost, calls: int) -> None:
        """Add pico-dollars, or the reason why there are none."""
        if bill.amount is None:
            if bill.unpriced is not None:
                self._unpriced[bill.unpriced].value += calls
            return
        self._paid[bill.basis].value += bill.amount
        if bill.at_default is not None:
            self._at_default[()].value += bill.at_default
        for kind, amount in cost.effects(bill, self._outcome, self._expected):
            self._effects[kind].value += amount
