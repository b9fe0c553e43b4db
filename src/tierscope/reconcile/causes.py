"""Why two sets of books differ: a cause only where the data prove it, and in full; what is left is unexplained.

In the order in which they are tried, each on what the ones before have left:

1. ``other_project``: the provider counts it under projects that the ledger never names, though all its calls name one.
2. ``cut_short``, ``queued``, ``not_reported``, ``auto_otherwise`` …: calls here whose tier is not known. Proved where,
   over the tiers of a model in a bucket, exactly as many requests are missing as there are such calls.
3. ``without_usage``: as many requests on both sides, fewer tokens here, and calls here that told none.
4. ``clock_skew``, ``fetched_late``: what is missing in one bucket is too much in a later or earlier one, to the last
   token, and at each edge between them enough calls are near it, or were counted where they were fetched.
5. ``inferred_no_answer``: no more requests are missing than attempts got no answer here. Inferred: nothing proves that
   the provider served these.
"""

from __future__ import annotations

from collections import Counter
from itertools import groupby, zip_longest
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tierscope.reconcile.autos import AUTO_OTHERWISE
from tierscope.reconcile.figures import TIERLESS, ZERO, Figures, Key, Ours, Theirs, add, is_nothing, minus

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tierscope.reconcile.hours import Span

BATCHES: Final = "batches"
OTHER_PROJECT: Final = "other_project"
TIER_UNKNOWN: Final = "tier_unknown"
WITHOUT_USAGE: Final = "without_usage"
CLOCK_SKEW: Final = "clock_skew"
FETCHED_LATE: Final = "fetched_late"
NO_ANSWER: Final = "inferred_no_answer"
UNSAID: Final = (
    "host_not_trusted",
    "cut_short",
    "queued",
    "unknown_word",
    "no_rule",
    "not_reported",
    "tierless_endpoint",
)
CAUSES: Final = (
    BATCHES,
    OTHER_PROJECT,
    *UNSAID,
    AUTO_OTHERWISE,
    TIER_UNKNOWN,
    WITHOUT_USAGE,
    CLOCK_SKEW,
    FETCHED_LATE,
    NO_ANSWER,
)
"""Every cause: a closed set."""

At = tuple[int, Key]


class Cause(NamedTuple):
    """A cause and what it accounts for of theirs minus ours; ``None`` is unknown."""

    word: str
    figures: Figures


class Pair(NamedTuple):
    """Both sides of one bucket and key."""

    theirs: Theirs
    ours: Ours


class Explained(NamedTuple):
    """What is known of a gap so far."""

    rest: Figures
    causes: tuple[Cause, ...] = ()

    @property
    def requests(self) -> int:
        """Requests of the rest: every book knows its requests."""
        return self.rest.requests or 0

    def by(self, word: str, figures: Figures) -> Explained:
        """Return the same with one cause more, nothing where it accounts for nothing."""
        if is_nothing(figures):
            return self
        return Explained(minus(self.rest, figures), (*self.causes, Cause(word, figures)))


Gaps = dict[At, Explained]


def explain(span: Span, pairs: Mapping[At, Pair], lost: Mapping[tuple[int, str], int]) -> Gaps:
    """Return the causes of each gap, and what they leave."""
    gaps = {at: _other_projects(pair) for at, pair in pairs.items()}
    for same in _grouped(pairs, _model_in_bucket):
        _tiers_unknown(gaps, pairs, same)
    for at, pair in pairs.items():
        gaps[at] = _without_usage(gaps[at], pair.ours)
    for same in _grouped(pairs, _key):
        _moved(gaps, pairs, span, same)
    for same in _grouped(pairs, _model_in_bucket):
        _no_answer(gaps, same, lost.get((same[0][0], same[0][1].model), 0))
    return gaps


def _model_in_bucket(at: At) -> tuple[int, str, str]:
    return at[0], at[1].model, at[1].requested or ""


def _key(at: At) -> tuple[str, str, str]:
    return at[1].model, at[1].tier, at[1].requested or ""


def _grouped(pairs: Mapping[At, Pair], by: Callable[[At], Any]) -> Iterator[list[At]]:
    for _, same in groupby(sorted(pairs, key=lambda at: (by(at), at[0], at[1].tier)), key=by):
        yield list(same)


def _other_projects(pair: Pair) -> Explained:
    gap = minus(pair.theirs.figures, _filled(pair.ours))
    return Explained(gap).by(OTHER_PROJECT, pair.theirs.foreign)


def _filled(ours: Ours) -> Figures:
    """Ours with nothing where no call told tokens: what is missing then is all of theirs."""
    if ours.figures.requests == ours.without_usage:
        return Figures(ours.figures.requests)
    return ours.figures


def _tiers_unknown(gaps: Gaps, pairs: Mapping[At, Pair], same: Sequence[At]) -> None:
    """Tiers of one model in one bucket."""
    blank = [at for at in same if at[1].tier in TIERLESS and gaps[at].requests < 0]
    short = [at for at in same if at[1].tier not in TIERLESS and gaps[at].requests]
    missing = sum(gaps[at].requests for at in short)
    spare = -sum(gaps[at].requests for at in blank)
    if not blank or missing != spare or any(gaps[at].requests < 0 for at in short):
        return
    reasons = sum((Counter(pairs[at].ours.unsaid) for at in blank), Counter())
    word = next(iter(reasons)) if len(reasons) == 1 else TIER_UNKNOWN
    for at in (*short, *blank):
        gaps[at] = gaps[at].by(word, gaps[at].rest)


def _without_usage(gap: Explained, ours: Ours) -> Explained:
    tokens = [count for count in gap.rest[1:] if count is not None]
    if not ours.without_usage or gap.requests or any(count < 0 for count in tokens):
        return gap
    return gap.by(WITHOUT_USAGE, gap.rest)


def _moved(gaps: Gaps, pairs: Mapping[At, Pair], span: Span, same: Sequence[At]) -> None:
    """Buckets of one key, in their order: runs whose gaps cancel each other, by a way that is proved at each edge."""
    run: list[At] = []
    words: set[str] = set()
    carried = ZERO
    late = sum(pairs[at].ours.late for at in same)
    for at, after in zip_longest(same, same[1:]):
        late -= pairs[at].ours.late
        carried = add(carried, gaps[at].rest)
        if not run and is_nothing(carried):
            continue
        run = [*run, at]
        if is_nothing(carried):
            _name(gaps, run, FETCHED_LATE if FETCHED_LATE in words else CLOCK_SKEW)
        is_next = after is not None and after[0] == at[0] + span.width_s
        word = _way(pairs[at].ours, pairs[after].ours if is_next else None, carried.requests or 0, late)
        words = words | {word} if word else set()
        if not words:
            run, carried = [], ZERO


def _name(gaps: Gaps, run: Sequence[At], word: str) -> None:
    for at in run:
        gaps[at] = gaps[at].by(word, gaps[at].rest)


def _way(here: Ours, after: Ours | None, missing: int, late: int) -> str | None:
    """Say how calls can be on different sides of the edge behind a bucket; ``None``: nothing proves it.

    Args:
        here: the bucket.
        after: the next one, if anything is in it.
        missing: so many the provider has counted up to here, and the ledger later; negative: the other way round.
        late: background responses that the ledger counts later, where they were fetched.

    """
    near = after.near_begin if missing > 0 and after else here.near_end
    if after is not None and 0 < abs(missing) <= near:
        return CLOCK_SKEW
    return FETCHED_LATE if 0 < missing <= late else None


def _no_answer(gaps: Gaps, same: Sequence[At], lost: int) -> None:
    missing = [gaps[at].requests for at in same]
    if min(missing) >= 0 and 0 < sum(missing) <= lost:
        _name(gaps, [at for at in same if gaps[at].requests], NO_ANSWER)
