"""The report against sums made anew, by hand and with rows that hypothesis makes."""

from __future__ import annotations

import contextlib
import dataclasses
import sqlite3
from collections import Counter
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ledger.made import FULL, PLAIN, S, write

from tierscope import words
from tierscope.ledger.figures import Group, Money, Quantiles, Report, Shift, Tokens
from tierscope.ledger.queries import Row, Tally, unsaid
from tierscope.ledger.store import open_to_read, open_to_write
from tierscope.model import Attempt, Reply, Speed, Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

MANY: Final = settings(derandomize=True, deadline=None, database=None, max_examples=150)
FEW: Final = settings(MANY, max_examples=10)
NONE: Final = Quantiles()
ROW: Final = Row(
    row=1,
    provider="openai",
    operation="chat",
    endpoint="chat_completions",
    request_model="gpt-4.1",
    response_model="gpt-4.1-2025-04-14",
    requested="priority",
    expected="priority",
    served="priority",
    outcome="honored",
    inferred_cause=None,
    ending="complete",
    error_type=None,
    trusted=1,
    started_unix_ns=1_000,
    attempts=1,
    attempts_refused=0,
    attempts_rate_limited=0,
    attempts_server_error=0,
    attempts_timeout=0,
    attempts_no_response=0,
    input_tokens=10,
    output_tokens=20,
    cached_tokens=3,
    reasoning_tokens=4,
    usage_is_new=1,
    cost_usd=0.000264,
    cost_default_usd=0.000264,
    cost_expected_usd=None,
    cost_absent=None,
    first_token_s=0.5,
    rate_generation=90.0,
    rate_end_to_end=70.0,
    consumer_limited=0,
    is_stream=1,
    is_background=0,
    response_id="r1",
)
DOWN: Final = ROW._replace(served="default", outcome="downgraded", inferred_cause="capacity_or_unknown")


def told(*rows: Row) -> Report:
    """Return the report of rows, numbered as they come."""
    tally = Tally()
    for number, row in enumerate(rows, 1):
        tally.add(row._replace(row=number))
    return tally.report()


def store(path: Path, rows: Sequence[Row]) -> None:
    with contextlib.closing(open_to_write(str(path))[0]) as db:
        names = ", ".join(Row._fields)
        db.executemany(f"INSERT INTO calls ({names}) VALUES ({', '.join('?' * len(Row._fields))})", rows)  # noqa: S608


# ── rows that hypothesis makes, and the same sums by other means ──────────────────────────────────────────────────────
COUNT: Final = st.integers(0, 3)
TOKENS: Final = st.none() | st.integers(0, 1_000_000)
RATE: Final = st.none() | st.floats(0.1, 500)
MONEY: Final = st.none() | st.integers(0, 10**14).map(lambda amount: amount / 1e12)
FLAG: Final = st.sampled_from([None, 0, 1])
DRAWN: Final = st.builds(
    Row,
    row=st.just(0),
    provider=st.sampled_from(["openai", "azure.ai.openai"]),
    operation=st.sampled_from(["chat", "chat", "fetch_response", "batch"]),
    endpoint=st.sampled_from(["chat_completions", "responses", "embeddings"]),
    request_model=st.sampled_from([None, "a", "b"]),
    response_model=st.sampled_from([None, "c"]),
    requested=st.sampled_from(["priority", "flex", "unset"]),
    expected=st.sampled_from([None, "priority", "flex", "default"]),
    served=st.sampled_from(["priority", "default", "unreported", "_OTHER"]),
    outcome=st.sampled_from(words.OUTCOMES),
    inferred_cause=st.sampled_from([None, "long_context", "capacity_or_unknown"]),
    ending=st.sampled_from(words.ENDINGS),
    error_type=st.sampled_from([None, "timeout", "server_error"]),
    trusted=st.integers(0, 1),
    started_unix_ns=st.integers(0, 2**62),
    attempts=COUNT,
    attempts_refused=COUNT,
    attempts_rate_limited=COUNT,
    attempts_server_error=COUNT,
    attempts_timeout=COUNT,
    attempts_no_response=COUNT,
    input_tokens=TOKENS,
    output_tokens=TOKENS,
    cached_tokens=TOKENS,
    reasoning_tokens=TOKENS,
    usage_is_new=FLAG,
    cost_usd=MONEY,
    cost_default_usd=MONEY,
    cost_expected_usd=MONEY,
    cost_absent=st.sampled_from([None, "no_usage", "unknown_model"]),
    first_token_s=RATE,
    rate_generation=RATE,
    rate_end_to_end=RATE,
    consumer_limited=FLAG,
    is_stream=st.integers(0, 1),
    is_background=st.integers(0, 1),
    response_id=st.sampled_from([None, "r1", "r2", "r3"]),
    batch_requests_completed=FLAG,
    batch_requests_failed=FLAG,
)
ROWS: Final = st.lists(DRAWN, max_size=25).map(
    lambda rows: [row._replace(row=number) for number, row in enumerate(rows, 1)]
)


def counted(rows: Sequence[Row]) -> list[Row]:
    """Return the rows that are calls, and no batches: a queued response is one until a fetch brings its end."""
    calls: list[Row] = []
    rows = [row for row in rows if row.operation != "batch"]
    for index, row in enumerate(rows):
        is_fetch, is_old = row.operation == "fetch_response", row.usage_is_new == 0
        if is_fetch and is_old:
            continue
        if not is_fetch and row.is_background and is_old and row.response_id is not None:
            later = rows[index + 1 :]
            same = [other for other in later if other.response_id == row.response_id]
            is_replaced = any(
                (other.operation == "fetch_response" and other.usage_is_new != 0)
                or (other.operation != "fetch_response" and other.is_background and other.usage_is_new == 0)
                for other in same
            )
            if is_replaced:
                continue
        calls.append(row)
    return calls


def spread(samples: Sequence[float | None]) -> Quantiles:
    known = sorted(sample for sample in samples if sample is not None)
    if not known:
        return NONE
    at = {percent: known[(percent * len(known) + 99) // 100 - 1] for percent in (5, 50, 95)}
    return Quantiles(len(known), at[5], at[50], at[95])


def tokens(rows: Sequence[Row]) -> Tokens:
    new = [row for row in rows if row.usage_is_new != 0]
    return Tokens(
        input=sum(row.input_tokens or 0 for row in new),
        output=sum(row.output_tokens or 0 for row in new),
        cached=sum(row.cached_tokens or 0 for row in new),
        reasoning=sum(row.reasoning_tokens or 0 for row in new),
    )


def asked(row: Row) -> tuple[Any, ...]:
    return row.provider, row.request_model or row.response_model, row.requested, row.expected


def group_of(rows: Sequence[Row], key: tuple[Any, ...]) -> Group:
    """Return the group of a key: everything in it by one expression of its own."""
    mine = [row for row in rows if (*asked(row), row.served) == key]
    fast = [row for row in mine if row.consumer_limited != 1]
    return Group(
        provider=key[0],
        model=key[1],
        requested=key[2],
        expected=key[3],
        served=key[4] if key[4] != "unreported" else None,
        calls=len(mine),
        share=len(mine) / sum(asked(row) == key[:4] for row in rows),
        outcomes=Counter(row.outcome for row in mine),
        causes=Counter(row.inferred_cause for row in mine if row.inferred_cause),
        errors=Counter(row.error_type for row in mine if row.error_type),
        retries=sum(row.attempts - 1 for row in mine if row.attempts > 1),
        generation=spread([row.rate_generation for row in fast]),
        end_to_end=spread([row.rate_end_to_end for row in fast]),
        first_token=spread([row.first_token_s for row in mine]),
        tokens=tokens(mine),
        money=money(mine),
    )


def shifts_of(rows: Sequence[Row]) -> list[Shift]:
    moved = [row for row in rows if row.expected and row.outcome in {"downgraded", "upgraded"}]
    keys = {(row.expected, row.served, row.requested == row.expected, row.outcome == "downgraded") for row in moved}
    made = []
    for expected, served, is_asked, is_down in keys:
        alike = [row for row in rows if row.expected == expected and (row.requested == expected) == is_asked]
        mine = [row for row in alike if row.served == served and row.outcome == ("upgraded", "downgraded")[is_down]]
        causes = Counter(row.inferred_cause or "unknown" for row in mine)
        made.append(Shift(str(expected), served, is_asked, is_down, len(mine), len(alike), causes))
    return made


def by_name(figures: Sequence[Any], names: int) -> dict[tuple[Any, ...], Any]:
    """Return figures by the fields that name them, each there once."""
    named = {dataclasses.astuple(figure)[:names]: figure for figure in figures}
    assert len(named) == len(figures)
    return named


def money(rows: Sequence[Row]) -> Money:
    """Return the sums of money anew, by fractions of what the columns say."""
    paid = [row for row in rows if row.cost_usd is not None]

    def total(part: Callable[[Row], float | None]) -> float:
        return float(sum(Fraction(round((part(row) or 0.0) * 10**12), 10**12) for row in paid))

    def above(one: str, other: str, of: Callable[[Row], bool]) -> Callable[[Row], float]:
        def part(row: Row) -> float:
            first, second = getattr(row, one), getattr(row, other)
            is_known = first is not None and second is not None and of(row)
            return max(0.0, (round(first * 10**12) - round(second * 10**12)) / 10**12) if is_known else 0.0

        return part

    def downgraded(row: Row) -> bool:
        return row.outcome == "downgraded"

    def flex(row: Row) -> bool:
        return row.expected == "flex"

    return Money(
        cost=total(lambda row: row.cost_usd),
        priced=len(paid),
        at_default=total(lambda row: row.cost_default_usd),
        premium_paid=total(above("cost_usd", "cost_default_usd", lambda _: True)),
        saving_made=total(above("cost_default_usd", "cost_usd", lambda _: True)),
        premium_not_charged=total(above("cost_expected_usd", "cost_usd", downgraded)),
        saving_lost=total(above("cost_usd", "cost_expected_usd", flex)),
        unpriced=Counter(row.cost_absent for row in rows if row.cost_absent),
    )


@MANY
@given(ROWS)
def test_the_report_equals_sums_made_anew(rows: list[Row]) -> None:
    """Every figure of it, whatever the rows."""
    calls, report = counted(rows), told(*rows)
    keys = {(*asked(row), row.served) for row in calls}
    assert by_name(report.groups, 5) == by_name([group_of(calls, key) for key in keys], 5)
    assert report.calls == len(calls)
    assert report.attempts == sum(row.attempts for row in calls)
    assert report.outcomes == Counter(row.outcome for row in calls)
    assert report.errors == Counter(row.error_type for row in calls if row.error_type)
    assert report.endings == Counter(row.ending for row in calls)
    assert report.unsaid == Counter(reason for reason in map(unsaid, calls) if reason)
    for kind in ("refused", "rate_limited", "server_error", "timeout", "no_response"):
        name = f"attempts_{kind}"
        assert getattr(report, name) == sum(getattr(row, name) for row in calls)
    answered = [row for row in calls if row.outcome not in {"refused", "failed"}]
    assert report.recovered == sum(row.attempts_refused > 0 for row in answered)
    assert report.consumer_limited == sum(row.consumer_limited == 1 for row in calls)
    assert report.fetches == len([row for row in rows if row.operation == "fetch_response" and row.usage_is_new == 0])
    assert report.tokens == tokens(calls)
    assert report.money == money(calls)
    batches = [row for row in rows if row.operation == "batch"]
    assert (report.batches, report.batch_tokens) == (len(batches), tokens(batches))
    assert report.batch_requests_completed == sum(row.batch_requests_completed or 0 for row in batches)
    assert report.batch_requests_failed == sum(row.batch_requests_failed or 0 for row in batches)
    assert report.batch_money == money(batches)
    starts = [row.started_unix_ns for row in calls]
    assert (report.first_unix_ns, report.last_unix_ns) == ((min(starts), max(starts)) if starts else (None, None))
    assert by_name(report.shifts, 4) == by_name(shifts_of(calls), 4)


@MANY
@given(ROWS, st.data())
def test_reading_on_equals_reading_at_once(rows: list[Row], data: st.DataObject) -> None:
    """A live view, which reads whatever is new, ends with the figures of one reading; also between any two rows."""
    live = Tally()
    with contextlib.closing(sqlite3.connect(":memory:")) as db:
        db.execute(f"CREATE TABLE calls (row INTEGER PRIMARY KEY, {', '.join(Row._fields[1:])})")
        insert = f"INSERT INTO calls VALUES ({', '.join('?' * len(Row._fields))})"  # noqa: S608
        while rows:
            size = data.draw(st.integers(1, len(rows)))
            db.executemany(insert, rows[:size])
            rows = rows[size:]
            assert live.read(db) is True
            assert live.read(db) is False
            whole = Tally()
            whole.read(db)
            assert live.report() == whole.report()
            assert live.last == whole.last == db.execute("SELECT max(row) FROM calls").fetchone()[0]
        assert live.read(db) is False


# ── by hand ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_no_rows() -> None:
    """All figures are there, and none is made up."""
    assert told() == Report()


def test_one_group_by_hand() -> None:
    """Each figure of a group of three calls, one of them read too slowly by its application."""
    rows = (
        ROW,
        ROW._replace(attempts=3, rate_generation=60.0, rate_end_to_end=None, first_token_s=0.1),
        ROW._replace(consumer_limited=1, rate_generation=1.0, rate_end_to_end=1.0, first_token_s=None),
    )
    (group,) = told(*rows).groups
    assert group == Group(
        provider="openai",
        model="gpt-4.1",
        requested="priority",
        expected="priority",
        served="priority",
        calls=3,
        share=1.0,
        outcomes={"honored": 3},
        causes={},
        errors={},
        retries=2,
        generation=Quantiles(2, 60.0, 60.0, 90.0),
        end_to_end=Quantiles(1, 70.0, 70.0, 70.0),
        first_token=Quantiles(2, 0.1, 0.1, 0.5),
        tokens=Tokens(30, 60, 9, 12),
        money=Money(cost=0.000792, priced=3, at_default=0.000792),
    )


def test_a_share_is_of_the_calls_that_asked_for_the_same() -> None:
    """Not of those of another model, provider, or request."""
    others = (
        ROW._replace(request_model="gpt-5"),
        ROW._replace(provider="azure.ai.openai"),
        ROW._replace(requested="unset"),
        ROW._replace(expected=None),
    )
    groups = told(ROW, ROW, ROW, DOWN, *others).groups
    mine = {group.served: group.share for group in groups if group.calls > 1 or group.served == "default"}
    assert mine == {"priority": 0.75, "default": 0.25}
    assert [group.share for group in groups].count(1.0) == 4


def test_groups_stand_in_order() -> None:
    """By provider, model, request, promise; then the most frequent tier first."""
    rows = (
        DOWN,
        ROW,
        ROW,
        ROW._replace(request_model="a"),
        ROW._replace(provider="azure.ai.openai", request_model="z"),
        ROW._replace(requested="flex", expected="flex", served="flex"),
        ROW._replace(expected=None, outcome="resolved"),
    )
    assert [(g.provider, g.model, g.requested, g.expected, g.served) for g in told(*rows).groups] == [
        ("azure.ai.openai", "z", "priority", "priority", "priority"),
        ("openai", "a", "priority", "priority", "priority"),
        ("openai", "gpt-4.1", "flex", "flex", "flex"),
        ("openai", "gpt-4.1", "priority", None, "priority"),
        ("openai", "gpt-4.1", "priority", "priority", "priority"),
        ("openai", "gpt-4.1", "priority", "priority", "default"),
    ]


def test_a_model_is_the_one_asked_for() -> None:
    """Else the one that answered, else unknown."""
    rows = (ROW, ROW._replace(request_model=None), ROW._replace(request_model=None, response_model=None))
    assert [group.model for group in told(*rows).groups] == [None, "gpt-4.1", "gpt-4.1-2025-04-14"]


def test_words_stand_by_frequency() -> None:
    """Outcomes, causes, errors, endings."""
    few = DOWN._replace(inferred_cause="long_context", error_type="timeout", ending="closed")
    many = DOWN._replace(outcome="failed", inferred_cause="ramp_rate", error_type="server_error", ending="error")
    report = told(few, many, many)
    assert list(report.outcomes) == list(report.groups[0].outcomes) == ["failed", "downgraded"]
    assert list(report.errors) == list(report.groups[0].errors) == ["server_error", "timeout"]
    assert list(report.endings) == ["error", "closed"]
    assert list(report.groups[0].causes) == ["ramp_rate", "long_context"]
    assert list(told(few, DOWN, DOWN).shifts[0].causes) == ["capacity_or_unknown", "long_context"]


def test_downgrades_stand_before_upgrades_and_many_before_few() -> None:
    """As the headlines need them; a promise by a setting is told from one that was asked for."""
    up = ROW._replace(requested="flex", expected="flex", served="priority", outcome="upgraded")
    by_setting = DOWN._replace(requested="unset", expected="scale")
    report = told(up, up, up, by_setting, DOWN, DOWN, ROW)
    assert report.shifts == (
        Shift("priority", "default", True, True, 2, 3, {"capacity_or_unknown": 2}),
        Shift("scale", "default", False, True, 1, 1, {"capacity_or_unknown": 1}),
        Shift("flex", "priority", True, False, 3, 3, {"unknown": 3}),
    )


# ── background work and fetches ───────────────────────────────────────────────────────────────────────────────────────
QUEUED: Final = ROW._replace(
    endpoint="responses",
    is_background=1,
    usage_is_new=0,
    outcome="unverified",
    served="unreported",
    input_tokens=None,
    output_tokens=None,
    response_id="bg1",
)
DONE: Final = QUEUED._replace(
    operation="fetch_response", usage_is_new=1, outcome="honored", served="priority", input_tokens=7, output_tokens=9
)
POLLED: Final = QUEUED._replace(operation="fetch_response")


def test_background_work_counts_once() -> None:
    """Asked for, polled twice, fetched, and fetched again: one call, with what the fetch told."""
    again = DONE._replace(usage_is_new=0)
    report = told(QUEUED, POLLED, POLLED, DONE, again)
    assert (report.calls, report.fetches, report.outcomes) == (1, 3, {"honored": 1})
    assert (report.tokens.input, report.tokens.output) == (7, 9)


def test_background_work_under_way_is_one_call_as_it_stands() -> None:
    """Until its end is known; a report in between changes nothing of the next."""
    tally = Tally()
    tally.add(QUEUED)
    first = tally.report()
    assert (first.calls, first.outcomes, first.unsaid, first.fetches) == (1, {"unverified": 1}, {"queued": 1}, 0)
    assert tally.report() == first
    tally.add(DONE._replace(row=2))
    assert (tally.report().calls, tally.report().outcomes, tally.report().unsaid) == (1, {"honored": 1}, {})


def test_several_kinds_of_background_work() -> None:
    """Each id for itself; one that failed to be asked for at all is a call like any other."""
    failed = QUEUED._replace(usage_is_new=None, response_id=None, outcome="failed")
    report = told(QUEUED, QUEUED._replace(response_id="bg2"), failed, DONE)
    assert (report.calls, report.outcomes) == (3, {"unverified": 1, "honored": 1, "failed": 1})


def test_batches_are_no_calls() -> None:
    """They are counted apart, requests and tokens too, and are in no other figure; unknown ones add nothing."""
    batch = ROW._replace(operation="batch", endpoint="batches", outcome="failed", served="batch", attempts=0)
    told_of = (
        batch._replace(batch_requests_completed=95, batch_requests_failed=5),
        batch,
        batch._replace(cached_tokens=None),
    )
    report = told(ROW, *told_of)
    assert report == dataclasses.replace(
        told(ROW),
        batches=3,
        batch_requests_completed=95,
        batch_requests_failed=5,
        batch_money=Money(cost=0.000792, priced=3, at_default=0.000792),
        batch_tokens=Tokens(30, 60, 6, 12),
    )


def test_tokens_are_counted_once() -> None:
    """Those of a stored response that was counted before are no new ones."""
    assert told(ROW._replace(usage_is_new=0)).tokens == Tokens()
    assert told(ROW._replace(usage_is_new=None)).tokens == Tokens(10, 20, 3, 4)


# ── reasons and counts ────────────────────────────────────────────────────────────────────────────────────────────────
UNVERIFIED: Final = ROW._replace(outcome="unverified")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        pytest.param(ROW, None, id="honored"),
        pytest.param(ROW._replace(outcome="unreported"), "not_reported", id="no-tier"),
        pytest.param(ROW._replace(outcome="unreported", endpoint="embeddings"), "tierless_endpoint", id="embeddings"),
        pytest.param(ROW._replace(outcome="unreported", endpoint="completions"), "tierless_endpoint", id="completions"),
        pytest.param(UNVERIFIED._replace(trusted=0, ending="closed"), "host_not_trusted", id="host"),
        pytest.param(UNVERIFIED._replace(ending="closed"), "cut_short", id="closed"),
        pytest.param(UNVERIFIED._replace(ending="abandoned"), "cut_short", id="abandoned"),
        pytest.param(UNVERIFIED._replace(ending="cancelled"), "cut_short", id="cancelled"),
        pytest.param(UNVERIFIED._replace(is_background=1, usage_is_new=0), "queued", id="queued"),
        pytest.param(UNVERIFIED._replace(is_background=1, served="_OTHER"), "unknown_word", id="unknown-word"),
        pytest.param(UNVERIFIED, "no_rule", id="no-rule"),
    ],
)
def test_why_an_outcome_is_unknown(row: Row, reason: str | None) -> None:
    """The first reason that holds, and none where the outcome is known."""
    assert unsaid(row) == reason
    assert told(row).unsaid == ({reason: 1} if reason else {})


SILENT: Final = ROW._replace(output_tokens=None)


@pytest.mark.parametrize(
    ("row", "count"),
    [
        pytest.param(SILENT, 1, id="chat"),
        pytest.param(SILENT._replace(endpoint="completions"), 1, id="completions"),
        pytest.param(ROW, 0, id="with-usage"),
        pytest.param(ROW._replace(output_tokens=0), 0, id="with-none-used"),
        pytest.param(SILENT._replace(is_stream=0), 0, id="no-stream"),
        pytest.param(SILENT._replace(endpoint="responses"), 0, id="responses"),
        pytest.param(SILENT._replace(ending="closed"), 0, id="cut"),
        pytest.param(SILENT._replace(outcome="failed"), 0, id="failed"),
        pytest.param(SILENT._replace(outcome="refused"), 0, id="refused"),
    ],
)
def test_streams_without_usage(row: Row, count: int) -> None:
    """Only those that a setting would have given one."""
    assert told(row).streams_without_usage == count


@pytest.mark.parametrize(("outcome", "count"), [("honored", 1), ("downgraded", 1), ("refused", 0), ("failed", 0)])
def test_calls_that_a_retry_saved(outcome: str, count: int) -> None:
    """Refused over the tier at first, then answered; however often they were refused."""
    assert told(ROW._replace(attempts_refused=2, attempts=3, outcome=outcome)).recovered == count
    assert told(ROW._replace(attempts_timeout=2, attempts=3, outcome=outcome)).recovered == 0


# ── from calls, through a file ────────────────────────────────────────────────────────────────────────────────────────
def test_a_file_of_calls(tmp_path: Path) -> None:
    """Rows as the sink writes them: every column that a report reads is where the schema puts it."""
    answered = PLAIN._replace(
        request=PLAIN.request._replace(model="gpt-4.1", requested="priority", expected="priority"),
        attempts=(Attempt(0, "refused", status=429), Attempt(S, "ok", status=200)),
        reply=Reply(usage=Usage(input=5, output=6, cached=1, reasoning=2)),
        ending="complete",
        speed=Speed(first_token_s=0.5, generation=90.0, end_to_end=80.0, consumer_limited=False),
        served="priority",
        outcome="honored",
    )
    path = tmp_path / "calls.db"
    write(path, [answered, PLAIN, FULL])
    db = open_to_read(path)
    assert db is not None
    tally = Tally()
    with contextlib.closing(db):
        tally.read(db)
        late = Tally(after=2)
        late.read(db)
    report = tally.report()
    assert (report.calls, report.attempts, report.recovered) == (3, 14, 2)
    assert report.tokens == Tokens(5, 6, 1, 2)
    assert report.outcomes == {"honored": 1, "failed": 1, "downgraded": 1}
    assert (report.first_unix_ns, report.last_unix_ns) == (1_700_000_000 * S, 1_700_000_000_123_456_789)
    assert late.report().outcomes == {"downgraded": 1}
    priority = next(group for group in report.groups if group.served == "priority")
    assert priority.generation == Quantiles(1, 90.0, 90.0, 90.0)
    assert priority.first_token == Quantiles(1, 0.5, 0.5, 0.5)


@FEW
@given(ROWS)
def test_rows_come_out_of_a_file_as_they_went_in(tmp_path_factory: pytest.TempPathFactory, rows: list[Row]) -> None:
    """The columns that are read are columns of the table."""
    path = tmp_path_factory.mktemp("ledger") / "calls.db"
    store(path, rows)
    tally = Tally()
    with contextlib.closing(sqlite3.connect(path)) as db:
        tally.read(db)
    assert tally.report() == told(*rows)
