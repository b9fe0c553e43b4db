"""One process: started in a folder of its own, asked until it is ready, stopped by its own process id."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import subprocess
import time
import urllib.request
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

LOOPBACK: Final = "127.0.0.1"
PORTS: Final = (20_000, 32_000)
"""Below those that Linux gives to outgoing connections: one of them may take a free port before its server does."""
_CHANCE: Final = random.SystemRandom()
READY_S: Final = 60.0
STOP_S: Final = 20.0
ENVIRON: Final = os.environ  # noqa: TID251  a tool's own environment
OURS: Final = ("TIERSCOPE_", "OTEL_")


class NotReadyError(Exception):
    """A process ended, or did not answer in time; the message holds the end of its log."""


def free_port() -> int:
    """Return a port of the loopback that nothing listened on a moment ago."""
    while True:
        port = _CHANCE.randrange(*PORTS)
        with contextlib.suppress(OSError), socket.socket() as own:
            own.bind((LOOPBACK, port))
            return port


def address() -> str:
    """Return a free address of the loopback, as `host:port`."""
    return f"{LOOPBACK}:{free_port()}"


def clean() -> dict[str, str]:
    """Return this environment without what would set up a Collector or an SDK."""
    return {name: value for name, value in ENVIRON.items() if not name.startswith(OURS)}


def answers(url: str, seconds: float = 1.0) -> bool:
    """Say whether an address answers with success."""
    try:
        with urllib.request.urlopen(url, timeout=seconds) as answer:  # noqa: S310  our own loopback
            return bool(answer.status < 300)  # noqa: PLR2004  the class of success
    except OSError:
        return False


def until(holds: Callable[[], bool], seconds: float, every_s: float = 0.1) -> bool:
    """Ask again until it holds or the time is up; return the last answer."""
    end = time.monotonic() + seconds
    while not (held := holds()) and time.monotonic() < end:
        time.sleep(every_s)
    return held


@dataclass(slots=True)
class Process:
    """A program, its folder, and where it says that it is ready."""

    name: str
    command: tuple[str, ...]
    folder: Path
    ready_url: str
    env: Mapping[str, str] = field(default_factory=dict)
    _running: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Its process id; `None` while it does not run."""
        return None if self._running is None else self._running.pid

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._running is not None and self._running.poll() is None

    @property
    def log(self) -> str:
        """What it has printed since the folder was made."""
        return (self.folder / f"{self.name}.log").read_text("utf-8", errors="replace")

    def start(self) -> None:
        """Start it. It has a session of its own: an interrupt of the terminal is ours to hand on, in order."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / f"{self.name}.log").open("ab") as log:
            self._running = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env={**clean(), **self.env},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def await_ready(self, seconds: float = READY_S) -> None:
        """Wait until it answers.

        Raises:
            NotReadyError: it ended, or the time is up.

        """
        until(lambda: not self.is_running or answers(self.ready_url), seconds)
        if not self.is_running or not answers(self.ready_url):
            state = "is not ready" if self.is_running else "ended"
            raise NotReadyError(f"{self.name} {state} after at most {seconds:.0f} s:\n{self.log[-3000:]}")

    def stop(self) -> None:
        """End it in an orderly way; by force where that takes too long."""
        running, self._running = self._running, None
        if running is None:
            return
        running.terminate()
        try:
            running.wait(STOP_S)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()

    def kill(self) -> None:
        """End it with SIGKILL: nothing is flushed, nothing is said."""
        running, self._running = self._running, None
        if running is not None:
            running.send_signal(signal.SIGKILL)
            running.wait()
