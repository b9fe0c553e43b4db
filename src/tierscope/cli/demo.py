"""``tierscope demo``: the simulated service and a sample application under ``tierscope run``, then the proof."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Final

import click

from tierscope.cli.check import differences
from tierscope.cli.launch import environment
from tierscope.cli.run import observe

_PROGRESS_S: Final = 5.0


@click.command(short_help="See it work, without an account.")
@click.option("--seconds", type=click.FloatRange(1, 3600), default=25.0, show_default=True, help="How long it runs.")
@click.option("--seed", type=int, default=7, show_default=True, help="Seed of the simulated service.")
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep both ledgers in this folder (calls.db, served.db).",
)
def demo(seconds: float, seed: int, keep: Path | None) -> None:
    """Run three workloads against a simulated service, and check the figures against what it really served.

    Interactive chat asks for priority, a nightly evaluation for flex, and an analyst's project bought scale units.
    """
    with tempfile.TemporaryDirectory(prefix="tierscope-demo-") as scratch:
        folder = keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        raise SystemExit(_demonstrate(folder, seconds, seed))


def _demonstrate(folder: Path, seconds: float, seed: int) -> int:
    from tierscope.simulator import Profile, Simulator  # noqa: PLC0415  starlette and uvicorn only where they are needed

    calls, served = folder / "calls.db", folder / "served.db"
    for old in (*folder.glob("calls.db*"), *folder.glob("served.db*")):
        old.unlink()
    click.echo(
        f"A simulated service, and an application with three workloads for {seconds:.0f} seconds: "
        "chat on priority, evaluation on flex, an analyst's project on scale.",
        err=True,
    )
    with Simulator(Profile.demo(seed=seed), ledger_path=served) as simulator:
        env = _with_service(environment(os.environ, calls), simulator.base_url)
        program = (sys.executable, "-m", "tierscope.cli.sample", str(seconds))
        status = observe(program, env, every_s=_PROGRESS_S)
        rows = simulator.ledger.settle()
    wrong = differences(calls, rows)
    for line in wrong[:10]:
        click.echo(f"differs from the simulator's ledger: {line}", err=True)
    if not wrong:
        click.echo(
            f"Checked: {len(rows)} attempts; calls, tiers and tokens equal the simulator's own ledger.", err=True
        )
    return status or int(bool(wrong))


def _with_service(env: dict[str, str], base_url: str) -> dict[str, str]:
    """The sample application's settings: where the service is, that its echo is true, and what the analyst bought."""
    return {
        **env,
        "OPENAI_API_KEY": "simulated",
        "OPENAI_BASE_URL": base_url,
        "TIERSCOPE_TRUSTED_HOSTS": "127.0.0.1=openai",
        "TIERSCOPE_EXPECTED_TIERS": "project:proj_analyst=scale",
    }
