"""Failures: exceptions, error bodies and in-stream error events, reduced to closed lists. Messages are never kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tierscope.model import AttemptResult, Failure
from tierscope.reading.fields import field, text
from tierscope.words import OTHER

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tierscope.catalog import Refusal

SPEND_CODES: Final = frozenset(
    {
        "insufficient_quota",
        "credit_balance_exhausted",
        "organization_spend_limit_exceeded",
        "project_spend_limit_exceeded",
        "organization_usage_limit_exceeded",
        "billing_hard_limit_reached",
    }
)
RATE_CODES: Final = frozenset({"rate_limit_exceeded", "slow_down", "tokens", "requests"})
"""Codes that say what a 429 is about; such a 429 is never a refusal of a tier (OpenAI error-codes guide)."""
CODES: Final = (
    SPEND_CODES
    | RATE_CODES
    | frozenset(
        {
            "invalid_api_key",
            "model_not_found",
            "context_length_exceeded",
            "content_filter",
            "unsupported_parameter",
            "unsupported_value",
            "invalid_value",
            "invalid_type",
            "missing_required_parameter",
            "unknown_parameter",
            "server_error",
            "server_is_overloaded",
            "service_unavailable_error",
            "invalid_request_error",
            "invalid_prompt",
            "DeploymentNotFound",
            "OperationNotSupported",
            "resource_unavailable",
            "capacity_exceeded",
            "invalid_service_tier",
            "unsupported_country_region_territory",
            "string_above_max_length",
            "integer_above_max_value",
            "timeout",
            "401",
            "404",
            "429",
            "500",
            "vector_store_timeout",
            "batch_expired",
            "token_limit_exceeded",
            "image_content_policy_violation",
            "bio_policy",
            "previous_response_not_found",
            "invalid_stream_id",
            "websocket_stream_limit_reached",
            "websocket_connection_limit_reached",
        }
    )
)
"""Error codes of the API that become an ``error.type``; others fall back to the exception's class."""
EXCEPTIONS: Final = frozenset(
    {
        *(
            f"openai.{name}"
            for name in (
                "APIError",
                "APIStatusError",
                "APIConnectionError",
                "APITimeoutError",
                "APIResponseValidationError",
                "AuthenticationError",
                "BadRequestError",
                "ConflictError",
                "ContentFilterFinishReasonError",
                "InternalServerError",
                "LengthFinishReasonError",
                "NotFoundError",
                "OpenAIError",
                "PermissionDeniedError",
                "RateLimitError",
                "UnprocessableEntityError",
                "OAuthError",
                "WebSocketConnectionClosedError",
                "WebSocketQueueFullError",
            )
        ),
        *(
            f"{library}.{name}"
            for library in ("httpx", "httpx2")
            for name in (
                "ReadError",
                "ReadTimeout",
                "RemoteProtocolError",
                "ConnectError",
                "ConnectTimeout",
                "WriteError",
                "DecodingError",
                "PoolTimeout",
                "StreamConsumed",
                "StreamClosed",
            )
        ),
        "websockets.ConnectionClosedOK",
        "websockets.ConnectionClosedError",
        "websockets.InvalidStatus",
        "asyncio.CancelledError",
        "trio.Cancelled",
        "json.JSONDecodeError",
        "pydantic_core.ValidationError",
        "KeyboardInterrupt",
        "SystemExit",
        "TimeoutError",
        "ConnectionError",
        "OSError",
        "ValueError",
        "TypeError",
        "AttributeError",
        "KeyError",
        "IndexError",
        "RuntimeError",
        "UnicodeDecodeError",
        "UnicodeEncodeError",
        "GeneratorExit",
    }
)
CANCELLED: Final = frozenset({"asyncio.CancelledError", "trio.Cancelled"})
TIMEOUTS: Final = frozenset({"openai.APITimeoutError"})
ERROR_TYPES: Final = tuple(sorted(CODES | EXCEPTIONS | {OTHER}))
"""The closed list of ``error.type``."""


def class_name(exc: BaseException) -> str:
    """Return ``package.Class`` of an exception as users import it, else ``_OTHER``."""
    kind = type(exc)
    package = kind.__module__.partition(".")[0]
    name = kind.__qualname__ if package == "builtins" else f"{package}.{kind.__qualname__}"
    return name if name in EXCEPTIONS else OTHER


def is_cancellation(exc: BaseException | None) -> bool:
    """Say whether the application's own task was cancelled."""
    return exc is not None and class_name(exc) in CANCELLED


def error_type(code: str | None, kind: str | None, exc: BaseException | None) -> str:
    """Return the closed word for a failure: a known code, a known type, a known class, else ``_OTHER``."""
    for word in (code, kind):
        if word in CODES:
            return str(word)
    return OTHER if exc is None else class_name(exc)


def of_error(
    error: object, *, status: int | None, requested: str, refusals: Iterable[Refusal], exc: BaseException | None = None
) -> Failure:
    """Read an error object (``{code, type, param, message}``), from a body, an event or an exception."""
    code, kind, param = text(error, "code"), text(error, "type"), text(error, "param")
    message = text(error, "message")
    refused = code not in RATE_CODES | SPEND_CODES and any(
        row.matches(requested, status, code=code, param=param, message=message) for row in refusals
    )
    return Failure(
        error_type=error_type(code, kind, exc),
        status=status,
        code=code,
        type=kind,
        param=param,
        message_matches=refused,
    )


def of_exception(exc: BaseException, *, requested: str, refusals: Iterable[Refusal]) -> Failure:
    """Read what the SDK raised: ``body`` holds the API's error object where there was one."""
    status = field(exc, "status_code")
    body = field(exc, "body")
    error = field(body, "error") if field(body, "error") is not None else body
    return of_error(
        error, status=status if type(status) is int else None, requested=requested, refusals=refusals, exc=exc
    )


def attempt_result(status: int | None, failure: Failure | None, exc: BaseException | None = None) -> AttemptResult:
    """Classify one attempt: closed words only."""
    if failure is not None and failure.message_matches:
        return "refused"
    if status is None:
        return _without_response(exc)
    if status < 400:  # noqa: PLR2004
        return "ok"
    if status == 429:  # noqa: PLR2004
        return "spend_limited" if failure is not None and failure.code in SPEND_CODES else "rate_limited"
    return "client_error" if status < 500 else "server_error"  # noqa: PLR2004


def told_result(status: int | None, failure: Failure) -> AttemptResult:
    """Classify an attempt whose error came as an event: by its status, which few events have, else by its words.

    One that names neither is the server's: what it sent without a status counts in no share of HTTP errors.
    """
    if status is not None or failure.message_matches:
        return attempt_result(status, failure)
    if failure.code in SPEND_CODES:
        return "spend_limited"
    if failure.code in RATE_CODES:
        return "rate_limited"
    return "client_error" if failure.type == "invalid_request_error" else "server_error"


def _without_response(exc: BaseException | None) -> AttemptResult:
    if exc is None:
        return "no_response"
    name = class_name(exc)
    if name in CANCELLED:
        return "cancelled"
    return "timeout" if name in TIMEOUTS else "no_response"
