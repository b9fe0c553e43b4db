"""A ledger of as many calls as are asked for: a month of a made-up company, the same for the same seed.

Rows are ``Call``s that went through the columns of ``schema``; beyond ``PLAIN`` of them, each is laid out several
times, a little later and faster. Tiers, outcomes, streams, retries, background work, batches and a daily wave are those
of a busy service; prices are the generator's own, so that no price list moves the figures.
``python bench/made_ledger.py calls.db 1000000``.
"""

from __future__ import annotations

import contextlib
import itertools
import math
import random
import sys
from typing import TYPE_CHECKING, Final, NamedTuple

from tierscope.ledger import schema, store
from tierscope.model import (
    NO_COST,
    Attempt,
    Batch,
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
    import sqlite3
    from collections.abc import Iterator

S: Final = 1_000_000_000
BEGIN: Final = 1_756_684_800 * S
"""2025-09-01, 00:00 UTC."""
DAYS: Final = 30
SPAN: Final = DAYS * 86_400 * S
_WAVE: Final = 0.8 * SPAN / (2 * math.pi * DAYS)
_FACTORS: Final = {"default": 4, "priority": 7, "flex": 2, "batch": 2}
"""Quarters of the default tier's price."""
_PRICES: Final = {
    "gpt-4.1": (2_000_000, 500_000, 8_000_000),
    "gpt-5-mini": (250_000, 25_000, 2_000_000),
    "gpt-4o": (2_500_000, 1_250_000, 10_000_000),
    "o3": (2_000_000, 500_000, 8_000_000),
    "text-embedding-3-small": (20_000, 20_000, 0),
}
"""Pico-dollars of a token: input, cached, output."""


class Work(NamedTuple):
    """One workload: what it asks for, what it gets, and how much of all calls it is."""

    weight: int
    request: Request
    model: str
    """As replies name it."""
    tokens: tuple[int, int]
    """Median of input and of output."""
    rate: float
    """Median of the output rate."""
    downgraded: float = 0.0
    """Share that is served from the default tier."""
    refused: float = 0.0
    """Share of the attempts that are refused over their tier, or limited."""
    failed: float = 0.004


def _asks(model: str, tier: str | None, endpoint: str = "chat_completions", **rest: object) -> Request:
    asked = Request(
        operation="embeddings" if endpoint == "embeddings" else "chat",
        endpoint=endpoint,  # type: ignore[arg-type]
        provider="openai",
        row="openai",
        trusted=True,
        model=model,
        address="api.openai.com",
        port=443,
        tier_raw=tier,
        tier_source="body" if tier else "none",
        requested=tier or "unset",
        expected=tier,
        project="proj_made",
    )
    return asked._replace(**rest)


WORK: Final = (
    Work(22, _asks("gpt-4.1", "priority", is_stream=True), "gpt-4.1-2025-04-14", (1_800, 320), 92.0, 0.035),
    Work(6, _asks("gpt-4.1", "priority"), "gpt-4.1-2025-04-14", (2_600, 240), 95.0, 0.03),
    Work(20, _asks("gpt-5-mini", None, "responses"), "gpt-5-mini-2025-08-07", (900, 420), 120.0),
    Work(10, _asks("gpt-5-mini", None, "responses", is_stream=True), "gpt-5-mini-2025-08-07", (1_200, 350), 115.0),
    Work(14, _asks("gpt-5-mini", "flex", "responses"), "gpt-5-mini-2025-08-07", (6_000, 800), 45.0, 0.004, 0.07),
    Work(
        8,
        _asks(
            "chat-prod",
            "priority",
            requested="auto",
            tier_raw="auto",
            tier_source="header",
            provider="azure.ai.openai",
            row="azure",
            address="made.openai.azure.com",
            deployment="chat-prod",
            is_stream=True,
        ),
        "gpt-4.1-2025-04-14",
        (2_000, 300),
        88.0,
        0.02,
    ),
    Work(6, _asks("gpt-4o", "scale", is_stream=True), "gpt-4o-2024-08-06", (1_500, 280), 86.0, 0.05),
    Work(8, _asks("text-embedding-3-small", None, "embeddings"), "text-embedding-3-small", (700, 0), 0.0),
    Work(3, _asks("o3", None, "responses", is_background=True, window="8h"), "o3-2025-04-16", (4_000, 2_500), 60.0),
    Work(
        2,
        _asks("gpt-4o", "priority", trusted=False, provider="_OTHER", row="other", address="llm.made.example"),
        "gpt-4o-2024-08-06",
        (1_000, 200),
        70.0,
    ),
    Work(1, _asks("gpt-5-mini", None, "batches", operation="batch"), "gpt-5-mini-2025-08-07", (900_000, 90_000), 0.0),
)
_EVERY: Final = 1_000
"""Of the last workload only one in so many is made: batches are rare."""


class Maker:
    """Makes calls, one after the other."""

    def __init__(self, count: int, seed: int) -> None:
        self._count = count
        self._random = random.Random(seed)
        self._queued: list[tuple[int, Work, str]] = []
        """Background work that waits to be fetched: when, of what, and its id."""

    def calls(self) -> Iterator[Call]:
        """Return so many calls, in the order in which they end."""
        weights = list(itertools.accumulate(work.weight for work in WORK))
        for number in range(self._count):
            now = self._moment(number)
            if self._queued and self._queued[0][0] <= now:
                yield self._fetched(number, now, *self._queued.pop(0)[1:])
                continue
            work = self._random.choices(WORK, cum_weights=weights)[0]
            if work.request.operation == "batch" and number % _EVERY:
                work = WORK[0]
            yield self._made(number, now, work)

    def _moment(self, number: int) -> int:
        """When a call starts: more of them by day than by night."""
        share = number / self._count
        return BEGIN + int(SPAN * share + _WAVE * math.sin(2 * math.pi * DAYS * share)) + self._random.randrange(S)

    def _made(self, number: int, now: int, work: Work) -> Call:
        if work.request.operation == "batch":
            return self._batch(number, now, work)
        chance = self._random.random()
        if work.request.is_background:
            return self._begun(number, now, work)
        if chance < work.failed:
            return self._lost(now, work)
        tries, attempts = self._tries(work)
        if attempts[-1].result != "ok":
            return self._refused(now, work, attempts)
        return self._answered(number, now, work, attempts, tries)

    def _tries(self, work: Work) -> tuple[int, tuple[Attempt, ...]]:
        """The attempts of a call, and how long all but the last of them took."""
        attempts: list[Attempt] = []
        at = 1_000_000 + self._random.randrange(1_000_000)
        while len(attempts) < 3:
            wait = None if not attempts else 500_000_000 * len(attempts)
            chance = self._random.random()
            if chance < work.refused:
                attempts.append(Attempt(at, "refused", 429, "resource_unavailable", wait))
            elif chance < work.refused + 0.01:
                attempts.append(Attempt(at, "rate_limited", 429, "rate_limit_exceeded", wait))
            elif chance < work.refused + 0.014:
                attempts.append(Attempt(at, "server_error", 503, None, wait))
            else:
                attempts.append(Attempt(at, "ok", 200, None, wait))
                break
            at += 700_000_000
        return at, tuple(attempts)

    def _tokens(self, work: Work) -> tuple[int, int, int]:
        """Input, cached and output tokens."""
        taken = int(work.tokens[0] * math.exp(self._random.gauss(0, 0.9))) + 1
        given = int(work.tokens[1] * math.exp(self._random.gauss(0, 0.7)))
        return taken, taken // 2 if self._random.random() < 0.3 else 0, given

    def _answered(self, number: int, now: int, work: Work, attempts: tuple[Attempt, ...], begun: int) -> Call:
        request = work.request
        taken, cached, given = self._tokens(work)
        is_down = self._random.random() < work.downgraded or (request.expected == "priority" and taken > 128_000)
        served = "default" if is_down else request.expected or "default"
        rate = work.rate * (0.6 if is_down else 1.0) * math.exp(self._random.gauss(0, 0.12))
        has_usage = not (request.is_stream and request.endpoint == "chat_completions") or number % 11 != 0
        usage = Usage(taken, given, cached, None, None, None, None, taken + given) if has_usage else None
        wait, end = 200_000_000 + self._random.randrange(300_000_000), begun
        end += wait + (int(given / rate * S) if rate else 0)
        is_tierless = request.endpoint == "embeddings"
        outcome, cause = self._outcome(request, taken, is_down=is_down)
        ending = "closed" if request.is_stream and number % 97 == 0 else "complete"
        return Call(
            request,
            attempts,
            Reply(200, f"resp_{number:08x}", work.model, None, None if is_tierless else served, usage=usage),
            self._headers(number, work),
            Timing(0, end, now, begun),
            ending,  # type: ignore[arg-type]
            self._speed(number, work, given if has_usage else None, rate, wait / S),
            "unreported" if is_tierless else served,
            outcome,
            cause,
            None,
            _cost(work, "default" if is_tierless else served, usage),
        )

    @staticmethod
    def _outcome(request: Request, taken: int, *, is_down: bool) -> tuple[str, str | None]:
        if request.endpoint == "embeddings":
            return "unreported", None
        if not request.trusted:
            return "unverified", None
        if request.expected is None:
            return "resolved", None
        if not is_down:
            return "honored", None
        return "downgraded", "long_context" if taken > 128_000 else "capacity_or_unknown"

    def _speed(self, number: int, work: Work, given: int | None, rate: float, wait: float) -> Speed:
        if not given or not rate:
            return Speed(None, None, "no_usage", None, "no_usage", None)
        whole = given / (wait + given / rate)
        if not work.request.is_stream:
            return Speed(None, None, "not_streamed", whole, None, None)
        return Speed(wait, rate, None, whole, None, number % 61 == 0)

    def _headers(self, number: int, work: Work) -> Headers:
        limits = RateLimits(10_000, 9_000 + number % 1_000, 0.006, 30_000_000, 29_000_000 + number % 999, 0.01)
        region = "Sweden Central" if work.request.row == "azure" else None
        return Headers(f"req_{number:08x}", 200.0 + number % 100, limits, region)

    def _lost(self, now: int, work: Work) -> Call:
        """A call that never got an answer."""
        attempts = tuple(Attempt(number * S, "server_error", 500, None, None if not number else S) for number in (0, 2))
        return Call(
            work.request, attempts, None, None, Timing(0, 4 * S, now, 2 * S), "error", Speed(), "unreported",
            "failed", None, "server_error",
        )  # fmt: skip

    def _refused(self, now: int, work: Work, attempts: tuple[Attempt, ...]) -> Call:
        is_refused = attempts[-1].result == "refused"
        return Call(
            work.request, attempts, None, None, Timing(0, 3 * S, now, 2 * S), "error", Speed(), "unreported",
            "refused" if is_refused else "failed", None,
            attempts[-1].code or "server_error",
        )  # fmt: skip

    # ── what is counted once, or apart ────────────────────────────────────────────────────────────────────────────
    def _begun(self, number: int, now: int, work: Work) -> Call:
        """Background work, whose answer is that it is queued."""
        ident = f"resp_{number:08x}"
        if number % 13:  # some is never fetched
            self._queued.append((now + 600 * S, work, ident))
        return Call(
            work.request,
            (Attempt(1_000_000, "ok", 200),),
            Reply(200, ident, work.model, response_status="queued", is_terminal=False, is_usage_new=False),
            self._headers(number, work),
            Timing(0, S // 4, now, 1_000_000),
            "complete",
            Speed(),
            "unreported",
            "unverified",
        )

    def _fetched(self, number: int, now: int, work: Work, ident: str) -> Call:
        """What a background response came to; one in four is fetched again."""
        is_new = not ident.startswith("again ")
        if is_new and number % 4 == 0:
            self._queued.append((now + 660 * S, work, f"again {ident}"))
        taken, cached, given = self._tokens(work)
        usage = Usage(taken, given, cached, None, given // 2, None, None, taken + given)
        return Call(
            work.request._replace(operation="fetch_response", requested="unreported"),
            (Attempt(1_000_000, "ok", 200),),
            Reply(
                200, ident.removeprefix("again "), work.model, None, "default", (), "completed", is_background=True,
                usage=usage, is_usage_new=is_new,
            ),
            self._headers(number, work),
            Timing(0, S // 5, now, 1_000_000),
            "complete",
            Speed(generation_absent="background", end_to_end_absent="background"),
            "default",
            "resolved",
            cost=_cost(work, "default", usage) if is_new else NO_COST,
        )  # fmt: skip

    def _batch(self, number: int, now: int, work: Work) -> Call:
        taken, cached, given = self._tokens(work)
        usage = Usage(taken, given, cached, None, None, None, None, taken + given)
        of, lost = 1_000, number % 7
        return Call(
            work.request._replace(requested="batch", expected="batch"),
            (),
            Reply(
                200, f"batch_{number:08x}", work.model, response_status="completed", usage=usage,
                batch=Batch(now // S - 7_200, 7_000, of, of - lost, lost),
            ),
            None,
            Timing(0, 0, now),
            "complete",
            Speed(),
            "batch",
            "honored",
            cost=_cost(work, "batch", usage),
        )  # fmt: skip


def _cost(work: Work, served: str, usage: Usage | None) -> Cost:
    if usage is None:
        return Cost(unpriced="no_usage")
    if work.request.provider == "_OTHER":
        return Cost(unpriced="unknown_provider")
    if served == "scale":
        return NO_COST
    taken, cached, given = usage.input or 0, usage.cached or 0, usage.output or 0
    name = next(name for name in _PRICES if work.model.startswith(name))
    price, kept, out = _PRICES[name]
    quarters = ((taken - cached) * price + cached * kept + given * out) // 4
    expected = work.request.expected
    factor = _FACTORS.get(expected or "")
    is_other = expected != served and factor is not None
    return Cost(
        quarters * _FACTORS[served], quarters * 4, quarters * (factor or 0) if is_other else None, "overlay"
    )  # fmt: skip


PLAIN: Final = 50_000
"""The most calls that are all made one by one, which takes a tenth of a millisecond each."""
_VARIED: Final = {
    "started_unix_ns": "started_unix_ns + {gap} * copy",
    "rate_generation": "rate_generation * (1 + copy / 500.0)",
    "rate_end_to_end": "rate_end_to_end * (1 + copy / 500.0)",
    "response_id": "response_id || '-' || copy",
    "request_id": "request_id || '-' || copy",
}


def make(path: str, count: int, seed: int = 7) -> None:
    """Write so many calls into a ledger."""
    copies = -(-count // PLAIN)
    made = map(schema.row, Maker(-(-count // copies), seed).calls())
    with contextlib.closing(store.open_to_write(path)[0]) as db:
        db.execute("PRAGMA synchronous = OFF")
        db.execute("BEGIN")
        if copies == 1:
            db.executemany(schema.INSERT, made)
        else:
            _lay_out(db, made, copies, count)
        db.execute("COMMIT")


def _lay_out(db: sqlite3.Connection, made: Iterator[tuple[schema.Value, ...]], copies: int, count: int) -> None:
    """Insert each row so many times, a part of the way to the next one apart; in all, so many rows."""
    names = ", ".join(schema.NAMES)
    db.execute(f"CREATE TEMP TABLE made AS SELECT * FROM {schema.TABLE}")  # noqa: S608  our own names
    db.executemany(schema.INSERT.replace(schema.TABLE, "temp.made", 1), made)
    gap = SPAN // count
    cells = ", ".join(_VARIED.get(name, name).format(gap=gap) for name in schema.NAMES)
    db.execute(
        f"WITH RECURSIVE copies(copy) AS (SELECT 0 UNION ALL SELECT copy + 1 FROM copies LIMIT {copies}) "  # noqa: S608
        f"INSERT INTO main.{schema.TABLE} ({names}) SELECT {cells} FROM temp.made CROSS JOIN copies LIMIT {count}"
    )
    db.execute("DROP TABLE temp.made")


if __name__ == "__main__":
    make(sys.argv[1], int(sys.argv[2]))
