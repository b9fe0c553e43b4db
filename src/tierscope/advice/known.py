"""What rules know beside the figures: prices, promises, the team's policy, and the units that were bought."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, NamedTuple

from tierscope.advice.finding import NOT_CHARGED, Money, Subject
from tierscope.catalog.providers import AZURE
from tierscope.policy import Facts
from tierscope.words import PRIORITY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tierscope.advice.columns import Workload as Columns
    from tierscope.advice.lines import Line
    from tierscope.catalog.deployments import Kind
    from tierscope.catalog.prices import Rates
    from tierscope.catalog.promises import Promises, ScaleUnit
    from tierscope.policy import Policy, Workload


class Units(NamedTuple):
    """Scale units of one model that were bought."""

    unit: ScaleUnit
    input: int
    output: int


class Known(NamedTuple):
    """Beside the figures."""

    rates: Rates
    promises: Promises
    policy: Policy | None = None
    units: tuple[Units, ...] = ()

    def workload(self, where: Columns) -> Workload | None:
        """Return the rule of the policy about the calls of a line; ``None``: there is none."""
        return None if self.policy is None else self.policy.workload(facts(where))


def lacking(known: Known, where: Columns) -> Kind | None:
    """Return the kind of deployment that has not got the tier which calls expect; ``None``: it has, or nobody knows."""
    if where.provider != AZURE or where.expected != PRIORITY or where.deployment is None:
        return None
    kind = known.promises.kinds.get(where.deployment)
    return kind if kind is not None and kind.has_priority is False else None


def facts(where: Columns) -> Facts:
    """Return what a policy can ask of the calls of a line."""
    return Facts(
        where.provider,
        where.operation,
        where.endpoint,
        where.requested,
        where.request_model,
        where.response_model,
        where.project,
        where.deployment,
        where.address,
        where.service,
        spoken=where.workload,
    )


def subject(where: Columns) -> Subject:
    """Return what a finding about such calls is about."""
    return Subject(where.provider, where.request_model or where.response_model, where.project, where.deployment)


def by_subject(lines: Iterable[Line], is_meant: Callable[[Line], bool]) -> Mapping[Subject, list[Line]]:
    """Return the lines that are meant, by what they are about."""
    found: defaultdict[Subject, list[Line]] = defaultdict(list)
    for line in lines:
        if is_meant(line):
            found[subject(line.where)].append(line)
    return found


def not_charged(lines: Iterable[Line]) -> Money | None:
    """Return what the promised tier would have cost more; ``None`` where no call has a price at both."""
    known = [line for line in lines if line.compared]
    return Money(-sum(line.above_expected for line in known), NOT_CHARGED) if known else None


def count(number: int, thing: str = "call") -> str:
    """So many calls, or other things that take an s."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
