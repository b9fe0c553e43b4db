"""Samples and promises made by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tierscope.catalog.promises import RampRule, ScaleUnit, Target
from tierscope.promise.samples import Sample, Try

if TYPE_CHECKING:
    from collections.abc import Sequence

S: Final = 1_000_000_000
NOON: Final = 1_762_000_200 * S
"""A UTC-aligned start of five minutes: 1 762 000 200 = 5 873 334 times 300."""
TARGET: Final = Target(
    provider="openai",
    model="gpt-4.1",
    version=None,
    tier="priority",
    rate=80.0,
    attainment=0.99,
    window_s=300,
    uptime=0.999,
    excludes_long_context=True,
    long_context_tokens=128_000,
    as_of="2025-07-01",
    source="https://example.com/priority",
    certainty="documented",
)
SAMPLE: Final = Sample(
    "openai",
    NOON,
    duration_ns=2 * S,
    request_model="gpt-4.1",
    response_model="gpt-4.1-2025-04-14",
    expected="priority",
    served="priority",
    outcome="honored",
    input_tokens=1_000,
    cached_tokens=0,
    output_tokens=200,
    generation=90.0,
    end_to_end=85.0,
    consumer_limited=False,
    tries=(Try("ok", 200),),
)
"""A kept promise on both bases."""
RULE: Final = RampRule(
    "openai", floor_tpm=1_000_000, growth=0.5, window_s=900, effect="downgrade", is_floor_stated=True
)
UNIT: Final = ScaleUnit(
    model="gpt-4.1",
    input_tpm=30_000,
    input_usd_day=110.0,
    output_tpm=2_500,
    output_usd_day=36.0,
    minimum_days=30,
    as_of="2025-08-07",
    source="https://example.com/scale",
    provider="openai",
)


def at(minute: float, rate: float, **fields: object) -> Sample:
    """Return a call so many minutes after noon, of one rate on both bases."""
    return SAMPLE._replace(started_ns=NOON + round(minute * 60 * S), generation=rate, end_to_end=rate, **fields)


class Targets:
    """One target for each of some models, by a prefix of their names."""

    def __init__(self, rows: Sequence[Target] = (TARGET,)) -> None:
        self.rows = rows
        self.days: set[int] = set()

    def target(self, provider: str, model: str, tier: str, day: int, /) -> Target | None:
        self.days.add(day)
        return next(
            (r for r in self.rows if (r.provider, r.tier) == (provider, tier) and model.startswith(r.model)), None
        )
