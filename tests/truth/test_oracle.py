import pytest

from . import made
from .corpus import Exchange
from .made import AZURE, CHAT, RESPONSES, response_event
from .oracle import compared, expected
from .told import Error

SAMPLE = {
    "input_tokens": 100,
    "input_tokens_details": {"cached_tokens": 64},
    "output_tokens": 20,
    "output_tokens_details": {"reasoning_tokens": 7},
    "total_tokens": 120,
}
CHAT_SAMPLE = {
    "prompt_tokens": 100,
    "prompt_tokens_details": {"cached_tokens": 64, "cache_write_tokens": 3},
    "completion_tokens": 20,
    "completion_tokens_details": {"reasoning_tokens": 7, "rejected_prediction_tokens": 2, "audio_tokens": 1},
}
PRIORITY = {"service_tier": "priority"}
CREATED = response_event("created", service_tier="priority", status="in_progress")
QUOTA = {"type": "insufficient_quota", "code": "insufficient_quota", "message": "You exceeded"}


def chat(*chunks: dict, done: bool = True, **request: object) -> Exchange:
    return made.exchange(CHAT, made.chunks(*chunks, done=done), request)


def responses(*events: dict, **request: object) -> Exchange:
    return made.exchange(RESPONSES, made.named(events), request)


def answered(asked: str | None, served: str | None, url: str = CHAT, **fields: object) -> Exchange:
    request = {} if asked is None else {"service_tier": asked}
    return made.exchange(url, made.body(service_tier=served, **fields), request)


def refused(status: int, asked: str | None = None, **error: object) -> Exchange:
    return made.exchange(CHAT, made.body(error=error), {"service_tier": asked}, status=status)


def test_last_tier_of_a_chat_stream_wins() -> None:
    """The last chunk that names a tier counts; null and absent ones do not unsay it."""
    chunks = ({"service_tier": None}, {"service_tier": "priority"}, {"service_tier": "default"}, {"service_tier": None})
    assert expected(chat(*chunks, {})).served_raw == "default"


def test_created_event_only_echoes_the_request() -> None:
    """What the first events of a Responses stream call the tier is not what served it."""
    stream = responses(CREATED, response_event("completed", service_tier="default", status="completed"), **PRIORITY)
    assert (expected(stream).served, expected(stream).outcome) == ("default", "downgraded")


@pytest.mark.parametrize("word", ["completed", "incomplete", "failed"])
def test_terminal_events_hold_the_tier(word: str) -> None:
    """Each of the three terminal events says the served tier and the status."""
    stream = expected(responses(CREATED, response_event(word, service_tier="flex", status=word)))
    assert (stream.served_raw, stream.response_status, stream.is_final) == ("flex", word, True)


def test_responses_stream_without_end_is_unverified() -> None:
    """A Responses stream that was closed before its terminal event is never honored."""
    record = expected(responses(CREATED, **PRIORITY))
    assert (record.served, record.outcome, record.response_id) == ("unreported", "unverified", "resp_1")


@pytest.mark.parametrize(
    ("chunk", "done", "outcome"),
    [
        pytest.param({"service_tier": "priority"}, False, "honored", id="cut-after-the-tier"),
        pytest.param({}, False, "unverified", id="cut-before-the-tier"),
        pytest.param({}, True, "unreported", id="whole-without-tier"),
        pytest.param(
            {"choices": [{"index": 0, "finish_reason": "stop"}]}, False, "unreported", id="finished-without-marker"
        ),
    ],
)
def test_cut_chat_streams(chunk: dict, outcome: str, *, done: bool) -> None:
    """A cut chat stream is judged by the tier it named, and unverified if it named none."""
    assert expected(chat(chunk, done=done, **PRIORITY)).outcome == outcome


@pytest.mark.parametrize(
    ("event", "error"),
    [
        pytest.param({"type": "error", "error": QUOTA}, ("insufficient_quota", "insufficient_quota"), id="nested"),
        pytest.param({"type": "error", "code": "server_error", "message": "x"}, ("server_error", None), id="flat"),
        pytest.param(
            response_event("failed", status="failed", service_tier="auto", error={"code": "server_error"}),
            ("server_error", None),
            id="response-failed",
        ),
    ],
)
def test_error_inside_a_stream_is_a_failure(event: dict, error: tuple[str, str | None]) -> None:
    """An error event or response.failed makes the call failed and names the code, though the status was 200."""
    record = expected(responses(CREATED, event, **PRIORITY))
    assert record.error is not None
    assert (record.outcome, record.error.code, record.error.type, record.error.status) == ("failed", *error, 200)


def test_error_event_known_by_its_name_alone() -> None:
    """An event named ``error`` is an error even if its data does not repeat the name."""
    body = made.named([CREATED]) + b'event: error\ndata: {"code": "server_error"}\n\n'
    record = expected(made.exchange(RESPONSES, body))
    assert (record.outcome, record.error) == ("failed", Error(200, code="server_error"))


def test_error_chunk_of_a_chat_stream_keeps_the_tier() -> None:
    """A chat stream that ends in an error chunk failed, and the tier it named stays known."""
    record = expected(chat({"service_tier": "priority"}, {"error": {"type": "model_error", "code": None}}))
    assert (record.outcome, record.served, record.error) == ("failed", "priority", Error(200, type="model_error"))


def test_absent_usage_is_unknown() -> None:
    """Without a usage object no token count is known: none of them is 0."""
    record = expected(chat({"usage": None}, made.text_delta("a")))
    assert (record.input_tokens, record.output_tokens, record.cached_tokens, record.visible_tokens) == (None,) * 4


def test_sample_usage_of_responses() -> None:
    """The documented sample reads 100 in, 64 cached, 20 out, 7 of them reasoning, 13 visible."""
    record = expected(made.exchange(RESPONSES, made.body(usage=SAMPLE, status="completed")))
    counts = (record.input_tokens, record.cached_tokens, record.output_tokens, record.reasoning_tokens)
    assert (counts, record.cache_write_tokens, record.visible_tokens) == ((100, 64, 20, 7), None, 13)


def test_sample_usage_of_chat() -> None:
    """V leaves out reasoning, rejected prediction and audio: 20 - 7 - 2 - 1."""
    record = expected(chat(made.text_delta("a"), {"choices": [], "usage": CHAT_SAMPLE}))
    counts = (record.input_tokens, record.cached_tokens, record.output_tokens, record.reasoning_tokens)
    assert (counts, record.cache_write_tokens, record.visible_tokens) == ((100, 64, 20, 7), 3, 10)


def test_identity_of_a_chat_stream() -> None:
    """Empty ids and models of Azure's filter chunk do not hide the real ones; finish reasons follow the index."""
    choices = [{"index": 1, "finish_reason": "length"}, {"index": 0, "finish_reason": "stop"}]
    told = {"id": "chatcmpl-1", "model": "gpt-5-2025", "system_fingerprint": "fp_1", "choices": choices}
    record = expected(chat({"id": "", "model": "", "choices": []}, told, {"id": "", "model": "", "choices": []}))
    assert (record.response_id, record.response_model, record.system_fingerprint) == (
        "chatcmpl-1",
        "gpt-5-2025",
        "fp_1",
    )
    assert record.finish_reasons == ("stop", "length")


def test_incomplete_response_says_why() -> None:
    """Status and reason of an incomplete Response are kept apart; it has no finish reasons."""
    reply = made.body(status="incomplete", incomplete_details={"reason": "max_output_tokens"}, **PRIORITY)
    record = expected(made.exchange(RESPONSES, reply, PRIORITY))
    assert (record.response_status, record.incomplete_reason) == ("incomplete", "max_output_tokens")
    assert (record.finish_reasons, record.outcome) == ((), "honored")


@pytest.mark.parametrize("status", ["queued", "in_progress"])
def test_background_response_is_not_final(status: str) -> None:
    """A queued response echoes the tier that was asked for: nothing is proven yet."""
    record = expected(answered("priority", "priority", RESPONSES, status=status))
    assert (record.outcome, record.is_final) == ("unverified", False)


@pytest.mark.parametrize(
    ("asked", "configured", "served", "outcome"),
    [
        ("priority", None, "fast", "honored"),
        ("fast", None, "priority", "honored"),
        ("priority", None, "default", "downgraded"),
        ("ultrafast", None, "priority", "downgraded"),
        ("ultrafast", None, "default", "downgraded"),
        ("flex", None, "flex", "honored"),
        ("flex", None, "default", "upgraded"),
        ("default", "priority", "default", "honored"),
        ("default", None, "priority", "upgraded"),
        ("default", None, "standard", "honored"),
        ("auto", None, "default", "resolved"),
        (None, None, "priority", "resolved"),
        (None, "priority", "default", "downgraded"),
        ("auto", "priority", "default", "downgraded"),
        ("priority", None, None, "unreported"),
        ("priority", None, "", "unreported"),
        ("priority", None, "auto", "unreported"),
        ("priority", None, "turbo", "unverified"),
    ],
)
def test_required_outcomes(asked: str | None, configured: str | None, served: str | None, outcome: str) -> None:
    """A complete reply of a trusted host has the outcome of the reference table."""
    assert expected(answered(asked, served), configured=configured).outcome == outcome


@pytest.mark.parametrize(
    ("expected_tier", "served", "outcome"),
    [
        ("scale", "default", "downgraded"),
        ("scale", "flex", "downgraded"),
        ("default", "scale", "upgraded"),
        ("flex", "scale", "upgraded"),
        ("scale", "priority", "unverified"),
        ("ultrafast", "scale", "unverified"),
        ("scale", "scale", "honored"),
    ],
)
def test_scale_stands_beside_the_rank(expected_tier: str, served: str, outcome: str) -> None:
    """Scale is compared with the pay-as-you-go tiers below priority only."""
    assert compared(expected_tier, served) == outcome


def test_untrusted_host_is_unverified() -> None:
    """What an untrusted host calls the tier proves nothing."""
    assert expected(answered("priority", "default"), trusted=False).outcome == "unverified"


@pytest.mark.parametrize(
    ("exchange", "outcome"),
    [
        pytest.param(refused(400, "fast", param="service_tier"), "refused", id="tier-not-allowed"),
        pytest.param(refused(429, "flex", message="Resource Unavailable"), "refused", id="flex-capacity"),
        pytest.param(refused(429, "flex", code="resource_unavailable"), "refused", id="flex-capacity-code"),
        pytest.param(refused(429, "flex", code="slow_down", message="resource unavailable"), "failed", id="flex-rate"),
        pytest.param(refused(429, "flex", code="insufficient_quota"), "failed", id="flex-spend"),
        pytest.param(refused(429, "flex", type="rate_limit_error"), "failed", id="flex-class-alone"),
        pytest.param(refused(429, "priority", message="Resource Unavailable"), "failed", id="not-flex"),
        pytest.param(
            refused(400, "flex", type="invalid_request_error", message="Flex is not supported"), "refused", id="no-flex"
        ),
        pytest.param(refused(400, "flex", type="invalid_request_error", message="bad"), "failed", id="other-400"),
        pytest.param(refused(500, "priority", param="service_tier"), "failed", id="server-error"),
    ],
)
def test_refusals(exchange: Exchange, outcome: str) -> None:
    """Only a 4xx about the tier or a flex capacity 429 is a refusal; every other error is a failure."""
    assert expected(exchange).outcome == outcome


@pytest.mark.parametrize(
    ("url", "header", "asked", "record"),
    [
        pytest.param(AZURE, "priority", "default", ("priority", "priority", "priority"), id="header-beats-body"),
        pytest.param(AZURE, "auto", None, ("auto", "auto", "priority"), id="header-auto"),
        pytest.param(RESPONSES, "priority", "default", ("default", "default", "default"), id="not-azure"),
        pytest.param(AZURE, "", "auto", ("auto", "auto", None), id="body-auto"),
        pytest.param(RESPONSES, "", None, (None, "unset", None), id="unset"),
        pytest.param(RESPONSES, "", "turbo", ("turbo", "_OTHER", None), id="other"),
    ],
)
def test_requested_tier(url: str, header: str, asked: str | None, record: tuple[str | None, ...]) -> None:
    """Azure's header beats the body on Azure's hosts and is ignored elsewhere."""
    headers = {"x-ms-service-tier": header} if header else {}
    told = expected(made.exchange(url, b"{}", {"service_tier": asked}, request_headers=headers))
    assert (told.requested_raw, told.requested, told.expected_tier) == record


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"service_tier": "prio', b"[]", b"\xff\xfe"])
def test_unreadable_body_says_nothing(body: bytes) -> None:
    """From a body that is no JSON object nothing is known, least of all a tier."""
    record = expected(made.exchange(CHAT, body, PRIORITY))
    assert (record.served_raw, record.output_tokens, record.error, record.outcome) == (None, None, None, "unverified")
    assert expected(made.exchange(CHAT, body, PRIORITY, status=502)).outcome == "failed"


def test_values_of_wrong_types_say_nothing() -> None:
    """A tier, count, id or choice of the wrong type is absent, not an accident."""
    reply = made.body(service_tier=5, id=[], model={}, usage={"prompt_tokens": True}, choices=[None, 1])
    record = expected(made.exchange(CHAT, reply))
    assert (record.served_raw, record.response_id, record.response_model) == (None, None, None)
    assert (record.input_tokens, record.finish_reasons) == (None, ())
