"""What `auto` means decides where calls belong that named no tier: a real client, and a service with its books."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final

import pytest
from tests.cli.books import closed, copied, figures, invoke, run, served

from tierscope.simulator import Profile, Simulator
from tierscope.simulator.profile import Project

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM: Final = """
import sys
import openai, tierscope
from tierscope.config import Settings
from tierscope.simulator import SCRIPT_HEADER, Script

tierscope.instrument(Settings(ledger=sys.argv[2], trusted_hosts={"127.0.0.1": "openai"}))
client = openai.OpenAI(base_url=sys.argv[1], api_key="k", project="proj_a", max_retries=0)
slow = {SCRIPT_HEADER: Script(tokens=200, chunk_delay=0.02).json}

client.responses.create(model="gpt-5", input="hi")
for tier in ({}, {"service_tier": "auto"}, {"service_tier": "priority"}):
    stream = client.responses.create(model="gpt-5", input="hi", stream=True, extra_headers=slow, **tier)
    next(iter(stream))
    stream.close()  # cut before its tier
tierscope.uninstrument()
"""
"""Of gpt-5 one call that told its tier, and three cut short, of which one had asked for a tier."""


def profile(default_tier: str) -> Profile:
    return Profile.fast(projects={"proj_a": Project(default_tier=default_tier)})


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The books of a project in which `auto` meant default, and the program's ledger."""
    folder: Path = tmp_path_factory.mktemp("autos")
    with Simulator(profile("standard"), ledger_path=folder / "served.db") as simulator:
        command = [sys.executable, "-c", PROGRAM, simulator.base_url, str(folder / "calls.db")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        simulator.ledger.settle()
    return closed(folder)


def cells(told: dict[str, Any]) -> dict[str, tuple[int, int, list[str]]]:
    """Of each tier: requests there and here, and the causes."""
    return {
        cell["tier"]: (
            cell["theirs"]["requests"],
            cell["ours"]["requests"],
            [cause["cause"] for cause in cell["causes"]],
        )
        for cell in told["cells"]
    }


def test_where_the_books_say_what_the_setting_says(made: Path) -> None:
    """Three requests at default, of which replies told one; what asked for priority stays unknown, and is proved."""
    with served(made, profile=profile("standard")) as url:
        told = figures(invoke("--ledger", made / "calls.db", "--base-url", url, "--json"))
        said = invoke("--ledger", made / "calls.db", "--base-url", url).stdout
    assert cells(told) == {
        "default": (3, 3, ["without_usage"]),
        "priority": (1, 0, ["cut_short"]),
        "unreported": (0, 1, ["cut_short"]),
    }
    assert told["auto"] == [
        {
            "project": "proj_a",
            "means": "standard",
            "expected": [""],
            "compared_under_it": 2,
            "counted_otherwise_there": 0,
        }
    ]
    assert "Under it, as the books have it: 2 calls whose reply told no tier." in said


def test_where_the_setting_was_changed_since(made: Path) -> None:
    """By the setting two at priority, where the books have one: so all three are unknown, for two reasons."""
    with served(made, profile=profile("fast")) as url:
        told = figures(invoke("--ledger", made / "calls.db", "--base-url", url, "--json"))
        said = " ".join(invoke("--ledger", made / "calls.db", "--base-url", url).stdout.split())
    assert cells(told) == {
        "default": (3, 1, ["tier_unknown"]),
        "priority": (1, 0, ["tier_unknown"]),
        "unreported": (0, 3, ["tier_unknown"]),
    }
    assert (told["auto"][0]["compared_under_it"], told["auto"][0]["counted_otherwise_there"]) == (0, 2)
    assert "Not under it, for the books say else: 2 calls that named no tier." in said


def test_where_only_calls_without_a_tier_are_unknown(made: Path, tmp_path: Path) -> None:
    """The cause has its name, and accounts for all of it."""
    ours = copied(made / "calls.db", tmp_path / "calls.db")
    theirs = copied(made / "served.db", tmp_path / "served.db")
    run(ours, "DELETE FROM calls WHERE requested = 'priority'")
    run(theirs, "DELETE FROM served WHERE decided = 'priority'")
    with served(tmp_path, profile=profile("fast")) as url:
        told = figures(invoke("--ledger", ours, "--base-url", url, "--json"))
    assert cells(told) == {"default": (3, 1, ["auto_otherwise"]), "unreported": (0, 2, ["auto_otherwise"])}
    assert not any(count for cell in told["cells"] for count in cell["unexplained"].values())
