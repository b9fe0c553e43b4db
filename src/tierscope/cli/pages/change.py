"""What should be changed: the advice, by money."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tierscope.cli.advise import fact, worth
from tierscope.cli.sentences import plain
from tierscope.html import page
from tierscope.html.page import Said, Section

if TYPE_CHECKING:
    from tierscope.advice import Finding

KEY, TITLE = "change", "What to change"
_ALONE: Final = (
    "Money is of the observed span, at list prices. Findings may overlap, so their money is not to be added up. "
    "tierscope advise prints them too, and silences those that are known."
)


def section(findings: tuple[Finding, ...]) -> Section:
    """The section."""
    if not findings:
        return Section(KEY, TITLE, (Said("No finding: no rule of tierscope advise holds of these calls."),))
    return Section(KEY, TITLE, (*map(_finding, findings), Said(_ALONE, is_quiet=True)))


def _finding(one: Finding) -> page.Finding:
    evidence = ", ".join(fact(key, value) for key, value in one.evidence.items())
    facts = (("Effort", one.effort), ("Risk", one.risk), ("Undo", one.undo), ("Evidence", evidence))
    return page.Finding(
        plain(one.title),
        _capital(worth(one)),
        (plain(one.advice),),
        tuple((name, plain(told)) for name, told in facts),
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
