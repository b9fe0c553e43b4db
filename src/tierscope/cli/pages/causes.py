"""Why calls were downgraded: inferred, since the API never states a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tierscope.cli.sentences import many, percent
from tierscope.html.page import Chart, Said, Section, Table
from tierscope.words import CAPACITY_OR_UNKNOWN, LONG_CONTEXT, RAMP_RATE

if TYPE_CHECKING:
    from collections import Counter

    from tierscope.html.page import Block

KEY, TITLE = "causes", "Downgrades by inferred cause"
MEANS: Final = {
    LONG_CONTEXT: "a prompt above 128,000 tokens, which the promise of its model leaves out",
    RAMP_RATE: "a minute in which input tokens grew faster than the ramp rule allows",
    CAPACITY_OR_UNKNOWN: "no reason that can be seen from here: the service was at capacity, or something else",
}
_ROW_PX: Final = 46


def section(causes: Counter[str]) -> Section:
    """The section."""
    return Section(KEY, TITLE, (*_blocks(causes),))


def _blocks(causes: Counter[str]) -> tuple[Block, ...]:
    total = causes.total()
    if not total:
        return (Said("No call was downgraded, so there is no cause to infer."),)
    ordered = causes.most_common()
    rows = tuple((cause, MEANS.get(cause, ""), f"{calls:,}", percent(calls / total)) for cause, calls in ordered)
    table = Table("Downgraded calls by inferred cause", ("Inferred cause", "Meaning", "Calls", "Share"), rows, words=2)
    drawn = [
        {
            "name": cause,
            "value": calls,
            "text": f"{many(calls, 'call')} ({percent(calls / total)})",
            "lines": [many(calls, "call"), MEANS.get(cause, "")],
        }
        for cause, calls in ordered
    ]
    told = "; ".join(f"{row[0]} {row[2]}" for row in rows)
    data = {"height": _ROW_PX * len(rows) + 8, "rows": drawn}
    chart = Chart("bars", f"{many(total, 'downgraded call')}, by inferred cause", f"Inferred: {told}.", data, table)
    return (
        chart,
        *(Said(f"{cause} (inferred): {MEANS[cause]}.") for cause, _ in ordered if cause in MEANS),
        *_apart(causes),
    )


def _apart(causes: Counter[str]) -> tuple[Said, ...]:
    """Say why the first sentences of the page count otherwise."""
    if not causes[RAMP_RATE]:
        return ()
    return (
        Said(
            f"{RAMP_RATE} is seen only in the series of a whole ledger. The sentences at the top are of single calls, "
            f"and count these {causes[RAMP_RATE]:,} under {CAPACITY_OR_UNKNOWN}.",
            is_quiet=True,
        ),
    )
