"""What calls of one combination cost, in the series of four counters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tierscope import cost

if TYPE_CHECKING:
    from tierscope.emit.instruments import Instruments
    from tierscope.emit.sums import Key
    from tierscope.model import Call


class Costs:
    """List price, the same at the default tier, what the tier made of the bill, and calls without a price."""

    def __init__(self, to: Instruments, who: Key, verdict: Key) -> None:
        requested, _, served, _ = verdict
        self._to = to
        self._key = (*who, *verdict)
        self._unpriced = (*who, requested, served)

    def count(self, call: Call) -> None:
        """Add one call: its pico-dollars, or the reason why there are none."""
        to, bill = self._to, call.cost
        if bill.unpriced is not None:
            to.unpriced.cell(*self._unpriced, bill.unpriced).value += 1
        if bill.amount is None:
            return
        to.cost.cell(*self._key, bill.basis).value += bill.amount
        if bill.at_default is not None:
            to.cost_at_default.cell(*self._key).value += bill.at_default
        for kind, amount in cost.effects(bill, call.outcome, call.request.expected):
            to.cost_effects.cell(*self._key, kind).value += amount
