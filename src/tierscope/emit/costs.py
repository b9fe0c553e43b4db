"""What calls of one combination cost, in the series of four counters."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from tierscope import cost
from tierscope.emit.sums import Cells

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tierscope.cost import Parts
    from tierscope.emit.instruments import Instruments
    from tierscope.emit.sums import Cell, Key
    from tierscope.model import Call, Cost

    _Line = tuple[Cell, int, int, int, int]

_ONE: Final[tuple[Parts, ...]] = ((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1))


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
        self._rates = to.rates
        self._open(call, cost.day(call))

    def _open(self, call: Call, day: int) -> None:
        """Take the prices of a day."""
        self._day = day
        self._tariff = cost.tariff_of(self._rates, call, day)
        self._by_token: dict[tuple[int, bool, bool, bool], list[_Line]] = {}

    def count(self, call: Call) -> None:
        """Add what the tokens of one call cost, or the reason why they have no price."""
        billed = cost.billed(call)
        if not isinstance(billed, tuple):
            if billed is not None:
                self._unpriced[billed].value += 1
            return
        day = cost.day(call)
        if day != self._day:
            self._open(call, day)
        fresh, cached, written, output = billed
        band = self._tariff.band(fresh + cached + written)
        kinds = band, not cached, not written, not output
        by_token = self._by_token.get(kinds)
        if by_token is None:
            by_token = self._by_token[kinds] = self._worked_out(band, billed)
        for cell, a, b, c, d in by_token:
            cell.value += a * fresh + b * cached + c * written + d * output
        if not by_token:
            for cell, amount in self._added(self._tariff.bill(band, billed)):
                cell.value += amount

    def _worked_out(self, band: int, parts: Parts) -> list[_Line]:
        """Return what a token of each kind adds to each counter; nothing where calls must be priced one by one.

        Each kind that these calls have is priced alone: where bills add up, theirs is the sum (ADR 18).
        """
        if not self._tariff.adds_up(band):
            return []
        _, cached, written, output = parts
        one_of_each = (1, min(1, cached), min(1, written), min(1, output))
        whole = self._tariff.bill(band, one_of_each)
        if whole.amount is None:
            return []
        lines = {cell: [0, 0, 0, 0] for cell, _ in self._added(whole)}
        for kind in itertools.compress(range(4), one_of_each):
            for cell, amount in self._added(self._tariff.bill(band, _ONE[kind])):
                if cell in lines:
                    lines[cell][kind] = amount
        return [(cell, a, b, c, d) for cell, (a, b, c, d) in lines.items()]

    def _added(self, bill: Cost) -> Iterator[tuple[Cell, int]]:
        """Yield the pico-dollars that a bill adds to counters, or one for the reason why there are none."""
        if bill.amount is None:
            if bill.unpriced is not None:
                yield self._unpriced[bill.unpriced], 1
            return
        yield self._paid[bill.basis], bill.amount
        if bill.at_default is not None:
            yield self._at_default[()], bill.at_default
        for kind, amount in cost.effects(bill, self._outcome, self._expected):
            yield self._effects[kind], amount
