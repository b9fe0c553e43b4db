"""Lays two sets of books side by side: per bucket, model and tier, with the causes of each gap."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tierscope.reconcile import causes
from tierscope.reconcile.figures import ZERO, Figures, Key, Ours, Theirs, coverage, is_batch, total

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tierscope.reconcile.causes import Cause
    from tierscope.reconcile.hours import Span

OurBooks = dict[int, dict[Key, Ours]]
TheirBooks = dict[int, dict[Key, Theirs]]
_NO_CALLS = Ours(ZERO)
_NOTHING = Theirs(ZERO)


class Cell(NamedTuple):
    """One bucket, model and tier."""

    begin_s: int
    key: Key
    theirs: Figures
    ours: Figures | None
    """``None``: a ledger does not know the hours of batches."""
    causes: tuple[Cause, ...] = ()
    unexplained: Figures = ZERO
    """What no cause accounts for of theirs minus ours."""


class Row(NamedTuple):
    """The sum of cells."""

    key: Key
    theirs: Figures
    ours: Figures

    def covered(self, field: str) -> float | None:
        """The part of theirs that is ours."""
        return coverage(getattr(self.theirs, field), getattr(self.ours, field))


def compare(
    span: Span,
    theirs: Mapping[int, Mapping[Key, Theirs]],
    ours: Mapping[int, Mapping[Key, Ours]],
    lost: Mapping[tuple[int, str], int],
) -> tuple[Cell, ...]:
    """Compare the closed buckets.

    Args:
        span: which these are.
        theirs: the provider's books.
        ours: the ledger.
        lost: by bucket and model, attempts that got no answer here and may have been served.

    """
    pairs = {
        (begin, key): causes.Pair(theirs.get(begin, {}).get(key, _NOTHING), ours.get(begin, {}).get(key, _NO_CALLS))
        for begin in span.buckets
        for key in sorted({*theirs.get(begin, {}), *ours.get(begin, {})}, key=_order)
    }
    found = causes.explain(span, {at: pair for at, pair in pairs.items() if not is_batch(at[1])}, lost)
    return tuple(_cell(begin, key, pair, found.get((begin, key))) for (begin, key), pair in pairs.items())


def _order(key: Key) -> tuple[str, str, str]:
    return key.model, key.tier, key.requested or ""


def _cell(begin: int, key: Key, pair: causes.Pair, found: causes.Explained | None) -> Cell:
    if found is None:
        return Cell(begin, key, pair.theirs.figures, None, (causes.Cause(causes.BATCHES, pair.theirs.figures),))
    return Cell(begin, key, pair.theirs.figures, pair.ours.figures, found.causes, found.rest)


def rows(cells: Iterable[Cell]) -> tuple[Row, ...]:
    """The sums over all buckets, by key; without batches."""
    held: dict[Key, list[Cell]] = {}
    for cell in cells:
        if cell.ours is not None:
            held.setdefault(cell.key, []).append(cell)
    return tuple(_row(key, held[key]) for key in sorted(held, key=_order))


def by_tier(cells: Iterable[Cell]) -> tuple[Row, ...]:
    """The sums over all buckets and models, by tier; without batches."""
    held: dict[str, list[Cell]] = {}
    for cell in cells:
        if cell.ours is not None:
            held.setdefault(cell.key.tier, []).append(cell)
    return tuple(_row(Key("", tier), held[tier]) for tier in sorted(held))


def whole(cells: Iterable[Cell]) -> Row:
    """The sum of all; without batches."""
    return _row(Key("", ""), [cell for cell in cells if cell.ours is not None])


def _row(key: Key, cells: list[Cell]) -> Row:
    return Row(key, total(cell.theirs for cell in cells), _told(cell.ours for cell in cells if cell.ours is not None))


def _told(some: Iterable[Figures]) -> Figures:
    """The sum of ours: of the calls that told tokens; absent where none did."""
    columns = list(zip(*some, strict=True)) or [()] * len(Figures._fields)
    return Figures(*(_sum(column) for column in columns))


def _sum(column: tuple[int | None, ...]) -> int | None:
    known = [value for value in column if value is not None]
    return sum(known) if known or not column else None


def least(row: Row) -> float | None:
    """The least coverage of requests, input and output tokens: what ``--fail-under`` looks at."""
    known = [part for part in map(row.covered, ("requests", "input", "output")) if part is not None]
    return min(known, default=None)
