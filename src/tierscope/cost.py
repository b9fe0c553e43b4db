"""What a call costs by list price, and what its tokens would have cost at other tiers. Pure; exact or absent.

Money is whole pico-dollars (1e-12 USD): a list price of so many dollars for a million tokens is as many million of them
for one, so that nothing is rounded before it is shown.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final, NamedTuple

from tierscope.model import NO_COST, Cost
from tierscope.words import (
    AUDIO,
    BATCH,
    DEFAULT,
    DOWNGRADED,
    FLEX,
    INCONSISTENT_USAGE,
    NO_CACHE_PRICE,
    NO_MODEL,
    NO_PRICE,
    NO_USAGE,
    OTHER,
    OVERLAY,
    PREMIUM_NOT_CHARGED,
    PREMIUM_PAID,
    SAVING_LOST,
    SAVING_MADE,
    SCALE,
    TIER_UNKNOWN,
    TIER_UNREPORTED,
    UNREPORTED,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tierscope.catalog.prices import Band, Price, Rates
    from tierscope.model import Reply, Request, Usage

PICO: Final = 1_000_000_000_000
"""Pico-dollars of a dollar."""
SECOND_NS: Final = 1_000_000_000
DAY_NS: Final = 86_400 * SECOND_NS
_TIERLESS: Final = frozenset({"embeddings", "completions"})
"""Endpoints that have no tiers, and one price (openai 3.54 types)."""
_WINDOWS: Final[Mapping[str | None, tuple[int, int]]] = {"2h": (7, 10), "8h": (6, 10)}
"""Share of the price for background work that may take so long (background guide, 2026)."""


def of(rates: Rates, request: Request, reply: Reply | None, *, served: str, expected: str | None, unix_ns: int) -> Cost:
    """Price the tokens of a call by the tier that served it, on the day on which it started.

    Args:
        rates: the price list.
        request: whom it went to.
        reply: what came back; without one nothing is billed.
        served: canonical served tier.
        expected: canonical tier that was promised, for what the same tokens would have cost there.
        unix_ns: start of the call.

    Returns:
        ``NO_COST`` where there is nothing to price: no reply, tokens counted before, capacity paid in advance.

    """
    if reply is None or not reply.is_usage_new or served == SCALE:
        return NO_COST
    usage = reply.usage
    if usage is None:
        return NO_COST if reply.failure is not None else Cost(unpriced=NO_USAGE)
    tier = DEFAULT if served == UNREPORTED and request.endpoint in _TIERLESS else served
    model = reply.model or request.deployment or request.model
    reason = _hindrance(usage, tier, model)
    if reason is not None or model is None:
        return Cost(unpriced=reason)
    return _bill(_Tokens(rates, request.provider, model, unix_ns // DAY_NS, usage), request, tier, expected)


def _hindrance(usage: Usage, tier: str, model: str | None) -> str | None:
    if usage.audio_output:
        return AUDIO
    if (usage.cached or 0) + (usage.cache_write or 0) > (usage.input or 0):
        return INCONSISTENT_USAGE
    if tier in {UNREPORTED, OTHER}:
        return TIER_UNREPORTED if tier == UNREPORTED else TIER_UNKNOWN
    return NO_MODEL if model is None else None


def _bill(tokens: _Tokens, request: Request, tier: str, expected: str | None) -> Cost:
    priced = tokens.priced(tier)
    if isinstance(priced, str):
        return Cost(unpriced=priced)
    amount, basis = priced
    at_default = amount if tier == DEFAULT else tokens.amount(DEFAULT)
    at_expected = None
    if expected is not None and expected not in {tier, SCALE}:
        at_expected = at_default if expected == DEFAULT else tokens.amount(expected)
    share = _WINDOWS.get(request.window) if tier == DEFAULT and request.is_background else None
    if share is not None:
        amount, basis = amount * share[0] // share[1], OVERLAY
    return Cost(amount, at_default, at_expected, basis)


class _Tokens(NamedTuple):
    """The tokens of one call, to be priced at several tiers."""

    rates: Rates
    provider: str
    model: str
    day: int
    usage: Usage

    def priced(self, tier: str) -> tuple[int, str] | str:
        """Return pico-dollars and the basis of the price, or why there is none."""
        bands = _bands(self.rates, self.provider, self.model, tier, self.day)
        if isinstance(bands, str):
            return bands
        taken = self.usage.input or 0
        price = next((band.price for band in bands if taken > band.above or not band.above), None)
        return NO_PRICE if price is None else _priced(price, self.usage)

    def amount(self, tier: str) -> int | None:
        """Return pico-dollars, ``None`` where there is no price."""
        priced = self.priced(tier)
        return None if isinstance(priced, str) else priced[0]


@functools.lru_cache(maxsize=1024)
def _bands(rates: Rates, provider: str, model: str, tier: str, day: int) -> tuple[Band, ...] | str:
    """Look a price up once a day: names of snapshots and fine-tuned models cost more than the call is given."""
    return rates.bands(provider, model, tier, day)


def _priced(price: Price, usage: Usage) -> tuple[int, str] | str:
    """Price the parts. What is not said to be cached is billed as input."""
    taken, given, cached, written = usage.input or 0, usage.output or 0, usage.cached or 0, usage.cache_write or 0
    if (cached and price.cached is None) or (written and price.cache_write is None):
        return NO_CACHE_PRICE
    if given and price.output is None:
        return NO_PRICE
    amount = (taken - cached - written) * price.input + given * (price.output or 0)
    return amount + cached * (price.cached or 0) + written * (price.cache_write or 0), price.basis


def effects(cost: Cost, outcome: str, expected: str | None) -> Iterator[tuple[str, int]]:
    """Yield what the tier made of the bill, in pico-dollars above zero: against the default tier and the promised."""
    paid, at_default, at_expected = cost.amount, cost.at_default, cost.at_expected
    if paid is None:
        return
    if at_default is not None and paid != at_default:
        yield (PREMIUM_PAID, paid - at_default) if paid > at_default else (SAVING_MADE, at_default - paid)
    if at_expected is None:
        return
    if outcome == DOWNGRADED and at_expected > paid:
        yield PREMIUM_NOT_CHARGED, at_expected - paid
    if expected in {FLEX, BATCH} and paid > at_expected:
        yield SAVING_LOST, paid - at_expected
