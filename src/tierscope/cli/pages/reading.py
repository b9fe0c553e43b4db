"""What the page needs of a ledger beyond the summary: one pass, and no call is held."""

from __future__ import annotations

import contextlib
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from tierscope.cli.capacity import Growth, grown
from tierscope.cli.kept import EVER
from tierscope.ledger import samples
from tierscope.ledger.store import open_to_read
from tierscope.promise import ramp
from tierscope.promise.samples import Sample
from tierscope.promise.sheet import Sheet
from tierscope.promise.timeline import Timeline

if TYPE_CHECKING:
    from pathlib import Path

    from tierscope.catalog.promises import Promises
    from tierscope.promise.sheet import Section


class Traffic(NamedTuple):
    """One series of input tokens, the rule it is held against, and what came of it."""

    key: ramp.Key
    series: ramp.Series
    limit: ramp.Limit
    growth: Growth


class Reading(NamedTuple):
    """Figures over time."""

    kept: tuple[Section, ...]
    """Promises that calls fall under, of which the target is known."""
    timeline: Timeline
    traffic: tuple[Traffic, ...]
    """Busiest first."""
    causes: Counter[str]
    """Downgraded calls by *inferred* cause, ``ramp_rate`` among them."""


def read(ledger: Path, known: Promises) -> Reading:
    """Read a ledger once.

    Raises:
        LedgerError: a row cannot be read.
        sqlite3.Error: the file cannot be read to its end.

    """
    sheet, timeline, ramps = Sheet(known), Timeline(known), ramp.Ramps(known.ramp)
    down: Counter[Sample] = Counter()
    steps = {rule.provider: ramp.limit(rule).step_ns for rule in known.ramps}
    db = open_to_read(ledger)
    if db is not None:
        with contextlib.closing(db):
            for sample in samples.read(db, *EVER):
                sheet.add(sample)
                timeline.add(sample)
                ramps.add(sample)
                if sample.inferred_cause is not None:
                    down[_brief(sample, steps.get(sample.provider))] += 1
    kept = tuple(section for section in sheet.sections() if section.target is not None)
    return Reading(kept, timeline, _traffic(ramps), _causes(down, ramps.over()))


def _brief(sample: Sample, step_ns: int | None) -> Sample:
    """What the ramp rule needs to know of a downgraded call: the same for all of the same steps."""
    first, last = (0, 0) if step_ns is None else (sample.started_ns // step_ns, sample.ended_ns // step_ns)
    return Sample(
        provider=sample.provider,
        started_ns=first * (step_ns or 0),
        duration_ns=(last - first) * (step_ns or 0),
        request_model=sample.model,
        expected=sample.expected,
        served=sample.served,
        outcome=sample.outcome,
        inferred_cause=sample.inferred_cause,
    )


def _causes(down: Counter[Sample], over: ramp.Over) -> Counter[str]:
    found: Counter[str] = Counter()
    for brief, calls in down.items():
        found[over.cause(brief) or ""] += calls
    return found


def _traffic(ramps: ramp.Ramps) -> tuple[Traffic, ...]:
    found = [
        Traffic(key, series, bound, grown(key, series, bound))
        for bound, by_key in ramps.series()
        for key, series in by_key.items()
    ]
    return tuple(sorted(found, key=lambda one: -one.growth.peak_tpm))
