"""Older ledgers: whoever writes brings them up to date in one step, whoever reads changes nothing."""

from __future__ import annotations

import contextlib
import logging
import signal
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest
from tests.ledger.made import FULL, finish, numbers, run, start, stored, write
from tests.ledger.older import CAME, ROW, names, write_older

from tierscope.ledger import COLUMNS, migrations, schema, store
from tierscope.ledger.queries import Tally
from tierscope.ledger.rows import EVER
from tierscope.ledger.samples import read

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger of version 1."""
    return older(tmp_path, 1)


def older(folder: Path, version: int) -> Path:
    path = folder / "calls.db"
    write_older(path, version)
    return path


def version(path: Path) -> int:
    with contextlib.closing(sqlite3.connect(path)) as db:
        found: int = db.execute("PRAGMA user_version").fetchone()[0]
        return found


def columns(path: Path) -> dict[str, str]:
    with contextlib.closing(sqlite3.connect(path)) as db:
        return {name: kind for _, name, kind, *_ in db.execute("PRAGMA table_info(calls)")}


def test_there_is_a_step_to_every_version() -> None:
    """One after the other, up to today's: who raises ``VERSION`` adds one."""
    found = [step.version for step in migrations.STEPS]
    assert found == list(range(migrations.OLDEST + 1, schema.VERSION + 1))


@pytest.mark.parametrize("old_version", [1, 2])
def test_a_writer_brings_it_up_to_date(old_version: int, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It has the columns of a new one, and its rows as they were: what they do not tell is unknown, not 0."""
    path = older(tmp_path, old_version)
    caplog.set_level(logging.INFO, "tierscope")
    write(tmp_path / "new.db", [])
    write(path, [FULL])
    assert version(path) == 3
    assert columns(path) == columns(tmp_path / "new.db")
    *old, new = stored(path)
    assert [row["started_unix_ns"] for row in old] == [1, 2, 3]
    assert all({name: row[name] for name in ROW} == ROW for row in old)
    assert {row[name] for row in old for name in names(CAME[old_version])} == {None}
    assert (new["cost_usd"], new["service"]) == (0.000264, "shop")
    assert [record.getMessage() for record in caplog.records] == [
        f"Tierscope: the ledger {path} was of version {old_version}, and is of version 3 now."
    ]


@pytest.mark.parametrize("old_version", [1, 2])
def test_a_reader_changes_nothing(old_version: int, tmp_path: Path) -> None:
    """It finds every column, those that came later empty; the file stays as it is, byte for byte."""
    path = older(tmp_path, old_version)
    before = path.read_bytes()
    db = store.open_to_read(path)
    assert db is not None
    with contextlib.closing(db):
        found = [name for name, *_ in db.execute("SELECT * FROM calls").description]
        assert sorted(found) == sorted(["row", *schema.NAMES])
        assert db.execute("SELECT count(*), count(cost_usd), sum(input_tokens) FROM calls").fetchone() == (3, 0, 30)
        tally = Tally()
        assert tally.read(db)
        samples = list(read(db, *EVER))
    report = tally.report()
    assert (report.calls, report.money.priced, report.batches) == (3, 0, 0)
    assert [sample.started_ns for sample in samples] == [1, 2, 3]
    assert path.read_bytes() == before
    assert version(path) == old_version


def test_a_reader_that_may_not_write(place: Path) -> None:
    """In a folder and of a file that are closed to it, as on a read-only disk: it is read all the same."""
    write_older(place / "calls.db")
    (place / "calls.db").chmod(0o444)
    place.chmod(0o555)
    code = """
unprivileged()
from tierscope.ledger.store import open_to_read
print(open_to_read("calls.db").execute("SELECT count(*), max(cost_usd) FROM calls").fetchone())
"""
    assert run(code, place)[:2] == (0, "(3, None)\n")


def test_a_reader_goes_on_while_a_writer_brings_it_up_to_date(path: Path) -> None:
    """A live view that was opened before finds the rows that come after, and what they cost."""
    db = store.open_to_read(path)
    assert db is not None
    with contextlib.closing(db):
        tally = Tally()
        tally.read(db)
        write(path, [FULL])
        tally.read(db)
        assert db.execute("SELECT cost_usd, turnaround_s FROM calls WHERE row = 4").fetchone() == (0.000264, 301)
    assert (tally.last, tally.report().money.priced) == (4, 1)


OLD_WRITER = "INSERT INTO calls (started_unix_ns, outcome) VALUES (9, 'honored')"


def test_an_older_tierscope_that_has_it_open_writes_on(path: Path) -> None:
    """It names the columns it knows; the others are unknown in its rows."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as older:
        older.execute("SELECT count(*) FROM calls").fetchone()
        store.open_to_write(str(path))[0].close()
        older.execute(OLD_WRITER)
    assert numbers(path) == [1, 2, 3, 9]
    assert stored(path)[3]["cost_usd"] is None


# ── several at once, and the worst moment ─────────────────────────────────────────────────────────────────────────────
def test_processes_that_open_it_at_once(path: Path, tmp_path: Path) -> None:
    """One of them brings it up to date, the others find it so; each row of each is there once."""
    code = """
sys.stdin.readline()
ledger = LedgerSink("calls.db")
for number in range(20):
    ledger.ended(numbered(int(sys.argv[1]) + number))
ledger.flush()
print(len(ledger._queue), sum(count for step, count in guard.counts().items() if step != "ledger"))
"""
    processes = [start(code, tmp_path, str(1_000 * number)) for number in range(1, 5)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    done = [finish(process) for process in processes]
    assert [(status, out) for status, out, _ in done] == [(0, "0 0\n")] * 4, done
    assert version(path) == 3
    expected = [1, 2, 3, *(1_000 * number + each for number in range(1, 5) for each in range(20))]
    assert sorted(numbers(path)) == expected


KILLED = """
from tierscope.ledger import migrations, store
left = int(sys.argv[1])
class Dying(sqlite3.Connection):
    def execute(self, statement, *rest):
        global left
        done = super().execute(statement, *rest)
        if statement.startswith(("BEGIN", "ALTER", "PRAGMA user_version =", "COMMIT")):
            left -= 1
            if not left:
                print("dying", flush=True)
                os.kill(os.getpid(), signal.SIGKILL)
        return done
sqlite3.connect = __import__("functools").partial(sqlite3.connect, factory=Dying)
store.open_to_write("calls.db")
"""


@pytest.mark.parametrize("statement", [1, 2, 7, 12, 13, 17, 18, 19])
def test_a_writer_that_is_killed_in_the_middle(path: Path, tmp_path: Path, statement: int) -> None:
    """After BEGIN, columns 1, 6 and 11 of version 2, 1 and 5 of version 3, and the number: the old one; else new.

    The next writer makes a whole one of it in either case.
    """
    status, out, err = run(KILLED, tmp_path, str(statement))
    assert (status, out) == (-signal.SIGKILL, "dying\n"), err
    assert version(path) == (3 if statement == 19 else 1)
    assert len(columns(path)) == 1 + len(COLUMNS) - (0 if statement == 19 else len(names(CAME[1])))
    assert numbers(path) == [1, 2, 3]
    write(path, [FULL])
    assert version(path) == 3
    assert len(stored(path)) == 4


def test_a_writer_waits_for_another(path: Path) -> None:
    """Nothing is half done while somebody else writes; the sink tries again by itself."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            store.open_to_write(str(path))
        other.execute("COMMIT")
    assert version(path) == 1
    store.open_to_write(str(path))[0].close()
    assert version(path) == 3


def test_who_comes_second_finds_it_done(path: Path) -> None:
    """Of two that saw version 1, the slower one does nothing."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as slow:
        execute: Any = slow.execute

        class Late:
            @staticmethod
            def execute(statement: str) -> Any:
                if statement.startswith("BEGIN"):
                    store.open_to_write(str(path))[0].close()
                return execute(statement)

        assert migrations.migrate(Late()) is None  # type: ignore[arg-type]
    assert numbers(path) == [1, 2, 3]


def test_a_next_version_is_one_more_step(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All are taken, in their order and at once, from version 1 and from today's."""
    step = migrations.Step(4, ("ALTER TABLE calls ADD COLUMN next TEXT", "UPDATE calls SET next = cost_basis"))
    second = path.with_name("second.db")
    write(second, [FULL])
    monkeypatch.setattr(migrations, "STEPS", (*migrations.STEPS, step))
    for module in (migrations, store):
        monkeypatch.setattr(module, "VERSION", 4)
    for each, told in ((path, [None] * 3), (second, ["exact"])):
        store.open_to_write(str(each))[0].close()
        assert version(each) == 4
        assert [row["next"] for row in stored(each)] == told
