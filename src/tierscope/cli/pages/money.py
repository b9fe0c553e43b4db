"""What calls cost by the tier that served them, beside the same tokens at the default tier."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tierscope.cli.pages import names
from tierscope.cli.sentences import dollars, many, money
from tierscope.html.page import Chart, Figure, Figures, Folded, Said, Section, Table
from tierscope.words import EFFECTS, PREMIUM_NOT_CHARGED, PREMIUM_PAID, SAVING_LOST, SAVING_MADE, SCALE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tierscope.html.page import Block, Cell
    from tierscope.ledger.figures import Group, Money, Report

KEY, TITLE = "cost", "Cost by tier"
EFFECT_NAMES: Final = {
    PREMIUM_PAID: "Premium paid",
    SAVING_MADE: "Saving made",
    PREMIUM_NOT_CHARGED: "Premium not charged",
    SAVING_LOST: "Saving lost",
}
_NOTES: Final = {
    PREMIUM_PAID: "above the default price",
    SAVING_MADE: "below the default price",
    PREMIUM_NOT_CHARGED: "downgraded, and billed as served",
    SAVING_LOST: "flex answered by a dearer tier",
}
_ROW_PX: Final = 46


class Bill(NamedTuple):
    """The money of one model's calls that a tier served."""

    model: str
    tier: str | None
    calls: int
    priced: int
    unpriced: int
    cost: float
    at_default: float
    effects: tuple[float, ...]
    """In the order of ``EFFECTS``."""


def lead(report: Report) -> tuple[Block, ...]:
    """The sums that the page begins with, and beside them what is in none of them."""
    sums = report.money
    if not sums.priced:
        return (Said("No call has a price: what is known of it stands under Cost by tier.", is_quiet=True),)
    effects = (Figure(EFFECT_NAMES[word], dollars(getattr(sums, word)), _NOTES[word]) for word in EFFECTS)
    first = Figure("List price", dollars(sums.cost), f"of {many(sums.priced, 'call')}")
    second = Figure("At the default tier", dollars(sums.at_default), "the same tokens")
    return Figures((first, second, *effects)), Said(_without(report), is_quiet=True)


def _without(report: Report) -> str:
    """Say how many calls are in no sum of money, and of which kinds."""
    unpriced = sum(report.money.unpriced.values())
    scale = sum(group.calls for group in report.groups if group.served == SCALE and not group.money.priced)
    rest = report.calls - report.money.priced - unpriced - scale
    parts = [f"{unpriced:,} unpriced"]
    parts += [f"{scale:,} served from scale, which is paid in advance"] if scale else []
    parts += [f"{rest:,} without a reply that is billed"] if rest else []
    return f"Not in these sums: {', '.join(parts)}. List prices, not an invoice."


def section(report: Report) -> Section:
    """The section."""
    bills = [*_bills(report.groups)]
    table = _table(bills, report.money, report.calls)
    shown: Block = Folded("What is known, by model and tier", table)
    if report.money.priced:
        shown = _picture([bill for bill in bills if bill.priced], table)
    return Section(KEY, TITLE, (shown, *map(Said, money(report.money)), *_apart(bills), *_batches(report)))


def _bills(groups: Iterable[Group]) -> Iterator[Bill]:
    groups = [*groups]
    is_one = len({group.provider for group in groups}) < 2  # noqa: PLR2004  no other to tell it from
    members: dict[tuple[str, str | None], list[Group]] = {}
    for group in groups:
        members.setdefault((names.title(group.provider, group.model, is_one), group.served), []).append(group)
    for (model, tier), some in members.items():
        sums = [group.money for group in some]
        yield Bill(
            model,
            tier,
            calls=sum(group.calls for group in some),
            priced=sum(one.priced for one in sums),
            unpriced=sum(sum(one.unpriced.values()) for one in sums),
            cost=math.fsum(one.cost for one in sums),
            at_default=math.fsum(one.at_default for one in sums),
            effects=tuple(math.fsum(getattr(one, word) for one in sums) for word in EFFECTS),
        )


def _picture(bills: list[Bill], table: Table) -> Chart:
    ordered = sorted(bills, key=lambda bill: -bill.cost)
    told = "; ".join(f"{bill.model} {names.served(bill.tier)}: {dollars(bill.cost)}" for bill in ordered)
    data = {"height": _ROW_PX * len(ordered) + 8, "rows": [_drawn(bill) for bill in ordered]}
    return Chart(
        "bars", "List price of what each tier served; the upright line is the same at default", f"{told}.", data, table
    )


def _drawn(bill: Bill) -> dict[str, Any]:
    other = "" if math.isclose(bill.cost, bill.at_default) else f" ({dollars(bill.at_default)})"
    return {
        "name": f"{bill.model}\n{bill.tier or names.served(None)}",
        "tier": names.tier(bill.tier),
        "value": bill.cost,
        "mark": bill.at_default,
        "text": f"{dollars(bill.cost)}{other}",
        "lines": [
            f"list price {dollars(bill.cost)}",
            f"same tokens at default {dollars(bill.at_default)}",
            f"{many(bill.priced, 'call')} priced, {bill.unpriced:,} unpriced",
        ],
    }


def _table(bills: list[Bill], whole: Money, calls: int) -> Table:
    head = ("Model", "Served", "Calls", "Priced", "Unpriced", "List price", "At default", *EFFECT_NAMES.values())
    unpriced = sum(whole.unpriced.values())
    sums = tuple(getattr(whole, word) for word in EFFECTS)
    total = Bill("All", "", calls, whole.priced, unpriced, whole.cost, whole.at_default, sums)
    return Table("USD by list price", head, tuple(map(_row, (*bills, total))), words=2)


def _row(bill: Bill) -> tuple[Cell, ...]:
    amounts = (bill.cost, bill.at_default, *bill.effects)
    told = (dollars(amount) if bill.priced else None for amount in amounts)
    return bill.model, bill.tier, f"{bill.calls:,}", f"{bill.priced:,}", f"{bill.unpriced:,}", *told


def _apart(bills: list[Bill]) -> Iterator[Said]:
    calls = sum(bill.calls for bill in bills if bill.tier == SCALE and not bill.priced)
    if calls:
        yield Said(f"{many(calls, 'call')} served from scale: units are paid by the day, so a call has no price there.")


def _batches(report: Report) -> Iterator[Said]:
    if report.batches:
        yield from (Said(f"Batches: {line}") for line in money(report.batch_money))
