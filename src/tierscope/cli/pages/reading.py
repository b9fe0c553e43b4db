"""What the page needs of a ledger, of one moment; no call is held."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, NamedTuple

from tierscope.cli.capacity import Growth, grown
from tierscope.ledger.feeds import Feed
from tierscope.ledger.kinds import numbered
from tierscope.ledger.queries import FORM, Tally
from tierscope.ledger.store import open_to_read
from tierscope.promise.ramp import Ramps
from tierscope.promise.sheet import Sheet
from tierscope.promise.timeline import Timeline

if TYPE_CHECKING:
    from collections import Counter
    from pathlib import Path

    from tierscope.catalog.promises import Promises
    from tierscope.ledger.figures import Report
    from tierscope.promise.ramp import Key, Limit, Series
    from tierscope.promise.sheet import Section


class Traffic(NamedTuple):
    """One series of input tokens, the rule it is held against, and what came of it."""

    key: Key
    series: Series
    limit: Limit
    growth: Growth


class Reading(NamedTuple):
    """What a page is made of."""

    report: Report
    """The summary."""
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
        LedgerError: the file is no ledger, or a row cannot be read.
        sqlite3.Error: the file cannot be read to its end.

    """
    tally, sheet = Tally(), Sheet(known)
    timeline, ramps = Timeline(known), Ramps(known.ramp)
    db = open_to_read(ledger)
    if db is not None:
        with contextlib.closing(db), numbered(db, FORM) as kinds:
            tally.take(db, kinds)
            feed = Feed(db, kinds)
            feed.sheet(sheet)
            feed.timeline(timeline)
            feed.ramps(ramps)
    kept = tuple(section for section in sheet.sections() if section.target is not None)
    return Reading(tally.report(), kept, timeline, _traffic(ramps), ramps.causes())


def _traffic(ramps: Ramps) -> tuple[Traffic, ...]:
    found = [
        Traffic(key, series, bound, grown(key, series, bound))
        for bound, by_key in ramps.series().values()
        for key, series in by_key.items()
    ]
    return tuple(sorted(found, key=lambda one: -one.growth.peak_tpm))
