"""``ramp-rate``: traffic on Priority that grows faster than the provider's rule allows, and loses it for that."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from tierscope.advice.finding import NOT_CHARGED, Finding, Money
from tierscope.advice.known import count, subject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tierscope.advice.figures import Beyond, Figures
    from tierscope.advice.finding import Subject
    from tierscope.advice.known import Known

RULE: Final = "ramp-rate"


def find(figures: Figures, _known: Known) -> Iterator[Finding]:
    """Find the downgraded calls that ran while their series grew beyond the rule."""
    told: defaultdict[Subject, list[Beyond]] = defaultdict(list)
    for one in figures.beyond:
        told[subject(one.where)].append(one)
    for about, lost in told.items():
        yield _finding(about, lost, figures)


def _finding(about: Subject, lost: list[Beyond], figures: Figures) -> Finding:
    calls, compared = sum(one.calls for one in lost), sum(one.compared for one in lost)
    seen = {one.key for one in lost}
    return Finding(
        RULE,
        about,
        f"{count(calls)} on {about.words} expected priority while its traffic grew beyond the ramp rule, and got "
        f"default; inferred: for that.",
        "Raise the traffic gradually, spread or queue what comes at once, or send part of it by default at once.",
        calls,
        Money(sum(one.not_charged for one in lost), NOT_CHARGED) if compared else None,
        {
            "steps_beyond_the_rule": sum(key in seen for key, _ in figures.over.steps),
            "seconds_a_step": (figures.over.step_ns.get(about.provider) or 0) / 1e9,
        },
        "medium",
        "What is held back waits longer; what then is served priority is charged as priority.",
        "Take the limit on the rate of new requests away.",
        figures.span,
    )
