"""Run the pipeline until it is interrupted, or the demo through it: `python -m tools.stack [demo]`."""

from __future__ import annotations

import argparse
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tools.gotool import AbsentError
from tools.stack import demo
from tools.stack.process import NotReadyError
from tools.stack.stack import Stack, telemetry

if TYPE_CHECKING:
    from collections.abc import Iterator

LOOK_S: Final = 1.0
"""How often a running stack looks whether all of it still runs."""


def main(*arguments: str) -> int:
    """Start the stack; return 1 where a part of it did not start or ended, or the demo's figures differ."""
    parser = argparse.ArgumentParser(prog="python -m tools.stack", description=__doc__)
    parser.add_argument("what", nargs="?", choices=["demo"], help="else it runs until Ctrl-C")
    parser.add_argument("--seconds", type=float, default=25.0, help="how long the demo's application runs")
    parser.add_argument("--keep", metavar="FOLDER", type=Path, help="keep data, ledgers and logs in this folder")
    given = parser.parse_args(arguments)
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    try:
        with ExitStack() as left:
            folder = given.keep or Path(left.enter_context(tempfile.TemporaryDirectory(prefix="tierscope-stack-")))
            stack = left.enter_context(Stack(_emptied(folder), demo.QUICK if given.what else None))
            print("\n".join(about(stack)), flush=True)
            return demo.run(stack, folder / "demo", given.seconds) if given.what else _watched(stack, stopped)
    except (AbsentError, NotReadyError, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        return 1


def about(stack: Stack) -> Iterator[str]:
    """Yield where everything is, and what an application sets."""
    yield f"Prometheus  {stack.prometheus.url} (API; no page of its own)"
    yield f"Traces      {stack.traces}"
    for process in stack.processes:
        at = f"http://{telemetry(process)}/metrics" if "TIERSCOPE_TELEMETRY_PORT" in process.env else process.ready_url
        yield f"{process.name:<11} process {process.pid}, {at}"
    yield "An application sends here with:"
    yield " ".join(f"{name}={value}" for name, value in stack.application_env.items())


def _emptied(folder: Path) -> Path:
    """Queues and data of an earlier run would be sent again."""
    inner = folder / "stack"
    shutil.rmtree(inner, ignore_errors=True)
    inner.mkdir(parents=True)
    return inner.absolute()


def _watched(stack: Stack, stopped: threading.Event) -> int:
    print("Ctrl-C stops all of it.", flush=True)
    while not stopped.wait(LOOK_S):
        for process in stack.processes:
            if not process.is_running:
                print(f"{process.name} ended:\n{process.log[-2000:]}", file=sys.stderr)
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
