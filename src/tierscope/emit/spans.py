"""A finished call as span attributes: one dictionary, set at once. No content, ever."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tierscope import signals as s
from tierscope.words import AUTO, FAILED, REFUSED, UNKNOWN, UNSET

if TYPE_CHECKING:
    from tierscope.model import Call, Headers, Reply, Request

CUT = "error"
"""Finish reason of a choice whose own never came (GenAI conventions)."""
_API_TYPES = {"chat_completions": "chat_completions", "responses": "responses"}


def name(request: Request) -> str:
    """Return the span's name: operation and model; no id for a fetch."""
    return f"{request.operation} {request.model}" if request.model else request.operation


def at_start(request: Request) -> dict[str, Any]:
    """Return what samplers may see."""
    return _known(
        (s.OPERATION.key, request.operation),
        (s.PROVIDER.key, request.provider),
        (s.REQUEST_MODEL.key, request.model),
        (s.SERVER_ADDRESS.key, request.address),
        (s.SERVER_PORT.key, request.port),
        (s.TIER_REQUESTED.key, request.requested),
        (s.REQUEST_STREAM.key, request.is_stream or None),
        (s.API_TYPE.key, _API_TYPES.get(request.endpoint)),
    )


def tier_facts(call: Call) -> dict[str, Any]:
    """Return the attributes that an outer span of another instrumentation is given too."""
    return _known(
        (s.TIER_REQUESTED.key, call.request.requested),
        (s.TIER_EXPECTED.key, call.request.expected or UNKNOWN),
        (s.TIER_SERVED.key, call.served),
        (s.TIER_OUTCOME.key, call.outcome),
        (s.INFERRED_CAUSE.key, call.inferred_cause),
    )


def at_end(call: Call) -> dict[str, Any]:
    """Return everything that a finished call tells."""
    request, speed = call.request, call.speed
    raw = request.tier_raw
    return {
        **tier_facts(call),
        **_known(
            (s.REQUEST_TIER.key, raw if request.requested not in {AUTO, UNSET} else None),
            (s.ENDING.key, call.ending),
            (s.ATTEMPTS.key, len(call.attempts)),
            (s.ERROR_TYPE.key, call.error_type),
            (s.FIRST_TOKEN.key, speed.first_token_s),
            (s.RATE_GENERATION.key, speed.generation),
            (s.RATE_END_TO_END.key, speed.end_to_end),
            (s.RATE_ABSENT.key, speed.generation_absent),
            (s.CONSUMER_LIMITED.key, speed.consumer_limited),
            (s.FIRST_CHUNK.key, first_chunk(call)),
            (s.AZURE_DEPLOYMENT.key, (call.headers and call.headers.deployment) or request.deployment),
        ),
        **(_reply(call.reply, is_fetch=request.operation == "fetch_response") if call.reply is not None else {}),
        **(_headers(call.headers) if call.headers is not None else {}),
    }


def first_chunk(call: Call) -> float | None:
    """Return seconds from the start of the call to the first event of a stream."""
    first = call.timing.first_event_ns
    return None if first is None else (first - call.timing.start_ns) * 1e-9


def _reply(reply: Reply, *, is_fetch: bool) -> dict[str, Any]:
    usage = None if is_fetch else reply.usage  # GenAI conventions: a fetch must not carry tokens
    return _known(
        (s.RESPONSE_TIER.key, reply.tier_raw),
        (s.RESPONSE_MODEL.key, reply.model),
        (s.RESPONSE_ID.key, reply.response_id),
        (s.FINGERPRINT.key, reply.fingerprint),
        (s.FINISH_REASONS.key, tuple(reason or CUT for reason in reply.finish_reasons) or None),
        (s.RESPONSE_STATUS.key, reply.response_status),
        (s.INPUT_TOKENS.key, usage and usage.input),
        (s.OUTPUT_TOKENS.key, usage and usage.output),
        (s.CACHE_READ.key, usage and usage.cached),
        (s.CACHE_WRITE.key, usage and usage.cache_write),
        (s.REASONING.key, usage and usage.reasoning),
    )


def _headers(headers: Headers) -> dict[str, Any]:
    limits = headers.rate_limits
    return _known(
        (s.REQUEST_ID.key, headers.request_id),
        (s.PROCESSING_MS.key, headers.processing_ms),
        (s.LIMIT_REQUESTS.key, limits and limits.limit_requests),
        (s.REMAINING_REQUESTS.key, limits and limits.remaining_requests),
        (s.LIMIT_TOKENS.key, limits and limits.limit_tokens),
        (s.REMAINING_TOKENS.key, limits and limits.remaining_tokens),
        (s.AZURE_REGION.key, headers.region),
        (s.AZURE_SPILLED.key, headers.is_spilled_over),
        (s.AZURE_SPILLED_FROM.key, headers.spilled_from),
    )


def is_error(call: Call) -> bool:
    """Say whether the span's status is an error: a cut or cancelled stream is none of the service's."""
    return call.ending == "error" or call.outcome in {FAILED, REFUSED}


def _known(*pairs: tuple[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in pairs if value is not None}
