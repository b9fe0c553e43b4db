"""``tierscope report --html``: a file that is whole or not there, beside the report as it always was."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from tests.cli.months import written
from tests.ledger.made import FULL, write

from tierscope.advice import Known
from tierscope.catalog.prices import rates
from tierscope.catalog.promises import promises
from tierscope.cli import capacity, kept
from tierscope.cli.commands import tierscope
from tierscope.cli.pages import reading

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    path = tmp_path / "calls.db"
    write(path, [FULL])
    return path


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(tierscope, ["report", *map(str, arguments)], prog_name="tierscope")


def parts(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("calls.db"))


def test_the_report_is_printed_as_without_a_page(ledger: Path, tmp_path: Path) -> None:
    """The same text on the output; beside it, in one line, where the page is."""
    page = tmp_path / "report.html"
    done = invoke(ledger, "--html", page)
    assert (done.exit_code, done.stdout) == (0, invoke(ledger).stdout)
    size = page.stat().st_size
    assert done.stderr == f"The page is {page} ({size / 1000:,.0f} kB): open it in a browser.\n"
    assert parts(tmp_path) == ["report.html"]


def test_json_stays_json(ledger: Path, tmp_path: Path) -> None:
    done = invoke(ledger, "--json", "--html", tmp_path / "report.html")
    assert json.loads(done.stdout)["calls"] == 1


def test_the_same_ledger_makes_the_same_page(ledger: Path, tmp_path: Path) -> None:
    """And a page is replaced, with the rights that new files have here; of a link, what it stands for."""
    real, link = tmp_path / "real.html", tmp_path / "link.html"
    real.write_text("old")
    link.symlink_to(real)
    invoke(ledger, "--html", link)
    invoke(ledger, "--html", tmp_path / "other.html")
    assert link.is_symlink()
    assert real.read_bytes() == (tmp_path / "other.html").read_bytes()
    mask = os.umask(0)
    os.umask(mask)
    assert real.stat().st_mode & 0o777 == 0o666 & ~mask


def test_a_path_that_cannot_be_written_is_one_line(ledger: Path, tmp_path: Path) -> None:
    """Said before anything is printed: a folder that is missing, a folder, the ledger itself, no ordinary file."""
    (tmp_path / "folder").mkdir()
    for path, said in (
        (tmp_path / "missing" / "r.html", "cannot be written: no such file or directory. Check the folder"),
        (tmp_path / "folder", "cannot be written: it is a directory. Name a file in it."),
        (ledger, "is the ledger itself. Name another file for the page."),
        ("/dev/null", "cannot be written: it is no ordinary file. Name another."),
    ):
        done = invoke(ledger, "--html", path)
        assert (done.exit_code, done.stdout) == (1, "")
        assert done.stderr.startswith(f"Error: {path} {said}")
        assert done.stderr.count("\n") == 1
    assert invoke(ledger).exit_code == 0


def test_what_was_there_stays_where_nothing_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "calls.db").write_text("My notes")
    (tmp_path / "report.html").write_text("the last one")
    done = invoke(tmp_path / "calls.db", "--html", tmp_path / "report.html")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "is not a ledger" in done.stderr
    assert (tmp_path / "report.html").read_text() == "the last one"
    assert parts(tmp_path) == ["report.html"]


def test_a_full_disk_leaves_nothing(ledger: Path, tmp_path: Path) -> None:
    """A file in the way of the scratch file stands for whatever the system refuses."""
    (tmp_path / f".report.html.{os.getpid()}.part").mkdir()
    done = invoke(ledger, "--html", tmp_path / "report.html")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "cannot be written" in done.stderr
    assert not (tmp_path / "report.html").exists()


def test_one_pass_reads_what_several_read(tmp_path: Path) -> None:
    """Promises, growth and inferred causes are those of the commands that read a ledger for each of them."""
    ledger, known = written(tmp_path / "calls.db"), promises()
    found = reading.read(ledger, Known(rates(), known))
    grew, causes = capacity.observed(ledger, known, None)
    assert (found.report, found.kept) == kept.figures(ledger, known)
    assert found.causes == causes
    assert sorted(one.growth for one in found.traffic) == sorted(grew)
    assert len(found.kept) == 1
