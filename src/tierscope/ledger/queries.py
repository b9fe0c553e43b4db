"""Reads a ledger into a ``Report``: one pass, row by row, exact; a live view goes on where it stopped."""

from __future__ import annotations

import copy
from array import array
from collections import Counter
from dataclasses import fields
from typing import TYPE_CHECKING, Final, NamedTuple

from tierscope.ledger.figures import Group, Report, Shift, Tokens, quantiles
from tierscope.ledger.money import Bill, total
from tierscope.ledger.once import Once
from tierscope.ledger.schema import TABLE
from tierscope.words import DOWNGRADED, FAILED, OTHER, REFUSED, TIERLESS, UNKNOWN, UNREPORTED, UNVERIFIED, UPGRADED

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

    from tierscope.ledger.once import Said

_BATCH: Final = "batch"
_CUT: Final = frozenset({"closed", "abandoned", "cancelled"})
COMPLETE: Final = "complete"
_TOKENS: Final = tuple(kind.name for kind in fields(Tokens))
_ATTEMPTS: Final = ("refused", "rate_limited", "server_error", "timeout", "no_response")


class Row(NamedTuple):
    """The columns a report is made of, in the order in which they are read."""

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
    inferred_cause: str | None
    ending: str
    error_type: str | None
    trusted: int
    started_unix_ns: int
    attempts: int
    attempts_refused: int
    attempts_rate_limited: int
    attempts_server_error: int
    attempts_timeout: int
    attempts_no_response: int
    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int | None
    reasoning_tokens: int | None
    usage_is_new: int | None
    cost_usd: float | None
    cost_default_usd: float | None
    cost_expected_usd: float | None
    cost_absent: str | None
    first_token_s: float | None
    rate_generation: float | None
    rate_end_to_end: float | None
    consumer_limited: int | None
    is_stream: int
    is_background: int
    response_id: str | None
    batch_requests_completed: int | None = None
    batch_requests_failed: int | None = None


SELECT: Final = f"SELECT {', '.join(Row._fields)} FROM {TABLE} WHERE row > ? ORDER BY row"  # noqa: S608  our own names


class _Figures:
    """The running figures of one group."""

    def __init__(self) -> None:
        self.calls = 0
        self.retries = 0
        self.outcomes: Counter[str] = Counter()
        self.causes: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.tokens: Counter[str] = Counter()
        self.bill = Bill()
        self.generation = array("d")
        self.end_to_end = array("d")
        self.first_token = array("d")

    def add(self, row: Row) -> None:
        self.calls += 1
        self.retries += max(0, row.attempts - 1)
        self.outcomes[row.outcome] += 1
        if row.inferred_cause is not None:
            self.causes[row.inferred_cause] += 1
        if row.error_type is not None:
            self.errors[row.error_type] += 1
        self.tokens.update(_tokens(row))
        self.bill.add(row)
        if row.first_token_s is not None:
            self.first_token.append(row.first_token_s)
        if not row.consumer_limited:
            _keep(self.generation, row.rate_generation)
            _keep(self.end_to_end, row.rate_end_to_end)

    def group(self, key: Key, share: float) -> Group:
        """The figures so far, frozen."""
        return Group(
            *key,
            calls=self.calls,
            share=share,
            outcomes=dict(self.outcomes.most_common()),
            causes=dict(self.causes.most_common()),
            errors=dict(self.errors.most_common()),
            retries=self.retries,
            generation=quantiles(self.generation),
            end_to_end=quantiles(self.end_to_end),
            first_token=quantiles(self.first_token),
            tokens=Tokens(**self.tokens),
            money=self.bill.money(),
        )


def _keep(samples: array[float], value: float | None) -> None:
    if value is not None:
        samples.append(value)


def _tokens(row: Row) -> dict[str, int]:
    """The tokens a row adds: none where they were counted before."""
    if row.usage_is_new == 0:
        return {}
    return {kind: getattr(row, f"{kind}_tokens") or 0 for kind in _TOKENS}


Key = tuple[str, str | None, str, str | None, str | None]


def _key(row: Row) -> Key:
    served = None if row.served == UNREPORTED else row.served
    return row.provider, row.request_model or row.response_model, row.requested, row.expected, served


class Tally:
    """Adds rows up. ``last`` is the last row it has seen: the place to go on from."""

    def __init__(self, after: int = 0) -> None:
        self.last = after
        self._groups: dict[Key, _Figures] = {}
        self._promised: Counter[tuple[str, bool]] = Counter()
        self._moved: dict[tuple[str, str, bool, bool], Counter[str]] = {}
        self._once: Once[Row] = Once()
        self._sums: Counter[str] = Counter()
        self._batch_tokens: Counter[str] = Counter()
        self._batch_bill = Bill()
        self._endings: Counter[str] = Counter()
        self._unsaid: Counter[str] = Counter()
        self._span: tuple[int, int] | None = None

    def read(self, db: sqlite3.Connection) -> bool:
        """Add every row that is new in the ledger; say whether there was one."""
        before = self.last
        for values in db.execute(SELECT, (self.last,)):
            self.add(Row(*values))
        return self.last > before

    def add(self, row: Row) -> None:
        """Add one row. A background response counts once: with what its first final fetch told."""
        self.last = row.row
        if row.operation == _BATCH:
            self._count_batch(row)
            return
        settled = self._once.settled(row)
        if settled is not None:
            self._count(settled.row)

    def _count(self, row: Row) -> None:
        self._groups.setdefault(_key(row), _Figures()).add(row)
        self._sums.update({f"attempts_{kind}": getattr(row, f"attempts_{kind}") for kind in _ATTEMPTS})
        self._sums["attempts"] += row.attempts
        self._sums["recovered"] += bool(row.attempts_refused) and row.outcome not in {REFUSED, FAILED}
        self._sums["consumer_limited"] += bool(row.consumer_limited)
        self._sums["streams_without_usage"] += _lacks_usage(row)
        self._endings[row.ending] += 1
        reason = unsaid(row)
        if reason is not None:
            self._unsaid[reason] += 1
        self._promise(row)
        first, last = self._span or (row.started_unix_ns, row.started_unix_ns)
        self._span = min(first, row.started_unix_ns), max(last, row.started_unix_ns)

    def _count_batch(self, row: Row) -> None:
        self._sums["batches"] += 1
        self._sums["batch_requests_completed"] += row.batch_requests_completed or 0
        self._sums["batch_requests_failed"] += row.batch_requests_failed or 0
        self._batch_tokens.update(_tokens(row))
        self._batch_bill.add(row)

    def _promise(self, row: Row) -> None:
        if row.expected is None:
            return
        is_asked = row.requested == row.expected
        self._promised[row.expected, is_asked] += 1
        if row.outcome in {DOWNGRADED, UPGRADED}:
            key = row.expected, row.served, is_asked, row.outcome == DOWNGRADED
            self._moved.setdefault(key, Counter())[row.inferred_cause or UNKNOWN] += 1

    def report(self) -> Report:
        """Everything so far; the calls still queued in the background are counted as they stand."""
        whole = self if not self._once.queued else self._with_queued()
        return whole._report()  # noqa: SLF001  a copy of ourselves

    def _with_queued(self) -> Tally:
        whole = copy.deepcopy(self)
        for row in self._once.queued.values():
            whole._count(row)  # noqa: SLF001  a copy of ourselves
        return whole

    def _report(self) -> Report:
        groups = self._grouped()
        first, last = self._span or (None, None)
        return Report(
            calls=sum(group.calls for group in groups),
            groups=groups,
            shifts=self._shifted(),
            outcomes=_merged(group.outcomes for group in groups),
            errors=_merged(group.errors for group in groups),
            endings=dict(self._endings.most_common()),
            unsaid=dict(self._unsaid.most_common()),
            tokens=Tokens(**{kind: sum(getattr(group.tokens, kind) for group in groups) for kind in _TOKENS}),
            money=total(figures.bill for figures in self._groups.values()),
            batch_tokens=Tokens(**self._batch_tokens),
            batch_money=self._batch_bill.money(),
            first_unix_ns=first,
            last_unix_ns=last,
            fetches=self._once.fetches,
            **self._sums,
        )

    def _grouped(self) -> tuple[Group, ...]:
        asked: Counter[tuple[str, str | None, str, str | None]] = Counter()
        for key, figures in self._groups.items():
            asked[key[:4]] += figures.calls
        made = [figures.group(key, figures.calls / asked[key[:4]]) for key, figures in self._groups.items()]
        return tuple(sorted(made, key=_place))

    def _shifted(self) -> tuple[Shift, ...]:
        made = [
            Shift(*key, calls=causes.total(), of=self._promised[key[0], key[2]], causes=dict(causes.most_common()))
            for key, causes in self._moved.items()
        ]
        return tuple(sorted(made, key=lambda shift: (not shift.is_down, -shift.calls)))


def _merged(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for some in counts:
        total.update(some)
    return dict(total.most_common())


def _place(group: Group) -> tuple[str, str, str, str, int]:
    return group.provider, group.model or "", group.requested, group.expected or "", -group.calls


def _lacks_usage(row: Row) -> bool:
    is_read_out = row.ending == COMPLETE and row.outcome not in {REFUSED, FAILED}
    return bool(row.is_stream) and row.endpoint != "responses" and is_read_out and row.output_tokens is None


def unsaid(row: Said) -> str | None:
    """Say why the outcome of a call cannot be said; ``None`` where it can."""
    if row.outcome == UNREPORTED:
        return "tierless_endpoint" if row.endpoint in TIERLESS else "not_reported"
    if row.outcome != UNVERIFIED:
        return None
    if not row.trusted:
        return "host_not_trusted"
    if row.ending in _CUT:
        return "cut_short"
    if row.is_background and row.usage_is_new == 0:
        return "queued"
    return "unknown_word" if row.served == OTHER else "no_rule"
