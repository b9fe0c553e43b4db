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
