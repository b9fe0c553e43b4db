"""Rates over time: the median of each window, by the tier that served, on both bases; held by window, not by call.

What counts for a window is what counts for a promise (``sla.judged``); tiers of which nothing is promised are judged as
if anything were, so that they can be compared. The median is the lower of the two middle ones of an even number: it is
above a target exactly where reading A holds that the window met it.
"""

from __future__ import annotations

import functools
from array import array
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from tierscope.catalog.names import candidates
from tierscope.catalog.promises import Target
from tierscope.promise.sheet import DAY_NS, PROMISED
from tierscope.promise.sla import BASES, WINDOW_S, Basis, Judge, S, rate_of
from tierscope.words import OTHER, UNREPORTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tierscope.promise.samples import Sample
    from tierscope.promise.sheet import Targets
    from tierscope.promise.sla import Counted

WINDOW_NS: Final = WINDOW_S * S
_ANYTHING: Final = Target(
    provider="",
    model="",
    version=None,
    tier="",
    rate=0.0,
    attainment=0.0,
    window_s=WINDOW_S,
    uptime=None,
    excludes_long_context=False,
    long_context_tokens=None,
    as_of=None,
    source="",
    certainty="",
)
"""What a call of an unpromised tier is judged by."""
_NO_TIER: Final = frozenset({OTHER, UNREPORTED})


class Line(NamedTuple):
    """What one line shows: the rate of a model's calls that a tier served."""

    provider: str
    model: str | None
    tier: str
    basis: Basis


class Window(NamedTuple):
    """One window with calls that count."""

    begin_ns: int
    calls: int
    median: float
    """Token/s: the lower median."""
    is_met: bool | None
    """Whether the median is above the target; ``None`` without one."""


class Bin(NamedTuple):
    """Several windows that stand behind each other, as one point of a picture."""

    begin_ns: int
    windows: int
    calls: int
    lowest: float
    median: float
    """The lower median of the windows' medians."""
    highest: float
    missed: int | None
    """Windows whose median was not above the target; ``None`` without one."""


class _Place(NamedTuple):
    """Where the calls of one line and day go."""

    target: Target
    windows: defaultdict[int, array[float]]
    left_out: Counter[str]


_Way = tuple["defaultdict[int, array[float]] | None", "Counter[str]", str]


class Alike:
    """Calls of one kind and day: they belong to the same lines."""

    def __init__(self, like: Sample, places: tuple[_Place, ...]) -> None:
        self._places = places
        self._judge = Judge(like, like.served, places[0].target, self._ways)

    def _ways(self, verdicts: tuple[Counted | str, ...]) -> tuple[_Way, ...]:
        """Say where calls with these verdicts go: to their window, or to those left out, and for which reason."""
        return tuple(
            (None if isinstance(verdict, str) else place.windows, place.left_out, str(verdict))
            for place, verdict in zip(self._places, verdicts, strict=True)
        )

    def add(
        self,
        started_ns: int,
        taken: int | None,
        given: int | None,
        generation: float | None,
        end_to_end: float | None,
    ) -> None:
        """Add one of them: when it started, its tokens, and its rates."""
        first, second = self._judge.of(taken, given, generation, end_to_end)
        window = started_ns // WINDOW_NS
        _put(first, window, generation)
        _put(second, window, end_to_end)


def _put(way: _Way, window: int, rate: float | None) -> None:
    windows, left_out, reason = way
    if rate is None or windows is None:
        left_out[reason] += 1
    else:
        windows[window].append(rate)


class Timeline:
    """Adds calls up by line and window; holds their rates, eight bytes each."""

    def __init__(self, targets: Targets) -> None:
        self._rates: defaultdict[tuple[Line, float | None], defaultdict[int, array[float]]] = defaultdict(
            lambda: defaultdict(lambda: array("d"))
        )
        self.left_out: defaultdict[Line, Counter[str]] = defaultdict(Counter)
        """Calls without a point on a line, by the first reason of ``sla.REASONS``."""
        self._targets = targets
        self._places = functools.cache(self._looked_up)

    def add(self, sample: Sample) -> None:
        """Add one call."""
        alike = self.alike(sample)
        if alike is not None:
            end_to_end = rate_of(sample, "end_to_end")
            alike.add(sample.started_ns, sample.input_tokens, sample.output_tokens, sample.generation, end_to_end)

    def alike(self, like: Sample) -> Alike | None:
        """Return where calls of this kind and day are added; ``None``: nowhere."""
        if like.served in _NO_TIER:
            return None
        return Alike(like, self._places(like.provider, like.model, like.served, like.started_ns // DAY_NS))

    def _looked_up(self, provider: str, model: str | None, tier: str, day: int) -> tuple[_Place, ...]:
        """Return where the calls of one day go, once for all of them."""
        named, target = _promised(self._targets, provider, model, tier, day)
        needed = None if target is None else target.rate
        lines = (Line(provider, named, tier, basis) for basis in BASES)
        return tuple(_Place(target or _ANYTHING, self._rates[line, needed], self.left_out[line]) for line in lines)

    def targets(self) -> dict[Line, float]:
        """The rate that was last promised of each line, token/s."""
        return {line: needed for (line, needed), windows in self._rates.items() if windows and needed is not None}

    def lines(self) -> dict[Line, tuple[Window, ...]]:
        """The windows of each line, in the order of time."""
        found: defaultdict[Line, list[Window]] = defaultdict(list)
        for (line, needed), windows in self._rates.items():
            for number, rates in windows.items():
                median = middle(sorted(rates))
                is_met = None if needed is None else median > needed
                found[line].append(Window(number * WINDOW_NS, len(rates), median, is_met))
        return {line: tuple(sorted(found[line])) for line in sorted(found, key=_order)}

    def rates(self) -> dict[Line, float]:
        """The median of all calls that count, of each line."""
        whole: defaultdict[Line, array[float]] = defaultdict(lambda: array("d"))
        for (line, _), windows in self._rates.items():
            for rates in windows.values():
                whole[line].extend(rates)
        return {line: middle(sorted(rates)) for line, rates in whole.items() if rates}


def _promised(
    targets: Targets, provider: str, model: str | None, tier: str, day: int
) -> tuple[str | None, Target | None]:
    """Return a model without the date of its snapshot, and what is promised of it on a day."""
    if model is None:
        return None, None
    target = targets.target(provider, model, tier, day) if tier in PROMISED else None
    return (candidates(model)[-1], None) if target is None else (target.model, target)


def _order(line: Line) -> tuple[str, str, str, str]:
    return line.provider, line.model or "", line.tier, line.basis


def middle(ordered: Sequence[float]) -> float:
    """Return the lower median of ordered figures."""
    return ordered[(len(ordered) - 1) // 2]


def binned(windows: Iterable[Window], bin_ns: int) -> tuple[Bin, ...]:
    """Lay windows together whose begin falls into the same bin."""
    bins: defaultdict[int, list[Window]] = defaultdict(list)
    for window in windows:
        bins[window.begin_ns // bin_ns].append(window)
    return tuple(_bin(number * bin_ns, bins[number]) for number in sorted(bins))


def _bin(begin_ns: int, windows: Sequence[Window]) -> Bin:
    medians = sorted(window.median for window in windows)
    judged_ones = [window.is_met for window in windows if window.is_met is not None]
    missed = judged_ones.count(False) if judged_ones else None
    calls = sum(window.calls for window in windows)
    return Bin(begin_ns, len(windows), calls, medians[0], middle(medians), medians[-1], missed)
