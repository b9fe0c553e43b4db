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
from tierscope.ledger import LedgerError
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
    if page is None:
        _print(ledger, read(ledger), is_json)
    else:
        _write(ledger, is_json, page, policy)


def _write(ledger: Path, is_json: bool, page: Path, policy: str | None) -> None:
    from tierscope.cli.pages import whole  # noqa: PLC0415  only where a page is wanted
    from tierscope.cli.pages.file import written  # noqa: PLC0415
    from tierscope.html.document import document  # noqa: PLC0415

    with written(page, ledger) as write:
        figures = read(ledger)
        with errors_of(ledger):
            size = write(document(whole.page(ledger, figures, policy)))
        _print(ledger, figures, is_json)
    click.echo(f"The page is {page} ({size / 1000:,.0f} kB): open it in a browser.", err=True)


def _print(ledger: Path, figures: Report, is_json: bool) -> None:
    if is_json:
        promises = kept.told(kept_of(ledger, kept.targets()))
        click.echo(json.dumps({**dataclasses.asdict(figures), "promises": promises}, indent=2))
    else:
        show(Console(), ledger, figures)


def show(console: Console, ledger: Path, figures: Report, after: int = 0) -> None:
    """Print figures and what was kept of the promises, of the rows that follow the row ``after``."""
    known = kept.targets()
    print_report(console, figures, kept.promised(known), kept.sentences(kept_of(ledger, known, after)))


def kept_of(ledger: Path, known: Targets, after: int = 0) -> tuple[Section, ...]:
    """Read what was kept of the promises.

    Raises:
        click.ClickException: the file cannot be read, or holds what is none of ours.

    """
    with errors_of(ledger):
        return kept.sections(ledger, known, after)


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
def errors_of(ledger: Path) -> Iterator[None]:
    """Turn what a ledger may hold amiss into one line.

    Raises:
        click.ClickException: the file cannot be read, or is no ledger.

    """
    try:
        yield
    except LedgerError as error:
        raise click.ClickException(plain(str(error))) from None
    except sqlite3.Error as error:
        raise click.ClickException(f"{ledger} cannot be read to its end: {plain(str(error))}.") from None
