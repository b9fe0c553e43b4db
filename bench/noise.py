"""What is left of a figure when the neighbours of a shared machine are taken out of it."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

BLOCKS = 3
LOOPS = 10


def undisturbed(spent: Iterable[float], share: int = BLOCKS) -> float:
    """Return the median of the fastest third, or of another share: disturbances only ever make a block slower."""
    fastest = sorted(spent)
    return statistics.median(fastest[: max(1, len(fastest) // share)])
