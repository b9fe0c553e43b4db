"""What became of a comparison of books, for people and for programs."""

from __future__ import annotations

import textwrap
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tierscope import tiers
from tierscope.cli.sentences import UNPRICED, UNSAID, dollars, many, plain
from tierscope.cli.sheet import WIDTH
from tierscope.cli.table import UNKNOWN
from tierscope.ledger.usage import EMBEDDINGS, NOT_ANSWERED, OTHER_PROJECT, OTHER_PROVIDER
from tierscope.reconcile import causes, compare
from tierscope.reconcile.autos import AUTO_OTHERWISE
from tierscope.reconcile.figures import FIELDS, Figures, is_nothing, total
from tierscope.reconcile.pages import PICO

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tierscope.ledger.usage import Books
    from tierscope.reconcile.compare import Cell, Row
    from tierscope.reconcile.hours import Span
    from tierscope.reconcile.money import Day

MOST: Final = 20
"""How many gaps are written out; a program gets all."""
_CAUSES: Final = {
    **UNSAID,
    causes.BATCHES: "of the Batch API: a ledger does not know the hours of its requests",
    causes.OTHER_PROJECT: "in projects that this ledger never names",
    AUTO_OTHERWISE: "named no tier, and the provider counts them under another than the project's setting says",
    causes.TIER_UNKNOWN: "their tier is not known here, for several reasons",
    causes.WITHOUT_USAGE: "told no tokens here",
    causes.CLOCK_SKEW: "on the other side of an edge: the clocks differ a little",
    causes.FETCHED_LATE: "made in the background, and counted here where they were fetched",
    causes.NO_ANSWER: "inferred: as many attempts got no answer here, and may have been served",
}
_LEFT_OUT: Final = {
    OTHER_PROVIDER: "of another provider",
    OTHER_PROJECT: "of another project",
    EMBEDDINGS: "for embeddings, which are other books",
    NOT_ANSWERED: "refused or failed",
}


class Reconciled(NamedTuple):
    """A comparison, whole."""

    ledger: str
    provider: str
    against: str
    span: Span
    cells: tuple[Cell, ...]
    books: Books
    days: tuple[Day, ...] = ()
    autos: Mapping[str, str | None] = {}
    """By project: what ``auto`` means there; ``None``: it cannot be seen."""
    meant: Mapping[str, int] = {}
    """By project: calls whose reply told no tier, compared under the one that ``auto`` means."""
    otherwise: Mapping[str, int] = {}
    """By project: such calls of which the provider's books say something else."""
    ahead_s: float | None = None
    failed_there: int = 0


def moment(seconds: int) -> str:
    """A moment in UTC."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M}"


def described(made: Reconciled) -> Iterator[str]:
    """The lines of the summary: how much is covered, by model and tier; the gaps; money; what was left out."""
    for line in _head(made):
        yield from _wrapped(line)
    yield ""
    yield from _table(made)
    for line in (*_gaps(made), *_money(made), *_autos(made), *_left_out(made)):
        yield from _wrapped(line)


def _wrapped(line: str) -> list[str]:
    return textwrap.wrap(plain(line), WIDTH, subsequent_indent="  ") or [""]


def _head(made: Reconciled) -> Iterator[str]:
    span, whole = made.span, compare.whole(made.cells)
    kind = "hour" if span.width_s > 60 else "minute"  # noqa: PLR2004  seconds
    yield (
        f"{made.ledger} against {made.against}, {moment(span.begin_s)} to {moment(span.end_s)} (UTC): "
        f"{many(len(span.buckets), f'closed {kind}')}."
    )
    if span.open:
        yield f"Not closed yet, and left out: {', '.join(moment(begin) for begin in span.open)}."
    parts = [f"{percent(whole.covered('requests'))} of {many(whole.theirs.requests or 0, 'request')}"]
    parts += [
        f"{percent(whole.covered(field))} of {getattr(whole.theirs, field):,} {field} tokens"
        for field in FIELDS[1:]
        if getattr(whole.theirs, field)
    ]
    yield f"Covered: {', '.join(parts)}."


def percent(part: float | None) -> str:
    """A part cut to hundredths of a per cent: what is less than whole never reads as 100 %."""
    return UNKNOWN if part is None else f"{int(part * 10_000) / 100:.2f}%"


def _table(made: Reconciled) -> Iterator[str]:
    yield f"{'Model, tier':28}{'there':>9}{'here':>9}{'requests':>9}{'input':>8}{'cached':>8}{'output':>8}"
    for row in compare.rows(made.cells):
        yield from _row(row)


def _row(row: Row) -> Iterator[str]:
    asked = f"{row.key.requested} ▸ " if row.key.requested else ""
    name = plain(f"{row.key.model}, {asked}{row.key.tier}")
    counts = "".join(
        f"{UNKNOWN if side.requests is None else f'{side.requests:,}':>9}" for side in (row.theirs, row.ours)
    )
    parts = "".join(f"{percent(row.covered(field)):>{9 if field == 'requests' else 8}}" for field in FIELDS)
    if len(name) > 28:  # noqa: PLR2004  the column's width
        yield name
        name = ""
    yield f"{name:28}{counts}{parts}"


def _gaps(made: Reconciled) -> Iterator[str]:
    found = [cell for cell in made.cells if cell.causes or not is_nothing(cell.unexplained)]
    if not found:
        yield "No gap."
    for cell in found[:MOST]:
        yield f"{moment(cell.begin_s)} {cell.key.model}, {cell.key.tier}: {'; '.join(_reasons(cell))}."
    if len(found) > MOST:
        yield f"And {many(len(found) - MOST, 'gap')} more: --json has all."


def _reasons(cell: Cell) -> Iterator[str]:
    for cause in cell.causes:
        yield f"{_amount(cause.figures)} {cause.word}: {_CAUSES[cause.word]}"
    if not is_nothing(cell.unexplained):
        yield f"{_amount(cell.unexplained)} unexplained"


def _amount(figures: Figures) -> str:
    """Figures that are missing here (or, with a plus, are more here)."""
    told = [
        f"{'+' if count < 0 else ''}{abs(count):,} {field if field == 'requests' else f'{field} tokens'}"
        for field, count in zip(FIELDS, figures, strict=True)
        if count
    ]
    return f"[{', '.join(told)}]"


def _money(made: Reconciled) -> Iterator[str]:
    if made.provider != "openai":
        return
    if not made.days:
        yield "Money is compared by whole closed UTC days: there is none in this range."
    for day in made.days:
        theirs, bill = day.theirs_pico / PICO, day.ours
        ours = f"{dollars(bill.pico / PICO)} here ({percent(day.covered)})" if bill.priced else "no priced call here"
        yield f"Money of {moment(day.begin_s)[:10]} (UTC), all tiers: {dollars(theirs)} there, {ours}."
        for reason, count in bill.unpriced.items():
            yield f"  Without a price here: {many(count, 'call')}, for {UNPRICED.get(reason, reason)}."
        if day.elsewhere:
            listed = ", ".join(f"{name} {dollars(pico / PICO)}" for name, pico in sorted(day.elsewhere.items()))
            yield f"  There for models that this ledger never names: {listed}."


def _autos(made: Reconciled) -> Iterator[str]:
    for project, word in made.autos.items():
        expected = made.books.autos[project]
        told = ", ".join(sorted(tier or "nothing" for tier in expected))
        if word is None:
            yield f"What auto means in {project} cannot be seen with this key; its calls expected {told}."
            continue
        means = tiers.canonical(word) or word
        verdict = "as its calls expected" if expected == {means} else f"its calls expected {told}"
        setting = "" if expected == {means} else f": set TIERSCOPE_EXPECTED_TIERS=project:{project}={means}"
        yield f"In {project}, auto means {means}, {verdict}{setting}."
        if made.meant.get(project):
            yield f"  Under it, as the books have it: {many(made.meant[project], 'call')} whose reply told no tier."
        if made.otherwise.get(project):
            yield f"  Not under it, for the books say else: {many(made.otherwise[project], 'call')} that named no tier."


def _left_out(made: Reconciled) -> Iterator[str]:
    for reason, count in made.books.left_out.items():
        yield f"Left out: {many(count, 'call')} {_LEFT_OUT[reason]}."
    if made.failed_there:
        yield f"Left out there: {many(made.failed_there, 'request')} without a 2xx."
    if made.books.batches:
        yield f"{many(made.books.batches, 'batch')} ended here in this time; they are compared with nothing."
    if made.books.nameless and made.provider == "openai":
        yield f"{many(made.books.nameless, 'call')} here named no project: other projects cannot be told apart."


# ── a program ─────────────────────────────────────────────────────────────────────────────────────────────────────
def told(made: Reconciled) -> dict[str, Any]:
    """The figures for a program; ``null`` is unknown."""
    span, whole = made.span, compare.whole(made.cells)
    batches = total(cell.theirs for cell in made.cells if cell.ours is None)
    return {
        "ledger": made.ledger,
        "provider": made.provider,
        "against": made.against,
        "begin_unix_s": span.begin_s,
        "end_unix_s": span.end_s,
        "bucket_s": span.width_s,
        "open_unix_s": list(span.open),
        "clock_ahead_s": made.ahead_s,
        "least_coverage": compare.least(whole),
        "total": _sides(whole),
        "tiers": [{"tier": row.key.tier, **_sides(row)} for row in compare.by_tier(made.cells)],
        "models": [{**row.key._asdict(), **_sides(row)} for row in compare.rows(made.cells)],
        "cells": [_cell(cell) for cell in made.cells],
        "batches": {
            "theirs": batches._asdict(),
            "ours": made.books.batch_figures._asdict(),
            "count": made.books.batches,
        },
        "left_out": dict(made.books.left_out),
        "failed_there": made.failed_there,
        "calls_without_project": made.books.nameless,
        "money": [_day(day) for day in made.days],
        "auto": [
            {
                "project": project,
                "means": word,
                "expected": sorted(tier or "" for tier in made.books.autos[project]),
                "compared_under_it": made.meant.get(project, 0),
                "counted_otherwise_there": made.otherwise.get(project, 0),
            }
            for project, word in made.autos.items()
        ],
    }


def _sides(row: Row) -> dict[str, Any]:
    return {
        "theirs": row.theirs._asdict(),
        "ours": row.ours._asdict(),
        "coverage": {field: row.covered(field) for field in FIELDS},
    }


def _cell(cell: Cell) -> dict[str, Any]:
    return {
        "begin_unix_s": cell.begin_s,
        **cell.key._asdict(),
        "theirs": cell.theirs._asdict(),
        "ours": None if cell.ours is None else cell.ours._asdict(),
        "causes": [{"cause": cause.word, **cause.figures._asdict()} for cause in cell.causes],
        "unexplained": cell.unexplained._asdict(),
    }


def _day(day: Day) -> dict[str, Any]:
    return {
        "begin_unix_s": day.begin_s,
        "theirs_usd": day.theirs_pico / PICO,
        "ours_usd": day.ours.pico / PICO if day.ours.priced else None,
        "coverage": day.covered,
        "priced": day.ours.priced,
        "unpriced": dict(day.ours.unpriced),
        "elsewhere_usd": {name: pico / PICO for name, pico in day.elsewhere.items()},
    }
