"""A period of a ledger as samples: every field from its column, each call once."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.ledger.made import FULL, PLAIN, S, numbered, write

from tierscope.ledger import samples
from tierscope.ledger.queries import Tally
from tierscope.ledger.store import open_to_read
from tierscope.model import Reply, Usage
from tierscope.promise.samples import Sample, Try

if TYPE_CHECKING:
    from pathlib import Path

    from tierscope.model import Call

FEW: Final = settings(derandomize=True, deadline=None, database=None, max_examples=40)
EVER: Final = (0, 2**62)


def read(path: Path, calls: list[Call], begin: int = EVER[0], end: int = EVER[1]) -> list[Sample]:
    write(path, calls)
    db = open_to_read(path)
    assert db is not None
    with contextlib.closing(db):
        return list(samples.read(db, begin, end))


def test_every_field_has_its_column(tmp_path: Path) -> None:
    """A call of which everything is known; it lasted from second 2 to second 12."""
    assert FULL.reply is not None
    call = FULL._replace(reply=FULL.reply._replace(is_usage_new=True))
    (found,) = read(tmp_path / "calls.db", [call])
    assert found == Sample(
        provider="azure.ai.openai",
        started_ns=1_700_000_000_123_456_789,
        duration_ns=10 * S,
        request_model="gpt-4.1",
        response_model="gpt-4.1-2025-04-14",
        expected="ultrafast",
        served="default",
        outcome="downgraded",
        inferred_cause="long_context",
        error_type="server_error",
        trusted=True,
        input_tokens=101,
        cached_tokens=103,
        output_tokens=102,
        generation=91.5,
        end_to_end=72.5,
        consumer_limited=True,
        is_background=True,
        tries=(
            Try("refused", 429, "resource_unavailable"),
            Try("rate_limited", 429, "rate_limit_exceeded"),
            Try("spend_limited", 429),
            Try("server_error", 503),
            Try("server_error", 500),
            *[Try("timeout")] * 3,
            Try("no_response"),
            Try("client_error", 400),
            Try("cancelled"),
            Try("ok", 200),
        ),
    )


def test_what_is_unknown_stays_so(tmp_path: Path) -> None:
    """A call of which nothing is known."""
    call = PLAIN._replace(request=PLAIN.request._replace(trusted=False))
    (found,) = read(tmp_path / "calls.db", [call])
    assert found == Sample("openai", 1_700_000_000 * S, S, outcome="failed", trusted=False)


def test_tokens_that_were_counted_before_are_none(tmp_path: Path) -> None:
    old = PLAIN._replace(reply=Reply(usage=Usage(input=5, cached=1, output=6), is_usage_new=False))
    (found,) = read(tmp_path / "calls.db", [old])
    assert (found.input_tokens, found.cached_tokens, found.output_tokens) == (None, None, None)


def test_a_period_has_its_beginning_and_not_its_end(tmp_path: Path) -> None:
    found = read(tmp_path / "calls.db", [numbered(number) for number in (99, 200, 150, 100, 199)], 100, 200)
    assert [sample.started_ns for sample in found] == [150, 100, 199]


def test_the_span_of_a_ledger(tmp_path: Path) -> None:
    """Whatever the order of its rows; none of an empty one."""
    write(tmp_path / "calls.db", [])
    write(tmp_path / "more.db", [numbered(2), numbered(1), numbered(3)])
    found = []
    for name in ("calls.db", "more.db"):
        db = open_to_read(tmp_path / name)
        assert db is not None
        with contextlib.closing(db):
            found.append(samples.span(db))
    assert found == [None, (1, 3)]


calls = st.builds(
    lambda operation, endpoint, ident, is_background, is_new: PLAIN._replace(
        request=PLAIN.request._replace(operation=operation, endpoint=endpoint, is_background=is_background),
        attempts=FULL.attempts[:1],
        reply=Reply(response_id=ident, is_usage_new=is_new),
    ),
    st.sampled_from(["chat", "fetch_response"]),
    st.sampled_from(["responses", "chat_completions"]),
    st.sampled_from([None, "r1", "r2"]),
    st.booleans(),
    st.booleans(),
)


@FEW
@given(st.lists(calls, max_size=12))
def test_as_many_calls_as_a_report_counts(tmp_path_factory: pytest.TempPathFactory, made: list[Call]) -> None:
    """A background response once; of its attempts, the first fetch that brings its end has the create's too."""
    path = tmp_path_factory.mktemp("ledger") / "calls.db"
    found = read(path, made)
    tally = Tally()
    db = open_to_read(path)
    assert db is not None
    with contextlib.closing(db):
        tally.read(db)
    report = tally.report()
    assert len(found) == report.calls
    assert report.calls <= sum(len(sample.tries) for sample in found) <= len(made) - report.fetches


@pytest.mark.parametrize("endpoint", ["embeddings", "completions"])
def test_endpoints_without_tiers_are_left_out(tmp_path: Path, endpoint: str) -> None:
    tierless = PLAIN._replace(request=PLAIN.request._replace(endpoint=endpoint))
    assert read(tmp_path / "calls.db", [tierless]) == []
