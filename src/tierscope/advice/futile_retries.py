"""``futile-retries``: a workload whose retries mostly end in the same error: they cost time and save few calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tierscope.advice.finding import Finding
from tierscope.advice.known import by_subject, count
from tierscope.words import FAILED, REFUSED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tierscope.advice.figures import Figures
    from tierscope.advice.finding import Subject
    from tierscope.advice.known import Known
    from tierscope.advice.lines import Line

RULE: Final = "futile-retries"
FEWEST: Final = 20
"""Calls that were tried again: of fewer, by chance alone, more than half may be lost."""
_LOST: Final = frozenset({FAILED, REFUSED})


def find(figures: Figures, _known: Known) -> Iterator[Finding]:
    """Find workloads in which more of the calls that were tried again were lost than saved.

    An attempt that was answered with an error is not charged, so what they cost is time.
    """
    for about, lines in by_subject(figures.lines, lambda line: line.retried > 0).items():
        lost = [line for line in lines if line.where.outcome in _LOST]
        retried, failed = sum(line.retried for line in lines), sum(line.retried for line in lost)
        if retried >= FEWEST and 2 * failed > retried:
            yield _finding(about, retried, lost, figures)


def _finding(about: Subject, retried: int, lost: list[Line], figures: Figures) -> Finding:
    failed, retries = sum(line.retried for line in lost), sum(line.retries for line in lost)
    waited = sum(line.waited_s for line in lost)
    return Finding(
        RULE,
        about,
        f"{failed:,} of {count(retried)} on {about.words} that were tried again failed all the same, after "
        f"{waited:,.0f} s of waiting.",
        "Retry less, later, or not at all; see what the error is. What must be done on flex can fall back to default.",
        failed,
        None,
        {"tried_again": retried, "lost": failed, "attempts_lost": retries, "waited_s": round(waited, 3)},
        "low",
        "Some of these calls were saved by a retry.",
        "Set max_retries as before.",
        figures.span,
    )
