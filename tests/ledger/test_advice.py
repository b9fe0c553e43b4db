"""Advice from a real ledger: what each column becomes, and how much is read of it."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given
from tests.ledger.drawn import CALLS, SOME
from tests.ledger.made import PLAIN, S, write

from tierscope.advice import Known, Units, advise, read
from tierscope.advice.columns import READ, Row, Workload
from tierscope.advice.figures import Figures, Minute
from tierscope.advice.reading import Reading
from tierscope.catalog.prices import rates
from tierscope.catalog.promises import promises
from tierscope.ledger import LedgerError
from tierscope.model import Attempt, CacheMiss, Call, Cost, Reply, Speed, Timing, Usage
from tierscope.promise.ramp import Ramps

if TYPE_CHECKING:
    from pathlib import Path

START: Final = 1_795_000_020 * S
"""2026-11-18, at the beginning of a minute."""
DAY: Final = 20_775
KNOWN: Final = Known(rates(), promises())
SNAPSHOT: Final = "gpt-4.1-2025-04-14"


def call(at_s: float = 0, tier: str = "priority", served: str | None = None, **facts: Any) -> Call:
    """A stream of gpt-4.1 that began so many seconds after the start, and took one."""
    served = served or tier
    request = PLAIN.request._replace(model="gpt-4.1", requested=tier, expected=tier, is_stream=True, project="proj_a")
    usage = facts.pop("usage", Usage(100, 20, cached=64))
    return PLAIN._replace(
        request=facts.pop("request", request),
        attempts=facts.pop("attempts", (Attempt(0, "ok", status=200),)),
        reply=facts.pop("reply", Reply(status=200, model=SNAPSHOT, tier_raw=served, usage=usage)),
        timing=Timing(0, S, START + round(at_s * S)),
        ending="complete",
        served=served,
        outcome=facts.pop("outcome", "honored" if served == tier else "downgraded"),
        inferred_cause=facts.pop("cause", None if served == tier else "capacity_or_unknown"),
        error_type=None,
        **facts,
    )


@pytest.fixture
def figures(tmp_path: Path) -> Any:
    """Return what makes the figures of calls, through a file."""

    def made(*calls: Call) -> Figures:
        write(tmp_path / "calls.db", calls)
        return read(tmp_path / "calls.db", KNOWN)

    return made


def test_what_a_line_has_in_common_comes_first() -> None:
    """The row is cut there."""
    assert Row._fields[: len(Workload._fields)] == Workload._fields


def test_calls_are_added_up_to_the_last_pico_dollar(figures: Any) -> None:
    """Those of one day that have all columns in common; parts are of the priced, cached and written apart."""
    paid = Cost(462_000_001, 264_000_000, None, "exact")
    lost = Cost(264_000_000, 264_000_000, 462_000_000, "exact")
    found = figures(
        call(0, cost=paid),
        call(1, cost=paid, usage=Usage(100, 20, cached=10, cache_write=5)),
        call(2, served="default", cost=lost),
        call(3, cost=Cost(unpriced="no_usage")),
        call(86_400, cost=paid),
    )
    first, down, later = sorted(found.lines, key=lambda one: (one.day, one.where.served != "priority"))
    assert (first.calls, first.priced, first.paid, first.above_default) == (3, 2, 924_000_002, 396_000_002)
    assert first.parts == (36 + 85, 74, 5, 40)
    assert (first.above_expected, first.compared) == (0, 0)
    assert (down.calls, down.above_expected, down.compared) == (1, -198_000_000, 1)
    assert (first.day, later.day, later.calls) == (DAY, DAY + 1, 1)
    assert (found.calls, tuple(found.span)) == (5, (START, START + 86_400 * S))


def test_prompts_of_different_prices_are_different_lines(figures: Any) -> None:
    """272 000 tokens are the last of one band; each line has a length that stands for its own."""
    lengths = (271_999, 272_000, 272_001, 500_000)
    lines = figures(*(call(number, usage=Usage(length, 1)) for number, length in enumerate(lengths))).lines
    long = [one for one in lines if one.prompt > 272_000]
    assert sum(one.calls for one in long) == 2
    assert sum(one.calls for one in lines) == 4


def test_retries_and_streams_without_usage_are_counted(figures: Any) -> None:
    """A stream that told no tokens, though it was read out; three attempts are two retries."""
    tries = (
        Attempt(0, "refused", status=429),
        Attempt(S, "refused", status=429, wait_ns=S // 2),
        Attempt(2 * S, "ok", wait_ns=S),
    )
    silent = call(1, reply=Reply(status=200, model=SNAPSHOT, tier_raw="priority"))
    (one,) = figures(call(0, attempts=tries), silent, call(2)._replace(ending="closed")).lines
    assert (one.retried, one.retries, one.waited_s, one.without_usage) == (1, 2, 1.5, 1)


MISSES: Final = [
    pytest.param(CacheMiss("service_tier_changed", 90), (90, 30, 6), id="all-that-was-not-cached"),
    pytest.param(CacheMiss("service_tier_changed", 20), (20, 20, 0), id="the-cheaper-first"),
    pytest.param(CacheMiss("service_tier_changed", 90, 96), (90, 30, 2), id="what-could-be-read-less-what-was"),
    pytest.param(CacheMiss("service_tier_changed", 90, 60), (90, 0, 0), id="less-could-be-read-than-was"),
    pytest.param(CacheMiss("service_tier_changed"), (0, 0, 0), id="no-estimate"),
    pytest.param(None, (0, 0, 0), id="none"),
]


@pytest.mark.parametrize(("miss", "tokens"), MISSES)
def test_a_miss_of_the_cache_is_as_few_tokens_as_is_told(
    figures: Any, miss: CacheMiss | None, tokens: tuple[int, int, int]
) -> None:
    """Of 100 input tokens 64 were cached, 6 written, 30 neither; one that has no price has nothing to be repriced."""
    reply = Reply(status=200, model=SNAPSHOT, usage=Usage(100, 20, cached=64, cache_write=6), cache_miss=miss)
    cost = Cost(462_000_000, 264_000_000, None, "exact")
    (one,) = figures(call(reply=reply, cost=cost), call(1, reply=reply, cost=Cost(unpriced="no_price"))).lines
    twice = 2 * tokens[0]
    assert (one.missed, one.lost_plain, one.lost_written) == (twice, *tokens[1:])
    assert one.where.cache_miss == (miss and miss.reason)


TRIES: Final = [
    pytest.param((Attempt(0, "timeout"), Attempt(601 * S, "ok", wait_ns=S // 2)), 1, id="601-less-a-wait"),
    pytest.param((Attempt(0, "timeout"), Attempt(599 * S, "ok", wait_ns=S // 2)), 0, id="sooner"),
    pytest.param((Attempt(0, "timeout"), Attempt(901 * S, "ok", wait_ns=S // 2)), 0, id="patient"),
    pytest.param((Attempt(0, "ok"), Attempt(601 * S, "timeout", wait_ns=S)), 1, id="the-last"),
    pytest.param((Attempt(0, "server_error"), Attempt(601 * S, "ok", wait_ns=S)), 0, id="answered"),
]


@pytest.mark.parametrize(("tries", "count"), TRIES)
def test_the_default_time_out_is_proven_by_an_attempt_of_ten_minutes(
    figures: Any, tries: tuple[Attempt, ...], count: int
) -> None:
    """On flex; the last attempt ends with the call, here after 1 201.5 s."""
    one = call(0, "flex", attempts=tries)
    (line,) = figures(one._replace(timing=Timing(0, 1_201 * S + S // 2, START))).lines
    assert line.impatient == count


def test_other_tiers_need_no_patience(figures: Any) -> None:
    tries = (Attempt(0, "timeout"), Attempt(601 * S, "ok", wait_ns=S // 2))
    (line,) = figures(call(attempts=tries)).lines
    assert line.impatient == 0


def test_attempts_that_nobody_of_ours_wrote_are_one_error(tmp_path: Path) -> None:
    path = tmp_path / "calls.db"
    write(path, [call(0, "flex", attempts=(Attempt(0, "timeout"),))])
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("UPDATE calls SET attempts_json = '7'")
        db.commit()
    with pytest.raises(LedgerError, match="row 1: attempts_json is '7', no list of attempts"):
        advise(path)


def test_speeds_are_those_of_streams_that_were_read_in_time(figures: Any) -> None:
    """By model of the reply and served tier; other tiers are not compared."""
    speed = Speed(first_token_s=0.25, generation=91.5, consumer_limited=False)
    found = figures(
        call(0, speed=speed),
        call(1, served="default", speed=speed._replace(generation=45.0, first_token_s=None)),
        call(2, speed=speed._replace(consumer_limited=True)),
        call(3, speed=Speed()),
        call(4, "flex", speed=speed),
    )
    key = ("openai", SNAPSHOT)
    assert {k: (list(v.generation), list(v.first_token)) for k, v in found.speeds.items()} == {
        (*key, "priority"): ([91.5], [0.25]),
        (*key, "default"): ([45.0], []),
    }


def test_scale_is_kept_by_the_minute_in_which_calls_ended(figures: Any) -> None:
    """What spilled over makes the minute observed, and uses nothing of it."""
    found = figures(call(58.5, "scale"), call(59.5, "scale"), call(200, "scale", "default"))
    first = START // (60 * S)
    assert found.scale == {
        ("openai", SNAPSHOT): {first: Minute(100, 20), first + 1: Minute(100, 20), first + 3: Minute(0, 0)}
    }


def test_a_background_response_counts_once_with_what_was_asked(figures: Any) -> None:
    """Queued, then fetched: the tokens of the fetch, tier and workload of the request; a second fetch is no call."""
    asked = PLAIN.request._replace(operation="chat", endpoint="responses", model="gpt-5", requested="flex",
                                   expected="flex", is_background=True)  # fmt: skip
    stored = asked._replace(operation="fetch_response", requested="unreported", expected=None)
    queued = Reply(model="gpt-5-2025-08-07", response_id="r", is_usage_new=False, is_terminal=False)
    final = queued._replace(usage=Usage(7, 3), is_usage_new=True, tier_raw="flex")
    told = Cost(5, 10, None, "exact")
    other = queued._replace(response_id="still-queued")
    found = figures(
        call(0, request=asked, reply=queued, served="unreported", outcome="unverified", service="a", workload="b"),
        call(1, request=stored, reply=final, served="flex", outcome="honored", cost=told, service="c"),
        call(2, request=stored, reply=final._replace(is_usage_new=False), served="flex", outcome="honored"),
        call(3, request=asked, reply=other, served="unreported", outcome="unverified"),
    )
    fetched, waiting = sorted(found.lines, key=lambda one: -one.paid)
    assert (fetched.calls, fetched.paid, fetched.parts) == (1, 5, (7, 0, 0, 3))
    assert (fetched.where.requested, fetched.where.expected) == ("flex", "flex")
    assert (fetched.where.service, fetched.where.workload) == ("a", "b")
    assert (waiting.calls, waiting.where.served, found.calls) == (1, "unreported", 2)


def test_batches_are_no_calls(figures: Any) -> None:
    assert figures(call(0, request=PLAIN.request._replace(operation="batch", endpoint="batches"))).calls == 0


# ── growth ────────────────────────────────────────────────────────────────────────────────────────────────────────────
def ramp() -> list[Call]:
    """Minutes of 10, 11, 11 and 22 calls of 100 000 tokens; the last 3 lost priority, and one long prompt before."""
    counts, usage = (10, 11, 11, 22), Usage(100_000, 20)
    made = [call(60 * minute + number, usage=usage) for minute, count in enumerate(counts) for number in range(count)]
    cost = Cost(200_160_000_000, 200_160_000_000, 350_280_000_000, "exact")
    down = {"served": "default", "outcome": "downgraded", "inferred_cause": "capacity_or_unknown", "cost": cost}
    lost = [one._replace(**down) for one in made[-3:]]
    return [*made[:-3], *lost, call(121, served="default", cause="long_context", usage=Usage(2_000_000, 20))]


def test_calls_lost_to_the_ramp_rule_are_found_in_a_ledger(tmp_path: Path) -> None:
    """2.2 M after 1.1 M; three of 350 280 less 200 160 micro-dollars. A long prompt is no growth of priority's."""
    write(tmp_path / "calls.db", ramp())
    by_rule = {one.rule: one for one in advise(tmp_path / "calls.db")}
    assert set(by_rule) == {"ramp-rate", "long-context"}
    found = by_rule["ramp-rate"]
    assert (found.calls, found.money and found.money.pico) == (3, 3 * 150_120_000_000)
    assert found.evidence == {"steps_beyond_the_rule": 1, "seconds_a_step": 60.0}


def test_only_calls_that_ran_while_traffic_grew_too_fast_are_kept(figures: Any) -> None:
    """Of four that were lost the one of the steady third minute met nothing of the rule."""
    calls = ramp()
    early = calls[25]._replace(served="default", outcome="downgraded", inferred_cause=None)
    found = figures(*calls[:25], early, *calls[26:])
    assert sum(one.calls for one in found.beyond) == 3
    assert {one.steps for one in found.beyond} == {range(step := START // (60 * S) + 3, step + 1)}


def test_a_shorter_window_is_for_simulations(tmp_path: Path) -> None:
    """Fifteen steps of a second: 1, 1, 1 and 3 calls of 100 000 tokens are 6 M a minute, then 18 M."""
    calls = [call(second, usage=Usage(100_000, 1)) for second in range(4)]
    calls += [call(4 + number / 10, served="default", usage=Usage(100_000, 1)) for number in range(3)]
    write(tmp_path / "calls.db", calls)
    assert [one.rule for one in advise(tmp_path / "calls.db", ramp_window=15)] == ["ramp-rate"]
    assert advise(tmp_path / "calls.db") == ()


# ── the whole ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_an_empty_ledger_says_nothing(tmp_path: Path) -> None:
    (tmp_path / "calls.db").touch()
    assert advise(tmp_path / "calls.db") == ()
    assert read(tmp_path / "calls.db", KNOWN).calls == 0


def test_units_are_compared_over_their_hour(tmp_path: Path) -> None:
    """One unit each, two calls in 61 minutes: 61/1440 of 146 dollars, less 200 x 3.50 + 40 x 14 micro-dollars."""
    unit = KNOWN.promises.scale_unit("openai", "gpt-4.1", DAY)
    assert unit is not None
    write(tmp_path / "calls.db", [call(0, "scale"), call(3_600, "scale")])
    (one,) = advise(tmp_path / "calls.db", units=[Units(unit, 1, 1)])
    assert (one.id, one.calls) == ("scale-idle:openai:gpt-4.1", 2)
    assert one.money is not None
    assert one.money.pico == round(146 * 61 * 10**12 / 1_440) - (200 * 3_500_000 + 40 * 14_000_000)


@SOME
@given(CALLS)
def test_what_sqlite_adds_up_is_what_rows_add_up_to(
    tmp_path_factory: pytest.TempPathFactory, calls: list[Call]
) -> None:
    """Every figure, and the order of lines, against each row read by itself."""
    path = tmp_path_factory.mktemp("ledger") / "calls.db"
    write(path, calls)
    one_by_one = Reading(KNOWN.rates, Ramps(KNOWN.promises.ramp))
    with contextlib.closing(sqlite3.connect(path)) as db:
        rows = db.execute(f"SELECT {READ} FROM calls WHERE operation <> 'batch' ORDER BY row").fetchall()  # noqa: S608
    one_by_one.add_all(map(Row._make, rows))
    found, made = read(path, KNOWN), one_by_one.figures()
    for name in ("calls", "span", "lines", "scale", "over"):
        assert getattr(found, name) == getattr(made, name)
    assert set(found.beyond) == set(made.beyond)
    assert {key: tuple(map(sorted, speeds)) for key, speeds in found.speeds.items()} == {
        key: tuple(map(sorted, speeds)) for key, speeds in made.speeds.items()
    }
