"""The size budget of the package: small files, small functions, frozen data, one place of broad ``except``."""

from __future__ import annotations

import ast
import statistics
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
SOURCE: Final = ROOT / "src" / "tierscope"
FILES: Final = sorted(SOURCE.rglob("*.py"))
TESTS: Final = sorted((ROOT / "tests").rglob("*.py"))
MAX_FILE, MAX_FUNCTION, MAX_MEDIAN, MAX_P95 = 300, 60, 8, 35
OUTGROWN: Final = frozenset(
    {
        "tests/cli/test_table.py",
        "tests/ledger/test_processes.py",
        "tests/ledger/test_queries.py",
        "tests/ledger/test_sink.py",
    }
)
"""Each is one table of cases of one module; to be split by concern."""
BROAD: Final = {"Exception", "BaseException"}


# ── what is measured: each returns the faults of one source text, with name and figure ────────────────────────────
def too_long(text: str) -> list[str]:
    """Say how many lines too many a file has."""
    lines = len(text.splitlines())
    return [f"{lines} lines, at most {MAX_FILE}"] if lines > MAX_FILE else []


def lengths(text: str) -> dict[str, int]:
    """Return the lines of each function, nested ones too, decorators aside and docstring included."""
    found = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return {f"{node.name} (line {node.lineno})": (node.end_lineno or 0) - node.lineno + 1 for node in found}


def long_functions(text: str) -> list[str]:
    """Name the functions beyond the limit."""
    return [
        f"{name}: {size} lines, at most {MAX_FUNCTION}" for name, size in lengths(text).items() if size > MAX_FUNCTION
    ]


def _last_name(node: ast.expr | None) -> str:
    """Return the last word of ``a``, ``m.a`` or ``m.a(…)``."""
    if isinstance(node, ast.Call):
        return _last_name(node.func)
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _is_tight(mark: ast.expr) -> bool:
    """Say whether a ``@dataclass`` mark says ``frozen=True`` and ``slots=True``."""
    words = mark.keywords if isinstance(mark, ast.Call) else []
    true = {word.arg for word in words if isinstance(word.value, ast.Constant) and word.value.value is True}
    return {"frozen", "slots"} <= true


def loose_records(text: str) -> list[str]:
    """Name the dataclasses that are not frozen and slotted."""
    return [
        f"{node.name} (line {node.lineno})"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.ClassDef)
        for mark in node.decorator_list
        if _last_name(mark) == "dataclass" and not _is_tight(mark)
    ]


def swallowers(text: str) -> list[str]:
    """Name the handlers that catch everything and do not end in a bare ``raise``; ``suppress(Exception)`` is one."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ExceptHandler):
            kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            last = node.body[-1]
            if any(kind is None or _last_name(kind) in BROAD for kind in kinds) and not (
                isinstance(last, ast.Raise) and last.exc is None
            ):
                found.append(f"except (line {node.lineno})")
        elif isinstance(node, ast.Call) and _last_name(node) == "suppress":
            found += [f"suppress (line {node.lineno})" for kind in node.args if _last_name(kind) in BROAD]
    return found


def shares(texts: list[str]) -> tuple[float, int]:
    """Return the median length of all functions, and the length that 95 of 100 do not exceed."""
    sizes = sorted(size for text in texts for size in lengths(text).values())
    return statistics.median(sizes), sizes[-(-len(sizes) * 95 // 100) - 1]


# ── the tree ──────────────────────────────────────────────────────────────────────────────────────────────────────
def _faults(files: list[Path], *checks: object) -> dict[str, list[str]]:
    """Return the faults of each file that has any."""
    texts = {str(file.relative_to(ROOT)): file.read_text("utf-8") for file in files}
    found = {
        name: [fault for check in checks if callable(check) for fault in check(text)] for name, text in texts.items()
    }
    return {name: faults for name, faults in found.items() if faults}


def test_there_is_something_to_measure() -> None:
    """A moved folder must not make every test of this file pass on nothing."""
    assert SOURCE / "guard.py" in FILES
    assert Path(__file__) in TESTS


def test_files_of_the_package_are_small() -> None:
    assert _faults(FILES, too_long) == {}


def test_files_of_the_tests_are_small() -> None:
    """Tests are read as much as code is; those that have outgrown the limit may shrink, no other may join them."""
    found = _faults(TESTS, too_long)
    assert sorted(found.keys() - OUTGROWN) == [], found


def test_functions_of_the_package_are_small() -> None:
    assert _faults(FILES, long_functions) == {}


def test_half_of_all_functions_are_tiny_and_nearly_all_are_short() -> None:
    """Median at most 8 lines, 95 of 100 at most 35."""
    median, p95 = shares([file.read_text("utf-8") for file in FILES])
    assert median <= MAX_MEDIAN, f"median function: {median} lines"
    assert p95 <= MAX_P95, f"95 of 100 functions: up to {p95} lines"


def test_records_are_frozen_and_slotted() -> None:
    assert _faults(FILES, loose_records) == {}


def test_only_the_guard_swallows_whatever_is_raised() -> None:
    """One file, its two doors (a call, and a decorator without the call's hop); a bare ``raise`` swallows nothing."""
    found = _faults(FILES, swallowers)
    assert list(found) == ["src/tierscope/guard.py"], found
    assert len(found["src/tierscope/guard.py"]) == 2, found


# ── planted faults: each measure notices ──────────────────────────────────────────────────────────────────────────
def function(lines: int, *, opening: str = "def f():") -> str:
    """Return a function of so many lines."""
    return "\n".join([opening, *["    pass"] * (lines - 1)]) + "\n"


LOOSE: Final = [
    pytest.param("@dataclass", id="bare"),
    pytest.param("@dataclass()", id="called"),
    pytest.param("@dataclasses.dataclass(frozen=True)", id="no-slots"),
    pytest.param("@dataclass(slots=True)", id="not-frozen"),
    pytest.param("@dataclass(frozen=True, slots=False)", id="slots-false"),
    pytest.param("@dataclass(frozen=FROZEN, slots=True)", id="frozen-is-a-name"),
    pytest.param("@other\n@dataclass(order=True)", id="second-decorator"),
]
SWALLOWS: Final = [
    pytest.param("except Exception: pass", id="exception"),
    pytest.param("except BaseException: pass", id="base-exception"),
    pytest.param("except: pass", id="bare"),
    pytest.param("except (OSError, Exception): pass", id="in-a-tuple"),
    pytest.param("except builtins.Exception: pass", id="dotted"),
    pytest.param("except Exception as exc: raise exc", id="raises-anew"),
    pytest.param("except Exception as exc: raise ValueError from exc", id="raises-another"),
    pytest.param("except Exception:\n    if x:\n        raise", id="raises-sometimes"),
]
HARMLESS: Final = [
    pytest.param("except OSError: pass", id="narrow"),
    pytest.param("except Exception:\n    note()\n    raise", id="re-raises"),
    pytest.param("except (KeyError, ValueError) as exc: note(exc)", id="narrow-tuple"),
]


def test_a_long_file_is_found() -> None:
    assert too_long("x = 1\n" * 301) == ["301 lines, at most 300"]
    assert too_long("x = 1\n" * 300) == []


@pytest.mark.parametrize("opening", ["def f():", "async def f():"])
def test_a_long_function_is_found(opening: str) -> None:
    """At top level, as a method, and inside another function."""
    planted = function(61, opening=opening)
    assert long_functions(planted) == ["f (line 1): 61 lines, at most 60"]
    assert long_functions(function(60, opening=opening)) == []
    inside = "class A:\n" + "".join(f"    {line}\n" for line in planted.splitlines())
    assert long_functions(inside) == ["f (line 2): 61 lines, at most 60"]


@pytest.mark.parametrize("marks", LOOSE)
def test_a_loose_record_is_found(marks: str) -> None:
    assert loose_records(f"{marks}\nclass A: ...") == [f"A (line {1 + len(marks.splitlines())})"]


def test_a_tight_record_is_none() -> None:
    assert loose_records("@dataclasses.dataclass(frozen=True, slots=True)\nclass A: ...\n@final\nclass B: ...") == []


@pytest.mark.parametrize("handler", SWALLOWS)
def test_a_swallower_is_found(handler: str) -> None:
    assert swallowers(f"try: f()\n{handler}") == ["except (line 2)"]


def test_suppressing_everything_is_found() -> None:
    assert swallowers("with contextlib.suppress(Exception): f()") == ["suppress (line 1)"]
    assert swallowers("with contextlib.suppress(OSError): f()") == []


@pytest.mark.parametrize("handler", HARMLESS)
def test_a_harmless_handler_is_none(handler: str) -> None:
    assert swallowers(f"try: f()\n{handler}") == []


def test_median_and_share_are_counted_over_all_files() -> None:
    """Twenty functions: the 19th longest decides the share, the mean of the middle two the median."""
    texts = ["".join(function(size) for size in range(2, 12)), "".join(function(size) for size in range(20, 30))]
    assert shares(texts) == (15.5, 28)
