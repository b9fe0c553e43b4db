"""Constants of the catalog as series: targets, the ramp rule, units of Scale and their break-even."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.rules import recorded as r
from tools.rules.model import Group, Record
from tools.rules.promql import label

from tierscope import signals as s
from tierscope.cost import PICO
from tierscope.promise import ramp, scale
from tierscope.words import DEFAULT, PRIORITY

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tools.rules.model import Series
    from tools.rules.targets import Kept

    from tierscope.catalog.prices import Rates
    from tierscope.catalog.promises import Promises, RampRule, ScaleUnit


def groups(kept: Iterable[Kept], known: Promises, prices: Rates, day: int) -> list[Group]:
    """Return the rules that hold a constant."""
    rules = (
        *(rule for one in kept for rule in _targets(one)),
        *(rule for one in known.ramps for rule in _ramp(one)),
        *(rule for one in known.scale_units for rule in _unit(one, prices, day)),
    )
    return [Group("tierscope-catalog", "1m", rules)]


def constant(series: Series, value: float, **labels: str) -> Record:
    """Return a rule that always says the same."""
    return Record(series, f"vector({value:.15g})", labels)


def _targets(kept: Kept) -> Iterator[Record]:
    for one in kept.targets:
        labels = {
            label(s.PROVIDER): one.provider,
            r.PROMISE_MODEL: one.model,
            label(s.TIER_SERVED): one.tier,
            r.TARGET: kept.label,
        }
        yield constant(r.TARGET_RATE, one.rate, **labels)
        yield constant(r.TARGET_ATTAINMENT, one.attainment, **labels)
        if one.uptime is not None:
            yield constant(r.TARGET_UPTIME, one.uptime, **labels)


def _ramp(rule: RampRule) -> Iterator[Record]:
    bound, labels = ramp.limit(rule), {label(s.PROVIDER): rule.provider}
    yield constant(r.RAMP_FLOOR, bound.floor_tpm, **labels)
    yield constant(r.RAMP_GROWTH, bound.growth, **labels)


def _unit(unit: ScaleUnit, prices: Rates, day: int) -> Iterator[Record]:
    sides = (("input", unit.input_tpm, unit.input_usd_day), ("output", unit.output_tpm, unit.output_usd_day))
    for side, tpm, usd_day in sides:
        labels = {label(s.PROVIDER): unit.provider, r.PROMISE_MODEL: unit.model, r.DIRECTION: side}
        yield constant(r.UNIT_TOKENS, tpm, **labels)
        yield constant(r.UNIT_PRICE, usd_day, **labels)
        default, priority = (_price(prices, unit, tier, side, day) for tier in (DEFAULT, PRIORITY))
        if default is not None:
            even = scale.break_even(tpm, usd_day, default_price=default, priority_price=priority).utilisation
            if even is not None:
                yield constant(r.BREAK_EVEN, round(even, 6), **labels)


def _price(prices: Rates, unit: ScaleUnit, tier: str, side: str, day: int) -> float | None:
    """Return dollars per token of a prompt of ordinary length."""
    bands = prices.bands(unit.provider, unit.model, tier, day)
    amount = None if isinstance(bands, str) else getattr(bands[-1].price, side)
    return None if amount is None else amount / PICO
