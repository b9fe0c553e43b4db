"""Ledgers as versions 1 and 2 of Tierscope made them: their own words, and three rows."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

VERSION_1: Final = (
    "provider TEXT, operation TEXT, endpoint TEXT, request_model TEXT, response_model TEXT, requested_raw TEXT, "
    "served_raw TEXT, requested TEXT, expected TEXT, served TEXT, outcome TEXT, inferred_cause TEXT, ending TEXT, "
    "error_type TEXT, status INTEGER, trusted INTEGER, started_unix_ns INTEGER, duration_s REAL, attempts INTEGER, "
    "attempts_refused INTEGER, attempts_rate_limited INTEGER, attempts_server_error INTEGER, attempts_timeout INTEGER, "
    "attempts_no_response INTEGER, attempts_json TEXT, input_tokens INTEGER, output_tokens INTEGER, "
    "cached_tokens INTEGER, cache_write_tokens INTEGER, reasoning_tokens INTEGER, rejected_prediction_tokens INTEGER, "
    "audio_output_tokens INTEGER, total_tokens INTEGER, usage_is_new INTEGER, usage_asked INTEGER, first_token_s REAL, "
    "rate_generation REAL, rate_generation_absent TEXT, rate_end_to_end REAL, rate_end_to_end_absent TEXT, "
    "consumer_limited INTEGER, is_stream INTEGER, is_background INTEGER, response_status TEXT, project TEXT, "
    "deployment TEXT, address TEXT, port INTEGER, response_id TEXT, request_id TEXT, processing_ms REAL, "
    "limit_requests INTEGER, remaining_requests INTEGER, reset_requests_s REAL, limit_tokens INTEGER, "
    "remaining_tokens INTEGER, reset_tokens_s REAL, region TEXT, spilled_over INTEGER"
)
"""The columns that commit 9286949 declares."""
ROW: Final = {
    "provider": "openai",
    "operation": "chat",
    "endpoint": "chat_completions",
    "request_model": "gpt-4.1",
    "requested": "priority",
    "expected": "priority",
    "served": "priority",
    "outcome": "honored",
    "ending": "complete",
    "trusted": 1,
    "duration_s": 1.5,
    "attempts": 1,
    "attempts_refused": 0,
    "attempts_rate_limited": 0,
    "attempts_server_error": 0,
    "attempts_timeout": 0,
    "attempts_no_response": 0,
    "attempts_json": '[{"start_s":0.0,"result":"ok","status":200,"code":null,"wait_s":null}]',
    "input_tokens": 10,
    "output_tokens": 20,
    "usage_is_new": 1,
    "usage_asked": 0,
    "is_stream": 0,
    "is_background": 0,
}
SECOND: Final = (
    "retry_wait_s REAL, cost_usd REAL, cost_default_usd REAL, cost_expected_usd REAL, cost_basis TEXT, "
    "cost_absent TEXT, completion_window TEXT, turnaround_s INTEGER, batch_requests_total INTEGER, "
    "batch_requests_completed INTEGER, batch_requests_failed INTEGER"
)
"""The columns that version 2 brought (commit 7739527 declares them)."""
THIRD: Final = (
    "cache_miss TEXT, cache_missed_tokens_estimated INTEGER, cache_reusable_tokens INTEGER, service TEXT, workload TEXT"
)
"""The columns that version 3 brought."""
CAME: Final = {1: f"{SECOND}, {THIRD}", 2: THIRD}
"""What a ledger of a version lacks."""


def names(columns: str) -> frozenset[str]:
    """Return the names of columns declared in SQL."""
    return frozenset(column.split()[0] for column in columns.split(", "))


def write_older(path: Path, version: int = 1) -> None:
    """Write a ledger of version 1 or 2 with rows that started at 1, 2 and 3 nanoseconds."""
    columns = VERSION_1 if version == 1 else f"{VERSION_1}, {SECOND}"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(f"CREATE TABLE calls (row INTEGER PRIMARY KEY, {columns})")
        db.execute("CREATE INDEX calls_started ON calls (started_unix_ns)")
        db.execute("PRAGMA application_id = 0x54494552")
        db.execute(f"PRAGMA user_version = {version}")
        for number in (1, 2, 3):
            cells = {**ROW, "started_unix_ns": number}
            names, marks = ", ".join(cells), ", ".join("?" * len(cells))
            db.execute(f"INSERT INTO calls ({names}) VALUES ({marks})", list(cells.values()))  # noqa: S608
