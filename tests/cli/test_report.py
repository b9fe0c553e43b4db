"""``tierscope report``: what a ledger says, for people and for programs; errors are one clear line."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final

import pytest
from click.testing import CliRunner
from tests.ledger.made import FULL, PLAIN, write

from tierscope.cli import report as command
from tierscope.cli.commands import tierscope
from tierscope.ledger.figures import Group, Money, Quantiles, Report, Shift, Tokens
from tierscope.model import Attempt, Reply, Usage

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

TIERSCOPE: Final = (sys.executable, "-c", "from tierscope.cli import main; main()")
GOOD: Final = PLAIN._replace(
    request=PLAIN.request._replace(model="gpt-4.1", requested="priority", expected="priority"),
    attempts=(Attempt(0, "ok", status=200),),
    reply=Reply(usage=Usage(input=1_200, output=34)),
    ending="complete",
    served="priority",
    outcome="honored",
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger of one kept promise and one broken."""
    path = tmp_path / "calls.db"
    write(path, [GOOD, FULL])
    return path


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(tierscope, ["report", *map(str, arguments)], prog_name="tierscope")


def typed(told: dict[str, Any]) -> Report:
    """Return the figures that JSON stands for, those of promises apart."""
    told = {name: told[name] for name in told.keys() - {"promises"}}
    groups = [
        Group(
            **{
                **group,
                **{name: Quantiles(**group[name]) for name in ("generation", "end_to_end", "first_token")},
                "tokens": Tokens(**group["tokens"]),
                "money": Money(**group["money"]),
            }
        )
        for group in told["groups"]
    ]
    shifts = [Shift(**shift) for shift in told["shifts"]]
    return Report(
        **{
            **told,
            "groups": tuple(groups),
            "shifts": tuple(shifts),
            **{name: Tokens(**told[name]) for name in ("tokens", "batch_tokens")},
            **{name: Money(**told[name]) for name in ("money", "batch_money")},
        }
    )


def test_the_summary_goes_to_the_output(path: Path) -> None:
    """Table and sentences, status 0."""
    done = invoke(path)
    assert (done.exit_code, done.stderr) == (0, "")
    first, second, *_ = done.stdout.splitlines()
    assert first.rstrip() == "1 of 1 call (100%) that expected ultrafast without naming it was served default;"
    assert second.rstrip() == "inferred: long_context 1."
    assert "1.2k in" in done.stdout
    assert "2 calls, 13 attempts (11 retries), 0 failed, 1 cut short." in done.stdout


def test_json_is_the_figures(path: Path) -> None:
    """All of them, exactly: what a program reads is what the table is made of."""
    done = invoke("--json", path)
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    assert typed(told) == command.read(path)
    assert told["calls"] == 2
    assert told["first_unix_ns"] == 1_700_000_000_000_000_000
    assert set(told) == {*(field.name for field in dataclasses.fields(Report)), "promises"}


def test_json_of_any_text(tmp_path: Path) -> None:
    """Names are data there, also hostile ones: one line of JSON a field, and back they are what they were."""
    name = '\x1b[31m"quoted"\n\u2028[bold]'
    write(tmp_path / "calls.db", [GOOD._replace(request=GOOD.request._replace(model=name))])
    done = invoke("--json", tmp_path / "calls.db")
    assert "\x1b" not in done.stdout
    assert json.loads(done.stdout)["groups"][0]["model"] == name


def test_an_empty_ledger(tmp_path: Path) -> None:
    """Says so; a program gets zeros."""
    (tmp_path / "calls.db").touch()
    assert invoke(tmp_path / "calls.db").stdout.rstrip() == "No call was recorded."
    assert typed(json.loads(invoke("--json", tmp_path / "calls.db").stdout)) == Report()


def test_only_later_rows_are_read(path: Path) -> None:
    """``tierscope run`` shows its own run."""
    assert command.read(path, after=1).outcomes == {"downgraded": 1}
    assert command.read(path, after=2) == Report()


# ── errors ────────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_missing_ledger_is_one_line(tmp_path: Path) -> None:
    """As a user meets it: status 1, one line on the standard error, no traceback, and no file made."""
    done = subprocess.run(
        [*TIERSCOPE, "report", "missing.db"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "Error: missing.db: there is no such file. "
        "A ledger is written by `tierscope run` or with TIERSCOPE_LEDGER=missing.db.\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", [(), ("--json",)], ids=["table", "json"])
def test_what_is_no_ledger_is_one_line(tmp_path: Path, option: tuple[str, ...]) -> None:
    """It is named, with the remedy."""
    (tmp_path / "notes.txt").write_text("My notes")
    done = invoke(*option, tmp_path / "notes.txt")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(f"Error: {tmp_path / 'notes.txt'} is not a ledger: no SQLite file")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("fill", "said"),
    [(b"\0", "database disk image is malformed. The file is broken"), (b"\xf3\x1b", "")],
    ids=["zeros", "text"],
)
def test_a_broken_ledger_is_one_line(tmp_path: Path, fill: bytes, said: str) -> None:
    """Broken beyond its first page: no figure is made up of what can still be read."""
    path = tmp_path / "calls.db"
    write(path, [FULL] * 500)
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = DELETE")
    data = bytearray(path.read_bytes())
    data[20_000:] = (fill * len(data))[: len(data) - 20_000]
    path.write_bytes(data)
    done = invoke(path)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(f"Error: {path} cannot be read to its end: {said}")
    assert done.stderr.removesuffix("\n").isprintable()


def test_a_ledger_without_its_columns_is_one_line(tmp_path: Path) -> None:
    """Somebody changed the table."""
    path = tmp_path / "calls.db"
    write(path, [FULL])
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("ALTER TABLE calls RENAME COLUMN served TO tier")
    assert invoke(path).stderr == f"Error: {path} cannot be read to its end: no such column: calls.served.\n"


# ── where it is printed ───────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("env", "encoding", "dash"),
    [({}, "utf-8", "–"), ({"PYTHONIOENCODING": "ascii"}, "ascii", "?")],  # noqa: RUF001  the table's own dash
    ids=["utf-8", "ascii"],
)
def test_a_pipe_gets_plain_text(path: Path, env: dict[str, str], encoding: str, dash: str) -> None:
    """No escape, at most 80 columns; where the encoding knows no dash, the figures are still there."""
    done = subprocess.run(
        [*TIERSCOPE, "report", path.name],
        cwd=path.parent,
        env={"TERM": "xterm-256color", "PYTHONUTF8": "1", **env},
        capture_output=True,
        check=True,
    )
    text = done.stdout.decode(encoding)
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) <= 80
    assert re.search(rf"    priority +1 +100% +\{dash} +\{dash} +\{dash} 1.2k in", text)


def test_columns_are_heard(path: Path) -> None:
    """``COLUMNS`` widens what goes into a pipe."""
    done = subprocess.run(
        [*TIERSCOPE, "report", path.name],
        cwd=path.parent,
        env={"COLUMNS": "140", "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    assert "Generation  End to end" in done.stdout
