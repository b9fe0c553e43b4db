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
    from collections.abc import Mapping
    from typing import TypeAlias

    from tierscope.catalog.prices import Band, Price, Rates
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
    return _bill(tariff, taken, taken - cached - written, cached, written, usage.output or 0)


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
    return _amount(_at(rates.bands(provider, model, tier, day), taken - 1), *parts)


def _bill(tariff: _Tariff, taken: int, fresh: int, cached: int, written: int, output: int) -> Cost:
    bands, basis, (share, whole) = tariff
    for above, paid, default, promised in bands:  # noqa: B007  the last one is meant
        if taken > above:
            break
    amount = _amount(paid, fresh, cached, written, output)
    if amount is None:
        is_cache = paid and ((cached and paid.cached is None) or (written and paid.cache_write is None))
        return _UNPRICED[NO_CACHE_PRICE if is_cache else NO_PRICE]
    at_default = amount if default is paid else _amount(default, fresh, cached, written, output)
    at_promised = _amount(promised, fresh, cached, written, output)
    return Cost(amount if share == whole else amount * share // whole, at_default, at_promised, basis)


# ── the price list, as calls of one kind need it ──────────────────────────────────────────────────────────────────
Parts = tuple[int, int, int, int]
"""Tokens: input that was not cached, cached, written to the cache, output."""
_Bands = tuple[tuple[int, "Price | None", "Price | None", "Price | None"], ...]
"""By falling length of the prompt, the prices at the tier that served, at the default one and at the promised one; the
first band that a prompt exceeds prices the whole call. No promised one where it served, or has no price by the token.
"""


_Listed: TypeAlias = "tuple[Band, ...] | str"
"""What a lookup gives: bands, or why there are none."""


class _Tariff(NamedTuple):
    """What calls of one kind cost on one day."""

    bands: _Bands
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
    is_other = expected is not None and expected not in {tier, SCALE}
    default = bands if tier == DEFAULT else rates.bands(provider, model, DEFAULT, day)
    promised = rates.bands(provider, model, str(expected), day) if is_other else NO_PRICE
    basis = bands[0].price.basis if share is None else OVERLAY
    return _Tariff(_bands(bands, default, promised), basis, share or (1, 1))


def _bands(paid: _Listed, default: _Listed, promised: _Listed) -> _Bands:
    """Return the bands of three tiers as one list; the lowest holds for an empty prompt too."""
    tiers = [bands for bands in (paid, default, promised) if not isinstance(bands, str)]
    bounds = sorted({-1, *(band.above or -1 for bands in tiers for band in bands)}, reverse=True)
    return tuple((above, _at(paid, above), _at(default, above), _at(promised, above)) for above in bounds)


def _at(bands: _Listed, above: int) -> Price | None:
    """Return the price of the prompts just above a bound."""
    if isinstance(bands, str):
        return None
    return next((band.price for band in bands if above >= (band.above or -1)), None)


def _amount(price: Price | None, fresh: int, cached: int, written: int, output: int) -> int | None:
    """Return pico-dollars; ``None`` where a part has no price. What is not said to be cached is billed as input."""
    if price is None:
        return None
    each_fresh, each_output, each_cached, each_written, _ = price
    if (output and each_output is None) or (cached and each_cached is None) or (written and each_written is None):
        return None
    return (
        each_fresh * fresh + (each_output or 0) * output + (each_cached or 0) * cached + (each_written or 0) * written
    )


_UNPRICED: Final = {reason: Cost(unpriced=reason) for reason in UNPRICED}


def effects(cost: Cost, outcome: str, expected: str | None) -> list[tuple[str, int]]:
    """Return what the tier made of the bill, in pico-dollars above zero: against the default and the promised tier."""
    paid, at_default, at_expected, _, _ = cost
    told: list[tuple[str, int]] = []
    if paid is None:
        return told
    if at_default is not None and paid != at_default:
        told.append((PREMIUM_PAID, paid - at_default) if paid > at_default else (SAVING_MADE, at_default - paid))
    if at_expected is None:
        return told
    if outcome == DOWNGRADED and at_expected > paid:
        told.append((PREMIUM_NOT_CHARGED, at_expected - paid))
    if expected in {FLEX, BATCH} and paid > at_expected:
        told.append((SAVING_LOST, paid - at_expected))
    return told
