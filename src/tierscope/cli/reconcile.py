"""``tierscope reconcile``: a ledger against the provider's own books."""

from __future__ import annotations

import contextlib
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from tierscope.catalog.providers import AZURE
from tierscope.cli import admin, gauge
from tierscope.cli.books import Reconciled, described, moment, told
from tierscope.cli.report import errors_of
from tierscope.cli.sentences import many, plain
from tierscope.ledger import usage
from tierscope.ledger.samples import span as held_span
from tierscope.ledger.store import open_to_read
from tierscope.reconcile import autos, azure, clocks, compare, hours, money, pages
from tierscope.reconcile.figures import agree

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping

    from tierscope.reconcile.figures import Key, Theirs
    from tierscope.reconcile.hours import Span

OPENAI: Final = "openai"
BELOW: Final = 3
"""Exit status where less is covered than was asked for."""
_S: Final = 1_000_000_000
_RESOLUTION_S: Final = 5
"""A ``Date`` header and the way of a reply leave so much doubt about a clock."""
_MOST: Final = 10_080
"""Buckets of one comparison: a week of minutes, more than a year of hours."""
_LAST_S: Final = 32_503_680_000
"""The year 3000: what is later is no time of a call."""


class Wish(NamedTuple):
    """What the options chose."""

    begin_s: int | None
    end_s: int | None
    width_s: int
    settle_s: float
    projects: frozenset[str] = frozenset()


def seconds(_ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    """Read a moment as ISO 8601, UTC where no offset is named, into seconds since 1970.

    Raises:
        click.BadParameter: it is none.

    """
    if value is None:
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        raise click.BadParameter(
            f"{plain(value)!r} is no time. Write it as 2026-11-26T08:00 (UTC) or 2026-11-26.", param=param
        ) from None
    moment_s = int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
    if not 0 <= moment_s < _LAST_S:
        raise click.BadParameter(f"{plain(value)!r} is no time of a call.", param=param)
    return moment_s


@click.command(short_help="Compare a ledger with the provider's own books.")
@click.option("--ledger", required=True, type=click.Path(path_type=Path), help="The ledger.")
@click.option(
    "--from",
    "begin_s",
    metavar="TIME",
    callback=seconds,
    help="Begin, UTC where no offset is named.  [default: first call]",
)
@click.option(
    "--to", "end_s", metavar="TIME", callback=seconds, help="End, exclusive.  [default: end of the last call's hour]"
)
@click.option(
    "--bucket",
    type=click.Choice(list(hours.WIDTHS)),
    default="1h",
    show_default=True,
    help="Width of what is compared: hours, or minutes.",
)
@click.option(
    "--settle",
    "settle_s",
    type=click.FloatRange(min=0),
    help="Seconds that the provider's books are given after a bucket's end.  [default: a tenth of a bucket]",
)
@click.option("--project", "projects", multiple=True, help="Only this project; calls that name none count as its.")
@click.option(
    "--azure", "export", type=click.Path(path_type=Path), help="Azure Monitor's export, in place of OpenAI's API."
)
@click.option("--base-url", help=f"Of the admin API; OPENAI_BASE_URL is not heeded.  [default: {admin.OPENAI}]")
@click.option("--fail-under", type=click.FloatRange(0, 1), help=f"Leave with status {BELOW} where less is covered.")
@click.option("--gauge", "file", type=click.Path(path_type=Path), help="Also write the coverage to this .prom file.")
@click.option("--json", "is_json", is_flag=True, help="Print the figures as JSON.")
def reconcile(
    ledger: Path,
    begin_s: int | None,
    end_s: int | None,
    bucket: str,
    settle_s: float | None,
    projects: tuple[str, ...],
    export: Path | None,
    base_url: str | None,
    fail_under: float | None,
    file: Path | None,
    is_json: bool,
) -> None:
    """Compare what LEDGER holds with what the provider counted: requests, tokens and money, with the causes of gaps.

    Per model, tier and closed hour against OpenAI's usage API, money per UTC day against its costs API; the admin key
    is read from OPENAI_ADMIN_KEY alone. With --azure against an export of Azure Monitor: requests only.

    Example: tierscope reconcile --ledger calls.db --from 2026-11-25 --to 2026-11-26 --fail-under 0.9
    """
    width_s = hours.WIDTHS[bucket]
    settle = hours.settling(width_s) if settle_s is None else settle_s
    wish = Wish(begin_s, end_s, width_s, settle, frozenset(projects))
    if file is not None:
        gauge.check(file)
    with _opened(ledger) as db:
        made = of_openai(ledger, db, wish, base_url) if export is None else of_azure(ledger, db, wish, export)
    if file is not None:
        gauge.write(file, gauge.text(made.provider, compare.by_tier(made.cells), made.span.end_s))
    click.echo(json.dumps(told(made), indent=2) if is_json else "\n".join(described(made)))
    _judge(made, fail_under)


@contextlib.contextmanager
def _opened(ledger: Path) -> Iterator[sqlite3.Connection]:
    with errors_of(ledger):
        db = open_to_read(ledger)
        if db is None:
            raise click.ClickException(f"{ledger} holds no call yet.")
        with contextlib.closing(db):
            yield db


def _judge(made: Reconciled, fail_under: float | None) -> None:
    part = compare.least(compare.whole(made.cells))
    if fail_under is not None and (part is None or part < fail_under):
        said = "unknown" if part is None else f"{part:.4%}"
        click.echo(f"Covered: {said}, where {fail_under:.4%} was asked for.", err=True)
        raise SystemExit(BELOW)


def _say(line: str) -> None:
    click.echo(f"  {line}", err=True)


# ── OpenAI ────────────────────────────────────────────────────────────────────────────────────────────────────────
def of_openai(ledger: Path, db: sqlite3.Connection, wish: Wish, base_url: str | None) -> Reconciled:
    """Compare with OpenAI's usage and costs API.

    Raises:
        click.ClickException: there is nothing to compare, or it cannot be had.

    """
    access = admin.access(base_url)
    span = _span(ledger, db, wish)
    api = admin.connect(access, _say)
    _say(f"usage from {moment(span.begin_s)} to {moment(span.end_s)}")
    used = api.usage(span.begin_s, span.end_s, span.width_s, wish.projects)
    _clock(api, span)
    books = usage.read(db, usage.Wanted(OPENAI, span, wish.projects))
    theirs = pages.books(used, span.width_s, books.known_projects)
    settings = {project: api.default_tier(project) for project in sorted(books.autos)}
    by_setting = autos.resolve(theirs, books.cells, settings)
    cells = compare.compare(span, theirs, by_setting.cells, books.lost)
    if _is_suspicious(cells):
        around = clocks.FURTHEST * span.width_s
        wide = api.usage(
            max(0, span.begin_s - around), min(span.end_s + around, int(time.time())), span.width_s, wish.projects
        )
        _shift(ledger, api.host, pages.books(wide, span.width_s, None), books, span)
    _something(cells, api.host, span, ledger, books)
    _say("costs, by UTC day")
    days = money.days(
        span.begin_s, span.end_s, api.costs(span.begin_s, span.end_s, wish.projects), books.bills, books.models
    )
    return Reconciled(
        str(ledger), OPENAI, api.host, span, cells, books, tuple(days), settings, by_setting.meant,
        by_setting.otherwise, api.ahead_s,
    )  # fmt: skip


def _span(ledger: Path, db: sqlite3.Connection, wish: Wish, held: tuple[int, int] | None = None) -> Span:
    """Return the closed buckets: of what was asked for, else of what there is."""
    first, last = held or _of_ledger(ledger, db)
    width = wish.width_s
    begin = first // width * width if wish.begin_s is None else wish.begin_s
    end = (last // width + 1) * width if wish.end_s is None else wish.end_s
    if begin >= end:
        raise click.BadParameter(f"{moment(end)} is not after {moment(begin)}.", param_hint="--to")
    span = hours.span(begin, end, width, now_s=time.time(), settle_s=wish.settle_s)
    if not span.buckets:
        raise click.ClickException(
            f"No whole {_kind(width)} from {moment(begin)} to {moment(end)} is closed yet: it must have ended "
            f"{wish.settle_s:g} s ago (--settle). Try again later, or name an earlier range."
        )
    if len(span.buckets) > _MOST:
        raise click.BadParameter(
            f"{moment(begin)} to {moment(end)} are {len(span.buckets):,} {_kind(width)}s: at most {_MOST:,} are "
            f"compared at once. Name a shorter range, or --bucket 1h.",
            param_hint="--from",
        )
    return span


def _of_ledger(ledger: Path, db: sqlite3.Connection) -> tuple[int, int]:
    held = held_span(db)
    if held is None:
        raise click.ClickException(f"{ledger} holds no call yet.")
    return held[0] // _S, held[1] // _S


def _kind(width_s: int) -> str:
    return "hour" if width_s == hours.WIDTHS["1h"] else "minute"


def _clock(api: admin.Admin, span: Span) -> None:
    """Refuse to compare by a wrong clock."""
    ahead = api.ahead_s
    if ahead is not None and abs(ahead) > max(_RESOLUTION_S, hours.settling(span.width_s)):
        raise click.ClickException(
            f"This machine's clock is {abs(ahead):,.0f} s {'ahead of' if ahead > 0 else 'behind'} that of {api.host}: "
            f"calls would be compared with other {_kind(span.width_s)}s. Set the clock, and compare what is recorded "
            f"from then on."
        )


def _is_suspicious(cells: tuple[compare.Cell, ...]) -> bool:
    """Say whether the ledger holds calls, and not one bucket as the books have it."""
    held = [cell for cell in cells if cell.ours is not None and cell.ours.requests]
    return bool(held) and not any(cell.ours and agree(cell.ours, cell.theirs) for cell in held)


def _shift(ledger: Path, host: str, theirs: Mapping[int, Mapping[Key, Theirs]], books: usage.Books, span: Span) -> None:
    count = clocks.shift(theirs, books.cells, span.width_s)
    if count is not None:
        by = many(abs(count), _kind(span.width_s))
        raise click.ClickException(
            f"{ledger} is {by} {'ahead of' if count > 0 else 'behind'} {host}: each of its figures is there, {by} "
            f"{'earlier' if count > 0 else 'later'}. The clock of the machine that wrote it was wrong: set it, and "
            f"compare what is recorded from then on."
        )


def _something(cells: tuple[compare.Cell, ...], host: str, span: Span, ledger: Path, books: usage.Books) -> None:
    if not any(cell.theirs.requests for cell in cells):
        ours = sum(held.figures.requests or 0 for bucket in books.cells.values() for held in bucket.values())
        raise click.ClickException(
            f"{host} counted no request from {moment(span.begin_s)} to {moment(span.end_s)}; {ledger} holds "
            f"{many(ours, 'call')} of then. Is the key of the organization that was called, and the range right?"
        )


# ── Azure ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def of_azure(ledger: Path, db: sqlite3.Connection, wish: Wish, path: Path) -> Reconciled:
    """Compare with an export of Azure Monitor.

    Raises:
        click.ClickException: there is nothing to compare, or the file is no such export.

    """
    try:
        export = azure.read(path.read_text("utf-8"), str(path))
        theirs = azure.books(export, wish.width_s)
    except azure.ExportError as error:
        raise click.ClickException(plain(str(error))) from None
    except UnicodeDecodeError:
        raise click.ClickException(f"{path} is no text in UTF-8: save it as JSON or CSV.") from None
    except OSError as error:
        raise click.ClickException(f"{path} cannot be read: {error.strerror or error}.") from None
    times = [point.at_s for point in export.points]
    last = max(times) + (export.interval_s or wish.width_s) - 1
    span = _span(ledger, db, wish, (min(times), last))
    books = usage.read(db, usage.Wanted(AZURE, span, has_requested=True, names=export.has_deployments))
    cells = compare.compare(span, theirs, books.cells, books.lost)
    if _is_suspicious(cells):
        _shift(ledger, str(path), theirs, books, span)
    _something(cells, str(path), span, ledger, books)
    return Reconciled(str(ledger), AZURE, str(path), span, cells, books, failed_there=export.failed)
