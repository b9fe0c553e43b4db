"""``tierscope capacity``, and what ``tierscope report`` says of promises, on ledgers with figures made by hand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from tests.ledger.made import PLAIN, write

from tierscope.cli.commands import tierscope
from tierscope.model import Attempt, Call, Reply, Speed, Timing, Usage

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

S = 10**9
START = 1_795_000_020 * S
"""2026-11-18, at the beginning of a minute and of a window of five."""
SNAPSHOT = "gpt-4.1-2025-04-14"


def call(at_s: float, tier: str = "priority", served: str | None = None, **facts: Any) -> Call:
    """A chat on gpt-4.1 that began and ended so many seconds after the start."""
    served = served or tier
    usage = facts.pop("usage", Usage(100_000, 200))
    rate = facts.pop("rate", 90.0)
    return PLAIN._replace(
        request=PLAIN.request._replace(model="gpt-4.1", requested=tier, expected=tier, is_stream=True),
        attempts=(Attempt(0, "ok", status=200),),
        reply=Reply(status=200, model=SNAPSHOT, tier_raw=served, usage=usage),
        timing=Timing(0, 0, START + round(at_s * S)),
        ending="complete",
        speed=Speed(first_token_s=0.2, generation=rate, end_to_end=rate, consumer_limited=False),
        served=served,
        outcome="honored" if served == tier else "downgraded",
        inferred_cause=None if served == tier else "capacity_or_unknown",
        error_type=None,
        **facts,
    )


def told(tmp_path: Path, calls: list[Call], *arguments: str) -> Result:
    write(tmp_path / "calls.db", calls)
    command, *options = arguments
    return CliRunner().invoke(tierscope, [command, str(tmp_path / "calls.db"), *options])


# ── growth ────────────────────────────────────────────────────────────────────────────────────────────────────────────
def traffic() -> list[Call]:
    """Minutes of 10, 11, 14 and 22 calls of 100k tokens: 1.0M, 1.1M, 1.4M, 2.2M; in the last, two lost priority."""
    counts = (10, 11, 14, 22)
    made = [call(60 * minute + number) for minute, count in enumerate(counts) for number in range(count)]
    return [*made[:-2], *(one._replace(served="default", outcome="downgraded",
                                       inferred_cause="capacity_or_unknown") for one in made[-2:])]  # fmt: skip


def test_growth_beyond_the_rule_is_told_and_is_a_cause(tmp_path: Path) -> None:
    """2.2M against the lowest known minute of 1.1M: 1.65M were allowed; 1.4M used 0.55 of its growth."""
    done = told(tmp_path, traffic(), "capacity", "--json")
    (series,) = json.loads(done.stdout)["ramp"]
    assert series == {
        "provider": "openai",
        "model": SNAPSHOT,
        "expected": "priority",
        "floor_tpm": 1_000_000,
        "peak_tpm": 2_200_000,
        "steps": 2,
        "warnings": 1,
        "over": 1,
        "headroom_tpm": -550_000,
    }
    assert json.loads(done.stdout)["inferred_causes"] == {"ramp_rate": 2}


def test_growth_in_words(tmp_path: Path) -> None:
    """With the remedy of the documents."""
    text = " ".join(told(tmp_path, traffic(), "capacity").stdout.split())
    assert text == (
        f"{SNAPSHOT}, expected priority: at its peak 2,200,000 input tokens per minute; of 2 steps above 1,000,000, "
        "1 grew beyond the ramp rule, 0 came near. Downgraded calls by inferred cause: ramp_rate 2. Against the ramp "
        "rule: raise traffic gradually, or buy capacity in advance."
    )


def test_below_the_floor_nothing_is_warned_of(tmp_path: Path) -> None:
    """However fast it grows."""
    calls = [call(60 * minute + number) for minute, count in enumerate((1, 1, 5)) for number in range(count)]
    text = " ".join(told(tmp_path, calls, "capacity").stdout.split())
    assert text == "Of 1 model and tier the ramp rule says nothing: below its floor, or seen for too short a time."


def test_a_shorter_window_for_simulations(tmp_path: Path) -> None:
    """Fifteen steps of one second: one call of 100k tokens a second is 6M a minute."""
    calls = [call(second) for second in range(4)] + [call(4 + number / 10) for number in range(3)]
    (series,) = json.loads(told(tmp_path, calls, "capacity", "--json", "--ramp-window", "15").stdout)["ramp"]
    assert (series["peak_tpm"], series["over"]) == (18_000_000, 1)


# ── units ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def scaled() -> list[Call]:
    """Two minutes on one unit of each: 15k of 30k and 1k of 2.5k tokens, twice; one call spilled over."""
    one = {"usage": Usage(15_000, 1_000)}
    return [call(1, "scale", **one), call(61, "scale", **one), call(62, "scale", "default", **one)]


def test_units_are_used_idle_and_spilled_over(tmp_path: Path) -> None:
    """Half of the input and two fifths of the output; idle: (0.5 x 110 + 0.6 x 36) x 2 / 1440 dollars."""
    done = told(tmp_path, scaled(), "capacity", "--units", "gpt-4.1=1/1", "--json")
    (unit,) = json.loads(done.stdout)["scale"]
    assert (unit["input_tpm"], unit["output_tpm"], unit["minutes"]) == (30_000, 2_500, 2)
    assert (unit["input_used"], unit["output_used"]) == (0.5, 0.4)
    assert unit["idle_usd"] == pytest.approx((0.5 * 110 + 0.6 * 36) * 2 / 1440)
    assert unit["spilled"] == {"met": 1, "of": 3}
    assert unit["input_break_even"]["of_default"] == pytest.approx(110 / (30_000 * 1440) / 2e-6)
    assert unit["input_break_even"]["utilisation"] == pytest.approx(110 / (30_000 * 1440) / 3.5e-6)


def test_units_in_words(tmp_path: Path) -> None:
    """The break-even of the reference: 1.273 and 72.8 % in, 1.250 and 71.4 % out."""
    text = " ".join(told(tmp_path, scaled(), "capacity", "--units", "gpt-4.1=1/1").stdout.split())
    assert "Over 2 minutes, 50.0% of input and 40.0% of output were used, at most 50.0% and 40.0% in one;" in text
    assert "1 of 3 calls that expected scale spilled over to default." in text
    assert (
        "A fully used input unit costs 1.273 x the default tier's list price; it pays against priority from 72.8%"
        in text
    )
    assert (
        "A fully used output unit costs 1.250 x the default tier's list price; it pays against priority from 71.4%"
        in text
    )


@pytest.mark.parametrize(
    ("units", "words"),
    [
        ("gpt-4.1", "Write it as gpt-4.1=2/4."),
        ("gpt-4.1=-1/2", "Write it as"),
        ("gpt-9=1/1", "no unit of 'gpt-9' is known"),
    ],
)
def test_units_that_cannot_be_read(tmp_path: Path, units: str, words: str) -> None:
    """One error, status 2, and what to write."""
    done = told(tmp_path, scaled(), "capacity", "--units", units)
    assert (done.exit_code, done.stdout) == (2, "")
    assert words in " ".join(done.stderr.split())


# ── promises in the report ────────────────────────────────────────────────────────────────────────────────────────────
def kept() -> list[Call]:
    """Two windows: 90, 90, 70 (median 90: kept) and 70, 70, 90 (not); one call that default served, one read slowly."""
    rates = (90.0, 90.0, 70.0)
    slow = call(30)._replace(speed=Speed(generation=1.0, end_to_end=1.0, consumer_limited=True))
    return [
        *(call(number, rate=rate) for number, rate in enumerate(rates)),
        *(call(300 + number, rate=160 - rate) for number, rate in enumerate(rates)),
        call(10, served="default"),
        slow,
    ]


def test_a_report_says_what_was_kept(tmp_path: Path) -> None:
    """Above 80 token/s for gpt-4.1 on priority, by windows and by calls, on both bases; beside the rate its target."""
    text = " ".join(told(tmp_path, kept(), "report").stdout.split())
    share = "1 of 2 windows (50.000%), 3 of 6 calls (50.000%)"
    assert f"gpt-4.1 on priority above 80 token/s: generation {share}; end to end {share}." in text
    assert "Uptime: 8 of 8 attempts (100.000%) without a server's error." in text
    assert "promised: >80 tok/s" in text


def test_a_program_gets_exact_counts(tmp_path: Path) -> None:
    """And what was left out, by reason."""
    (promise,) = json.loads(told(tmp_path, kept(), "report", "--json").stdout)["promises"]
    assert (promise["model"], promise["tier"], promise["tokens_per_second_above"]) == ("gpt-4.1", "priority", 80)
    assert promise["speed"]["generation"] == {
        "windows": {"met": 1, "of": 2},
        "calls": {"met": 3, "of": 6},
        "left_out": {"other_tier": 1, "consumer_limited": 1},
    }


def test_what_is_not_promised_is_not_judged(tmp_path: Path) -> None:
    """Flex has no target: no line about promises."""
    text = told(tmp_path, [call(1, "flex")], "report").stdout
    assert "Promises:" not in text
    assert "promised:" not in text
