"""``never-served``: a tier that is asked for again and again, and was not once served.

Region, kind of deployment and model decide whether a tier is offered at all. No reply says so; that nobody got it does.
Kinds that a user's file tells are a finding of their own (``deployment-type``).
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from tierscope.advice.finding import Finding
from tierscope.advice.known import count, lacking, not_charged, subject
from tierscope.words import DOWNGRADED, FAILED, LONG_CONTEXT, PRIORITY, REFUSED, ULTRAFAST, UNREPORTED, UNVERIFIED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tierscope.advice.figures import Figures
    from tierscope.advice.finding import Subject
    from tierscope.advice.known import Known
    from tierscope.advice.lines import Line

RULE: Final = "never-served"
FEWEST: Final = 20
"""Answered calls: of a tier that is served half of the time, a run of twenty without it comes once in a million."""
UNTOLD: Final = frozenset({REFUSED, FAILED, UNREPORTED, UNVERIFIED})


def find(figures: Figures, known: Known) -> Iterator[Finding]:
    """Find what expects Priority or Ultrafast and was always served less; long prompts are a finding of their own."""
    told: defaultdict[tuple[Subject, str, str | None], list[Line]] = defaultdict(list)
    for line in figures.lines:
        where = line.where
        if lacking(known, where) is not None:
            continue
        if where.expected in {PRIORITY, ULTRAFAST} and where.outcome not in UNTOLD:
            told[subject(where), where.expected, where.region].append(line)
    for (about, tier, region), lines in told.items():
        lost = [line for line in lines if line.where.inferred_cause != LONG_CONTEXT]
        if sum(line.calls for line in lost) >= FEWEST and all(line.where.outcome == DOWNGRADED for line in lost):
            yield _finding(about, tier, region, lost, figures)


def _finding(about: Subject, tier: str, region: str | None, lines: list[Line], figures: Figures) -> Finding:
    calls = sum(line.calls for line in lines)
    place = f" in {region}" if region else ""
    return Finding(
        RULE,
        about,
        f"{count(calls)} on {about.words}{place} expected {tier}; not one was served {tier}.",
        f"See whether {tier} is offered for this model, region and kind of deployment; else ask for default, or move.",
        calls,
        not_charged(lines),
        {
            "served": ", ".join(sorted({line.where.served for line in lines})),
            "region": region or "unknown",
            "paid_pico_usd": sum(line.paid for line in lines),
        },
        "medium",
        f"Where {tier} is served after a move, it is charged.",
        "Send the tier again, or move back.",
        figures.span,
    )
