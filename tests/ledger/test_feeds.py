"""What is added by kind is what is added call by call: to a sheet, a timeline and series, in the same order."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given
from tests.ledger.drawn import CALLS, NOON, SOME
from tests.ledger.made import PLAIN, write

from tierscope.catalog.promises import promises
from tierscope.ledger import LedgerError, samples
from tierscope.ledger.feeds import KIND, Feed
from tierscope.ledger.kinds import numbered
from tierscope.ledger.store import open_to_read
from tierscope.model import Attempt, Call
from tierscope.promise.ramp import Ramps
from tierscope.promise.sheet import Sheet
from tierscope.promise.timeline import Timeline

if TYPE_CHECKING:
    from pathlib import Path

EVER: Final = (0, 2**62)
KNOWN: Final = promises()


def opened(path: Path) -> sqlite3.Connection:
    db = open_to_read(path)
    assert db is not None
    return db


@SOME
@given(CALLS)
def test_a_sheet(tmp_path_factory: pytest.TempPathFactory, calls: list[Call]) -> None:
    """Every section, its windows, reasons and attempts; and how many calls there were in all."""
    path = tmp_path_factory.mktemp("ledger") / "calls.db"
    write(path, calls)
    by_kind, one_by_one = Sheet(KNOWN), Sheet(KNOWN)
    with contextlib.closing(opened(path)) as db:
        for sample in samples.read(db, *EVER):
            one_by_one.add(sample)
        with numbered(db, KIND) as kinds:
            feed = Feed(db, kinds)
            feed.count(by_kind)
            feed.sheet(by_kind)
    assert by_kind.sections() == one_by_one.sections() == by_kind.sections()
    assert (by_kind.calls, by_kind.first_ns, by_kind.last_ns) == (
        one_by_one.calls, one_by_one.first_ns, one_by_one.last_ns
    )  # fmt: skip


@SOME
@given(CALLS)
def test_a_timeline(tmp_path_factory: pytest.TempPathFactory, calls: list[Call]) -> None:
    """Medians, targets, and what was left out, in the order in which reasons came."""
    path = tmp_path_factory.mktemp("ledger") / "calls.db"
    write(path, calls)
    by_kind, one_by_one = Timeline(KNOWN), Timeline(KNOWN)
    with contextlib.closing(opened(path)) as db:
        for sample in samples.read(db, *EVER):
            one_by_one.add(sample)
        with numbered(db, KIND) as kinds:
            Feed(db, kinds).timeline(by_kind)
    assert (by_kind.lines(), by_kind.targets(), by_kind.rates()) == (
        one_by_one.lines(), one_by_one.targets(), one_by_one.rates()
    )  # fmt: skip
    assert [(line, [*reasons.items()]) for line, reasons in by_kind.left_out.items() if reasons] == [
        (line, [*reasons.items()]) for line, reasons in one_by_one.left_out.items() if reasons
    ]


@SOME
@given(CALLS)
def test_series_and_causes(tmp_path_factory: pytest.TempPathFactory, calls: list[Call]) -> None:
    """Of each provider by its own steps; series and causes in the order in which they came."""
    path = tmp_path_factory.mktemp("ledger") / "calls.db"
    write(path, calls)
    by_kind, one_by_one = Ramps(KNOWN.ramp), Ramps(KNOWN.ramp)
    with contextlib.closing(opened(path)) as db:
        for sample in samples.read(db, *EVER):
            one_by_one.add(sample)
        with numbered(db, KIND) as kinds:
            Feed(db, kinds).ramps(by_kind)
    assert [(key, bound, [*series.items()]) for key, (bound, series) in by_kind.series().items()] == [
        (key, bound, [*series.items()]) for key, (bound, series) in one_by_one.series().items()
    ]
    assert [*by_kind.causes().items()] == [*one_by_one.causes().items()]


@pytest.mark.parametrize("told", ["[]]", '[{"start_s":,"result":"ok","status":200,"code":null,"wait_s":null}]', None])
def test_attempts_that_cannot_be_read(tmp_path: Path, told: str | None) -> None:
    """The row is named, and what stands there."""
    call = PLAIN._replace(
        served="priority", attempts=(Attempt(0, "ok", 200),), timing=PLAIN.timing._replace(unix_ns=NOON)
    )
    write(tmp_path / "calls.db", [call, call])
    with contextlib.closing(sqlite3.connect(tmp_path / "calls.db")) as db, db:
        db.execute("UPDATE calls SET attempts_json = ? WHERE row = 2", (told,))
    with (
        contextlib.closing(opened(tmp_path / "calls.db")) as db,
        pytest.raises(LedgerError, match=r"row 2: attempts_json is .*, no list of attempts\."),
        numbered(db, KIND) as kinds,
    ):
        Feed(db, kinds).sheet(Sheet(KNOWN))
