"""Programs in processes of their own, a service they call, and a receiver they export to."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import Any, Final

import pytest
from tests.processes.otlp import Receiver
from tests.sdk import replies
from tests.truth.replay import Received, Replay, Reply

ROOT: Final = Path(__file__).parents[2]
NUMBERS: Final = itertools.count()
HEAD: Final = """
import atexit, gc, os, signal, sys, threading, time
from tests.processes.inside import *
"""


BODY: Final = replies.whole(replies.chat())
STREAM: Final = replies.stream(replies.chat_stream())
CHUNKS: Final = 8
"""How many chunks of it a client sees."""
STREAMED: Final = "-streamed"
LAUNCHER: Final = str(Path(sys.executable).with_name("opentelemetry-instrument"))
OURS: Final = {"OTEL_LOGS_EXPORTER": "none", "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS": "openai,httpx,httpx2"}
"""Under the launcher, no instrumentation but Tierscope's."""
HOOK_TIMED: Final = """
{first}
ended = []
atexit.register(lambda: print(time.monotonic() - ended[0]))
tierscope.instrument()
{then}
atexit.register(lambda: ended.append(time.monotonic()))
"""
"""A program that prints how long our exit hook took: between one that runs behind it and one that runs before it."""
LEFT_BY_HTTPX: Final = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
"""Streams that several threads drop now and then leave a socket to the collector, without us as with us."""
QUICK_S: Final = 1.5
"""Far more than it takes on a busy machine, less than any time-out."""


class Gated(Replay):
    """A service that answers with a body or a stream, as asked, and holds it back until a test lets it go."""

    def __init__(self) -> None:
        super().__init__()
        self._gates: dict[str, Event] = {}

    def hold(self, key: str) -> Event:
        """Hold the answers of this key back until the event is set."""
        return self._gates.setdefault(key, Event())

    def answer(self, request: Received) -> Reply:
        """Answer when the gate of this key is open."""
        is_stream = json.loads(request.body).get("stream")
        reply = super().answer(replace(request, id=request.id + STREAMED) if is_stream else request)
        gate = self._gates.get(request.id)
        assert gate is None or gate.wait(30)
        return reply


@dataclass(frozen=True, slots=True)
class Ended:
    """A program that has ended."""

    status: int
    out: str
    err: str


class Said:
    """What the service says under one key, and to whom; ``gap_s`` is that of the stream's chunks."""

    def __init__(self, service: Gated, body: replies.Reply = BODY, gap_s: float = 0) -> None:
        self._service = service
        self._key = f"said{next(NUMBERS)}"
        service.add(self._key, *body)
        service.add(self._key + STREAMED, *STREAM, gap_s=gap_s)
        self.url = f"{service.url(self._key)}/v1"

    def hold(self) -> Event:
        """Hold every answer back until the event is set."""
        return self._service.hold(self._key)

    @property
    def asked(self) -> Counter[str]:
        """Count the requests so far, by model."""
        keys = self._key, self._key + STREAMED
        return Counter(json.loads(r.body)["model"] for key in keys for r in self._service.received(key))


class Place:
    """One test's programs: what they call, where they export to, their ledger and folder."""

    def __init__(self, said: Said, receiver: Receiver, zygote: subprocess.Popen[str], folder: Path) -> None:
        self.said = said
        self.receiver = receiver
        self.folder = folder
        self.ledger = folder / "calls.db"
        self._zygote = zygote
        self._running: int | None = None

    @property
    def env(self) -> dict[str, str]:
        """What a program must know: the service, the receiver; only a flush exports."""
        return {
            "PYTHONPATH": str(ROOT),
            "OPENAI_BASE_URL": self.said.url,
            "OPENAI_API_KEY": "k",
            "TIERSCOPE_TRUSTED_HOSTS": "127.0.0.1=openai",
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.receiver.url,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_METRIC_EXPORT_INTERVAL": "3600000",
            "OTEL_BSP_SCHEDULE_DELAY": "3600000",
        }

    def start(self, code: str, **env: str) -> int:
        """Fork a program off the zygote; return its process id. One at a time."""
        order: dict[str, Any] = {
            "code": HEAD + code,
            "folder": str(self.folder),
            "env": {**self.env, **env},
            "out": str(self.folder / "out"),
            "err": str(self.folder / "err"),
        }
        assert self._zygote.stdin is not None
        for stream in ("out", "err"):
            Path(order[stream]).write_text("")
        self._zygote.stdin.write(json.dumps(order) + "\n")
        self._zygote.stdin.flush()
        self._running = self._read()
        return self._running

    def end(self) -> Ended:
        """Wait for the program's end."""
        status = self._read()
        self._running = None
        return Ended(status, (self.folder / "out").read_text(), (self.folder / "err").read_text())

    def run(self, code: str, **env: str) -> Ended:
        """Run a program to its end."""
        self.start(code, **env)
        return self.end()

    def close(self) -> None:
        """Kill what a test that failed left running."""
        if self._running is not None:
            os.kill(self._running, signal.SIGKILL)
            self.end()

    def _read(self) -> int:
        assert self._zygote.stdout is not None
        return int(self._zygote.stdout.readline())

    @property
    def rows(self) -> Counter[str]:
        """Count the rows of the ledger, by model."""
        return Counter({model: count for (model,), count in self.calls("request_model").items()})

    def calls(self, *what: str) -> Counter[tuple[Any, ...]]:
        """Count the rows of the ledger, by some of their columns; raises for a broken file."""
        with contextlib.closing(sqlite3.connect(self.ledger)) as db:
            assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            return Counter(db.execute(f"SELECT {', '.join(what)} FROM calls"))  # noqa: S608  the test's own words


@pytest.fixture(scope="session")
def loopback() -> Iterator[Gated]:
    """Serve on a loopback port for the whole session."""
    with Gated() as server:
        yield server


@pytest.fixture(scope="session")
def zygote() -> Iterator[subprocess.Popen[str]]:
    """Keep a process from which programs are forked."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "TIERSCOPE_"))}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.processes.zygote"],
        cwd=ROOT,
        env=clean,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture
def says(loopback: Gated) -> Callable[..., Said]:
    """Return what opens a key of the service: ``says().url``."""
    return lambda **how: Said(loopback, **how)


@pytest.fixture
def place(says: Callable[..., Said], zygote: subprocess.Popen[str], tmp_path: Path) -> Iterator[Place]:
    """Lend a place for programs."""
    with Receiver() as receiver:
        lent = Place(says(), receiver, zygote, tmp_path)
        yield lent
        lent.close()
