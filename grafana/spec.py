"""What a board is made of: panels with their queries, rows, variables. Data without behaviour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from grafana.colours import PLAIN

if TYPE_CHECKING:
    from collections.abc import Mapping

Kind = Literal["stat", "timeseries", "table", "state-timeline", "heatmap", "bargauge"]
Thresholds = tuple[tuple[float | None, str], ...]
"""From which value on which colour; the first without a value."""

NO_CALLS: Final = "No call in this time range"
COUNT: Final = "locale"
"""Whole numbers in full, with separators."""
MONEY: Final = "suffix: USD"
"""Dollars in full: Grafana's own unit writes 1131.24 as $1.13K."""
SECONDS: Final = "suffix: s"
"""Seconds in full: Grafana's own unit has ticks like 1.67 mins."""


class Query(NamedTuple):
    """A query of a panel."""

    expression: str
    legend: str = ""
    """How its series are called, with labels in `{{}}`; in a table, the name of its column."""
    exemplar: bool = False


class Link(NamedTuple):
    """A link of a value or a series."""

    title: str
    url: str


class Panel(NamedTuple):
    """A panel: what it shows, how that is computed, what to do about it, and its queries."""

    kind: Kind
    title: str
    unit: str
    queries: tuple[Query, ...]
    shows: str
    computed: str
    do: str
    width: int = 12
    height: int = 8
    absent: str = NO_CALLS
    """What stands there without data: unlike a 0, it says why there is nothing."""
    thresholds: Thresholds = ((None, PLAIN),)
    colours: Mapping[str, str] | None = None
    """Colours of the series whose names begin with these words."""
    stacked: bool = False
    words: tuple[tuple[str, str, str], ...] = ()
    """Values that are shown as a word: value, word, colour."""
    units: tuple[tuple[str, str], ...] = ()
    """Columns of a table with units of their own."""
    links: tuple[Link, ...] = ()
    widths: tuple[tuple[str, int], ...] = ()
    """Columns of a table with a width of their own, in pixels; the others share what is left."""
    limits: tuple[str, ...] = ()
    """How the names of series end that are limits: they are drawn dashed."""
    logarithmic: bool = False
    """Whether its axis doubles at each step, since series differ by orders of magnitude."""
    maximum: float | None = None
    decimals: int | None = None

    @property
    def description(self) -> str:
        """The text behind the panel's sign."""
        return f"{self.shows}\n\n**How:** {self.computed}\n\n**What to do:** {self.do}"


class Row(NamedTuple):
    """Panels under a heading, set from left to right."""

    title: str
    panels: tuple[Panel, ...]


class Variable(NamedTuple):
    """A choice above the panels: the values of a label."""

    name: str
    label: str
    selector: str
    key: str
    description: str
    multi: bool = True


class Board(NamedTuple):
    """A dashboard."""

    slug: str
    title: str
    description: str
    rows: tuple[Row, ...]
    variables: tuple[Variable, ...]

    @property
    def uid(self) -> str:
        """Its fixed identifier, by which links find it."""
        return f"tierscope-{self.slug}"
