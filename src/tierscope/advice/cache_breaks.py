"""``cache-breaks``: prompts that were not read from the cache because the tier had changed.

Only a Responses call that asks for it is told (``prompt_cache_options.comparison_response_id``), and the service
estimates the tokens (openai-python 3.57, ``types/responses/response.py``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tierscope import cost
from tierscope.advice.finding import ESTIMATED, Finding, Money
from tierscope.advice.known import by_subject, count
from tierscope.words import DOWNGRADED, TIER_CHANGED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tierscope.advice.figures import Figures
    from tierscope.advice.finding import Subject
    from tierscope.advice.known import Known
    from tierscope.advice.lines import Line

RULE: Final = "cache-breaks"


def find(figures: Figures, known: Known) -> Iterator[Finding]:
    """Find them by the reason that the reply gave."""
    for about, lines in by_subject(figures.lines, lambda line: line.where.cache_miss == TIER_CHANGED).items():
        yield _finding(about, lines, figures, known)


def _finding(about: Subject, lines: list[Line], figures: Figures, known: Known) -> Finding:
    calls, missed = sum(line.calls for line in lines), sum(line.missed for line in lines)
    saved = [(line, amount) for line in lines if (amount := _dearer(line, known)) is not None]
    return Finding(
        RULE,
        about,
        f"{count(calls)} on {about.words} lost the prompt cache to a change of the tier: "
        f"{count(missed, 'input token')}, by the service's estimate.",
        "Keep calls that share a prompt, or go on with a conversation, on one tier.",
        calls,
        Money(sum(amount for _, amount in saved), ESTIMATED) if saved else None,
        {
            "served": ", ".join(sorted({line.where.served for line in lines})),
            "downgraded_calls": sum(line.calls for line in lines if line.where.outcome == DOWNGRADED),
            "missed_tokens_estimated": missed,
            "repriced_tokens_estimated": sum(line.lost_plain + line.lost_written for line, _ in saved),
        },
        "medium",
        "Calls that move to another tier are served and charged by it. Where the service downgraded them, the change "
        "was its own: nothing that was asked for undoes it.",
        "Send the tiers of before.",
        figures.span,
    )


def _dearer(line: Line, known: Known) -> int | None:
    """Return what the missed tokens cost more than read from the cache, in pico-dollars; ``None``: not known."""
    where, (plain, cached, written, output) = line.where, line.parts
    model = where.response_model or where.deployment or where.request_model
    lost = line.lost_plain + line.lost_written
    if not lost or model is None or where.completion_window is not None:
        return None
    place = known.rates, where.provider, model, where.served, line.day, line.prompt
    paid = cost.at(*place, line.parts)
    read = cost.at(*place, (plain - line.lost_plain, cached + lost, written - line.lost_written, output))
    return None if paid is None or read is None else paid - read
