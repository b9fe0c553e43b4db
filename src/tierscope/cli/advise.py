"""``tierscope advise``: what a ledger says should be changed, by money."""

from __future__ import annotations

import json
import textwrap
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from tierscope import advice
from tierscope.advice import silence as silences
from tierscope.catalog.prices import rates
from tierscope.catalog.promises import promises
from tierscope.cli.capacity import bought_of
from tierscope.cli.kept import own
from tierscope.cli.report import errors_of
from tierscope.cli.sentences import dollars, many, plain
from tierscope.cli.sheet import WIDTH
from tierscope.cost import PICO
from tierscope.policy import Policy, PolicyError
from tierscope.policy import read as read_policy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tierscope.advice import Figures, Finding, Money
    from tierscope.advice.silence import Silence, Told

POLICY: Final = "TIERSCOPE_POLICY"
_HOUR_S: Final = 3_600
_PICO_USD: Final = "_pico_usd"
"""How the name of evidence in pico-dollars ends."""


@click.command(short_help="Print what should be changed, by money.")
@click.argument("ledger", type=click.Path(path_type=Path))
@click.option("--policy", type=click.Path(), envvar=POLICY, help=f"What nobody waits for.  [default: {POLICY}]")
@click.option("--silence", type=click.Path(), help="A file of findings that are not to be told, with reasons.")
@click.option(
    "--min-usd", type=click.FloatRange(min=0), help="Leave out findings of less money over the observed span."
)
@click.option(
    "--units", "--scale-units", multiple=True, metavar="MODEL=IN/OUT", help="Scale units that were bought: gpt-4.1=2/4."
)
@click.option("--ramp-window", type=click.FloatRange(min=0.1), help="Seconds, instead of the rule's: for simulations.")
@click.option("--json", "is_json", is_flag=True, help="Print the findings as JSON.")
def advise(
    ledger: Path,
    policy: str | None,
    silence: str | None,
    min_usd: float | None,
    units: tuple[str, ...],
    ramp_window: float | None,
    is_json: bool,
) -> None:
    """Print what LEDGER says should be changed, by money over the observed span.

    Each finding says how hard and how risky the change is, and how to undo it. Findings may overlap: their money is not
    to be added up.
    """
    path = own()
    promised = promises(path)
    bought = tuple(advice.Units(*bought_of(words, promised)) for words in units)
    silenced = () if silence is None else _silences(silence)
    known = advice.Known(rates(path), promised, policy_of(policy), bought)
    with errors_of(ledger):
        figures = advice.read(ledger, known, ramp_window)
    told = silences.apply(advice.find(figures, known), silenced)
    shown = tuple(one for one in told.findings if not _is_less(one.money, min_usd))
    for line in silences.stale(told):
        click.echo(plain(line), err=True)
    if is_json:
        click.echo(json.dumps(data(figures, shown, told), indent=2))
        return
    lines = text(figures, shown, len(told.findings) - len(shown), len(told.silenced))
    click.echo("\n".join(lines))


def policy_of(path: str | None) -> Policy | None:
    """Read a policy; ``None``: none is named.

    Raises:
        click.ClickException: it cannot be used.

    """
    try:
        return None if path is None else read_policy(path)
    except PolicyError as error:
        raise click.ClickException(plain(str(error))) from None


def _silences(path: str) -> tuple[Silence, ...]:
    try:
        return silences.read(path, advice.RULES)
    except silences.SilenceError as error:
        raise click.ClickException(plain(str(error))) from None


def _is_less(money: Money | None, least: float | None) -> bool:
    """What is not known is not less."""
    return least is not None and money is not None and money.usd < Decimal(str(least))


# ── in words ──────────────────────────────────────────────────────────────────────────────────────────────────────
def text(figures: Figures, shown: tuple[Finding, ...], hidden: int, silenced: int) -> Iterator[str]:
    """Yield the lines of the page."""
    yield from textwrap.wrap(_head(figures, shown, hidden, silenced), WIDTH)
    for number, one in enumerate(shown, 1):
        yield ""
        yield from _of_finding(number, one)


def _head(figures: Figures, shown: tuple[Finding, ...], hidden: int, silenced: int) -> str:
    if not figures.calls:
        return "No call was recorded."
    rest = [f"{hidden:,} of less money left out"] * bool(hidden) + [f"{silenced:,} silenced"] * bool(silenced)
    aside = f" ({', '.join(rest)})" if rest else ""
    what = many(len(shown), "finding") if shown else "No finding"
    return f"{what}{aside} in {many(figures.calls, 'call')} over {length(figures.span.ns)}."


def length(span_ns: int) -> str:
    """A length of time in words."""
    seconds = span_ns / 1e9
    for size, unit in ((24 * _HOUR_S, "days"), (_HOUR_S, "hours"), (60, "minutes")):
        if seconds > size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} seconds"


def _of_finding(number: int, one: Finding) -> Iterator[str]:
    yield from textwrap.wrap(plain(f"{number}. {worth(one)}: {one.title}"), WIDTH, subsequent_indent="   ")
    evidence = ", ".join(fact(key, value) for key, value in one.evidence.items())
    parts = (
        ("Do", one.advice),
        ("Effort", one.effort),
        ("Risk", one.risk),
        ("Undo", one.undo),
        ("Evidence", evidence),
        ("Id", one.id),
    )
    for label, words in parts:
        yield from textwrap.wrap(plain(f"{label}: {words}"), WIDTH, initial_indent="   ", subsequent_indent="     ")


def worth(one: Finding) -> str:
    """What a finding is worth over the observed span, and a month at the same pace beyond a day."""
    if one.money is None:
        return "money unknown"
    month = one.month_extrapolated
    pace = f" ({dollars(float(month.usd))} a month, extrapolated)" if month else ""
    return f"{dollars(float(one.money.usd))} {advice.MONEY[one.money.kind]}{pace}"


def fact(key: str, value: float | str) -> str:
    """One figure of the evidence, in words."""
    words = key.removesuffix(_PICO_USD).replace("_", " ")
    if isinstance(value, str):
        return f"{words} {value}"
    if key.endswith(_PICO_USD):
        return f"{words} {dollars(value / PICO)}"
    return f"{words} {value:,}" if isinstance(value, int) else f"{words} {value:,.3g}"


# ── for a program ─────────────────────────────────────────────────────────────────────────────────────────────────
def data(figures: Figures, shown: tuple[Finding, ...], told: Told) -> dict[str, Any]:
    """The findings for a program; ``null`` is unknown. Money is exact in pico-dollars, and rounded in dollars."""
    return {
        "calls": figures.calls,
        "first_unix_ns": figures.span.begin_ns if figures.calls else None,
        "last_unix_ns": figures.span.end_ns if figures.calls else None,
        "findings": [_data(one) for one in shown],
        "silenced": [{"id": one.id, "reason": silence.reason} for one, silence in told.silenced],
        "stale_silences": [silence.finding for silence in told.stale],
    }


def _data(one: Finding) -> dict[str, Any]:
    month = one.month_extrapolated
    return {
        "id": one.id,
        "rule": one.rule,
        **one.subject._asdict(),
        "title": one.title,
        "advice": one.advice,
        "calls": one.calls,
        "money": one.money and {"kind": one.money.kind, "pico_usd": one.money.pico, "usd": float(one.money.usd)},
        "usd_a_month_extrapolated": None if month is None else float(month.usd),
        "evidence": dict(one.evidence),
        "effort": one.effort,
        "risk": one.risk,
        "undo": one.undo,
    }
