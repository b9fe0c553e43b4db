"""What a call costs by list price, and what its tokens would have cost at other tiers. Pure; exact or absent.

Money is whole pico-dollars (1e-12 USD): a list price of so many dollars for a million tokens is as many million of them
for one, so that nothing is rounded before it is shown.
"""

from __future__ import annotations

import functools
from bisect import bisect_left
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
    parts = billed(call)
    if not isinstance(parts, tuple):
        return NO_COST if parts is None else _UNPRICED[parts]
    tariff = tariff_of(rates, call, day(call))
    return tariff.bill(tariff.band(sum(parts[:3])), parts)


def billed(call: Call) -> Parts | str | None:
    """Return the tokens that a call is billed for, why they cannot be told, or ``None`` where there is nothing."""
    reply = call.reply
    if reply is None or not reply.is_usage_new or call.served == SCALE:
        return None
    usage = reply.usage
    if usage is None:
        return None if reply.failure is not None else NO_USAGE
    taken, output, cached, written = usage.input or 0, usage.output or 0, usage.cached or 0, usage.cache_write or 0
    if usage.audio_output:
        return AUDIO
    fresh = taken - cached - written
    return (fresh, cached, written, output) if fresh >= 0 else INCONSISTENT_USAGE


def day(call: Call) -> int:
    """Return the day by whose prices a call is billed: whole days since 1970-01-01 UTC."""
    reply = call.reply
    if reply is not None and reply.batch is not None and reply.batch.created_unix_s is not None:
        return reply.batch.created_unix_s // DAY_S
    return call.timing.unix_ns // DAY_NS


def tariff_of(rates: Rates, call: Call, on: int) -> Tariff:
    """Return what calls like this one cost on a day, which no count of tokens changes."""
    request, reply = call.request, call.reply
    model = (reply.model if reply is not None else None) or request.deployment or request.model
    window = request.window if request.is_background else None
    return _tariff(rates, request.provider, model, request.endpoint, call.served, request.expected, window, on)


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


# ── the price list, as calls of one kind need it ──────────────────────────────────────────────────────────────────
Parts = tuple[int, int, int, int]
"""Tokens: input that was not cached, cached, written to the cache, output."""
_Listed: TypeAlias = "tuple[Band, ...] | str"
"""What a lookup gives: bands, or why there are none."""


class Tiers(NamedTuple):
    """The prices of one band at three tiers, ``None`` where one has none."""

    paid: Price | None
    """At the tier that served."""
    default: Price | None
    promised: Price | None
    """At the tier that was promised, where another one served."""


class Tariff(NamedTuple):
    """What calls of one kind cost on one day."""

    bounds: tuple[int, ...]
    """Lengths of the prompt above which the next band prices the whole call, rising."""
    bands: tuple[Tiers, ...]
    """One more than there are bounds."""
    basis: str | None = None
    share: tuple[int, int] = (1, 1)
    """What work that may wait costs of the price."""
    unpriced: str = NO_PRICE
    """Why no token has a price, where none has."""

    def band(self, taken: int) -> int:
        """Return which band prices a prompt of so many tokens."""
        return bisect_left(self.bounds, taken)

    def bill(self, band: int, parts: Parts) -> Cost:
        """Return what tokens cost, of one call, or of many where the band's bills add up."""
        paid, default, promised = self.bands[band]
        amount = _amount(paid, *parts)
        if paid is None or amount is None:
            return _UNPRICED[self.unpriced if paid is None else _missing(paid, *parts)]
        at_default = amount if default is paid else _amount(default, *parts)
        share, whole = self.share
        return Cost(amount * share // whole, at_default, _amount(promised, *parts), self.basis)

    def adds_up(self, band: int) -> bool:
        """Say whether the sum of bills of calls with the same kinds of tokens is the bill of the summed tokens.

        It is not where a share is rounded, or where a tier is dearer in one kind and cheaper in another: then one call
        pays a premium and the next makes a saving, and the counters hold both.
        """
        paid, default, promised = self.bands[band]
        return self.share == (1, 1) and _is_ordered(paid, default) and _is_ordered(paid, promised)


def _is_ordered(one: Price | None, other: Price | None) -> bool:
    """Say whether one price is the higher, or the lower, in every kind of token that both have."""
    if one is None or other is None:
        return True
    signs = {a > b for a, b in zip(one[:4], other[:4], strict=True) if a is not None and b is not None and a != b}
    return signs != {True, False}


def _missing(price: Price, _fresh: int, cached: int, written: int, _output: int) -> str:
    is_cache = (cached and price.cached is None) or (written and price.cache_write is None)
    return NO_CACHE_PRICE if is_cache else NO_PRICE


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
) -> Tariff:
    """Return prices, or why there are none; looked up once a day for calls of one kind."""
    tier = DEFAULT if served == UNREPORTED and endpoint in TIERLESS else served
    if tier in {UNREPORTED, OTHER}:
        return _unpriced(TIER_UNREPORTED if tier == UNREPORTED else TIER_UNKNOWN)
    if model is None:
        return _unpriced(NO_MODEL)
    paid = rates.bands(provider, model, tier, day)
    if isinstance(paid, str):
        return _unpriced(paid)
    share = _WINDOWS.get(window) if tier == DEFAULT else None
    is_other = expected is not None and expected not in {tier, SCALE}
    default = paid if tier == DEFAULT else rates.bands(provider, model, DEFAULT, day)
    promised = rates.bands(provider, model, str(expected), day) if is_other else NO_PRICE
    bounds = _bounds(paid, default, promised)
    bands = tuple(Tiers(_at(paid, above), _at(default, above), _at(promised, above)) for above in (-1, *bounds))
    return Tariff(bounds, bands, paid[0].price.basis if share is None else OVERLAY, share or (1, 1))


def _unpriced(reason: str) -> Tariff:
    return Tariff((), (Tiers(None, None, None),), unpriced=reason)


def _bounds(*tiers: _Listed) -> tuple[int, ...]:
    """Return where the price changes at any tier; the lowest band holds for an empty prompt too."""
    return tuple(sorted({band.above for bands in tiers if not isinstance(bands, str) for band in bands} - {0, -1}))


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
