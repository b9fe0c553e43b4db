"""The demo, as a new user starts it: its figures are those of the simulator's own ledger."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from tierscope.cli.check import differences
from tierscope.cli.commands import tierscope
from tierscope.cli.sample import RUSH
from tierscope.simulator import Profile
from tierscope.simulator.prices import cost_pico

pytestmark = pytest.mark.xdist_group("demo")  # one process runs it once
SECONDS = "16"
"""So long that some seconds of ordinary chat come before the rush: without them nothing tells how fast it grew."""
TIERSCOPE = (sys.executable, "-c", "from tierscope.cli import main; main()")


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    """Return what a query finds in a ledger."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        return db.execute(query).fetchall()


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[subprocess.CompletedProcess[str], Path]:
    """One short demo, whose ledgers are kept."""
    folder = tmp_path_factory.mktemp("demo")
    done = subprocess.run(
        [*TIERSCOPE, "demo", "--seconds", SECONDS, "--keep", str(folder)], capture_output=True, text=True, check=False
    )
    return done, folder


def test_it_ends_with_the_table(demo: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    """Status 0, progress meanwhile, the three workloads' tiers, and the check."""
    done, _ = demo
    assert done.returncode == 0, done.stderr
    assert "  5 s  " in done.stderr
    for word in ("gpt-4.1", "gpt-5-mini", "priority", "flex", "scale", "▼ default", "requested: unset"):
        assert word in done.stderr
    assert "equal the simulator's own ledger" in done.stderr


def test_the_ledgers_agree(demo: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    """Each whole reply has the tier and the tokens that the simulator sent; each attempt was counted."""
    _, folder = demo
    told = (
        "SELECT response_id, served, input_tokens, output_tokens FROM {} WHERE response_id > '' AND ending <> 'error'"
    )
    ours, theirs = rows(folder / "calls.db", told.format("calls")), rows(folder / "served.db", told.format("served"))
    assert len(ours) > 20
    assert Counter(ours) == Counter(theirs)
    assert rows(folder / "calls.db", "SELECT sum(attempts) FROM calls") == rows(
        folder / "served.db", "SELECT count(*) FROM served"
    )


def test_downgrades_are_those_that_were_decided(demo: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    """Calls that expected a tier and were served default: as many as the simulator moved there."""
    _, folder = demo
    ours = rows(
        folder / "calls.db", "SELECT expected, count(*) FROM calls WHERE outcome = 'downgraded' GROUP BY 1 ORDER BY 1"
    )
    theirs = rows(
        folder / "served.db",
        "SELECT expected, count(*) FROM served WHERE decided = 'default' AND expected <> decided "
        "AND ending = 'complete' GROUP BY 1 ORDER BY 1",  # a stream that breaks off has failed
    )
    assert ours
    assert ours == theirs


# ── the planted mistakes ──────────────────────────────────────────────────────────────────────────────────────────────
def test_prompts_too_long_for_priority_show(demo: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    """Beyond 128k tokens gpt-4.1 was asked for priority, and never served it; the simulator says that this is why."""
    _, folder = demo
    ours = rows(
        folder / "calls.db",
        "SELECT requested, served, outcome FROM calls WHERE input_tokens > 128000 AND outcome <> 'failed'",
    )
    assert len(ours) >= 2
    assert set(ours) == {("priority", "default", "downgraded")}
    causes = rows(folder / "served.db", "SELECT DISTINCT cause FROM served WHERE input_tokens > 128000")
    assert causes == [("long_context",)]


def test_the_rush_meets_the_ramp_limit(demo: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    """Short chats lose priority in it; ours are the calls that the simulator counts."""
    _, folder = demo
    lost = "input_tokens < 128000 AND output_tokens > 0"
    ours = rows(folder / "calls.db", f"SELECT response_id FROM calls WHERE outcome = 'downgraded' AND {lost}")  # noqa: S608
    theirs = rows(folder / "served.db", f"SELECT response_id FROM served WHERE cause = 'ramp_rate' AND {lost}")  # noqa: S608
    assert len(theirs) >= 3
    assert set(theirs) <= set(ours)
    first, last = rows(folder / "served.db", "SELECT min(started), max(ended) FROM served")[0]
    when = rows(folder / "served.db", "SELECT started FROM served WHERE cause = 'ramp_rate'")
    early, late = (first + share * (last - first) for share in RUSH)  # type: ignore[operator]
    in_rush = [moment for (moment,) in when if early - 0.5 < moment < late + 0.5]  # type: ignore[operator]
    assert in_rush


def test_the_evaluation_that_forgot_flex_pays_twice(demo: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    """It asked for nothing and got default; the same tokens on flex cost 0.125 per million in, and 1 out."""
    _, folder = demo
    ours = rows(
        folder / "calls.db",
        "SELECT requested, served, count(*) FROM calls WHERE request_model = 'gpt-5-mini' AND outcome <> 'failed' "
        "AND served <> 'unreported' GROUP BY 1, 2",
    )
    assert {(requested, served) for requested, served, _ in ours} == {("flex", "flex"), ("unset", "default")}
    paid = rows(
        folder / "served.db",
        "SELECT sum(cost_pico), sum(input_tokens * 125000 + output_tokens * 1000000), count(*) FROM served "
        "WHERE model = 'gpt-5-mini' AND served = 'default' AND cost_pico IS NOT NULL",
    )
    ((default, flex, count),) = paid
    assert count >= 3  # type: ignore[operator]
    assert default == 2 * flex  # type: ignore[operator]


# ── the advice ────────────────────────────────────────────────────────────────────────────────────────────────────────
def counterfactual(folder: Path, tier: str, where: str) -> tuple[int, int]:
    """Return how many answers of the simulator's ledger are meant, and what they would have cost more at a tier."""
    answers = rows(
        folder / "served.db",
        "SELECT provider, response_model, input_tokens, output_tokens, cached_tokens, cost_pico FROM served "  # noqa: S608
        f"WHERE cost_pico IS NOT NULL AND {where}",
    )
    amounts = [
        cost_pico(provider, model, tier, prompt=prompt, output=output, cached=cached or 0) - paid  # type: ignore[operator]
        for provider, model, prompt, output, cached, paid in answers  # type: ignore[misc]
    ]
    return len(amounts), sum(amounts)


def hinted(done: subprocess.CompletedProcess[str], *more: str) -> list[str]:
    """Return the arguments of the command that the demo says at its end."""
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("What to change: tierscope ")]
    return [*line.removeprefix("What to change: tierscope ").split(), *more]


def test_advice_names_each_planted_mistake_and_its_money(
    demo: tuple[subprocess.CompletedProcess[str], Path],
) -> None:
    """To the last pico-dollar of what the simulator's own ledger says; and it names nothing else."""
    done, folder = demo
    result = CliRunner().invoke(tierscope, hinted(done, "--json"))
    assert result.exit_code == 0, result.output
    told = {one["id"]: (one["calls"], one["money"]["pico_usd"]) for one in json.loads(result.stdout)["findings"]}
    calls, dearer = counterfactual(folder, "flex", "project = 'proj_batchy' AND served = 'default'")
    assert told == {
        "long-context:openai:gpt-4.1:proj_chat": counterfactual(folder, "priority", "cause = 'long_context'"),
        "ramp-rate:openai:gpt-4.1:proj_chat": counterfactual(folder, "priority", "cause = 'ramp_rate'"),
        "could-wait:openai:gpt-5-mini:proj_batchy": (calls, -dearer),
    }
    assert min(count for count, _ in told.values()) >= 2


def test_the_forgotten_tier_is_drift(demo: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    """As many calls as the regression suite made; every other workload asked for what its policy wants."""
    _, folder = demo
    arguments = ["policy", "check", str(folder / "calls.db"), "--policy", str(folder / "policy.toml"), "--json"]
    told = json.loads(CliRunner().invoke(tierscope, arguments).stdout)
    ((suite,),) = rows(
        folder / "calls.db", "SELECT count(*) FROM calls WHERE project = 'proj_batchy' AND served = 'default'"
    )
    assert (told["drifted"], told["unruled"]) == (suite, 0)
    assert {one["name"]: one["drifted"] for one in told["workloads"]} == {
        "chat": [],
        "evaluation": [{"requested": "unset", "meant_for": "default", "calls": suite}],
        "analyst": [],
    }


def test_the_policy_that_is_kept_is_the_example(demo: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    _, folder = demo
    example = Path(__file__).parents[2] / "examples" / "policy.toml"
    assert (folder / "policy.toml").read_text("utf-8") == example.read_text("utf-8")


def test_a_difference_is_found(demo: tuple[subprocess.CompletedProcess[str], Path]) -> None:
    """The check of the demo does not pass whatever the ledgers hold."""
    _, folder = demo
    assert differences(folder / "calls.db", ())


def test_options_make_the_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each where it belongs; the others as the demo has them."""
    asked: list[Profile] = []
    monkeypatch.setattr("tierscope.cli.demo._demonstrate", lambda _folder, _seconds, profile: asked.append(profile))
    for options in ((), ("--seed", "5", "--time-scale", "30", "--ramp-window", "120")):
        CliRunner().invoke(tierscope, ["demo", *options])
    usual = Profile.demo()
    assert asked == [usual, replace(usual, seed=5, time_scale=30.0, tiers=replace(usual.tiers, ramp_window=120.0))]
