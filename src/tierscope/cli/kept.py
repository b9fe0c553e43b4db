"""What was promised of a ledger's calls, and kept: targets beside the table, and a sentence for each promise."""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING, Any

import click

from tierscope.catalog import CatalogError
from tierscope.catalog.promises import promises
from tierscope.cli.catalog import KEY
from tierscope.cli.sentences import many, plain
from tierscope.cli.sheet import BASIS, cut
from tierscope.ledger.feeds import KIND, Feed
from tierscope.ledger.kinds import numbered
from tierscope.ledger.queries import FORM, Tally
from tierscope.ledger.store import open_to_read
from tierscope.promise.sheet import DAY_NS, PROMISED, Sheet

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tierscope.ledger.figures import Group, Report
    from tierscope.promise.share import Share
    from tierscope.promise.sheet import Section, Targets


def own() -> str | None:
    """Return the user's file of the catalog, checked; ``None``: there is none.

    Raises:
        click.ClickException: that file cannot be used.

    """
    path = os.environ.get(KEY, "").strip() or None
    try:
        promises(path)
    except CatalogError as error:
        raise click.ClickException(str(error)) from None
    return path


def targets() -> Targets:
    """Read the promises, those of the user's file too.

    Raises:
        click.ClickException: that file cannot be used.

    """
    return promises(own())


def promised(known: Targets) -> Callable[[Group], float | None]:
    """Return what says which rate is promised of a group's served tier today, token/s; ``None``: none that is known."""
    day = time.time_ns() // DAY_NS

    def rate(group: Group) -> float | None:
        if group.model is None or group.served not in PROMISED:
            return None
        target = known.target(group.provider, group.model, group.served, day)
        return None if target is None else target.rate

    return rate


def sections(ledger: Path, known: Targets, after: int = 0) -> tuple[Section, ...]:
    """Read the promises that the rows of a ledger behind the row ``after`` fall under.

    Raises:
        LedgerError: a row cannot be read.
        sqlite3.Error: the file cannot be read to its end.

    """
    sheet, db = Sheet(known), open_to_read(ledger)
    if db is not None:
        with contextlib.closing(db), numbered(db, KIND, "row > ?", (after,)) as kinds:
            Feed(db, kinds).sheet(sheet)
    return _with_target(sheet)


def figures(ledger: Path, known: Targets, after: int = 0) -> tuple[Report, tuple[Section, ...]]:
    """Read, of one moment, the figures of the rows of a ledger behind the row ``after``, and what was kept of promises.

    Raises:
        LedgerError: the file is no ledger, or a row cannot be read.
        sqlite3.Error: the file cannot be read to its end.

    """
    tally, sheet, db = Tally(after), Sheet(known), open_to_read(ledger)
    if db is not None:
        with contextlib.closing(db), numbered(db, FORM, "row > ?", (after,)) as kinds:
            tally.take(db, kinds)
            Feed(db, kinds).sheet(sheet)
    return tally.report(), _with_target(sheet)


def _with_target(sheet: Sheet) -> tuple[Section, ...]:
    return tuple(section for section in sheet.sections() if section.target is not None)


def sentences(found: tuple[Section, ...]) -> Iterator[str]:
    """Say of each promise what was kept, on both bases and in both readings; and how to read it."""
    for section in found:
        yield _sentence(section)
    if found:
        yield (
            "Promises: windows are of five minutes, met if their median is above the target; calls left out have "
            "another tier, a long prompt, too few tokens or a slow reader: tierscope statement says how many."
        )


def _sentence(section: Section) -> str:
    target = section.target
    rate = "" if target is None else f" above {target.rate:g} token/s"
    speed = "; ".join(
        f"{BASIS[told.basis]} {_of(told.windows, 'window')}, {_of(told.requests, 'call')}" for told in section.speed
    )
    uptime = section.uptime.share
    return (
        f"{plain(section.model or '?')} on {section.tier}{rate}: {speed}. Uptime: {_of(uptime, 'attempt')} "
        f"without a server's error."
    )


def _of(share: Share, thing: str) -> str:
    """So many of so many, and what part that is."""
    if share.value is None:
        return f"no {thing} counts"
    return f"{share.met:,} of {many(share.of, thing)} ({cut(share)})"


def told(found: tuple[Section, ...]) -> list[dict[str, Any]]:
    """The promises for a program: exact counts."""
    return [
        {
            "provider": section.provider,
            "model": section.model,
            "tier": section.tier,
            "tokens_per_second_above": None if section.target is None else section.target.rate,
            "speed": {
                readings.basis: {
                    "windows": readings.windows._asdict(),
                    "calls": readings.requests._asdict(),
                    "left_out": dict(readings.excluded),
                }
                for readings in section.speed
            },
            "uptime": section.uptime.share._asdict(),
        }
        for section in found
    ]
