"""Calls made by hand, ledgers made of them, and scripts that run in processes of their own."""

from __future__ import annotations

import contextlib
import importlib
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tierscope.ledger import schema, store
from tierscope.model import (
    Attempt,
    Batch,
    CacheMiss,
    Call,
    Cost,
    Headers,
    RateLimits,
    Reply,
    Request,
    Speed,
    Timing,
    Usage,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT: Final = Path(__file__).parents[2]
S: Final = 1_000_000_000
PLAIN: Final = Call(
    request=Request("chat", "chat_completions", "openai", "openai", trusted=True),
    attempts=(),
    reply=None,
    headers=None,
    timing=Timing(start_ns=0, end_ns=S, unix_ns=1_700_000_000 * S),
    ending="error",
    speed=Speed(),
    served="unreported",
    outcome="failed",
)
"""A call of which nothing is known beyond what always is."""
FULL: Final = Call(
    request=Request(
        operation="chat",
        endpoint="responses",
        provider="azure.ai.openai",
        row="azure",
        trusted=True,
        model="gpt-4.1",
        address="example.openai.azure.com",
        port=8443,
        tier_raw="fast",
        tier_source="header",
        requested="priority",
        expected="ultrafast",
        is_stream=True,
        raw_mode="stream",
        is_background=True,
        usage_asked=True,
        project="proj_1",
        organization="org_1",
        deployment="asked-deployment",
        window="2h",
    ),
    attempts=(
        Attempt(2 * S, "refused", status=429, code="resource_unavailable"),
        Attempt(3 * S, "rate_limited", status=429, code="rate_limit_exceeded", wait_ns=500_000_000),
        Attempt(3 * S + 500_000_000, "spend_limited", status=429, wait_ns=0),
        Attempt(4 * S, "server_error", status=503, wait_ns=0),
        Attempt(4 * S + 1, "server_error", status=500, wait_ns=0),
        Attempt(5 * S, "timeout", wait_ns=0),
        Attempt(6 * S, "timeout", wait_ns=0),
        Attempt(7 * S, "timeout", wait_ns=0),
        Attempt(8 * S, "no_response", wait_ns=0),
        Attempt(9 * S, "client_error", status=400, wait_ns=0),
        Attempt(9 * S, "cancelled", wait_ns=0),
        Attempt(9 * S, "ok", status=200, wait_ns=0),
    ),
    reply=Reply(
        status=201,
        response_id="resp_1",
        model="gpt-4.1-2025-04-14",
        fingerprint="fp_1",
        tier_raw="standard",
        finish_reasons=("stop",),
        response_status="completed",
        is_background=True,
        usage=Usage(
            input=101,
            output=102,
            cached=103,
            cache_write=104,
            reasoning=105,
            rejected_prediction=106,
            audio_output=107,
            total=108,
        ),
        is_usage_new=False,
        cache_miss=CacheMiss("service_tier_changed", 109, 110),
        batch=Batch(turnaround_s=301, requests_total=302, requests_completed=303, requests_failed=304),
    ),
    headers=Headers(
        request_id="req_1",
        processing_ms=12.5,
        rate_limits=RateLimits(
            limit_requests=201,
            remaining_requests=202,
            reset_requests_s=203.5,
            limit_tokens=204,
            remaining_tokens=205,
            reset_tokens_s=206.5,
        ),
        region="Sweden Central",
        deployment="served-deployment",
        is_spilled_over=True,
        spilled_from="ptu",
    ),
    timing=Timing(start_ns=2 * S, end_ns=12 * S, unix_ns=1_700_000_000_123_456_789, attempt_ns=9 * S),
    ending="closed",
    speed=Speed(
        first_token_s=0.25,
        generation=91.5,
        generation_absent="few_tokens",
        end_to_end=72.5,
        end_to_end_absent="no_time",
        consumer_limited=True,
    ),
    served="default",
    outcome="downgraded",
    inferred_cause="long_context",
    error_type="server_error",
    cost=Cost(264_000_000, 264_000_000, 462_000_000, "exact", "no_cache_price"),
    service="shop",
    workload="chat",
)
"""A call of which everything is known, each field by a value of its own (no real call has them all)."""


def numbered(number: int) -> Call:
    """Return a call that its wall-clock start tells from others."""
    return PLAIN._replace(timing=PLAIN.timing._replace(unix_ns=number))


def numbers(path: Path) -> list[int]:
    """Return which numbered calls a ledger holds, in the order of its rows; raises for a broken file."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return [number for (number,) in db.execute("SELECT started_unix_ns FROM calls ORDER BY row")]


def write(path: Path, calls: Iterable[Call]) -> None:
    """Write a ledger without a sink."""
    with contextlib.closing(store.open_to_write(str(path))[0]) as db:
        db.executemany(schema.INSERT, [schema.row(call) for call in calls])


def stored(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a ledger, by column."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.row_factory = sqlite3.Row
        return [dict(row) for row in db.execute("SELECT * FROM calls ORDER BY row")]


HEAD: Final = """
import os, signal, sqlite3, sys, time
from tests.ledger.made import numbered, unprivileged
from tierscope import guard
from tierscope.ledger import LedgerSink, sink as sinks
"""


def unprivileged() -> None:
    """Give up root's rights, to whom no file is closed; what pathlib imports late may lie in his home."""
    importlib.import_module("urllib.parse")
    if not os.getuid():
        os.setuid(65534)


def start(code: str, folder: Path, *arguments: str) -> subprocess.Popen[str]:
    """Run a script in a process of its own, which has ``LedgerSink`` and ``numbered`` at hand."""
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", HEAD + code, *arguments],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Wait for a script: its status, output, and errors."""
    out, err = process.communicate(timeout=30)
    return process.returncode, out, err


def run(code: str, folder: Path, *arguments: str) -> tuple[int, str, str]:
    """Run a script to its end."""
    with start(code, folder, *arguments) as process:
        return finish(process)
