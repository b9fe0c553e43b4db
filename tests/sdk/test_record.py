"""What the record holds beyond the tier: attempts, usage, headers, background responses, stream usage."""

from __future__ import annotations

import json
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any

import openai
import pytest
from tests.sdk import replies
from tests.sdk.capabilities import RESPONSES, RESPONSES_TIER
from tests.sdk.conftest import ASK, CHAT, TRUSTED

from tierscope import testing
from tierscope.config import Settings

if TYPE_CHECKING:
    from tests.sdk.conftest import Service

FAST = {"retry-after-ms": "1"}
FLEX = {**CHAT, "service_tier": "flex"}


def failing(status: int, body: bytes) -> replies.Reply:
    return replies.whole(body, status, FAST)


CAPACITY = failing(429, replies.error("resource_unavailable", "Resource Unavailable", "rate_limit_error"))
RATE = failing(429, replies.error("rate_limit_exceeded", "Resource unavailable for now", "requests"))
SPEND = failing(429, replies.error("insufficient_quota", "quota", "insufficient_quota"))
BROKEN = failing(500, replies.error(None, "oops", "server_error"))
FLEXED = replies.whole(replies.chat("flex"))

ATTEMPTS = [
    pytest.param([CAPACITY, CAPACITY, FLEXED], ["refused", "refused", "ok"], "honored", None, id="refusals recovered"),
    pytest.param([CAPACITY], ["refused"] * 3, "refused", "resource_unavailable", id="flex refused for good"),
    pytest.param([RATE], ["rate_limited"] * 3, "failed", "rate_limit_exceeded", id="a rate limit is no refusal"),
    pytest.param([SPEND], ["spend_limited"] * 3, "failed", "insufficient_quota", id="no money is no refusal"),
    pytest.param([BROKEN, FLEXED], ["server_error", "ok"], "honored", None, id="one 500 recovered"),
    pytest.param(
        [failing(400, replies.error(None, "not allowed", "invalid_request_error", "service_tier"))],
        ["refused"],
        "refused",
        "invalid_request_error",
        id="tier not allowed",
    ),
    pytest.param(
        [failing(401, replies.error("invalid_api_key"))], ["client_error"], "failed", "invalid_api_key", id="401"
    ),
    pytest.param([(None, {}, [])], ["no_response"] * 3, "failed", "openai.APIConnectionError", id="no response"),
    pytest.param(
        [failing(503, b"<html>busy</html>")],
        ["server_error"] * 3,
        "failed",
        "openai.InternalServerError",
        id="HTML 503",
    ),
]


@pytest.mark.parametrize(("answers", "results", "outcome", "error"), ATTEMPTS)
def test_every_attempt_is_in_the_record(
    service: Service, answers: list[Any], results: list[str], outcome: str, error: str | None
) -> None:
    """Refusals, rate limits and provider errors are told apart per attempt; a recovered one is no error."""
    client = service.client(*answers, retries=2)
    raising = suppress(openai.OpenAIError) if outcome in {"refused", "failed"} else nullcontext()
    with testing.capture(TRUSTED) as calls, raising:
        client.chat.completions.create(**FLEX)
    (call,) = calls
    assert ([a.result for a in call.attempts], call.outcome, call.error_type) == (results, outcome, error)
    waits = [attempt.wait_ns for attempt in call.attempts]
    assert waits[0] is None
    if answers[0][0] is not None:
        assert all(wait is not None and wait > 0 for wait in waits[1:])


def test_a_client_time_out_is_told_apart(service: Service) -> None:
    """A time-out is the client's: its attempt says so, and it is no provider error."""
    answer = (200, {**replies.JSON, "content-length": "9"}, [b"{", b"       }"])
    client = service.client(answer, gap_s=2.0).with_options(timeout=0.05)
    with testing.capture(TRUSTED) as calls, pytest.raises(openai.APITimeoutError):
        client.chat.completions.create(**CHAT)
    (call,) = calls
    assert (call.attempts[-1].result, call.error_type, call.outcome) == ("timeout", "openai.APITimeoutError", "failed")


def test_headers_and_usage_are_read(service: Service) -> None:
    """Request id, processing time, rate limits and every token count are in the record."""
    client = service.client(replies.whole(replies.chat(), headers=replies.LIMITS))
    with testing.capture(TRUSTED) as calls:
        client.chat.completions.create(**CHAT)
    (call,) = calls
    headers, usage = call.headers, call.reply.usage
    assert (headers.request_id, headers.processing_ms) == ("req_1", 12.0)
    limits = headers.rate_limits
    assert (limits.remaining_tokens, limits.limit_tokens, limits.reset_tokens_s) == (15000, 30000, 60.5)
    assert (usage.input, usage.cached, usage.cache_write, usage.output, usage.reasoning) == (100, 64, None, 20, 7)
    assert (call.reply.response_id, call.reply.fingerprint, call.reply.finish_reasons) == (
        "chatcmpl-1",
        "fp_1",
        ("stop",),
    )


def test_azure_headers_are_read(service: Service) -> None:
    """Region, deployment and spill-over come from Azure's headers."""
    azure = {
        "x-ms-region": "Sweden Central",
        "x-ms-deployment-name": "prod",
        "x-ms-is-spilled-over": "true",
        "x-ms-spillover-from-ptu-1": "1",
        "apim-request-id": "apim",
    }
    client = service.client(replies.whole(replies.chat(), headers=azure))
    with testing.capture(TRUSTED) as calls:
        client.chat.completions.create(**CHAT)
    headers = calls[0].headers
    assert (headers.region, headers.deployment, headers.is_spilled_over, headers.spilled_from) == (
        "Sweden Central",
        "prod",
        True,
        "ptu-1",
    )


def test_the_last_tier_of_a_chat_stream_wins(service: Service) -> None:
    """Chunks that say nothing, ``priority``, then ``default``: served ``default``."""
    events = [replies.delta("a"), replies.delta("b", "priority"), replies.delta("c", "default"), replies.delta("d")]
    client = service.client(replies.stream(replies.made.chunks(*events)))
    with testing.capture(TRUSTED) as calls:
        list(client.chat.completions.create(**CHAT, service_tier="priority", stream=True))
    assert (calls[0].served, calls[0].outcome) == ("default", "downgraded")


@RESPONSES
def test_the_first_token_is_no_role_and_no_created_event(service: Service) -> None:
    """Time to first token ignores ``response.created`` and role-only deltas; first event is kept apart."""
    client = service.client(replies.stream(replies.responses_stream()), gap_s=0.02)
    with testing.capture(TRUSTED) as calls:
        list(client.responses.create(**ASK, stream=True))
    timing = calls[0].timing
    assert 0.07 < (timing.first_token_ns - timing.first_event_ns) * 1e-9 < 0.2


# ── background ────────────────────────────────────────────────────────────────────────────────────────────────────
@RESPONSES_TIER
def test_background_tokens_count_once_however_often_it_is_retrieved(service: Service) -> None:
    """Queued: unverified and no tokens. Terminal: the tier of the asker, tokens once. Again: nothing new."""
    queued = replies.whole(replies.responses("priority", "queued", background=True))
    done = replies.whole(replies.responses("default", background=True))
    client = service.client(queued, queued, done, done)
    with testing.capture(TRUSTED) as calls:
        first = client.responses.create(**ASK, service_tier="priority", background=True)
        for _ in range(3):
            client.responses.retrieve(first.id)
    told = [
        (c.request.operation, c.request.requested, c.outcome, c.reply.usage is not None and c.reply.is_usage_new)
        for c in calls
    ]
    assert told == [
        ("chat", "priority", "unverified", False),
        ("fetch_response", "priority", "unverified", False),
        ("fetch_response", "priority", "downgraded", True),
        ("fetch_response", "unreported", "resolved", False),
    ]


@RESPONSES
@pytest.mark.parametrize("background", [False, None])
def test_an_old_stored_response_is_not_counted_when_fetched(service: Service, background: bool | None) -> None:
    """Without ``background: true`` a fetched response was somebody's use before: no tokens."""
    client = service.client(replies.whole(replies.responses(background=background)))
    with testing.capture(TRUSTED) as calls:
        client.responses.retrieve("resp_old")
    assert [c.reply.is_usage_new for c in calls] == [False]


# ── stream usage ──────────────────────────────────────────────────────────────────────────────────────────────────
ALWAYS = Settings(trusted_hosts={"127.0.0.1": "openai"}, stream_usage="always")
AUTO = Settings(trusted_hosts={"127.0.0.1": "openai"}, stream_usage="auto")
NEVER = TRUSTED


def sent(service: Service) -> dict[str, Any]:
    return json.loads(service.replay.requests[-1].body)


@pytest.mark.parametrize(
    ("settings", "asks"), [(NEVER, False), (AUTO, True), (ALWAYS, True)], ids=["never", "auto", "always"]
)
def test_usage_is_asked_for_only_where_set(service: Service, settings: Settings, asks: bool) -> None:
    """``never`` changes no byte; ``auto`` asks known hosts; the extra chunk is hidden and the tokens known."""
    client = service.client(replies.stream(replies.chat_stream(usage=asks)))
    body = {**CHAT, "stream": True}
    with testing.capture(settings) as calls:
        chunks = list(client.chat.completions.create(**body))
    assert sent(service) == ({**body, "stream_options": {"include_usage": True}} if asks else body)
    assert len(chunks) == 7
    assert all(chunk.choices for chunk in chunks)
    assert (calls[0].reply.usage is not None) is asks


async def test_the_usage_chunk_is_hidden_from_async_readers_too(service: Service) -> None:
    """The async client sees the same seven chunks."""
    async with service.aclient(replies.stream(replies.chat_stream())) as client:
        with testing.capture(AUTO) as calls:
            stream = await client.chat.completions.create(**CHAT, stream=True)
            chunks = [chunk async for chunk in stream]
    assert (len(chunks), calls[0].reply.usage.output) == (7, 12)


@pytest.mark.parametrize("choice", [True, False])
def test_an_explicit_choice_is_respected(service: Service, choice: bool) -> None:
    """``include_usage`` of the caller, True or False, stays; what he asked for is not hidden."""
    client = service.client(replies.stream(replies.chat_stream(usage=choice)))
    options = {"include_usage": choice}
    with testing.capture(ALWAYS):
        chunks = list(client.chat.completions.create(**CHAT, stream=True, stream_options=options))
    assert sent(service)["stream_options"] == {"include_usage": choice}
    assert options == {"include_usage": choice}
    assert len(chunks) == (8 if choice else 7)


def test_the_callers_stream_options_stay_his_own(service: Service) -> None:
    """Other options are kept, and the caller's dictionary is the same object with the same content."""
    client = service.client(replies.stream(replies.chat_stream()))
    options = {"include_obfuscation": False}
    with testing.capture(AUTO):
        list(client.chat.completions.create(**CHAT, stream=True, stream_options=options))  # type: ignore[call-overload]
    assert options == {"include_obfuscation": False}
    assert sent(service)["stream_options"] == {"include_obfuscation": False, "include_usage": True}


def test_raw_readers_are_never_given_an_extra_event(service: Service) -> None:
    """Raw lines of a streaming response are byte for byte what they are without us, even with ``always``."""
    client = service.client(replies.stream(replies.chat_stream(usage=False)))
    with (
        testing.capture(ALWAYS),
        client.chat.completions.with_streaming_response.create(**CHAT, stream=True) as response,
    ):
        data = b"".join(response.iter_bytes())
    assert data == replies.chat_stream(usage=False)
    assert "stream_options" not in sent(service)


def test_auto_leaves_unknown_hosts_alone(service: Service) -> None:
    """A host without a documented row is not asked for usage by ``auto``."""
    client = service.client(replies.stream(replies.chat_stream(usage=False)))
    with testing.capture(Settings(stream_usage="auto")):
        list(client.chat.completions.create(**CHAT, stream=True))
    assert "stream_options" not in sent(service)


def test_a_request_without_our_settings_is_the_same_byte_for_byte(service: Service) -> None:
    """No byte of a request changes unless asked for."""
    client = service.client(replies.whole(replies.chat()))
    client.chat.completions.create(**CHAT, service_tier="priority")
    with testing.capture(TRUSTED):
        client.chat.completions.create(**CHAT, service_tier="priority")
    bare, ours = service.replay.requests[-2:]
    changing = {"idempotency-key", "x-stainless-retry-count"}
    assert bare.body == ours.body
    assert [h for h in bare.headers if h[0].lower() not in changing] == [
        h for h in ours.headers if h[0].lower() not in changing
    ]
