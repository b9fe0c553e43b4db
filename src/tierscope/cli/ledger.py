"""``tierscope ledger``: what a ledger is, and making it smaller."""

from __future__ import annotations

import contextlib
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from tierscope.cli.report import errors_of
from tierscope.cli.sentences import cut_off, many, plain
from tierscope.ledger import migrations, retention, store
from tierscope.ledger.retention import Keep
from tierscope.ledger.samples import span

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

_PAUSE_S: Final = 0.01
"""Between two transactions: other writers get their turn."""
_S: Final = 1_000_000_000
_PATH: Final = click.argument("path", metavar="LEDGER", type=click.Path(path_type=Path))


@click.group(short_help="Say what a ledger holds, or drop its older calls.")
def ledger() -> None:
    """Look after the file that TIERSCOPE_LEDGER names."""


@ledger.command(short_help="Print version, rows, span and size.")
@_PATH
@click.option("--json", "is_json", is_flag=True, help="Print the figures as JSON.")
def info(path: Path, is_json: bool) -> None:
    """Print version, rows, span and size of LEDGER, and what was dropped of it."""
    with errors_of(path), _opened(path) as db:
        facts = facts_of(db)
    if is_json:
        click.echo(json.dumps(facts, indent=2))
        return
    for line in _lines(path, facts):
        click.echo(plain(line))


@ledger.command(short_help="Drop older calls.")
@_PATH
@click.option("--keep-rows", type=click.IntRange(min=1), help="Keep so many rows, the newest.")
@click.option("--keep-days", type=click.IntRange(min=1), help="Keep calls of so many days.")
def trim(path: Path, keep_rows: int | None, keep_days: int | None) -> None:
    """Drop older rows of LEDGER, a few at a time: programs that write to it go on meanwhile.

    The file keeps its size, and new rows take the room. Example: tierscope ledger trim calls.db --keep-days 30
    """
    if keep_rows is None and keep_days is None:
        raise click.UsageError("Say what to keep: --keep-rows, --keep-days, or both.")
    with errors_of(path, "cannot be trimmed"):
        with _opened(path):
            pass  # it is there, and ours: nothing is made where there is nothing
        db, _ = store.open_to_write(str(path))
        with contextlib.closing(db):
            db.execute(f"PRAGMA busy_timeout = {round(1000 * store.PATIENCE_S)}")
            count = trimmed(db, Keep(keep_rows, keep_days))
            facts = facts_of(db)
    click.echo(plain(f"{many(count, 'row')} dropped, {facts['rows']:,} kept in {path}."))


def trimmed(db: sqlite3.Connection, keep: Keep) -> int:
    """Drop what is not to be kept; return how many rows.

    Raises:
        sqlite3.Error: another process is writing for too long, or the file cannot be written; what is dropped is.

    """
    now_ns, count = time.time_ns(), 0
    while (planned := retention.plan(db, keep, now_ns)) is not None:
        left: retention.Plan | None = planned
        while left is not None:
            done, left = retention.drop(db, left)
            count += done
            time.sleep(_PAUSE_S)
    return count


def facts_of(db: sqlite3.Connection) -> dict[str, Any]:
    """Return what is known of a ledger; ``None`` is unknown."""
    held, lost = span(db), retention.dropped(db)
    names = ("page_count", "page_size", "freelist_count")
    pages, size, free = (db.execute(f"PRAGMA {name}").fetchone()[0] for name in names)
    return {
        "version": migrations.version_of(db),
        "rows": db.execute("SELECT count(*) FROM calls").fetchone()[0],
        "first_unix_ns": None if held is None else held[0],
        "last_unix_ns": None if held is None else held[1],
        "bytes": pages * size,
        "free_bytes": free * size,
        "dropped": None if lost is None else lost._asdict(),
    }


def _opened(path: Path) -> contextlib.closing[sqlite3.Connection]:
    db = store.open_to_read(path)
    if db is None:
        raise click.ClickException(f"{path} holds no call yet.")
    return contextlib.closing(db)


def _lines(path: Path, facts: dict[str, Any]) -> Iterator[str]:
    size, free = (facts[name] / 1_000_000 for name in ("bytes", "free_bytes"))
    yield f"{path}: version {facts['version']}, {many(facts['rows'], 'row')}, {size:,.1f} MB, of which {free:,.1f} free"
    if facts["first_unix_ns"] is not None:
        first, last = (datetime.fromtimestamp(facts[f"{name}_unix_ns"] // _S, UTC) for name in ("first", "last"))
        yield f"Calls started from {first:%Y-%m-%d %H:%M:%S} to {last:%Y-%m-%d %H:%M:%S} UTC"
    if facts["dropped"] is not None:
        yield cut_off(facts["dropped"]["rows"], facts["dropped"]["last_unix_ns"])
