"""What providers promise: speed and uptime by tier, units of Scale, limits of growth. The rows of ``promises.json``."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final, NamedTuple

from tierscope.catalog import files, rows
from tierscope.catalog.names import candidates, snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import TypeVar

    from tierscope.catalog.deployments import Kind

    _Row = TypeVar("_Row", "Target", "ScaleUnit")
    _Key = TypeVar("_Key", bound=tuple[str, ...])

LEAST_FLOOR: Final = 100_000
"""Tokens per minute below which no growth is held to be a ramp, where a provider states no floor."""
_PERCENT: Final = 100
_MINUTE: Final = 60


class Target(NamedTuple):
    """What is promised of calls that a tier serves."""

    provider: str
    model: str
    version: str | None
    """Date of the one snapshot that is meant; ``None``: every one."""
    tier: str
    rate: float
    """Output tokens per second that are to be exceeded: strictly."""
    attainment: float
    """Share of the windows, or of the requests, that are to exceed it."""
    window_s: int
    """Seconds over which the median is taken."""
    uptime: float | None
    """Share; ``None`` where none is stated."""
    excludes_long_context: bool | None
    """Whether longer prompts are served, and charged, by default; ``None`` where sources are silent or differ."""
    long_context_tokens: int | None
    """Estimated prompt tokens above which that is so."""
    as_of: str | None
    source: str
    certainty: str
    valid_from: str | None = None
    """First day, as ISO 8601; ``None``: not stated."""
    valid_to: str | None = None
    """First day on which it no longer holds; ``None``: it holds."""


class ScaleUnit(NamedTuple):
    """What a unit of Scale tier entitles to, and what it costs."""

    model: str
    input_tpm: int
    """Tokens per minute of one input unit."""
    input_usd_day: float
    output_tpm: int
    output_usd_day: float
    minimum_days: int
    as_of: str | None
    source: str
    provider: str
    valid_from: str | None = None
    valid_to: str | None = None


class RampRule(NamedTuple):
    """How fast traffic on priority may grow."""

    provider: str
    floor_tpm: int
    """Input tokens per minute from which on growth counts; ``LEAST_FLOOR`` where none is stated."""
    growth: float
    """Share by which the tokens per minute may grow within the window."""
    window_s: int
    effect: str
    """What befalls the calls above it."""
    is_floor_stated: bool


class Promises:
    """The loaded rows; every lookup is pure."""

    def __init__(
        self,
        targets: tuple[Target, ...],
        scale_units: tuple[ScaleUnit, ...],
        ramps: tuple[RampRule, ...],
        deployments: Mapping[str, str],
        kinds: Mapping[str, Kind],
    ) -> None:
        self.targets, self.scale_units, self.ramps = targets, scale_units, ramps
        self._deployments = deployments
        self.kinds = kinds
        """Kinds of deployments, by their names, where the user's file tells them."""
        self._targets = _by(targets, lambda row: (row.provider, row.model, row.tier))
        self._units = _by(scale_units, lambda row: (row.provider, row.model))

    def target(self, provider: str, model: str, tier: str, day: int) -> Target | None:
        """Return the promise that held on a day for what a reply calls its model, or ``None``.

        Args:
            provider: ``gen_ai.provider.name``.
            model: as the reply names it: a snapshot, a fine-tuned model, a deployment of the user's file.
            tier: canonical tier that served: ``priority`` or ``scale``.
            day: whole days since 1970-01-01 UTC.

        """
        named = self._deployments.get(model, model)
        date = snapshot(named)
        promised = _nearest(self._targets, ((provider, name, tier) for name in candidates(named)), day)
        return _only([row for row in promised if date is None or row.version in {None, date}])

    def scale_unit(self, provider: str, model: str, day: int) -> ScaleUnit | None:
        """Return the unit that was sold for a model on a day, or ``None``."""
        named = self._deployments.get(model, model)
        return _only(_nearest(self._units, ((provider, name) for name in candidates(named)), day))

    def ramp(self, provider: str) -> RampRule | None:
        """Return the provider's limit of growth, or ``None`` where none is documented."""
        return next((row for row in self.ramps if row.provider == provider), None)


def _by(table: Iterable[_Row], key: Callable[[_Row], _Key]) -> dict[_Key, list[_Row]]:
    index: dict[_Key, list[_Row]] = {}
    for row in table:
        index.setdefault(key(row), []).append(row)
    return index


def _nearest(index: Mapping[_Key, list[_Row]], keys: Iterable[_Key], day: int) -> list[_Row]:
    """Return what holds on a day of the first key that there is: a nearer name hides what is said of a farther."""
    found = next((index[key] for key in keys if key in index), [])
    return [row for row in found if rows.first_day(row.valid_from) <= day < rows.last_day(row.valid_to)]


def _only(found: list[_Row]) -> _Row | None:
    """Return the only row: of several snapshots nobody can say which is meant."""
    match found:
        case [row]:
            return row
    return None


# ── reading ───────────────────────────────────────────────────────────────────────────────────────────────────────
def promises(path: str | None = None) -> Promises:
    """Read the rows once per process; a user's file is laid over them.

    Raises:
        CatalogError: the user's file cannot be used.

    """
    return _promises(path)


@functools.cache
def _promises(path: str | None) -> Promises:
    told = files.packaged(files.PROMISES)
    merged = {name: files.merged(name, told[name], path) for name in ("promises", "scale_units", "ramp")}
    return Promises(
        tuple(map(_target, merged["promises"])),
        tuple(map(_unit, merged["scale_units"])),
        tuple(map(_ramp, merged["ramp"])),
        files.deployments(path),
        files.kinds(path),
    )


def _target(row: rows.Row) -> Target:
    uptime = row["uptime_pct"]
    return Target(
        provider=row["provider"],
        model=row["model"],
        version=row["version"],
        tier=row["tier"],
        rate=float(row["tokens_per_second_gt"]),
        attainment=float(row["attainment_pct"] / _PERCENT),
        window_s=row["window_minutes"] * _MINUTE,
        uptime=None if uptime is None else float(uptime / _PERCENT),
        excludes_long_context=row["excludes_long_context"],
        long_context_tokens=row["long_context_tokens"],
        as_of=row["as_of"],
        source=row["source"],
        certainty=row["certainty"],
        valid_from=row["from"],
        valid_to=row["to"],
    )


def _unit(row: rows.Row) -> ScaleUnit:
    return ScaleUnit(
        model=row["model"],
        input_tpm=row["input_tpm"],
        input_usd_day=float(row["input_usd_day"]),
        output_tpm=row["output_tpm"],
        output_usd_day=float(row["output_usd_day"]),
        minimum_days=row["minimum_days"],
        as_of=row["as_of"],
        source=row["source"],
        provider=row["provider"],
        valid_from=row["from"],
        valid_to=row["to"],
    )


def _ramp(row: rows.Row) -> RampRule:
    floor = row["floor_tpm"]
    return RampRule(
        provider=row["provider"],
        floor_tpm=LEAST_FLOOR if floor is None else floor,
        growth=float(row["growth_pct"] / _PERCENT),
        window_s=row["window_minutes"] * _MINUTE,
        effect=row["effect"],
        is_floor_stated=floor is not None,
    )
