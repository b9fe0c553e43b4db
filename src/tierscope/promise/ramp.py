"""Ramp rate: how fast input tokens per minute grow, against the rule beyond which calls are downgraded.

The service judges what it is sent. Seen from here are *completed* input tokens by expected tier, in steps of a minute
(a fifteenth of the rule's window). One process, or one ledger, sees a lower bound. Batch has a quota of its own.
"""

from __future__ import annotations

import functools
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final, NamedTuple

from tierscope.catalog.promises import LEAST_FLOOR
from tierscope.promise.samples import Sample
from tierscope.promise.sla import S
from tierscope.words import BATCH, DOWNGRADED, LONG_CONTEXT, PRIORITY, RAMP_RATE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from tierscope.catalog.promises import RampRule

WARNING_SHARE: Final = 0.8
"""Forewarn from this share of the allowed growth on."""
STEPS: Final = 15
MINUTE_NS: Final = 60 * S

Key = tuple[str, str | None, str | None]
"""Provider, model, and expected tier."""
Tokens = defaultdict[Key, Counter[int]]


class Limit(NamedTuple):
    """A rule as it is applied: steps in nanoseconds, the floor never below ``LEAST_FLOOR``."""

    step_ns: int
    floor_tpm: int
    growth: float

    def allowed(self, lowest: float) -> float:
        """Return the tokens per minute that are allowed after a lowest step."""
        return max(self.floor_tpm, lowest * (1 + self.growth))

    def used(self, tpm: float, lowest: float) -> float:
        """Return the share of the allowed growth that is used; above 1 the rule is broken."""
        allowed = self.allowed(lowest)
        base = allowed / (1 + self.growth)
        return (tpm - base) / (allowed - base)


class Point(NamedTuple):
    """One step of a series that has reached the floor."""

    step: int
    """Number of the step since 1970."""
    tpm: float
    lowest_tpm: float
    """The lowest step of the window before it."""
    headroom_tpm: float
    """Tokens per minute left; negative where there are too many."""
    used: float
    """Share of the allowed growth."""
    is_warning: bool
    is_over: bool

    @property
    def growth(self) -> float | None:
        """Growth against the lowest step; ``None`` after an idle one."""
        return self.tpm / self.lowest_tpm - 1 if self.lowest_tpm else None


class Series(NamedTuple):
    """Completed input tokens by step; a step of the span that is missing was idle."""

    first: int
    """First step of the observed span: seen in part only, so never the lowest, and never judged."""
    last: int
    tokens: Mapping[int, int]

    def tpm(self, step: int, step_ns: int) -> float:
        """Return the tokens per minute of a step."""
        return self.tokens.get(step, 0) * MINUTE_NS / step_ns


def limit(rule: RampRule, ramp_window: float | None = None) -> Limit:
    """Apply a rule, with a window of so many seconds instead of its own (tests and the demo shorten it)."""
    window_ns = round((rule.window_s if ramp_window is None else ramp_window) * S)
    return Limit(window_ns // STEPS, max(LEAST_FLOOR, rule.floor_tpm), rule.growth)


def key_of(sample: Sample) -> Key | None:
    """Return the series a call belongs to; ``None``: to none, as batch work, and what is too long for Priority."""
    if BATCH in {sample.expected, sample.served} or sample.inferred_cause == LONG_CONTEXT:
        return None
    return sample.provider, sample.model, sample.expected


def has_cause(sample: Sample) -> bool:
    """Say whether a call has an inferred cause, or its series may tell one."""
    return sample.outcome == DOWNGRADED or sample.inferred_cause is not None


def series(samples: Iterable[Sample], step_ns: int = MINUTE_NS) -> dict[Key, Series]:
    """Add up completed input tokens by provider, model and expected tier; all series have the same span."""
    tokens: Tokens = defaultdict(Counter)
    for sample in samples:
        key = key_of(sample)
        if key is not None:
            tokens[key][sample.ended_ns // step_ns] += sample.input_tokens or 0
    return _spanned(tokens)


def _spanned(tokens: Tokens) -> dict[Key, Series]:
    steps = [step for one in tokens.values() for step in (min(one), max(one))]
    return {key: Series(min(steps), max(steps), one) for key, one in tokens.items()}


def lowest(one: Series, step: int, bound: Limit) -> float | None:
    """Return the lowest tokens per minute of the window before a step; ``None`` where no step of it is known."""
    before = range(max(one.first + 1, step - STEPS), step)
    return min((one.tpm(earlier, bound.step_ns) for earlier in before), default=None)


def headroom(one: Series, step: int, bound: Limit) -> float | None:
    """Return the tokens per minute left in a step, below the floor too; negative where there are too many."""
    least = lowest(one, step, bound)
    return None if least is None else bound.allowed(least) - one.tpm(step, bound.step_ns)


def point(one: Series, step: int, bound: Limit, warning: float = WARNING_SHARE) -> Point | None:
    """Judge one step; ``None`` below the floor, and where nothing before it is known in whole."""
    tpm, least = one.tpm(step, bound.step_ns), lowest(one, step, bound)
    if least is None or tpm < bound.floor_tpm:
        return None
    used = bound.used(tpm, least)
    return Point(step, tpm, least, bound.allowed(least) - tpm, used, is_warning=used > warning, is_over=used > 1)


def points(one: Series, bound: Limit, warning: float = WARNING_SHARE) -> list[Point]:
    """Judge every step that reached the floor."""
    found = (point(one, step, bound, warning) for step in sorted(one.tokens))
    return [told for told in found if told is not None]


class Over(NamedTuple):
    """The steps in which Priority grew beyond a provider's rule."""

    step_ns: Mapping[str, int]
    """Of each provider that has a rule."""
    steps: frozenset[tuple[Key, int]]

    def cause(self, sample: Sample) -> str | None:
        """Return the inferred cause of a call, with ``ramp_rate`` where its series tells it.

        A call that expected Priority and was downgraded for no other reason that is known, in a step that grew beyond
        the rule, was *inferred* to be downgraded for that.
        """
        told, step_ns = sample.inferred_cause, self.step_ns.get(sample.provider)
        if sample.outcome != DOWNGRADED or step_ns is None:
            return told
        lasted = range(sample.started_ns // step_ns, sample.ended_ns // step_ns + 1)
        return RAMP_RATE if self.covers(key_of(sample), lasted) else told

    def covers(self, key: Key | None, steps: range) -> bool:
        """Say whether the series grew beyond the rule in one of the steps of a call, from its start to its end.

        The service decides at the start; what it was sent then is known in the steps that follow.
        """
        return any((key, step) in self.steps for step in steps)


class Ramps:
    """Adds calls up by step, each provider's by its own rule; holds counts, no calls."""

    def __init__(self, rule_of: Callable[[str], RampRule | None], ramp_window: float | None = None) -> None:
        self._limit_of = functools.cache(lambda provider: _limit_by(rule_of(provider), ramp_window))
        self._tokens: defaultdict[tuple[str, Limit], Tokens] = defaultdict(lambda: defaultdict(Counter))
        self._causes: Counter[Sample] = Counter()

    def add(self, sample: Sample) -> None:
        """Add one call."""
        key = key_of(sample)
        if key is not None:
            self.take(key, sample.ended_ns, sample.input_tokens or 0)
        if has_cause(sample):
            self.note(sample)

    def note(self, sample: Sample) -> None:
        """Note a call that has a cause, or may have one."""
        self._causes[_brief(sample, self.step_ns(sample.provider))] += 1

    def take(self, key: Key, ended_ns: int, tokens: int) -> None:
        """Add the input tokens of a call that belongs to a series, and the time at which it ended."""
        found = self.tokens(key)
        if found is not None:
            found[0][ended_ns // found[1]] += tokens

    def tokens(self, key: Key) -> tuple[Counter[int], int] | None:
        """Return what a series' input tokens are added to, by step, and the length of its steps; ``None``: no rule."""
        bound = self._limit_of(key[0])
        return None if bound is None else (self._tokens[key[0], bound][key], bound.step_ns)

    def step_ns(self, provider: str) -> int | None:
        """Return the length of a provider's steps; ``None``: it has no rule."""
        bound = self._limit_of(provider)
        return None if bound is None else bound.step_ns

    def causes(self) -> Counter[str]:
        """Count the inferred causes so far; what ``Over.cause`` says of each call, without reading them again."""
        counts: Counter[str] = Counter()
        over = self.over()
        for brief, calls in self._causes.items():
            cause = over.cause(brief)
            if cause is not None:
                counts[cause] += calls
        return counts

    def series(self) -> dict[str, tuple[Limit, dict[Key, Series]]]:
        """The series of each provider that has a rule, with its limit."""
        return {provider: (bound, _spanned(tokens)) for (provider, bound), tokens in self._tokens.items()}

    def over(self) -> Over:
        """The steps beyond the rules so far."""
        found = {
            (key, told.step)
            for bound, grown in self.series().values()
            for key, one in grown.items()
            if key[2] == PRIORITY
            for told in points(one, bound)
            if told.is_over
        }
        return Over({provider: bound.step_ns for provider, bound in self._tokens}, frozenset(found))


def _brief(sample: Sample, step_ns: int | None) -> Sample:
    """What the cause of a call depends on: the same for all of one kind that began and ended in the same steps."""
    first, last = (0, 0) if step_ns is None else (sample.started_ns // step_ns, sample.ended_ns // step_ns)
    return Sample(
        sample.provider,
        first * (step_ns or 0),
        (last - first) * (step_ns or 0),
        request_model=sample.model,
        expected=sample.expected,
        served=sample.served,
        outcome=sample.outcome,
        inferred_cause=sample.inferred_cause,
    )


def _limit_by(rule: RampRule | None, ramp_window: float | None) -> Limit | None:
    return None if rule is None else limit(rule, ramp_window)


def causes(
    samples: Sequence[Sample], rule_of: Callable[[str], RampRule | None], ramp_window: float | None = None
) -> list[str | None]:
    """Return the inferred cause of each call of a fleet or a ledger, in any order; see ``Over.cause``.

    Args:
        samples: the calls. Where they are too many to hold, read them twice: into ``Ramps``, then past its ``over()``.
        rule_of: the rule of a provider; ``None``: it has none.
        ramp_window: seconds, instead of the rule's.

    """
    ramps = Ramps(rule_of, ramp_window)
    for sample in samples:
        ramps.add(sample)
    over = ramps.over()
    return [over.cause(sample) for sample in samples]
