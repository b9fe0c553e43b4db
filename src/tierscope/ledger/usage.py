"""Reads a period of a ledger into the figures that a provider's own books are compared with.

SQLite adds up what is alike, so that a million calls take seconds; background work is read call by call.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tierscope.cost import PICO
from tierscope.ledger.kinds import NUMBERED, STARTED, numbered
from tierscope.ledger.once import Once
from tierscope.ledger.queries import unsaid
from tierscope.reconcile.azure import asked
from tierscope.reconcile.figures import TIERLESS, ZERO, Figures, Key, Ours, add, named
from tierscope.reconcile.hours import DAY_S
from tierscope.reconcile.money import Bill
from tierscope.words import AUTO, BATCH, FAILED, REFUSED, UNSET

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping

    from tierscope.ledger.kinds import Kinds
    from tierscope.reconcile.hours import Span

_S: Final = 1_000_000_000
_EDGE: Final = 60
"""A bucket's part that counts as near its edge: a minute of an hour."""
OTHER_PROVIDER: Final = "other_provider"
OTHER_PROJECT: Final = "other_project"
NOT_ANSWERED: Final = "not_answered"
EMBEDDINGS: Final = "embeddings"
"""Why calls are left out: the provider's books of completions hold none of these."""


class _Row(NamedTuple):
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


_KIND: Final = _Row._fields[1 : _Row._fields.index("calls")]
_SUMS: Final = f"""
    count(*), sum(attempts_timeout + attempts_no_response), sum(is_told),
    sum(CASE WHEN is_told THEN input_tokens END), sum(CASE WHEN is_told THEN cached_tokens END),
    sum(is_told AND cached_tokens IS NOT NULL), sum(CASE WHEN is_told THEN output_tokens END),
    sum(batch_requests_completed),
    sum(placed_ns % :width * {_EDGE} < :width), sum((:width - placed_ns % :width) * {_EDGE} <= :width),
    sum(CAST(round(cost_usd * {PICO}) AS INTEGER)), count(cost_usd), max(usage_is_new), max(response_id)
"""
_PLACED: Final = f"""
    SELECT *, placed_ns / :width * (:width / {_S}) AS bucket FROM (
        SELECT *,
            started_unix_ns + coalesce(
                CASE WHEN attempts > 1 THEN CAST(json_extract(attempts_json, '$[#-1].start_s') * {_S} AS INTEGER) END, 0
            ) AS placed_ns,
            input_tokens IS NOT NULL AND output_tokens IS NOT NULL AND usage_is_new IS NOT 0 AS is_told,
            is_background = 1 OR operation = 'fetch_response' AS is_apart
        FROM {NUMBERED} WHERE {{}}
    )
"""  # noqa: S608  our own names
_ALIKE_IN_SPAN: Final = (
    f"SELECT kind, bucket, {_SUMS} FROM ({_PLACED.format('started_unix_ns >= :from AND started_unix_ns < :end')}) "  # noqa: S608  our own names
    "WHERE NOT is_apart AND placed_ns >= :begin AND placed_ns < :end GROUP BY kind, bucket"
)
_APART: Final = f"SELECT kind, bucket, {_SUMS} FROM ({_PLACED.format('1')}) WHERE is_apart GROUP BY row ORDER BY row"  # noqa: S608  our own names
_AROUND_S: Final = DAY_S
"""A background response may be fetched so long after the call that made it, and is still paired with it."""


class Wanted(NamedTuple):
    """Which calls are compared."""

    provider: str
    span: Span
    projects: frozenset[str] = frozenset()
    """Empty: all. Calls that name none count as these, for the caller says whose ledger it is."""
    has_requested: bool = False
    """Whether the tier asked for, and the deployment, belong to the key: Azure Monitor's books have both."""
    names: bool = True
    """Whether models are told apart."""


class Books(NamedTuple):
    """What a ledger holds of a span."""

    cells: Mapping[int, Mapping[Key, Ours]]
    lost: Mapping[tuple[int, str], int]
    """By bucket and model: attempts that got no answer here."""
    projects: frozenset[str]
    nameless: int
    """Calls that name no project."""
    left_out: Mapping[str, int]
    batches: int
    batch_figures: Figures
    autos: Mapping[str, frozenset[str | None]]
    """By project: what calls that named no tier expected; ``None``: nothing."""
    bills: Mapping[int, Bill]

    @property
    def known_projects(self) -> frozenset[str] | None:
        """The projects, if every call names its own."""
        return None if self.nameless else self.projects

    @property
    def models(self) -> frozenset[str]:
        """Every model of the span."""
        return frozenset(key.model for bucket in self.cells.values() for key in bucket)


class _Sums:
    """The running figures of one bucket and key."""

    def __init__(self) -> None:
        self.told = ZERO
        self.counts: Counter[str] = Counter()
        self.unsaid: Counter[str] = Counter()

    def frozen(self) -> Ours:
        requests, without = self.counts["requests"], self.counts["without_usage"]
        tokens = self.told[1:] if without < requests else (None,) * 3
        return Ours(
            Figures(requests, *tokens),
            without_usage=without,
            near_begin=self.counts["near_begin"],
            near_end=self.counts["near_end"],
            late=self.counts["late"],
            unsaid=dict(self.unsaid),
        )


class _Bills:
    """The running money of one day."""

    def __init__(self) -> None:
        self.pico = self.priced = 0
        self.unpriced: Counter[str] = Counter()

    def add(self, row: _Row) -> None:
        self.pico, self.priced = self.pico + (row.pico or 0), self.priced + row.priced
        if row.cost_absent is not None:
            self.unpriced[row.cost_absent] += row.calls - row.priced


class _Reader:
    """Adds rows up."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self.cells: dict[int, dict[Key, _Sums]] = {}
        self.lost: Counter[tuple[int, str]] = Counter()
        self.projects: set[str] = set()
        self.left_out: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.batches = ZERO
        self.autos: dict[str, set[str | None]] = {}
        self.bills: dict[int, _Bills] = {}

    def add(self, row: _Row, created: _Row | None = None, *, is_late: bool = False) -> None:
        begin = created or row
        if begin.bucket not in self._wanted.span.buckets:
            return
        left_out, model = self._left_out(row, begin), self._model(row, begin)
        if left_out in {None, NOT_ANSWERED}:
            self.lost[begin.bucket, model] += row.lost + (created.lost if created else 0)
        if left_out is not None:
            self.left_out[left_out] += row.calls
        elif row.operation == BATCH:
            self._batch(row)
        else:
            self._call(row, begin, model, is_late=is_late)
            self.bills.setdefault(begin.bucket // DAY_S * DAY_S, _Bills()).add(row)

    def _left_out(self, row: _Row, begin: _Row) -> str | None:
        wanted = self._wanted
        if row.provider != wanted.provider:
            return OTHER_PROVIDER
        if wanted.projects and begin.project is not None and begin.project not in wanted.projects:
            return OTHER_PROJECT
        if row.endpoint == EMBEDDINGS:
            return EMBEDDINGS
        return NOT_ANSWERED if row.outcome in {REFUSED, FAILED} and row.operation != BATCH else None

    def _model(self, row: _Row, begin: _Row) -> str:
        if not self._wanted.names:
            return named(None)
        if self._wanted.has_requested:
            return row.deployment or begin.deployment or begin.request_model or named(None)
        return named(row.response_model or row.request_model or begin.request_model)

    def _batch(self, row: _Row) -> None:
        self.counts[BATCH] += row.calls
        self.batches = add(self.batches, row.figures._replace(requests=row.batch_requests))

    def _call(self, row: _Row, begin: _Row, model: str, *, is_late: bool) -> None:
        requested = asked(begin.requested) if self._wanted.has_requested else None
        sums = self.cells.setdefault(begin.bucket, {}).setdefault(Key(model, row.served, requested), _Sums())
        self._named(begin)
        sums.counts["requests"] += row.calls
        sums.counts["near_begin"] += begin.near_begin
        sums.counts["near_end"] += begin.near_end
        sums.counts["late"] += is_late
        sums.counts["without_usage"] += row.calls - row.told
        sums.told = add(sums.told, row.figures)
        if row.served in TIERLESS:
            sums.unsaid[unsaid(row) or row.served] += row.calls

    def _named(self, begin: _Row) -> None:
        if begin.project is None:
            self.counts["nameless"] += begin.calls
            return
        self.projects.add(begin.project)
        if begin.requested in {AUTO, UNSET}:
            self.autos.setdefault(begin.project, set()).add(begin.expected)

    def books(self) -> Books:
        return Books(
            cells={at: {key: sums.frozen() for key, sums in cells.items()} for at, cells in self.cells.items()},
            lost={at: count for at, count in self.lost.items() if count},
            projects=frozenset(self.projects),
            nameless=self.counts["nameless"],
            left_out=dict(self.left_out),
            batches=self.counts[BATCH],
            batch_figures=self.batches,
            autos={project: frozenset(expected) for project, expected in self.autos.items()},
            bills={day: Bill(bill.pico, bill.priced, dict(bill.unpriced)) for day, bill in self.bills.items()},
        )


def read(db: sqlite3.Connection, wanted: Wanted) -> Books:
    """Read the calls that started in a span, each in the bucket of its last attempt: the one that was served.

    A background response counts once, in the bucket of the call that made it, with what its first final fetch told;
    where that call is not in the ledger, in the bucket of the fetch.
    """
    reader, once = _Reader(wanted), Once[_Row]()
    width, begin, end = (part * _S for part in (wanted.span.width_s, wanted.span.begin_s, wanted.span.end_s))
    bounds = {"width": width, "begin": begin, "end": end}
    around = _AROUND_S * _S
    with numbered(db, _KIND, STARTED, (begin - around, end + around)) as kinds:
        for row in sorted(_rows(db, _ALIKE_IN_SPAN, kinds, {**bounds, "from": begin - width}), key=_place):
            reader.add(row)
        for row in _rows(db, _APART, kinds, bounds):
            settled = once.settled(row)
            if settled is not None:
                is_late = row.operation == "fetch_response" and settled.created is None
                reader.add(settled.row, settled.created, is_late=is_late)
    for row in once.queued.values():
        reader.add(row)
    return reader.books()


def _rows(db: sqlite3.Connection, select: str, kinds: Kinds, bounds: Mapping[str, int]) -> Iterator[_Row]:
    held = kinds.of(_KIND)
    for kind, bucket, *sums in db.execute(select, bounds):
        yield _Row(bucket, *held[kind], *sums)


def _place(row: _Row) -> tuple[tuple[bool, Any], ...]:
    """Order rows by bucket and kind, so that causes and reasons are told in the same order whatever comes first."""
    return tuple((value is not None, value) for value in row[: 1 + len(_KIND)])
