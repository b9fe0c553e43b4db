"""What counters hold by the price of a token is what calls cost one by one, to the pico-dollar."""

from __future__ import annotations

import json
import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.trace import INVALID_SPAN_CONTEXT

from tierscope import cost
from tierscope.catalog import prices
from tierscope.emit.meters import Meters
from tierscope.model import NO_USAGE, Batch, Call, Failure, Reply, Request, Speed, Timing, Usage

if TYPE_CHECKING:
    from pathlib import Path

    from tierscope.catalog.prices import Rates

NIGHT_NS = 20_780 * cost.DAY_NS
"""Midnight of 23 November 2026."""
CALLS = 3000
MIXED = {
    "schema": "tierscope-catalog/1",
    "rates": [
        {"provider": "openai", "model": "mixed", "tier": "default", "input": 2, "output": 8},
        {"provider": "openai", "model": "mixed", "tier": "priority", "input": 1, "output": 20, "cached": 0.5},
        {"provider": "openai", "model": "half", "tier": "default", "input": 2, "output": 8},
        {"provider": "openai", "model": "half", "tier": "priority", "input": 3, "output": 12, "cached": 1},
        {"provider": "openai", "model": "tiny", "tier": "default", "input": 0.000001, "output": 0.000001},
    ],
}
"""A tier that is cheaper to read and dearer to write: of two calls one pays a premium, the other makes a saving.
And a token of one pico-dollar, of which six tenths are nothing."""


@pytest.fixture
def rates(tmp_path: Path) -> Rates:
    path = tmp_path / "catalog.json"
    path.write_text(json.dumps(MIXED), "utf-8")
    return prices.rates(str(path))


def call(dice: random.Random) -> Call:
    """A call with any of the properties on which its price depends."""
    cached, written = dice.choice((None, 0, 64)), dice.choice((None, None, 8))
    taken, output = dice.choice((0, 100, 272_000, 272_001)) + dice.randrange(3), dice.choice((0, None, 7, 500))
    usage = dice.choice((Usage(taken, output, cached, written),) * 9 + (None, Usage(5, 5, audio_output=1), NO_USAGE))
    model = dice.choice(("gpt-4.1", "gpt-5.4", "gpt-5.4-pro", "gpt-5-mini", "mixed", "half", "unheard-of"))
    operation = dice.choice(("chat", "batch", "embeddings"))
    batch = Batch(created_unix_s=NIGHT_NS // 10**9 - 10) if operation == "batch" else None
    reply = Reply(model=model, usage=usage, batch=batch, is_usage_new=dice.random() < 0.9)
    failed = Reply(model=model, failure=Failure("server_error"))
    tier, expected = (
        dice.choice(("default", "priority", "flex", "batch", "scale", "unreported")),
        dice.choice(("priority", "flex", "default", None)),
    )
    request = Request(
        operation=operation,
        endpoint="embeddings" if operation == "embeddings" else "responses",
        provider="openai",
        row="openai",
        trusted=True,
        model=model,
        expected=expected,
        is_background=True,
        window=dice.choice(("2h", "8h", None)),
    )
    outcome = dice.choice(("honored", "downgraded", "upgraded"))
    timing = Timing(0, 1, NIGHT_NS + dice.choice((-1, 0, 1)) * 10**9)
    return Call(
        request, (), dice.choice((reply,) * 9 + (failed, None)), None, timing, "complete", Speed(), tier, outcome
    )


def one_by_one(rates: Rates, calls: list[Call]) -> dict[str, Counter[str]]:
    """What the counters hold if every call is priced alone."""
    told: dict[str, Counter[str]] = {name: Counter() for name in ("usd", "at_default.usd", "effects.usd", "unpriced")}
    for one in calls:
        bill = cost.of(rates, one)
        told["unpriced"].update([bill.unpriced] if bill.unpriced else [])
        told["usd"][str(bill.basis)] += bill.amount or 0
        told["at_default.usd"][""] += bill.at_default or 0
        told["effects.usd"].update(dict(cost.effects(bill, one.outcome, one.request.expected)))
    return {name: +sums for name, sums in told.items()}


def counted(reader: InMemoryMetricReader, name: str, key: str) -> Counter[str]:
    """The same from the counter, by one of its attributes."""
    data: Any = reader.get_metrics_data()
    sums: Counter[str] = Counter()
    for metric in (m for r in data.resource_metrics for scope in r.scope_metrics for m in scope.metrics):
        for point in metric.data.data_points if metric.name == f"tierscope.cost.{name}" else ():
            sums[str(point.attributes.get(key, ""))] += round(point.value * (cost.PICO if "usd" in name else 1))
    return +sums


KEYS = {
    "usd": "tierscope.cost.basis",
    "at_default.usd": "",
    "effects.usd": "tierscope.cost.effect",
    "unpriced": "tierscope.cost.absent",
}


def recorded(rates: Rates, calls: list[Call]) -> dict[str, Counter[str]]:
    """What the counters hold once the calls are recorded, some hundred at a time."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    meters = Meters(provider.get_meter("test"), genai=False)
    meters.use(rates, None, lambda: None)
    for number, one in enumerate(calls, 1):
        meters.record(one, INVALID_SPAN_CONTEXT)
        if number % 197 == 0:
            meters.drain()
    told = {name: counted(reader, name, key) for name, key in KEYS.items()}
    provider.shutdown()
    return told


@pytest.mark.parametrize("seed", range(2))
def test_counters_hold_what_calls_cost_one_by_one(rates: Rates, seed: int) -> None:
    """Bands, days, shares of the price, and parts without one."""
    dice = random.Random(seed)  # noqa: S311  no secret
    calls = [call(dice) for _ in range(CALLS)]
    expected = one_by_one(rates, calls)
    assert recorded(rates, calls) == expected
    assert len(expected["effects.usd"]) == 4
    assert len(expected["unpriced"]) >= 5
    assert set(expected["usd"]) >= {"exact", "overlay", "user"}


@pytest.mark.parametrize(("model", "tier", "usages"), [
    pytest.param("mixed", "priority", (Usage(100, 1), Usage(1, 100)), id="a premium and a saving stay two figures"),
    pytest.param("tiny", "default", (Usage(1, 1), Usage(2, 1)), id="each share is rounded by itself"),
])  # fmt: skip
def test_what_does_not_add_up_is_priced_call_by_call(
    rates: Rates, model: str, tier: str, usages: tuple[Usage, ...]
) -> None:
    """100 x 1 + 20 is 88 below 100 x 2 + 8, 1 + 100 x 20 is 1199 above 2 + 100 x 8; 6/10 of 2 and of 3 is 1 and 1."""
    calls = [background(model, tier, usage) for usage in usages]
    told = recorded(rates, calls)
    assert told == one_by_one(rates, calls)
    effects = {"premium_paid": 1_199_000_000, "saving_made": 88_000_000}
    assert told["effects.usd"] == (effects if model == "mixed" else {"saving_made": 3})
    assert sum(told["usd"].values()) == (2_121_000_000 if model == "mixed" else 2)


def background(model: str, tier: str, usage: Usage) -> Call:
    """A call that may take so long that a share of the price is due."""
    request = Request(
        operation="chat", endpoint="responses", provider="openai", row="openai", trusted=True,
        model=model, expected=tier, is_background=True, window="8h",
    )  # fmt: skip
    return Call(
        request, (), Reply(model=model, usage=usage), None, Timing(0, 1, NIGHT_NS), "complete", Speed(), tier, "honored"
    )
