"""Which buckets of time are whole and closed: only these are compared."""

from __future__ import annotations

from typing import Final, NamedTuple

WIDTHS: Final = {"1m": 60, "1h": 3600}
"""Seconds of the buckets that a provider's books have, beside days."""
DAY_S: Final = 86_400
_TENTH: Final = 10


class Span(NamedTuple):
    """Whole buckets; seconds since 1970, ends exclusive."""

    begin_s: int
    end_s: int
    """End of the last closed bucket; equal to the begin where none is closed."""
    width_s: int
    open: tuple[int, ...] = ()
    """Begins of buckets that were asked for and have begun, but are not closed: they are left out."""

    @property
    def buckets(self) -> range:
        """Begins of the closed buckets."""
        return range(self.begin_s, self.end_s, self.width_s)


def settling(width_s: int) -> int:
    """Return how long a bucket's books are given by default: a tenth of it. No document says how late usage appears."""
    return width_s // _TENTH


def span(begin_s: int, end_s: int, width_s: int, *, now_s: float, settle_s: float) -> Span:
    """Return the whole buckets within a range, those that ended at least ``settle_s`` ago closed."""
    begin, end = -(-begin_s // width_s) * width_s, end_s // width_s * width_s
    closed = max(begin, min(end, int(now_s - settle_s) // width_s * width_s))
    return Span(begin, closed, width_s, tuple(start for start in range(closed, end, width_s) if start < now_s))
