"""What the page needs of a ledger, of one moment; no call is held."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final, NamedTuple

from tierscope.advice import columns
from tierscope.advice.reading import Reading as Figured
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

    from tierscope.advice import Figures, Known
    from tierscope.ledger.figures import Report
    from tierscope.promise.ramp import Key, Limit, Series
    from tierscope.promise.sheet import Section


_KIND: Final = tuple(dict.fromkeys((*FORM, *columns.KIND)))


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
    figures: Figures
    """What advice is made of."""


def read(ledger: Path, known: Known) -> Reading:
    """Read a ledger; all figures are of one moment.

    Raises:
        LedgerError: the file is no ledger, or a row cannot be read.
        sqlite3.Error: the file cannot be read to its end.

    """
    promised = known.promises
    tally, sheet, advised = Tally(), Sheet(promised), Figured(known.rates, Ramps(promised.ramp))
    timeline, ramps = Timeline(promised), Ramps(promised.ramp)
    db = open_to_read(ledger)
    if db is not None:
        with contextlib.closing(db), numbered(db, _KIND) as kinds:
            tally.take(db, kinds)
            feed = Feed(db, kinds)
            feed.sheet(sheet)
            feed.timeline(timeline)
            feed.ramps(ramps)
            advised.take(db, kinds)
    kept = tuple(section for section in sheet.sections() if section.target is not None)
    return Reading(tally.report(), kept, timeline, _traffic(ramps), ramps.causes(), advised.figures())


def _traffic(ramps: Ramps) -> tuple[Traffic, ...]:
    found = [
        Traffic(key, series, bound, grown(key, series, bound))
        for bound, by_key in ramps.series().values()
        for key, series in by_key.items()
    ]
    return tuple(sorted(found, key=lambda one: -one.growth.peak_tpm))
