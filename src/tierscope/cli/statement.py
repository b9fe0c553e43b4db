"""``tierscope statement``: the sheet of a calendar month, as one would send it to claim credits."""

from __future__ import annotations

import contextlib
import json
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from tierscope.cli import kept
from tierscope.cli.claim import Month, Statement, told
from tierscope.cli.report import errors_of
from tierscope.cli.sentences import many, plain
from tierscope.cli.sheet import text
from tierscope.ledger.feeds import KIND, Feed
from tierscope.ledger.kinds import STARTED, numbered
from tierscope.ledger.retention import dropped
from tierscope.ledger.samples import span
from tierscope.ledger.store import open_to_read
from tierscope.promise import uptime
from tierscope.promise.sheet import PROMISED, Sheet
from tierscope.promise.sla import MIN_SAMPLES, S
from tierscope.words import REFUSED

if TYPE_CHECKING:
    from tierscope.promise.sheet import Section, Targets

_MONTHS: Final = 12


class Choice(NamedTuple):
    """What the options chose."""

    provider: str | None = None
    model: str | None = None
    tier: str | None = None
    min_samples: int = MIN_SAMPLES
    window_s: int | None = None
    counted: tuple[str, ...] = ()
    """Kinds of attempts that are errors too."""

    def has(self, section: Section) -> bool:
        """Say whether a section is asked for; a model by its name, or as it was asked for or answered."""
        return self.provider in {None, section.provider} and self.model in {None, section.model, *section.names}


@click.command(short_help="Print what was promised of a month, and what was kept.")
@click.argument("ledger", type=click.Path(path_type=Path))
@click.option("--month", "named", required=True, metavar="YYYY-MM", help="Calendar month, in UTC.")
@click.option("--provider", help="Only this provider, as report --json names it.")
@click.option("--model", help="Only this model.")
@click.option("--tier", type=click.Choice(PROMISED), help="Only this tier.")
@click.option("--json", "is_json", is_flag=True, help="Print the figures as JSON.")
@click.option(
    "--min-samples",
    type=click.IntRange(min=1),
    default=MIN_SAMPLES,
    show_default=True,
    help="Say which windows have fewer calls; they count all the same.",
)
@click.option(
    "--window",
    "window_s",
    type=click.IntRange(min=1),
    help="Seconds of a window, where a contract differs.  [default: the target's]",
)
@click.option("--count-timeouts", is_flag=True, help="Count attempts the client gave up as errors too.")
@click.option("--count-refusals", is_flag=True, help="Count attempts refused over their tier as errors too.")
def statement(
    ledger: Path,
    named: str,
    provider: str | None,
    model: str | None,
    tier: str | None,
    is_json: bool,
    min_samples: int,
    window_s: int | None,
    count_timeouts: bool,
    count_refusals: bool,
) -> None:
    """Print what was promised of a month's calls in LEDGER, what was kept, and what the contract leaves open.

    Per provider, model and tier: promised speed in two readings on two bases, uptime beside it, and how many calls were
    left out of either, by reason. Targets are those of the catalog, and of the file that TIERSCOPE_CATALOG names.
    Example: tierscope statement calls.db --month 2026-11
    """
    kinds = ((count_timeouts, uptime.TIMEOUT), (count_refusals, REFUSED))
    counted = tuple(kind for is_counted, kind in kinds if is_counted)
    choice = Choice(provider, model, tier, min_samples, window_s, counted)
    made = make(ledger, month_of(named, time.time_ns()), choice, kept.targets())
    click.echo(json.dumps(told(made), indent=2) if is_json else text(made))


def month_of(named: str, now_ns: int) -> Month:
    """Read the name of a month that has begun.

    Raises:
        click.BadParameter: it is no month, or still to come.

    """
    match = re.fullmatch(r"([0-9]{4})-([0-9]{2})", named)
    year, number = (int(match[1]), int(match[2])) if match else (0, 0)
    if not (1970 <= year < 2262 and 1 <= number <= _MONTHS):  # noqa: PLR2004  what 64 bits of nanoseconds can hold
        raise click.BadParameter(f"{plain(named)!r} is no month. Write it as 2026-11.", param_hint="--month")
    following = (year, number + 1) if number < _MONTHS else (year + 1, 1)
    month = Month(named, _begin(year, number), _begin(*following), now_ns)
    if month.begin_ns > now_ns:
        this = datetime.fromtimestamp(now_ns // S, UTC)
        raise click.BadParameter(
            f"{named} is still to come: in UTC it is {this:%Y-%m-%d}. Name {this:%Y-%m} or an earlier month.",
            param_hint="--month",
        )
    return month


def _begin(year: int, number: int) -> int:
    return int(datetime(year, number, 1, tzinfo=UTC).timestamp()) * S


def make(ledger: Path, month: Month, choice: Choice, targets: Targets) -> Statement:
    """Make the statement of a month.

    Raises:
        click.ClickException: the file cannot be read, is no ledger, or has no call to state anything about.

    """
    tiers = PROMISED if choice.tier is None else (choice.tier,)
    definition = uptime.DEFAULT.counting(*choice.counted)
    sheet = Sheet(targets, tiers=tiers, window_s=choice.window_s, definition=definition)
    with errors_of(ledger):
        db = open_to_read(ledger)
        if db is None:
            raise click.ClickException(f"{ledger} holds no call yet.")
        with contextlib.closing(db), numbered(db, KIND, STARTED, (month.begin_ns, month.end_ns)) as kinds:
            feed = Feed(db, kinds)
            feed.count(sheet)
            feed.sheet(sheet)
            held, lost = span(db), dropped(db)
    if sheet.first_ns is None or sheet.last_ns is None:
        raise click.ClickException(_empty(ledger, month, held))
    sections = sheet.sections(choice.min_samples)
    chosen = tuple(section for section in sections if choice.has(section))
    if not chosen:
        raise click.ClickException(_nothing(ledger, month, sheet, sections, tiers))
    return Statement(
        str(ledger), month, sheet.first_ns, sheet.last_ns, sheet.calls, choice.min_samples, definition, chosen,
        lost if lost is not None and lost.last_unix_ns >= month.begin_ns else None,
    )  # fmt: skip


def _empty(ledger: Path, month: Month, held: tuple[int, int] | None) -> str:
    if held is None:
        return f"{ledger} holds no call yet."
    first, last = (f"{datetime.fromtimestamp(moment // S, UTC):%Y-%m-%d}" for moment in held)
    return f"{ledger} holds no call of {month.name} (UTC): its calls are of {first} to {last}."


def _nothing(ledger: Path, month: Month, sheet: Sheet, sections: tuple[Section, ...], tiers: tuple[str, ...]) -> str:
    """Say why there is nothing to state although there are calls, and what there is."""
    if not sections:
        wanted = " or ".join(tiers)
        held = f"{ledger} holds {many(sheet.calls, 'call')} of {month.name}"
        return f"{held}, none of which expected {wanted} or was served from it."
    there = ", ".join(f"{plain(section.model or '?')} ({section.provider}, {section.tier})" for section in sections)
    return f"No promise of {month.name} in {ledger} is of that provider and model. There are: {there}."
