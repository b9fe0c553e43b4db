"""Reads a period of a ledger into the figures that a provider's own books are compared with.

SQLite adds up what is alike, so that a million calls take seconds; background work is read call by call.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from tierscope.ledger import booked
from tierscope.ledger.booked import Row
from tierscope.ledger.once import FETCH, Once
from tierscope.ledger.queries import unsaid
from tierscope.reconcile.azure import asked
from tierscope.reconcile.figures import TIERLESS, ZERO, Figures, Key, Ours, add, named
from tierscope.reconcile.hours import DAY_S
from tierscope.reconcile.money import Bill
from tierscope.words import AUTO, BATCH, FAILED, REFUSED, UNSET

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping

    from tierscope.reconcile.hours import Span

OTHER_PROVIDER: Final = "other_provider"
OTHER_PROJECT: Final = "other_project"
NOT_ANSWERED: Final = "not_answered"
EMBEDDINGS: Final = "embeddings"
"""Why calls are left out: the provider's books of completions hold none of these."""


_NAMED_NONE: Final = frozenset({AUTO, UNSET})


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
        self.autos: dict[str, _Sums] = {}

    def add(self, row: Row, begin: Row, *, is_late: bool) -> None:
        self.counts["requests"] += row.calls
        self.counts["near_begin"] += begin.near_begin
        self.counts["near_end"] += begin.near_end
        self.counts["late"] += is_late
        self.counts["without_usage"] += row.calls - row.told
        self.told = add(self.told, row.figures)
        if row.served in TIERLESS:
            self.unsaid[unsaid(row) or row.served] += row.calls

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
            autos={project: sums.frozen() for project, sums in self.autos.items()},
        )


class _Bills:
    """The running money of one day."""

    def __init__(self) -> None:
        self.pico = self.priced = 0
        self.unpriced: Counter[str] = Counter()

    def add(self, row: Row) -> None:
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

    def add(self, row: Row, created: Row | None = None, *, is_late: bool = False) -> None:
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

    def _left_out(self, row: Row, begin: Row) -> str | None:
        wanted = self._wanted
        if row.provider != wanted.provider:
            return OTHER_PROVIDER
        if wanted.projects and begin.project is not None and begin.project not in wanted.projects:
            return OTHER_PROJECT
        if row.endpoint == EMBEDDINGS:
            return EMBEDDINGS
        return NOT_ANSWERED if row.outcome in {REFUSED, FAILED} and row.operation != BATCH else None

    def _model(self, row: Row, begin: Row) -> str:
        if not self._wanted.names:
            return named(None)
        if self._wanted.has_requested:
            return row.deployment or begin.deployment or begin.request_model or named(None)
        return named(row.response_model or row.request_model or begin.request_model)

    def _batch(self, row: Row) -> None:
        self.counts[BATCH] += row.calls
        self.batches = add(self.batches, row.figures._replace(requests=row.batch_requests))

    def _call(self, row: Row, begin: Row, model: str, *, is_late: bool) -> None:
        requested = asked(begin.requested) if self._wanted.has_requested else None
        sums = self.cells.setdefault(begin.bucket, {}).setdefault(Key(model, row.served, requested), _Sums())
        self._named(begin)
        sums.add(row, begin, is_late=is_late)
        if row.served in TIERLESS and begin.project is not None and begin.requested in _NAMED_NONE:
            sums.autos.setdefault(begin.project, _Sums()).add(row, begin, is_late=is_late)

    def _named(self, begin: Row) -> None:
        if begin.project is None:
            self.counts["nameless"] += begin.calls
            return
        self.projects.add(begin.project)
        if begin.requested in _NAMED_NONE:
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
    reader, once = _Reader(wanted), Once[Row]()
    for row in booked.read(db, wanted.span):
        settled = once.settled(row)
        if settled is not None:
            is_late = row.operation == FETCH and settled.created is None
            reader.add(settled.row, settled.created, is_late=is_late)
    for row in once.queued.values():
        reader.add(row)
    return reader.books()
