"""The demo's application against a simulator, sending to a stack; and the ledgers of both sides."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from tools.stack import truth
from tools.stack.stack import Stack

from tierscope.simulator import Profile, Served, Simulator, Speed

EXPORT_MS: Final = 1000
SLOW: Final = Speed(rate=60.0, first_token=0.12)
"""Of scale, which is promised more than 80: one promise of the demo is kept, the other is not."""
TOKENS: Final = (250, 350)
"""Of a reply: the end-to-end histogram holds those of fewer than 100 tokens too, which `tierscope.promise` leaves out;
and a reader that is late by a tenth of a second is late by little of three."""


@dataclass(frozen=True, slots=True)
class Ran:
    """One run: what the simulator served, and the ledger that Tierscope wrote beside its telemetry."""

    served: tuple[Served, ...]
    calls: Path
    status: int


def profile() -> Profile:
    """Return the demo's profile with longer replies, and a scale tier that is slower than promised."""
    demo = Profile.demo()
    models = {
        name: replace(model, output_tokens=TOKENS, speeds={**model.speeds, "scale": SLOW})
        for name, model in demo.models.items()
    }
    return replace(demo, models=models)


@contextlib.contextmanager
def running(stack: Stack, folder: Path, seconds: float) -> Iterator[subprocess.Popen[bytes]]:
    """Run the application under `tierscope run` meanwhile; whoever leaves early ends it."""
    folder.mkdir(parents=True, exist_ok=True)
    with Simulator(profile(), ledger_path=folder / "served.db") as simulator:
        env = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "TIERSCOPE_"))},
            **stack.application_env,
            "OTEL_SERVICE_NAME": "demo",
            "OTEL_METRIC_EXPORT_INTERVAL": str(EXPORT_MS),
            "OTEL_BSP_SCHEDULE_DELAY": "200",
            "OPENAI_API_KEY": "simulated",
            "OPENAI_BASE_URL": simulator.base_url,
            "TIERSCOPE_TRUSTED_HOSTS": "127.0.0.1=openai",
            "TIERSCOPE_EXPECTED_TIERS": "project:proj_analyst=scale",
        }
        tierscope = Path(sys.executable).with_name("tierscope")
        sample = [sys.executable, "-m", "tierscope.cli.sample", f"{seconds:g}"]
        command = [tierscope, "run", "--no-live", "--ledger", folder / "calls.db", "--", *sample]
        with (folder / "run.log").open("wb") as log:
            process = subprocess.Popen(command, env=env, stdout=log, stderr=log)
        try:
            yield process
            process.wait()
        finally:
            process.terminate()
            process.wait()
            simulator.ledger.settle()


def run(stack: Stack, folder: Path, seconds: float) -> Ran:
    """Run the application to its end."""
    with running(stack, folder, seconds) as process:
        status = process.wait()
    return ran(folder, status)


def say(line: str) -> None:
    """Print a figure, for `pytest -s`."""
    print(f"\n{line}", end="")  # noqa: T201


def ran(folder: Path, status: int) -> Ran:
    """Return what a run left in its folder."""
    return Ran(truth.rows(folder / "served.db"), folder / "calls.db", status)
