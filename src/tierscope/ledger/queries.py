"""Reads a ledger into a ``Report``: one pass, row by row, exact; a live view goes on where it stopped."""

from __future__ import annotations

import operator
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tierscope.ledger import totals
from tierscope.ledger.figures import Report, Shift
from tierscope.ledger.forms import Form, TokenSums, counted, group, tokens
from tierscope.ledger.kinds import NUMBERED, among, numbered
from tierscope.ledger.money import Bill, total
from tierscope.ledger.once import Once, is_plain
from tierscope.ledger.retention import dropped
from tierscope.words import (
    BATCH,
    DOWNGRADED,
    FAILED,
    OTHER,
    REFUSED,
    TIERLESS,
    UNKNOWN,
    UNREPORTED,
    UNVERIFIED,
    UPGRADED,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Mapping

    from tierscope.ledger.figures import Group
    from tierscope.ledger.forms import Key
    from tierscope.ledger.kinds import Kinds
    from tierscope.ledger.once import Said
    from tierscope.ledger.retention import Dropped

_CUT: Final = frozenset({"closed", "abandoned", "cancelled"})
COMPLETE: Final = "complete"
_ATTEMPTS: Final = (
    "attempts",
    "attempts_refused",
    "attempts_rate_limited",
    "attempts_server_error",
    "attempts_timeout",
    "attempts_no_response",
)


class Row(NamedTuple):
    """The columns a report is made of, in the order in which they are read."""

    row: int
    started_unix_ns: int
    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int | None
    reasoning_tokens: int | None
    cost_usd: float | None
    cost_default_usd: float | None
    cost_expected_usd: float | None
    first_token_s: float | None
    rate_generation: float | None
    rate_end_to_end: float | None
    response_id: str | None
    # From here on, few values: calls that have the same ones are of one form, and are added up together.
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
    attempts: int
    attempts_refused: int
    attempts_rate_limited: int
    attempts_server_error: int
    attempts_timeout: int
    attempts_no_response: int
    usage_is_new: int | None
    cost_absent: str | None
    consumer_limited: int | None
    is_stream: int
    is_background: int
    # What only batches and samples need.
    batch_requests_completed: int | None = None
    batch_requests_failed: int | None = None
    duration_s: float = 0.0
    attempts_json: str = "[]"


_FormKey = tuple[object, ...]
_FEW: Final = slice(Row._fields.index("provider"), Row._fields.index("batch_requests_completed"))
_UNSAID: Final[tuple[Any, ...]] = (0,) * _FEW.start
FORM: Final = Row._fields[_FEW]
"""What calls of one form have in common."""
_form: Final[Callable[[Row], _FormKey]] = operator.itemgetter(_FEW)


def _key(row: Row) -> Key:
    served = None if row.served == UNREPORTED else row.served
    return row.provider, row.request_model or row.response_model, row.requested, row.expected, served


class Tally:
    """Adds rows up. ``last`` is the last row it has seen: the place to go on from."""

    def __init__(self, after: int = 0) -> None:
        self.last = self._after = after
        self._dropped: Dropped | None = None
        self._forms: dict[_FormKey, Form] = {}
        self._once: Once[Row] = Once()
        self._batches: Counter[str] = Counter()
        self._batch_tokens = TokenSums()
        self._batch_bill = Bill()

    def read(self, db: sqlite3.Connection) -> bool:
        """Add every row that is new in the ledger; say whether there was one."""
        before = self.last
        with numbered(db, FORM, "row > ?", (before,)) as kinds:
            self.take(db, kinds)
        return self.last > before

    def take(self, db: sqlite3.Connection, kinds: Kinds) -> None:
        """Add the rows that are numbered: what counts by itself added up by SQLite, the others one by one."""
        plain: dict[int, Form] = {}
        apart: list[int] = []
        for number, few in kinds.of(FORM).items():
            row = Row(*_UNSAID, *few)
            if row.operation != BATCH and is_plain(row):
                plain[number] = _formed(self._forms, row)
            else:
                apart.append(number)
        totals.read(db, plain)
        for told in db.execute(f"SELECT {', '.join(Row._fields)} FROM {NUMBERED} WHERE {among(apart)} ORDER BY row"):  # noqa: S608  our own names
            self.add(Row._make(told))
        self.last = db.execute("SELECT max(row) FROM temp.numbered").fetchone()[0] or self.last
        self._look_for_dropped(db)

    def _look_for_dropped(self, db: sqlite3.Connection) -> None:
        """Note what the ledger lacks of the rows that were to be read."""
        told = dropped(db)
        if told is not None and told.last_row > self._after:
            self._dropped = told

    def add(self, row: Row) -> None:
        """Add one row. A background response counts once: with what its first final fetch told."""
        self.last = row.row
        if row.operation == BATCH:
            self._count_batch(row)
        elif is_plain(row):
            _count(self._forms, row)
        elif (settled := self._once.settled(row)) is not None:
            _count(self._forms, settled.row)

    def _count_batch(self, row: Row) -> None:
        self._batches["batches"] += 1
        self._batches["batch_requests_completed"] += row.batch_requests_completed or 0
        self._batches["batch_requests_failed"] += row.batch_requests_failed or 0
        self._batch_tokens.add(row)
        self._batch_bill.add(row)

    def report(self) -> Report:
        """Everything so far; the calls still queued in the background are counted as they stand."""
        queued: dict[_FormKey, Form] = {}
        for row in self._once.queued.values():
            _count(queued, row)
        forms = [*sorted(self._forms.values(), key=lambda form: form.first_row), *queued.values()]
        members: dict[Key, list[Form]] = {}
        for form in forms:
            members.setdefault(_key(form.row), []).append(form)
        groups = _grouped(members)
        return Report(
            calls=sum(group.calls for group in groups),
            groups=groups,
            shifts=_shifted(forms),
            outcomes=_merged(group.outcomes for group in groups),
            errors=_merged(group.errors for group in groups),
            endings=counted(forms, lambda row: row.ending),
            unsaid=counted(forms, unsaid),
            tokens=tokens(group.tokens for group in groups),
            money=total(form.bill for some in members.values() for form in some),
            batch_tokens=tokens([self._batch_tokens]),
            batch_money=self._batch_bill.money(),
            first_unix_ns=min((form.first_unix_ns for form in forms), default=None),
            last_unix_ns=max((form.last_unix_ns for form in forms), default=None),
            fetches=self._once.fetches,
            dropped=0 if self._dropped is None else self._dropped.rows,
            dropped_until_unix_ns=None if self._dropped is None else self._dropped.last_unix_ns,
            **_sums(forms),
            **self._batches,
        )


def _count(forms: dict[_FormKey, Form], row: Row) -> None:
    _formed(forms, row).add(row)


def _formed(forms: dict[_FormKey, Form], row: Row) -> Form:
    key = _form(row)
    form = forms.get(key)
    if form is None:
        form = forms[key] = Form(row)
    return form


def _sums(forms: Iterable[Form]) -> Counter[str]:
    """Return the counts of a report that a call adds to by its form alone."""
    sums: Counter[str] = Counter()
    for form in forms:
        row, calls = form.row, form.calls
        for name in _ATTEMPTS:
            sums[name] += calls * getattr(row, name)
        sums["recovered"] += calls * (bool(row.attempts_refused) and row.outcome not in {REFUSED, FAILED})
        sums["consumer_limited"] += calls * bool(row.consumer_limited)
        sums["streams_without_usage"] += form.without_output * _is_read_out(row)
    return sums


def _grouped(members: Mapping[Key, list[Form]]) -> tuple[Group, ...]:
    calls = {key: sum(form.calls for form in forms) for key, forms in members.items()}
    asked: Counter[tuple[str, str | None, str, str | None]] = Counter()
    for key, count in calls.items():
        asked[key[:4]] += count
    made = [group(key, forms, calls[key] / asked[key[:4]]) for key, forms in members.items()]
    return tuple(sorted(made, key=_place))


def _shifted(forms: Iterable[Form]) -> tuple[Shift, ...]:
    promised: Counter[tuple[str, bool]] = Counter()
    moved: dict[tuple[str, str, bool, bool], Counter[str]] = {}
    for form in forms:
        row = form.row
        if row.expected is None:
            continue
        is_asked = row.requested == row.expected
        promised[row.expected, is_asked] += form.calls
        if row.outcome in {DOWNGRADED, UPGRADED}:
            key = row.expected, row.served, is_asked, row.outcome == DOWNGRADED
            moved.setdefault(key, Counter())[row.inferred_cause or UNKNOWN] += form.calls
    made = [
        Shift(*key, calls=causes.total(), of=promised[key[0], key[2]], causes=dict(causes.most_common()))
        for key, causes in moved.items()
    ]
    return tuple(sorted(made, key=lambda shift: (not shift.is_down, -shift.calls)))


def _merged(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for some in counts:
        total.update(some)
    return dict(total.most_common())


def _place(group: Group) -> tuple[str, str, str, str, int]:
    return group.provider, group.model or "", group.requested, group.expected or "", -group.calls


def _is_read_out(row: Row) -> bool:
    """Say whether it is a chat stream that came to its end: one that should have told its usage."""
    is_read_out = row.ending == COMPLETE and row.outcome not in {REFUSED, FAILED}
    return bool(row.is_stream) and row.endpoint != "responses" and is_read_out


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
