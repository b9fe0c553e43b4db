"""The oracle: what a true record of an exchange must say.

Derived from the recorded bytes and the documents alone. Host and setting are the caller's: by default every host's
echo is trusted and no default tier is configured.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .shape import verdict
from .told import Error, Tokens, Told, told
from .values import count, text

if TYPE_CHECKING:
    from .corpus import Exchange

CANONICAL: Final = {
    "fast": "priority",
    "priority": "priority",
    "standard": "default",
    "default": "default",
    "flex": "flex",
    "scale": "scale",
    "ultrafast": "ultrafast",
}
RANK: Final = ("flex", "default", "priority", "ultrafast")
AZURE_HEADER: Final = "x-ms-service-tier"
CAPACITY: Final = re.compile("resource.?unavailable", re.IGNORECASE)
RATE_OR_SPEND: Final = frozenset(
    (
        "rate_limit_exceeded",
        "slow_down",
        "insufficient_quota",
        "credit_balance_exhausted",
        "organization_spend_limit_exceeded",
        "project_spend_limit_exceeded",
        "organization_usage_limit_exceeded",
    )
)


@dataclass(frozen=True, slots=True)
class Expected:
    """A true record. ``None`` means that the bytes do not say; it never stands for 0."""

    id: str
    endpoint: str
    status: int
    is_stream: bool
    requested_raw: str | None
    requested: str
    """``unset``, ``auto``, a canonical tier or ``_OTHER``."""
    expected_tier: str | None
    """The canonical tier that was promised, where anybody said one."""
    served_raw: str | None
    served: str
    """A canonical tier, ``unreported`` or ``_OTHER``."""
    outcome: str
    is_final: bool
    input_tokens: int | None
    cached_tokens: int | None
    cache_write_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    response_model: str | None
    response_id: str | None
    system_fingerprint: str | None
    finish_reasons: tuple[str, ...]
    """Chat and legacy completions: one a choice, by index. Empty for Responses, which has ``response_status``."""
    response_status: str | None
    incomplete_reason: str | None
    error: Error | None
    text_deltas: int | None
    """``None`` for what was not streamed."""
    visible_tokens: int | None
    """V: output less reasoning, rejected prediction and audio tokens."""
    rate_verdict: str
    """``rate``, or the first reason why there is none; ``not_streamed`` for a body."""


def canonical(raw: str) -> str:
    """Return the canonical word of a tier."""
    return CANONICAL.get(raw, "_OTHER")


def requested(exchange: Exchange) -> tuple[str | None, bool]:
    """Return the tier as it was sent, and whether Azure's header sent it: the header beats any body."""
    header = text(exchange.request_headers.get(AZURE_HEADER)) if exchange.is_azure else None
    return (header, True) if header else (text(exchange.request.get("service_tier")), False)


def requested_word(raw: str | None) -> str:
    """Return the word for a requested tier; ``auto`` is a value of its own."""
    return "unset" if raw is None else "auto" if raw == "auto" else canonical(raw)


def promised(raw: str | None, *, by_header: bool, configured: str | None) -> str | None:
    """Return the tier that was promised: Azure's header ``auto`` means priority, any other a configured default."""
    word = requested_word(raw)
    if word == "auto" and by_header:
        return "priority"
    if word in {"auto", "unset"}:
        return configured
    return None if word == "_OTHER" else word


def served_word(raw: str | None) -> str:
    """Return the word for a served tier: ``auto`` echoes the request and reports nothing."""
    return "unreported" if raw in {None, "", "auto"} else canonical(raw or "")


def is_refusal(error: Error | None, asked: str) -> bool:
    """Say whether an HTTP error refuses the tier: a 4xx about it, or no capacity for flex."""
    if error is None or not 400 <= error.status < 500:
        return False
    if error.param == "service_tier":
        return True
    if asked != "flex" or error.code in RATE_OR_SPEND:
        return False
    words = f"{error.code} {error.message}"
    if error.status == 429:
        return bool(CAPACITY.search(words))
    return error.status == 400 and error.type == "invalid_request_error" and "flex" in words.lower()


def compared(expected_tier: str, served: str) -> str:
    """Compare two canonical tiers; ``scale`` stands beside the rank."""
    if expected_tier == served:
        return "honored"
    pair = {expected_tier, served}
    if "scale" in pair:
        if pair & {"priority", "ultrafast"}:
            return "unverified"
        return "downgraded" if expected_tier == "scale" else "upgraded"
    return "downgraded" if RANK.index(served) < RANK.index(expected_tier) else "upgraded"


def outcome(facts: Told, status: int, asked: str, expected_tier: str | None, *, trusted: bool) -> str:
    """Return the outcome; the first rule that matches wins (DESIGN, section 3)."""
    served = served_word(facts.tier_raw)
    is_cut = not facts.is_readable or (not facts.is_final and facts.response_status is None and served == "unreported")
    is_pending = not facts.is_final and facts.response_status is not None
    rules = (
        (not 200 <= status < 300, "refused" if is_refusal(facts.error, asked) else "failed"),
        (facts.is_failed, "failed"),
        (is_cut or is_pending or not trusted, "unverified"),
        (served == "unreported", "unreported"),
        (served == "_OTHER", "unverified"),
        (expected_tier is None, "resolved"),
    )
    word = next((word for holds, word in rules if holds), None)
    return word or compared(expected_tier or "", served)


def visible(tokens: Tokens) -> int | None:
    """Return V, unknown without an output count; a part that is not counted is no part of the output."""
    if tokens.output is None:
        return None
    return tokens.output - sum(
        part or 0 for part in (tokens.reasoning, tokens.rejected_prediction, tokens.audio_output)
    )


def _asked_choices(exchange: Exchange) -> int:
    return count(exchange.request.get("n")) or 1


def expected(exchange: Exchange, *, trusted: bool = True, configured: str | None = None) -> Expected:
    """Return what a true record of this exchange says.

    Args:
        exchange: the recording.
        trusted: whether the host's echo of the tier is documented.
        configured: the configured default tier of the project or deployment, canonical.

    """
    facts = told(exchange)
    raw, by_header = requested(exchange)
    expected_tier = promised(raw, by_header=by_header, configured=configured)
    tokens = facts.tokens or Tokens()
    shown = visible(tokens)
    shape = facts.shape
    return Expected(
        id=exchange.id,
        endpoint=exchange.endpoint,
        status=exchange.status,
        is_stream=exchange.is_stream,
        requested_raw=raw,
        requested=requested_word(raw),
        expected_tier=expected_tier,
        served_raw=facts.tier_raw,
        served=served_word(facts.tier_raw),
        outcome=outcome(facts, exchange.status, requested_word(raw), expected_tier, trusted=trusted),
        is_final=facts.is_final,
        input_tokens=tokens.input,
        cached_tokens=tokens.cached,
        cache_write_tokens=tokens.cache_write,
        output_tokens=tokens.output,
        reasoning_tokens=tokens.reasoning,
        response_model=facts.model,
        response_id=facts.id,
        system_fingerprint=facts.fingerprint,
        finish_reasons=facts.finish_reasons,
        response_status=facts.response_status,
        incomplete_reason=facts.incomplete_reason,
        error=facts.error,
        text_deltas=shape.text_deltas if shape else None,
        visible_tokens=shown,
        rate_verdict=verdict(shown, shape, _asked_choices(exchange)) if shape else "not_streamed",
    )
