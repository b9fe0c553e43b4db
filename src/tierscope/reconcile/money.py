"""Money, by whole closed UTC day: the costs API has no finer buckets, and no tiers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tierscope.reconcile.figures import named
from tierscope.reconcile.hours import DAY_S

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tierscope.reconcile.pages import Paid


class Bill(NamedTuple):
    """What a ledger's calls of one day cost at list price, in pico-dollars."""

    pico: int = 0
    priced: int = 0
    unpriced: Mapping[str, int] = {}
    """Calls without a price, by reason: their money is unknown, not nothing."""


class Day(NamedTuple):
    """One UTC day."""

    begin_s: int
    theirs_pico: int
    ours: Bill
    elsewhere: Mapping[str, int]
    """Of theirs: line items that name no model of the ledger, in pico-dollars."""

    @property
    def covered(self) -> float | None:
        """The part of theirs that is ours; ``None`` where theirs is nothing, or ours has no price at all."""
        return self.ours.pico / self.theirs_pico if self.theirs_pico and self.ours.priced else None


def days(
    begin_s: int, end_s: int, paid: Iterable[Paid], bills: Mapping[int, Bill], models: frozenset[str]
) -> list[Day]:
    """Compare the whole days of a range."""
    held: dict[int, list[Paid]] = {
        day: [] for day in range(-(-begin_s // DAY_S) * DAY_S, end_s // DAY_S * DAY_S, DAY_S)
    }
    for item in paid:
        if item.begin_s in held:
            held[item.begin_s].append(item)
    return [_day(day, items, bills.get(day, Bill()), models) for day, items in held.items()]


def _day(day: int, items: list[Paid], bill: Bill, models: frozenset[str]) -> Day:
    elsewhere: dict[str, int] = {}
    for item in items:
        name = item.line_item or "no line item"
        if named(name.partition(",")[0].strip()) not in models:
            elsewhere[name] = elsewhere.get(name, 0) + item.pico
    return Day(day, sum(item.pico for item in items), bill, elsewhere)
