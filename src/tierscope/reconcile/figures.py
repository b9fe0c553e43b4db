"""What both sides count, and under which key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tierscope.catalog.names import candidates
from tierscope.words import BATCH, OTHER, UNREPORTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

FIELDS: Final = ("requests", "input", "cached", "output")
NAMELESS: Final = "?"
"""A model that nobody named."""
TIERLESS: Final = frozenset({UNREPORTED, OTHER})
"""Words of ours for calls whose tier is not known; a provider's books know it."""


class Figures(NamedTuple):
    """Requests and tokens; cached are inside input. ``None`` is unknown, never nothing."""

    requests: int | None = 0
    input: int | None = 0
    cached: int | None = 0
    output: int | None = 0


ZERO: Final = Figures()


class Key(NamedTuple):
    """What figures are of: a model without the date of its snapshot, and a canonical served tier."""

    model: str
    tier: str
    requested: str | None = None
    """The tier asked for, where the provider's books say it (Azure Monitor does)."""


class Ours(NamedTuple):
    """What a ledger holds of one key in one bucket."""

    figures: Figures
    """Tokens are those of the calls that told them; ``None`` where none did."""
    without_usage: int = 0
    """Calls among them that told no tokens."""
    near_begin: int = 0
    """Calls within a sixtieth of the bucket of its begin: a slightly different clock puts them into the one before."""
    near_end: int = 0
    late: int = 0
    """Background responses counted where they were fetched, for the ledger does not hold the call that made them."""
    unsaid: Mapping[str, int] = {}
    """Of calls whose tier is not known: why not, as in a report."""
    autos: Mapping[str, Ours] = {}
    """By project, those of them that named no tier when they asked."""


class Theirs(NamedTuple):
    """What a provider's books hold of one key in one bucket."""

    figures: Figures
    foreign: Figures = ZERO
    """The part in projects that the ledger never names; nothing where it does not name all of its own."""


def add(one: Figures, other: Figures) -> Figures:
    """The sum, exact or absent."""
    return Figures(*(None if a is None or b is None else a + b for a, b in zip(one, other, strict=True)))


def minus(one: Figures, other: Figures) -> Figures:
    """The difference, exact or absent."""
    return Figures(*(None if a is None or b is None else a - b for a, b in zip(one, other, strict=True)))


def total(some: Iterable[Figures]) -> Figures:
    """The sum of many."""
    whole = ZERO
    for figures in some:
        whole = add(whole, figures)
    return whole


def is_nothing(figures: Figures) -> bool:
    """Say whether no known figure is anything but 0."""
    return not any(figures)


def agree(one: Figures, other: Figures) -> bool:
    """Say whether all figures that both sides know are equal."""
    return is_nothing(minus(one, other))


def coverage(theirs: int | None, ours: int | None) -> float | None:
    """Return the part of theirs that is ours; ``None`` where either is unknown, or theirs is nothing."""
    return None if ours is None or not theirs else ours / theirs


def named(model: str | None) -> str:
    """Return the name under which a model is compared: one side may say the alias, the other the snapshot."""
    return candidates(model)[-1] if model else NAMELESS


def is_batch(key: Key) -> bool:
    """Say whether figures are of the Batch API, whose hours a ledger does not know."""
    return key.tier == BATCH
