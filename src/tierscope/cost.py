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
    TIERLESS,
    UNPRICED,
    UNREPORTED,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tierscope.catalog.prices import Band, Rates
    from tierscope.model import Call

PICO: Final = 1_000_000_000_000
"""Pico-dollars of a dollar."""
DAY_S: Final = 86_400
DAY_NS: Final = DAY_S * 1_000_000_000
_WINDOWS: Final[Mapping[str | None, tuple[int, int]]] = {"2h": (7, 10), "8h": (6, 10)}
"""Share of the price for background work that may take so long (background guide, 2026)."""


def priced(rates: Rates, call: Call) -> Call:
    """Return a call with its cost: done by who records calls, since nobody else waits for it (ADR 18)."""
    return call._replace(cost=of(rates, call))


def of(rates: Rates, call: Call) -> Cost:
    """Price the tokens of a call by the tier that served it, on the day on which it started, or its batch was made.

    Returns:
        ``NO_COST`` where there is nothing to price: no reply, tokens counted before, capacity paid in advance.

    """
    request, reply, served = call.request, call.reply, call.served
    if reply is None or not reply.is_usage_new or served == SCALE:
        return NO_COST
    usage = reply.usage
    if usage is None:
        return NO_COST if reply.failure is not None else _UNPRICED[NO_USAGE]
    cached, written, taken = usage.cached or 0, usage.cache_write or 0, usage.input or 0
    if usage.audio_output or cached + written > taken:
        return _UNPRICED[AUDIO if usage.audio_output else INCONSISTENT_USAGE]
    model = reply.model or request.deployment or request.model
    where = request.provider, model, request.endpoint
    window = request.window if request.is_background else None
    day = call.timing.unix_ns // DAY_NS
    if reply.batch is not None and reply.batch.created_unix_s is not None:
        day = reply.batch.created_unix_s // DAY_S
    tariff = _tariff(rates, *where, served, request.expected, window, day)
    if isinstance(tariff, str):
        return _UNPRICED[tariff]
    parts = taken - cached - written, cached, written, usage.output or 0
    return _bill(tariff, taken, parts)


def at(rates: Rates, provider: str, model: str, tier: str, day: int, taken: int, parts: Parts) -> int | None:
    """Return what tokens cost at a tier, in pico-dollars; ``None`` where it has no price for them.

    Args:
        rates: the price list.
        provider: ``gen_ai.provider.name``.
        model: as the reply names it.
        tier: canonical.
        day: whole days since 1970.
        taken: length of the prompts, which are all of one band.
        parts: tokens, of one call or of many.

    """
    return _amount(_of_band(_bands(rates.bands(provider, model, tier, day)), taken), parts)


def _bill(tariff: _Tariff, taken: int, parts: Parts) -> Cost:
    prices = _of_band(tariff.served, taken)
    amount = _amount(prices, parts)
    if amount is None:
        is_cache = any(part and price is None for part, price in zip(parts[1:3], prices[1:3], strict=True))
        return _UNPRICED[NO_CACHE_PRICE if is_cache else NO_PRICE]
    at_default = amount if tariff.default is tariff.served else _amount(_of_band(tariff.default, taken), parts)
    at_expected = _amount(_of_band(tariff.expected, taken), parts) if tariff.expected else None
    share, whole = tariff.share
    return Cost(amount * share // whole, at_default, at_expected, tariff.basis)


# ── the price list, as calls of one kind need it ──────────────────────────────────────────────────────────────────
Parts = tuple[int, int, int, int]
"""Tokens: input that was not cached, cached, written to the cache, output."""
Prices = tuple[int | None, int | None, int | None, int | None]
"""Their prices, in pico-dollars a token."""
Bands = tuple[tuple[int, Prices], ...]
"""By falling length of the prompt: the first that it exceeds prices the whole call."""
_NONE: Final[Prices] = (None, None, None, None)


class _Tariff(NamedTuple):
    """The prices at three tiers."""

    served: Bands
    default: Bands
    expected: Bands
    """Nothing where the promised tier served, or has no price by the token."""
    basis: str
    share: tuple[int, int]
    """What work that may wait costs of the price."""


@functools.lru_cache(maxsize=1024)
def _tariff(
    rates: Rates,
    provider: str,
    model: str | None,
    endpoint: str,
    served: str,
    expected: str | None,
    window: str | None,
    day: int,
) -> _Tariff | str:
    """Return prices, or why there are none; looked up once a day for calls of one kind."""
    tier = DEFAULT if served == UNREPORTED and endpoint in TIERLESS else served
    if tier in {UNREPORTED, OTHER}:
        return TIER_UNREPORTED if tier == UNREPORTED else TIER_UNKNOWN
    if model is None:
        return NO_MODEL
    bands = rates.bands(provider, model, tier, day)
    if isinstance(bands, str):
        return bands
    share = _WINDOWS.get(window) if tier == DEFAULT else None
    paid = _bands(bands)
    default = paid if tier == DEFAULT else _bands(rates.bands(provider, model, DEFAULT, day))
    is_other = expected is not None and expected not in {tier, SCALE}
    promised = _bands(rates.bands(provider, model, str(expected), day)) if is_other else ()
    return _Tariff(paid, default, promised, bands[0].price.basis if share is None else OVERLAY, share or (1, 1))


def _bands(bands: tuple[Band, ...] | str) -> Bands:
    """Return a lookup's bands; the lowest holds for an empty prompt too."""
    if isinstance(bands, str):
        return ()
    return tuple(
        (band.above or -1, (band.price.input, band.price.cached, band.price.cache_write, band.price.output))
        for band in bands
    )


def _of_band(bands: Bands, taken: int) -> Prices:
    for above, prices in bands:
        if taken > above:
            return prices
    return _NONE


def _amount(prices: Prices, parts: Parts) -> int | None:
    """Return pico-dollars; ``None`` where a part has no price. What is not said to be cached is billed as input."""
    total = 0
    for price, part in zip(prices, parts, strict=True):
        if part:
            if price is None:
                return None
            total += price * part
    return total


_UNPRICED: Final = {reason: Cost(unpriced=reason) for reason in UNPRICED}


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
