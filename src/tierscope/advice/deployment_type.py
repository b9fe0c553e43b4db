"""``deployment-type``: Priority asked of an Azure deployment of a type that has none.

No reply tells the type: the user's file of the catalog does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tierscope.advice.finding import Finding
from tierscope.advice.known import by_subject, count, lacking, not_charged
from tierscope.advice.never_served import UNTOLD
from tierscope.words import DOWNGRADED, LONG_CONTEXT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tierscope.advice.figures import Figures
    from tierscope.advice.finding import Subject
    from tierscope.advice.known import Known
    from tierscope.advice.lines import Line
    from tierscope.catalog.deployments import Kind

RULE: Final = "deployment-type"


def find(figures: Figures, known: Known) -> Iterator[Finding]:
    """Find them, where what was served does not say that the file is wrong; long prompts are a finding of their own."""

    def is_meant(line: Line) -> bool:
        return lacking(known, line.where) is not None and line.where.outcome not in UNTOLD

    for about, lines in by_subject(figures.lines, is_meant).items():
        lost = [line for line in lines if line.where.inferred_cause != LONG_CONTEXT]
        kind = lacking(known, lines[0].where)
        if kind is not None and lost and all(line.where.outcome == DOWNGRADED for line in lines):
            yield _finding(about, kind, lost, figures)


def _finding(about: Subject, kind: Kind, lines: list[Line], figures: Figures) -> Finding:
    calls = sum(line.calls for line in lines)
    return Finding(
        RULE,
        about,
        f"{count(calls)} on {about.words} expected priority of a {kind} deployment, which has none.",
        "Ask for default; or deploy the model as GlobalStandard, or as DataZoneStandard in the US.",
        calls,
        not_charged(lines),
        {
            "type": str(kind),
            "served": ", ".join(sorted({line.where.served for line in lines})),
            "paid_pico_usd": sum(line.paid for line in lines),
        },
        "medium",
        "On a deployment of another type data may be processed elsewhere. What is then served priority is charged so.",
        "Send the tier again, or move back.",
        figures.span,
    )
