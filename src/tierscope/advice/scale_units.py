"""``scale-idle`` and ``scale-spill``: Scale units that cost more than Priority would, and calls beyond units half idle.

Both need to be told what was bought. A call beyond the units is charged by the token, which a further unit, even in use
around the clock, does not undercut: so spilling alone is no finding; it is one where units lie idle at other minutes.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Final, NamedTuple

from tierscope import cost
from tierscope.advice.finding import PAID, SAVING, Finding, Money, Subject
from tierscope.advice.known import count
from tierscope.promise.scale import DAY_MINUTES
from tierscope.words import DEFAULT, PRIORITY, SCALE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tierscope.advice.figures import Figures
    from tierscope.advice.known import Known, Units
    from tierscope.advice.lines import Line

IDLE: Final = "scale-idle"
SPILL: Final = "scale-spill"
FEWEST_MINUTES: Final = 60
"""Units are bought by the month: less than an hour says nothing of how they are used."""
HALF: Final = Fraction(1, 2)


class _Use(NamedTuple):
    """Tokens that units served over the observed minutes, and what the units cost meanwhile."""

    minutes: int
    input: int
    output: int
    usd: Fraction

    def share(self, bought: Units) -> Fraction:
        """The busier side's share of what was bought."""
        sides = (
            (self.input, bought.unit.input_tpm * bought.input),
            (self.output, bought.unit.output_tpm * bought.output),
        )
        return max((Fraction(used, tpm * self.minutes) for used, tpm in sides if tpm), default=Fraction(0))


def find(figures: Figures, known: Known) -> Iterator[Finding]:
    """Look at the units that were bought, model by model."""
    for bought in known.units:
        used = _use(figures, known, bought)
        if used is not None and used.minutes >= FEWEST_MINUTES:
            yield from _idle(figures, known, bought, used)
            yield from _spill(figures, known, bought, used)


def _is_of(known: Known, bought: Units, provider: str, model: str | None, day: int) -> bool:
    unit = None if model is None else known.promises.scale_unit(provider, model, day)
    return unit is not None and (unit.provider, unit.model) == (bought.unit.provider, bought.unit.model)


def _use(figures: Figures, known: Known, bought: Units) -> _Use | None:
    day = figures.span.end_ns // cost.DAY_NS
    mine = [
        minutes for (provider, model), minutes in figures.scale.items() if _is_of(known, bought, provider, model, day)
    ]
    seen = [minute for minutes in mine for minute in minutes]
    if not seen:
        return None
    length = max(seen) - min(seen) + 1
    a_day = bought.input * Fraction(str(bought.unit.input_usd_day))
    a_day += bought.output * Fraction(str(bought.unit.output_usd_day))
    return _Use(
        length,
        sum(told.input for minutes in mine for told in minutes.values()),
        sum(told.output for minutes in mine for told in minutes.values()),
        a_day * length / DAY_MINUTES,
    )


def _idle(figures: Figures, known: Known, bought: Units, used: _Use) -> Iterator[Finding]:
    """Compare what the units cost with the same tokens by list price: at Priority, else by default."""
    unit, day = bought.unit, figures.span.end_ns // cost.DAY_NS
    prices = (
        (tier, cost.at(known.rates, unit.provider, unit.model, tier, day, 0, (used.input, 0, 0, used.output)))
        for tier in (PRIORITY, DEFAULT)
    )
    tier, amount = next(((tier, amount) for tier, amount in prices if amount is not None), (DEFAULT, None))
    paid = round(used.usd * cost.PICO)
    if amount is None or paid <= amount:
        return
    yield Finding(
        IDLE,
        Subject(unit.provider, unit.model),
        f"The Scale units of {unit.model} were used to {float(used.share(bought)):.1%} over "
        f"{count(used.minutes, 'minute')}; by {tier} the same tokens would have cost "
        f"{float(Fraction(amount, paid)):.0%} of them.",
        f"Buy fewer units at the next term, or send more of this model's traffic to them; else ask for {tier}.",
        _calls(figures, known, bought, SCALE),
        Money(paid - amount, SAVING),
        {
            "minutes": used.minutes,
            "input_tokens": used.input,
            "output_tokens": used.output,
            "units_pico_usd": paid,
            f"at_{tier}_pico_usd": amount,
        },
        "high",
        f"Units are bought for {unit.minimum_days} days at least; cached tokens are counted and priced in full here.",
        "Buy the units again.",
        figures.span,
    )


def _spill(figures: Figures, known: Known, bought: Units, used: _Use) -> Iterator[Finding]:
    lines = _spilled(figures, known, bought)
    share = used.share(bought)
    if not lines or share > HALF:
        return
    spilled, served = sum(line.calls for line in lines), _calls(figures, known, bought, SCALE)
    yield Finding(
        SPILL,
        Subject(bought.unit.provider, bought.unit.model),
        f"{spilled:,} of {count(spilled + served)} on {bought.unit.model} that expected scale were served default, "
        f"while {float(1 - share):.0%} of the units lay idle.",
        "Spread the calls that come at once over the minutes in which units are idle.",
        spilled,
        Money(sum(line.paid for line in lines), PAID),
        {"spilled": spilled, "served_by_units": served, "minutes": used.minutes},
        "medium",
        "What is held back waits longer.",
        "Take the limit on the rate of new requests away.",
        figures.span,
    )


def _spilled(figures: Figures, known: Known, bought: Units) -> list[Line]:
    return [line for line in _lines(figures, known, bought) if line.where.served == DEFAULT]


def _calls(figures: Figures, known: Known, bought: Units, served: str) -> int:
    return sum(line.calls for line in _lines(figures, known, bought) if line.where.served == served)


def _lines(figures: Figures, known: Known, bought: Units) -> Iterator[Line]:
    """Yield the lines of the units' model that scale served, or was to serve."""
    for line in figures.lines:
        where = line.where
        is_scale = SCALE in {where.served, where.expected}
        if is_scale and _is_of(known, bought, where.provider, where.response_model or where.request_model, line.day):
            yield line
