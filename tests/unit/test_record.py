"""The record of one call: facts in, one frozen ``Call`` out, with the rows of the catalog that ships."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierscope import catalog, model, record, tiers, words
from tierscope.config import Settings
from tierscope.model import Attempt, Call, EndingWord, Failure, Headers, Reply, Request, Shape, Timing, Usage
from tierscope.reading import errors
from tierscope.seam import identity
from tierscope.seam.world import World

if TYPE_CHECKING:
    from tierscope.observer import Observer

S: Final = 1_000_000_000
CATALOG: Final = catalog.load()
TIMING: Final = Timing(start_ns=0, end_ns=2 * S, unix_ns=1)
SHAPE: Final = Shape(text_deltas=50, choices=1, messages=1)
USAGE: Final = Usage(input=100, output=40)
BROKEN: Final = Failure(error_type="server_error")
REFUSAL: Final = Failure(error_type="invalid_request_error", message_matches=True)
PRIORITY: Final = Reply(status=200, model="gpt-4.1-2025-04-14", tier_raw="priority", usage=USAGE)


def request(tier: str | None = "priority", row: str = "openai", **fields: Any) -> Request:
    """Return the request for a tier, resolved by this host's row as its documents say."""
    known = CATALOG.providers[row]
    word = tiers.requested(tier, known.aliases)
    configured = known.unset_means if word == "unset" else None
    made = Request("chat", "chat_completions", known.name, row, trusted=True, tier_raw=tier, requested=word)
    promise = tiers.expected(word, configured=configured, auto_means=known.auto_means)
    return made._replace(expected=promise)._replace(**fields)


def built(asked: Request, reply: Reply | None, ending: EndingWord = "complete", **facts: Any) -> Call:
    given_facts: dict[str, Any] = {"attempts": (), "headers": None, "timing": TIMING, "shape": None, **facts}
    row = CATALOG.providers[asked.row]
    return record.build(asked, row=row, catalog=CATALOG, reply=reply, ending=ending, **given_facts)


STREAM: Final = request(is_stream=True)
RESPONSE: Final = PRIORITY._replace(response_status="completed")
SILENT: Final = PRIORITY._replace(tier_raw=None)
ECHO: Final = PRIORITY._replace(tier_raw="auto")
OPENED: Final = Reply(status=200, response_status="in_progress", is_terminal=False)
ROWS: Final = [
    pytest.param(request(), PRIORITY, "complete", "honored", id="body"),
    pytest.param(request(), SILENT, "complete", "unreported", id="body-without-tier"),
    pytest.param(request(), ECHO, "complete", "unreported", id="body-says-auto"),
    pytest.param(STREAM, RESPONSE._replace(tier_raw="auto"), "complete", "unreported", id="terminal-event-says-auto"),
    pytest.param(STREAM, OPENED, "closed", "unverified", id="responses-closed-before-the-terminal-event"),
    pytest.param(STREAM, OPENED, "complete", "unverified", id="responses-without-a-terminal-event"),
    pytest.param(STREAM, RESPONSE, "closed", "honored", id="responses-closed-after-the-terminal-event"),
    pytest.param(STREAM, RESPONSE._replace(tier_raw=None), "closed", "unreported", id="terminal-event-without-tier"),
    *(
        row
        for cut in ("closed", "abandoned", "cancelled")
        for row in (
            pytest.param(STREAM, PRIORITY, cut, "honored", id=f"chat-{cut}-after-the-tier"),
            pytest.param(STREAM, SILENT, cut, "unverified", id=f"chat-{cut}-before-the-tier"),
            pytest.param(STREAM, ECHO, cut, "unverified", id=f"chat-{cut}-after-auto-which-is-no-tier"),
        )
    ),
    pytest.param(STREAM, PRIORITY, "error", "failed", id="stream-broke-after-the-tier"),
    pytest.param(request(), PRIORITY, "error", "honored", id="the-sdk-could-not-parse-an-answer"),
    pytest.param(STREAM, PRIORITY._replace(failure=BROKEN), "complete", "failed", id="error-event"),
    pytest.param(STREAM, ECHO._replace(failure=BROKEN), "error", "failed", id="response-failed-says-auto"),
    pytest.param(request(), PRIORITY._replace(is_terminal=False), "complete", "unverified", id="background-queued"),
    pytest.param(request(trusted=False), PRIORITY, "complete", "unverified", id="host-not-trusted"),
    pytest.param(request(), PRIORITY._replace(tier_raw="turbo"), "complete", "unverified", id="unknown-word-served"),
    pytest.param(request(None), PRIORITY, "complete", "resolved", id="nothing-asked"),
    pytest.param(request(None, expected="ultrafast"), PRIORITY, "complete", "downgraded", id="setting-promised-more"),
    pytest.param(request(), None, "error", "failed", id="no-reply"),
    pytest.param(request(), None, "cancelled", "failed", id="cancelled-before-a-reply"),
]


@pytest.mark.parametrize(("asked", "reply", "ending", "outcome"), ROWS)
def test_the_outcome_of_each_way_to_end(asked: Request, reply: Reply | None, ending: EndingWord, outcome: str) -> None:
    assert built(asked, reply, ending).outcome == outcome


def test_a_failed_call_keeps_the_tier_that_was_said() -> None:
    """Served stays a fact although the promise was not kept."""
    call = built(STREAM, PRIORITY._replace(failure=BROKEN), "error")
    assert (call.served, call.outcome, call.inferred_cause) == ("priority", "failed", None)


PRECEDENCE: Final[list[tuple[str, str, dict[str, Any], dict[str, Any]]]] = [
    ("failed", "failed", {"failure": BROKEN}, {}),
    ("pending", "unverified", {"is_terminal": False}, {}),
    ("untrusted", "unverified", {}, {"trusted": False}),
    ("silent", "unreported", {"tier_raw": None}, {}),
    ("nothing promised", "resolved", {}, {"expected": None}),
    ("promised more", "downgraded", {}, {}),
]


@pytest.mark.parametrize("first", range(len(PRECEDENCE)), ids=[name for name, *_ in PRECEDENCE])
def test_the_first_rule_that_matches_decides(first: int) -> None:
    """Every later rule matches too."""
    asked, reply = request("ultrafast"), PRIORITY
    for _, _, told, asking in PRECEDENCE[first:]:
        asked, reply = asked._replace(**asking), reply._replace(**told)
    assert built(asked, reply).outcome == PRECEDENCE[first][1]


# ── refusals, by the catalog's rows ───────────────────────────────────────────────────────────────────────────────
PARAM: Final = {"code": None, "type": "invalid_request_error", "param": "service_tier", "message": "not allowed"}
CAPACITY: Final = {"code": "resource_unavailable", "message": "Resource Unavailable"}
GROQ: Final = {"code": "capacity_exceeded", "message": "Flex tier capacity exceeded"}
REFUSALS: Final = [
    pytest.param("openai", "flex", 429, CAPACITY, "refused", id="openai-flex-capacity"),
    pytest.param("openai", "flex", 429, {"message": "resource-unavailable"}, "refused", id="openai-flex-words-only"),
    pytest.param("openai", "priority", 429, CAPACITY, "failed", id="capacity-words-without-flex"),
    pytest.param("openai", "flex", 429, {**CAPACITY, "code": "slow_down"}, "failed", id="a-known-rate-code"),
    pytest.param("openai", "flex", 429, {**CAPACITY, "code": "insufficient_quota"}, "failed", id="a-known-spend-code"),
    pytest.param("openai", "flex", 429, None, "failed", id="only-an-error-class-to-go-by"),
    pytest.param("openai", "scale", 400, PARAM, "refused", id="tier-not-allowed"),
    pytest.param("openai", None, 400, PARAM, "refused", id="resolved-tier-not-allowed"),
    pytest.param("openai", "flex", 400, {**PARAM, "param": "model"}, "failed", id="400-about-something-else"),
    pytest.param("azure.ai.openai", "flex", 400, {"message": "Flex is not supported"}, "refused", id="azure-flex-400"),
    pytest.param("groq", "flex", 498, GROQ, "refused", id="groq-flex-498"),
    pytest.param("groq", "flex", 498, {**GROQ, "code": None}, "failed", id="groq-498-without-its-code"),
    pytest.param("groq", "on_demand", 498, GROQ, "failed", id="groq-498-on-demand"),
    pytest.param("openai", "flex", 498, GROQ, "failed", id="498-elsewhere"),
    pytest.param("fireworks", "priority", 503, {"message": "overloaded"}, "failed", id="fireworks-sheds-load"),
]


@pytest.mark.parametrize(("row", "tier", "status", "error", "outcome"), REFUSALS)
def test_a_refusal_is_what_the_hosts_row_says(
    row: str, tier: str | None, status: int, error: Any, outcome: str
) -> None:
    """Status, code, parameter and words as documented by the host; everything else is a failure."""
    asked, patterns = request(tier, row), CATALOG.providers[row].refusals
    failure = errors.of_error(error, status=status, requested=asked.requested, refusals=patterns)
    call = built(asked, None, "error", failure=failure)
    assert (call.outcome, call.served, call.error_type) == (outcome, "unreported", failure.error_type)


def test_a_refusal_is_no_refusal_once_there_is_a_reply() -> None:
    """An exception after a reply (the SDK's own parsing) cannot refuse the tier that served."""
    assert built(request(), PRIORITY, "error", failure=REFUSAL).outcome == "honored"


HOSTS: Final = [
    pytest.param("groq", "flex", "on_demand", "default", "upgraded", id="groq-flex-on-demand"),
    pytest.param("groq", "performance", "performance", "priority", "honored", id="groq-performance"),
    pytest.param("groq", "auto", "on_demand", "default", "resolved", id="groq-auto"),
    pytest.param("groq", None, "on_demand", "default", "honored", id="groq-unset"),
    pytest.param("x_ai", None, "priority", "priority", "upgraded", id="x_ai-unset"),
    pytest.param("x_ai", "priority", "default", "default", "downgraded", id="x_ai-priority"),
    pytest.param("openrouter", "priority", "standard", "default", "downgraded", id="openrouter-vertex-route"),
    pytest.param("litellm", "fast", "fast", "priority", "honored", id="litellm-fast"),
    pytest.param("aws.bedrock", "reserved", "reserved", "scale", "honored", id="bedrock-reserved"),
    pytest.param("aws.bedrock", "reserved", "default", "default", "downgraded", id="bedrock-spilled-over"),
    pytest.param("openai", "performance", "on_demand", "_OTHER", "unverified", id="other-hosts-words"),
]


@pytest.mark.parametrize(("row", "asked", "served", "word", "outcome"), HOSTS)
def test_the_words_of_each_host(row: str, asked: str | None, served: str, word: str, outcome: str) -> None:
    """Words are read by the row of the host that said them."""
    call = built(request(asked, row), PRIORITY._replace(tier_raw=served))
    assert (call.served, call.outcome) == (word, outcome)


@pytest.mark.parametrize("row", ["groq", "x_ai", "fireworks", "aws.bedrock"])
def test_what_a_host_does_without_a_tier_says_nothing_of_auto(row: str) -> None:
    """Its documents name a tier for an omitted one and none for ``auto``; a setting of the user names both."""
    world = World(observer=cast("Observer", None), settings=Settings())
    known = CATALOG.providers[row]
    asked = [identity.with_tier(world, request(row=row), known, raw, "body").expected for raw in (None, "auto")]
    assert asked == ["default", None]


# ── inferred cause ────────────────────────────────────────────────────────────────────────────────────────────────
CAUSES: Final = [
    pytest.param("openai", "gpt-4.1-2025-04-14", 128_001, "long_context", id="snapshot-of-a-marked-model"),
    pytest.param("openai", "gpt-4.1", 128_000, "capacity_or_unknown", id="not-long"),
    pytest.param("openai", "gpt-5.6-sol", 200_000, "capacity_or_unknown", id="model-with-a-long-context-price"),
    pytest.param("azure.ai.openai", "gpt-4.1-mini", 200_000, "capacity_or_unknown", id="marked-elsewhere-only"),
    pytest.param("azure.ai.openai", "gpt-5.4-2026-03-05", 200_000, "long_context", id="azure"),
    pytest.param("openai", None, 200_000, "capacity_or_unknown", id="model-unknown"),
    pytest.param("openai", "gpt-4.1", None, "capacity_or_unknown", id="tokens-unknown"),
]


@pytest.mark.parametrize(("row", "name", "tokens", "cause"), CAUSES)
def test_the_inferred_cause_goes_by_the_model_that_answered(
    row: str, name: str | None, tokens: int | None, cause: str
) -> None:
    reply = Reply(tier_raw="default", model=name, usage=Usage(input=tokens, output=1))
    assert built(request(model="gpt-5.2", row=row), reply).inferred_cause == cause


# ── error type, speed, and what is passed on ──────────────────────────────────────────────────────────────────────
TYPES: Final = [
    pytest.param(PRIORITY, "complete", None, None, id="success"),
    pytest.param(SILENT, "closed", None, None, id="closed-is-no-error"),
    pytest.param(None, "cancelled", Failure("asyncio.CancelledError"), "asyncio.CancelledError", id="cancelled"),
    pytest.param(None, "error", None, "_OTHER", id="an-error-without-a-name"),
    pytest.param(PRIORITY._replace(failure=BROKEN), "complete", None, "server_error", id="failed-in-the-reply"),
    pytest.param(PRIORITY._replace(failure=BROKEN), "error", REFUSAL, "invalid_request_error", id="raised-wins"),
]


@pytest.mark.parametrize(("reply", "ending", "failure", "word"), TYPES)
def test_the_error_type_is_what_was_raised_or_said(
    reply: Reply | None, ending: EndingWord, failure: Failure | None, word: str | None
) -> None:
    assert built(request(), reply, ending, failure=failure).error_type == word


SPEEDS: Final = [
    pytest.param(request(), PRIORITY, "complete", 20.0, None, id="whole"),
    pytest.param(request(), PRIORITY, "closed", None, "not_complete", id="cut"),
    pytest.param(request(), PRIORITY._replace(is_terminal=False), "complete", None, "not_complete", id="pending"),
    pytest.param(request(), PRIORITY._replace(failure=BROKEN), "complete", None, "not_complete", id="failed"),
    pytest.param(request(), PRIORITY._replace(is_usage_new=False), "complete", None, "no_usage", id="counted-before"),
    pytest.param(request(is_background=True), PRIORITY, "complete", None, "background", id="asked-for-background"),
    pytest.param(request(), PRIORITY._replace(is_background=True), "complete", None, "background", id="said-so"),
    pytest.param(request(operation="fetch_response"), PRIORITY, "complete", None, "background", id="fetched"),
    pytest.param(request(trusted=False), SILENT, "complete", 20.0, None, id="speed-needs-no-tier"),
    pytest.param(request(), None, "error", None, "not_complete", id="no-reply"),
]


@pytest.mark.parametrize(("asked", "reply", "ending", "rate", "reason"), SPEEDS)
def test_speed_is_that_of_a_whole_reply_of_our_own(
    asked: Request, reply: Reply | None, ending: EndingWord, rate: float | None, reason: str | None
) -> None:
    """40 tokens in 2 s; a cut, queued, failed or fetched reply has no end-to-end rate."""
    speed = built(asked, reply, ending).speed
    assert (speed.end_to_end, speed.end_to_end_absent) == (rate, reason)


def test_a_streams_shape_and_stamps_make_its_generation_rate() -> None:
    stamps = TIMING._replace(first_text_ns=S, last_text_ns=2 * S)
    assert built(STREAM, PRIORITY, timing=stamps, shape=SHAPE).speed.generation == pytest.approx(39.0, rel=1e-12)
    assert built(STREAM, PRIORITY, timing=stamps).speed.generation_absent == "not_streamed"


def test_facts_are_passed_on_as_they_are() -> None:
    """Nothing is copied, lost or put right on the way into the record."""
    attempts, headers = (Attempt(0, "rate_limited", 429), Attempt(5, "ok", 200, wait_ns=3)), Headers(request_id="req")
    call = built(STREAM, PRIORITY, "closed", attempts=attempts, headers=headers)
    assert (call.request, call.attempts, call.reply, call.headers, call.timing, call.ending) == (
        *(STREAM, attempts, PRIORITY, headers, TIMING, "closed"),
    )


replies = st.none() | st.builds(
    Reply,
    tier_raw=st.none() | st.sampled_from(["auto", "fast", "default", "turbo"]) | st.text(),
    response_status=st.none() | st.just("completed"),
    is_terminal=st.booleans(),
    failure=st.none() | st.just(BROKEN),
)
askeds = st.builds(request, st.none() | st.sampled_from(["auto", "fast", "flex", "turbo"]), trusted=st.booleans())


@given(askeds, replies, st.sampled_from(get_args(EndingWord)), st.none() | st.sampled_from([BROKEN, REFUSAL]))
def test_every_record_is_made_of_closed_words_that_agree(
    asked: Request, reply: Reply | None, ending: EndingWord, failure: Failure | None
) -> None:
    """A verdict needs a trusted, terminal reply and a known tier; an error has a type; only downgrades have a cause."""
    call = built(asked, reply, ending, failure=failure)
    assert (call.outcome in words.OUTCOMES, call.served in words.SERVED) == (True, True)
    is_judged = call.outcome in {"honored", "downgraded", "upgraded", "resolved"}
    if is_judged:
        assert reply is not None
        assert (asked.trusted, reply.is_terminal, reply.failure) == (True, True, None)
        assert call.served in words.WIRE
        assert (call.outcome == "resolved") == (asked.expected is None)
    assert (call.outcome == "refused") == (reply is None and failure is REFUSAL)
    assert (call.inferred_cause is not None) == (call.outcome == "downgraded")
    assert (call.error_type is not None) == bool(ending == "error" or failure or (reply and reply.failure))


def test_the_models_literals_are_the_closed_words() -> None:
    assert get_args(model.EndingWord) == words.ENDINGS
    assert get_args(model.AttemptResult) == words.ATTEMPT_RESULTS
