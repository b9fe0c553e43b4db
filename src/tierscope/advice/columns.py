"""The columns of a ledger that rules ask for, in the order in which they are read."""

from __future__ import annotations

from typing import Final, NamedTuple

from tierscope.ledger.schema import TABLE
from tierscope.words import BATCH


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
    row: int
    ending: str
    started_unix_ns: int
    duration_s: float
    attempts: int
    attempts_timeout: int
    attempts_json: str
    retry_wait_s: float | None
    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int | None
    cache_write_tokens: int | None
    cost_usd: float | None
    cost_default_usd: float | None
    cost_expected_usd: float | None
    first_token_s: float | None
    rate_generation: float | None
    consumer_limited: int | None
    is_background: int
    usage_is_new: int | None
    response_id: str | None


SELECT: Final = f"SELECT {', '.join(Row._fields)} FROM {TABLE} WHERE operation <> '{BATCH}' ORDER BY row"  # noqa: S608  our own names
SHARED: Final = len(Workload._fields)
"""So many columns a line's calls have in common."""
