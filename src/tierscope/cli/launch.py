"""Starting a program under ``opentelemetry-instrument``: its environment, its streams, its signals and its status."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_LAUNCHER: Final = "opentelemetry-instrument"
_OWN_SETUP: Final = (
    "OTEL_TRACES_EXPORTER",
    "OTEL_METRICS_EXPORTER",
    "OTEL_LOGS_EXPORTER",
    "OTEL_EXPORTER_",
    "OTEL_CONFIG_FILE",
    "OTEL_EXPERIMENTAL_CONFIG_FILE",
    "OTEL_PYTHON_CONFIGURATOR",
    "OTEL_PYTHON_DISTRO",
)
"""What tells that the user exports telemetry: the start of these names ("Environment Variable Specification")."""
_NO_SUCH_COMMAND: Final = 127


def environment(base: Mapping[str, str], ledger: Path) -> dict[str, str]:
    """The environment of the program: the user's own, with a ledger, and stream usage asked for unless refused.

    Without any exporter set up, none is started: the launcher's default would look for a Collector on this machine.
    """
    env = {**base, "TIERSCOPE_LEDGER": str(ledger.absolute())}
    env.setdefault("TIERSCOPE_STREAM_USAGE", "auto")
    if not any(name.startswith(_OWN_SETUP) for name in base):
        env |= dict.fromkeys(_OWN_SETUP[:3], "none")
    return env


def launcher() -> list[str]:
    """The launcher that belongs to this Python, else the first on the path.

    Raises:
        click.ClickException: there is none.

    """
    beside = Path(sys.executable).with_name(_LAUNCHER)
    found = str(beside) if beside.exists() else shutil.which(_LAUNCHER)
    if found is None:
        raise click.ClickException(f"{_LAUNCHER} is missing: install tierscope[cli] beside the program")
    return [found]


class Program:
    """A child process. Where its streams are a terminal and a table is drawn there, it gets a terminal of its own.

    So the program writes as it would without us, and its lines appear above the table.
    """

    def __init__(self, command: Sequence[str], env: Mapping[str, str], *, is_drawn: bool) -> None:
        if shutil.which(command[1]) is None:
            click.echo(f"tierscope: {command[1]}: no such program", err=True)
            raise SystemExit(_NO_SUCH_COMMAND)
        self._own: int | None = None
        theirs = None
        if is_drawn and hasattr(os, "openpty"):
            self._own, theirs = os.openpty()
        self._process = subprocess.Popen(  # noqa: S603  the user's own command
            command, env=dict(env), stdout=_shared(1, theirs), stderr=_shared(2, theirs)
        )
        self.is_drawn = is_drawn
        if theirs is not None:
            os.close(theirs)

    @property
    def output(self) -> int | None:
        """Where to read what it writes; ``None`` where it writes to our own streams."""
        return self._own

    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def wait(self, seconds: float) -> bool:
        """Wait for its end at most so long; say whether it came."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)
        return not self.is_running()

    @property
    def status(self) -> int:
        """The exit status as a shell gives it: 128 + the signal that ended it."""
        code = self._process.returncode
        return 128 - code if code < 0 else code

    @contextlib.contextmanager
    def signals(self) -> Iterator[None]:
        """Meanwhile an interrupt is the program's to answer (the terminal sends it to both); a TERM is handed on."""
        term = signal.signal(signal.SIGTERM, lambda *_: self._process.terminate())
        interrupt = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, term)
            signal.signal(signal.SIGINT, interrupt)


def _shared(stream: int, terminal: int | None) -> int | None:
    """The terminal for a stream that is one itself; files and pipes are inherited as they are."""
    return terminal if terminal is not None and os.isatty(stream) else None
