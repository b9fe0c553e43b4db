"""What a page holds: frozen, and written by whoever knows what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

Cell: TypeAlias = str | None
"""A text of a table; ``None`` is unknown, and looks unlike any figure."""


class Table(NamedTuple):
    """Figures in rows; the first column heads its row."""

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    words: int = 1
    """How many columns hold words; those behind them hold figures, and stand to the right."""


class Legend(NamedTuple):
    """What a colour of a chart stands for."""

    tier: str
    text: str
    is_dashed: bool = False


class Chart(NamedTuple):
    """A picture, and behind it the table of the same figures."""

    kind: Literal["flow", "lines", "bars"]
    title: str
    label: str
    """What somebody is told who does not see it."""
    data: Mapping[str, Any]
    """As ``web/src/charts.js`` reads it; ``height`` in pixels among it."""
    table: Table
    legend: tuple[Legend, ...] = ()


class Pair(NamedTuple):
    """Charts that belong beside each other."""

    title: str
    left: Chart | Said
    right: Chart | Said


class Said(NamedTuple):
    """A sentence."""

    text: str
    is_quiet: bool = False


class Listed(NamedTuple):
    """Sentences that are read one by one."""

    title: str
    items: tuple[str, ...]


class Figure(NamedTuple):
    """One number that matters; ``None`` is unknown."""

    name: str
    value: str | None
    note: str = ""


class Figures(NamedTuple):
    """Numbers that are read beside each other."""

    items: tuple[Figure, ...]


class Finding(NamedTuple):
    """One piece of advice."""

    title: str
    worth: str
    """Money of it, in words."""
    lines: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    """Name and text: effort, risk, how to undo it."""


class Folded(NamedTuple):
    """A table that is shown on demand, without a chart before it."""

    summary: str
    table: Table


Block: TypeAlias = Chart | Pair | Said | Listed | Figures | Finding | Folded | Table


class Section(NamedTuple):
    """A part with a heading of its own."""

    key: str
    """Its address within the page."""
    title: str
    blocks: tuple[Block, ...]


class Answer(NamedTuple):
    """One sentence of what the page has to say first."""

    text: str
    is_loud: bool


class Page(NamedTuple):
    """The whole page."""

    title: str
    about: tuple[str, ...]
    """Where its figures are from, in a line."""
    answers: tuple[Answer, ...]
    """The first of them is the heading of the page."""
    lead: tuple[Block, ...]
    sections: tuple[Section, ...]
    foot: str
