"""A finished call as span attributes: one dictionary, set at once. No content, ever."""

from __future__ import annotations

import functools
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from tierscope import signals as s
from tierscope.emit.attributes import told
from tierscope.model import NO_HEADERS, NO_LIMITS, NO_REPLY, NO_USAGE
from tierscope.rates import NS
from tierscope.words import AUTO, FAILED, HONORED, REFUSED, RESOLVED, UNKNOWN, UNSET, UPGRADED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tierscope.model import Call, Headers, Request

CUT = "error"
"""Finish reason of a choice whose own never came (GenAI conventions)."""
_AS_ASKED: Final = frozenset({HONORED, UPGRADED, RESOLVED})
"""Outcomes for which nobody looks for a rate limit that was hit; the gauge has what was left."""
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
_REPLY: Final = tuple(
    attribute.key
    for attribute in (
        *(s.TIER_SERVED, s.TIER_OUTCOME, s.ATTEMPTS),
        *(s.RESPONSE_TIER, s.RESPONSE_MODEL, s.RESPONSE_ID, s.FINGERPRINT, s.FINISH_REASONS, s.RESPONSE_STATUS),
        *(s.INPUT_TOKENS, s.OUTPUT_TOKENS, s.CACHE_READ, s.CACHE_WRITE, s.REASONING),
        *(s.REQUEST_ID, s.PROCESSING_MS),
    )
)
_AZURE: Final = (s.AZURE_DEPLOYMENT.key, s.AZURE_REGION.key, s.AZURE_SPILLED.key, s.AZURE_SPILLED_FROM.key)
_MISS: Final = (s.CACHE_MISS.key, s.CACHE_MISSED.key, s.CACHE_REUSABLE.key)
_BEGUN: Final = (s.FIRST_TOKEN.key, s.FIRST_CHUNK.key)
_AMISS: Final = tuple(attribute.key for attribute in (s.INFERRED_CAUSE, *_LIMITS))
_ENDED: Final = (s.ENDING.key, s.ERROR_TYPE.key, s.RATE_END_TO_END.key)
_READ_OUT: Final = (s.RATE_GENERATION.key, s.RATE_ABSENT.key, s.CONSUMER_LIMITED.key)


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
    attributes = told(_REPLY, _reply(call))
    azure = _azure(call)
    if azure != _NOT_AZURE:
        attributes.update(told(_AZURE, azure))
    if call.reply is not None and call.reply.cache_miss is not None:
        attributes.update(told(_MISS, call.reply.cache_miss))
    if call.request.is_stream:
        attributes.update(told(_BEGUN, (call.speed.first_token_s, first_chunk(call))))
    if call.outcome not in _AS_ASKED:
        attributes.update(told(_AMISS, (call.inferred_cause, *_limits(call.headers or NO_HEADERS))))
    return attributes


def at_end(call: Call) -> dict[str, Any]:
    """Return everything that a finished call tells beyond its request."""
    speed, attributes = call.speed, so_far(call)
    attributes.update(told(_ENDED, (call.ending, call.error_type, speed.end_to_end)))
    if call.request.is_stream:
        attributes.update(told(_READ_OUT, (speed.generation, speed.generation_absent, speed.consumer_limited)))
    return attributes


def at_attempt(number: int, requested: str) -> dict[str, Any]:
    """Return what an HTTP span is told when its attempt is sent."""
    return told(_ATTEMPT, (number, requested))


def at_answer(headers: Headers) -> dict[str, Any]:
    """Return what an HTTP span is told by the headers of its response."""
    return told(_ANSWER, (headers.request_id, headers.processing_ms, *_limits(headers)))


def _reply(call: Call) -> tuple[Any, ...]:
    """Return the values of ``_REPLY``, in its order."""
    reply, headers = call.reply or NO_REPLY, call.headers or NO_HEADERS
    usage = reply.usage if call.request.operation != "fetch_response" else None  # GenAI: a fetch has no tokens
    used = usage or NO_USAGE
    return (
        call.served,
        call.outcome,
        len(call.attempts),
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
    )


def _azure(call: Call) -> tuple[Any, ...]:
    headers = call.headers or NO_HEADERS
    deployment = headers.deployment or call.request.deployment
    return deployment, headers.region, headers.is_spilled_over, headers.spilled_from


_NOT_AZURE: Final = (None, None, None, None)


def _limits(headers: Headers) -> tuple[int | None, ...]:
    limits = headers.rate_limits or NO_LIMITS
    return limits.limit_requests, limits.remaining_requests, limits.limit_tokens, limits.remaining_tokens


def first_chunk(call: Call) -> float | None:
    """Return seconds from the start of the call to the first event of a stream."""
    first = call.timing.first_event_ns
    return None if first is None else (first - call.timing.start_ns) * NS


def is_error(call: Call) -> bool:
    """Say whether the span's status is an error: a cut or cancelled stream is none of the service's."""
    return call.ending == "error" or call.outcome in {FAILED, REFUSED}
