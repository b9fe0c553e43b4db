"""``tierscope run``: any Python program under the launcher, with a ledger, a live table and a summary."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import click
from rich.console import Console

from tierscope.cli.kept import targets
from tierscope.cli.launch import Program, environment, launcher
from tierscope.cli.live import Watch
from tierscope.cli.report import show, summed
from tierscope.ledger import LedgerError
from tierscope.ledger.store import open_to_read

DEFAULT_LEDGER = "calls.db"


@click.command(
    short_help="Run a program and show its tiers.",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.option(
    "--ledger",
    type=click.Path(dir_okay=False, path_type=Path),
    help=f"File of the calls; rows are added.  [default: TIERSCOPE_LEDGER, else {DEFAULT_LEDGER}]",
)
@click.option("--live/--no-live", default=None, help="Show the table while the program runs.  [default: on a terminal]")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def run(ledger: Path | None, live: bool | None, command: tuple[str, ...]) -> None:
    """Run COMMAND under opentelemetry-instrument and print which tiers served its OpenAI calls.

    An OpenTelemetry set-up that the environment names stays as it is; without one nothing is exported. The table goes
    to the standard error, the status is the program's own. Example: tierscope run -- python app.py
    """
    ledger = ledger or Path(os.environ.get("TIERSCOPE_LEDGER") or DEFAULT_LEDGER)
    status = observe(command, environment(os.environ, ledger), live=live)
    if ledger.exists():
        click.echo(f"All calls: tierscope report {ledger}", err=True)
    raise SystemExit(status)


def observe(command: tuple[str, ...], env: dict[str, str], *, live: bool | None = None, every_s: float = 0) -> int:
    """Run a program, showing its calls meanwhile and in the end; return its exit status.

    ``live`` None: a table that is redrawn where standard error is a terminal. ``every_s``: elsewhere, a line of
    progress that often; 0 is never.
    """
    console = Console(stderr=True)
    ledger = Path(env["TIERSCOPE_LEDGER"])
    before = _last_row(ledger)
    program = Program([*launcher(), *command], env, is_drawn=console.is_terminal if live is None else live)
    status = Watch(program, console, ledger, before, every_s).until_ended()
    if ledger.exists():
        known = targets()
        figures, sections = summed(ledger, known, before)
        show(console, figures, known, sections)
    else:
        console.print(_NOTHING, highlight=False)
    return status


def _last_row(ledger: Path) -> int:
    """The last row of earlier runs; 0 where there is none.

    Raises:
        click.ClickException: the file is no ledger: said before the program starts.

    """
    try:
        db = open_to_read(ledger) if ledger.exists() else None
    except LedgerError as error:
        raise click.ClickException(str(error)) from None
    if db is None:
        return 0
    with contextlib.closing(db):
        last: int = db.execute("SELECT coalesce(max(row), 0) FROM calls").fetchone()[0]
        return last


_NOTHING = (
    "No call was recorded. Tierscope sees the openai client of the Python that runs the program: "
    "is tierscope installed there, and does it use openai? tierscope doctor, run there, tells more."
)
