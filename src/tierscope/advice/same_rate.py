"""``same-rate``: Priority is paid for a model that was as fast by default, as far as was measured."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from tierscope.advice.finding import SAVING, Finding, Money, Subject
from tierscope.advice.known import count
from tierscope.ledger.figures import quantiles
from tierscope.words import DEFAULT, PRIORITY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tierscope.advice.figures import Figures, Speeds
    from tierscope.advice.known import Known
    from tierscope.advice.lines import Line
    from tierscope.ledger.figures import Quantiles

RULE: Final = "same-rate"
FEWEST: Final = 30
"""Streamed replies of each tier whose rate and first token were measured."""
TOLERANCE: Final = 0.05
"""By so much of Priority's figure the default tier's may be worse and still be called the same."""


def find(figures: Figures, _known: Known) -> Iterator[Finding]:
    """Compare the tiers of each model: half and the slowest twentieth of the rates, and half of the first tokens."""
    paid: defaultdict[tuple[str, str | None], list[Line]] = defaultdict(list)
    for line in figures.lines:
        if line.where.served == PRIORITY and line.above_default > 0:
            paid[line.where.provider, line.where.response_model].append(line)
    for key, lines in paid.items():
        fast, plain = (figures.speeds.get((*key, tier)) for tier in (PRIORITY, DEFAULT))
        if fast is not None and plain is not None:
            compared = _compared(fast), _compared(plain)
            if _is_same(*compared[0], *compared[1]):
                yield _finding(Subject(*key), lines, *compared[0], *compared[1], figures)


def _compared(speeds: Speeds) -> tuple[Quantiles, Quantiles]:
    return quantiles(speeds.generation), quantiles(speeds.first_token)


def _is_same(fast: Quantiles, fast_first: Quantiles, plain: Quantiles, plain_first: Quantiles) -> bool:
    if min(one.count for one in (fast, fast_first, plain, plain_first)) < FEWEST:
        return False
    rates = (plain.p50, fast.p50), (plain.p05, fast.p05)
    return all(
        (ours or 0.0) >= (theirs or 0.0) * (1 - TOLERANCE) for ours, theirs in rates
    ) and (plain_first.p50 or 0.0) <= (fast_first.p50 or 0.0) * (1 + TOLERANCE)  # fmt: skip


def _finding(
    about: Subject,
    lines: list[Line],
    fast: Quantiles,
    fast_first: Quantiles,
    plain: Quantiles,
    plain_first: Quantiles,
    figures: Figures,
) -> Finding:
    calls = sum(line.calls for line in lines)
    return Finding(
        RULE,
        about,
        f"{count(calls)} on {about.words} paid for priority, at a median of {fast.p50:.0f} token/s; the default tier "
        f"gave {plain.p50:.0f}.",
        "Try default for a part of the traffic, and watch rate and first token; priority pays where the default slows.",
        calls,
        Money(sum(line.above_default for line in lines), SAVING),
        {
            "priority_samples": fast.count,
            "priority_rate_p50": fast.p50 or 0.0,
            "priority_rate_p05": fast.p05 or 0.0,
            "priority_first_token_p50_s": fast_first.p50 or 0.0,
            "default_samples": plain.count,
            "default_rate_p50": plain.p50 or 0.0,
            "default_rate_p05": plain.p05 or 0.0,
            "default_first_token_p50_s": plain_first.p50 or 0.0,
        },
        "low",
        "Default has no promise of speed: what was as fast in this span may be slower under load.",
        "Send the tier again.",
        figures.span,
    )
