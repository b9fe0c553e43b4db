"""The figures of a made ledger are what they were before anything was made faster: each to the last digit.

The files of ``golden_ledger`` were written by the Tierscope of November 2026 that looked at every call on its own, but
for prices of today, which the catalog moves. ``TIERSCOPE_RECORD=1`` writes them anew, for a change that is meant.
"""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner

from tierscope.cli.commands import tierscope

GOLDEN: Final = Path(__file__).with_name("golden_ledger")
MAKER: Final = Path(__file__).parents[2] / "bench" / "made_ledger.py"
CALLS: Final = 3_000
COMMANDS: Final = {
    "report": ("report", "made.db", "--json"),
    "statement": ("statement", "made.db", "--month", "2025-09", "--json"),
    "capacity": ("capacity", "made.db", "--units", "gpt-4o=2/4", "--ramp-window", "1", "--json"),
}
TODAYS: Final = ("input_break_even", "output_break_even")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the ledger of a made-up month, where each kind of call is among."""
    spec = importlib.util.spec_from_file_location("made_ledger", MAKER)
    assert spec is not None
    assert spec.loader is not None
    maker: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    path = tmp_path_factory.mktemp("made")
    maker.make(str(path / "made.db"), CALLS)
    return path


@pytest.mark.parametrize("name", COMMANDS)
def test_the_figures_are_the_same(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys and counts in the same order too."""
    monkeypatch.chdir(folder)
    done = CliRunner().invoke(tierscope, COMMANDS[name])
    assert (done.exit_code, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    for unit in found.get("scale", ()):
        for key in TODAYS:
            del unit[key]
    text, golden = json.dumps(found, indent=1) + "\n", GOLDEN / f"{name}.json"
    if os.environ.get("TIERSCOPE_RECORD"):
        golden.write_text(text, "utf-8")
    assert text == golden.read_text("utf-8")
