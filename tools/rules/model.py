"""What a rule file is made of: declared series, the rules that record them, alerts, groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from tools.rules.promql import label

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tierscope.declared import Attribute

Severity = Literal["page", "ticket", "info"]
SEVERITIES: Final = ("page", "ticket", "info")
"""Wake somebody; have somebody look on a working day; show."""


class Series(NamedTuple):
    """A recorded series: `level:metric:operation`, its labels, its unit, what it says."""

    name: str
    keys: tuple[Attribute | str, ...]
    unit: str
    meaning: str

    @property
    def labels(self) -> tuple[str, ...]:
        """Its labels, as Prometheus spells them."""
        return tuple(map(label, self.keys))


class Record(NamedTuple):
    """A recording rule."""

    series: Series
    expression: str
    labels: Mapping[str, str] = {}
    """Those that the rule sets."""


class Alert(NamedTuple):
    """An alerting rule; its section in the runbook has its name."""

    name: str
    severity: Severity
    expression: str
    for_: str
    summary: str
    description: str
    """Why it fired, with labels and value as templates."""
    keep: str = ""
    """How long it goes on firing after the last time it was true."""


class Group(NamedTuple):
    """Rules that are evaluated one after another, at one time."""

    name: str
    interval: str
    rules: tuple[Record | Alert, ...]
