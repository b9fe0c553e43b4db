"""Reads a period of a ledger into samples for the figures of ``promise``: one pass, row by row."""

from __future__ import annotations

import functools
import json
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tierscope.ledger.once import Once, is_plain
from tierscope.ledger.rows import Period, rows
from tierscope.ledger.schema import TABLE, LedgerError
from tierscope.promise.samples import Sample, Try
from tierscope.rates import NS
from tierscope.words import BATCH, TIERLESS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

    from tierscope.ledger.queries import Row


class SampleRow(NamedTuple):
    """The columns a sample is made of."""

    row: int
    provider: str
    operation: str
    endpoint: str
    request_model: str | None
    response_model: str | None
    expected: str | None
    served: str
    outcome: str
    inferred_cause: str | None
    error_type: str | None
    trusted: int
    started_unix_ns: int
    duration_s: float
    attempts_json: str
    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int | None
    usage_is_new: int | None
    rate_generation: float | None
    rate_end_to_end: float | None
    consumer_limited: int | None
    is_background: int
    response_id: str | None


_SPAN: Final = f"SELECT min(started_unix_ns), max(started_unix_ns) FROM {TABLE}"  # noqa: S608  our own name


def span(db: sqlite3.Connection) -> tuple[int, int] | None:
    """Return when the first and the last call of a ledger started, nanoseconds since 1970; ``None`` without any."""
    first, last = db.execute(_SPAN).fetchone()
    return None if first is None else (first, last)


def read(db: sqlite3.Connection, begin_ns: int, end_ns: int, *, after: int = 0, where: str = "") -> Iterator[Sample]:
    """Read the calls that started in a period, of endpoints that have tiers; those behind the row ``after``.

    A background response counts once, as in a report, with its final fetch and the attempts of both; what is still
    queued counts as it stands. ``where`` is a further condition on rows, in SQL.

    Raises:
        LedgerError: the attempts of a row cannot be read.

    """
    sampler = Sampler()
    for row in rows(db, SampleRow, after=after, period=Period(begin_ns, end_ns), where=where):
        sample = sampler.sample(row)
        if sample is not None:
            yield sample
    yield from sampler.rest()


class Sampler:
    """Turns rows into samples, in their order."""

    def __init__(self) -> None:
        self._once: Once[SampleRow | Row] = Once()

    def sample(self, row: SampleRow | Row) -> Sample | None:
        """Return the call that counts now that this row is known; ``None``: none, or none of an endpoint with tiers.

        Raises:
            LedgerError: its attempts cannot be read.

        """
        if row.endpoint in TIERLESS or row.operation == BATCH:
            return None
        if is_plain(row):
            return _sample(row)
        settled = self._once.settled(row)
        return None if settled is None else _sample(settled.row, settled.created)

    def rest(self) -> Iterator[Sample]:
        """Return the calls that are still queued, as they stand."""
        return map(_sample, self._once.queued.values())


def _sample(row: SampleRow | Row, created: SampleRow | Row | None = None) -> Sample:
    tokens_are_new = row.usage_is_new != 0
    tries = tries_of(row.row, row.attempts_json)
    return Sample(  # in the order of the fields: a third faster than by their names
        row.provider,
        row.started_unix_ns,
        round(row.duration_s / NS),
        row.request_model,
        row.response_model,
        row.expected or (created.expected if created else None),
        row.served,
        row.outcome,
        row.inferred_cause,
        row.error_type,
        bool(row.trusted),
        row.input_tokens if tokens_are_new else None,
        row.cached_tokens if tokens_are_new else None,
        row.output_tokens if tokens_are_new else None,
        row.rate_generation,
        row.rate_end_to_end,
        None if row.consumer_limited is None else bool(row.consumer_limited),
        bool(row.is_background) or created is not None,
        tries if created is None else (*tries_of(created.row, created.attempts_json), *tries),
    )


def tries_of(row: int, told: str) -> tuple[Try, ...]:
    """Read the attempts of a row.

    Raises:
        LedgerError: they cannot be read.

    """
    try:
        alone = _ALONE.fullmatch(told)
        return tuple(map(_try, json.loads(told))) if alone is None else _of(alone[1])
    except (TypeError, ValueError, KeyError):
        raise LedgerError(
            f"row {row}: attempts_json is {told!r:.60}, no list of attempts. Something else than "
            f"Tierscope wrote it; delete the row, or read a copy of the ledger without it."
        ) from None


_ALONE: Final = re.compile(r'\[\{"start_s":-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e-?\d+)?,("result":[^{}]*)\}\]')
"""One attempt: so of nearly all calls, and but for its start it is mostly the same."""


@functools.lru_cache(maxsize=1024)
def _of(told: str) -> tuple[Try, ...]:
    return (_try(json.loads(f"{{{told}}}")),)


def _try(told: dict[str, Any]) -> Try:
    return Try(told["result"], told["status"], told["code"])
