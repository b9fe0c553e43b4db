"""Reads a period of a ledger into the figures that a provider's own books are compared with: one pass, row by row."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from tierscope.ledger.money import pico
from tierscope.ledger.once import Once
from tierscope.ledger.queries import unsaid
from tierscope.ledger.schema import TABLE
from tierscope.reconcile.azure import asked
from tierscope.reconcile.figures import TIERLESS, ZERO, Figures, Key, Ours, add, named
from tierscope.reconcile.hours import DAY_S
from tierscope.reconcile.money import Bill
from tierscope.words import AUTO, BATCH, FAILED, REFUSED, UNSET

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

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
    row: int
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
    started_unix_ns: int
    attempts_timeout: int
    attempts_no_response: int
    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int | None
    usage_is_new: int | None
    cost_usd: float | None
    cost_absent: str | None
    is_background: int
    response_id: str | None
    project: str | None
    deployment: str | None
    batch_requests_completed: int | None
    last_start_s: float | None = None
    """Seconds from the start to that of the last attempt; only where there were several."""


_SELECT: Final = (
    f"SELECT {', '.join(_Row._fields[:-1])}, "  # noqa: S608  our own names
    "CASE WHEN attempts > 1 THEN json_extract(attempts_json, '$[#-1].start_s') END "
    f"FROM {TABLE} WHERE started_unix_ns >= ? AND started_unix_ns < ? AND (started_unix_ns BETWEEN ? AND ? "
    "OR is_background = 1 OR operation = 'fetch_response') ORDER BY row"
)
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
        amount = pico(row.cost_usd)
        if amount is not None:
            self.pico, self.priced = self.pico + amount, self.priced + 1
        elif row.cost_absent is not None:
            self.unpriced[row.cost_absent] += 1


class _Reader:
    """Adds rows up."""

    def __init__(self, wanted: Wanted) -> None:
        self._wanted, self._width_ns = wanted, wanted.span.width_s * _S
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
        at_ns = begin.started_unix_ns + round((begin.last_start_s or 0) * _S)
        bucket = at_ns // self._width_ns * self._wanted.span.width_s
        if not self._wanted.span.begin_s <= bucket < self._wanted.span.end_s:
            return
        model = self._model(row, begin)
        self.lost[bucket, model] += row.attempts_timeout + row.attempts_no_response
        left_out = self._left_out(row, begin)
        if left_out is not None:
            self.left_out[left_out] += 1
        elif row.operation == BATCH:
            self._batch(row)
        else:
            self._call(row, begin, at_ns, bucket, model, is_late=is_late)
            self.bills.setdefault(at_ns // _S // DAY_S * DAY_S, _Bills()).add(row)

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
        self.counts[BATCH] += 1
        told = (row.batch_requests_completed, row.input_tokens, row.cached_tokens, row.output_tokens)
        self.batches = add(self.batches, Figures(*told))

    def _call(self, row: _Row, begin: _Row, at_ns: int, bucket: int, model: str, *, is_late: bool) -> None:
        requested = asked(begin.requested) if self._wanted.has_requested else None
        sums = self.cells.setdefault(bucket, {}).setdefault(Key(model, row.served, requested), _Sums())
        self._named(begin)
        counts, inside = sums.counts, at_ns % self._width_ns
        counts["requests"] += 1
        counts["near_begin"] += inside * _EDGE < self._width_ns
        counts["near_end"] += (self._width_ns - inside) * _EDGE <= self._width_ns
        counts["late"] += is_late
        if row.input_tokens is None or row.output_tokens is None or row.usage_is_new == 0:
            counts["without_usage"] += 1
        else:
            sums.told = add(sums.told, Figures(1, row.input_tokens, row.cached_tokens, row.output_tokens))
        if row.served in TIERLESS:
            sums.unsaid[unsaid(row) or row.served] += 1

    def _named(self, begin: _Row) -> None:
        if begin.project is None:
            self.counts["nameless"] += 1
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
    begin, end = wanted.span.begin_s * _S, wanted.span.end_s * _S
    around = _AROUND_S * _S
    for values in db.execute(_SELECT, (begin - around, end + around, begin - wanted.span.width_s * _S, end)):
        row = _Row(*values)
        settled = once.settled(row)
        if settled is not None:
            is_late = row.operation == "fetch_response" and settled.created is None
            reader.add(settled.row, settled.created, is_late=is_late)
    for row in once.queued.values():
        reader.add(row)
    return reader.books()
