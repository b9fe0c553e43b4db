"""The record of a batch: what the API call that told of it says of itself is not taken for the batch's."""

from __future__ import annotations

from typing import Final

import pytest

from tierscope import record
from tierscope.model import NO_COST, Attempt, Batch, Call, Failure, Headers, Reply, Request, Speed, Timing, Usage

ASKED: Final = Request(
    "batch", "batches", "openai", "_OTHER", trusted=False, requested="batch", expected="batch", address="h", port=443
)
TOLD: Final = Call(
    request=ASKED,
    attempts=(Attempt(1, "server_error", 500), Attempt(2, "ok", 200, wait_ns=1)),
    reply=Reply(200),
    headers=Headers(request_id="req_1"),
    timing=Timing(1, 5, 1_000),
    ending="complete",
    speed=Speed(end_to_end=1.0),
    served="unreported",
    outcome="unverified",
    inferred_cause="capacity_or_unknown",
    error_type="server_error",
)
DONE: Final = Reply(
    response_id="batch_1", response_status="completed", usage=Usage(input=1, output=2), batch=Batch(0, 60, 3, 2, 1)
)
ENDS: Final = [
    pytest.param("completed", None, "complete", "honored", None, id="completed"),
    pytest.param("cancelled", None, "cancelled", "honored", None, id="cancelled"),
    pytest.param("expired", Failure("batch_expired"), "error", "failed", "batch_expired", id="expired"),
    pytest.param("failed", Failure("_OTHER"), "error", "failed", "_OTHER", id="failed"),
]


@pytest.mark.parametrize(("state", "failure", "ending", "outcome", "error"), ENDS)
def test_an_end_is_told_in_our_words(
    state: str, failure: Failure | None, ending: str, outcome: str, error: str | None
) -> None:
    """Whoever's host it is; the whole record, field by field."""
    reply = DONE._replace(response_status=state, failure=failure)
    assert record.of_batch(TOLD, reply)._asdict() == {
        "request": ASKED,
        "attempts": (),
        "reply": reply,
        "headers": None,
        "timing": TOLD.timing,
        "ending": ending,
        "speed": Speed(),
        "served": "batch",
        "outcome": outcome,
        "inferred_cause": None,
        "error_type": error,
        "cost": NO_COST,
        "ambient": (),
        "service": None,
        "workload": None,
    }
