"""Batches: only those that came to their end tell anything, and each fact of them is exact or unknown."""

from __future__ import annotations

from typing import Any, Final

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from openai.pagination import SyncCursorPage
from openai.types import Batch as Parsed

from tests.unit import wire
from tierscope.model import Batch, Failure, Reply, Usage
from tierscope.reading import batches

BODY: Final[dict[str, Any]] = {
    "id": "batch_1",
    "object": "batch",
    "endpoint": "/v1/responses",
    "input_file_id": "file-1",
    "completion_window": "24h",
    "status": "completed",
    "created_at": 1_760_000_000,
    "in_progress_at": 1_760_000_060,
    "finalizing_at": 1_760_007_100,
    "completed_at": 1_760_007_200,
    "failed_at": None,
    "expired_at": None,
    "cancelled_at": None,
    "errors": None,
    "model": "gpt-5-2025-08-07",
    "request_counts": {"total": 100, "completed": 95, "failed": 5},
    "usage": {
        "input_tokens": 4000,
        "input_tokens_details": {"cached_tokens": 1000},
        "output_tokens": 900,
        "output_tokens_details": {"reasoning_tokens": 300},
        "total_tokens": 4900,
    },
}
COUNTS: Final = Usage(input=4000, output=900, cached=1000, reasoning=300, total=4900)
READ: Final = Reply(
    response_id="batch_1",
    model="gpt-5-2025-08-07",
    response_status="completed",
    usage=COUNTS,
    batch=Batch(1_760_000_000, 7200, 100, 95, 5),
)
"""It took 1 760 007 200 - 1 760 000 000 = 7 200 seconds."""
UNDER_WAY: Final = ("validating", "in_progress", "finalizing", "cancelling", "", "Completed", "done")


def told(body: Any) -> tuple[Reply, ...]:
    """Return the batches that an answer tells of; the answer itself says nothing else."""
    reply = batches.reply(body, 200)
    assert reply == Reply(200, batches=reply.batches)
    return reply.batches


def ended(state: str, **fields: Any) -> dict[str, Any]:
    """Return a batch that ended in another state, 60 seconds after it was made."""
    return {**BODY, "status": state, "completed_at": None, f"{state}_at": 1_760_000_060, **fields}


@pytest.mark.parametrize("form", [dict, lambda body: wire.parsed(Parsed, body)], ids=["decoded", "parsed"])
def test_a_completed_batch_tells_all(form: Any) -> None:
    """Decoded JSON and the SDK's object alike."""
    assert told(form(BODY)) == (READ,)


@pytest.mark.parametrize("state", UNDER_WAY)
def test_a_batch_under_way_tells_nothing(state: str) -> None:
    """Its tokens and counts still move."""
    assert told({**BODY, "status": state}) == ()


ERRORS: Final = {"object": "list", "data": [{"code": "token_limit_exceeded", "message": "no"}, {"code": "x"}]}
ENDS: Final = [
    pytest.param(ended("expired"), Failure("batch_expired"), id="expired"),
    pytest.param(ended("cancelled"), None, id="cancelled"),
    pytest.param(
        ended("failed", errors=ERRORS), Failure("token_limit_exceeded", code="token_limit_exceeded"), id="failed"
    ),
    pytest.param(
        ended("failed", errors={"data": [None, {"code": "invalid_json_line"}]}),
        Failure("_OTHER", code="invalid_json_line"),
        id="failed-with-a-word-that-is-not-listed",
    ),
    pytest.param(ended("failed", errors={"data": []}), Failure("_OTHER"), id="failed-without-an-error"),
    pytest.param(ended("failed", errors="no"), Failure("_OTHER"), id="failed-with-junk"),
    pytest.param({**BODY, "errors": ERRORS, "completed_at": 1_760_000_060}, None, id="completed-in-spite-of-errors"),
]


@pytest.mark.parametrize(("body", "failure"), ENDS)
def test_each_end_has_its_own_time_and_failure(body: dict[str, Any], failure: Failure | None) -> None:
    """60 seconds from creation to whatever end it was."""
    (reply,) = told(body)
    assert (reply.response_status, reply.failure) == (body["status"], failure)
    assert reply.batch == Batch(1_760_000_000, 60, 100, 95, 5)


PAGES: Final = [
    pytest.param([], (), id="empty"),
    pytest.param([{**BODY, "status": "in_progress"}], (), id="under-way"),
    pytest.param([BODY, {**BODY, "status": "validating"}, {**BODY, "id": "b2"}], ("batch_1", "b2"), id="some"),
    pytest.param([None, 7, "x", [BODY], {}, BODY], ("batch_1",), id="junk-beside-one"),
]


@pytest.mark.parametrize(("data", "idents"), PAGES)
def test_a_page_tells_of_each_that_ended(data: list[Any], idents: tuple[str, ...]) -> None:
    """In its order."""
    assert tuple(reply.response_id for reply in told({"object": "list", "data": data})) == idents


def test_a_parsed_page_is_read_alike() -> None:
    """As the SDK hands it out."""
    page = wire.parsed(SyncCursorPage[Parsed], {"object": "list", "data": [BODY], "has_more": False})
    assert told(page) == (READ,)


LACKING: Final = [
    pytest.param({"usage": None}, {"usage": None}, id="made-before-there-was-usage"),
    pytest.param({"model": None}, {"model": None}, id="no-model"),
    pytest.param({"request_counts": None}, {"batch": Batch(1_760_000_000, 7200)}, id="no-counts"),
    pytest.param({"completed_at": None}, {"batch": READ.batch._replace(turnaround_s=None)}, id="no-end"),
    pytest.param(
        {"created_at": None},
        {"batch": READ.batch._replace(created_unix_s=None, turnaround_s=None)},
        id="no-beginning",
    ),
    pytest.param(
        {"completed_at": 1_759_999_999},
        {"batch": READ.batch._replace(turnaround_s=None)},
        id="ended-before-it-began",
    ),
    pytest.param({"completed_at": 1_760_000_000}, {"batch": READ.batch._replace(turnaround_s=0)}, id="at-once"),
]


@pytest.mark.parametrize(("fields", "unknown"), LACKING)
def test_what_is_not_there_is_unknown(fields: dict[str, Any], unknown: dict[str, Any]) -> None:
    """And everything else stays."""
    assert told({**BODY, **fields}) == (READ._replace(**unknown),)


@pytest.mark.parametrize("body", [{**BODY, "id": None}, {**BODY, "id": 7}, {}, [], None, 7, "x", [BODY]])
def test_what_is_no_batch_tells_nothing(body: Any) -> None:
    """Without an id nobody could say whether it was told before."""
    assert told(body) == ()


@given(st.sampled_from(sorted(map(str, wire.places(BODY)))), wire.values)
@example("('status',)", "completed")
@example("('created_at',)", 2**63)
def test_any_value_anywhere_is_read_or_unknown(place: str, value: Any) -> None:
    """Of a batch with one value replaced nothing is raised, and no figure is made up."""
    path = next(path for path in wire.places(BODY) if str(path) == place)
    for reply in told(wire.replaced(BODY, path, value)):
        batch, usage = reply.batch, reply.usage
        figures = [*(batch or ()), *(usage or ())]
        assert all(figure is None or wire.as_count(figure) == figure for figure in figures)
        assert reply.response_status in {"completed", "failed", "expired", "cancelled"}
