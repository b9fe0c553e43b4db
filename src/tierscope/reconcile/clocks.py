"""Finds out whether a ledger was written by a clock that was off by whole buckets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tierscope.reconcile.figures import Figures, Key, agree, is_batch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tierscope.reconcile.figures import Ours, Theirs

FEWEST: Final = 3
"""Fewer equal figures prove nothing."""
FURTHEST: Final = 24
"""Buckets by which a clock is looked for: with hours, every time zone."""

Series = dict[tuple[int, Key], Figures]


def shift(
    theirs: Mapping[int, Mapping[Key, Theirs]], ours: Mapping[int, Mapping[Key, Ours]], width_s: int
) -> int | None:
    """Return how many buckets the ledger is ahead of the provider's books; negative: behind.

    ``None`` unless every figure of the ledger, three at least, is that of the books so many buckets earlier, and not
    one is in its own place.
    """
    here = {
        (at, key): held.figures for at, bucket in ours.items() for key, held in bucket.items() if held.figures.requests
    }
    there = {
        (at, key): held.figures for at, bucket in theirs.items() for key, held in bucket.items() if not is_batch(key)
    }
    if len(here) < FEWEST or _matching(here, there, 0):
        return None
    tried = (sign * count for count in range(1, FURTHEST + 1) for sign in (1, -1))
    return next((count for count in tried if _matching(here, there, count * width_s) == len(here)), None)


def _matching(here: Series, there: Series, ahead_s: int) -> int:
    return sum(
        (at - ahead_s, key) in there and agree(there[at - ahead_s, key], figures) for (at, key), figures in here.items()
    )
