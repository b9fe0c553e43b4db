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
def report(ledger: Path, is_json: bool) -> None:
    """Print the summary of LEDGER: per model, requested and served tier."""
    known = kept.targets()
    figures, sections = summed(ledger, known)
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
