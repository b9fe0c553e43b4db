"""The sink in one process: rows get to the file, the caller never waits, and what hinders it is one log line."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
import time
from typing import TYPE_CHECKING

import pytest
from tests.ledger.made import FULL, numbered, numbers, stored

from tierscope import guard
from tierscope.ledger import LedgerSink, schema, sink, store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def lenient(clean_process: None) -> None:
    """What the sink meets here are no internal errors."""
    guard.reset()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "calls.db"


@pytest.fixture
def make() -> Iterator[Callable[[Path], LedgerSink]]:
    """Return sinks that leave no thread writing behind."""
    made = []

    def one(path: Path) -> LedgerSink:
        made.append(LedgerSink(str(path)))
        return made[-1]

    yield one
    for each in made:
        with each._writing:
            each._queue.clear()
        each.flush()


@pytest.fixture
def locked(path: Path) -> Iterator[sqlite3.Connection]:
    """Another connection in the middle of a write."""
    store.open_to_write(str(path))[0].close()
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    yield other
    other.close()


def until(claim: Callable[[], object], seconds: float = 10) -> None:
    """Wait for something that another thread does; fail if it never comes."""
    end = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < end
        time.sleep(0.005)


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def said(step: str, what: str) -> str:
    return (
        f"Tierscope: internal error in {step} ({what}). The application is unaffected; further ones are only counted."
    )


# ── the normal course ─────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_call_becomes_a_row_by_itself(path: Path, make: Callable[[Path], LedgerSink]) -> None:
    """Without any flush, in a moment; nothing is logged."""
    ledger = make(path)
    ledger.ended(FULL)
    until(lambda: not ledger._queue)
    assert [row["response_id"] for row in stored(path)] == ["resp_1"]
    assert guard.counts() == {}


def test_flush_writes_all_in_their_order(path: Path, make: Callable[[Path], LedgerSink]) -> None:
    """More than one batch, from several threads at once: each row once, those of a thread in order."""
    ledger, each = make(path), 3 * sink.BATCH

    def write(first: int) -> None:
        for number in range(first, first + each):
            ledger.ended(numbered(number))

    threads = [threading.Thread(target=write, args=(index * each,)) for index in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ledger.flush()
    found = numbers(path)
    assert sorted(found) == list(range(3 * each))
    for index in range(3):
        own = [number for number in found if number // each == index]
        assert own == sorted(own)
    assert [thread.name for thread in threading.enumerate()].count("tierscope-ledger") >= 1


def test_after_a_flush_it_goes_on(path: Path, make: Callable[[Path], LedgerSink]) -> None:
    """``uninstrument()`` flushes; instrumenting again writes on, and nothing is open in between."""
    ledger = make(path)
    ledger.ended(numbered(1))
    ledger.flush()
    assert not path.with_name("calls.db-wal").exists()  # SQLite removes it with the last connection
    ledger.ended(numbered(2))
    ledger.flush()
    assert numbers(path) == [1, 2]


def test_a_sink_without_calls_makes_no_file(path: Path, make: Callable[[Path], LedgerSink]) -> None:
    """Nor a thread."""
    ledger = make(path)
    ledger.flush()
    assert not path.exists()
    assert ledger._thread is None


def test_the_path_is_where_the_sink_was_made(
    tmp_path: Path, make: Callable[[Path], LedgerSink], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A later change of the working directory moves no ledger."""
    monkeypatch.chdir(tmp_path)
    ledger = LedgerSink("here.db")
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path / "there")
    ledger.ended(numbered(1))
    ledger.flush()
    assert numbers(tmp_path / "here.db") == [1]


def test_an_empty_file_becomes_a_ledger(path: Path, make: Callable[[Path], LedgerSink]) -> None:
    """As ``mktemp`` leaves it."""
    path.touch()
    ledger = make(path)
    ledger.ended(numbered(1))
    ledger.flush()
    assert numbers(path) == [1]


def test_a_hostile_reply_keeps_no_row_out(path: Path, make: Callable[[Path], LedgerSink]) -> None:
    """Lone surrogates and huge counts, which SQLite refuses, neither stop the thread nor cost the row."""
    ledger = make(path)
    assert FULL.reply is not None
    assert FULL.reply.usage is not None
    usage = FULL.reply.usage._replace(total=10**30)
    ledger.ended(FULL._replace(reply=FULL.reply._replace(model="\udcff", usage=usage)))
    ledger.ended(numbered(2))
    until(lambda: not ledger._queue)
    first, second = stored(path)
    assert (first["response_model"], first["total_tokens"], first["input_tokens"]) == ("?", None, 101)
    assert second["started_unix_ns"] == 2
    assert guard.counts() == {}


def test_a_call_that_makes_no_row_costs_no_other(
    path: Path,
    make: Callable[[Path], LedgerSink],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Our own bug is counted, the rows around it are written."""
    ledger = make(path)
    for call in (numbered(1), numbered(2)._replace(attempts=None), numbered(3)):  # type: ignore[arg-type]
        ledger.ended(call)
    ledger.flush()
    assert numbers(path) == [1, 3]
    assert guard.counts() == {"ledger_row": 1}
    assert len(lines(caplog)) == 1


# ── what is locked, full, or not there ────────────────────────────────────────────────────────────────────────────────
def test_rows_wait_while_another_writes(
    path: Path,
    make: Callable[[Path], LedgerSink],
    locked: sqlite3.Connection,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One line however long it lasts; all rows are there after the other's commit."""
    ledger = make(path)
    for number in range(3):
        ledger.ended(numbered(number))
    until(lambda: guard.counts().get("ledger", 0) >= 2)
    locked.execute("COMMIT")
    ledger.ended(numbered(3))
    until(lambda: not ledger._queue)
    assert numbers(path) == [0, 1, 2, 3]
    assert lines(caplog) == [
        said("ledger", f"TIERSCOPE_LEDGER={path} cannot be written now: database is locked; rows wait")
    ]


def test_a_batch_that_fails_half_way_is_rolled_back(path: Path, make: Callable[[Path], LedgerSink]) -> None:
    """Nothing of it is seen, nobody else is locked out meanwhile, and later each row is written once."""
    with contextlib.closing(store.open_to_write(str(path))[0]) as other:
        other.execute(
            "CREATE TRIGGER no BEFORE INSERT ON calls WHEN NEW.started_unix_ns = 3 BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
        ledger = make(path)
        for number in range(5):
            ledger.ended(numbered(number))
        until(lambda: guard.counts().get("ledger", 0) >= 2)
        with ledger._writing:
            other.execute("BEGIN IMMEDIATE")
            assert other.execute("SELECT count(*) FROM calls").fetchone() == (0,)
            other.execute("DROP TRIGGER no")
            other.execute("COMMIT")
        until(lambda: not ledger._queue)
    assert numbers(path) == [0, 1, 2, 3, 4]


def test_a_lock_of_a_moment_is_not_worth_a_line(
    path: Path, make: Callable[[Path], LedgerSink], locked: sqlite3.Connection, caplog: pytest.LogCaptureFixture
) -> None:
    """As between workers that start at once: tried again, written, and nothing said."""
    ledger = make(path)
    ledger.ended(numbered(1))
    until(lambda: ledger._failures == 1)
    locked.execute("COMMIT")
    until(lambda: not ledger._queue)
    assert numbers(path) == [1]
    assert (lines(caplog), guard.counts()) == ([], {})


def test_the_caller_never_waits(path: Path, make: Callable[[Path], LedgerSink], locked: sqlite3.Connection) -> None:
    """While the thread waits in SQLite for another's commit, again and again, calls end at their own pace."""
    ledger, ended = make(path), 0
    end = time.monotonic() + 20
    while time.monotonic() < end and not guard.counts():
        ledger.ended(numbered(ended))
        ended += 1
        time.sleep(0.001)
    assert guard.counts() == {"ledger": 1}
    assert len(ledger._queue) == ended > 50  # some 600; a handful if each waited for a lock


def test_the_caller_does_not_wait_for_a_commit(path: Path, make: Callable[[Path], LedgerSink]) -> None:
    """However long one takes: here it would be for ever."""
    ledger = make(path)
    with ledger._writing:
        for number in range(10):
            ledger.ended(numbered(number))
    ledger.flush()
    assert numbers(path) == [*range(10)]


def test_flush_waits_for_the_lock_and_no_longer(
    path: Path, make: Callable[[Path], LedgerSink], locked: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end of a program is put off by so much and no more; rows stay queued."""
    monkeypatch.setattr(sink, "FLUSH_S", 0.3)
    ledger = make(path)
    ledger.ended(numbered(1))
    before = time.monotonic()
    ledger.flush()
    assert 0.3 <= time.monotonic() - before < 0.3 + 5 * store.BUSY_S
    assert len(ledger._queue) == 1
    monkeypatch.setattr(sink, "FLUSH_S", 5.0)
    timer = threading.Timer(0.1, locked.execute, ("COMMIT",))
    timer.start()
    ledger.flush()
    timer.join()
    assert numbers(path) == [1]


def test_a_full_queue_is_counted(
    path: Path,
    make: Callable[[Path], LedgerSink],
    locked: sqlite3.Connection,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What comes on top of LIMIT is lost, counted, and said once; the rest is written."""
    monkeypatch.setattr(sink, "LIMIT", 1_200)
    ledger = make(path)
    for number in range(1_207):
        ledger.ended(numbered(number))
    assert guard.counts()["ledger_dropped"] == 7
    locked.execute("ROLLBACK")
    ledger.flush()
    assert numbers(path) == list(range(1_200))
    what = f"TIERSCOPE_LEDGER={path}: 1,200 rows wait, further ones are lost"
    assert lines(caplog).count(said("ledger_dropped", what)) == 1
    assert len(lines(caplog)) <= 2


def test_the_limit_is_ten_thousand() -> None:
    """A constant that the documents name."""
    assert sink.LIMIT == 10_000


@pytest.mark.parametrize(
    ("make_place", "reason"),
    [
        pytest.param(lambda folder: folder / "none" / "calls.db", "there is no folder {folder}/none", id="no-folder"),
        pytest.param(lambda folder: folder, "it is a folder", id="a-folder"),
        pytest.param(
            lambda folder: ((folder / "file").write_text("x"), folder / "file" / "calls.db")[1],
            "there is no folder {folder}/file",
            id="below-a-file",
        ),
    ],
)
def test_a_place_that_cannot_be_written(
    tmp_path: Path,
    make: Callable[[Path], LedgerSink],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    make_place: Callable[[Path], Path],
    reason: str,
) -> None:
    """One line that names the setting and the reason; rows wait."""
    monkeypatch.setattr(sink, "FLUSH_S", 0.05)
    path = make_place(tmp_path)
    ledger = make(path)
    ledger.ended(numbered(1))
    ledger.flush()
    ledger.ended(numbered(2))
    ledger.flush()
    expected = f"TIERSCOPE_LEDGER={path} cannot be written now: {reason.format(folder=tmp_path)}; rows wait"
    assert lines(caplog) == [said("ledger", expected)]
    assert len(ledger._queue) == 2


def test_a_folder_that_comes_later_gets_the_rows(tmp_path: Path, make: Callable[[Path], LedgerSink]) -> None:
    """What waited is written as soon as it can be."""
    path = tmp_path / "later" / "calls.db"
    ledger = make(path)
    ledger.ended(numbered(1))
    until(lambda: guard.counts().get("ledger"))
    path.parent.mkdir()
    until(lambda: not ledger._queue)
    assert numbers(path) == [1]


# ── files that are somebody else's ────────────────────────────────────────────────────────────────────────────────────
def text_file(path: Path) -> str:
    path.write_text("My notes\n" * 100)
    return "no SQLite file, or a broken one (file is not a database). Name another."


def foreign(path: Path) -> str:
    """Another application's file as a crash left it: what it committed last is still in its WAL."""
    keep = path.with_name("copy")
    other = sqlite3.connect(keep, isolation_level=None)
    other.executescript("PRAGMA journal_mode = WAL; PRAGMA application_id = 7; CREATE TABLE notes (a)")
    other.execute("INSERT INTO notes VALUES ('mine')")
    for suffix in ("", "-wal"):
        path.with_name(path.name + suffix).write_bytes(keep.with_name(keep.name + suffix).read_bytes())
    other.close()
    return "it is an SQLite file of another application (application_id 0x7). Name another file."


def nameless(path: Path) -> str:
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE notes (a)")
    other.close()
    return "it is an SQLite file of another application (application_id 0x0). Name another file."


def newer(path: Path) -> str:
    db, _ = store.open_to_write(str(path))
    db.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    db.close()
    return "4, this Tierscope writes version 3 and reads versions from 1 on. Upgrade Tierscope, or name another file."


@pytest.mark.parametrize("make_file", [text_file, foreign, nameless, newer], ids=lambda made: made.__name__)
def test_a_file_that_is_no_ledger_stays_as_it_is(
    path: Path,
    make: Callable[[Path], LedgerSink],
    caplog: pytest.LogCaptureFixture,
    make_file: Callable[[Path], str],
) -> None:
    """Byte for byte, its WAL too; one line says what it is and what to do, and every lost row is counted."""
    reason = make_file(path)
    mine = sorted(file for file in path.parent.iterdir() if file.suffix != ".db-shm")
    before = [file.read_bytes() for file in mine]
    ledger = make(path)
    for number in range(3):
        ledger.ended(numbered(number))
    ledger.flush()
    ledger.ended(numbered(4))
    ledger.flush()
    kind = "is a ledger of version" if make_file is newer else "is not a ledger:"
    assert lines(caplog) == [said("ledger_refused", f"TIERSCOPE_LEDGER={path}: {path} {kind} {reason}")]
    assert [file.read_bytes() for file in mine] == before
    assert guard.counts() == {"ledger_refused": 4}


def test_opening_to_write_leaves_no_connection_to_a_foreign_file(path: Path) -> None:
    """Whoever owns it may move or delete it at once: nothing of ours is open."""
    nameless(path)
    with pytest.raises(schema.LedgerError):
        store.open_to_write(str(path))
    other = sqlite3.connect(path, timeout=0, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    other.close()
