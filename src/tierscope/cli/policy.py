"""``tierscope policy``: whether a policy can be used, and how many calls of a ledger drifted from it."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tierscope import advice
from tierscope.advice.drift import Drift, Drifts, drifts
from tierscope.catalog.prices import rates
from tierscope.catalog.promises import promises
from tierscope.cli.advise import POLICY, policy_of
from tierscope.cli.kept import own
from tierscope.cli.report import errors_of
from tierscope.cli.sentences import many, plain
from tierscope.cli.sheet import WIDTH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tierscope.policy import Policy


@click.group(short_help="Check a policy, and calls against it.")
def policy() -> None:
    """Which workload should use which tier, and which one people wait for: a TOML file of your team."""


@policy.command(short_help="Count the calls that drifted.")
@click.argument("ledger", required=False, type=click.Path(path_type=Path))
@click.option("--policy", "path", type=click.Path(), envvar=POLICY, help=f"The policy.  [default: {POLICY}]")
@click.option("--fail-on-drift", is_flag=True, help="Leave with status 1 where a call drifted.")
@click.option("--json", "is_json", is_flag=True, help="Print the counts as JSON.")
def check(ledger: Path | None, path: str | None, fail_on_drift: bool, is_json: bool) -> None:
    """Count the calls of LEDGER that were meant for another tier than the policy wants; without one, check the policy.

    What was asked for counts, or what a setting promised, or, where neither said anything, what served. A downgrade is
    no drift: it is the service's doing.
    """
    made = policy_of(path)
    if made is None:
        raise click.UsageError(f"name a policy: --policy FILE, or {POLICY}")
    if ledger is None:
        click.echo(f"{plain(str(path))} can be used: {many(len(made.workloads), 'workload')}.")
        return
    found = _drifts(ledger, made)
    if is_json:
        click.echo(json.dumps(data(found), indent=2))
    else:
        for line in text(found):
            click.echo(textwrap.fill(plain(line), WIDTH, subsequent_indent="  "))
    if fail_on_drift and found.drifted:
        raise SystemExit(1)


def _drifts(ledger: Path, made: Policy) -> Drifts:
    user = own()
    known = advice.Known(rates(user), promises(user), made)
    with errors_of(ledger):
        return drifts(advice.read(ledger, known).lines, made)


def text(found: Drifts) -> Iterator[str]:
    """Yield a sentence for each rule, and one for the rest."""
    for one in found.workloads:
        yield _sentence(one)
    yield f"{many(found.drifted, 'call')} drifted; no rule speaks of {many(found.unruled, 'call')}."


def _sentence(one: Drift) -> str:
    rule = one.workload
    wish = f" wants {rule.tier}" if rule.tier else " wants no tier"
    if not one.calls:
        if rule.ambient:
            return f"{rule.name}{wish}: no call; {POLICY} must have named it to the applications that wrote the ledger."
        return f"{rule.name}{wish}: no call; see whether its match still fits."
    if rule.tier is None:
        return f"{rule.name}{wish}: {many(one.calls, 'call')}."
    drifted = sum(one.drifted.values())
    moved = ", ".join(f"{asked} → {meant} {count:,}" for (asked, meant), count in one.drifted.items())
    unsaid = f", {one.unsaid:,} for a tier that nothing tells" if one.unsaid else ""
    return (
        f"{rule.name}{wish}: {many(one.calls, 'call')}, {one.kept:,} as wanted, {drifted:,} drifted"
        f"{f' ({moved})' if moved else ''}{unsaid}."
    )


def data(found: Drifts) -> dict[str, Any]:
    """The counts for a program."""
    return {
        "drifted": found.drifted,
        "unruled": found.unruled,
        "workloads": [
            {
                "name": one.workload.name,
                "tier": one.workload.tier,
                "interactive": one.workload.interactive,
                "calls": one.calls,
                "kept": one.kept,
                "unsaid": one.unsaid,
                "drifted": [
                    {"requested": asked, "meant_for": meant, "calls": count}
                    for (asked, meant), count in one.drifted.items()
                ],
            }
            for one in found.workloads
        ],
    }
