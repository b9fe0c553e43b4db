"""Calls that named no tier, and of which no reply told one: they are of the tier that their project's setting says.

As far as the provider's books say so too: there, so many requests of that tier must be missing here.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from tierscope import tiers
from tierscope.reconcile.figures import ZERO, Figures, Key, Ours, Theirs, add, minus
from tierscope.words import CANONICAL

if TYPE_CHECKING:
    from collections.abc import Mapping

AUTO_OTHERWISE: Final = "auto_otherwise"
"""Why the tier of a call is not known: its project's setting says one, of which the books have no request left."""


class Resolved(NamedTuple):
    """The ledger's figures, and how many requests went by the settings, by project."""

    cells: Mapping[int, Mapping[Key, Ours]]
    meant: Mapping[str, int]
    """Compared under the tier that the setting says."""
    otherwise: Mapping[str, int]
    """Not: the provider's books say something else."""


def resolve(
    theirs: Mapping[int, Mapping[Key, Theirs]],
    ours: Mapping[int, Mapping[Key, Ours]],
    means: Mapping[str, str | None],
) -> Resolved:
    """Move calls under the tier that their project's setting says.

    Args:
        theirs: the provider's books, by bucket.
        ours: the ledger, by bucket.
        means: by project, what ``auto`` is there; ``None``: it cannot be seen.

    """
    meant: Counter[str] = Counter()
    otherwise: Counter[str] = Counter()
    found = {}
    for begin, cells in ours.items():
        moved = dict(cells)
        for key, held in cells.items():
            for project, part in held.autos.items():
                tier = tiers.canonical(means.get(project))
                if tier not in CANONICAL:
                    continue
                requests, target = part.figures.requests or 0, key._replace(tier=tier)
                is_said = requests <= _missing(theirs.get(begin, {}).get(target), moved.get(target))
                if is_said:
                    moved[target] = _joined(moved.get(target, Ours(ZERO)), part._replace(unsaid={}), 1)
                    moved[key] = _joined(moved[key], part, -1)
                else:
                    moved[key] = moved[key]._replace(unsaid=_renamed(moved[key].unsaid, part.unsaid))
                (meant if is_said else otherwise)[project] += requests
        found[begin] = {key: held for key, held in moved.items() if held.figures.requests}
    return Resolved(found, meant, otherwise)


def _missing(theirs: Theirs | None, ours: Ours | None) -> int:
    """Return how many requests the books have that the ledger has not, as far as is known."""
    return ((theirs.figures.requests or 0) if theirs else 0) - ((ours.figures.requests or 0) if ours else 0)


def _renamed(unsaid: Mapping[str, int], part: Mapping[str, int]) -> Mapping[str, int]:
    return Counter(unsaid) - Counter(part) + Counter({AUTO_OTHERWISE: sum(part.values())})


def _joined(one: Ours, other: Ours, sign: int) -> Ours:
    """Return both (or, by a sign of -1, the one without the other); tokens are of the calls that told them."""
    requests, without, near_begin, near_end, late = (
        (here or 0) + sign * (there or 0) for here, there in zip(_counts(one), _counts(other), strict=True)
    )
    tokens: tuple[int | None, ...] = (None,) * 3
    if without < requests:
        tokens = (add if sign > 0 else minus)(_told(one), _told(other))[1:]
    unsaid = Counter(one.unsaid) if sign > 0 else Counter(one.unsaid) - Counter(other.unsaid)
    return Ours(Figures(requests, *tokens), without, near_begin, near_end, late, unsaid)


def _counts(ours: Ours) -> tuple[int | None, ...]:
    return ours.figures.requests, ours.without_usage, ours.near_begin, ours.near_end, ours.late


def _told(ours: Ours) -> Figures:
    """Return the tokens that were told: none where no call told them."""
    return ours.figures if ours.without_usage < (ours.figures.requests or 0) else ZERO
