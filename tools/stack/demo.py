"""The demo through the pipeline: `tierscope demo` sends to the stack, and Prometheus is asked for the same figures."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tools.stack import figures, truth
from tools.stack.process import ENVIRON, until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.stack.stack import Stack
    from tools.stack.truth import Truth

EXPORT_MS: Final = 2000
SETTLE_S: Final = 30.0
"""How long the last points may travel: the agent's and the gateway's queues hold them for less than a second."""
QUICK: Final = {"TIERSCOPE_DECISION_WAIT": "10s", "TIERSCOPE_DECISION_WAIT_AFTER_ROOT": "1s"}
"""For the gateways: in half a minute no trace is to wait as long as flex needs."""


def run(stack: Stack, folder: Path, seconds: float) -> int:
    """Run the demo, print what Prometheus knows of it, and compare that with the simulator's ledger."""
    command = [
        str(Path(sys.executable).with_name("tierscope")),
        "demo",
        "--seconds",
        f"{seconds:g}",
        "--keep",
        str(folder),
    ]
    settings = {"OTEL_SERVICE_NAME": "tierscope-demo", "OTEL_METRIC_EXPORT_INTERVAL": str(EXPORT_MS)}
    status = subprocess.run(command, env={**ENVIRON, **stack.application_env, **settings}).returncode  # noqa: PLW1510  its status is ours
    wanted = truth.told(truth.rows(folder / "served.db"))
    until(lambda: not figures.differences(stack.prometheus, wanted), SETTLE_S, 0.5)
    wrong = figures.differences(stack.prometheus, wanted)
    print("\n".join(["", "Prometheus, through agent and gateway:", *lines(figures.told(stack.prometheus))]))
    print("\n".join(wrong[:10]) or "Checked: calls, attempts, tokens and costs equal the simulator's own ledger.")
    return status or int(bool(wrong))


def lines(told: Truth) -> Iterator[str]:
    """Yield calls by outcome, then tokens and money by tier."""
    for key, count in sorted(told.calls.items()):
        model, asked, _, served, outcome = key
        yield f"  {model:<12} asked {asked:<9} served {served:<11} {outcome:<11} {count:>6} calls"
    for model, served in sorted({(model, served) for model, served, _ in told.tokens}):
        tokens = {kind: count for (*pair, kind), count in told.tokens.items() if pair == [model, served]}
        taken = sum(count for kind, count in tokens.items() if kind.startswith("input"))
        usd = told.pico.get((model, served))
        price = "no price" if usd is None else f"${usd / truth.PICO:.6f}"
        yield f"  {model:<12} {served:<9} {taken:>10,} in {sum(tokens.values()) - taken:>8,} out   {price}"
