"""The runner of the matrix: real legs of tiny tests, and what it makes of everything that can go wrong."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

TOOLS: Final = Path(__file__).parents[2] / "tools"
TESTS: Final = {
    "fine": "def test_a(): pass\ndef test_b(): pass",
    "mixed": (
        "import pytest\ndef test_a(): pass\ndef test_b(): assert 1 == 2, 'a planted fault'\n"
        "@pytest.mark.skip('too old')\ndef test_c(): pass\n@pytest.mark.skip('too old')\ndef test_d(): pass"
    ),
    "crash": "import os\ndef test_a(): os._exit(7)",
    "idle": "import pytest\npytestmark = pytest.mark.skip('nothing here')\ndef test_a(): pass",
}
TABLE: Final = """
[suites]
{suites}
[legs]
fine = {{ why = "w", suites = ["fine"] }}
mixed = {{ why = "w", suites = ["mixed", "fine"], env = {{ A = "b" }} }}
crash = {{ why = "w", suites = ["crash"] }}
idle = {{ why = "w", suites = ["idle"] }}
absent = {{ why = "w", suites = ["fine"], python = "3.99" }}
"""


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """The runner, whose legs live in a folder of this test's own."""
    monkeypatch.syspath_prepend(TOOLS)
    matrix = importlib.import_module("matrix")
    monkeypatch.setattr(matrix.legs, "PLACE", tmp_path / "place")
    yield matrix
    del sys.modules["matrix"], sys.modules["legs"]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """A table of five legs."""
    for name, text in TESTS.items():
        (tmp_path / f"test_{name}.py").write_text(text)
    suites = "\n".join(f'{name} = ["{tmp_path / f"test_{name}.py"}"]' for name in TESTS)
    file = tmp_path / "legs.toml"
    file.write_text(TABLE.format(suites=suites))
    return file


def test_the_matrix_counts_every_leg_and_fails_with_any(
    tools: Any, table: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One row a leg; a crash and a leg that proves nothing are failures, a Python that is missing is none."""
    assert tools.main(["--jobs", "4"], table) == 1
    said = capsys.readouterr().out
    rows = [line.split() for line in said.splitlines()]
    told = {row[0]: row[1:-1] for row in rows if len(row) == 5 and row[0] in {"fine", "mixed", "crash", "idle"}}
    assert told == {
        "fine": ["2", "0", "0"],
        "mixed": ["3", "1", "2"],
        "crash": ["0", "1", "0"],
        "idle": ["0", "1", "1"],
    }
    assert "a planted fault" in said
    assert "crash: pytest ended with 7 and no report" in said
    assert "idle: pytest ended with 0, and 0 tests passed" in said
    assert "absent: not run: no python3.99 on the path or under pyenv" in said
    assert "skipped    2: too old (mixed)" in said
    assert "5 passed, 3 failed, 3 skipped in " in said.splitlines()[-1]


def test_legs_can_be_chosen(tools: Any, table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Those named are run, and success is 0; a typo says which there are."""
    assert tools.main(["fine"], table) == 0
    assert "2 passed, 0 failed, 0 skipped in " in capsys.readouterr().out
    with pytest.raises(SystemExit, match=r"no leg fien in legs\.toml; there are fine, mixed, crash, idle, absent"):
        tools.main(["fien"], table)


def test_a_leg_has_its_variables_and_its_pins(tools: Any, table: Path) -> None:
    """What the tests read, and what was installed for its pins first on the path."""
    legs = tools.legs
    python, env = legs.environment(legs.table(table)["mixed"])
    assert (python, env["A"], env["TIERSCOPE_TEST_PINS"]) == (Path(sys.executable), "b", "dev")
    there = legs.installed("aiohttp", [legs.requirements("aiohttp")], lambda place: place.mkdir(parents=True))
    _, env = legs.environment(legs.Leg("x", "w", (), pins="aiohttp"))
    assert (env["PYTHONPATH"], env["TIERSCOPE_TEST_PINS"]) == (str(there), "aiohttp")


def test_what_is_installed_is_kept_until_its_pins_change(tools: Any, tmp_path: Path) -> None:
    """Once for each state of the pins; an install that failed is no state, and the last state goes with its pins."""
    pins, made = tmp_path / "x.txt", []

    def install(target: Path) -> None:
        target.mkdir(parents=True)
        made.append(target)
        if len(made) == 1:
            raise OSError

    pins.write_text("a==1")
    with pytest.raises(OSError, match=r"^$"):
        tools.legs.installed("x", [pins], install)
    first = [tools.legs.installed("x", [pins], install) for _ in range(2)]
    other = tools.legs.installed("x-y", [pins], install)
    pins.write_text("a==2")
    second = tools.legs.installed("x", [pins], install)
    assert (len(made), first[0], second) == (4, first[1], made[3])
    assert sorted(tools.legs.PLACE.iterdir()) == sorted([second, other])


def test_a_shim_without_a_python_behind_it_is_passed_over(
    tools: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first that runs, on the path and then under pyenv; the Python of all other legs needs no leg."""
    for folder, code in {"shims": 127, "real": 0, "pyenv/versions/9.9.1/bin": 0}.items():
        (tmp_path / folder).mkdir(parents=True)
        file = tmp_path / folder / "python9.9"
        file.write_text(f"#!/bin/sh\nexit {code}\n")
        file.chmod(0o755)
    monkeypatch.setitem(tools.legs.ENVIRON, "PYENV_ROOT", str(tmp_path / "pyenv"))
    for path, found in {"shims:real": "real", "shims": "pyenv/versions/9.9.1/bin"}.items():
        monkeypatch.setenv("PATH", ":".join(str(tmp_path / folder) for folder in path.split(":")))
        assert tools.legs.interpreter("9.9") == str(tmp_path / found / "python9.9")
    with pytest.raises(tools.AbsentError, match="every leg without a Python of its own runs on"):
        tools.legs.own_python(tools.legs.HERE)
