"""The columns: each has the exact value of its call, and NULL where nothing is known."""

from __future__ import annotations

import json
import sqlite3
from typing import Any, Final

import pytest
from tests.ledger.made import FULL, PLAIN, S, stored, write

from tierscope.ledger import COLUMNS, schema
from tierscope.model import Attempt, Call, Headers, Reply, Usage

VALUES: Final[dict[str, Any]] = {
    "provider": "azure.ai.openai",
    "operation": "chat",
    "endpoint": "responses",
    "request_model": "gpt-4.1",
    "response_model": "gpt-4.1-2025-04-14",
    "requested_raw": "fast",
    "served_raw": "standard",
    "requested": "priority",
    "expected": "ultrafast",
    "served": "default",
    "outcome": "downgraded",
    "inferred_cause": "long_context",
    "ending": "closed",
    "error_type": "server_error",
    "status": 201,
    "trusted": 1,
    "started_unix_ns": 1_700_000_000_123_456_789,
    "duration_s": 10.0,
    "attempts": 12,
    "attempts_refused": 1,
    "attempts_rate_limited": 2,
    "attempts_server_error": 2,
    "attempts_timeout": 3,
    "attempts_no_response": 1,
    "attempts_json": (
        '[{"start_s":0.0,"result":"refused","status":429,"code":"resource_unavailable","wait_s":null},'
        '{"start_s":1.0,"result":"rate_limited","status":429,"code":"rate_limit_exceeded","wait_s":0.5},'
        '{"start_s":1.5,"result":"spend_limited","status":429,"code":null,"wait_s":0.0},'
        '{"start_s":2.0,"result":"server_error","status":503,"code":null,"wait_s":0.0},'
        '{"start_s":2.0,"result":"server_error","status":500,"code":null,"wait_s":0.0},'
        '{"start_s":3.0,"result":"timeout","status":null,"code":null,"wait_s":0.0},'
        '{"start_s":4.0,"result":"timeout","status":null,"code":null,"wait_s":0.0},'
        '{"start_s":5.0,"result":"timeout","status":null,"code":null,"wait_s":0.0},'
        '{"start_s":6.0,"result":"no_response","status":null,"code":null,"wait_s":0.0},'
        '{"start_s":7.0,"result":"client_error","status":400,"code":null,"wait_s":0.0},'
        '{"start_s":7.0,"result":"cancelled","status":null,"code":null,"wait_s":0.0},'
        '{"start_s":7.0,"result":"ok","status":200,"code":null,"wait_s":0.0}]'
    ),
    "retry_wait_s": 0.5,
    "input_tokens": 101,
    "output_tokens": 102,
    "cached_tokens": 103,
    "cache_write_tokens": 104,
    "reasoning_tokens": 105,
    "rejected_prediction_tokens": 106,
    "audio_output_tokens": 107,
    "total_tokens": 108,
    "usage_is_new": 0,
    "usage_asked": 1,
    "cache_miss": "service_tier_changed",
    "cache_missed_tokens_estimated": 109,
    "cache_reusable_tokens": 110,
    "cost_usd": 0.000264,
    "cost_default_usd": 0.000264,
    "cost_expected_usd": 0.000462,
    "cost_basis": "exact",
    "cost_absent": "no_cache_price",
    "first_token_s": 0.25,
    "rate_generation": 91.5,
    "rate_generation_absent": "few_tokens",
    "rate_end_to_end": 72.5,
    "rate_end_to_end_absent": "no_time",
    "consumer_limited": 1,
    "is_stream": 1,
    "is_background": 1,
    "completion_window": "2h",
    "response_status": "completed",
    "service": "shop",
    "workload": "chat",
    "project": "proj_1",
    "deployment": "asked-deployment",
    "address": "example.openai.azure.com",
    "port": 8443,
    "response_id": "resp_1",
    "request_id": "req_1",
    "processing_ms": 12.5,
    "limit_requests": 201,
    "remaining_requests": 202,
    "reset_requests_s": 203.5,
    "limit_tokens": 204,
    "remaining_tokens": 205,
    "reset_tokens_s": 206.5,
    "region": "Sweden Central",
    "spilled_over": 1,
    "turnaround_s": 301,
    "batch_requests_total": 302,
    "batch_requests_completed": 303,
    "batch_requests_failed": 304,
}
KNOWN: Final[dict[str, Any]] = {
    "provider": "openai",
    "operation": "chat",
    "endpoint": "chat_completions",
    "requested": "unset",
    "served": "unreported",
    "outcome": "failed",
    "ending": "error",
    "trusted": 1,
    "started_unix_ns": 1_700_000_000 * S,
    "duration_s": 1.0,
    "attempts": 0,
    "attempts_refused": 0,
    "attempts_rate_limited": 0,
    "attempts_server_error": 0,
    "attempts_timeout": 0,
    "attempts_no_response": 0,
    "attempts_json": "[]",
    "usage_asked": 0,
    "is_stream": 0,
    "is_background": 0,
}
KINDS: Final = {str: "TEXT", int: "INTEGER", float: "REAL"}


def named(call: Call) -> dict[str, Any]:
    return dict(zip((column.name for column in COLUMNS), schema.row(call), strict=True))


@pytest.mark.parametrize("name", [column.name for column in COLUMNS])
def test_a_column_has_its_value(name: str) -> None:
    """Of a call of which everything is known; and the value's type is the column's."""
    value = named(FULL)[name]
    assert value == VALUES[name]
    assert KINDS[type(value)] == next(column.kind for column in COLUMNS if column.name == name)


def test_every_column_is_checked() -> None:
    """In the order of the table, and each says what it means."""
    assert [column.name for column in COLUMNS] == list(VALUES)
    assert all(column.about for column in COLUMNS)


def test_what_is_unknown_is_null() -> None:
    """Without reply and headers only the request's half is there; nothing is made up."""
    assert named(PLAIN) == {**dict.fromkeys(VALUES), **KNOWN}


def test_a_reply_without_usage_or_flags_is_null_there() -> None:
    """Also inside records that are there."""
    call = PLAIN._replace(reply=Reply(usage=Usage()), headers=Headers())
    assert named(call) == {**dict.fromkeys(VALUES), **KNOWN, "usage_is_new": 1}


@pytest.mark.parametrize(
    ("column", "call", "value"),
    [
        pytest.param(
            "consumer_limited", FULL._replace(speed=FULL.speed._replace(consumer_limited=False)), 0, id="not-limited"
        ),
        pytest.param("spilled_over", FULL._replace(headers=Headers(is_spilled_over=False)), 0, id="not-spilled"),
        pytest.param("usage_is_new", FULL._replace(reply=Reply()), 1, id="new-usage"),
        pytest.param("trusted", PLAIN._replace(request=PLAIN.request._replace(trusted=False)), 0, id="not-trusted"),
        pytest.param(
            "deployment",
            FULL._replace(request=FULL.request._replace(deployment=None)),
            "served-deployment",
            id="deployment-that-only-the-headers-name",
        ),
        pytest.param("status", FULL._replace(reply=None), 200, id="status-of-the-last-attempt"),
        pytest.param(
            "status",
            PLAIN._replace(attempts=(Attempt(0, "server_error", status=503), Attempt(1, "timeout"))),
            503,
            id="status-of-the-last-attempt-that-had-one",
        ),
        pytest.param("status", FULL._replace(reply=Reply(), attempts=()), None, id="no-status-at-all"),
        pytest.param("output_tokens", PLAIN._replace(reply=Reply(usage=Usage(output=0))), 0, id="zero-is-known"),
        pytest.param(
            "total_tokens", PLAIN._replace(reply=Reply(usage=Usage(total=2**63))), None, id="more-than-64-bits"
        ),
        pytest.param(
            "total_tokens", PLAIN._replace(reply=Reply(usage=Usage(total=2**63 - 1))), 2**63 - 1, id="all-of-64-bits"
        ),
        pytest.param(
            "response_model", PLAIN._replace(reply=Reply(model="é\ud800\0\U0001f600")), "é?\0\U0001f600", id="surrogate"
        ),
    ],
)
def test_a_column_in_other_calls(column: str, call: Call, value: Any) -> None:
    """Flags are 0 or 1, and what SQLite cannot hold does not keep the row out."""
    assert named(call)[column] == value


def test_rows_are_stored_as_they_are(tmp_path: Any) -> None:
    """Through SQLite and back: value and type of each column, in a table that says VERSION and whose it is."""
    path = tmp_path / "calls.db"
    write(path, [FULL, PLAIN])
    full, plain = stored(path)
    assert full == {"row": 1, **VALUES}
    assert plain == {"row": 2, **dict.fromkeys(VALUES), **KNOWN}
    assert [type(value) for value in full.values()][1:] == [type(value) for value in VALUES.values()]
    db = sqlite3.connect(path)
    assert db.execute("PRAGMA user_version").fetchone() == (3,)
    assert db.execute("PRAGMA application_id").fetchone() == (int.from_bytes(b"TIER", "big"),)
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    db.close()


def test_attempts_are_json() -> None:
    """One object an attempt, times from the start of the call."""
    made = json.loads(
        named(PLAIN._replace(attempts=(Attempt(1_234_567, "ok", status=200, wait_ns=1),)))["attempts_json"]
    )
    assert made == [{"start_s": 0.001235, "result": "ok", "status": 200, "code": None, "wait_s": 0.0}]
