"""The columns of a ledger that rules ask for, in the order in which they are read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tierscope.ledger.totals import ENDED, PICO_USD
from tierscope.words import BATCH

if TYPE_CHECKING:
    from collections.abc import Iterable


class Workload(NamedTuple):
    """What the calls of a line have in common: columns of the ledger, all of them."""

    provider: str
    operation: str
    endpoint: str
    request_model: str | None
    response_model: str | None
    project: str | None
    deployment: str | None
    address: str | None
    region: str | None
    requested: str
    expected: str | None
    served: str
    outcome: str
    inferred_cause: str | None
    completion_window: str | None
    is_stream: int
    service: str | None
    workload: str | None
    """Rule of a policy that spoke of the call when it was made."""
    cache_miss: str | None


class Row(NamedTuple):
    """The columns read, in their order: those of ``Workload`` come first."""

    provider: str
    operation: str
    endpoint: str
    request_model: str | None
    response_model: str | None
    project: str | None
    deployment: str | None
    address: str | None
    region: str | None
    requested: str
    expected: str | None
    served: str
    outcome: str
    inferred_cause: str | None
    completion_window: str | None
    is_stream: int
    service: str | None
    workload: str | None
    cache_miss: str | None
    row: int
    ending: str
    started_unix_ns: int
    ended_unix_ns: int
    attempts: int
    attempts_timeout: int
    attempts_json: str | None
    """Only where an attempt timed out: it is long, and slow to read."""
    duration_s: float
    retry_wait_s: float | None
    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int | None
    cache_write_tokens: int | None
    cache_missed_tokens_estimated: int | None
    cache_reusable_tokens: int | None
    paid: int | None
    at_default: int | None
    at_expected: int | None
    """Pico-dollars, all three."""
    first_token_s: float | None
    rate_generation: float | None
    consumer_limited: int | None
    is_background: int
    usage_is_new: int | None
    response_id: str | None


_MADE: Final = {
    "ended_unix_ns": ENDED,
    "attempts_json": "CASE WHEN attempts_timeout > 0 THEN attempts_json END",
    "paid": PICO_USD.format("cost_usd"),
    "at_default": PICO_USD.format("cost_default_usd"),
    "at_expected": PICO_USD.format("cost_expected_usd"),
}
"""What SQLite works out itself: a million times each, that is seconds."""


def read(names: Iterable[str]) -> str:
    """Return the SQL of some of the columns."""
    return ", ".join(f"{_MADE[name]} AS {name}" if name in _MADE else name for name in names)


READ: Final = read(Row._fields)
PLAIN: Final = (
    f"operation NOT IN ('{BATCH}', 'fetch_response') AND NOT is_background AND attempts < 2 AND attempts_timeout = 0"
    " AND cache_missed_tokens_estimated IS NULL"
)
"""The calls that SQLite can add up, in SQL; the others are looked at one by one."""
SHARED: Final = len(Workload._fields)
"""So many columns a line's calls have in common."""
KIND: Final = (*Workload._fields, "ending", "consumer_limited")
"""The columns that a kind must have."""
