"""Failures: every documented case reads as its closed word, whatever else the service says."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Final, cast

import httpx2
import openai
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit import wire
from tierscope.catalog import Provider, load
from tierscope.model import Failure
from tierscope.reading import errors

OPENAI: Final = load().providers["openai"]
REQUEST: Final = httpx2.Request("POST", "https://api.openai.com/v1/responses")


def body(code: Any = None, kind: Any = None, param: Any = None, message: Any = "no") -> dict[str, Any]:
    return {"code": code, "type": kind, "param": param, "message": message}


def raised(status: int, error: Any) -> openai.APIStatusError:
    """Return what the SDK raises for a reply: the class of its status, the error object as ``body``."""
    client = openai.OpenAI(
        api_key="k", http_client=httpx2.Client(transport=httpx2.MockTransport(lambda _r: httpx2.Response(500)))
    )
    response = httpx2.Response(status, json={"error": error}, request=REQUEST)
    with client:
        return client._make_status_error_from_response(response)


def read(exc: BaseException, asked: str = "priority", row: Provider = OPENAI) -> Failure:
    return errors.of_exception(exc, requested=asked, refusals=row.refusals)


# ── what is documented: (status, error object, tier asked for) → word, refused, class of the attempt ──────────────
SPEND: Final = (
    "insufficient_quota",
    "credit_balance_exhausted",
    "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
    "billing_hard_limit_reached",
)
FULL: Final = "Resource Unavailable: no room for flex"
NOT_ALLOWED: Final = "The requested service tier is not allowed for this project"
REFUSED: Final = [
    pytest.param(400, body(None, "invalid_request_error", "service_tier", NOT_ALLOWED), "priority", id="not-allowed"),
    pytest.param(400, body("unsupported_value", None, "service_tier"), "flex", id="unsupported-by-the-model"),
    pytest.param(400, body("invalid_value", None, "service_tier"), "_OTHER", id="no-such-tier"),
    pytest.param(400, body(None, None, "service_tier"), "unset", id="resolved-but-not-allowed"),
    pytest.param(429, body(None, "server_error", None, FULL), "flex", id="flex-message"),
    pytest.param(429, body("resource_unavailable"), "flex", id="flex-code"),
    pytest.param(429, body("ResourceUnavailable"), "flex", id="flex-code-in-one-word"),
    pytest.param(429, body("resource-unavailable"), "flex", id="flex-code-with-a-dash"),
]
NOT_REFUSED: Final = [
    pytest.param(429, body("rate_limit_exceeded", None, None, FULL), "flex", "rate_limited", id="a-known-rate-code"),
    pytest.param(429, body("slow_down", "rate_limit_error", None, FULL), "flex", "rate_limited", id="slow-down"),
    pytest.param(429, body("insufficient_quota", None, None, FULL), "flex", "spend_limited", id="a-known-spend-code"),
    pytest.param(429, body(None, None, None, FULL), "priority", "rate_limited", id="another-tier-was-asked"),
    pytest.param(429, body(None, None, None, FULL), "unset", "rate_limited", id="no-tier-was-asked"),
    pytest.param(429, body(), "flex", "rate_limited", id="no-word-of-capacity"),
    pytest.param(503, body(None, None, None, FULL), "flex", "server_error", id="flex-503"),
    pytest.param(400, body("invalid_value", None, "model"), "priority", "client_error", id="another-parameter"),
    pytest.param(400, body(None, None, None, NOT_ALLOWED), "priority", "client_error", id="only-the-message"),
    pytest.param(422, body(None, None, "service_tier"), "priority", "client_error", id="another-status"),
    pytest.param(404, body("DeploymentNotFound"), "priority", "client_error", id="azure-deployment"),
    pytest.param(408, body("timeout"), "flex", "client_error", id="azure-flex-timeout"),
    pytest.param(500, body("server_error"), "priority", "server_error", id="server-error"),
]


@pytest.mark.parametrize(("status", "error", "asked"), REFUSED)
def test_a_refusal_of_a_tier_is_told(status: int, error: Any, asked: str) -> None:
    told = read(raised(status, error), asked)
    assert told.message_matches
    assert errors.attempt_result(status, told) == "refused"


@pytest.mark.parametrize(("status", "error", "asked", "result"), NOT_REFUSED)
def test_any_other_failure_is_no_refusal(status: int, error: Any, asked: str, result: str) -> None:
    told = read(raised(status, error), asked)
    assert not told.message_matches
    assert errors.attempt_result(status, told) == result


@pytest.mark.parametrize("code", SPEND)
def test_a_spend_limit_is_no_rate_limit(code: str) -> None:
    """Never to be retried; counted apart."""
    told = read(raised(429, body(code)), "flex")
    assert told == Failure(code, 429, code)
    assert errors.attempt_result(429, told) == "spend_limited"


WORDS: Final = [
    pytest.param(401, body("invalid_api_key", "invalid_request_error"), "invalid_api_key", id="code"),
    pytest.param(500, body(None, "server_error"), "server_error", id="type-where-no-code"),
    pytest.param(
        503, body("x", "service_unavailable_error"), "service_unavailable_error", id="type-for-a-strange-code"
    ),
    pytest.param(404, body("model_not_found", "invalid_request_error"), "model_not_found", id="code-before-type"),
    pytest.param(429, body("slow_down", "rate_limit_error"), "slow_down", id="slow-down"),
    pytest.param(404, body("DeploymentNotFound"), "DeploymentNotFound", id="azure"),
    pytest.param(498, body("capacity_exceeded"), "capacity_exceeded", id="groq"),
    pytest.param(429, body("429"), "429", id="azure-number"),
    pytest.param(400, body(), "openai.BadRequestError", id="400"),
    pytest.param(401, body(), "openai.AuthenticationError", id="401"),
    pytest.param(403, body(), "openai.PermissionDeniedError", id="403"),
    pytest.param(404, body(), "openai.NotFoundError", id="404"),
    pytest.param(409, body(), "openai.ConflictError", id="409"),
    pytest.param(422, body(), "openai.UnprocessableEntityError", id="422"),
    pytest.param(429, body(), "openai.RateLimitError", id="429"),
    pytest.param(498, body("strange"), "openai.APIStatusError", id="498"),
    pytest.param(503, body("strange", "new_error"), "openai.InternalServerError", id="503"),
]


@pytest.mark.parametrize(("status", "error", "word"), WORDS)
def test_a_failure_has_a_closed_word(status: int, error: Any, word: str) -> None:
    """Known code, else known type, else the class that users import."""
    told = read(raised(status, error))
    assert (told.error_type, told.status) == (word, status)
    assert (told.code, told.type, told.param) == (error["code"], error["type"], error["param"])


class Odd(Exception):  # noqa: N818  the name of somebody's exception
    """An exception of the application's own."""


TRIO: Final = type("Cancelled", (BaseException,), {"__module__": "trio._core"})  # its own cannot be made by others
CLASSES: Final = [
    pytest.param(
        openai.APITimeoutError(request=cast("Any", REQUEST)), "openai.APITimeoutError", "timeout", id="client-timeout"
    ),
    pytest.param(
        openai.APIConnectionError(request=cast("Any", REQUEST)),
        "openai.APIConnectionError",
        "no_response",
        id="connection",
    ),
    pytest.param(asyncio.CancelledError(), "asyncio.CancelledError", "cancelled", id="cancelled"),
    pytest.param(TRIO(), "trio.Cancelled", "cancelled", id="trio"),
    pytest.param(httpx2.ReadError("x"), "httpx2.ReadError", "no_response", id="read"),
    pytest.param(httpx2.RemoteProtocolError("x"), "httpx2.RemoteProtocolError", "no_response", id="protocol"),
    pytest.param(json.JSONDecodeError("x", "y", 0), "json.JSONDecodeError", "no_response", id="json"),
    pytest.param(KeyboardInterrupt(), "KeyboardInterrupt", "no_response", id="interrupt"),
    pytest.param(ValueError("x"), "ValueError", "no_response", id="built-in"),
    pytest.param(ZeroDivisionError("x"), "_OTHER", "no_response", id="built-in-not-listed"),
    pytest.param(Odd("x"), "_OTHER", "no_response", id="the-applications-own"),
]


@pytest.mark.parametrize(("exc", "word", "result"), CLASSES)
def test_a_failure_without_a_response_is_named_by_its_class(exc: BaseException, word: str, result: str) -> None:
    told = read(exc)
    assert told == Failure(word)
    assert errors.attempt_result(None, told, exc) == result
    assert errors.is_cancellation(exc) is (result == "cancelled")


def test_a_nested_class_is_not_the_one_it_is_named_after() -> None:
    """The qualified name counts: somebody's `Client.RateLimitError` is not openai's."""
    nested = type("RateLimitError", (Exception,), {"__module__": "openai._x", "__qualname__": "Client.RateLimitError"})
    plain = type("RateLimitError", (Exception,), {"__module__": "openai._x", "__qualname__": "RateLimitError"})
    assert (errors.class_name(nested()), errors.class_name(plain())) == ("_OTHER", "openai.RateLimitError")


STATUSES: Final = [
    (100, "ok"),
    (200, "ok"),
    (304, "ok"),
    (399, "ok"),
    (400, "client_error"),
    (428, "client_error"),
    (429, "rate_limited"),
    (430, "client_error"),
    (499, "client_error"),
    (500, "server_error"),
    (599, "server_error"),
]


@pytest.mark.parametrize(("status", "result"), STATUSES)
def test_a_status_alone_classifies_an_attempt(status: int, result: str) -> None:
    assert errors.attempt_result(status, None) == result


def test_an_attempt_without_status_and_exception_had_no_response() -> None:
    assert errors.attempt_result(None, None) == "no_response"
    assert errors.is_cancellation(None) is False


def test_a_refusal_counts_before_its_status() -> None:
    assert errors.attempt_result(503, Failure("x", 503, message_matches=True)) == "refused"


# ── error objects of any kind ─────────────────────────────────────────────────────────────────────────────────────
BODIES: Final = [
    pytest.param({"error": body("slow_down")}, "slow_down", id="wrapped-once-more"),
    pytest.param(body("slow_down"), "slow_down", id="plain"),
    pytest.param({"error": None, "code": "slow_down"}, "slow_down", id="null-and-flat"),
    pytest.param({"error": "no"}, "openai.RateLimitError", id="a-text"),
    pytest.param("no", "openai.RateLimitError", id="no-object"),
    pytest.param(None, "openai.RateLimitError", id="none"),
]


@pytest.mark.parametrize(("error", "word"), BODIES)
def test_the_body_of_an_exception_may_be_anything(error: Any, word: str) -> None:
    exc = raised(429, body())
    exc.body = error
    assert read(exc).error_type == word


@pytest.mark.parametrize("status", [True, "429", None, 429.0])
def test_a_status_of_a_wrong_type_is_unknown(status: Any) -> None:
    exc = raised(429, body("slow_down"))
    exc.status_code = status
    assert read(exc) == Failure("slow_down", None, "slow_down")


@given(st.sampled_from(["code", "type", "param", "message"]), wire.values)
def test_any_value_in_an_error_is_itself_or_unknown(name: str, value: Any) -> None:
    """And its word is of the closed list."""
    error = {**body("strange", "odd", "p"), name: value}
    told = errors.of_error(error, status=400, requested="flex", refusals=OPENAI.refusals)
    assert (told.code, told.type, told.param) == tuple(wire.as_text(error[key]) for key in ("code", "type", "param"))
    assert told.error_type in errors.ERROR_TYPES
    assert told.message_matches is False


@given(wire.values)
def test_any_value_as_an_error_has_a_closed_word(error: Any) -> None:
    told = errors.of_error(error, status=None, requested="flex", refusals=OPENAI.refusals)
    assert told.error_type in errors.ERROR_TYPES


@given(st.text(), st.text())
def test_no_text_from_outside_becomes_a_word(code: str, kind: str) -> None:
    word = errors.error_type(code, kind, None)
    assert word == (code if code in errors.CODES else kind if kind in errors.CODES else "_OTHER")


CODES: Final = [
    "401", "404", "429", "500", "DeploymentNotFound", "OperationNotSupported", "batch_expired", "bio_policy",
    "capacity_exceeded", "content_filter", "context_length_exceeded", "image_content_policy_violation",
    "integer_above_max_value", "invalid_api_key", "invalid_prompt", "invalid_request_error", "invalid_service_tier",
    "invalid_stream_id", "invalid_type", "invalid_value", "missing_required_parameter", "model_not_found",
    "previous_response_not_found", "resource_unavailable",
    "server_error", "server_is_overloaded", "service_unavailable_error", "string_above_max_length", "timeout",
    "token_limit_exceeded", "unknown_parameter", "unsupported_country_region_territory", "unsupported_parameter",
    "unsupported_value", "vector_store_timeout", "websocket_connection_limit_reached", "websocket_stream_limit_reached",
]  # fmt: skip
OF_OPENAI: Final = [
    "APIConnectionError", "APIError", "APIResponseValidationError", "APIStatusError", "APITimeoutError",
    "AuthenticationError", "BadRequestError", "ConflictError", "ContentFilterFinishReasonError",
    "InternalServerError", "LengthFinishReasonError", "NotFoundError", "OAuthError", "OpenAIError",
    "PermissionDeniedError", "RateLimitError", "UnprocessableEntityError", "WebSocketConnectionClosedError",
    "WebSocketQueueFullError",
]  # fmt: skip
OF_HTTPX: Final = [
    "ConnectError", "ConnectTimeout", "DecodingError", "PoolTimeout", "ReadError", "ReadTimeout",
    "RemoteProtocolError", "StreamClosed", "StreamConsumed", "WriteError",
]  # fmt: skip
OTHERS: Final = [
    "AttributeError", "ConnectionError", "GeneratorExit", "IndexError", "KeyError", "KeyboardInterrupt", "OSError",
    "RuntimeError", "SystemExit", "TimeoutError", "TypeError", "UnicodeDecodeError", "UnicodeEncodeError",
    "ValueError", "asyncio.CancelledError", "json.JSONDecodeError", "pydantic_core.ValidationError",
    "trio.Cancelled", "websockets.ConnectionClosedError", "websockets.ConnectionClosedOK", "websockets.InvalidStatus",
]  # fmt: skip


def test_the_closed_list() -> None:
    """Metrics carry these words and no others, and dashboards read them; those that decide are the documents'."""
    classes = {
        *(f"openai.{name}" for name in OF_OPENAI),
        *(f"{library}.{name}" for library in ("httpx", "httpx2") for name in OF_HTTPX),
        *OTHERS,
    }
    assert set(SPEND) == errors.SPEND_CODES
    assert {"rate_limit_exceeded", "slow_down", "tokens", "requests"} == errors.RATE_CODES
    assert list(errors.ERROR_TYPES) == sorted({"_OTHER", *SPEND, *errors.RATE_CODES, *CODES, *classes})


@pytest.mark.parametrize("library", [openai, httpx2], ids=lambda module: str(module.__name__))
def test_every_class_of_the_list_exists(library: Any) -> None:
    """A misspelt name would send its failures to `_OTHER`."""
    listed = [name for name in errors.EXCEPTIONS if name.startswith(f"{library.__name__}.")]
    assert len(listed) >= 10
    for name in listed:
        kind = getattr(library, name.partition(".")[2])
        assert errors.class_name(kind.__new__(kind)) == name
