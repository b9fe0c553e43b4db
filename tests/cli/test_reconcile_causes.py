"""Causes of gaps as they arise: a real client, instrumented, against a service that knows what it served."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final

import pytest
from tests.cli.books import closed, figures, invoke, served

from tierscope.simulator import Profile, Simulator

if TYPE_CHECKING:
    from pathlib import Path

PROGRAM: Final = """
import contextlib, sys, time
import openai, tierscope
from tierscope.config import Settings
from tierscope.simulator import SCRIPT_HEADER, Script

tierscope.instrument(Settings(ledger=sys.argv[2], trusted_hosts={"127.0.0.1": "openai"}))
client = openai.OpenAI(base_url=sys.argv[1], api_key="k", project="proj_a", max_retries=0)
slow = {SCRIPT_HEADER: Script(tokens=200, chunk_delay=0.02).json}
asked = {"messages": [{"role": "user", "content": "hi"}], "service_tier": "priority"}

list(client.chat.completions.create(model="gpt-4.1", stream=True, **asked))  # told no usage
client.chat.completions.create(model="gpt-4.1", **asked)

stream = client.responses.create(model="gpt-5", input="hi", service_tier="flex", stream=True, extra_headers=slow)
next(iter(stream))
stream.close()  # cut before its tier

client.responses.create(model="gpt-5-mini", input="hi", background=True)  # never fetched

made = client.responses.create(model="gpt-6-sol", input="hi", background=True, service_tier="fast")
while made.status in {"queued", "in_progress"}:
    time.sleep(0.02)
    made = client.responses.retrieve(made.id)

with contextlib.suppress(openai.APITimeoutError):  # no answer here
    client.chat.completions.create(model="gpt-4o-mini", timeout=0.2, extra_headers=slow, **asked)
tierscope.uninstrument()
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What reconcile says of the program's ledger."""
    folder: Path = tmp_path_factory.mktemp("causes")
    with Simulator(Profile.fast(), ledger_path=folder / "served.db") as simulator:
        command = [sys.executable, "-c", PROGRAM, simulator.base_url, str(folder / "calls.db")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        simulator.ledger.settle()
    closed(folder)
    with served(folder, profile=Profile.fast()) as base_url:
        return figures(invoke("--ledger", folder / "calls.db", "--base-url", base_url, "--json"))


def of(told: dict[str, Any], model: str) -> dict[str, dict[str, int]]:
    """Return the causes of a model's gaps, over its tiers; none of them leaves anything unexplained."""
    cells = [cell for cell in told["cells"] if cell["model"] == model]
    assert [cell for cell in cells if any(cell["unexplained"].values())] == []
    found: dict[str, dict[str, int]] = {}
    for cell in cells:
        for cause in cell["causes"]:
            sums = found.setdefault(cause.pop("cause"), {})
            for field, count in cause.items():
                sums[field] = sums.get(field, 0) + (count or 0)
    return found


def test_a_stream_without_usage(told: dict[str, Any]) -> None:
    """As many requests; the tokens of one of two are missing: alike, so as many as are here."""
    (cell,) = [cell for cell in told["cells"] if cell["model"] == "gpt-4.1"]
    ours = cell["ours"]
    assert of(told, "gpt-4.1") == {
        "without_usage": {"requests": 0, "input": ours["input"], "cached": 0, "output": ours["output"]}
    }
    assert (ours["requests"], cell["theirs"]["requests"], cell["theirs"]["output"]) == (2, 2, 2 * ours["output"])


def test_a_stream_that_was_cut(told: dict[str, Any]) -> None:
    """One request missing at flex, one too many without a tier: over both, its prompt alone."""
    (cause,) = of(told, "gpt-5").items()
    assert cause[0] == "cut_short"
    assert cause[1]["requests"] == 0
    assert cause[1]["input"] > 0


def test_a_background_response_that_nobody_fetched(told: dict[str, Any]) -> None:
    assert list(of(told, "gpt-5-mini")) == ["queued"]


def test_a_background_response_that_was_fetched(told: dict[str, Any]) -> None:
    """Whole, and its tier the canonical one, whatever the service calls it."""
    (cell,) = [cell for cell in told["cells"] if cell["model"] == "gpt-6-sol"]
    assert cell["tier"] == "priority"
    assert cell["ours"] == cell["theirs"]
    assert of(told, "gpt-6-sol") == {}


def test_a_call_that_got_no_answer(told: dict[str, Any]) -> None:
    """It was served there: inferred, for nothing here proves it."""
    (cause,) = of(told, "gpt-4o-mini").items()
    assert (cause[0], cause[1]["requests"]) == ("inferred_no_answer", 1)
    assert told["left_out"] == {"not_answered": 1}
