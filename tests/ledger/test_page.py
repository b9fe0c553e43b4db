"""The queries of docs/ledger.md, run as they stand there on a ledger made by hand: each with its answer."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from tests.ledger.made import PLAIN, S, write

from tierscope.ledger import COLUMNS
from tierscope.ledger.store import open_to_read
from tierscope.model import Attempt, Batch, CacheMiss, Call, Cost, Headers, Reply, Speed, Timing, Usage

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

PAGE: Final = (Path(__file__).parents[2] / "docs" / "ledger.md").read_text("utf-8")
VIEW, *QUERIES = re.findall(r"\n([^\n]+)\n\n```sql\n(.+?)```", PAGE, re.DOTALL)
NOON: Final = 1_757_937_600 * S
"""2025-09-15, 12:00 UTC."""
USD: Final = 10**12
OK: Final = (Attempt(0, "ok", 200),)
LIMITED: Final = Attempt(0, "refused", 429, "resource_unavailable")


def call(hour: float, tier: str | None, served: str, outcome: str, **facts: Any) -> Call:
    """A chat on gpt-4.1, so many hours after noon."""
    request = PLAIN.request._replace(model="gpt-4.1", requested=tier or "unset", expected=tier)
    made = PLAIN._replace(
        request=request,
        attempts=OK,
        reply=Reply(200, model="gpt-4.1-2025-04-14", usage=Usage(100, 20, 50)),
        timing=Timing(0, S, NOON + round(hour * 3600) * S),
        ending="complete",
        served=served,
        outcome=outcome,
    )
    return made._replace(**facts)


def speed(rate: float, *, limited: bool = False) -> Speed:
    return Speed(0.2, rate, None, rate, None, limited)


def background(hour: float, operation: Any, ident: str, *, is_new: bool) -> Call:
    made = call(hour, None, "default" if is_new else "unreported", "resolved" if is_new else "unverified")
    return made._replace(
        request=made.request._replace(model="o3", operation=operation, endpoint="responses", is_background=True),
        reply=Reply(200, ident, "o3-2025-04-16", usage=Usage(10, 5), is_usage_new=is_new),
        cost=Cost(3 * USD, 3 * USD, basis="exact") if is_new else Cost(),
    )


MODEL: Final = "gpt-4.1-2025-04-14"
BATCH: Final = call(3, "batch", "batch", "honored")
CALLS: Final = (
    call(0, "priority", "priority", "honored", speed=speed(90.0), cost=Cost(7 * USD, 4 * USD, basis="exact"),
         service="shop", workload="chat"),
    call(0, "priority", "priority", "honored", speed=speed(80.0), cost=Cost(7 * USD, 4 * USD, basis="exact"),
         service="shop"),
    call(0, "priority", "priority", "honored", speed=speed(1.0, limited=True), cost=Cost(unpriced="no_usage")),
    call(1, "priority", "default", "downgraded", speed=speed(50.0), cost=Cost(4 * USD, 4 * USD, 7 * USD, "exact")),
    call(25, "priority", "default", "downgraded", cost=Cost(4 * USD, 4 * USD, 7 * USD, "exact"),
         reply=Reply(200, model=MODEL, usage=Usage(100, 20, 50), cache_miss=CacheMiss("service_tier_changed", 40, 90)),
         service="shop", workload="chat"),
    call(25, "flex", "flex", "honored", attempts=(LIMITED, Attempt(S, "ok", 200, None, S // 2)),
         cost=Cost(2 * USD, 4 * USD, basis="exact")),
    call(25, "flex", "unreported", "refused", attempts=(LIMITED, LIMITED._replace(wait_ns=S)), reply=None,
         headers=Headers("req_9"), ending="error", error_type="resource_unavailable"),
    call(26, None, "unreported", "failed", attempts=(Attempt(0, "timeout"),), reply=None, ending="error",
         error_type="openai.APITimeoutError"),
    background(27, "chat", "resp_1", is_new=False),
    background(28, "fetch_response", "resp_1", is_new=True),
    background(29, "fetch_response", "resp_1", is_new=False),
    BATCH._replace(
        request=BATCH.request._replace(operation="batch", endpoint="batches"),
        reply=Reply(200, "batch_1", "gpt-4.1-2025-04-14", response_status="completed", usage=Usage(9_000, 900),
                    batch=Batch(None, 3_600, 10, 9, 1)),
        cost=Cost(USD, 2 * USD, basis="exact"),
    ),
)  # fmt: skip
ANSWERS: Final[dict[str, list[tuple[Any, ...]]]] = {
    "Which tier was expected": [
        ("openai", "gpt-4.1", "priority", "priority", "honored", 3),
        ("openai", "gpt-4.1", "priority", "default", "downgraded", 2),
        ("openai", "o3", None, "default", "resolved", 1),
        ("openai", "gpt-4.1", "flex", "flex", "honored", 1),
        ("openai", "gpt-4.1", None, "unreported", "failed", 1),
        ("openai", "gpt-4.1", "flex", "unreported", "refused", 1),
    ],
    "What share": [
        ("2025-09-15", "priority", 4, 0.25),
        ("2025-09-16", "flex", 2, 0.0),
        ("2025-09-16", "priority", 1, 1.0),
    ],
    # default: 4 + 4 of the downgraded, 3 of the background response
    "What did the calls": [("priority", 2, 14.0, 8.0), ("default", 3, 11.0, 11.0), ("flex", 1, 2.0, 4.0)],
    "Which calls have no price": [("no_usage", "openai", MODEL, 1)],
    "How fast": [(MODEL, "default", 1, 50.0), (MODEL, "priority", 2, 80.0)],
    "Which hour": [("2025-09-15 13:00", 1), ("2025-09-16 13:00", 1)],
    "What came of flex": [(2, 3, 1, 1.5)],  # 1 + 2 attempts; 0.5 and 1 seconds
    "Which errors": [("openai.APITimeoutError", 1, None), ("resource_unavailable", 1, "req_9")],
    # gpt-4.1: six calls of 100 tokens, 50 of them cached; o3 tells no cached tokens
    "How much of the input": [(MODEL, 300, 600, 0.5)],
    # 7 + 4 of the chat, 7 more of the shop, 4 + 2 + 3 of calls of nobody
    "Which service": [("shop", "chat", 2, 11.0), (None, None, 6, 9.0), ("shop", None, 1, 7.0)],
    "Why was the cache": [("service_tier_changed", "gpt-4.1", 1, 40)],
    "Which batches": [("batch_1", "completed", 3_600, 9, 1)],
}


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    """The ledger as a reader has it, with the view of the page."""
    path = tmp_path_factory.mktemp("page") / "calls.db"
    write(path, CALLS)
    found = open_to_read(path)
    assert found is not None
    with contextlib.closing(found):
        found.executescript(VIEW[1])
        yield found


def test_every_query_has_an_answer_here() -> None:
    """Twelve of them, behind the view."""
    assert len(QUERIES) == 12
    assert VIEW[1].startswith("CREATE TEMP VIEW answered")
    assert [start for question, _ in QUERIES for start in ANSWERS if question.startswith(start)] == list(ANSWERS)


@pytest.mark.parametrize(("question", "sql"), QUERIES, ids=[question[:30] for question, _ in QUERIES])
def test_a_query_of_the_page(db: sqlite3.Connection, question: str, sql: str) -> None:
    """It gives the answer, to the last digit and in its order."""
    (expected,) = [answer for start, answer in ANSWERS.items() if question.startswith(start)]
    found = db.execute(sql).fetchall()
    assert sorted(found, key=str) == sorted(expected, key=str)
    assert [row[-1] for row in found] == [row[-1] for row in expected]


def test_every_column_is_on_the_page() -> None:
    """With its type and its meaning."""
    rows = re.findall(r"^\| `(\w+)` \| (TEXT|INTEGER|REAL) \| (.+) \|$", PAGE, re.MULTILINE)
    assert rows == [(column.name, column.kind, column.about.replace("|", "\\|")) for column in COLUMNS]
