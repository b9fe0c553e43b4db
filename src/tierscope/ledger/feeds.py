"""Adds the calls of a ledger to what ``promise`` makes of them: of each kind, all but its numbers is looked at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from tierscope.ledger.kinds import NUMBERED, among
from tierscope.ledger.once import is_plain
from tierscope.ledger.samples import Sampler, SampleRow, tries_of
from tierscope.ledger.totals import ENDED
from tierscope.promise import ramp
from tierscope.promise.samples import Sample, Try
from tierscope.promise.sheet import DAY_NS, tier_of
from tierscope.words import BATCH, TIERLESS

if TYPE_CHECKING:
    import sqlite3
    from collections import Counter
    from collections.abc import Callable, Iterator, Mapping

    from tierscope.ledger.kinds import Kinds
    from tierscope.promise.ramp import Ramps
    from tierscope.promise.sheet import Sheet
    from tierscope.promise.timeline import Timeline


class _Kind(NamedTuple):
    """What the calls of a kind have in common."""

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
    usage_is_new: int | None
    consumer_limited: int | None
    is_background: int
    response_id: str | None = None
    """No column of a kind."""


KIND: Final = _Kind._fields[:-1]
"""The columns that a kind must have."""
_TAKEN, _GIVEN = (f"CASE WHEN usage_is_new IS NOT 0 THEN {side}_tokens END" for side in ("input", "output"))
_NUMBERS: Final = f"started_unix_ns, {_TAKEN}, {_GIVEN}, rate_generation, rate_end_to_end"
_GROWTH: Final = f"started_unix_ns, {_TAKEN}, {ENDED}"
_TRIES: Final = (
    'CASE WHEN attempts = 1 AND attempts_json GLOB \'[[]{"start_s":[0-9]*,"result":"ok","status":200,"code":null,'
    '"wait_s":null}]\' THEN 1 ELSE attempts_json END'
)
"""The attempts; of nearly all calls they are one that was answered, which SQLite sees faster."""
_ANSWERED: Final = (Try("ok", 200),)
_DAYS: Final = 2**20
"""More days than 64 bits of nanoseconds have."""
_PLACE: Final = f"kind * {_DAYS} + started_unix_ns / {DAY_NS}"
_COVERED: Final = f"SELECT {_PLACE}, row, {_TRIES}, {_NUMBERS} FROM {NUMBERED} WHERE "  # noqa: S608  our own names
_LAST: Final = 2**63
_NEVER: Final = (_LAST, None)
AlikeT = TypeVar("AlikeT")


class Feed:
    """The numbered rows of a ledger, which have the columns ``KIND`` at least."""

    def __init__(self, db: sqlite3.Connection, kinds: Kinds) -> None:
        self._db = db
        self._plain: dict[int, Sample] = {}
        """By the number of a kind, a call of it without its numbers."""
        self._apart: list[int] = []
        """Kinds of background work, and of what came of it: looked at one by one."""
        for number, few in kinds.of(KIND).items():
            kind = _Kind(*few)
            if kind.endpoint in TIERLESS or kind.operation == BATCH:
                continue
            if is_plain(kind):
                self._plain[number] = _like(kind)
            else:
                self._apart.append(number)

    def count(self, sheet: Sheet) -> None:
        """Tell a sheet how many plain calls there are, of whatever tier, and when the first and the last started."""
        counted = f"SELECT count(*), min(started_unix_ns), max(started_unix_ns) FROM {NUMBERED} WHERE "  # noqa: S608  our own names
        ((calls, first_ns, last_ns),) = self._db.execute(counted + among(self._plain))
        if calls:
            sheet.count(calls, first_ns, last_ns)

    def sheet(self, sheet: Sheet) -> None:
        """Add the calls to the sections of a sheet; see ``count``.

        Raises:
            LedgerError: the attempts of a row cannot be read.

        """
        covered = {number: like for number, like in self._plain.items() if tier_of(like, sheet.tiers) is not None}
        places = _Places(covered, sheet.alike)
        for values in self._db.execute(_COVERED + among(covered)):
            place, row, told, started_ns, taken, given, generation, end_to_end = values
            alike = places[place]
            if alike is not None:
                tries = _ANSWERED if told == 1 else tries_of(row, told)
                alike.add(started_ns, taken, given, generation, end_to_end, tries)
        for _, sample in self._settled():
            sheet.add(sample)

    def timeline(self, timeline: Timeline) -> None:
        """Add the calls to a timeline.

        Raises:
            LedgerError: the attempts of a row cannot be read.

        """
        places = _Places(self._plain, timeline.alike)
        for values in self._rows(f"{_PLACE}, {_NUMBERS}", timeline.add):
            _, place, started_ns, taken, given, generation, end_to_end = values
            alike = places[place]
            if alike is not None:
                alike.add(started_ns, taken, given, generation, end_to_end)

    def ramps(self, ramps: Ramps) -> None:
        """Add the calls to series of input tokens, and the inferred causes of downgrades.

        Raises:
            LedgerError: the attempts of a row cannot be read.

        """
        told = {number: like for number, like in self._plain.items() if ramp.has_cause(like)}
        series = _Series(self._plain, ramps)
        for _, kind, started_ns, taken, ended_ns in self._rows(f"kind, {_GROWTH}", ramps.add):
            one = series[kind]
            if one is not None:
                tokens, step_ns = one
                tokens[ended_ns // step_ns] += taken or 0
            if kind in told:
                ramps.note(told[kind]._replace(started_ns=started_ns, duration_ns=ended_ns - started_ns))

    def _rows(self, columns: str, add: Callable[[Sample], None]) -> Iterator[tuple[Any, ...]]:
        """Go through the rows that are plain, in their order; between them, those that are apart are added.

        Yields:
            The row's number, and the columns.

        """
        apart = self._settled()
        due, sample = next(apart, _NEVER)
        chosen = f"SELECT row, {columns} FROM {NUMBERED} WHERE {among(self._plain)} ORDER BY row"  # noqa: S608  our own names
        for values in self._db.execute(chosen):
            while sample is not None and values[0] > due:
                add(sample)
                due, sample = next(apart, _NEVER)
            yield values
        while sample is not None:
            add(sample)
            due, sample = next(apart, _NEVER)

    def _settled(self) -> Iterator[tuple[int, Sample]]:
        """Return the calls that are apart, each where it counts; in the end, those that are still queued."""
        sampler = Sampler()
        for told in self._db.execute(
            f"SELECT {', '.join(SampleRow._fields)} FROM {NUMBERED} WHERE {among(self._apart)} ORDER BY row"  # noqa: S608  our own names
        ):
            row = SampleRow._make(told)
            sample = sampler.sample(row)
            if sample is not None:
                yield row.row, sample
        for sample in sampler.rest():
            yield _LAST, sample


class _Places(dict[int, AlikeT]):
    """Where calls of a kind and day go, looked up once for all of them; see ``_PLACE``."""

    def __init__(self, likes: Mapping[int, Sample], alike: Callable[[Sample], AlikeT]) -> None:
        super().__init__()
        self._likes, self._alike = likes, alike

    def __missing__(self, place: int) -> AlikeT:
        kind, day = divmod(place, _DAYS)
        found = self[place] = self._alike(self._likes[kind]._replace(started_ns=day * DAY_NS))
        return found


class _Series(dict[int, "tuple[Counter[int], int] | None"]):
    """The series of a kind, and the length of its steps; they begin in the order in which a call of theirs comes."""

    def __init__(self, likes: Mapping[int, Sample], ramps: Ramps) -> None:
        super().__init__()
        self._likes, self._ramps = likes, ramps

    def __missing__(self, kind: int) -> tuple[Counter[int], int] | None:
        key = ramp.key_of(self._likes[kind])
        found = self[kind] = None if key is None else self._ramps.tokens(key)
        return found


def _like(kind: _Kind) -> Sample:
    return Sample(
        kind.provider,
        started_ns=0,
        request_model=kind.request_model,
        response_model=kind.response_model,
        expected=kind.expected or None,
        served=kind.served,
        outcome=kind.outcome,
        inferred_cause=kind.inferred_cause,
        error_type=kind.error_type,
        trusted=bool(kind.trusted),
        consumer_limited=None if kind.consumer_limited is None else bool(kind.consumer_limited),
    )
