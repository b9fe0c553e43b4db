"""The sheet of a period: for each promise its target, and what was kept of it, in speed and in uptime.

A call belongs to the tier that served it where a promise covers that one, else to the tier it expected. Model and
target are those of the reply. A call without one belongs where the other calls of its model, as asked for, belong, if
that is one place.
"""

from __future__ import annotations

import functools
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from tierscope.promise import uptime
from tierscope.promise.sla import BASES, MIN_SAMPLES, Judge, Latency, S
from tierscope.words import PRIORITY, SCALE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from tierscope.catalog.promises import Target
    from tierscope.promise.samples import Sample, Try
    from tierscope.promise.sla import Counted, Readings
    from tierscope.promise.uptime import Definition, Uptime

PROMISED: Final = (PRIORITY, SCALE)
"""The tiers that anything is promised of (OpenAI's Priority and Scale pages; Microsoft's on Priority)."""
DAY_NS: Final = 86_400 * S


class Targets(Protocol):
    """Where targets come from: the catalog."""

    def target(self, provider: str, model: str, tier: str, day: int, /) -> Target | None:
        """Return what was promised on a day since 1970-01-01 (UTC)."""


class Section(NamedTuple):
    """One promise: a provider's, of a model and a tier."""

    provider: str
    model: str | None
    tier: str
    target: Target | None
    """``None``: nothing is known to be promised."""
    names: tuple[str, ...]
    """The model as it was asked for, and as replies name it."""
    calls: int
    untrusted: int
    """Calls on hosts whose echo is not documented: in no figure at all."""
    speed: tuple[Readings, ...]
    """One for each of ``BASES``."""
    uptime: Uptime


class Place(NamedTuple):
    """What the calls of one section have in common."""

    provider: str
    model: str | None
    tier: str
    target: Target | None


class _Figures:
    """The running figures of one section."""

    def __init__(self, place: Place, window_s: int | None, definition: Definition) -> None:
        self.place = place
        self.calls = 0
        self.untrusted = 0
        self.asked: set[tuple[str | None, str | None]] = set()
        """Models as asked for and as answered."""
        self.tries: Counter[tuple[tuple[Try, ...], str | None]] = Counter()
        """Calls by their attempts and what they closed with: mostly one that was answered, so looked at in the end."""
        self.speed = tuple(Latency(place.tier, place.target, basis, window_s) for basis in BASES)
        self._definition = definition

    def add(self, sample: Sample) -> None:
        self.add_alike(sample, Counter([sample.tries]))
        for latency in self.speed:
            latency.add(sample)

    def add_alike(self, like: Sample, tries: Counter[tuple[Try, ...]]) -> None:
        calls, closing = tries.total(), uptime.closing_of(like)
        self.calls += calls
        self.untrusted += 0 if like.trusted else calls
        self.asked.add((like.request_model, like.response_model))
        for some, count in tries.items() if like.trusted else ():
            self.tries[some, closing] += count

    def merge(self, other: _Figures) -> None:
        self.calls += other.calls
        self.untrusted += other.untrusted
        self.asked |= other.asked
        self.tries.update(other.tries)
        for number, latency in enumerate(self.speed):
            latency.merge(other.speed[number])

    def section(self, min_samples: int) -> Section:
        return Section(
            *self.place,
            names=tuple(sorted({name for names in self.asked for name in names if name})),
            calls=self.calls,
            untrusted=self.untrusted,
            speed=tuple(latency.readings(min_samples) for latency in self.speed),
            uptime=uptime.figures(self._kinds(), self._definition),
        )

    def _kinds(self) -> Counter[str]:
        kinds: Counter[str] = Counter()
        for (tries, closing), calls in self.tries.items():
            for kind in uptime.kinds(tries, closing, self._definition):
                kinds[kind] += calls
        return kinds


class Alike:
    """Calls of one kind and day: they belong to one section, and differ in numbers and in their attempts."""

    def __init__(self, like: Sample, figures: _Figures) -> None:
        self._like, self._figures = like, figures
        self._window_ns = figures.speed[0].window_ns
        self._counted: list[tuple[tuple[Counted | str, ...], Counter[int]]] = []
        self._judge = Judge(like, figures.place.tier, figures.place.target, self._windows)
        self._tries: Counter[tuple[Try, ...]] = Counter()

    def _windows(self, verdicts: tuple[Counted | str, ...]) -> Counter[int]:
        self._counted.append((verdicts, Counter()))
        return self._counted[-1][1]

    def add(
        self,
        started_ns: int,
        taken: int | None,
        given: int | None,
        generation: float | None,
        end_to_end: float | None,
        tries: tuple[Try, ...],
    ) -> None:
        """Add one of them: when it started, its tokens, its rates, and its attempts."""
        self._judge.of(taken, given, generation, end_to_end)[started_ns // self._window_ns] += 1
        self._tries[tries] += 1

    def tell(self) -> None:
        """Tell the section of what was added since."""
        self._figures.add_alike(self._like, self._tries)
        for verdicts, windows in self._counted:
            for latency, verdict in zip(self._figures.speed, verdicts, strict=True):
                latency.take(verdict, windows)
            windows.clear()
        self._tries.clear()


def tier_of(sample: Sample, promised: Collection[str | None] = PROMISED) -> str | None:
    """Return the promised tier a call belongs to; ``None``: to none."""
    if sample.served in promised:
        return sample.served
    return sample.expected if sample.expected in promised else None


class Sheet:
    """Adds calls up; holds counts, no calls."""

    def __init__(
        self,
        targets: Targets,
        *,
        tiers: Iterable[str] = PROMISED,
        window_s: int | None = None,
        definition: Definition = uptime.DEFAULT,
    ) -> None:
        self._targets, self.tiers = targets, tuple(tiers)
        self._window_s, self._definition = window_s, definition
        self._place = functools.cache(self._looked_up)
        self._told: dict[Place, _Figures] = {}
        self._untold: dict[tuple[Place, str | None], _Figures] = {}
        """Calls that no reply told the model of, by the model as asked for."""
        self._answered: defaultdict[tuple[str, str, str | None], set[Place]] = defaultdict(set)
        """Provider, tier and model as asked for → where the calls that were answered belong."""
        self._alike: list[Alike] = []
        self.calls = 0
        """All, those of other tiers too."""
        self.first_ns: int | None = None
        self.last_ns: int | None = None

    def add(self, sample: Sample) -> None:
        """Add one call."""
        self.count(1, sample.started_ns, sample.started_ns)
        tier = tier_of(sample, self.tiers)
        if tier is not None:
            self._figures(sample, tier).add(sample)

    def alike(self, like: Sample) -> Alike | None:
        """Return where calls of this kind and day are added, and ``count`` beside; ``None``: they are in no section."""
        tier = tier_of(like, self.tiers)
        if tier is None:
            return None
        self._alike.append(Alike(like, self._figures(like, tier)))
        return self._alike[-1]

    def count(self, calls: int, first_ns: int, last_ns: int) -> None:
        """Count calls, of whatever tier, and when the first and the last of them started, nanoseconds since 1970."""
        self.calls += calls
        self.first_ns = first_ns if self.first_ns is None else min(self.first_ns, first_ns)
        self.last_ns = last_ns if self.last_ns is None else max(self.last_ns, last_ns)

    def _figures(self, sample: Sample, tier: str) -> _Figures:
        place = self._place(sample.provider, sample.model, tier, sample.started_ns // DAY_NS)
        if sample.response_model is None and place.target is None:
            return self._of(self._untold, (place, sample.request_model), place)
        self._answered[sample.provider, tier, sample.request_model].add(place)
        return self._of(self._told, place, place)

    def _of(self, figures: dict[Any, _Figures], key: object, place: Place) -> _Figures:
        if key not in figures:
            figures[key] = _Figures(place, self._window_s, self._definition)
        return figures[key]

    def _looked_up(self, provider: str, model: str | None, tier: str, day: int) -> Place:
        target = None if model is None else self._targets.target(provider, model, tier, day)
        return Place(provider, model if target is None else target.model, tier, target)

    def sections(self, min_samples: int = MIN_SAMPLES) -> tuple[Section, ...]:
        """The figures so far, in the order of their names; adding goes on afterwards."""
        for alike in self._alike:
            alike.tell()
        whole: dict[Place, _Figures] = {}
        for place, figures in self._told.items():
            self._of(whole, place, place).merge(figures)
        for (place, asked), figures in self._untold.items():
            answered = self._answered.get((place.provider, place.tier, asked), set())
            home = next(iter(answered)) if len(answered) == 1 else place
            self._of(whole, home, home).merge(figures)
        return tuple(
            figures.section(min_samples) for _, figures in sorted(whole.items(), key=lambda item: _order(item[0]))
        )


def _order(place: Place) -> tuple[str, ...]:
    since = place.target.valid_from if place.target is not None else None
    return place.provider, place.model or "", place.tier, since or ""
