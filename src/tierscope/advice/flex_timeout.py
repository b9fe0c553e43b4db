"""``flex-timeout``: calls on flex that ran into the SDK's default time-out of 600 s; the guides advise 900 s.

The time-out of a client is in no record. What proves it is an attempt that the client gave up after ten minutes; while
none did, nothing is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tierscope.advice.finding import Finding
from tierscope.advice.known import by_subject, count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tierscope.advice.figures import Figures
    from tierscope.advice.known import Known

RULE: Final = "flex-timeout"


def find(figures: Figures, _known: Known) -> Iterator[Finding]:
    """Find them; what they would have cost is not known, for nothing was answered."""
    for about, lines in by_subject(figures.lines, lambda line: line.impatient > 0).items():
        calls = sum(line.impatient for line in lines)
        yield Finding(
            RULE,
            about,
            f"{count(calls)} on {about.words} asked for flex, and gave up after the SDK's default time-out of 600 s.",
            "Give the client of these calls a time-out of 900 s: with_options(timeout=900.0).",
            calls,
            None,
            {"calls_on_flex": sum(line.calls for line in lines), "gave_up_after_600_s": calls},
            "low",
            "A call that hangs holds its worker for five minutes more.",
            "Take the time-out away.",
            figures.span,
        )
