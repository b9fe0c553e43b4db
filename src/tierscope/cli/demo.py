"""``tierscope demo``: the simulated service and a sample application under ``tierscope run``, then the proof."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from tierscope.cli.check import differences
from tierscope.cli.launch import environment
from tierscope.cli.profiles import adjusted, profile_options
from tierscope.cli.run import observe

if TYPE_CHECKING:
    from tierscope.simulator import Profile

_PROGRESS_S: Final = 5.0
POLICY: Final = Path(__file__).with_name("sample.toml")
"""What the makers of the sample application want of it."""


@click.command(short_help="See it work, without an account.")
@click.option("--seconds", type=click.FloatRange(1, 3600), default=25.0, show_default=True, help="How long it runs.")
@profile_options
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep both ledgers in this folder (calls.db, served.db), and a policy that advice can go by (policy.toml).",
)
def demo(
    seconds: float, seed: int | None, time_scale: float | None, ramp_window: float | None, keep: Path | None
) -> None:
    """Run three workloads against a simulated service, and check the figures against what it really served.

    Interactive chat asks for priority, a nightly evaluation for flex, and an analyst's project bought scale units.
    They make three mistakes that the figures show: prompts too long for priority, a rush beyond the ramp limit, and a
    suite of the evaluation that forgot to ask for flex. With --keep, `tierscope advise` names them, and their money.
    """
    from tierscope.simulator import Profile  # noqa: PLC0415  starlette and uvicorn only where they are needed

    with tempfile.TemporaryDirectory(prefix="tierscope-demo-") as scratch:
        folder = keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        profile = adjusted(Profile.demo(), seed, time_scale, ramp_window)
        status = _demonstrate(folder, seconds, profile)
        if keep is not None:
            _hint(keep, profile)
        raise SystemExit(status)


def _demonstrate(folder: Path, seconds: float, profile: Profile) -> int:
    from tierscope.simulator import Simulator  # noqa: PLC0415  see above

    calls, served = folder / "calls.db", folder / "served.db"
    for old in (*folder.glob("calls.db*"), *folder.glob("served.db*")):
        old.unlink()
    click.echo(
        f"A simulated service, and an application with three workloads for {seconds:.0f} seconds: "
        "chat on priority, evaluation on flex, an analyst's project on scale.",
        err=True,
    )
    with Simulator(profile, ledger_path=served) as simulator:
        env = _with_service(environment(os.environ, calls), simulator.base_url)
        program = (sys.executable, "-m", "tierscope.cli.sample", str(seconds))
        status = observe(program, env, every_s=_PROGRESS_S)
        rows = simulator.ledger.settle()
    wrong = differences(calls, rows)
    for line in wrong[:10]:
        click.echo(f"differs from the simulator's ledger: {line}", err=True)
    if not wrong:
        click.echo(
            f"Checked: {len(rows)} attempts; calls, tiers, tokens and costs equal the simulator's own ledger.", err=True
        )
    return status or int(bool(wrong))


def _hint(folder: Path, profile: Profile) -> None:
    """Say how to ask for advice: with the policy of the sample application, and the window of the simulated limit."""
    policy = folder / "policy.toml"
    policy.write_bytes(POLICY.read_bytes())
    window = profile.tiers.ramp_window / profile.time_scale
    click.echo(
        f"What to change: tierscope advise {folder / 'calls.db'} --policy {policy} --ramp-window {window:g}", err=True
    )


def _with_service(env: dict[str, str], base_url: str) -> dict[str, str]:
    """The sample application's settings: where the service is, that its echo is true, and what the analyst bought."""
    return {
        **env,
        "OPENAI_API_KEY": "simulated",
        "OPENAI_BASE_URL": base_url,
        "TIERSCOPE_TRUSTED_HOSTS": "127.0.0.1=openai",
        "TIERSCOPE_EXPECTED_TIERS": "project:proj_analyst=scale",
    }
