"""What a token costs, by provider, model, tier, length of the prompt and day: the rows of ``rates.json``."""

from __future__ import annotations

import datetime as dt
import functools
from typing import TYPE_CHECKING, Final, NamedTuple

from tierscope.catalog import files, rows
from tierscope.catalog.names import candidates
from tierscope.words import NO_PRICE, NOT_DATED, UNKNOWN_MODEL, UNKNOWN_PROVIDER

if TYPE_CHECKING:
    from collections.abc import Mapping

UNPRICED: Final = (UNKNOWN_PROVIDER, UNKNOWN_MODEL, NO_PRICE, NOT_DATED)
"""Why there is no price: a closed set, of those of ``words``."""


class Price(NamedTuple):
    """Whole pico-dollars (1e-12 USD) per token; ``None`` where the source states none, which is never zero."""

    input: int
    output: int | None
    """``None`` also for models that put nothing out: embeddings."""
    cached: int | None
    """Per input token read from the prompt cache."""
    cache_write: int | None
    """Per input token written to the prompt cache."""
    basis: str
    """``exact``: of the pinned price library, or of a provider's own table; ``overlay``: of another source, by hand;
    ``user``: of the user's file."""


class Band(NamedTuple):
    """The price of a whole call whose input is longer than ``above`` tokens."""

    above: int
    price: Price


class Rate(NamedTuple):
    """One row of the table."""

    provider: str
    model: str
    tier: str
    """Canonical; ``batch`` is one of its own."""
    band: Band
    valid_from: str | None
    """First day, as ISO 8601; ``None``: not stated."""
    valid_to: str | None
    """First day on which it no longer holds; ``None``: it holds."""
    source: str
    as_of: str | None
    certainty: str


_Dated = tuple[float, float, Band]


class Rates:
    """The loaded table; every lookup is pure."""

    def __init__(
        self,
        table: tuple[Rate, ...],
        names: Mapping[str, Mapping[str, str]],
        deployments: Mapping[str, str],
        as_of: dt.date,
    ) -> None:
        self.rows = table
        """By provider, model and tier, then by falling length of the prompt and by date."""
        self._names = names
        self._deployments = deployments
        self.as_of = as_of
        """Date on which the compiled table was true."""
        self._index: dict[str, dict[str, dict[str, list[_Dated]]]] = {}
        for row in table:
            models = self._index.setdefault(row.provider, {})
            span = (rows.first_day(row.valid_from), rows.last_day(row.valid_to), row.band)
            models.setdefault(row.model, {}).setdefault(row.tier, []).append(span)

    def bands(self, provider: str, model: str, tier: str, day: int) -> tuple[Band, ...] | str:
        """Return what a call cost on a day.

        Args:
            provider: ``gen_ai.provider.name``.
            model: as the reply names it: a snapshot, a fine-tuned model, a deployment of the user's file.
            tier: canonical tier that served.
            day: whole days since 1970-01-01 UTC.

        Returns:
            The bands by falling ``above``: the first that the input exceeds prices the whole call. Or the reason why
            there is none, one of ``UNPRICED``. A model that is known under a nearer name never takes a farther one's
            price.

        """
        models = self._index.get(provider)
        if models is None:
            return UNKNOWN_PROVIDER
        tiers = models.get(self.name(provider, model))
        if tiers is None:
            return UNKNOWN_MODEL
        dated = tiers.get(tier)
        if dated is None:
            return NO_PRICE
        return tuple(band for start, end, band in dated if start <= day < end) or NOT_DATED

    def name(self, provider: str, model: str) -> str:
        """Return the name under which a model's rows stand, or its own where it has none."""
        models, others = self._index.get(provider, {}), self._names.get(provider, {})
        named = self._deployments.get(model, model)
        known = (name if name in models else others.get(name) for name in candidates(named))
        return next((name for name in known if name in models), named)


def rates(path: str | None = None) -> Rates:
    """Read the table once per process; a user's file is laid over it.

    Raises:
        CatalogError: the user's file cannot be used.

    """
    return _rates(path)


@functools.cache
def _rates(path: str | None) -> Rates:
    told = files.packaged(files.RATES)
    table = sorted((_rate(row) for row in files.merged("rates", told["rates"], path)), key=_order)
    return Rates(tuple(table), told["names"], files.deployments(path), dt.date.fromisoformat(told["as_of"]))


def age_s(unix_s: float) -> float:
    """Return the age of the compiled table, which ends with the day on which it was true, in seconds."""
    day = rates().as_of.toordinal() - dt.date(1970, 1, 1).toordinal()
    return max(0.0, unix_s - (day + 1) * 86_400)


def _rate(row: rows.Row) -> Rate:
    output, cached, written = (
        None if row[key] is None else rows.pico(row[key]) for key in ("output", "cached", "cache_write")
    )
    band = Band(row["above"], Price(rows.pico(row["input"]), output, cached, written, row["basis"]))
    return Rate(
        row["provider"], row["model"], row["tier"], band, row["from"], row["to"],
        row["source"], row["as_of"], row["certainty"],
    )  # fmt: skip


def _order(rate: Rate) -> tuple[str, str, str, int, str]:
    return rate.provider, rate.model, rate.tier, -rate.band.above, rate.valid_from or ""
