"""Promised speed in two readings, each on two bases of a rate.

Reading A: the share of windows whose median rate is above the target (OpenAI, footnote 2: "p50 request latency on a
per 5 minute basis"). Reading B: the share of requests above it (Microsoft: "99 % of requests are processed at more
than …"). No source defines tokens per second, so both bases stand beside each other.

The median is above N where fewer than half of the samples are at most N: what ``bucket{le=N} / count < 0.5`` says of a
Prometheus histogram that has N for an edge. A window is one of UTC, and a call belongs to the one it started in.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, Generic, Literal, NamedTuple, TypeVar

from tierscope.promise.share import Share
from tierscope.tiers import LONG_CONTEXT_TOKENS
from tierscope.words import FAILED, FEW_TOKENS, LONG_CONTEXT, REFUSED, UNREPORTED, UNVERIFIED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tierscope.catalog.promises import Target
    from tierscope.promise.samples import Sample

Basis = Literal["generation", "end_to_end"]
BASES: Final[tuple[Basis, ...]] = ("generation", "end_to_end")
MadeT = TypeVar("MadeT")
MIN_TOKENS: Final = 100
"""Fewest output tokens of an end-to-end sample: 10 tokens after 0.4 s at 100 a second are "20 token/s"."""
MIN_SAMPLES: Final = 5
"""A window with fewer says little; it is counted all the same, and said."""
WINDOW_S: Final = 300
S: Final = 1_000_000_000

UNTRUSTED: Final = "host_not_trusted"
OTHER_TIER: Final = "other_tier"
NO_TARGET: Final = "no_target"
CONSUMER_LIMITED: Final = "consumer_limited"
NO_RATE: Final = "no_rate"
REASONS: Final = (
    UNTRUSTED,
    FAILED,
    REFUSED,
    UNVERIFIED,
    UNREPORTED,
    OTHER_TIER,
    NO_TARGET,
    LONG_CONTEXT,
    CONSUMER_LIMITED,
    NO_RATE,
    FEW_TOKENS,
)
"""Why a call is in no figure of promised speed: a closed set, and of several the first."""
_OUTCOMES: Final = frozenset({FAILED, REFUSED, UNVERIFIED, UNREPORTED})


class Counted(NamedTuple):
    """What a call that counts says of a promise."""

    is_above: bool
    """Whether it was above the target."""
    is_unclear: bool
    """Whether nobody can say if the promise leaves it out for its long prompt."""


class Readings(NamedTuple):
    """Both readings on one basis. Of each call it says what became of it: ``requests.of`` + excluded = ``calls``."""

    basis: Basis
    window_s: int
    calls: int
    windows: Share = Share()
    """Reading A: windows with counted calls."""
    thin: Share = Share()
    """Those of them with fewer calls than ``min_samples``."""
    requests: Share = Share()
    """Reading B."""
    excluded: Mapping[str, int] = {}
    """Calls left out, by reason, in the order of ``REASONS``."""
    long_context_unclear: int = 0
    """Counted calls of which nobody can say whether the promise leaves them out for their long prompt."""


def rate_of(sample: Sample, basis: Basis) -> float | None:
    """Return the rate on a basis; background work has none end to end, for it waited in a queue."""
    if basis == "generation":
        return sample.generation
    return None if sample.is_background else sample.end_to_end


def is_long(sample: Sample, target: Target) -> bool | None:
    """Say whether the promise leaves out this prompt for its length; ``None`` where nobody can say."""
    if target.excludes_long_context is False:
        return False
    if sample.input_tokens is None:
        return None
    return target.excludes_long_context if sample.input_tokens > _limit(target) else False


def _limit(target: Target) -> int:
    return LONG_CONTEXT_TOKENS if target.long_context_tokens is None else target.long_context_tokens


def judged(sample: Sample, tier: str, target: Target | None, basis: Basis) -> Counted | str:
    """Judge one call that was promised a tier; return the first of ``REASONS`` where it is left out."""
    reason = _not_served(sample, tier)
    if reason is not None or target is None:
        return reason or NO_TARGET
    rate, length = rate_of(sample, basis), is_long(sample, target)
    if length:
        return LONG_CONTEXT
    if sample.consumer_limited:
        return CONSUMER_LIMITED
    if rate is None:
        return NO_RATE
    if basis == "end_to_end" and (sample.output_tokens is None or sample.output_tokens < MIN_TOKENS):
        return FEW_TOKENS
    return Counted(is_above=rate > target.rate, is_unclear=length is None)


def _not_served(sample: Sample, tier: str) -> str | None:
    """Say why the tier cannot be held to have served a call."""
    if not sample.trusted:
        return UNTRUSTED
    if sample.outcome in _OUTCOMES:
        return sample.outcome
    return None if sample.served == tier else OTHER_TIER


class Judge(Generic[MadeT]):
    """Judges calls of one kind and day on both bases: those between which no promise tells, once."""

    def __init__(
        self, like: Sample, tier: str, target: Target | None, make: Callable[[tuple[Counted | str, ...]], MadeT]
    ) -> None:
        """Take what is to be made of the verdicts on each of ``BASES``."""
        self._like, self._tier, self._target, self._make = like, tier, target, make
        self._rate = 0.0 if target is None else target.rate
        self._limit = LONG_CONTEXT_TOKENS if target is None else _limit(target)
        self._known: dict[tuple[bool | None, ...], MadeT] = {}

    def of(self, taken: int | None, given: int | None, generation: float | None, end_to_end: float | None) -> MadeT:
        """Return what was made of the verdicts on a call of so many input and output tokens, and these rates."""
        key = (
            None if taken is None else taken > self._limit,
            given is None or given < MIN_TOKENS,
            None if generation is None else generation > self._rate,
            None if end_to_end is None else end_to_end > self._rate,
        )
        found = self._known.get(key)
        if found is None:
            sample = self._like._replace(
                input_tokens=taken, output_tokens=given, generation=generation, end_to_end=end_to_end
            )
            verdicts = tuple(judged(sample, self._tier, self._target, basis) for basis in BASES)
            found = self._known[key] = self._make(verdicts)
        return found


class Latency:
    """Adds up the calls of one tier under one target, on one basis; holds counts by window, no samples."""

    def __init__(self, tier: str, target: Target | None, basis: Basis, window_s: int | None = None) -> None:
        self._tier, self._target, self._basis = tier, target, basis
        self.window_ns = (window_s or (target.window_s if target else WINDOW_S)) * S
        self._all: Counter[int] = Counter()
        self._slow: Counter[int] = Counter()
        self._excluded: Counter[str] = Counter()
        self._unclear = 0

    def add(self, sample: Sample) -> None:
        """Add one call."""
        verdict = judged(sample, self._tier, self._target, self._basis)
        self.take(verdict, Counter([sample.started_ns // self.window_ns]))

    def take(self, verdict: Counted | str, windows: Counter[int]) -> None:
        """Add calls that were judged, by the window in which they started."""
        if isinstance(verdict, str):
            self._excluded[verdict] += windows.total()
            return
        self._all.update(windows)
        if not verdict.is_above:
            self._slow.update(windows)
        if verdict.is_unclear:
            self._unclear += windows.total()

    def merge(self, other: Latency) -> None:
        """Add everything another one has; both count windows of the same length."""
        self._all.update(other._all)
        self._slow.update(other._slow)
        self._excluded.update(other._excluded)
        self._unclear += other._unclear

    def readings(self, min_samples: int = MIN_SAMPLES) -> Readings:
        """The figures so far."""
        thin = {window for window, count in self._all.items() if count < min_samples}
        met = {window for window, count in self._all.items() if 2 * self._slow[window] < count}
        counted = self._all.total()
        return Readings(
            self._basis,
            self.window_ns // S,
            calls=counted + self._excluded.total(),
            windows=Share(len(met), len(self._all)),
            thin=Share(len(met & thin), len(thin)),
            requests=Share(counted - self._slow.total(), counted),
            excluded={reason: self._excluded[reason] for reason in REASONS if self._excluded[reason]},
            long_context_unclear=self._unclear,
        )


def readings(
    samples: Iterable[Sample],
    tier: str,
    target: Target | None,
    basis: Basis,
    *,
    window_s: int | None = None,
    min_samples: int = MIN_SAMPLES,
) -> Readings:
    """Return both readings of the calls that were promised a tier.

    Args:
        samples: the calls; those that another tier served are counted as left out.
        tier: the promised tier, canonical.
        target: what was promised of it; ``None``: nothing is known to be, and every call is left out.
        basis: the rate that is compared with the target.
        window_s: seconds of a window, else the target's.
        min_samples: a window with fewer calls is counted, and said to be thin.

    """
    latency = Latency(tier, target, basis, window_s)
    for sample in samples:
        latency.add(sample)
    return latency.readings(min_samples)
