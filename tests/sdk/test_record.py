"""What the record holds beyond the tier: attempts, usage, headers, background responses, stream usage."""

from __future__ import annotations

from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any

import openai
import pytest
from tests.sdk import replies
from tests.sdk.capabilities import RESPONSES
from tests.sdk.conftest import ASK, CHAT, TRUSTED

from tierscope import testing

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


def test_a_body_has_no_first_token(service: Service) -> None:
    """Nothing was streamed: no time to a first token, and a reason in place of a generation rate."""
    with testing.capture(TRUSTED) as calls:
        service.client(replies.whole(replies.chat())).chat.completions.create(**CHAT)
    (call,) = calls
    assert (call.timing.first_token_ns, call.speed.first_token_s) == (None, None)
    assert (call.speed.generation, call.speed.generation_absent) == (None, "not_streamed")


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
