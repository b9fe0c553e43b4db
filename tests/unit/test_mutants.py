"""The gate of `make mutants`: which mutants a source has, and what it makes of one that nobody notices."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[2]
TOOLS: Final = ROOT / "tools"
OURS: Final = ("mutants", "mutators")


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The runner, as `make mutants` imports it."""
    monkeypatch.syspath_prepend(TOOLS)
    yield importlib.import_module("mutants")
    for name in OURS:
        del sys.modules[name]


SOURCES: Final = [
    pytest.param("LIMIT: int = 4", ["m: 4 -> 5", "m: 4 -> 3"], id="number"),
    pytest.param("SHARE = 2.0", ["m: 2.0 -> 2.2", "m: 2.0 -> 1.8"], id="share"),
    pytest.param("IS = True", ["m: True -> False"], id="bool"),
    pytest.param("WORDS = ('a', b'b')", ["m: 'a' -> 'aX'", "m: b'b' -> b'bX'"], id="words"),
    pytest.param("x = a < b", ["m: < -> <="], id="comparison"),
    pytest.param("x = a is b", ["m: is -> is not"], id="identity"),
    pytest.param("x = a - b", ["m: a - b -> a + b"], id="arithmetic"),
    pytest.param("x = a or b", ["m: a or b -> b", "m: a or b -> a", "m: a or b -> a and b"], id="operands"),
    pytest.param("x = not a", ["m: not a -> a"], id="negation"),
    pytest.param("x = f(a, k=b)", ["m: f(a, -> f(None,", "m: k=b -> k=None"], id="arguments"),
    pytest.param("x = a.lower()", ["m: lower -> upper"], id="twin-method"),
    pytest.param("x = a[1:]", ["m: 1: -> :", "m: 1: -> 2:", "m: 1: -> 0:"], id="slice"),
    pytest.param("x = a if b else c", ["m: if b -> if True", "m: if b -> if False"], id="either-arm"),
    pytest.param("def f():\n    return a", ["m.f: return a -> return None"], id="answer"),
    pytest.param("class A:\n    def f(self):\n        self.x = a", ["m.A.f: self.x = a -> pass"], id="statement"),
    pytest.param("for x in a:\n    continue", ["m: continue -> break"], id="loop"),
    pytest.param("while True:\n    break", ["m: True -> False", "m: break -> continue"], id="endless-loop"),
    pytest.param("try:\n    pass\nexcept (B, C):\n    pass", ["m: B, C -> C,", "m: B, C -> B,"], id="handler"),
    pytest.param('"""Text."""\nfrom a import b\n__slots__ = ("a",)', [], id="for-readers"),
    pytest.param("def f(x: 'A' = a) -> 'B':\n    'Text.'", [], id="types"),
    pytest.param("import functools\n@functools.lru_cache(maxsize=5)\ndef f():\n    pass", [], id="cache"),
]
"""The change as a reader would write it: in the line of the mutant's name it must be the only one."""


@pytest.mark.parametrize(("source", "changes"), SOURCES)
def test_each_kind_of_code_has_its_mutants(gate: Any, source: str, changes: list[str]) -> None:
    """In the order of the source, each named by its function and its line before and after."""
    found = list(gate.mutants(source, "m"))
    assert len(found) == len(changes)
    for mutant, change in zip(found, changes, strict=True):
        where, _, told = mutant.name.partition(": ")
        was, now = told.split(" => ")
        in_function, _, swap = change.partition(": ")
        before, after = swap.split(" -> ")
        assert (where, was.replace(before, after, 1)) == (in_function, now)
        assert now in mutant.source


def test_the_same_change_of_the_same_line_twice_has_a_number(gate: Any) -> None:
    """So that a reason is never that of another mutant."""
    source = "def f():\n    if a:\n        return b\n    return b"
    names = [mutant.name for mutant in gate.mutants(source, "m")]
    assert names[2:] == ["m.f: return b => return None", "m.f: return b => return None (2)"]


def test_a_name_moves_with_its_function_and_not_with_lines(gate: Any) -> None:
    """Comments, blank lines, other functions, and how a line is broken leave every reason where it was."""
    plain = "def f(a):\n    return g(a, 1) + 2"
    broken = plain.replace("g(a, 1)", "g(  # here\n        a,\n        1,\n    )")
    moved = f"# why\nx = a\n\n\n{broken}"
    assert [m.name for m in gate.mutants(moved, "m")] == [m.name for m in gate.mutants(plain, "m")]


ENDS: Final = {"a.f: x": "survived", "a.f: y": "killed", "a.g: z": "timed out", "b/c: x": "survived"}
REASONS: Final = [
    pytest.param({"a.f: x", "b/c: x"}, [], id="every-survivor-has-one"),
    pytest.param({"b/c: x"}, ["survived, no reason written: a.f: x"], id="one-is-missing"),
    pytest.param({*ENDS} - {"a.g: z"}, ["reason written, but killed: a.f: y"], id="noticed-by-now"),
    pytest.param({*ENDS} - {"a.f: y"}, ["reason written, but timed out: a.g: z"], id="endless"),
    pytest.param({"a.f: x", "b/c: x", "a.f: w"}, ["reason written, but no such mutant: a.f: w"], id="gone"),
    pytest.param({"a.f: x", "b/c: x", "d.f: w"}, [], id="of-a-module-that-was-not-run"),
]


@pytest.mark.parametrize(("listed", "found"), REASONS)
def test_a_survivor_and_its_reason_need_each_other(gate: Any, listed: set[str], found: list[str]) -> None:
    assert gate.faults(ENDS, dict.fromkeys(listed, "why")) == found


def test_the_table_names_every_module_of_the_pure_core_and_files_that_are_there(gate: Any) -> None:
    """A new reader is a new row; each reason says why."""
    modules, reasons = gate.table()
    rooms = [file for room in ("reading", "promise") for file in (ROOT / "src/tierscope" / room).glob("[!_]*.py")]
    looked_up = {f"catalog/{name}" for name in ("names", "prices", "promises", "rows")}
    core = {"tiers", "rates", "stream", *looked_up, *(f"{file.parent.name}/{file.stem}" for file in rooms)}
    assert {module.name for module in modules} == core
    assert [test for module in modules for test in module.tests if not (ROOT / test).is_file()] == []
    assert {gate.module_of(name) for name in reasons} <= core
    assert all(reasons.values())


RUN: Final = """
[modules]
"version" = ["tests/unit/{test}"]
[[survivors]]
why = "there never was such a line"
mutants = ["version: gone"]
"""
RUNS: Final = [
    pytest.param("test_project.py::test_there_is_one_version", False, id="noticed"),
    pytest.param("test_tiers.py::test_the_closed_vocabularies", True, id="under-a-test-of-something-else"),
]


@pytest.mark.parametrize(("test", "survives"), RUNS)
def test_a_run_fails_with_what_nobody_noticed_and_with_a_reason_for_nothing(
    tmp_path: Path, test: str, survives: bool
) -> None:
    """The mutant of the one line of version.py, in a process of its own."""
    table = tmp_path / "mutants.toml"
    table.write_text(RUN.format(test=test))
    command = [sys.executable, str(TOOLS / "mutants.py"), f"--table={table}"]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    *found, end = run.stdout.splitlines()
    unnoticed = "survived, no reason written: version: VERSION: Final = '0.1.0' => VERSION: Final = '0.1.0X'"
    assert found == [*[unnoticed] * survives, "reason written, but no such mutant: version: gone"]
    assert end.startswith(f"===== 1 mutants: {int(not survives)} killed, 0 timed out, {int(survives)} survived in ")
    assert (run.returncode, run.stderr) == (1, "")
