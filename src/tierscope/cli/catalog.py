"""``tierscope catalog``: what is known of prices and promises; whether a file of your own can be used, what it does."""

from __future__ import annotations

import difflib
import json
import os
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import click
from rich.console import Console

from tierscope.catalog import CatalogError, files, load, rows, shapes
from tierscope.catalog.names import candidates
from tierscope.catalog.prices import Rate, Rates, rates
from tierscope.catalog.promises import Promises, ScaleUnit, Target, promises
from tierscope.cli.cards import Found, print_cards
from tierscope.cli.sentences import many, plain
from tierscope.words import CANONICAL

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY: Final = "TIERSCOPE_CATALOG"
_ORDER: Final = (
    *dict.fromkeys(key for fields in shapes.FIELDS.values() for key in fields if key not in shapes.SAID),
    "from",
    "to",
)
"""What is told of a change, in order; what a row says of its source is none."""
_UNTOLD: Final = frozenset(("basis", "currency"))
_THINGS: Final = {"rates": "price", "scale_units": "Scale unit", "ramp": "growth limit", "kinds": "deployment type"}


@click.group(short_help="Show, check and compare prices and promises.")
def catalog() -> None:
    """Prices by model, tier, length of the prompt and day, and what is promised of speed and uptime.

    A file that TIERSCOPE_CATALOG names is laid over those of the package.
    """


@catalog.command(short_help="Print prices and promises.")
@click.argument("model", required=False)
@click.option("--provider", help="Only this one: openai, azure.ai.openai or one of your own.")
@click.option("--tier", type=click.Choice(CANONICAL), help="Only this tier.")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="Only what holds on this day.  [default: every row]")
@click.option("--json", "is_json", is_flag=True, help="Print the rows as JSON, prices in USD per 1M tokens.")
def show(model: str | None, provider: str | None, tier: str | None, on: datetime | None, is_json: bool) -> None:
    """Print what is known of MODEL, or of every model: a snapshot, a fine-tuned model or a deployment will do."""
    path = _path()
    try:
        known = rates(path), promises(path)
    except CatalogError as error:
        raise click.ClickException(str(error)) from None
    found = _found(*known, model, provider, tier, None if on is None else rows.day(on.date().isoformat()))
    if not found.rates and not found.targets and not found.units:
        raise click.ClickException(_nothing(known[0], model))
    if is_json:
        click.echo(json.dumps({"as_of": known[0].as_of.isoformat(), **_data(found)}, indent=2))
    else:
        print_cards(Console(), found, known[0].as_of, datetime.now(UTC).date())


@catalog.command(short_help="Say whether a file can be used.")
@click.argument("file", required=False)
def check(file: str | None) -> None:
    """Read FILE, or the one that TIERSCOPE_CATALOG names: say what it holds, or what is wrong. The status is 1 then."""
    path = file or _path()
    if path is None:
        raise click.UsageError(f"name a file: {KEY} is not set")
    told = _user(path)
    sections = (*rows.SUBJECTS, "providers", "deployments", "kinds")
    held = ", ".join(many(len(told[name]), _THINGS.get(name, name[:-1])) for name in sections if told[name])
    click.echo(f"{path} can be used: {held or 'nothing in it'}.")


@catalog.command(short_help="Say what a file changes.")
@click.argument("file")
def diff(file: str) -> None:
    """Say, row by row, what FILE changes: `-` is what holds without it, `+` what holds with it."""
    told = _user(file)
    lines = [*_changes(told), *_others(told)]
    click.echo("\n".join(map(plain, lines)) if lines else f"{file} changes nothing.")


def _path() -> str | None:
    return os.environ.get(KEY, "").strip() or None


def _user(path: str) -> rows.Row:
    try:
        told = files.own(path)
        load(path)
    except CatalogError as error:
        raise click.ClickException(str(error)) from None
    return told


# ── show ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def _found(
    table: Rates, promised: Promises, model: str | None, provider: str | None, tier: str | None, day: int | None
) -> Found:
    def is_meant(row: Rate | Target | ScaleUnit) -> bool:
        names = () if model is None else (table.name(row.provider, model), *candidates(model))
        return (
            (model is None or row.model in names)
            and provider in {None, row.provider}
            and tier in {None, getattr(row, "tier", "scale")}
            and (day is None or rows.first_day(row.valid_from) <= day < rows.last_day(row.valid_to))
        )

    return Found(
        tuple(filter(is_meant, table.rows)),
        tuple(filter(is_meant, promised.targets)),
        tuple(filter(is_meant, promised.scale_units)),
    )


def _nothing(table: Rates, model: str | None) -> str:
    known = {row.model for row in table.rows}
    near = [] if model is None or model in known else difflib.get_close_matches(model, known, 3)
    asked = "that" if model is None else plain(model)
    return f"nothing is known of {asked} here." + (f" Did you mean {', '.join(near)}?" if near else "")


def _data(found: Found) -> dict[str, list[dict[str, Any]]]:
    return {
        "rates": [_rate(row) for row in found.rates],
        "promises": [row._asdict() for row in found.targets],
        "scale_units": [row._asdict() for row in found.units],
    }


def _rate(row: Rate) -> dict[str, Any]:
    told = row._asdict()
    price = told.pop("band").price._asdict()
    usd = {name: value / 1_000_000 if isinstance(value, int) else value for name, value in price.items()}
    return {**told, "above": row.band.above, **usd}


# ── diff ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def _changes(told: rows.Row) -> Iterator[str]:
    for name, subject in rows.SUBJECTS.items():
        ours = files.packaged(files.RATES if name == "rates" else files.PROMISES)[name]
        for about in dict.fromkeys(tuple(row[key] for key in subject) for row in told[name]):
            before, after = (
                [_said(row, subject) for row in table if tuple(row[key] for key in subject) == about]
                for table in (ours, told[name])
            )
            if sorted(before) != sorted(after):
                yield f"{name}: {' '.join(str(word) for word in about if word)}"
                yield from (f"  - {line}" for line in before)
                yield from (f"  + {line}" for line in after)


def _said(row: rows.Row, subject: tuple[str, ...]) -> str:
    """Return what a row says, in one order whoever wrote it."""
    kept = (key for key in _ORDER if key in row.keys() - _UNTOLD - set(subject))
    return ", ".join(f"{key} {_shown(row[key])}" for key in kept if row[key] is not None and row[key] != 0)


def _shown(value: object) -> str:
    """Numbers without the zeros that say nothing: 3.50 is 3.5."""
    return f"{value.normalize():f}" if isinstance(value, Decimal) else str(value)


def _others(told: rows.Row) -> Iterator[str]:
    known = files.packaged(files.PROVIDERS)["providers"]
    yield from (f"providers: {key} {'replaced' if key in known else 'added'}" for key in told["providers"])
    yield from (f"deployments: {name} is {model}" for name, model in told["deployments"].items())
    yield from (f"deployments: {name} is of the type {kind}" for name, kind in told["kinds"].items())
