"""What a row of the catalog's files means, and how a file that cannot be used is told."""

from __future__ import annotations

import datetime as dt
import math
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    Row = Mapping[str, Any]

SUBJECTS: Final = {
    "rates": ("provider", "model", "tier"),
    "promises": ("provider", "model", "version", "tier"),
    "scale_units": ("provider", "model"),
    "ramp": ("provider",),
}
"""The lists of rows, and what rows are about: a user's take the place of all that have these fields in common."""
PICO: Final = 1_000_000
"""Pico-dollars a token, in one USD per 1M tokens."""
_EPOCH: Final = dt.date(1970, 1, 1).toordinal()


class CatalogError(ValueError):
    """A file of the catalog cannot be used; the message names file, row, key, value and remedy."""

    def __init__(self, file: str, row: str, key: str, value: object, remedy: str) -> None:
        shown = repr(value) if isinstance(value, str) else str(value)
        super().__init__(f"{file}: {row}: {key}={shown:.200}: {remedy}")
        self.file, self.row, self.key, self.value, self.remedy = file, row, key, value, remedy


def pico(usd: Any) -> int:
    """Return USD per 1M tokens as pico-dollars per token."""
    return int(usd * PICO)


def day(date: str) -> int:
    """Return whole days since 1970-01-01."""
    return dt.date.fromisoformat(date).toordinal() - _EPOCH


def first_day(date: str | None) -> float:
    """Return the first day of a row that begins on this date, or began whenever."""
    return -math.inf if date is None else day(date)


def last_day(date: str | None) -> float:
    """Return the day after the last of a row that ends on this date, or does not end."""
    return math.inf if date is None else day(date)
