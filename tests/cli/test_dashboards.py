"""``tierscope dashboards export``: what is written, what is not written over, what is said of a place that is none."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from click.testing import CliRunner

from tierscope.cli.commands import tierscope

if TYPE_CHECKING:
    from click.testing import Result

NAMES: Final = ["calls.json", "capacity.json", "money.json", "pipeline.json", "promise.json", "tiers.json"]


def export(*arguments: str | Path) -> Result:
    return CliRunner().invoke(tierscope, ["dashboards", "export", *map(str, arguments)])


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_each_dashboard_is_a_file(tmp_path: Path) -> None:
    """In a folder that is made; as they are committed, and nothing else."""
    folder = tmp_path / "a" / "b"
    result = export(folder)
    assert (result.exit_code, files(folder)) == (0, NAMES)
    said = f"6 dashboards in {folder}: calls, capacity, money, pipeline, promise, tiers.\n"
    assert result.output == said
    titles = [json.loads((folder / name).read_text("utf-8"))["title"] for name in NAMES]
    assert titles == [f"Tierscope / {Path(name).stem.capitalize()}" for name in NAMES]


def test_a_second_time_changes_nothing(tmp_path: Path) -> None:
    """The same files are no other ones; a file of another name stays."""
    (tmp_path / "mine.json").write_text("{}", "utf-8")
    assert [export(tmp_path).exit_code, export(tmp_path).exit_code] == [0, 0]
    assert files(tmp_path) == sorted([*NAMES, "mine.json"])


def test_another_file_is_not_written_over(tmp_path: Path) -> None:
    """It is named, with the remedy; none is written; --force does it."""
    (tmp_path / "money.json").write_text("mine", "utf-8")
    result = export(tmp_path)
    assert (result.exit_code, files(tmp_path)) == (1, ["money.json"])
    said = f"Error: {tmp_path / 'money.json'} would be lost: choose another folder, or give --force.\n"
    assert result.output == said
    assert (export(tmp_path, "--force").exit_code, files(tmp_path)) == (0, NAMES)
    assert (tmp_path / "money.json").read_text("utf-8") != "mine"


def test_a_folder_in_a_files_place_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "tiers.json").mkdir()
    assert export(tmp_path).exit_code == 1
    result = export(tmp_path, "--force")
    assert (result.exit_code, result.output.count("Error:"), result.output.count("\n")) == (1, 1, 1)


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_place_that_cannot_be_written_is_one_error(tmp_path: Path, place: str) -> None:
    """It names the folder, the reason and the remedy."""
    (tmp_path / "file").write_text("", "utf-8")
    result = export(tmp_path / place)
    assert (result.exit_code, result.output.count("\n")) == (1, 1)
    assert result.output.startswith(f"Error: cannot write to {tmp_path / place}: ")
    assert result.output.endswith(". Choose a folder that you may write.\n")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_one_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert "cannot write to" in export(tmp_path).output
