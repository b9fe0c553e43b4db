"""Drift: how many calls of a ledger were meant for another tier than the policy wants."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from tierscope.advice.known import facts
from tierscope.policy import DRIFTED, KEPT, UNSAID, verdict
from tierscope.policy.rules import used

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tierscope.advice.lines import Line
    from tierscope.policy import Policy, Workload


class Drift(NamedTuple):
    """What became of one rule."""

    workload: Workload
    calls: int
    """That it speaks of: kept, drifted and unsaid, or all that there are where it wants no tier."""
    kept: int
    unsaid: int
    """Calls of which nothing tells for which tier they were meant."""
    drifted: Mapping[tuple[str, str], int]
    """By tier asked for, and tier they were meant for."""


class Drifts(NamedTuple):
    """What became of all rules, in their order."""

    workloads: tuple[Drift, ...]
    unruled: int
    """Calls that no rule speaks of."""

    @property
    def drifted(self) -> int:
        """Calls that drifted."""
        return sum(sum(one.drifted.values()) for one in self.workloads)


def drifts(lines: Iterable[Line], policy: Policy) -> Drifts:
    """Judge every call by the first rule that speaks of it."""
    told: dict[str, Counter[str]] = {one.name: Counter() for one in policy.workloads}
    moved: dict[str, Counter[tuple[str, str]]] = {one.name: Counter() for one in policy.workloads}
    unruled = 0
    for line in lines:
        where, rule = line.where, policy.workload(facts(line.where))
        if rule is None:
            unruled += line.calls
            continue
        told[rule.name]["calls"] += line.calls
        if rule.tier is not None:
            said = verdict(rule.tier, where.requested, where.expected, where.served)
            told[rule.name][said] += line.calls
            if said == DRIFTED:
                moved[rule.name][where.requested, str(used(where.requested, where.expected, where.served))] += (
                    line.calls
                )
    made = (
        Drift(one, counts["calls"], counts[KEPT], counts[UNSAID], dict(moved[one.name].most_common()))
        for one, counts in ((one, told[one.name]) for one in policy.workloads)
    )
    return Drifts(tuple(made), unruled)
