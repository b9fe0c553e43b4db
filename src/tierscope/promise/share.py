"""A share as two exact counts."""

from __future__ import annotations

from fractions import Fraction
from typing import NamedTuple


class Share(NamedTuple):
    """So many of so many."""

    met: int = 0
    of: int = 0

    @property
    def missed(self) -> int:
        """Those that did not."""
        return self.of - self.met

    @property
    def value(self) -> Fraction | None:
        """The exact share; ``None`` of nothing."""
        return Fraction(self.met, self.of) if self.of else None

    def keeps(self, required: float | None) -> bool | None:
        """Say whether at least the required share was met; ``None`` of nothing, or where nothing is required."""
        if required is None or self.value is None:
            return None
        return self.value >= Fraction(str(required))  # 0.99 is meant, not the nearest binary number
