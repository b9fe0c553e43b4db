"""``tierscope ledger``; and every command on files that are no ledger, or none that can be read."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from typing import TYPE_CHECKING, Any, Final

import pytest
from click.testing import CliRunner
from tests.ledger.made import FULL, numbered, numbers, write
from tests.ledger.older import write_older

from tierscope.cli.commands import tierscope
from tierscope.ledger import store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

DAY: Final = 86_400 * 10**9


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(tierscope, [str(argument) for argument in arguments], prog_name="tierscope")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Calls of the first ten days of 1970."""
    write(tmp_path / "calls.db", [numbered(day * DAY) for day in range(10)])
    return tmp_path / "calls.db"


def test_info(path: Path) -> None:
    """Version, rows, span and size; in JSON as numbers."""
    done = invoke("ledger", "info", path)
    first, second = done.stdout.splitlines()
    assert (done.exit_code, done.stderr) == (0, "")
    assert first.startswith(f"{path}: version 3, 10 rows, 0.0 MB, of which 0.0 free")
    assert second == "Calls started from 1970-01-01 00:00:00 to 1970-01-10 00:00:00 UTC"
    told: dict[str, Any] = json.loads(invoke("ledger", "info", path, "--json").stdout)
    size = told.pop("bytes")
    assert size % 4096 == 0 < size
    assert told == {
        "version": 3, "rows": 10, "first_unix_ns": 0, "last_unix_ns": 9 * DAY, "free_bytes": 0, "dropped": None
    }  # fmt: skip


def test_info_of_an_older_ledger(tmp_path: Path) -> None:
    """It says so, and leaves it so."""
    write_older(tmp_path / "calls.db")
    assert invoke("ledger", "info", tmp_path / "calls.db").stdout.startswith(
        f"{tmp_path / 'calls.db'}: version 1, 3 rows"
    )


def test_trim(path: Path) -> None:
    """What goes is said, in the ledger too, and by the report."""
    done = invoke("ledger", "trim", path, "--keep-rows", 4)
    assert (done.exit_code, done.stdout, done.stderr) == (0, f"6 rows dropped, 4 kept in {path}.\n", "")
    assert numbers(path) == [day * DAY for day in (6, 7, 8, 9)]
    said = "6 rows, up to 1970-01-06 00:00 UTC, were dropped from this ledger: in no figure."
    assert invoke("ledger", "info", path).stdout.splitlines()[2] == said
    assert said in " ".join(invoke("report", path).stdout.split())
    assert invoke("ledger", "trim", path, "--keep-rows", 4).stdout == f"0 rows dropped, 4 kept in {path}.\n"
    assert invoke("ledger", "trim", path, "--keep-days", 1).stdout == f"3 rows dropped, 1 kept in {path}.\n"


def test_trim_needs_to_know_what_to_keep(path: Path) -> None:
    """Nothing is dropped by default."""
    done = invoke("ledger", "trim", path)
    assert done.exit_code == 2
    assert "Say what to keep: --keep-rows, --keep-days, or both." in done.stderr
    assert len(numbers(path)) == 10


# ── files that cannot be used ─────────────────────────────────────────────────────────────────────────────────────────
COMMANDS: Final = (
    ("report",), ("statement", "--month", "2023-11"), ("capacity",), ("ledger", "info"),
    ("ledger", "trim", "--keep-rows", "1"),
)  # fmt: skip


def text(path: Path) -> str:
    path.write_text("My notes\n" * 100)
    return "is not a ledger: no SQLite file, or a broken one (file is not a database). Name another."


def missing(path: Path) -> str:
    return "there is no such file. A ledger is written by `tierscope run`"


def folder(path: Path) -> str:
    path.mkdir()
    return "it is a directory. A ledger is written by `tierscope run`"


def newer(path: Path) -> str:
    write(path, [FULL])
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 4")
    return "version 4, this Tierscope writes version 3 and reads versions from 1 on. Upgrade Tierscope, or name another"


def truncated(path: Path) -> str:
    """Cut in the middle of its rows, as a copy that was broken off."""
    write(path, [FULL] * 500)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return "is not a ledger: no SQLite file, or a broken one (database disk image is malformed). Name another."


def header(path: Path) -> str:
    """Cut within its first page."""
    write(path, [FULL])
    path.write_bytes(path.read_bytes()[:600])
    return "is not a ledger: no SQLite file, or a broken one"


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: "-".join(words[:2]))
@pytest.mark.parametrize("make", [text, missing, folder, newer, truncated, header], ids=lambda made: made.__name__)
def test_a_file_that_cannot_be_used(tmp_path: Path, command: tuple[str, ...], make: Callable[[Path], str]) -> None:
    """One line that names it, what is wrong, and what to do; nothing is made, nothing is changed."""
    path = tmp_path / "calls.db"
    said = make(path)
    before = path.read_bytes() if path.is_file() else None
    words = command[:2] if command[0] == "ledger" else command[:1]
    done = invoke(*words, path, *command[len(words) :])
    assert (done.exit_code, done.stdout) == (1, ""), done.output
    assert done.stderr.startswith(f"Error: {path}")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert (path.read_bytes() if path.is_file() else None) == before


@pytest.mark.parametrize("command", COMMANDS, ids=lambda words: "-".join(words[:2]))
def test_a_file_that_is_locked(tmp_path: Path, command: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    """By a process that lets nobody read: it is said that it is so, and to try again."""
    path = tmp_path / "calls.db"
    write(path, [FULL])
    monkeypatch.setattr(store, "PATIENCE_S", 0.01)
    words = command[:2] if command[0] == "ledger" else command[:1]
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode = DELETE")
        other.execute("BEGIN EXCLUSIVE")
        done = invoke(*words, path, *command[len(words) :])
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == f"Error: {path} cannot be read: database is locked. Try again.\n"
    assert numbers(path) == [1_700_000_000_123_456_789]


def test_trimming_while_another_writes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits for so long, then says so; nothing is half dropped."""
    monkeypatch.setattr(store, "PATIENCE_S", 0.01)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        done = invoke("ledger", "trim", path, "--keep-rows", 1)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == f"Error: {path} cannot be trimmed: database is locked. Try again.\n"
    assert len(numbers(path)) == 10
