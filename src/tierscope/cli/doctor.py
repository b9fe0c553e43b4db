"""``tierscope doctor``: whether Tierscope will see the calls of this environment, and what of them is there twice."""

from __future__ import annotations

import dataclasses
import json
import os
from typing import TYPE_CHECKING, Final

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from tierscope.cli.checks import findings
from tierscope.cli.sentences import many, plain
from tierscope.cli.table import BAD, DOWN, QUIET, UP

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tierscope.cli.checks import Finding, Word

_STYLES: Final[dict[Word, str]] = {"ok": UP, "note": QUIET, "warn": DOWN, "bad": BAD}
_ARROW: Final = "\N{RIGHTWARDS ARROW} "


@click.command(short_help="Check this environment.")
@click.option("--json", "is_json", is_flag=True, help="Print the findings as JSON.")
def doctor(is_json: bool) -> None:
    """Say whether Tierscope works in this environment, which other packages see the same calls, and what helps.

    Looks at this Python's packages and at environment variables; sends nothing, and prints no key. The status is 1 when
    Tierscope is off or a setting cannot be used.
    """
    found = findings(os.environ)
    if is_json:
        click.echo(json.dumps([dataclasses.asdict(finding) for finding in found], indent=2))
    else:
        print_findings(Console(), found)
    raise SystemExit(int(_is_bad(found)))


def print_findings(console: Console, found: Sequence[Finding]) -> None:
    """Print a finding a line, its remedies below it, and in the end what they come to."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in found:
        told = Text(f"{plain(finding.subject)}:", style="bold").append(f" {plain(finding.text)}", style="not bold")
        table.add_row(Text(finding.word, style=_STYLES[finding.word]), told)
        for remedy in finding.remedies:
            table.add_row("", Text(_ARROW + plain(remedy)))
    console.print(table)
    console.print(Text(_sum(found), style=BAD if _is_bad(found) else ""))


def _is_bad(found: Sequence[Finding]) -> bool:
    return any(finding.word == "bad" for finding in found)


def _sum(found: Sequence[Finding]) -> str:
    warned = sum(finding.word == "warn" for finding in found)
    if _is_bad(found):
        return "Something must be mended before Tierscope works here."
    return f"Tierscope works here; {many(warned, 'warning')}." if warned else "Tierscope works here."
