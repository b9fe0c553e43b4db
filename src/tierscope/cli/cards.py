"""Prices and promises as a card for each model: readable at 80 columns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tierscope.cli.sentences import plain
from tierscope.cli.table import QUIET, UNKNOWN, short

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator

    from rich.console import Console

    from tierscope.catalog.prices import Rate
    from tierscope.catalog.promises import ScaleUnit, Target

_HEADS: Final = ("tier", "from", "to", "input", "cached", "written", "output", "basis")
_RIGHT: Final = frozenset(("input", "cached", "written", "output"))
_USD: Final = 1_000_000
_UNSURE: Final = {"inferred": "inferred", "second_hand": "second hand"}


class Found(NamedTuple):
    """What is to be shown."""

    rates: tuple[Rate, ...]
    targets: tuple[Target, ...]
    units: tuple[ScaleUnit, ...]

    def keys(self) -> set[tuple[str, str]]:
        """Return every provider and model of which there is something."""
        return {*map(key, self.rates), *map(key, self.targets), *map(key, self.units)}

    def of(self, provider: str, model: str) -> Found:
        """Return what there is of one model."""
        rates, targets, units = self
        named = (provider, model)
        return Found(
            tuple(row for row in rates if key(row) == named),
            tuple(row for row in targets if key(row) == named),
            tuple(row for row in units if key(row) == named),
        )


def key(row: Rate | Target | ScaleUnit) -> tuple[str, str]:
    """Return provider and model, by which there is a card."""
    return row.provider, row.model


def print_cards(console: Console, found: Found, as_of: dt.date, today: dt.date) -> None:
    """Print prices, targets and units of each model, and what must be known to read them."""
    for provider, model in sorted(found.keys()):
        console.print(Text(plain(f"{model} \u00b7 {provider}"), style="bold"))
        card = found.of(provider, model)
        if card.rates:
            console.print(_prices(card.rates))
        for line in (*map(_promised, card.targets), *map(_sold, card.units)):
            console.print(Padding(Text(plain(line)), (0, 0, 0, 2), expand=False))
        console.print()
    age = (today - as_of).days
    console.print(Text(f"USD per 1M tokens; {UNKNOWN} is not stated. As of {as_of}, {age} days ago.", style=QUIET))
    console.print(Text("Above a number of input tokens (>) the whole call costs more. Dates are UTC.", style=QUIET))


def _prices(rates: tuple[Rate, ...]) -> Table:
    grid = Table.grid(padding=(0, 1, 0, 0))
    for head in _HEADS:
        grid.add_column(justify="right" if head in _RIGHT else "left", overflow="fold")
    grid.add_row(*(Text(f"  {head}" if head == "tier" else head, style=QUIET) for head in _HEADS))
    for row in sorted(rates, key=lambda rate: (rate.tier, rate.valid_from or "", rate.band.above)):
        grid.add_row(*map(Text, _cells(row)))
    return grid


def _cells(row: Rate) -> Iterator[str]:
    above, price = row.band
    yield f"  {row.tier}" + (f" >{short(above)}" if above else "")
    yield row.valid_from or ""
    yield row.valid_to or ""
    yield from map(usd, (price.input, price.cached, price.cache_write, price.output))
    yield price.basis


def usd(pico: int | None) -> str:
    """Pico-dollars per token as USD per 1M tokens, with every digit and at least two decimals."""
    if pico is None:
        return UNKNOWN
    whole, rest = divmod(pico, _USD)
    return f"{whole}.{f'{rest:06}'.rstrip('0'):0<2}"


def _promised(row: Target) -> str:
    text = f"{row.tier}: {row.attainment:.0%} above {row.rate:g} tokens/s, median of {row.window_s // 60} minutes"
    text += "" if row.uptime is None else f"; uptime {row.uptime:.1%}"
    text += f"; prompts up to {short(row.long_context_tokens or 0)}" if row.excludes_long_context else ""
    text += "" if row.version is None else f"; {row.version}"
    return text + _dates(row) + (f" ({_UNSURE[row.certainty]})" if row.certainty in _UNSURE else "")


def _sold(row: ScaleUnit) -> str:
    return (
        f"scale unit: {short(row.input_tpm)} input tokens/min at ${row.input_usd_day:.2f} a day, "
        f"{short(row.output_tpm)} output at ${row.output_usd_day:.2f}; {row.minimum_days} days at least" + _dates(row)
    )


def _dates(row: Target | ScaleUnit) -> str:
    since = "" if row.valid_from is None else f"; from {row.valid_from}"
    return since if row.valid_to is None else f"{since}; until {row.valid_to}"
