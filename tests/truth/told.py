"""What the bytes of one response say, before any judgement about tiers or rates."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from .shape import Shape, choices_shape, responses_shape
from .sse import Event, events
from .values import count, mapping, objects, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .corpus import Exchange
    from .values import Json

TERMINAL: Final = ("response.completed", "response.incomplete", "response.failed")
PENDING: Final = ("queued", "in_progress")
DONE: Final = "[DONE]"


@dataclass(frozen=True, slots=True)
class Tokens:
    """Token counts of one usage object; what it does not count is ``None``, not 0."""

    input: int | None = None
    cached: int | None = None
    cache_write: int | None = None
    output: int | None = None
    reasoning: int | None = None
    rejected_prediction: int | None = None
    audio_output: int | None = None


@dataclass(frozen=True, slots=True)
class Error:
    """An error of the API: the body of a refused request, or an event inside a stream whose status was 200."""

    status: int
    code: str | None = None
    type: str | None = None
    param: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """The facts of one response."""

    is_readable: bool = True
    """False for a body that is neither JSON nor an event stream: nothing is known from it."""
    is_final: bool = True
    """False for a queued response, and for a stream that was cut before its last word."""
    is_failed: bool = False
    """An error event, ``response.failed``, or an object that says it failed."""
    tier_raw: str | None = None
    tokens: Tokens | None = None
    model: str | None = None
    id: str | None = None
    fingerprint: str | None = None
    finish_reasons: tuple[str, ...] = ()
    response_status: str | None = None
    incomplete_reason: str | None = None
    error: Error | None = None
    shape: Shape | None = None
    """What a stream was made of; ``None`` for a body."""


def _tokens(usage: object) -> Tokens | None:
    """Read a usage object of either family: they differ in the names of the two sides only."""
    if not isinstance(usage, dict):
        return None
    is_responses = "input_tokens" in usage or "output_tokens" in usage
    taken, given = ("input_tokens", "output_tokens") if is_responses else ("prompt_tokens", "completion_tokens")
    inside, outside = mapping(usage.get(f"{taken}_details")), mapping(usage.get(f"{given}_details"))
    return Tokens(
        input=count(usage.get(taken)),
        cached=count(inside.get("cached_tokens")),
        cache_write=count(inside.get("cache_write_tokens")),
        output=count(usage.get(given)),
        reasoning=count(outside.get("reasoning_tokens")),
        rejected_prediction=count(outside.get("rejected_prediction_tokens")),
        audio_output=count(outside.get("audio_tokens")),
    )


def _last(values: Sequence[object]) -> str | None:
    """Return the last value that says something: Azure's filter chunk carries empty ids and models."""
    return next((value for value in reversed([text(value) for value in values]) if value), None)


def _error(status: int, found: Sequence[object]) -> Error | None:
    """Join what several error objects say, the first word winning; a bare string is a message."""
    told = [item if isinstance(item, dict) else {"message": item} for item in found if item]
    first = {key: next((word for item in told if (word := text(item.get(key)))), None) for key in Error.__slots__[1:]}
    return Error(status, **first) if told else None


def _finish_reasons(chunks: Sequence[Json]) -> tuple[str, ...]:
    """Return the finish reason of each choice, ordered by index; the last one said counts."""
    reasons: dict[int, str] = {}
    for choice in (choice for chunk in chunks for choice in objects(chunk.get("choices"))):
        if reason := text(choice.get("finish_reason")):
            reasons[count(choice.get("index")) or 0] = reason
    return tuple(reasons[index] for index in sorted(reasons))


def _choices(chunks: Sequence[Json], status: int) -> Told:
    """Read chat or legacy completions: one body, or the chunks of a stream; the last non-null word wins."""
    error = _error(status, [chunk.get("error") for chunk in chunks])
    usages = [tokens for chunk in chunks if (tokens := _tokens(chunk.get("usage")))]
    return Told(
        is_failed=error is not None,
        tier_raw=_last([chunk.get("service_tier") for chunk in chunks]),
        tokens=usages[-1] if usages else None,
        model=_last([chunk.get("model") for chunk in chunks]),
        id=_last([chunk.get("id") for chunk in chunks]),
        fingerprint=_last([chunk.get("system_fingerprint") for chunk in chunks]),
        finish_reasons=_finish_reasons(chunks),
        error=error,
    )


def _response(terminal: Json, seen: Json, error: Error | None, *, is_failed: bool) -> Told:
    """Read a Responses object: tier, tokens and status from its final form, id and model from any form of it."""
    status = text(terminal.get("status"))
    return Told(
        is_final=bool(terminal) and status not in PENDING,
        is_failed=is_failed or status == "failed",
        tier_raw=text(terminal.get("service_tier")),
        tokens=_tokens(terminal.get("usage")),
        model=text(seen.get("model")),
        id=text(seen.get("id")),
        response_status=status,
        incomplete_reason=text(mapping(terminal.get("incomplete_details")).get("reason")),
        error=error,
    )


def _responses_stream(payloads: Sequence[Json], status: int) -> Told:
    """Read the events of a Responses stream: what comes before the terminal one echoes the request."""
    held = [mapping(payload["response"]) for payload in payloads if mapping(payload.get("response"))]
    ends = [mapping(payload.get("response")) for payload in payloads if payload.get("type") in TERMINAL]
    flat = [payload for payload in payloads if payload.get("type") == "error" and not payload.get("error")]
    nested = [payload["error"] for payload in payloads if payload.get("error")]
    # A flat error event says `type: error`, which is its own name and no error type of the API.
    found = [*nested, *({**event, "type": None} for event in flat), *(end.get("error") for end in ends)]
    is_failed = bool(nested or flat or any(payload.get("type") == "response.failed" for payload in payloads))
    return _response(ends[-1] if ends else {}, held[-1] if held else {}, _error(status, found), is_failed=is_failed)


def _payload(event: Event) -> Json:
    """Return the object of an event. Its type is in the object; the event's name serves where it is not."""
    try:
        payload = mapping(json.loads(event.data))
    except ValueError:
        return {}
    return payload if "type" in payload or not payload else {**payload, "type": event.name}


def _stream(exchange: Exchange) -> Told:
    """Read a stream; one of chunks is whole if its end marker came, or the last word of every choice."""
    found = events(exchange.body)
    payloads = [payload for event in found if (payload := _payload(event))]
    if exchange.endpoint == "responses":
        return replace(_responses_stream(payloads, exchange.status), shape=responses_shape(payloads))
    shape = choices_shape(payloads)
    facts = _choices(payloads, exchange.status)
    is_marked = any(event.data == DONE for event in found)
    is_said = 0 < shape.choices == len(facts.finish_reasons)
    return replace(facts, shape=shape, is_final=is_marked or is_said)


def _body(exchange: Exchange) -> Told:
    try:
        body = json.loads(exchange.body)
    except ValueError:
        return Told(is_readable=False)
    if not isinstance(body, dict):
        return Told(is_readable=False)
    if not 200 <= exchange.status < 300:
        return Told(is_failed=True, error=_error(exchange.status, [body.get("error")]))
    if exchange.endpoint != "responses":
        return _choices([body], exchange.status)
    return _response(body, body, _error(exchange.status, [body.get("error")]), is_failed=False)


def told(exchange: Exchange) -> Told:
    """Return what the response of an exchange says."""
    return _stream(exchange) if exchange.is_stream else _body(exchange)
