"""The command group; each command is a file of its own."""

from __future__ import annotations

import click

from tierscope.cli.advise import advise
from tierscope.cli.capacity import capacity
from tierscope.cli.catalog import catalog
from tierscope.cli.demo import demo
from tierscope.cli.doctor import doctor
from tierscope.cli.ledger import ledger
from tierscope.cli.policy import policy
from tierscope.cli.reconcile import reconcile
from tierscope.cli.report import report
from tierscope.cli.run import run
from tierscope.cli.simulate import simulate
from tierscope.cli.statement import statement
from tierscope.version import VERSION


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="tierscope")
def tierscope() -> None:
    """Shows which OpenAI service tier was asked for, which one served, and how fast."""


for command in (
    advise, capacity, catalog, demo, doctor, ledger, policy, reconcile, report, run, simulate, statement,
):  # fmt: skip
    tierscope.add_command(command)
