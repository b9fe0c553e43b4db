"""Counts, tokens and money are one number: as metric, in the report, in its JSON, and in SQL."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Any

import openai
import pytest
from tests.sdk.telemetry import Telemetry

from tierscope.cli import report
from tierscope.config import Settings
from tierscope.simulator import Profile, Simulator, TierRules

if TYPE_CHECKING:
    from pathlib import Path

SQL = """
SELECT count(*), sum(input_tokens), sum(output_tokens), sum(cost_usd), sum(cost_default_usd),
       sum(CASE WHEN cost_usd > cost_default_usd THEN cost_usd - cost_default_usd END),
       sum(CASE WHEN outcome = 'downgraded' THEN cost_expected_usd - cost_usd END),
       sum(cost_absent IS NOT NULL)
FROM calls
"""
CALLS = 24


def traffic(client: openai.OpenAI) -> None:
    """Priority that is kept and lost, flex, default, a model without a price, and streams."""
    for number in range(CALLS):
        tier: Any = ("priority", "flex", "default")[number % 3]
        model = "gpt-4.1" if tier == "priority" else "gpt-5-mini" if number % 4 else "gpt-99"
        words: Any = [{"role": "user", "content": f"Say {number} in words. " * (number + 1)}]
        asked: dict[str, Any] = {"model": model, "service_tier": tier, "messages": words}
        if number % 2:
            list(client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}))
        else:
            client.chat.completions.create(**asked)


@pytest.fixture
def told(tmp_path: Path) -> tuple[Path, dict[str, Any]]:
    """One run with metrics and ledger: the ledger's path, and the sums of the metrics by name."""
    path = tmp_path / "calls.db"
    settings = Settings(trusted_hosts={"127.0.0.1": "openai"}, ledger=str(path))
    profile = Profile.fast(tiers=TierRules(peak_load=0.5), seed=3)
    with Simulator(profile) as simulator, openai.OpenAI(api_key="k", base_url=simulator.base_url) as client:
        telemetry = Telemetry(settings=settings)
        with telemetry:
            traffic(client)
            names = ("calls", "tokens", "cost.usd", "cost.at_default.usd", "cost.effects.usd", "cost.unpriced")
            sums = {name: telemetry.points(f"tierscope.{name}") for name in names}
    return path, sums


def side(points: dict[Any, float], key: str, prefix: str) -> float:
    return sum(value for attributes, value in points.items() if dict(attributes)[key].startswith(prefix))


def test_four_ways_to_the_same_numbers(told: tuple[Path, dict[str, Any]]) -> None:
    """To the last token, and to a billionth of a dollar: SQL adds numbers of 64 bits, the others pico-dollars."""
    path, metrics = told
    with contextlib.closing(sqlite3.connect(path)) as db:
        calls, taken, given, cost, at_default, premium, not_charged, unpriced = db.execute(SQL).fetchone()
    figures = report.read(path)
    effect = "tierscope.cost.effect"
    assert calls == CALLS == figures.calls == sum(metrics["calls"].values())
    assert taken == figures.tokens.input == side(metrics["tokens"], "tierscope.token.kind", "input")
    assert given == figures.tokens.output == side(metrics["tokens"], "tierscope.token.kind", "output")
    assert unpriced == sum(figures.money.unpriced.values()) == sum(metrics["cost.unpriced"].values()) > 0
    assert figures.money.cost == pytest.approx(sum(metrics["cost.usd"].values()), abs=1e-12)
    assert cost > 0
    assert figures.money.at_default == pytest.approx(sum(metrics["cost.at_default.usd"].values()), abs=1e-12)
    assert (cost, at_default) == pytest.approx((figures.money.cost, figures.money.at_default), abs=1e-9)
    effects = metrics["cost.effects.usd"]
    assert premium == pytest.approx(figures.money.premium_paid, abs=1e-9)
    assert premium == pytest.approx(side(effects, effect, "premium_paid"), abs=1e-9)
    assert not_charged == pytest.approx(figures.money.premium_not_charged, abs=1e-9)
    assert not_charged == pytest.approx(side(effects, effect, "premium_not_charged"), abs=1e-9)
    assert not_charged > 0
