"""The sheet: which promise a call belongs to."""

from __future__ import annotations

from typing import Any, Final

import pytest
from tests.unit.promise.made import NOON, SAMPLE, TARGET, S, Targets, at

from tierscope.promise.samples import Sample, Try
from tierscope.promise.share import Share
from tierscope.promise.sheet import DAY_NS, Section, Sheet, tier_of
from tierscope.promise.sla import BASES

LOST: Final = SAMPLE._replace(
    response_model=None, served="unreported", outcome="failed", tries=(Try("server_error", 500),)
)
AZURE: Final = TARGET._replace(provider="azure.ai.openai", version="2025-04-14")


def sections(*samples: Sample, targets: Targets | None = None, **fields: Any) -> tuple[Section, ...]:
    sheet = Sheet(targets or Targets(), **fields)
    for sample in samples:
        sheet.add(sample)
    return sheet.sections()


@pytest.mark.parametrize(
    ("expected", "served", "tier"),
    [
        ("priority", "priority", "priority"),
        ("priority", "default", "priority"),
        ("priority", "unreported", "priority"),
        (None, "priority", "priority"),
        ("scale", "priority", "priority"),
        ("scale", "default", "scale"),
        ("default", "default", None),
        ("flex", "flex", None),
        (None, "unreported", None),
        ("batch", "batch", None),
    ],
)
def test_a_call_belongs_to_the_promised_tier_that_served_else_to_the_one_expected(
    expected: str | None, served: str, tier: str | None
) -> None:
    sample = SAMPLE._replace(expected=expected, served=served)
    assert tier_of(sample) == tier
    assert [section.tier for section in sections(sample)] == ([] if tier is None else [tier])


def test_a_section_has_speed_and_uptime() -> None:
    """Two calls kept, one downgraded, one lost to a 500."""
    (found,) = sections(SAMPLE, SAMPLE, SAMPLE._replace(served="default", outcome="downgraded"), LOST)
    assert (found.provider, found.model, found.tier, found.target) == ("openai", "gpt-4.1", "priority", TARGET)
    assert found.names == ("gpt-4.1", "gpt-4.1-2025-04-14")
    assert (found.calls, found.untrusted) == (4, 0)
    assert [told.basis for told in found.speed] == list(BASES)
    for told in found.speed:
        assert (told.requests, told.excluded) == (Share(2, 2), {"failed": 1, "other_tier": 1})
    assert found.uptime.share == Share(3, 4)


def test_calls_on_hosts_that_are_not_trusted_are_in_no_figure() -> None:
    (found,) = sections(SAMPLE, LOST._replace(trusted=False))
    assert (found.calls, found.untrusted, found.uptime.share) == (2, 1, Share(1, 1))


def test_a_call_without_a_reply_belongs_where_its_deployment_was_answered() -> None:
    """An Azure deployment's name tells no model; its other calls do."""
    good = SAMPLE._replace(provider="azure.ai.openai", request_model="chat-prod")
    lost = LOST._replace(provider="azure.ai.openai", request_model="chat-prod")
    (found,) = sections(lost, good, targets=Targets([AZURE]))
    assert (found.model, found.target, found.calls) == ("gpt-4.1", AZURE, 2)
    assert found.uptime.share == Share(1, 2)
    assert found.speed[0].excluded == {"failed": 1}


def test_a_call_whose_deployment_was_answered_by_several_models_stays_by_itself() -> None:
    """A guess would burden one of them."""
    good = SAMPLE._replace(provider="azure.ai.openai", request_model="chat-prod")
    other = good._replace(response_model="gpt-9")
    lost = LOST._replace(provider="azure.ai.openai", request_model="chat-prod")
    found = sections(good, other, lost, targets=Targets([AZURE]))
    assert [(section.model, section.target, section.calls) for section in found] == [
        ("chat-prod", None, 1),
        ("gpt-4.1", AZURE, 1),
        ("gpt-9", None, 1),
    ]


def test_without_any_name_a_call_is_still_there() -> None:
    (found,) = sections(LOST._replace(request_model=None))
    assert (found.model, found.names, found.calls) == (None, (), 1)


def test_a_target_that_changed_within_the_month_makes_two_sections() -> None:
    """Each call is held against the target of its day."""
    newer = TARGET._replace(rate=100, valid_from="2025-11-02")
    day = NOON // DAY_NS + 1

    class Dated(Targets):
        def target(self, provider: str, model: str, tier: str, today: int, /) -> Any:
            return newer if today >= day else TARGET

    found = sections(at(0, 90), at(24 * 60, 90), targets=Dated())
    assert [section.target for section in found] == [TARGET, newer]
    assert [section.speed[0].requests for section in found] == [Share(1, 1), Share(0, 1)]


def test_a_lost_call_whose_own_model_has_a_promise_stays_with_it() -> None:
    """Also where the host answered all others with another model."""
    found = sections(SAMPLE._replace(response_model="gpt-9"), LOST)
    assert [(section.model, section.target, section.calls) for section in found] == [
        ("gpt-4.1", TARGET, 1),
        ("gpt-9", None, 1),
    ]


def test_a_call_ended_when_it_began_unless_it_took_time() -> None:
    assert [Sample("openai", 7).ended_ns, Sample("openai", 7, 3).ended_ns] == [7, 10]


def test_days_are_of_utc() -> None:
    """Day 20 393 began 1 761 955 200 s after 1970: the first of November 2025."""
    targets = Targets()
    begin = 1_761_955_200 * S
    sections(SAMPLE._replace(started_ns=begin - 1), targets=targets)
    assert targets.days == {20_392}
    sections(SAMPLE._replace(started_ns=begin), targets=targets)
    assert targets.days == {20_392, 20_393}
    sections(SAMPLE._replace(started_ns=begin + 86_400 * S - 1), targets=targets)
    assert targets.days == {20_392, 20_393}


def test_sections_are_in_order() -> None:
    """By provider, model, tier, and the day from which on a target holds, whatever came first."""

    class Dated(Targets):
        def target(self, provider: str, model: str, tier: str, today: int, /) -> Any:
            since = {NOON // DAY_NS: None, NOON // DAY_NS + 1: "2025-11-02"}[today]
            return TARGET._replace(valid_from=since, tier=tier) if model == "gpt-4.1-2025-04-14" else None

    nameless = LOST._replace(request_model=None)
    named = SAMPLE._replace(response_model="A")
    scale = SAMPLE._replace(served="scale")
    other = SAMPLE._replace(provider="a", response_model="Z")
    found = sections(at(24 * 60, 90), SAMPLE, scale, named, nameless, other, targets=Dated())
    assert [
        (section.provider, section.model, section.tier, section.target and section.target.valid_from)
        for section in found
    ] == [
        ("a", "Z", "priority", None),
        ("openai", None, "priority", None),
        ("openai", "A", "priority", None),
        ("openai", "gpt-4.1", "priority", None),
        ("openai", "gpt-4.1", "priority", "2025-11-02"),
        ("openai", "gpt-4.1", "scale", None),
    ]


def test_windows_may_have_another_length() -> None:
    (found,) = sections(SAMPLE, LOST, window_s=60)
    assert [told.window_s for told in found.speed] == [60, 60]


def test_only_the_tiers_that_are_asked_for() -> None:
    """A call scale served although Priority was expected is Priority's then, and left out there."""
    sample = SAMPLE._replace(served="scale", outcome="unverified")
    (found,) = sections(sample, tiers=("priority",))
    assert (found.tier, found.speed[0].excluded) == ("priority", {"unverified": 1})
    assert [section.tier for section in sections(sample)] == ["scale"]


def test_the_span_is_of_all_calls_and_reading_goes_on() -> None:
    """Figures can be taken in between, and are the same when nothing came."""
    sheet = Sheet(Targets())
    sheet.add(SAMPLE._replace(started_ns=20, served="default", expected="default"))
    assert (sheet.first_ns, sheet.last_ns, sheet.calls, sheet.sections()) == (20, 20, 1, ())
    sheet.add(SAMPLE._replace(started_ns=10))
    sheet.add(LOST._replace(started_ns=30))
    assert (sheet.first_ns, sheet.last_ns, sheet.calls) == (10, 30, 3)
    sheet.add(SAMPLE._replace(started_ns=20, served="flex", expected="flex"))
    assert (sheet.first_ns, sheet.last_ns) == (10, 30)
    assert sheet.sections() == sheet.sections()
    assert sheet.sections()[0].calls == 2
