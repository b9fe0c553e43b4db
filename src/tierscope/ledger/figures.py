"""What a report says about a ledger: frozen figures, and the exact percentile they are made with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Exact nearest-rank percentiles of all samples; ``None`` without any."""

    count: int = 0
    p05: float | None = None
    p50: float | None = None
    p95: float | None = None


@dataclass(frozen=True, slots=True)
class Tokens:
    """Sums of the reported counts; calls without usage add nothing."""

    input: int = 0
    output: int = 0
    cached: int = 0
    reasoning: int = 0


@dataclass(frozen=True, slots=True)
class Money:
    """List prices in USD, summed exactly; calls without a price add nothing and are counted by reason."""

    cost: float = 0.0
    """At the tiers that served."""
    priced: int = 0
    """Calls with a price."""
    at_default: float = 0.0
    """The same tokens at the default tier, of the calls for which both are known."""
    premium_paid: float = 0.0
    """What served tiers cost above the default tier."""
    saving_made: float = 0.0
    """What served tiers cost below the default tier."""
    premium_not_charged: float = 0.0
    """What downgraded calls cost below the tier that was promised."""
    saving_lost: float = 0.0
    """What calls cost above the flex tier that was promised."""
    unpriced: Mapping[str, int] = field(default_factory=dict)
    """Answered calls without a price, by reason."""


@dataclass(frozen=True, slots=True)
class Group:
    """The calls of one provider and model that asked for the same tier and were served from the same."""

    provider: str
    model: str | None
    requested: str
    expected: str | None
    """What was promised: differs from ``requested`` where a setting resolved ``auto`` or an omitted tier."""
    served: str | None
    """Canonical tier; ``None`` where no reply came or the reply did not say."""
    calls: int
    share: float
    """Of the calls of this provider and model that asked for (and expected) the same tier."""
    outcomes: Mapping[str, int]
    causes: Mapping[str, int]
    """Downgraded calls by *inferred* cause."""
    errors: Mapping[str, int]
    """Refused, failed and cancelled calls by error type."""
    retries: int
    """Attempts beyond the first of each call."""
    generation: Quantiles
    """Output rate (generation), token/s; without the consumer-limited."""
    end_to_end: Quantiles
    """Output rate (end to end), token/s; without the consumer-limited."""
    first_token: Quantiles
    """Seconds."""
    tokens: Tokens
    money: Money = field(default_factory=Money)

    @property
    def downgraded(self) -> int:
        """Calls served from a lower tier than was promised."""
        return self.outcomes.get("downgraded", 0)


@dataclass(frozen=True, slots=True)
class Shift:
    """Calls that expected one tier and were served another: a downgrade or an upgrade."""

    expected: str
    served: str
    is_asked: bool
    """Whether the callers sent the tier themselves; else a setting, or the host's documents, promised it."""
    is_down: bool
    calls: int
    of: int
    """All calls that expected this tier, and asked for it or did not alike."""
    causes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Report:
    """The summary of a ledger, or of the rows of one run."""

    calls: int = 0
    attempts: int = 0
    groups: tuple[Group, ...] = ()
    shifts: tuple[Shift, ...] = ()
    outcomes: Mapping[str, int] = field(default_factory=dict)
    errors: Mapping[str, int] = field(default_factory=dict)
    endings: Mapping[str, int] = field(default_factory=dict)
    unsaid: Mapping[str, int] = field(default_factory=dict)
    """Calls whose outcome cannot be said, by reason."""
    attempts_refused: int = 0
    attempts_rate_limited: int = 0
    attempts_server_error: int = 0
    attempts_timeout: int = 0
    attempts_no_response: int = 0
    recovered: int = 0
    """Calls that were answered although an attempt was refused over its tier."""
    consumer_limited: int = 0
    """Calls whose rates are left out because the reader was the brake."""
    streams_without_usage: int = 0
    """Chat streams read out without usage; ``TIERSCOPE_STREAM_USAGE=auto`` asks for it."""
    fetches: int = 0
    """Fetches of stored responses that brought nothing new; they are no calls."""
    tokens: Tokens = field(default_factory=Tokens)
    money: Money = field(default_factory=Money)
    batches: int = 0
    """Batches that ended; they are no calls, and in no other figure."""
    batch_requests_completed: int = 0
    batch_requests_failed: int = 0
    batch_tokens: Tokens = field(default_factory=Tokens)
    batch_money: Money = field(default_factory=Money)
    first_unix_ns: int | None = None
    last_unix_ns: int | None = None
    dropped: int = 0
    """Rows that the ledger held once and was told not to keep; they are in no figure."""
    dropped_until_unix_ns: int | None = None
    """When the last of their calls started."""


def nearest_rank(ordered: Sequence[float], percent: int) -> float | None:
    """The smallest sample that at least so many per cent of the samples do not exceed: exact, never interpolated."""
    if not ordered:
        return None
    return ordered[-(-percent * len(ordered) // 100) - 1]  # the rank, rounded up in integers


def quantiles(samples: Sequence[float]) -> Quantiles:
    """The three percentiles of unordered samples."""
    ordered = sorted(samples)
    return Quantiles(len(ordered), *(nearest_rank(ordered, percent) for percent in (5, 50, 95)))
