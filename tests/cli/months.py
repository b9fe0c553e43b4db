"""A month of calls, made by hand, and the ledger it leaves."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from tests.ledger.made import PLAIN

from tierscope.cli.statement import month_of
from tierscope.ledger.sink import LedgerSink
from tierscope.model import Attempt, Reply, Speed, Usage

if TYPE_CHECKING:
    from pathlib import Path

    from tierscope.model import Call

S: Final = 1_000_000_000
BEGIN: Final = int(datetime(2025, 11, 1, tzinfo=UTC).timestamp()) * S
NOW: Final = int(datetime(2026, 1, 2, tzinfo=UTC).timestamp()) * S
NOVEMBER: Final = month_of("2025-11", NOW)
GOOD: Final = PLAIN._replace(
    request=PLAIN.request._replace(model="gpt-4.1", requested="priority", expected="priority"),
    attempts=(Attempt(0, "ok", status=200),),
    reply=Reply(model="gpt-4.1-2025-04-14", usage=Usage(input=1_200, output=150)),
    ending="complete",
    speed=Speed(generation=90.0, end_to_end=85.0, consumer_limited=False),
    served="priority",
    outcome="honored",
)


def at(minute: int, call: Call = GOOD, **fields: Any) -> Call:
    """Return a call so many minutes after the month began."""
    return call._replace(timing=call.timing._replace(unix_ns=BEGIN + minute * 60 * S), **fields)


def fast(generation: float, end_to_end: float | None = None, *, limited: bool = False) -> Speed:
    return Speed(generation=generation, end_to_end=end_to_end or generation, consumer_limited=limited)


LOST: Final = GOOD._replace(
    attempts=(Attempt(0, "server_error", status=500), Attempt(0, "timeout"), Attempt(0, "rate_limited", status=429)),
    reply=None,
    ending="error",
    speed=Speed(),
    served="unreported",
    outcome="failed",
    error_type="rate_limit_exceeded",
)
MONTH: Final = [
    *(at(minute) for minute in range(5)),
    at(10, speed=fast(70.0)),
    at(11, speed=fast(81.0, 60.0)),
    at(12, speed=fast(10.0, limited=True)),
    at(20, served="default", outcome="downgraded"),
    at(30, LOST),
    at(43_199),
]
"""Five windows, of which three have calls that count; one of these has both calls that miss, by either basis."""


def written(path: Path) -> Path:
    """Write the month, and a call each on both sides of it, by the real sink."""
    sink = LedgerSink(str(path))
    for call in [at(-1), *MONTH, at(43_200)]:
        sink.ended(call)
    sink.flush()
    return path
