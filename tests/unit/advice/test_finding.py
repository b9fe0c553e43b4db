"""A finding: its id, its money, and what may be said of a month."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.unit.advice.made import DAY_NS, SPAN
from tierscope.advice import Finding, Money, Span, Subject
from tierscope.advice.finding import ranked

CHAT = Subject("openai", "gpt-4.1", "proj_a")


def finding(rule: str = "long-context", money: Money | None = None, calls: int = 1, **fields: Any) -> Finding:
    return Finding(rule, CHAT, "Seen.", "Do.", calls, money, {}, "low", "None.", "Undo.", SPAN)._replace(**fields)


@pytest.mark.parametrize(
    ("subject", "ident", "words"),
    [
        (CHAT, "openai:gpt-4.1:proj_a", "gpt-4.1 (proj_a)"),
        (
            Subject("azure.ai.openai", "chat-prod", None, "chat-prod"),
            "azure.ai.openai:chat-prod:chat-prod",
            "chat-prod",
        ),
        (Subject("openai", "o3"), "openai:o3", "o3"),
        (Subject("openai", None, "proj_a"), "openai:proj_a", "an unknown model (proj_a)"),
    ],
)
def test_an_id_is_rule_and_subject_and_no_figure(subject: Subject, ident: str, words: str) -> None:
    one = finding(subject=subject)
    assert one.id == finding(subject=subject, calls=99, money=Money(5, "saving")).id == f"long-context:{ident}"
    assert one.subject.words == words


def test_money_is_exact() -> None:
    assert Money(1_205_715_000_001, "saving").usd == Decimal("1.205715000001")


@pytest.mark.parametrize(
    ("length_ns", "month"),
    [(DAY_NS, None), (DAY_NS + 1, 29_999_999_999_999), (2 * DAY_NS, 15 * 10**12), (60 * DAY_NS, 5 * 10**11)],
)
def test_a_month_is_said_only_of_more_than_a_day(length_ns: int, month: int | None) -> None:
    """Of a dollar over the span: thirty days at the same pace, rounded down."""
    one = finding(money=Money(10**12, "saving"), span=Span(7, 7 + length_ns))
    assert one.month_extrapolated == (None if month is None else Money(month, "saving"))


def test_a_month_of_unknown_money_is_unknown() -> None:
    assert finding(span=Span(0, 5 * DAY_NS)).month_extrapolated is None


def test_findings_are_ranked_by_money_and_then_by_calls() -> None:
    """What has none comes last, however many calls it has."""
    rich, poor = finding("a", Money(9, "saving")), finding("b", Money(1, "not_charged"), 50)
    many, few = finding("c", None, 70), finding("d", None, 3)
    assert ranked([few, poor, many, rich]) == (rich, poor, many, few)
