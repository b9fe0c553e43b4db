"""Which tier was asked for, and which one served: the flow, and every figure of each group of calls."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from tierscope.cli.pages import names
from tierscope.cli.sentences import dollars, many, percent
from tierscope.cli.table import number, seconds
from tierscope.html.page import Chart, Folded, Said, Section, Table

if TYPE_CHECKING:
    from tierscope.html.page import Block, Cell
    from tierscope.ledger.figures import Group, Quantiles, Report

KEY, TITLE = "flow", "Requested and served"
Link = tuple[str, str | None, str | None]
"""Requested, expected, served."""
_NODE_PX: Final = 64
_HEAD: Final = (
    "Model",
    "Requested",
    "Expected",
    "Served",
    "Calls",
    "Share",
    "Downgraded",
    "Refused",
    "Failed",
    "Retries",
    "Generation p50",
    "End to end p50",
    "First token p50",
    "Tokens in",
    "Tokens out",
    "List price",
    "Unpriced",
)


def section(report: Report) -> Section:
    """The section."""
    links: Counter[Link] = Counter()
    for group in report.groups:
        links[group.requested, group.expected, group.served] += group.calls
    return Section(KEY, TITLE, (_picture(links), Folded("Every figure, by model and tier", _groups(report))))


def _picture(links: Counter[Link]) -> Block:
    if len(links) == 1:
        ((requested, expected, served), calls) = next(iter(links.items()))
        return Said(f"All of {many(calls, 'call')}: {names.asked(requested, expected)}, {names.served(served)}.")
    ordered = sorted(links.items(), key=lambda item: (str(item[0][:2]), -item[1]))
    asked: Counter[tuple[str, str | None]] = Counter()
    got: Counter[str | None] = Counter()
    for (requested, expected, word), calls in ordered:
        asked[requested, expected] += calls
        got[word] += calls
    rows = tuple(
        (names.asked(*link[:2]), names.served(link[2]), f"{calls:,}", percent(calls / asked[link[:2]]))
        for link, calls in ordered
    )
    table = Table("Calls by what was asked for and what served", ("Asked", "Served", "Calls", "Share"), rows, words=2)
    told = "; ".join(f"{row[0]}, {row[1]}: {row[2]} calls, {row[3]}" for row in rows)
    data = {"height": max(160, _NODE_PX * max(len(asked), len(got))), **_drawn(ordered, asked, got)}
    return Chart(
        "flow", "Calls, from the tier asked for to the tier that served", f"Flow of calls. {told}.", data, table
    )


def _drawn(
    ordered: list[tuple[Link, int]], asked: Counter[tuple[str, str | None]], served: Counter[str | None]
) -> dict[str, Any]:
    left = [
        {
            "id": f"asked {requested} {expected}",
            "side": 0,
            "text": names.asked(requested, expected),
            "count": many(calls, "call"),
            "tier": names.asked_tier(requested, expected),
        }
        for (requested, expected), calls in asked.items()
    ]
    right = [
        {
            "id": f"got {word}",
            "side": 1,
            "text": names.served(word),
            "count": many(calls, "call"),
            "tier": names.tier(word),
        }
        for word, calls in served.items()
    ]
    links = [
        {
            "source": f"asked {link[0]} {link[1]}",
            "target": f"got {link[2]}",
            "value": calls,
            "tier": names.tier(link[2]),
            "lines": [many(calls, "call"), f"{percent(calls / asked[link[:2]])} of what was asked so"],
        }
        for link, calls in ordered
    ]
    return {"nodes": [*left, *right], "links": links}


# ── every figure ──────────────────────────────────────────────────────────────────────────────────────────────────
def _groups(report: Report) -> Table:
    is_one = len({group.provider for group in report.groups}) < 2  # noqa: PLR2004  no other to tell it from
    rows = tuple(_row(group, is_one) for group in report.groups)
    return Table("Groups of calls; rates in token/s, the median (exact, nearest rank)", _HEAD, rows, words=4)


def _row(group: Group, is_one: bool) -> tuple[Cell, ...]:
    tokens, has_usage = group.tokens, bool(group.tokens.input or group.tokens.output)
    return (
        names.title(group.provider, group.model, is_one),
        group.requested,
        group.expected,
        group.served,
        f"{group.calls:,}",
        percent(group.share),
        f"{group.downgraded:,}",
        f"{group.outcomes.get('refused', 0):,}",
        f"{group.outcomes.get('failed', 0):,}",
        f"{group.retries:,}",
        _p50(group.generation),
        _p50(group.end_to_end),
        None if group.first_token.p50 is None else seconds(group.first_token.p50),
        f"{tokens.input:,}" if has_usage else None,
        f"{tokens.output:,}" if has_usage else None,
        dollars(group.money.cost) if group.money.priced else None,
        f"{sum(group.money.unpriced.values()):,}",
    )


def _p50(rates: Quantiles) -> str | None:
    return None if rates.p50 is None else number(rates.p50)
