"""The vocabulary of tiers: canonical words, the promise, and whether it was kept."""

from __future__ import annotations

from itertools import product
from typing import Final

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tierscope import tiers, words
from tierscope.tiers import ReplyState

H, D, U, X = "honored", "downgraded", "upgraded", "unverified"
SIX: Final = ("flex", "default", "priority", "ultrafast", "scale", "batch")
WIRE: Final = ("flex", "default", "priority", "ultrafast", "scale")
TABLE: Final = {
    # served:    flex default priority ultrafast scale batch
    "flex": (H, U, U, U, U, X),
    "default": (D, H, U, U, U, X),
    "priority": (D, D, H, U, X, X),
    "ultrafast": (D, D, D, H, X, X),
    "scale": (D, D, X, X, H, X),
    "batch": (X, X, X, X, X, H),
}
"""DESIGN, section 3: what was expected, against what served."""
CELLS: Final = [
    pytest.param(expected, served, word, id=f"{expected}-{served}")
    for expected, row in TABLE.items()
    for served, word in zip(SIX, row, strict=True)
]
SPELLINGS: Final = {
    "flex": ("flex",),
    "default": ("default", "standard"),
    "priority": ("priority", "fast"),
    "ultrafast": ("ultrafast",),
    "scale": ("scale",),
    "_OTHER": ("Priority", "FAST", "priority ", "batch", "unset", "unreported", "_OTHER", "fast_tier_temp_pilot"),
}
"""Every spelling of a tier on the wire; only these two aliases are global, and case is part of a word."""
GROQ: Final = {"on_demand": "default", "performance": "priority"}


def answered(expectation: str | None, served: str, *, trusted: bool = True, state: ReplyState = "answered") -> str:
    return tiers.outcome(expectation=expectation, served_word=served, trusted=trusted, state=state)


def judged(
    asked: str | None, served: str | None, *, configured: str | None = None, auto_means: str | None = None
) -> str:
    """Judge raw words as a trusted host's complete reply."""
    promise = tiers.expected(tiers.requested(asked), configured=configured, auto_means=auto_means)
    return answered(promise, tiers.served(served))


@pytest.mark.parametrize(("expected", "served", "word"), CELLS)
def test_each_pair_of_tiers_has_its_documented_outcome(expected: str, served: str, word: str) -> None:
    assert answered(expected, served) == word


def test_the_table_holds_every_pair_of_canonical_tiers_and_no_other() -> None:
    assert set(tiers.TABLE) == set(product(SIX, SIX))


REQUIRED: Final = [
    pytest.param("priority", None, "priority", "honored", id="priority-priority"),
    pytest.param("priority", None, "fast", "honored", id="priority-fast"),
    pytest.param("fast", None, "priority", "honored", id="fast-priority"),
    pytest.param("fast", None, "fast", "honored", id="fast-fast"),
    pytest.param("priority", None, "default", "downgraded", id="priority-default"),
    pytest.param("priority", None, "standard", "downgraded", id="priority-standard"),
    pytest.param("ultrafast", None, "priority", "downgraded", id="ultrafast-priority"),
    pytest.param("ultrafast", None, "default", "downgraded", id="ultrafast-default-unsupported-region"),
    pytest.param("flex", None, "flex", "honored", id="flex-flex"),
    pytest.param("flex", None, "default", "upgraded", id="flex-default-saving-lost"),
    pytest.param("default", "priority", "default", "honored", id="explicit-default-ignores-the-setting"),
    pytest.param("default", None, "priority", "upgraded", id="default-priority"),
    pytest.param("auto", None, "default", "resolved", id="auto-default-nobody-promised"),
    pytest.param("auto", None, "priority", "resolved", id="auto-priority-nobody-promised"),
    pytest.param(None, None, "default", "resolved", id="unset-default-nobody-promised"),
    pytest.param(None, None, "priority", "resolved", id="unset-priority-nobody-promised"),
    pytest.param("auto", "priority", "default", "downgraded", id="auto-configured-priority"),
    pytest.param(None, "priority", "default", "downgraded", id="unset-configured-priority"),
    pytest.param("priority", None, None, "unreported", id="priority-without-echo"),
    pytest.param("priority", None, "", "unreported", id="priority-empty-echo"),
    pytest.param("priority", None, "auto", "unreported", id="priority-auto-is-an-echo-and-no-tier"),
    pytest.param("scale", None, "default", "downgraded", id="scale-spilled-over"),
    pytest.param("priority", None, "turbo", "unverified", id="served-by-a-word-nobody-knows"),
    pytest.param("turbo", None, "default", "resolved", id="asked-for-a-word-nobody-knows"),
    pytest.param("turbo", "priority", "default", "resolved", id="a-setting-does-not-explain-an-unknown-word"),
]


@pytest.mark.parametrize(("asked", "configured", "served", "word"), REQUIRED)
def test_required_rows(asked: str | None, configured: str | None, served: str | None, word: str) -> None:
    """The rows that the domain reference requires, raw words in, on a trusted host with a complete reply."""
    assert judged(asked, served, configured=configured) == word


AZURE: Final = [
    pytest.param("default", "auto", "default", id="default-auto"),
    pytest.param("default", "default", "default", id="default-default"),
    pytest.param("default", None, "default", id="default-unset"),
    pytest.param("default", "priority", "priority", id="default-priority"),
    pytest.param("priority", "auto", "priority", id="priority-auto"),
    pytest.param("priority", "priority", "priority", id="priority-priority"),
    pytest.param("priority", None, "priority", id="priority-unset"),
    pytest.param("priority", "default", "default", id="priority-default"),
]


@pytest.mark.parametrize(("deployment", "asked", "promised"), AZURE)
def test_azure_deployments_promise_what_the_vendors_table_says(
    deployment: str, asked: str | None, promised: str
) -> None:
    """Microsoft Learn, table of deployment setting and request (ids: deployment, then request)."""
    assert tiers.expected(tiers.requested(asked), configured=deployment, auto_means=None) == promised


@pytest.mark.parametrize("deployment", [None, "default", "priority"])
def test_azures_header_auto_means_priority_whatever_the_deployment(deployment: str | None) -> None:
    assert tiers.expected("auto", configured=deployment, auto_means="priority") == "priority"
    assert judged("auto", "priority", configured=deployment, auto_means="priority") == "honored"
    assert judged("auto", "default", configured=deployment, auto_means="priority") == "downgraded"


def test_what_auto_means_says_nothing_of_an_omitted_tier() -> None:
    assert tiers.expected("unset", configured="default", auto_means="priority") == "default"
    assert tiers.expected("unset", configured=None, auto_means="priority") is None


@pytest.mark.parametrize("word", ["_OTHER", "unreported"])
def test_an_unknown_request_promises_nothing(word: str) -> None:
    """A word nobody knows, and a fetched response whose request nobody saw: no setting speaks for them."""
    assert tiers.expected(word, configured="priority", auto_means="priority") is None


@pytest.mark.parametrize("served", [*WIRE, "_OTHER", "unreported"])
@pytest.mark.parametrize("expectation", [*SIX, None])
def test_rules_before_the_table_win_in_their_order(expectation: str | None, served: str) -> None:
    """State, then trust, then what was echoed, then the promise: the first that matches decides."""
    for trusted in (True, False):
        assert answered(expectation, served, trusted=trusted, state="refused") == "refused"
        assert answered(expectation, served, trusted=trusted, state="failed") == "failed"
        assert answered(expectation, served, trusted=trusted, state="pending") == "unverified"
    assert answered(expectation, served, trusted=False) == "unverified"
    by_echo = {"_OTHER": "unverified", "unreported": "unreported"}
    by_promise = "resolved" if expectation is None else TABLE[expectation][SIX.index(served)] if served in SIX else ""
    assert answered(expectation, served) == by_echo.get(served, by_promise)


# ── canonical words ───────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("raw", "word"), [pytest.param(raw, word, id=repr(raw)) for word, raws in SPELLINGS.items() for raw in raws]
)
def test_a_word_has_one_canonical_form(raw: str, word: str) -> None:
    """As request and as echo alike."""
    assert (tiers.canonical(raw), tiers.requested(raw), tiers.served(raw)) == (word, word, word)


@pytest.mark.parametrize("raw", [None, ""])
def test_nothing_sent_is_unset_and_nothing_echoed_is_unreported(raw: str | None) -> None:
    assert (tiers.canonical(raw), tiers.requested(raw), tiers.served(raw)) == (None, "unset", "unreported")


def test_auto_is_a_request_and_never_a_served_tier() -> None:
    assert (tiers.requested("auto"), tiers.served("auto")) == ("auto", "unreported")


@given(st.text())
@example("batch")
@example("auto")
def test_any_other_text_is_other(raw: str) -> None:
    """The set is open on the wire and closed with us: no text from outside becomes a value."""
    assume(raw and raw != "auto" and all(raw not in raws or word == "_OTHER" for word, raws in SPELLINGS.items()))
    assert (tiers.requested(raw), tiers.served(raw)) == ("_OTHER", "_OTHER")


ROWS: Final = [
    pytest.param("flex", "on_demand", "upgraded", id="groq-flex-served-on-demand"),
    pytest.param("on_demand", "on_demand", "honored", id="groq-on-demand"),
    pytest.param("performance", "on_demand", "downgraded", id="groq-performance-lost"),
    pytest.param("performance", "performance", "honored", id="groq-performance"),
]


@pytest.mark.parametrize(("asked", "served", "word"), ROWS)
def test_a_hosts_own_words_are_its_rows_alone(asked: str, served: str, word: str) -> None:
    """An alias of one row means nothing on other hosts."""
    promise = tiers.expected(tiers.requested(asked, GROQ), configured=None, auto_means=None)
    assert answered(promise, tiers.served(served, GROQ)) == word
    assert tiers.served(served) == "_OTHER"


words_asked = st.sampled_from([None, "auto", *(raw for raws in SPELLINGS.values() for raw in raws)])
words_served = st.sampled_from([None, "", "auto", *(raw for raws in SPELLINGS.values() for raw in raws)])
tier_or_none = st.none() | st.sampled_from(WIRE)


def _plain(raw: str | None) -> str | None:
    """Replace a word by the plainest spelling of the same tier."""
    return next((raws[0] for raws in SPELLINGS.values() if raw in raws), raw or None)


@given(words_asked, words_served, tier_or_none, tier_or_none)
def test_spelling_never_changes_the_outcome(
    asked: str | None, served: str | None, configured: str | None, auto_means: str | None
) -> None:
    """Raw comparison would invent a downgrade on every GPT-6 call: ``priority`` asked, ``fast`` answered."""
    plain = judged(_plain(asked), _plain(served), configured=configured, auto_means=auto_means)
    assert judged(asked, served, configured=configured, auto_means=auto_means) == plain


@given(st.sampled_from(words.REQUESTED), tier_or_none, tier_or_none)
def test_a_promise_is_a_tier_or_unknown(asked: str, configured: str | None, auto_means: str | None) -> None:
    """For every requested word there is: its own tier, what ``auto`` means, the setting, or nothing."""
    resolved = {"auto": auto_means or configured, "unset": configured, "_OTHER": None, "unreported": None}
    assert tiers.expected(asked, configured=configured, auto_means=auto_means) == resolved.get(asked, asked)


# ── inferred cause ────────────────────────────────────────────────────────────────────────────────────────────────
CAUSES: Final = [
    pytest.param("downgraded", 128_001, True, "long_context", id="long-and-excluded"),
    pytest.param("downgraded", 128_000, True, "capacity_or_unknown", id="exactly-128k-is-not-long"),
    pytest.param("downgraded", 128_001, False, "capacity_or_unknown", id="long-but-promised"),
    pytest.param("downgraded", None, True, "capacity_or_unknown", id="length-unknown"),
    pytest.param("downgraded", 0, True, "capacity_or_unknown", id="empty-prompt"),
]


@pytest.mark.parametrize(("outcome", "tokens", "excludes", "cause"), CAUSES)
def test_a_downgrade_has_an_inferred_cause(outcome: str, tokens: int | None, excludes: bool, cause: str) -> None:
    assert tiers.inferred_cause(outcome, input_tokens=tokens, excludes_long_context=excludes) == cause


@pytest.mark.parametrize(
    "outcome", ["honored", "upgraded", "resolved", "refused", "failed", "unreported", "unverified"]
)
def test_no_other_outcome_has_a_cause(outcome: str) -> None:
    assert tiers.inferred_cause(outcome, input_tokens=500_000, excludes_long_context=True) is None


def test_the_closed_vocabularies() -> None:
    """Dashboards, rules and the ledger read these words: to change one is to break them."""
    assert words.CANONICAL == ("flex", "default", "priority", "ultrafast", "scale", "batch")
    assert set(WIRE) == words.WIRE
    assert (*SIX, "auto", "unset", "_OTHER", "unreported") == words.REQUESTED
    assert (*SIX, "unreported", "_OTHER") == words.SERVED
    assert words.OUTCOMES == (H, D, U, "resolved", "refused", "failed", "unreported", X)
    assert words.ENDINGS == ("complete", "error", "closed", "abandoned", "cancelled")
    assert dict(words.ALIASES) == {"fast": "priority", "standard": "default"}
