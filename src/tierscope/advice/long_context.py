"""``long-context``: calls that ask for Priority with prompts that its promise excludes can never get it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tierscope.advice.finding import Finding
from tierscope.advice.known import by_subject, count, not_charged
from tierscope.tiers import LONG_CONTEXT_TOKENS
from tierscope.words import LONG_CONTEXT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tierscope.advice.figures import Figures
    from tierscope.advice.finding import Subject
    from tierscope.advice.known import Known
    from tierscope.advice.lines import Line

RULE: Final = "long-context"


def find(figures: Figures, _known: Known) -> Iterator[Finding]:
    """Find them by the cause that was inferred when they were recorded: the catalog of that day marked their model."""
    for about, lines in by_subject(figures.lines, lambda line: line.where.inferred_cause == LONG_CONTEXT).items():
        yield _finding(about, lines, figures)


def _finding(about: Subject, lines: list[Line], figures: Figures) -> Finding:
    calls = sum(line.calls for line in lines)
    wanted = ", ".join(sorted({line.where.expected or "" for line in lines}))
    return Finding(
        RULE,
        about,
        f"{count(calls)} on {about.words} expected {wanted} with a prompt beyond {LONG_CONTEXT_TOKENS:,} tokens; "
        f"none got it.",
        "Ask for default where the prompt is that long, shorten it, or use a model that is promised for long prompts.",
        calls,
        not_charged(lines),
        {
            "input_tokens": sum(sum(line.parts[:3]) for line in lines),
            "priced_calls": sum(line.priced for line in lines),
            "paid_pico_usd": sum(line.paid for line in lines),
        },
        "low",
        "None for the bill: these calls are charged as default already. A shorter prompt may change the answer, and is "
        "then charged as priority.",
        "Send the tier again.",
        figures.span,
    )
