"""Drift from a policy, as a counter: made where there is one, and judged once for calls of one combination."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tierscope import signals as s
from tierscope.emit.sums import observable
from tierscope.policy import DRIFTED, KEPT, verdict
from tierscope.words import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.metrics import Meter

    from tierscope.emit.later import Later
    from tierscope.emit.sums import Cell
    from tierscope.model import Call
    from tierscope.policy import Policy, Workload

_TOLD_ELSEWHERE: Final = frozenset({"fetch_response", "batch"})
"""No calls of their own: what they tell of was judged when it was asked for, or is counted as a batch."""


class Drift:
    """The counter of one meter, and the policy that whoever instrumented last has set."""

    def __init__(self, meter: Meter, later: Later, policy: Policy, service: Callable[[], str | None]) -> None:
        self.policy, self.service = policy, service
        self._sums = observable(meter, s.POLICY_DRIFT, later)
        self.clear = self._sums.clear

    def cell(self, call: Call, asked: str | None) -> Cell | None:
        """Return what counts calls of this combination; ``None``: they keep the policy, or it does not speak of them.

        A combination that keeps it is there at 0: that nothing drifts can be told from that nothing is known.
        """
        request = call.request
        if request.operation in _TOLD_ELSEWHERE:
            return None
        rule = self.rule(call)
        if rule is None or rule.tier is None:
            return None
        said = verdict(rule.tier, request.requested, request.expected, call.served)
        if said not in {DRIFTED, KEPT}:
            return None
        expected = request.expected or UNKNOWN
        who = request.provider, asked
        cell = self._sums.cell(rule.name, rule.tier, *who, request.requested, expected, call.served)
        return cell if said == DRIFTED else None

    def rule(self, call: Call) -> Workload | None:
        """Return the rule that speaks of a call; ``None``: there is none."""
        return self.policy.of(call, self.service())
