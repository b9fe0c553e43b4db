"""Ledgers of days that never were: calls made by hand, seeded, priced as the ledger prices them."""

from __future__ import annotations

import contextlib
import math
import random
import sqlite3
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from tests.ledger.made import PLAIN, write
from tierscope.catalog.prices import rates
from tierscope.cost import priced
from tierscope.ledger import schema
from tierscope.model import Attempt, Reply, Speed, Usage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tierscope.model import Call

S: Final = 1_000_000_000
BEGIN_S: Final = int(datetime(2026, 11, 9, tzinfo=UTC).timestamp())
DAY_S: Final = 86_400
SNAPSHOTS: Final = {"gpt-4.1": "gpt-4.1-2025-04-14", "gpt-5-mini": "gpt-5-mini-2025-08-07"}
SLOW: Final = (DAY_S + 9 * 3600, DAY_S + 11 * 3600)
"""The hours of the second day in which priority is slower than promised."""
RUSH: Final = (2 * DAY_S + 14 * 3600, 2 * DAY_S + 14 * 3600 + 1500)
"""The minutes of the third day in which the chat grows beyond the ramp rule."""


def call(second: float, model: str, requested: str, served: str, **told: Any) -> Call:
    """Return one call, so many seconds after the first midnight, with the price that the price list has."""
    expected = told.get("expected", requested)
    outcome = "honored" if served == expected else "downgraded"
    outcome = "resolved" if expected is None else outcome
    duration = 0.3 + told["output"] / told["rate"]
    start = round((BEGIN_S + second) * S)
    speed = Speed(
        first_token_s=0.3,
        generation=told["rate"] if told.get("streamed", True) else None,
        end_to_end=told["output"] / duration,
        consumer_limited=False,
    )
    made = PLAIN._replace(
        request=PLAIN.request._replace(
            model=model,
            requested=requested,
            expected=expected,
            is_stream=told.get("streamed", True),
            project=told.get("project"),
        ),
        attempts=(Attempt(0, "ok", status=200),),
        reply=Reply(
            status=200, model=SNAPSHOTS.get(model, model), usage=Usage(input=told["input"], output=told["output"])
        ),
        timing=PLAIN.timing._replace(unix_ns=start, end_ns=round(duration * S)),
        ending="complete",
        speed=speed,
        served=served,
        outcome=outcome,
        inferred_cause=told.get("cause") if outcome == "downgraded" else None,
    )
    return priced(rates(), made)


def days(count: int = 3, seed: int = 11) -> Iterator[Call]:
    """Yield a working week's traffic: chat by day, evaluations by night, an analyst, a slow morning, a rush."""
    chance = random.Random(seed)  # noqa: S311  traffic, no secret
    for minute in range(0, count * 1440, 2):
        second = minute * 60.0
        hour = minute / 60 % 24
        for _ in range(_people(hour, chance)):
            yield _chat(second + chance.random() * 120, chance)
        if 1 <= hour < 5:
            yield _evaluation(second, chance)
        if 8 <= hour < 18 and chance.random() < 0.4:
            yield _analyst(second, chance)
        if RUSH[0] <= second < RUSH[1]:
            for _ in range(round(20 + (second - RUSH[0]) / 12)):
                yield _chat(second + chance.random() * 120, chance, is_rush=True)


def _people(hour: float, chance: random.Random) -> int:
    return round(max(0.0, math.sin((hour - 6) / 14 * math.pi)) * 3 * chance.uniform(0.6, 1.4)) if 6 < hour < 20 else 0


def _chat(second: float, chance: random.Random, *, is_rush: bool = False) -> Call:
    is_long, is_slow = chance.random() < 0.03, SLOW[0] <= second < SLOW[1]
    is_down = is_long or chance.random() < (0.5 if is_rush else 0.02)
    served = "default" if is_down else "priority"
    rate = 58.0 if is_down else 74.0 if is_slow else 108.0
    told = {"cause": "long_context" if is_long else "capacity_or_unknown", "project": "proj_chat"}
    size = chance.randint(130_000, 180_000) if is_long else chance.randint(20_000, 60_000)
    return call(
        second,
        "gpt-4.1",
        "priority",
        served,
        rate=rate * chance.uniform(0.9, 1.1),
        input=size,
        output=chance.randint(120, 700),
        **told,
    )


def _evaluation(second: float, chance: random.Random) -> Call:
    tier = "flex" if chance.random() < 0.7 else "unset"
    told: dict[str, Any] = {} if tier == "flex" else {"expected": None}
    return call(
        second,
        "gpt-5-mini",
        tier,
        "flex" if tier == "flex" else "default",
        rate=38.0 * chance.uniform(0.8, 1.2),
        input=9_000,
        output=400,
        streamed=False,
        project="proj_eval",
        **told,
    )


def _analyst(second: float, chance: random.Random) -> Call:
    served = "default" if chance.random() < 0.12 else "scale"
    return call(
        second,
        "gpt-4.1",
        "unset",
        served,
        expected="scale",
        cause="capacity_or_unknown",
        rate=(56.0 if served == "default" else 104.0) * chance.uniform(0.9, 1.1),
        input=12_000,
        output=300,
        project="proj_analyst",
    )


def written(path: Path, count: int = 3) -> Path:
    """Write so many days."""
    write(path, days(count))
    return path


def grown(path: Path, rows: int) -> Path:
    """Write a ledger of so many rows: three days, again and again behind each other."""
    written(path)
    columns = ", ".join(schema.NAMES)
    later = ", ".join(f"started_unix_ns + ? AS {name}" if name == "started_unix_ns" else name for name in schema.NAMES)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        held = db.execute("SELECT count(*) FROM calls").fetchone()[0]
        for round_ in range(1, -(-rows // held)):
            least = min(held, rows - round_ * held)
            db.execute(
                f"INSERT INTO calls ({columns}) SELECT {later} FROM calls WHERE row <= ? ORDER BY row",  # noqa: S608  our own names
                (round_ * 3 * DAY_S * S, least),
            )
    return path
