"""Opening a ledger to read: errors name the file, what is wrong with it, and the remedy."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from pathlib import Path

import pytest
from tests.ledger.made import FULL, PLAIN, numbered, numbers, run, write

from tierscope.ledger import LedgerError, store
from tierscope.ledger.store import open_to_read, open_to_write


def rows(path: Path) -> int:
    """Return how many rows a reader finds."""
    db = open_to_read(path)
    assert db is not None
    with contextlib.closing(db):
        count: int = db.execute("SELECT count(*) FROM calls").fetchone()[0]
        return count


def message(path: Path) -> str:
    with pytest.raises(LedgerError) as caught:
        open_to_read(path)
    return str(caught.value)


def test_a_ledger_is_read(tmp_path: Path) -> None:
    """Also by its name as a text, also where the name looks like a URI with options."""
    for name in ("calls.db", "50% of a?mode=memory#1.db", "naïve 🙂.db"):
        write(tmp_path / name, [FULL, PLAIN])
        assert rows(tmp_path / name) == 2
        db = open_to_read(str(tmp_path / name))
        assert db is not None
        db.close()


def test_a_relative_path_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the working directory, as on a command line."""
    write(tmp_path / "calls.db", [FULL])
    monkeypatch.chdir(tmp_path)
    assert rows(Path("calls.db")) == 1


def test_an_empty_file_has_no_rows_yet(tmp_path: Path) -> None:
    """A writer that has just begun, or ``touch``."""
    (tmp_path / "calls.db").touch()
    assert open_to_read(tmp_path / "calls.db") is None


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    """A report never changes a ledger."""
    write(tmp_path / "calls.db", [FULL])
    db = open_to_read(tmp_path / "calls.db")
    assert db is not None
    with contextlib.closing(db), pytest.raises(sqlite3.OperationalError, match="readonly"):
        db.execute("DELETE FROM calls")


def test_a_missing_file(tmp_path: Path) -> None:
    """It says how one is made; and makes none."""
    path = tmp_path / "calls.db"
    assert message(path) == (
        f"{path}: there is no such file. A ledger is written by `tierscope run` or with TIERSCOPE_LEDGER={path}."
    )
    assert not path.exists()


def test_a_folder(tmp_path: Path) -> None:
    """It is said what it is."""
    assert message(tmp_path).startswith(f"{tmp_path}: it is a directory. A ledger is written by")


def test_a_text_file(tmp_path: Path) -> None:
    """It is no SQLite file."""
    path = tmp_path / "notes.txt"
    path.write_text("My notes")
    assert message(path) == (
        f"{path} is not a ledger: no SQLite file, or a broken one (file is not a database). Name another."
    )
    assert path.read_text() == "My notes"


def test_another_applications_file(tmp_path: Path) -> None:
    """It is an SQLite file, but no ledger."""
    path = tmp_path / "theirs.db"
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.executescript("PRAGMA application_id = 26; CREATE TABLE calls (row)")
    assert message(path) == (
        f"{path} is not a ledger: it is an SQLite file of another application (application_id 0x1a). Name another file."
    )


@pytest.mark.parametrize(
    ("version", "remedy"), [(-1, "Take the Tierscope that wrote it"), (0, "Take the Tierscope that wrote it"),
                            (4, "Upgrade Tierscope"), (2_000_000, "Upgrade Tierscope")]
)  # fmt: skip
def test_another_version(tmp_path: Path, version: int, remedy: str) -> None:
    """All versions are named, and what to do; the file stays as it is."""
    path = tmp_path / "calls.db"
    write(path, [FULL])
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {version}")
    before = path.read_bytes()
    expected = (
        f"{path} is a ledger of version {version}, this Tierscope writes version 3 and reads versions from 1 on. "
        f"{remedy}, or name another file."
    )
    assert message(path) == expected
    with pytest.raises(LedgerError) as caught:
        open_to_write(str(path))
    assert str(caught.value) == expected
    assert path.read_bytes() == before


def test_a_ledger_that_another_process_has_locked_for_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader waits, then says that it is locked; it never reads what is half written."""
    path = tmp_path / "calls.db"
    write(path, [FULL])
    monkeypatch.setattr(store, "PATIENCE_S", 0.01)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN EXCLUSIVE")
        assert message(path) == f"{path} cannot be read: database is locked. Try again."


def test_a_ledger_in_a_read_only_folder(place: Path) -> None:
    """On a read-only disk, or of another user: it is read as a file that never changes."""
    write(place / "calls.db", [FULL, FULL])
    place.chmod(0o555)
    code = """
unprivileged()
from tierscope.ledger.store import open_to_read
print(open_to_read("calls.db").execute("SELECT count(*) FROM calls").fetchone())
"""
    assert run(code, place)[:2] == (0, "(2,)\n")


def test_a_ledger_without_permission(place: Path) -> None:
    """It is said that it cannot be read."""
    write(place / "calls.db", [FULL])
    (place / "calls.db").chmod(0)
    code = """
unprivileged()
from tierscope.ledger.store import open_to_read
try: open_to_read("calls.db")
except Exception as error: print(f"{type(error).__name__}: {error}")
"""
    said = "LedgerError: calls.db cannot be read: unable to open database file. Check its permissions, and those of its"
    assert run(code, place)[1] == f"{said} folder.\n"


def test_a_ledger_with_rows_in_its_wal(tmp_path: Path) -> None:
    """As a crash leaves it: what was committed is read, and the next writer goes on."""
    code = """
ledger = LedgerSink("calls.db")
ledger.ended(numbered(1))
while ledger._queue: time.sleep(0.005)
os._exit(0)
"""
    assert run(code, tmp_path)[0] == 0
    assert (tmp_path / "calls.db-wal").stat().st_size > 0
    assert rows(tmp_path / "calls.db") == 1
    write(tmp_path / "calls.db", [numbered(2)])
    assert numbers(tmp_path / "calls.db") == [1, 2]


def test_creating_anew_after_a_crash_in_the_middle_of_creating(tmp_path: Path) -> None:
    """A file of nothing but SQLite's own header is nobody's, and becomes a ledger."""
    path = tmp_path / "calls.db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
    assert path.stat().st_size > 0
    assert open_to_read(path) is None
    write(path, [FULL])
    assert rows(path) == 1


@pytest.mark.parametrize("moment", ["application_id", "user_version", "sqlite_master"])
def test_a_ledger_made_while_it_is_looked_at_is_not_foreign(tmp_path: Path, moment: str) -> None:
    """Workers that start at once: whatever another does between two looks, a file is nobody's or a whole ledger."""
    path = tmp_path / "calls.db"
    others: list[str] = []

    def meanwhile(statement: str) -> None:
        if moment in statement and not others:
            others.append(statement)
            open_to_write(str(path))[0].close()

    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.set_trace_callback(meanwhile)
        assert store._is_ledger(db, str(path)) in {False, True}
        assert len(others) == 1
        assert store._is_ledger(db, str(path)) is True


def test_who_comes_second_to_create_finds_it_made(tmp_path: Path) -> None:
    """Of two that saw nothing, the slower one keeps what the faster one wrote."""
    path = tmp_path / "calls.db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as slow:
        assert store._is_ledger(slow, str(path)) is False
        write(path, [FULL])
        store._create(slow, str(path))
    assert rows(path) == 1


@pytest.mark.parametrize("is_before", [True, False], ids=["before SQLite has it", "after"])
@pytest.mark.parametrize("times", [1, store.MOVES])
def test_a_ledger_that_is_moved_while_it_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_before: bool, times: int
) -> None:
    """A connection has the file that stands at the path, or there is none; what was moved is whole."""
    path, connect, left = tmp_path / "calls.db", store._connect, list(range(times))

    def move() -> None:
        if left:
            path.rename(tmp_path / f"old{left.pop()}.db")

    def connect_over_a_move(name: str) -> sqlite3.Connection:
        if is_before:
            move()
        db = connect(name)
        move()
        return db

    write(path, [FULL])
    monkeypatch.setattr(store, "_connect", connect_over_a_move)
    if times == store.MOVES:
        with pytest.raises(sqlite3.OperationalError, match="again and again"):
            open_to_write(str(path))
    else:
        db, file = open_to_write(str(path))
        db.close()
        assert file == store.identity(str(path))
        assert numbers(path) == []
    assert rows(tmp_path / f"old{times - 1}.db") == 1


def test_a_writer_that_fails_leaves_nothing_open(tmp_path: Path) -> None:
    """Trying again every two seconds for days must not use up the file descriptors."""
    descriptors = Path("/proc/self/fd")
    if not descriptors.exists():
        pytest.skip("/proc is where descriptors are counted")
    (tmp_path / "text").write_text("no database" * 100)
    before = len(os.listdir(descriptors))  # noqa: PTH208  a count
    for _ in range(5):
        with pytest.raises(LedgerError):
            open_to_write(str(tmp_path / "text"))
        with pytest.raises(LedgerError):
            open_to_read(tmp_path / "text")
    assert len(os.listdir(descriptors)) == before  # noqa: PTH208  a count
