"""``never-served``."""

from __future__ import annotations

from tests.unit.advice.made import LOST, found, line
from tierscope.advice import Money
from tierscope.advice.never_served import find


def test_a_tier_that_was_never_served_is_found() -> None:
    """Twenty of twenty, on both days."""
    sums = {"compared": 10, "above_expected": -7, "paid": 9}
    (one,) = found(find, line(10, sums=sums, **LOST), line(10, sums=sums, **LOST)._replace(day=20_776))
    assert (one.id, one.calls) == ("never-served:openai:gpt-4.1:proj_a", 20)
    assert one.money == Money(14, "not_charged")
    assert one.evidence == {"served": "default", "region": "unknown", "paid_pico_usd": 18}
    assert one.title == "20 calls on gpt-4.1 (proj_a) expected priority; not one was served priority."


def test_one_that_was_served_is_enough_against_it() -> None:
    assert found(find, line(100, **LOST), line(1)) == []


def test_fewer_than_twenty_say_nothing() -> None:
    assert found(find, line(19, **LOST)) == []


def test_long_prompts_have_a_finding_of_their_own() -> None:
    """They neither make one here nor stand against one."""
    long = line(50, **{**LOST, "inferred_cause": "long_context"})
    assert found(find, long) == []
    (one,) = found(find, long, line(20, **LOST))
    assert one.calls == 20


def test_what_was_not_answered_or_cannot_be_believed_does_not_count() -> None:
    untold = [
        line(30, served="unreported", outcome=outcome) for outcome in ("failed", "refused", "unreported", "unverified")
    ]
    assert found(find, *untold) == []
    assert [one.calls for one in found(find, *untold, line(20, **LOST))] == [20]


def test_regions_of_a_deployment_are_told_apart() -> None:
    where = {"provider": "azure.ai.openai", "deployment": "chat-prod", "project": None}
    lines = [line(20, region="Poland Central", **where, **LOST), line(20, region="East US 2", **where)]
    (one,) = found(find, *lines)
    assert one.title == (
        "20 calls on gpt-4.1 (chat-prod) in Poland Central expected priority; not one was served priority."
    )


def test_ultrafast_counts_and_scale_does_not() -> None:
    """Scale is bought; what is beyond it is a finding about units."""
    assert [one.calls for one in found(find, line(20, expected="ultrafast", **LOST))] == [20]
    assert found(find, line(20, expected="scale", **LOST)) == []
