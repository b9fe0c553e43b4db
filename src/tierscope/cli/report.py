"""``tierscope report``: what a ledger says."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from tierscope.cli import kept
from tierscope.cli.sentences import plain
from tierscope.cli.table import print_report
from tierscope.ledger import LedgerError, store
from tierscope.ledger.queries import Tally
from tierscope.ledger.store import open_to_read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tierscope.ledger.figures import Report
    from tierscope.promise.sheet import Section, Targets


@click.command(short_help="Print what a ledger says.")
@click.argument("ledger", type=click.Path(path_type=Path))
@click.option("--json", "is_json", is_flag=True, help="Print the figures as JSON.")
@click.option(
    "--html",
    "page",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write a page for a browser as well: one file, which loads nothing.",
)
@click.option(
    "--policy", type=click.Path(), envvar="TIERSCOPE_POLICY", help="What nobody waits for: for the advice of the page."
)
def report(ledger: Path, is_json: bool, page: Path | None, policy: str | None) -> None:
    """Print the summary of LEDGER: per model, requested and served tier.

    With --html, the same figures and their course over time as a page for whoever decides about money.
    Example: tierscope report calls.db --html report.html
    """
    if page is not None:
        _write(ledger, is_json, page, policy)
        return
    known = kept.targets()
    _print(*summed(ledger, known), known, is_json)


def _write(ledger: Path, is_json: bool, page: Path, policy: str | None) -> None:
    from tierscope.cli.pages import whole  # noqa: PLC0415  only where a page is wanted
    from tierscope.cli.pages.file import written  # noqa: PLC0415
    from tierscope.html.document import document  # noqa: PLC0415

    with written(page, ledger) as write:
        with errors_of(ledger):
            found, made = whole.page(ledger, policy)
        size = write(document(made))
        _print(found.report, found.kept, kept.targets(), is_json)
    click.echo(f"The page is {page} ({size / 1000:,.0f} kB): open it in a browser.", err=True)


def _print(figures: Report, sections: tuple[Section, ...], known: Targets, is_json: bool) -> None:
    if is_json:
        click.echo(json.dumps({**dataclasses.asdict(figures), "promises": kept.told(sections)}, indent=2))
    else:
        show(Console(), figures, known, sections)


def show(console: Console, figures: Report, known: Targets, sections: tuple[Section, ...]) -> None:
    """Print figures, and what was kept of the promises."""
    print_report(console, figures, kept.promised(known), kept.sentences(sections))


def summed(ledger: Path, known: Targets, after: int = 0) -> tuple[Report, tuple[Section, ...]]:
    """Read figures and promises of the rows that follow the row ``after``, in one pass.

    Raises:
        click.ClickException: the file cannot be read, or holds what is none of ours.

    """
    with errors_of(ledger):
        return kept.figures(ledger, known, after)


def read(ledger: Path, after: int = 0) -> Report:
    """Read the figures of a ledger, of the rows that follow the row ``after``.

    Raises:
        click.ClickException: the file cannot be read, or is no ledger.

    """
    tally = Tally(after)
    with errors_of(ledger):
        db = open_to_read(ledger)
        if db is not None:
            with contextlib.closing(db):
                tally.read(db)
    return tally.report()


@contextlib.contextmanager
def errors_of(ledger: Path, fault: str = "cannot be read to its end") -> Iterator[None]:
    """Turn what a ledger may hold amiss into one line.

    Raises:
        click.ClickException: the file cannot be read, or is no ledger.

    """
    try:
        yield
    except LedgerError as error:
        raise click.ClickException(plain(str(error))) from None
    except sqlite3.Error as error:
        raise click.ClickException(plain(f"{ledger} {fault}: {error}.{_remedy(error)}")) from None


def _remedy(error: sqlite3.Error) -> str:
    """Say what to do, where the kind of the error tells."""
    code = getattr(error, "sqlite_errorcode", 0) & store.PRIMARY
    if code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}:
        return " The file is broken: use a copy, or what `sqlite3 FILE .recover` saves of it."
    if code in {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR}:
        return " Check its permissions, those of its folder, and the room on its disk."
    return " Try again." if store.is_locked(error) else ""
