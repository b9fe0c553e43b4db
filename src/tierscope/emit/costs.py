"""What calls of one combination cost, in the series of four counters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tierscope import cost
from tierscope.emit.sums import Cells

if TYPE_CHECKING:
    from tierscope.emit.instruments import Instruments
    from tierscope.emit.sums import Key
    from tierscope.model import Call, Cost


class Costs:
    """List price, the same at the default tier, what the tier made of the bill, and calls without a price."""

    def __init__(self, to: Instruments, who: Key, verdict: Key) -> None:
        requested, _, served, _ = verdict
        key = (*who, *verdict)
        self._at_default = Cells(to.cost_at_default, *key)
        self._paid = Cells(to.cost, *key)
        self._effects = Cells(to.cost_effects, *key)
        self._unpriced = Cells(to.unpriced, *who, requested, served)

    def count(self, call: Call, bill: Cost) -> None:
        """Add one call: its pico-dollars, or the reason why there are none."""
        if bill.amount is None:
            if bill.unpriced is not None:
                self._unpriced[bill.unpriced].value += 1
            return
        self._paid[bill.basis].value += bill.amount
        if bill.at_default is not None:
            self._at_default[()].value += bill.at_default
        for kind, amount in cost.effects(bill, call.outcome, call.request.expected):
            self._effects[kind].value += amount
