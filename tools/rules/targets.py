"""The catalog's promises as rules need them: one group of models for each provider, tier and promised rate. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from tierscope import signals
from tierscope.catalog.files import PROMISES
from tierscope.catalog.rows import CatalogError, first_day, last_day
from tierscope.promise.sla import WINDOW_S

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tierscope.catalog.promises import Promises, Target

DATED: Final = re.compile(r"-\d{4}-\d{2}-\d{2}\Z")
FOLD: Final = "((?:ft:)?[^:]+?)(?:-[0-9]{4}-[0-9]{2}-[0-9]{2})?(?::.*)?"
"""Of the name of an answering model: without the date of a snapshot, without what follows an `ft:base`."""


class Kept(NamedTuple):
    """The targets of one rate, of one tier of one provider."""

    provider: str
    tier: str
    rate: float
    targets: tuple[Target, ...]
    hidden: tuple[str, ...]
    """Models with another target that the names of these would take in."""

    @property
    def label(self) -> str:
        """The rate as text."""
        return f"{self.rate:g}"

    @property
    def models(self) -> str:
        """A pattern of every name by which they answer."""
        return _pattern(self.targets)

    @property
    def snapshots(self) -> tuple[str, ...]:
        """Those of them that are one dated snapshot, with a target of its own."""
        return tuple(target.model for target in self.targets if DATED.search(target.model))


def quoted(text: str) -> str:
    """Return text that a pattern takes as it is, without a backslash (which PromQL and YAML would want doubled)."""
    return re.sub(r"([.+*?()|^$\[\]{}])", r"[\1]", text)


def _pattern(targets: Iterable[Target]) -> str:
    """Return a pattern of the names that mean any of the targets; see `Promises.target`."""
    stems: dict[str, list[str]] = {}
    for target in targets:
        stems.setdefault(_suffix(target), []).append(quoted(target.model))
    return "|".join(f"({'|'.join(models)}){suffix}" for suffix, models in stems.items())


def _suffix(target: Target) -> str:
    if DATED.search(target.model):
        return ""
    date = "(-[0-9]{4}-[0-9]{2}-[0-9]{2})?" if target.version is None else f"(-{target.version})?"
    return date + ("(:.*)?" if target.model.startswith("ft:") else "")


def held(known: Promises, day: int) -> list[Target]:
    """Return the targets that hold on a day, in the order of their names."""
    rows = (row for row in known.targets if first_day(row.valid_from) <= day < last_day(row.valid_to))
    return sorted(rows, key=lambda row: (row.provider, row.tier, row.rate, row.model))


def grouped(targets: Iterable[Target]) -> list[Kept]:
    """Return the groups, in the order of their names.

    Raises:
        CatalogError: a rate is no edge of the histogram's buckets, or a window is not of 5 minutes.

    """
    groups: dict[tuple[str, str, float], list[Target]] = {}
    rows = list(targets)
    for target in rows:
        _check(target)
        groups.setdefault((target.provider, target.tier, target.rate), []).append(target)
    return [Kept(*key, tuple(own), _hidden(own, rows)) for key, own in sorted(groups.items())]


def _hidden(own: list[Target], rows: list[Target]) -> tuple[str, ...]:
    """Return the dated models of other groups: a nearer name hides what is said of a farther."""
    place = own[0].provider, own[0].tier
    pattern = re.compile(_pattern(own))
    others = (row.model for row in rows if (row.provider, row.tier) == place and row not in own)
    return tuple(model for model in others if DATED.search(model) and pattern.fullmatch(model))


def _check(target: Target) -> None:
    row = f"{target.provider} {target.model} {target.tier}"
    if target.rate not in signals.RATE_BUCKETS:
        edges = ", ".join(map(str, signals.RATE_BUCKETS))
        remedy = (
            f"no bucket ends there, so no rule could judge it exactly; add it to RATE_BUCKETS (metrics.py): {edges}"
        )
        raise CatalogError(PROMISES, row, "tokens_per_second_gt", f"{target.rate:g}", remedy)
    if target.window_s != WINDOW_S:
        remedy = f"rules judge windows of {WINDOW_S // 60} minutes: write that, or use `tierscope statement --window`"
        raise CatalogError(PROMISES, row, "window_minutes", f"{target.window_s / 60:g}", remedy)


def uptime(targets: Iterable[Target]) -> float:
    """Return the promised uptime.

    Raises:
        CatalogError: rows differ, for a burn rate has one budget.

    """
    told = sorted({target.uptime for target in targets if target.uptime is not None})
    if len(told) != 1:
        values = ", ".join(f"{value:.3%}" for value in told)
        raise CatalogError(
            PROMISES, "all", "uptime_pct", values or "none", "one value for all: a burn rate has one budget"
        )
    return told[0]
