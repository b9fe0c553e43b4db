"""Rules of a policy: which one speaks of a call, and whether the call is as it wants."""

from __future__ import annotations

from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierscope.policy import Facts, Policy, Workload, verdict
from tierscope.policy.rules import KEYS, fits, used

FACTS: Final = Facts(
    provider="openai",
    operation="chat",
    endpoint="chat_completions",
    requested="priority",
    model="gpt-4.1",
    answered="gpt-4.1-2025-04-14",
    project="proj_a",
    deployment="chat-prod",
    host="api.openai.com",
    service="shop",
    ambient=(
        ("attribute.app.workload", "search"),
        ("attribute.tags", "a"),
        ("attribute.tags", "b"),
        ("baggage.t", "1"),
    ),
)


def rule(name: str = "one", tier: str | None = "flex", **match: str | tuple[str, ...]) -> Workload:
    return Workload(name, {key: (told,) if isinstance(told, str) else told for key, told in match.items()}, tier)


SPOKEN: Final = [
    {"provider": "openai"},
    {"operation": "chat"},
    {"endpoint": "chat_completions"},
    {"requested": "priority"},
    {"model": "gpt-4.1"},
    {"model": "gpt-4.1-2025*"},
    {"model": ("gpt-5", "gpt-4.?", "*4.1")},
    {"project": "proj_*", "deployment": "*", "host": "*.openai.com"},
    {"service": "sh*"},
    {"attribute.app.workload": "search", "baggage.t": "1"},
    {"attribute.tags": "b"},
]
UNSPOKEN: Final = [
    {"provider": "azure.ai.openai"},
    {"model": "gpt-4"},
    {"model": "gpt-4.?"},
    {"model": "GPT-4.1"},
    {"model": "gpt-4.1-2026*"},
    {"project": "proj_*", "host": "example.com"},
    {"host": "*.openai.com.example"},
    {"service": "shop-batch"},
    {"attribute.app.workload": "*search?"},
    {"attribute.t": "1"},
    {"baggage.app.workload": "search"},
    {"attribute.tags": "b", "baggage.t": "2"},
]


@pytest.mark.parametrize("match", SPOKEN)
def test_a_rule_speaks_of_what_matches_in_every_key(match: dict[str, Any]) -> None:
    assert rule(**match).speaks_of(FACTS)


@pytest.mark.parametrize("match", UNSPOKEN)
def test_a_rule_does_not_speak_of_anything_else(match: dict[str, Any]) -> None:
    """Only ``*`` is special; case counts."""
    assert not rule(**match).speaks_of(FACTS)


@pytest.mark.parametrize("key", ["model", "project", "deployment", "host", "service"])
def test_what_is_unknown_matches_nothing(key: str) -> None:
    """Not even any text."""
    unknown = FACTS._replace(**{key: None, **({"answered": None} if key == "model" else {})})
    assert not rule(**{key: "*"}).speaks_of(unknown)


def test_every_fact_can_be_matched_by() -> None:
    assert set(KEYS) == {*Facts._fields, "attribute", "baggage"} - {"answered", "ambient", "spoken"}


def test_a_row_of_a_ledger_goes_by_the_rule_that_spoke_when_the_call_was_made() -> None:
    """Only where a rule asks for what was around the call; the other keys are compared as ever."""
    row = FACTS._replace(ambient=(), spoken="one")
    around = {"attribute.app.workload": "search", "baggage.t": "9"}
    assert rule(**around).speaks_of(row)
    assert rule(**around, model="gpt-4.1").speaks_of(row)
    assert not rule(**around, model="gpt-5").speaks_of(row)
    assert not rule("two", **around).speaks_of(row)
    assert not rule(model="gpt-5").speaks_of(row)


def test_a_policy_knows_what_is_to_be_noted_of_a_call() -> None:
    policy = Policy((rule(**{"attribute.a": "1", "model": "m"}), rule("two", **{"baggage.b": "2", "attribute.a": "3"})))
    assert policy.ambient == ("attribute.a", "baggage.b")
    assert Policy((rule(model="m", service="s"),)).ambient == ()


def test_the_first_rule_that_speaks_of_a_call_decides() -> None:
    policy = Policy((rule("none", model="gpt-5*"), rule("first", model="gpt-4*"), rule("second", project="proj_a")))
    assert [policy.workload(facts) and policy.workload(facts).name for facts in (  # type: ignore[union-attr]
        FACTS, FACTS._replace(model="o3", answered="o3"), FACTS._replace(model="o3", answered="o3", project="x")
    )] == ["first", "second", None]  # fmt: skip


HIDDEN: Final = [
    pytest.param({"model": "gpt-*"}, {"model": "gpt-5*"}, True, id="wider"),
    pytest.param({"model": "gpt-5*"}, {"model": "gpt-*"}, False, id="narrower"),
    pytest.param({"model": "gpt-5"}, {"model": "gpt-5", "project": "a"}, True, id="fewer-keys"),
    pytest.param({"model": "gpt-5", "project": "a"}, {"model": "gpt-5"}, False, id="more-keys"),
    pytest.param({"model": "*"}, {"project": "a"}, False, id="a-call-without-a-model"),
    pytest.param({"model": ("a", "b*")}, {"model": ("bc", "a")}, True, id="list-in-list"),
    pytest.param({"model": ("a", "b")}, {"model": ("a", "c")}, False, id="lists-that-overlap"),
    pytest.param({"model": "a*c"}, {"model": "a*"}, False, id="end"),
    pytest.param({"attribute.a": "*"}, {"attribute.a": "1", "service": "s"}, True, id="around"),
    pytest.param({"attribute.a": "1"}, {"baggage.a": "1"}, False, id="around-elsewhere"),
]


@pytest.mark.parametrize(("before", "after", "is_hidden"), HIDDEN)
def test_a_rule_hides_a_later_one_that_it_speaks_all_of(
    before: dict[str, Any], after: dict[str, Any], is_hidden: bool
) -> None:
    assert rule(**before).hides(rule(**after)) is is_hidden


PATTERNS: Final = st.text("ab*", min_size=1, max_size=6)


@given(PATTERNS, PATTERNS, st.text("ab", max_size=8))
def test_a_pattern_that_fits_a_pattern_fits_all_it_fits(wide: str, narrow: str, text: str) -> None:
    assert fits("a*b", "a*bb*b") and not fits("a*b", "a*")  # noqa: PT018  one fact, both ways
    if fits(wide, narrow) and fits(narrow, text):
        assert fits(wide, text)


VERDICTS: Final = [
    ("priority", "priority", "priority", "default", "kept"),
    ("flex", "flex", "flex", "unreported", "kept"),
    ("flex", "priority", "priority", "priority", "drifted"),
    ("flex", "unset", None, "default", "drifted"),
    ("default", "auto", None, "default", "kept"),
    ("flex", "unset", None, "unreported", "unsaid"),
    ("flex", "unset", None, "_OTHER", "unsaid"),
    ("flex", "_OTHER", None, "flex", "unsaid"),
    ("scale", "unset", "scale", "default", "kept"),
    ("default", "unset", "scale", "default", "drifted"),
]


@pytest.mark.parametrize(("wanted", "requested", "expected", "served", "word"), VERDICTS)
def test_what_was_promised_counts_and_what_served_only_where_nothing_was(
    wanted: str, requested: str, expected: str | None, served: str, word: str
) -> None:
    assert verdict(wanted, requested, expected, served) == word


def test_the_tier_a_call_was_meant_for() -> None:
    assert used("priority", "priority", "default") == "priority"
    assert used("auto", None, "flex") == "flex"
    assert used("_OTHER", None, "flex") is None
