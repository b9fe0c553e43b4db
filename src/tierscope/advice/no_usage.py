"""``no-usage``: streams that were read out and told no tokens: neither their cost nor their rates are known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tierscope.advice.finding import Finding
from tierscope.advice.known import by_subject, count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tierscope.advice.figures import Figures
    from tierscope.advice.known import Known

RULE: Final = "no-usage"


def find(figures: Figures, _known: Known) -> Iterator[Finding]:
    """Find them; what they cost is what is missing."""
    streams = by_subject(figures.lines, lambda line: line.where.is_stream == 1)
    for about, lines in streams.items():
        calls = sum(line.without_usage for line in lines)
        if calls:
            yield Finding(
                RULE,
                about,
                f"{count(calls)} on {about.words} came as a stream without usage; what they cost is not known.",
                "Set TIERSCOPE_STREAM_USAGE=auto, or ask for it: stream_options={'include_usage': True}.",
                calls,
                None,
                {"streams": sum(line.calls for line in lines), "without_usage": calls},
                "low",
                "The other chunks of these streams then carry usage: null; code that reads chunks by hand may trip.",
                "Unset it.",
                figures.span,
            )
