"""``could-wait``: a workload that nobody waits for, at the price of one that somebody does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tierscope import cost
from tierscope.advice.finding import SAVING, Finding, Money
from tierscope.advice.known import by_subject, count
from tierscope.words import BATCH, DEFAULT, FLEX, PRIORITY, TIERLESS, ULTRAFAST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tierscope.advice.figures import Figures
    from tierscope.advice.finding import Effort, Subject
    from tierscope.advice.known import Known
    from tierscope.advice.lines import Line

RULE: Final = "could-wait"
_DEAR: Final = frozenset({DEFAULT, PRIORITY, ULTRAFAST})
_PATIENT: Final = (FLEX, BATCH)


def find(figures: Figures, known: Known) -> Iterator[Finding]:
    """Price the tokens of what the policy calls not interactive by flex; by batch where flex has no price.

    What asked for flex and did not get it is ``flex-lost``; work in the background has a discount of its own.
    """

    def is_meant(line: Line) -> bool:
        where = line.where
        if where.served not in _DEAR or where.expected in _PATIENT or where.completion_window is not None:
            return False
        rule = known.workload(where)
        return line.priced > 0 and rule is not None and rule.interactive is False

    for about, lines in by_subject(figures.lines, is_meant).items():
        for tier in _PATIENT:
            cheaper = [(line, amount) for line in lines if (amount := _at(line, tier, known)) is not None]
            if cheaper:
                yield from _finding(about, tier, cheaper, figures, known)
                break


def _at(line: Line, tier: str, known: Known) -> int | None:
    where = line.where
    if tier == FLEX and where.endpoint in TIERLESS:
        return None
    model = where.response_model or where.deployment or where.request_model
    if model is None:
        return None
    return cost.at(known.rates, where.provider, model, tier, line.day, line.prompt, line.parts)


def _finding(
    about: Subject, tier: str, cheaper: list[tuple[Line, int]], figures: Figures, known: Known
) -> Iterator[Finding]:
    calls, paid = sum(line.priced for line, _ in cheaper), sum(line.paid for line, _ in cheaper)
    at_tier = sum(amount for _, amount in cheaper)
    if paid <= at_tier:
        return
    rules = {rule.name for line, _ in cheaper if (rule := known.workload(line.where)) is not None}
    yield Finding(
        RULE,
        about,
        f"{count(calls)} on {about.words} that nobody waits for: on {tier} their tokens cost {at_tier / paid:.0%} of "
        f"what was paid.",
        _ADVICE[tier],
        calls,
        Money(paid - at_tier, SAVING),
        {
            "paid_pico_usd": paid,
            f"at_{tier}_pico_usd": at_tier,
            "served": ", ".join(sorted({line.where.served for line, _ in cheaper})),
            "policy": ", ".join(sorted(rules)),
        },
        _EFFORT[tier],
        _RISK[tier],
        _UNDO[tier],
        figures.span,
    )


_ADVICE: Final = {
    FLEX: "Ask for flex, with a time-out of 900 s and retries.",
    BATCH: "Collect these calls into batches.",
}
_EFFORT: Final[dict[str, Effort]] = {FLEX: "low", BATCH: "high"}
_RISK: Final = {
    FLEX: "Flex is slower, may be refused for want of capacity, and has no promise; refused attempts are not charged.",
    BATCH: "Results come within 24 hours.",
}
_UNDO: Final = {FLEX: "Send the tier that was sent before.", BATCH: "Make single calls again."}
