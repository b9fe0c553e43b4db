"""The size budget of the package: small files, small functions, frozen data, one place of broad ``except``."""

from __future__ import annotations

import ast
import statistics
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "tierscope"
FILES = sorted(SOURCE.rglob("*.py"))
MAX_FILE, MAX_FUNCTION, MAX_MEDIAN, MAX_P95 = 300, 60, 8, 35
Function = ast.FunctionDef | ast.AsyncFunctionDef


def lengths(tree: ast.AST) -> dict[str, int]:
    """Return the lines of each function, decorators and docstring included, as an editor shows them."""
    found = [node for node in ast.walk(tree) if isinstance(node, Function)]
    return {f"{node.name}:{node.lineno}": (node.end_lineno or 0) - node.lineno + 1 for node in found}


def loose_records(tree: ast.AST) -> list[str]:
    """Return the dataclasses that are not frozen and slotted."""
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, ast.ClassDef):
            continue
        for mark in node.decorator_list:
            name = mark.func if isinstance(mark, ast.Call) else mark
            if getattr(name, "attr", getattr(name, "id", "")) != "dataclass":
                continue
            given = {word.arg: ast.literal_eval(word.value) for word in getattr(mark, "keywords", ())}
            if not (given.get("frozen") and given.get("slots")):
                found.append(node.name)
    return found


def swallowers(tree: ast.AST) -> list[int]:
    """Return the lines of handlers that catch everything and let it go no further."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            names = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            is_broad = any(name is None or getattr(name, "id", "") in {"Exception", "BaseException"} for name in names)
            raises = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
            if is_broad and not raises:
                found.append(node.lineno)
    return found


@pytest.mark.parametrize("file", FILES, ids=lambda f: str(f.relative_to(SOURCE)))
def test_a_file_keeps_the_budget(file: Path) -> None:
    """At most 300 lines, no function beyond 60, records frozen and slotted, nothing swallowed outside the guard."""
    text = file.read_text("utf-8")
    tree = ast.parse(text)
    assert len(text.splitlines()) <= MAX_FILE
    assert {name: size for name, size in lengths(tree).items() if size > MAX_FUNCTION} == {}
    assert loose_records(tree) == []
    assert file.name == "guard.py" or swallowers(tree) == []


def test_most_functions_are_small() -> None:
    """Half of all functions have at most 8 lines, 19 of 20 at most 35."""
    sizes = sorted(size for file in FILES for size in lengths(ast.parse(file.read_text("utf-8"))).values())
    assert statistics.median(sizes) <= MAX_MEDIAN
    assert sizes[int(len(sizes) * 0.95)] <= MAX_P95


def test_the_budget_would_notice() -> None:
    """Planted faults are found."""
    long = ast.parse("def f():\n" + "    x = 1\n" * 60)
    assert lengths(long) == {"f:1": 61}
    loose = "@dataclass\nclass A: ...\n@dataclasses.dataclass(frozen=True)\nclass B: ...\n"
    assert loose_records(ast.parse(loose + "@dataclass(frozen=True, slots=True)\nclass C: ...")) == ["A", "B"]
    body = "try: f()\nexcept {}: {}"
    planted = [("Exception", "pass"), ("", "pass"), ("(OSError, BaseException) as e", "raise e")]
    assert [swallowers(ast.parse(body.format(*case))) for case in planted] == [[2], [2], [2]]
    harmless = [("Exception", "raise"), ("OSError", "pass")]
    assert [swallowers(ast.parse(body.format(*case))) for case in harmless] == [[], []]
