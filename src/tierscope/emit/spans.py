"""A finished call as span attributes: one dictionary, set at once. No content, ever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tierscope import signals as s
from tierscope.model import NO_HEADERS, NO_LIMITS, NO_REPLY, NO_USAGE
from tierscope.words import AUTO, FAILED, REFUSED, UNKNOWN, UNSET

if TYPE_CHECKING:
    from tierscope.model import Call, RateLimits, Reply, Request, Usage

CUT = "error"
"""Finish reason of a choice whose own never came (GenAI conventions)."""
_API_TYPES = {"chat_completions": "chat_completions", "responses": "responses"}


_START: Final = tuple(
    attribute.key
    for attribute in (
        *(s.OPERATION, s.PROVIDER, s.REQUEST_MODEL, s.SERVER_ADDRESS, s.SERVER_PORT),
        *(s.TIER_REQUESTED, s.REQUEST_STREAM, s.API_TYPE),
    )
)


def name(request: Request) -> str:
    """Return the span's name: operation and model; no id for a fetch."""
    return f"{request.operation} {request.model}" if request.model else request.operation


def at_start(request: Request) -> dict[str, Any]:
    """Return what samplers may see."""
    values = (
        request.operation,
        request.provider,
        request.model,
        request.address,
        request.port,
        request.requested,
        request.is_stream or None,
        _API_TYPES.get(request.endpoint),
    )
    return _told(_START, values)


def so_far(call: Call) -> dict[str, Any]:
    """Return what is known before a stream has ended, and will not change any more."""
    return _told(_KNOWN, _known(call))


def at_end(call: Call) -> dict[str, Any]:
    """Return everything that a finished call tells."""
    return _told(_ALL, (*_known(call), *_ended(call)))


_CALL: Final = (
    *(s.TIER_REQUESTED, s.TIER_EXPECTED, s.TIER_SERVED, s.TIER_OUTCOME, s.INFERRED_CAUSE),
    *(s.REQUEST_TIER, s.ATTEMPTS, s.FIRST_TOKEN, s.FIRST_CHUNK),
)
_REPLY: Final = (
    *(s.RESPONSE_TIER, s.RESPONSE_MODEL, s.RESPONSE_ID, s.FINGERPRINT, s.FINISH_REASONS, s.RESPONSE_STATUS),
)
_USAGE: Final = (s.INPUT_TOKENS, s.OUTPUT_TOKENS, s.CACHE_READ, s.CACHE_WRITE, s.REASONING)
_HEADERS: Final = (
    *(s.REQUEST_ID, s.PROCESSING_MS, s.AZURE_DEPLOYMENT, s.AZURE_REGION, s.AZURE_SPILLED, s.AZURE_SPILLED_FROM),
)
_LIMITS: Final = (s.LIMIT_REQUESTS, s.REMAINING_REQUESTS, s.LIMIT_TOKENS, s.REMAINING_TOKENS)
_ENDED: Final = (*(s.ENDING, s.ERROR_TYPE, s.RATE_GENERATION, s.RATE_END_TO_END, s.RATE_ABSENT, s.CONSUMER_LIMITED),)
_KNOWN: Final = tuple(attribute.key for attribute in (*_CALL, *_REPLY, *_USAGE, *_HEADERS, *_LIMITS))
_ALL: Final = (*_KNOWN, *(attribute.key for attribute in _ENDED))


def _known(call: Call) -> tuple[Any, ...]:
    """Return the values of ``_KNOWN``, in its order."""
    request, reply, headers = call.request, call.reply or NO_REPLY, call.headers or NO_HEADERS
    usage = reply.usage if request.operation != "fetch_response" else None  # GenAI: a fetch must not carry tokens
    return (
        request.requested,
        request.expected or UNKNOWN,
        call.served,
        call.outcome,
        call.inferred_cause,
        request.tier_raw if request.requested not in {AUTO, UNSET} else None,
        len(call.attempts),
        call.speed.first_token_s,
        first_chunk(call),
        *_replied(reply),
        *_used(usage or NO_USAGE),
        headers.request_id,
        headers.processing_ms,
        headers.deployment or request.deployment,
        headers.region,
        headers.is_spilled_over,
        headers.spilled_from,
        *_left(headers.rate_limits or NO_LIMITS),
    )


def _replied(reply: Reply) -> tuple[Any, ...]:
    reasons = tuple(reason or CUT for reason in reply.finish_reasons) or None
    return reply.tier_raw, reply.model, reply.response_id, reply.fingerprint, reasons, reply.response_status


def _used(usage: Usage) -> tuple[int | None, ...]:
    return usage.input, usage.output, usage.cached, usage.cache_write, usage.reasoning


def _left(limits: RateLimits) -> tuple[int | None, ...]:
    return limits.limit_requests, limits.remaining_requests, limits.limit_tokens, limits.remaining_tokens


def _ended(call: Call) -> tuple[Any, ...]:
    """Return the values of ``_ENDED``, in its order."""
    speed = call.speed
    return (
        call.ending,
        call.error_type,
        speed.generation,
        speed.end_to_end,
        speed.generation_absent,
        speed.consumer_limited,
    )


def first_chunk(call: Call) -> float | None:
    """Return seconds from the start of the call to the first event of a stream."""
    first = call.timing.first_event_ns
    return None if first is None else (first - call.timing.start_ns) * 1e-9


def is_error(call: Call) -> bool:
    """Say whether the span's status is an error: a cut or cancelled stream is none of the service's."""
    return call.ending == "error" or call.outcome in {FAILED, REFUSED}


def _told(keys: tuple[str, ...], values: tuple[Any, ...]) -> dict[str, Any]:
    """Join names and values, and leave out what is unknown: one pass, a third less than filling a dictionary."""
    return {key: value for key, value in zip(keys, values, strict=True) if value is not None}
