"""The demo, as a new user starts it: its figures are those of the simulator's own ledger."""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("demo")  # one process runs it once
SECONDS = "8"
TIERSCOPE = (sys.executable, "-c", "from tierscope.cli import main; main()")


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    """Return what a query finds in a ledger."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        return db.execute(query).fetchall()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    """One short demo, whose ledgers are kept."""
    folder = tmp_path_factory.mktemp("demo")
    done = subprocess.run(
        [*TIERSCOPE, "demo", "--seconds", SECONDS, "--keep", str(folder)], capture_output=True, text=True, check=False
    )
    return done, folder


def test_it_ends_with_the_table(demo: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    """Status 0, progress meanwhile, the three workloads' tiers, and the check."""
    done, _ = demo
    assert done.returncode == 0, done.stderr
    assert "  5 s  " in done.stderr
    for word in ("gpt-4.1", "gpt-5-mini", "priority", "flex", "scale", "▼ default", "requested: unset"):
        assert word in done.stderr
    assert "equal the simulator's own ledger" in done.stderr


def test_the_ledgers_agree(demo: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    """Each reply has the tier and the tokens that the simulator sent; each attempt was counted."""
    _, folder = demo
    ours = rows(
        folder / "calls.db", "SELECT response_id, served, input_tokens, output_tokens FROM calls WHERE response_id > ''"
    )
    theirs = rows(
        folder / "served.db",
        "SELECT response_id, served, input_tokens, output_tokens FROM served WHERE response_id > ''",
    )
    assert len(ours) > 20
    assert Counter(ours) == Counter(theirs)
    assert rows(folder / "calls.db", "SELECT sum(attempts) FROM calls") == rows(
        folder / "served.db", "SELECT count(*) FROM served"
    )


def test_downgrades_are_those_that_were_decided(demo: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    """Calls that expected a tier and were served default: as many as the simulator moved there."""
    _, folder = demo
    ours = rows(
        folder / "calls.db", "SELECT expected, count(*) FROM calls WHERE outcome = 'downgraded' GROUP BY 1 ORDER BY 1"
    )
    theirs = rows(
        folder / "served.db",
        "SELECT expected, count(*) FROM served WHERE decided = 'default' AND expected <> decided GROUP BY 1 ORDER BY 1",
    )
    assert ours
    assert ours == theirs


def test_a_difference_is_found(demo: tuple[subprocess.CompletedProcess[str], Path], tmp_path: Path) -> None:
    """The check of the demo does not pass whatever the ledgers hold."""
    from tierscope.cli.check import differences
    from tierscope.simulator import Profile, Simulator

    _, folder = demo
    with Simulator(Profile.fast()) as simulator:
        assert differences(folder / "calls.db", simulator.ledger.rows())
    assert differences(tmp_path / "none.db", ()) == ["the ledger is empty"]
