"""Every trap and every fault is held by tests that exist."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.sdk.conftest import COLLECTED
from tests.sdk.index import FAULTS, LATER, TRAPS, Held

HERE = Path(__file__).parent
ROWS = [
    pytest.param(held, id=f"{kind}-{number:02}")
    for kind, table in (("trap", TRAPS), ("fault", FAULTS))
    for number, held in table.items()
]


@pytest.fixture(scope="module")
def collected(request: pytest.FixtureRequest) -> frozenset[str]:
    """Return the tests beside this one, each by its id and, where it has parameters, by its name too."""
    found = {node.removeprefix("tests/sdk/") for node in request.config.stash[COLLECTED]}
    if {path.name for path in HERE.glob("test_*.py")} - {node.partition("::")[0] for node in found}:
        found = listed()  # not the whole folder was asked for
    return frozenset(found | {node.partition("[")[0] for node in found})


def listed() -> set[str]:
    """Return what pytest collects here."""
    collect = [sys.executable, "-m", "pytest", "--collect-only", "--quiet", "--no-header", "-p", "no:cacheprovider"]
    told = subprocess.run([*collect, "."], cwd=HERE, capture_output=True, text=True, check=True, timeout=120).stdout
    return {line.removeprefix("tests/sdk/") for line in told.splitlines() if "::" in line}


@pytest.mark.parametrize("held", ROWS)
def test_it_is_held_by_tests_that_exist(collected: frozenset[str], held: Held) -> None:
    """A renamed or removed test leaves no number without one."""
    assert held.tests
    assert {test for test in held.tests if test not in {LATER, *collected}} == set()


def test_no_number_is_missing() -> None:
    """Thirty traps, twenty-one faults."""
    assert (list(TRAPS), list(FAULTS)) == ([*range(1, 31)], [*range(1, 22)])
