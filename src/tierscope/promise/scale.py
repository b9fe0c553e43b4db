"""Scale units: what was bought, how much of it was used, what spilled over, and what a unit must be used to pay.

Tokens count for the minute in which their call ended, for that is when they are known.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from tierscope.promise.ramp import MINUTE_NS
from tierscope.promise.share import Share
from tierscope.words import DEFAULT, SCALE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tierscope.catalog.promises import ScaleUnit
    from tierscope.promise.samples import Sample

DAY_MINUTES: Final = 1_440


class Entitlement(NamedTuple):
    """What was bought of one snapshot: tokens per minute, and what they cost a day in USD."""

    input_tpm: int
    output_tpm: int
    input_usd_day: float
    output_usd_day: float


class Use(NamedTuple):
    """Tokens of one minute. Input is weighted."""

    input: float
    output: int


class Utilisation(NamedTuple):
    """Use of an entitlement over the observed span: from the first to the last minute with a call that ended."""

    entitlement: Entitlement
    minutes: int
    """Of the span, the idle ones too."""
    used: Mapping[int, Use]
    """By minute since 1970; a minute that is missing was idle."""

    @property
    def input(self) -> float | None:
        """Share of the input tokens that was used; ``None`` where none were bought, or nothing was observed."""
        return _part(sum(use.input for use in self.used.values()), self.entitlement.input_tpm * self.minutes)

    @property
    def output(self) -> float | None:
        """Share of the output tokens that was used; ``None`` where none were bought, or nothing was observed."""
        return _part(sum(use.output for use in self.used.values()), self.entitlement.output_tpm * self.minutes)

    @property
    def peak_input(self) -> float | None:
        """Input share of the busiest minute. Above 1 where calls that began in several minutes ended in one."""
        return self._peak((use.input for use in self.used.values()), self.entitlement.input_tpm)

    @property
    def peak_output(self) -> float | None:
        """Output share of the busiest minute; see ``peak_input``."""
        return self._peak((use.output for use in self.used.values()), self.entitlement.output_tpm)

    def _peak(self, uses: Iterable[float], tpm: int) -> float | None:
        return _part(max(uses, default=0), tpm) if self.minutes else None

    @property
    def idle_usd(self) -> float:
        """What was paid over the span for tokens that were not used."""
        bought = self.entitlement
        paid = ((self.input, bought.input_usd_day), (self.output, bought.output_usd_day))
        a_day = sum(max(0, 1 - part) * usd for part, usd in paid if part is not None)
        return a_day * self.minutes / DAY_MINUTES


class BreakEven(NamedTuple):
    """What a unit's token costs when every one of them is used, beside list prices."""

    of_default: float
    """Multiple of the default tier's list price: above 1 it never pays off against it."""
    utilisation: float | None
    """Share of the unit from which on it costs no more than Priority; ``None`` without a Priority price."""


def _part(used: float, bought: float) -> float | None:
    return used / bought if bought else None


def entitlement(unit: ScaleUnit, units_in: int, units_out: int) -> Entitlement:
    """Return what so many units of input and of output entitle to."""
    return Entitlement(
        units_in * unit.input_tpm,
        units_out * unit.output_tpm,
        units_in * unit.input_usd_day,
        units_out * unit.output_usd_day,
    )


def utilisation(samples: Iterable[Sample], bought: Entitlement, *, cached_weight: float = 1.0) -> Utilisation:
    """Return the use of an entitlement by the calls of its snapshot that ``scale`` served.

    Args:
        samples: calls of one snapshot; those without usage add nothing.
        bought: the entitlement.
        cached_weight: what a cached input token counts. No source states it; 1.0 over-states the use.

    """
    inputs: Counter[int] = Counter()
    cached: Counter[int] = Counter()
    outputs: Counter[int] = Counter()
    seen: set[int] = set()
    for sample in samples:
        if SCALE not in {sample.served, sample.expected}:
            continue
        minute = sample.ended_ns // MINUTE_NS
        seen.add(minute)
        if sample.served == SCALE:
            inputs[minute] += sample.input_tokens or 0
            cached[minute] += sample.cached_tokens or 0
            outputs[minute] += sample.output_tokens or 0
    used = {
        minute: Use(inputs[minute] - (1 - cached_weight) * cached[minute], outputs[minute]) for minute in sorted(inputs)
    }
    return Utilisation(bought, max(seen) - min(seen) + 1 if seen else 0, used)


def noted(samples: Iterable[Sample], served: Counter[str]) -> Iterator[Sample]:
    """Pass calls on, and count those that expected ``scale`` by the tier that served them; for ``spilled``."""
    for sample in samples:
        if sample.expected == SCALE and sample.trusted:
            served[sample.served] += 1
        yield sample


def spilled(served: Counter[str]) -> Share:
    """Return how many calls spilled over to ``default``, of those that it or ``scale`` served."""
    return Share(served[DEFAULT], served[SCALE] + served[DEFAULT])


def spill(samples: Iterable[Sample]) -> Share:
    """Return how many calls that expected ``scale`` spilled over to ``default``, of those that either served."""
    served: Counter[str] = Counter()
    for _ in noted(samples, served):
        pass
    return spilled(served)


def break_even(tpm: int, usd_day: float, *, default_price: float, priority_price: float | None = None) -> BreakEven:
    """Compare one unit, used around the clock, with list prices.

    Args:
        tpm: tokens per minute of the unit.
        usd_day: its price, USD per day.
        default_price: USD per token at the default tier.
        priority_price: USD per token at Priority, where the model has one.

    """
    price = usd_day / (tpm * DAY_MINUTES)
    return BreakEven(price / default_price, price / priority_price if priority_price else None)
