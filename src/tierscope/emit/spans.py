"""A finished call as span attributes: one dictionary, set at once. No content, ever."""

from __future__ import annotations

import functools
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from tierscope import signals as s
from tierscope.emit.attributes import told
from tierscope.model import NO_HEADERS, NO_LIMITS, NO_REPLY, NO_USAGE
from tierscope.rates import NS
from tierscope.words import AUTO, FAILED, REFUSED, UNKNOWN, UNSET

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tierscope.model import Call, Headers, Request

CUT = "error"
"""Finish reason of a choice whose own never came (GenAI conventions)."""
_API_TYPES = {"chat_completions": "chat_completions", "responses": "responses"}


_START: Final = tuple(
    attribute.key
    for attribute in (
        *(s.OPERATION, s.PROVIDER, s.REQUEST_MODEL, s.SERVER_ADDRESS, s.SERVER_PORT),
        *(s.TIER_REQUESTED, s.TIER_EXPECTED, s.REQUEST_TIER, s.REQUEST_STREAM, s.API_TYPE),
    )
)
_LIMITS: Final = (s.LIMIT_REQUESTS, s.REMAINING_REQUESTS, s.LIMIT_TOKENS, s.REMAINING_TOKENS)
_ATTEMPT: Final = (s.ATTEMPT_NUMBER.key, s.TIER_REQUESTED.key)
_ANSWER: Final = tuple(attribute.key for attribute in (s.REQUEST_ID, s.PROCESSING_MS, *_LIMITS))
_SO_FAR: Final = tuple(
    attribute.key
    for attribute in (
        *(s.TIER_SERVED, s.TIER_OUTCOME, s.INFERRED_CAUSE, s.ATTEMPTS, s.FIRST_TOKEN, s.FIRST_CHUNK),
        *(s.RESPONSE_TIER, s.RESPONSE_MODEL, s.RESPONSE_ID, s.FINGERPRINT, s.FINISH_REASONS, s.RESPONSE_STATUS),
        *(s.INPUT_TOKENS, s.OUTPUT_TOKENS, s.CACHE_READ, s.CACHE_WRITE, s.REASONING),
        *(s.REQUEST_ID, s.PROCESSING_MS, s.AZURE_DEPLOYMENT, s.AZURE_REGION, s.AZURE_SPILLED, s.AZURE_SPILLED_FROM),
        *_LIMITS,
    )
)
_AT_END: Final = (
    *_SO_FAR,
    *(
        attribute.key
        for attribute in (
            *(s.ENDING, s.ERROR_TYPE, s.RATE_GENERATION, s.RATE_END_TO_END, s.RATE_ABSENT, s.CONSUMER_LIMITED),
        )
    ),
)


def name(request: Request) -> str:
    """Return the span's name: operation and model; no id for a fetch."""
    return f"{request.operation} {request.model}" if request.model else request.operation


@functools.lru_cache(maxsize=1024)
def at_start(request: Request) -> Mapping[str, Any]:
    """Return what is known of the request: what samplers may see. Made once for requests of one form."""
    values = (
        request.operation,
        request.provider,
        request.model,
        request.address,
        request.port,
        request.requested,
        request.expected or UNKNOWN,
        request.tier_raw if request.requested not in {AUTO, UNSET} else None,
        request.is_stream or None,
        _API_TYPES.get(request.endpoint),
    )
    return MappingProxyType(told(_START, values))


def so_far(call: Call) -> dict[str, Any]:
    """Return what is known of the reply before a stream has ended, and will not change any more."""
    return told(_SO_FAR, _known(call))


def at_end(call: Call) -> dict[str, Any]:
    """Return everything that a finished call tells beyond its request."""
    speed = call.speed
    ended = (
        call.ending,
        call.error_type,
        speed.generation,
        speed.end_to_end,
        speed.generation_absent,
        speed.consumer_limited,
    )
    return told(_AT_END, _known(call) + ended)


def at_attempt(number: int, requested: str) -> dict[str, Any]:
    """Return what an HTTP span is told when its attempt is sent."""
    return told(_ATTEMPT, (number, requested))


def at_answer(headers: Headers) -> dict[str, Any]:
    """Return what an HTTP span is told by the headers of its response."""
    limits = headers.rate_limits or NO_LIMITS
    left = (limits.limit_requests, limits.remaining_requests, limits.limit_tokens, limits.remaining_tokens)
    return told(_ANSWER, (headers.request_id, headers.processing_ms, *left))


def _known(call: Call) -> tuple[Any, ...]:
    """Return the values of ``_SO_FAR``, in its order."""
    request, reply, headers = call.request, call.reply or NO_REPLY, call.headers or NO_HEADERS
    usage = reply.usage if request.operation != "fetch_response" else None  # GenAI: a fetch must not carry tokens
    used, limits = usage or NO_USAGE, headers.rate_limits or NO_LIMITS
    return (
        call.served,
        call.outcome,
        call.inferred_cause,
        len(call.attempts),
        call.speed.first_token_s,
        first_chunk(call),
        reply.tier_raw,
        reply.model,
        reply.response_id,
        reply.fingerprint,
        tuple([reason or CUT for reason in reply.finish_reasons]) or None,
        reply.response_status,
        used.input,
        used.output,
        used.cached,
        used.cache_write,
        used.reasoning,
        headers.request_id,
        headers.processing_ms,
        headers.deployment or request.deployment,
        headers.region,
        headers.is_spilled_over,
        headers.spilled_from,
        limits.limit_requests,
        limits.remaining_requests,
        limits.limit_tokens,
        limits.remaining_tokens,
    )


def first_chunk(call: Call) -> float | None:
    """Return seconds from the start of the call to the first event of a stream."""
    first = call.timing.first_event_ns
    return None if first is None else (first - call.timing.start_ns) * NS


def is_error(call: Call) -> bool:
    """Say whether the span's status is an error: a cut or cancelled stream is none of the service's."""
    return call.ending == "error" or call.outcome in {FAILED, REFUSED}
