"""Errors that come as events: what they say of the attempt, whose response has no HTTP status."""

from __future__ import annotations

import pytest

from tierscope.model import Failure
from tierscope.reading import errors


@pytest.mark.parametrize(
    ("status", "failure", "result"),
    [
        (429, Failure("slow_down", 429, "slow_down"), "rate_limited"),
        (429, Failure("_OTHER", 429, None, None, None, True), "refused"),
        (400, Failure("invalid_value", 400, "invalid_value"), "client_error"),
        (None, Failure("insufficient_quota", None, "insufficient_quota"), "spend_limited"),
        (None, Failure("rate_limit_exceeded", None, "rate_limit_exceeded"), "rate_limited"),
        (None, Failure("invalid_stream_id", None, "invalid_stream_id", "invalid_request_error"), "client_error"),
        (None, Failure("server_error", None, "server_error", "server_error"), "server_error"),
        (None, Failure("_OTHER"), "server_error"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_an_error_event_is_an_attempt_by_its_status_or_its_words(
    status: int | None, failure: Failure, result: str
) -> None:
    assert errors.told_result(status, failure) == result
