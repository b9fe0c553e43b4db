"""Rows of a period of a ledger: calls that are alike and of one bucket, added up; background work call by call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tierscope.cost import PICO
from tierscope.ledger.kinds import NUMBERED, ONCE, STARTED, numbered
from tierscope.reconcile.figures import Figures
from tierscope.reconcile.hours import DAY_S

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping

    from tierscope.ledger.kinds import Kinds
    from tierscope.reconcile.hours import Span

_S: Final = 1_000_000_000
_EDGE: Final = 60
"""A bucket's part that counts as near its edge: a minute of an hour."""


class Row(NamedTuple):
    """Calls that are alike, and in one bucket; of background work and of fetches, one call."""

    bucket: int
    # From here on, what the calls of a kind have in common.
    provider: str
    operation: str
    endpoint: str
    request_model: str | None
    response_model: str | None
    requested: str
    expected: str | None
    served: str
    outcome: str
    ending: str
    trusted: int
    is_background: int
    project: str | None
    deployment: str | None
    cost_absent: str | None
    calls: int
    lost: int
    told: int
    """Calls that told their tokens, for the first time; the sums are theirs."""
    input: int | None
    cached: int | None
    cached_told: int
    output: int | None
    batch_requests: int | None
    near_begin: int
    near_end: int
    pico: int | None
    priced: int
    usage_is_new: int | None
    response_id: str | None

    @property
    def figures(self) -> Figures:
        """Of the calls that told their tokens; cached ones only where each of these told them."""
        return Figures(self.told, self.input or 0, self._cached, self.output or 0)

    @property
    def _cached(self) -> int | None:
        return None if self.cached_told < self.told else self.cached or 0


_KIND: Final = Row._fields[1 : Row._fields.index("calls")]
_SUMS: Final = f"""
    count(*), sum(attempts_timeout + attempts_no_response), sum(is_told),
    sum(CASE WHEN is_told THEN input_tokens END), sum(CASE WHEN is_told THEN cached_tokens END),
    sum(is_told AND cached_tokens IS NOT NULL), sum(CASE WHEN is_told THEN output_tokens END),
    sum(batch_requests_completed),
    sum(placed_ns % :width * {_EDGE} < :width), sum((:width - placed_ns % :width) * {_EDGE} <= :width),
    sum(CAST(round(cost_usd * {PICO}) AS INTEGER)), count(cost_usd), max(usage_is_new), max(response_id)
"""
_READ: Final = (
    "kind",
    "row",
    "attempts_timeout",
    "attempts_no_response",
    "input_tokens",
    "cached_tokens",
    "output_tokens",
    "batch_requests_completed",
    "cost_usd",
    "usage_is_new",
    "response_id",
)
_PLACED: Final = f"""
    SELECT *, placed_ns / :width * (:width / {_S}) AS bucket FROM (
        SELECT {", ".join(_READ)},
            started_unix_ns + coalesce(
                CASE WHEN attempts > 1 THEN CAST(json_extract(attempts_json, '$[#-1].start_s') * {_S} AS INTEGER) END, 0
            ) AS placed_ns,
            input_tokens IS NOT NULL AND output_tokens IS NOT NULL AND usage_is_new IS NOT 0 AS is_told,
            is_background = 1 OR operation = 'fetch_response' AS is_apart
        FROM {NUMBERED} WHERE {{}} {ONCE}
    )
"""  # noqa: S608  our own names
_ALIKE: Final = (
    f"SELECT kind, bucket, {_SUMS} FROM ({_PLACED.format('started_unix_ns >= :from AND started_unix_ns < :end')}) "  # noqa: S608  our own names
    "WHERE NOT is_apart AND placed_ns >= :begin AND placed_ns < :end GROUP BY kind << 36 | bucket"
)
_APART: Final = f"SELECT kind, bucket, {_SUMS} FROM ({_PLACED.format('1')}) WHERE is_apart GROUP BY row ORDER BY row"  # noqa: S608  our own names
_AROUND_S: Final = DAY_S
"""A background response may be fetched so long after the call that made it, and is still paired with it."""


def read(db: sqlite3.Connection, span: Span) -> Iterator[Row]:
    """Read the calls that started in a span, and around it those that are apart; of one moment.

    Yields:
        What is alike, by bucket and kind; then background work and fetches, call by call in their order.

    """
    width, begin, end = (part * _S for part in (span.width_s, span.begin_s, span.end_s))
    bounds = {"width": width, "begin": begin, "end": end, "from": begin - width}
    around = _AROUND_S * _S
    with numbered(db, _KIND, STARTED, (begin - around, end + around)) as kinds:
        yield from sorted(_rows(db, _ALIKE, kinds, bounds), key=_place)
        yield from _rows(db, _APART, kinds, bounds)


def _rows(db: sqlite3.Connection, select: str, kinds: Kinds, bounds: Mapping[str, int]) -> Iterator[Row]:
    held = kinds.of(_KIND)
    for kind, bucket, *sums in db.execute(select, bounds):
        yield Row(bucket, *held[kind], *sums)


def _place(row: Row) -> tuple[tuple[bool, Any], ...]:
    """Order rows by bucket and kind, so that causes and reasons are told in the same order whatever comes first."""
    return tuple((value is not None, value) for value in row[: 1 + len(_KIND)])
