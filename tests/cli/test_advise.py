"""``tierscope advise`` and ``tierscope policy check``, on ledgers with figures made by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from click.testing import CliRunner
from tests.ledger.made import PLAIN, S, write

from tierscope.cli.advise import length
from tierscope.cli.commands import tierscope
from tierscope.model import Attempt, Call, Cost, Reply, Timing, Usage

if TYPE_CHECKING:
    from click.testing import Result

START: Final = 1_795_000_020 * S
LONG: Final = Cost(400_000_000_000, 400_000_000_000, 1_600_000_000_000, "exact")
"""$0.40 by default, $1.60 on priority: $1.20 were not charged."""
SUITE: Final = Cost(3_600_000_000, 3_600_000_000, None, "exact")
"""10 000 tokens in, of which 4 000 cached, and 1 000 out, of gpt-5-mini: $0.0036; on flex half of it."""


def call(at_s: float, model: str, snapshot: str, asked: str, served: str, **facts: Any) -> Call:
    expected = None if asked == "unset" else asked
    request = PLAIN.request._replace(model=model, requested=asked, expected=expected, project="proj_a")
    return PLAIN._replace(
        request=request,
        attempts=(Attempt(0, "ok", status=200),),
        reply=Reply(status=200, model=snapshot, tier_raw=served, usage=facts.pop("usage")),
        timing=Timing(0, S, START + round(at_s * S)),
        ending="complete",
        served=served,
        error_type=None,
        **facts,
    )


def calls(last_s: float = 1_800) -> list[Call]:
    """One prompt too long, two calls of a suite that names no tier."""
    long = {"outcome": "downgraded", "inferred_cause": "long_context", "usage": Usage(200_000, 0), "cost": LONG}
    suite = {"outcome": "resolved", "usage": Usage(10_000, 1_000, cached=4_000), "cost": SUITE}
    return [
        call(0, "gpt-4.1", "gpt-4.1-2025-04-14", "priority", "default", **long),
        call(1, "gpt-5-mini", "gpt-5-mini-2025-08-07", "unset", "default", **suite),
        call(last_s, "gpt-5-mini", "gpt-5-mini-2025-08-07", "unset", "default", **suite),
    ]


POLICY: Final = """schema = "tierscope-policy/1"
[[workload]]
name = "suite"
match = { model = "gpt-5-mini" }
tier = "flex"
interactive = false
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path / "calls.db", calls())
    (tmp_path / "policy.toml").write_text(POLICY, "utf-8")
    return tmp_path


def run(folder: Path, *arguments: str, **env: str) -> Result:
    """Run a command in a folder; names of files stand for those in it."""
    told = [str(folder / word) if (folder / word).exists() else word for word in arguments]
    return CliRunner().invoke(tierscope, told, env={"TIERSCOPE_POLICY": None, "TIERSCOPE_CATALOG": None, **env})


PAGE: Final = """\
2 findings in 3 calls over 30.0 minutes.

1. $1.20 premium not charged: 1 call on gpt-4.1 (proj_a) expected priority with
   a prompt beyond 128,000 tokens; none got it.
   Do: Ask for default where the prompt is that long, shorten it, or use a model
     that is promised for long prompts.
   Effort: low
   Risk: None for the bill: these calls are charged as default already. A
     shorter prompt may change the answer, and is then charged as priority.
   Undo: Send the tier again.
   Evidence: input tokens 200,000, priced calls 1, paid $0.400
   Id: long-context:openai:gpt-4.1:proj_a

2. $0.00360 saving: 2 calls on gpt-5-mini (proj_a) that nobody waits for: on
   flex their tokens cost 50% of what was paid.
   Do: Ask for flex, with a time-out of 900 s and retries.
   Effort: low
   Risk: Flex is slower, may be refused for want of capacity, and has no
     promise; refused attempts are not charged.
   Undo: Send the tier that was sent before.
   Evidence: paid $0.00720, at flex $0.00360, served default, policy suite
   Id: could-wait:openai:gpt-5-mini:proj_a
"""


def test_findings_are_a_page_by_money(folder: Path) -> None:
    assert run(folder, "advise", "calls.db", "--policy", "policy.toml").stdout == PAGE


def test_the_policy_may_stand_in_the_environment(folder: Path) -> None:
    assert run(folder, "advise", "calls.db", TIERSCOPE_POLICY=str(folder / "policy.toml")).stdout == PAGE


def test_a_program_gets_exact_money(folder: Path) -> None:
    """In pico-dollars; no month of half an hour."""
    told = json.loads(run(folder, "advise", "calls.db", "--policy", "policy.toml", "--json").stdout)
    assert (told["calls"], told["first_unix_ns"], told["last_unix_ns"]) == (3, START, START + 1_800 * S)
    long, suite = told["findings"]
    assert long["money"] == {"kind": "not_charged", "pico_usd": 1_200_000_000_000, "usd": 1.2}
    assert (suite["id"], suite["rule"], suite["calls"]) == ("could-wait:openai:gpt-5-mini:proj_a", "could-wait", 2)
    assert (suite["provider"], suite["model"], suite["project"], suite["deployment"]) == (
        "openai", "gpt-5-mini", "proj_a", None
    )  # fmt: skip
    assert suite["money"] == {"kind": "saving", "pico_usd": 3_600_000_000, "usd": 0.0036}
    assert suite["evidence"]["at_flex_pico_usd"] == 3_600_000_000
    assert (suite["usd_a_month_extrapolated"], told["silenced"], told["stale_silences"]) == (None, [], [])


def test_a_month_is_named_extrapolated_and_only_beyond_a_day(tmp_path: Path) -> None:
    """$1.20 in two days are $18.00 in thirty."""
    write(tmp_path / "calls.db", calls(2 * 86_400))
    text = run(tmp_path, "advise", "calls.db").stdout
    assert text.startswith(
        "1 finding in 3 calls over 2.0 days.\n\n1. $1.20 premium not charged ($18.00 a month, extrap"
    )
    (one,) = json.loads(run(tmp_path, "advise", "calls.db", "--json").stdout)["findings"]
    assert one["usd_a_month_extrapolated"] == 18.0


def test_less_money_is_left_out_and_counted(folder: Path) -> None:
    text = run(folder, "advise", "calls.db", "--policy", "policy.toml", "--min-usd", "0.0037").stdout
    assert text.startswith("1 finding (1 of less money left out) in 3 calls over 30.0 minutes.\n\n1. $1.20")
    assert "could-wait" not in text
    exact = run(folder, "advise", "calls.db", "--policy", "policy.toml", "--min-usd", "0.0036").stdout
    assert exact == PAGE


def test_what_has_no_money_is_not_less(tmp_path: Path) -> None:
    """Unknown is not zero."""
    silent = call(0, "gpt-4.1", "gpt-4.1-2025-04-14", "priority", "priority", outcome="honored", usage=None)
    write(tmp_path / "calls.db", [silent._replace(request=silent.request._replace(is_stream=True))])
    text = run(tmp_path, "advise", "calls.db", "--min-usd", "1000").stdout
    assert text.startswith(
        "1 finding in 1 call over 0 seconds.\n\n1. money unknown: 1 call on gpt-4.1 (proj_a) came as"
    )


SILENCE: Final = """schema = "tierscope-silence/1"
[[silence]]
finding = "long-context:openai:gpt-4.1:proj_a"
reason = "The board reads these at night."
[[silence]]
finding = "no-usage"
reason = "Until the next release."
"""


def test_silenced_findings_are_not_told_and_stale_silences_are_a_line(folder: Path) -> None:
    (folder / "silence.toml").write_text(SILENCE, "utf-8")
    arguments = ("advise", "calls.db", "--policy", "policy.toml", "--silence", "silence.toml")
    result = run(folder, *arguments)
    assert result.stdout.startswith("1 finding (1 silenced) in 3 calls over 30.0 minutes.\n\n1. $0.00360 saving")
    assert result.stderr == "no-usage is silenced, and not found any more: remove it (Until the next release.)\n"
    told = json.loads(run(folder, *arguments, "--json").stdout)
    assert told["silenced"] == [
        {"id": "long-context:openai:gpt-4.1:proj_a", "reason": "The board reads these at night."}
    ]
    assert told["stale_silences"] == ["no-usage"]


FAULTS: Final = [
    pytest.param(("--policy", "none.toml"), 1, "none.toml: file: path=", id="no-policy"),
    pytest.param(("--silence", "policy.toml"), 1, "write 'tierscope-silence/1'", id="no-silence"),
    pytest.param(("--units", "gpt-4.1"), 2, "Write it as gpt-4.1=2/4.", id="units"),
    pytest.param(("--scale-units", "gpt-9=1/1"), 2, "no unit of 'gpt-9' is known", id="unit-of-nothing"),
    pytest.param(("--min-usd", "-1"), 2, "-1.0 is not in the range x>=0", id="min-usd"),
]


@pytest.mark.parametrize(("arguments", "status", "words"), FAULTS)
def test_what_cannot_be_used_is_one_error(folder: Path, arguments: tuple[str, ...], status: int, words: str) -> None:
    result = run(folder, "advise", "calls.db", *arguments)
    assert (result.exit_code, result.stdout) == (status, "")
    assert words in " ".join(result.stderr.split())


@pytest.mark.parametrize("command", [("advise",), ("policy", "check")], ids=["advise", "policy-check"])
def test_a_file_that_is_no_ledger_is_one_error(folder: Path, command: tuple[str, ...]) -> None:
    result = run(folder, *command, "policy.toml", "--policy", "policy.toml")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "is not a ledger" in " ".join(result.stderr.split())


def test_an_empty_ledger_says_so(folder: Path) -> None:
    (folder / "empty.db").touch()
    assert run(folder, "advise", "empty.db").stdout == "No call was recorded.\n"
    told = json.loads(run(folder, "advise", "empty.db", "--json").stdout)
    assert (told["calls"], told["first_unix_ns"], told["findings"]) == (0, None, [])


def test_nothing_found_is_said(tmp_path: Path) -> None:
    write(tmp_path / "calls.db", calls()[1:])
    assert run(tmp_path, "advise", "calls.db").stdout == "No finding in 2 calls over 30.0 minutes.\n"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(24.4, "24 seconds"), (60, "60 seconds"), (90, "1.5 minutes"), (5_400, "1.5 hours"), (129_600, "1.5 days")],
)
def test_a_length_of_time_in_words(seconds: float, words: str) -> None:
    assert length(round(seconds * S)) == words


# ── policy check ──────────────────────────────────────────────────────────────────────────────────────────────────────
def test_drift_is_a_sentence_for_each_rule(folder: Path) -> None:
    more = '[[workload]]\nname = "old"\nmatch = { model = "gpt-3*" }\ntier = "default"\n'
    more += '[[workload]]\nname = "rest"\nmatch = { project = "*" }\ninteractive = true\n'
    (folder / "policy.toml").write_text(POLICY + more, "utf-8")
    result = run(folder, "policy", "check", "calls.db", "--policy", "policy.toml")
    assert result.exit_code == 0
    assert result.stdout == (
        "suite wants flex: 2 calls, 0 as wanted, 2 drifted (unset → default 2).\n"
        "old wants default: no call; see whether its match still fits.\n"
        "rest wants no tier: 1 call.\n"
        "2 calls drifted; no rule speaks of 0 calls.\n"
    )


def test_a_rule_by_what_is_around_a_call_goes_by_the_workload_of_the_ledger(folder: Path) -> None:
    """One of two calls was spoken of when it was made; of the other rule no call tells, and why."""
    (folder / "calls.db").unlink()
    *_, last = made = calls()
    write(folder / "calls.db", [*made[:-1], last._replace(workload="suite", service="ci")])
    around = 'attribute = { "ci.job" = "*" }'
    more = '[[workload]]\nname = "old"\nmatch = { baggage = { a = "b" } }\ntier = "default"\n'
    more += '[[workload]]\nname = "ci"\nmatch = { service = "ci" }\ntier = "default"\n'
    (folder / "policy.toml").write_text(POLICY.replace('model = "gpt-5-mini"', around) + more, "utf-8")
    result = run(folder, "policy", "check", "calls.db", "--policy", "policy.toml")
    assert result.stdout == (
        "suite wants flex: 1 call, 0 as wanted, 1 drifted (unset → default 1).\n"
        "old wants default: no call; TIERSCOPE_POLICY must have named it to the\n"
        "  applications that wrote the ledger.\n"
        "ci wants default: no call; see whether its match still fits.\n"
        "1 call drifted; no rule speaks of 2 calls.\n"
    )
    (folder / "policy.toml").write_text(POLICY.replace('model = "gpt-5-mini"', 'service = "c*"'), "utf-8")
    result = run(folder, "policy", "check", "calls.db", "--policy", "policy.toml")
    assert result.stdout.startswith("suite wants flex: 1 call, 0 as wanted, 1 drifted")


def test_drift_may_be_a_failure(folder: Path) -> None:
    arguments = ("policy", "check", "calls.db", "--policy", "policy.toml", "--fail-on-drift")
    assert run(folder, *arguments).exit_code == 1
    (folder / "policy.toml").write_text(POLICY.replace("flex", "default"), "utf-8")
    assert run(folder, *arguments).exit_code == 0


def test_a_program_gets_the_counts(folder: Path) -> None:
    told = json.loads(run(folder, "policy", "check", "calls.db", "--policy", "policy.toml", "--json").stdout)
    drift = [{"requested": "unset", "meant_for": "default", "calls": 2}]
    suite = {"name": "suite", "tier": "flex", "interactive": False, "calls": 2, "kept": 0, "unsaid": 0}
    assert told == {"drifted": 2, "unruled": 1, "workloads": [{**suite, "drifted": drift}]}


def test_a_policy_is_checked_without_a_ledger(folder: Path) -> None:
    result = run(folder, "policy", "check", "--policy", "policy.toml")
    assert (result.exit_code, result.stdout.endswith("policy.toml can be used: 1 workload.\n")) == (0, True)
    (folder / "policy.toml").write_text(POLICY.replace('"flex"', '"gold"'), "utf-8")
    result = run(folder, "policy", "check", "--policy", "policy.toml")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "policy.toml: workload 'suite': tier='gold': use one of" in " ".join(result.stderr.split())


def test_without_a_policy_there_is_nothing_to_check(folder: Path) -> None:
    result = run(folder, "policy", "check", "calls.db")
    assert (result.exit_code, "name a policy" in result.stderr) == (2, True)
