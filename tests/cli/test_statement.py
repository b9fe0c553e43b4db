"""``tierscope statement``: a month's promises, for people and for programs; errors are one clear line."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import pytest
from click.testing import CliRunner
from tests.cli.months import GOOD, NOW, S, at, written
from tests.ledger.made import PLAIN, write

from tierscope.cli.commands import tierscope
from tierscope.cli.statement import month_of

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

TIERSCOPE: Final = (sys.executable, "-c", "from tierscope.cli import main; main()")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A month."""
    return written(tmp_path / "calls.db")


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(tierscope, ["statement", *map(str, arguments)], prog_name="tierscope")


# ── text ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_sheet_as_a_customer_sends_it(path: Path) -> None:
    """From the real catalog, in a process of its own: 80 columns, plain, figures and what is open."""
    done = subprocess.run(
        [*TIERSCOPE, "statement", path.name, "--month", "2025-11"],
        cwd=path.parent,
        env={**os.environ, "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[:5] == [
        "Service-level statement for 2025-11 (UTC)",
        "Ledger: calls.db, 11 calls of that month.",
        "First call 2025-11-01 00:00:00, last call 2025-11-30 23:59:00: 30.0 of the 30",
        "days lie between them. What was not recorded is in no figure.",
        "",
    ]
    assert lines[5:7] == ["openai · gpt-4.1 · priority", "==========================="]
    assert lines[7].startswith("Promised: 99% above 80 token/s by windows of 300 s, uptime 99.9%")
    shown = [line for line in lines if line.startswith(("Promise ", "A:", "B:", "Uptime: attempts"))]
    assert shown == [
        "Promise                         of       met    missed      share   needs   kept",
        "A: windows, generation           3         2         1    66.666%     99%     no",
        "A: windows, end to end           3         2         1    66.666%     99%     no",
        "B: calls, generation             8         7         1    87.500%     99%     no",
        "B: calls, end to end             8         6         2    75.000%     99%     no",
        "Uptime: attempts                12        11         1    91.666%   99.9%     no",
    ]
    text = " ".join(done.stdout.split())
    assert "By generation, 2 of 3 windows had fewer than 5 calls, 1 of those missed." in text
    assert "Left out of speed, of 11 calls generation end to end" in text
    assert "another tier served 1 1 the reader was the brake 1 1 counted 8 8" in text
    assert (
        "13 attempts; errors: server_error 1; neither way: timeout 1; no errors by this definition: rate_limited 1."
    ) in text
    assert "no source defines numerator or denominator" in text
    assert "Credits: their amounts are in no public source." in text


def test_json_is_the_figures(path: Path) -> None:
    done = invoke(path, "--month", "2025-11", "--json")
    assert done.exit_code == 0, done.output
    (section,) = json.loads(done.stdout)["sections"]
    assert (section["target"]["rate"], section["speed"]["generation"]["requests"]["met"]) == (80, 7)


def test_options_reach_the_figures(path: Path) -> None:
    options = ["--count-timeouts", "--count-refusals", "--min-samples", "2", "--window", "60", "--tier", "priority"]
    done = invoke(path, "--month", "2025-11", "--json", *options)
    (section,) = json.loads(done.stdout)["sections"]
    assert section["uptime"]["of"] == 13
    assert section["speed"]["end_to_end"]["thin_windows"]["of"] == 8


def test_a_month_that_has_not_ended_says_so(tmp_path: Path) -> None:
    """Its figures are those so far."""
    now = time.time_ns()
    write(tmp_path / "calls.db", [GOOD._replace(timing=GOOD.timing._replace(unix_ns=now))])
    done = invoke(tmp_path / "calls.db", "--month", f"{datetime.fromtimestamp(now // S, UTC):%Y-%m}")
    assert "The month has not ended: figures up to " in done.stdout


def test_a_model_without_a_target_is_said(tmp_path: Path) -> None:
    """Its uptime stands there, held against nothing."""
    unknown = GOOD.reply._replace(model="x\x1b[31mx")
    write(tmp_path / "calls.db", [at(0, request=GOOD.request._replace(model=None), reply=unknown)])
    done = invoke(tmp_path / "calls.db", "--month", "2025-11")
    assert "\x1b" not in done.stdout
    assert "Promised: nothing that is known. Speed cannot be judged." in done.stdout
    assert "A: windows" not in done.stdout
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("Uptime: attempts")]
    assert line.split() == ["Uptime:", "attempts", "1", "1", "0", "100.000%", "–", "–"]  # noqa: RUF001


# ── errors ────────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    "named", ["november", "2025-13", "2025-00", "25-11", "2025-11-01", "2025-1", "1969-12", "²025-11"]
)
def test_what_is_no_month_is_one_sentence(path: Path, named: str) -> None:
    done = invoke(path, "--month", named)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.endswith(f"Error: Invalid value for --month: {named!r} is no month. Write it as 2026-11.\n")


def test_a_month_to_come_is_one_sentence(path: Path) -> None:
    done = invoke(path, "--month", "2261-12")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "Error: Invalid value for --month: 2261-12 is still to come: in UTC it is 20" in done.stderr


def test_months_have_their_days() -> None:
    """December is followed by January; a leap year's February has 29 days."""
    assert [month_of(name, NOW).days for name in ("2025-12", "2024-02", "2025-02")] == [31, 29, 28]
    assert month_of("2025-12", NOW).end_ns == month_of("2026-01", NOW).begin_ns
    assert [month_of(name, NOW).is_over for name in ("2025-12", "2026-01")] == [True, False]


def test_an_empty_month_says_what_there_is(path: Path) -> None:
    done = invoke(path, "--month", "2025-09")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == (
        f"Error: {path} holds no call of 2025-09 (UTC): its calls are of 2025-10-31 to 2025-12-01.\n"
    )


def test_an_empty_ledger_says_so(tmp_path: Path) -> None:
    (tmp_path / "calls.db").touch()
    write(tmp_path / "other.db", [])
    for name in ("calls.db", "other.db"):
        done = invoke(tmp_path / name, "--month", "2025-11")
        assert (done.exit_code, done.stderr) == (1, f"Error: {tmp_path / name} holds no call yet.\n")


def test_calls_without_a_promise_are_said(tmp_path: Path) -> None:
    write(tmp_path / "calls.db", [at(0, request=PLAIN.request, served="default", outcome="resolved")])
    done = invoke(tmp_path / "calls.db", "--month", "2025-11", "--tier", "scale")
    held = f"Error: {tmp_path / 'calls.db'} holds 1 call of 2025-11"
    assert (done.exit_code, done.stderr) == (1, f"{held}, none of which expected scale or was served from it.\n")


def test_a_model_that_is_not_there_names_those_that_are(path: Path) -> None:
    done = invoke(path, "--month", "2025-11", "--model", "gpt-9")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == (
        f"Error: No promise of 2025-11 in {path} is of that provider and model. "
        f"There are: gpt-4.1 (openai, priority).\n"
    )


def test_a_catalog_that_cannot_be_used_is_one_sentence(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the promises of the package in its stead."""
    monkeypatch.setenv("TIERSCOPE_CATALOG", str(path.with_name("mine.json")))
    done = invoke(path, "--month", "2025-11")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: mine.json: ")
    assert done.stderr.count("\n") == 1


def test_no_ledger_is_one_sentence(tmp_path: Path) -> None:
    done = invoke(tmp_path / "missing.db", "--month", "2025-11")
    assert done.exit_code == 1
    assert done.stderr.startswith(f"Error: {tmp_path / 'missing.db'}: there is no such file.")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("PRAGMA user_version = 99", "is a ledger of version 99"),
        ("ALTER TABLE calls RENAME COLUMN served TO tier", "cannot be read to its end: no such column: calls.served."),
        ("UPDATE calls SET attempts_json = 'x' WHERE row = 3", "row 3: attempts_json is 'x', no list of attempts."),
        ("UPDATE calls SET attempts_json = NULL WHERE row = 3", "row 3: attempts_json is None, no list of attempts."),
        ("UPDATE calls SET attempts_json = '[{}]' WHERE row = 3", "row 3: attempts_json is '[{}]', no list"),
    ],
    ids=["version", "column", "attempts", "no-attempts", "other-attempts"],
)
def test_a_ledger_of_something_else_is_one_sentence(path: Path, change: str, said: str) -> None:
    """No figure is made of the rest."""
    with sqlite3.connect(path) as db:
        db.execute(change)
    db.close()
    done = invoke(path, "--month", "2025-11")
    assert (done.exit_code, done.stdout) == (1, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
