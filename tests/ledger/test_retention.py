"""What a ledger keeps, and what it says of what it does not: by rows, by days, by the sink, beside other writers."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import time
from typing import TYPE_CHECKING

import pytest
from tests.ledger.made import finish, numbered, numbers, start, stored, write
from tests.ledger.older import write_older

from tierscope import guard
from tierscope.ledger import Keep, LedgerSink, retention, sink, store
from tierscope.ledger.queries import Tally
from tierscope.ledger.retention import Dropped, Plan, drop, dropped, plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DAY = 86_400 * 10**9
NOW = 100 * DAY


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger of ten calls, one a day, of which the last ended now."""
    write(tmp_path / "calls.db", [numbered(NOW - age * DAY) for age in range(9, -1, -1)])
    return tmp_path / "calls.db"


@pytest.fixture
def db(path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(store.open_to_write(str(path))[0]) as made:
        yield made


def all_of(db: sqlite3.Connection, keep: Keep, most: int = 2) -> list[int]:
    """Drop all that is not to be kept, a few at a time; return how many each time."""
    counts: list[int] = []
    left = plan(db, keep, NOW)
    while left is not None:
        count, left = drop(db, left, most)
        counts.append(count)
        left = left or plan(db, keep, NOW)
        assert len(counts) < 20
    return counts


def days(path: Path) -> list[int]:
    return [(NOW - number) // DAY for number in numbers(path)]


@pytest.mark.parametrize(
    ("keep", "left", "counts"),
    [
        pytest.param(Keep(), 10, [], id="all"),
        pytest.param(Keep(rows=10), 10, [], id="as-many-rows-as-there-are"),
        pytest.param(Keep(rows=11), 10, [], id="more"),
        pytest.param(Keep(rows=5), 5, [2, 2, 1], id="rows"),
        pytest.param(Keep(rows=1), 1, [2, 2, 2, 2, 1], id="one-row"),
        pytest.param(Keep(days=9), 10, [], id="a-day-is-over-after-its-last-nanosecond"),
        pytest.param(Keep(days=3), 4, [2, 2, 2], id="days"),
        pytest.param(Keep(rows=2, days=6), 2, [2, 1, 2, 2, 1], id="days-then-rows"),
        pytest.param(Keep(rows=8, days=1), 2, [2, 2, 2, 2], id="days-alone"),
        pytest.param(Keep(days=10**11), 10, [], id="longer-than-time"),
    ],
)
def test_the_newest_are_kept(path: Path, db: sqlite3.Connection, keep: Keep, left: int, counts: list[int]) -> None:
    """Of calls that are 9, 8 … 0 days old; a few at a time, and counted."""
    found = all_of(db, keep)
    assert [count for count in found if count] == counts
    assert days(path) == list(range(left - 1, -1, -1))
    gone = 10 - left
    expected = Dropped(gone, NOW - 9 * DAY, NOW - left * DAY, gone) if gone else None
    assert dropped(db) == expected


def test_the_newest_row_always_stays(path: Path, db: sqlite3.Connection) -> None:
    """However old, and though it started first: its number is not given twice, so that whoever follows goes on."""
    db.execute("UPDATE calls SET started_unix_ns = 1 WHERE row = 10")
    all_of(db, Keep(days=0))
    assert [row["row"] for row in stored(path)] == [10]
    write(path, [numbered(5)])
    assert [row["row"] for row in stored(path)] == [10, 11]


def test_gaps_are_no_rows(path: Path, db: sqlite3.Connection) -> None:
    """Rows that a user deleted are not counted as kept."""
    db.execute("DELETE FROM calls WHERE row IN (4, 5, 6, 7)")
    all_of(db, Keep(rows=4))
    assert [row["row"] for row in stored(path)] == [3, 8, 9, 10]


def test_two_at_once_drop_no_more_than_one(path: Path, db: sqlite3.Connection) -> None:
    """Who comes second sees that the first was at it, drops nothing, and plans anew."""
    mine, theirs = plan(db, Keep(rows=6), NOW), plan(db, Keep(rows=6), NOW)
    assert mine == theirs == Plan(None, 4, 0)
    assert drop(db, mine) == (4, None)
    assert drop(db, theirs) == (0, None)
    assert plan(db, Keep(rows=6), NOW) is None
    assert len(numbers(path)) == 6


def test_what_fails_is_rolled_back(path: Path, db: sqlite3.Connection) -> None:
    """Rows and their count go together, or stay together."""
    db.execute("CREATE TRIGGER no BEFORE DELETE ON calls WHEN OLD.row = 3 BEGIN SELECT RAISE(ABORT, 'no'); END")
    planned = plan(db, Keep(rows=5), NOW)
    assert planned is not None
    with pytest.raises(sqlite3.IntegrityError):
        drop(db, planned)
    assert not db.in_transaction
    assert (len(numbers(path)), dropped(db)) == (10, None)


def test_a_report_says_what_is_missing(path: Path, db: sqlite3.Connection) -> None:
    """Of all rows, and of those behind one that was dropped; not where everything asked for is there."""
    all_of(db, Keep(rows=4))
    found = []
    for after in (0, 5, 6, 7):
        tally = Tally(after)
        tally.read(db)
        report = tally.report()
        found.append((report.calls, report.dropped, report.dropped_until_unix_ns))
    assert found == [(4, 6, NOW - 4 * DAY), (4, 6, NOW - 4 * DAY), (4, 0, None), (3, 0, None)]


def test_an_older_ledger_can_be_cut(tmp_path: Path) -> None:
    """It has no such table before; whoever writes brings it up to date first."""
    write_older(tmp_path / "calls.db")
    with contextlib.closing(store.open_to_write(str(tmp_path / "calls.db"))[0]) as db:
        all_of(db, Keep(rows=1))
        assert dropped(db) == Dropped(2, 1, 2, 2)


# ── the sink ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def until(claim: Callable[[], object]) -> None:
    end = time.monotonic() + 10
    while not claim():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_the_sink_drops_what_is_not_to_be_kept(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the background, going on by itself; said once."""
    caplog.set_level(logging.INFO, "tierscope")
    monkeypatch.setattr(sink, "EVERY_S", 0.001)
    monkeypatch.setattr(retention, "STEP", 7)
    path = tmp_path / "calls.db"
    write(path, [numbered(number) for number in range(100)])
    ledger = LedgerSink(str(path))
    ledger.keep = Keep(rows=20)
    ledger.ended(numbered(100))
    until(lambda: len(numbers(path)) <= 20)
    ledger.flush()
    assert numbers(path) == list(range(81, 101))
    assert [record.getMessage() for record in caplog.records] == [
        f"Tierscope: TIERSCOPE_LEDGER={path} keeps 20 rows: older calls are dropped, and counted in its table dropped."
    ]
    assert guard.counts() == {}


def test_a_sink_that_keeps_all_drops_nothing(tmp_path: Path) -> None:
    """As it is by default."""
    path = tmp_path / "calls.db"
    ledger = LedgerSink(str(path))
    for number in range(10):
        ledger.ended(numbered(number))
    ledger.flush()
    assert len(numbers(path)) == 10


def test_a_short_process_cuts_too(tmp_path: Path) -> None:
    """One that writes a row and ends: else a ledger of such would grow for ever."""
    code = """
from tierscope.ledger import Keep
ledger = LedgerSink("calls.db"); ledger.keep = Keep(rows=5)
ledger.ended(numbered(int(sys.argv[1]))); ledger.flush()
"""
    write(tmp_path / "calls.db", [numbered(number) for number in range(20)])
    with start(code, tmp_path, "20") as process:
        assert finish(process) == (0, "", "")
    assert numbers(tmp_path / "calls.db") == [16, 17, 18, 19, 20]


def test_several_processes_that_cut_one_ledger(tmp_path: Path) -> None:
    """Together they keep what each is to keep, and count what went."""
    code = """
from tierscope.ledger import Keep, retention
retention.EVERY_S, retention.STEP, sinks.EVERY_S = 0.0, 3, 0.001
ledger = LedgerSink("calls.db"); ledger.keep = Keep(rows=50)
for number in range(100):
    ledger.ended(numbered(number)); time.sleep(0.001)
ledger.flush()
print(len(ledger._queue), guard.counts().get("ledger_trim", 0))
"""
    processes = [start(code, tmp_path) for _ in range(3)]
    assert [finish(process)[:2] for process in processes] == [(0, "0 0\n")] * 3
    with contextlib.closing(store.open_to_write(str(tmp_path / "calls.db"))[0]) as db:
        all_of(db, Keep(rows=50))
        told = dropped(db)
    assert told is not None
    assert (told.rows, len(numbers(tmp_path / "calls.db")), told.last_row) == (250, 50, 250)
