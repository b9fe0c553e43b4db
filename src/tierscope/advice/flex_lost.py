"""``flex-lost``: calls that expected flex, or batch, and were served and charged at a dearer tier."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tierscope.advice.finding import SAVING, Finding, Money
from tierscope.advice.known import by_subject, count
from tierscope.words import BATCH, FLEX

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tierscope.advice.figures import Figures
    from tierscope.advice.finding import Subject
    from tierscope.advice.known import Known
    from tierscope.advice.lines import Line

RULE: Final = "flex-lost"


def find(figures: Figures, _known: Known) -> Iterator[Finding]:
    """Find them, and by how much they were dearer."""

    def is_meant(line: Line) -> bool:
        return line.where.expected in {FLEX, BATCH} and line.above_expected > 0

    for about, lines in by_subject(figures.lines, is_meant).items():
        yield _finding(about, lines, figures)


def _finding(about: Subject, lines: list[Line], figures: Figures) -> Finding:
    calls = sum(line.calls for line in lines)
    served = ", ".join(sorted({line.where.served for line in lines}))
    return Finding(
        RULE,
        about,
        f"{count(calls)} on {about.words} expected {lines[0].where.expected}, and got and paid {served}.",
        "See whether this model, deployment and length of prompt have flex; use one that has, or batch.",
        calls,
        Money(sum(line.above_expected for line in lines), SAVING),
        {"served": served, "paid_pico_usd": sum(line.paid for line in lines)},
        "medium",
        "Another model answers otherwise; batch takes up to 24 hours.",
        "Use the model and the tier of before.",
        figures.span,
    )
