"""The closed vocabularies of tiers, outcomes, causes and absent rates: each word is said once, here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT: Final = "default"
FLEX: Final = "flex"
PRIORITY: Final = "priority"
SCALE: Final = "scale"
ULTRAFAST: Final = "ultrafast"
BATCH: Final = "batch"
AUTO: Final = "auto"
UNSET: Final = "unset"
OTHER: Final = "_OTHER"
UNREPORTED: Final = "unreported"
UNKNOWN: Final = "unknown"

CANONICAL: Final = (FLEX, DEFAULT, PRIORITY, ULTRAFAST, SCALE, BATCH)
"""Every canonical tier. ``batch`` is set by the endpoint, never read from the wire."""
WIRE: Final = frozenset((FLEX, DEFAULT, PRIORITY, ULTRAFAST, SCALE))
REQUESTED: Final = (*CANONICAL, AUTO, UNSET, OTHER, UNREPORTED)
"""``unreported``: a fetched response whose request this process never saw."""
SERVED: Final = (*CANONICAL, UNREPORTED, OTHER)
ALIASES: Final[Mapping[str, str]] = {"fast": PRIORITY, "standard": DEFAULT}

HONORED: Final = "honored"
DOWNGRADED: Final = "downgraded"
UPGRADED: Final = "upgraded"
RESOLVED: Final = "resolved"
REFUSED: Final = "refused"
FAILED: Final = "failed"
UNVERIFIED: Final = "unverified"
OUTCOMES: Final = (HONORED, DOWNGRADED, UPGRADED, RESOLVED, REFUSED, FAILED, UNREPORTED, UNVERIFIED)

LONG_CONTEXT: Final = "long_context"
RAMP_RATE: Final = "ramp_rate"
CAPACITY_OR_UNKNOWN: Final = "capacity_or_unknown"

ENDINGS: Final = ("complete", "error", "closed", "abandoned", "cancelled")
ATTEMPT_RESULTS: Final = (
    "ok",
    "refused",
    "rate_limited",
    "spend_limited",
    "client_error",
    "server_error",
    "timeout",
    "no_response",
    "cancelled",
)

BATCH_STATES: Final = ("completed", "failed", "expired", "cancelled")
"""How a batch ends (openai-python 3.57, ``types/batch.py``); in every other state it is still under way."""
WINDOWS: Final = ("soonest", "2h", "8h")
"""Completion windows of background work (openai-python 3.57, ``types/responses/response_create_params.py``)."""

TIER_CHANGED: Final = "service_tier_changed"
CACHE_MISSES: Final = (
    "model_changed",
    "prompt_cache_key_changed",
    "tools_changed",
    "text_format_changed",
    "reasoning_effort_changed",
    "verbosity_changed",
    "context_compacted",
    "input_changed",
    TIER_CHANGED,
    OTHER,
)
"""Why a prompt was not read from the cache (openai-python 3.57, ``types/responses/response.py``)."""

NOT_STREAMED: Final = "not_streamed"
NO_USAGE: Final = "no_usage"
FEW_TOKENS: Final = "few_tokens"
SEVERAL_CHOICES: Final = "several_choices"
TOOL_CALL: Final = "tool_call"
SEVERAL_MESSAGES: Final = "several_messages"
OTHER_DELTAS: Final = "other_deltas"
FEW_DELTAS: Final = "few_deltas"
COARSE_DELTAS: Final = "coarse_deltas"
NOT_COMPLETE: Final = "not_complete"
NO_TIME: Final = "no_time"
BACKGROUND: Final = "background"
ABSENT: Final = (
    NOT_STREAMED,
    NO_USAGE,
    FEW_TOKENS,
    SEVERAL_CHOICES,
    TOOL_CALL,
    SEVERAL_MESSAGES,
    OTHER_DELTAS,
    FEW_DELTAS,
    COARSE_DELTAS,
    NOT_COMPLETE,
    NO_TIME,
    BACKGROUND,
)
"""Every reason for which a rate is absent: a closed set."""

TIERLESS: Final = frozenset({"embeddings", "completions"})
"""Endpoints that have no tiers, and one price (openai 3.54 types)."""

EXACT: Final = "exact"
OVERLAY: Final = "overlay"
USER: Final = "user"
BASES: Final = (EXACT, OVERLAY, USER)
"""Where a price comes from: the compiled price list and the source documents, our overlay, the user's own file."""
AUDIO: Final = "audio"
INCONSISTENT_USAGE: Final = "inconsistent_usage"
NO_CACHE_PRICE: Final = "no_cache_price"
NO_MODEL: Final = "no_model"
NO_PRICE: Final = "no_price"
NOT_DATED: Final = "not_dated"
TIER_UNKNOWN: Final = "tier_unknown"
TIER_UNREPORTED: Final = "tier_unreported"
UNKNOWN_MODEL: Final = "unknown_model"
UNKNOWN_PROVIDER: Final = "unknown_provider"
UNPRICED: Final = (
    NO_USAGE,
    TIER_UNREPORTED,
    TIER_UNKNOWN,
    NO_MODEL,
    UNKNOWN_PROVIDER,
    UNKNOWN_MODEL,
    NO_PRICE,
    NOT_DATED,
    NO_CACHE_PRICE,
    AUDIO,
    INCONSISTENT_USAGE,
)
"""Every reason for which an answered call has no cost: a closed set."""
PREMIUM_PAID: Final = "premium_paid"
SAVING_MADE: Final = "saving_made"
PREMIUM_NOT_CHARGED: Final = "premium_not_charged"
SAVING_LOST: Final = "saving_lost"
EFFECTS: Final = (PREMIUM_PAID, SAVING_MADE, PREMIUM_NOT_CHARGED, SAVING_LOST)
"""What a tier made of the bill: against the default tier, and against the tier that was promised."""
