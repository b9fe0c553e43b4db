"""Real Collectors in processes of their own: started on free loopback ports, asked when they are ready, stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

import pytest
from tools.stack.process import free_port

ROOT: Final = Path(__file__).parents[2]
CONFIGS: Final = ROOT / "collector-config"
PORTS: Final = (
    "TIERSCOPE_OTLP_GRPC",
    "TIERSCOPE_OTLP_HTTP",
    "TIERSCOPE_HEALTH",
    "TIERSCOPE_DERIVED",
)
"""Variables of the configurations that are an address to listen on."""
TELEMETRY: Final = "TIERSCOPE_TELEMETRY_PORT"
READY_S: Final = 30
SETTLE_S: Final = 20


def program(name: str) -> Path:
    """Return a program of `tools/gotool.py`, built if need be; skip without Go, but fail where CI is to have it."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "gotool.py"), name],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return Path(done.stdout.strip())
    if "no `go`" in done.stderr and not os.environ.get("CI"):
        pytest.skip(f"the Collector is built from Go modules: {done.stderr.strip()}")
    pytest.fail(f"{name} could not be built: {done.stderr[-2000:]}")


def until(holds: Callable[[], Any], seconds: float = SETTLE_S) -> Any:
    """Return what a question answers once it is true, or the last answer when the time is up."""
    end = time.monotonic() + seconds
    while not (answer := holds()) and time.monotonic() < end:
        time.sleep(0.05)
    return answer


@dataclass(slots=True)
class Collector:
    """A Collector with these configurations, the later over the earlier; a context manager."""

    folder: Path
    """Where it runs: its queue, its log and what a relative path names."""
    configs: tuple[Path | str, ...]
    """Files, or names below `collector-config/` without their ending."""
    env: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        """Choose the ports that nobody has chosen."""
        chosen = {name: f"127.0.0.1:{free_port()}" for name in PORTS if name not in self.env}
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("TIERSCOPE_", "OTEL_"))}
        self.env = {
            **clean,
            TELEMETRY: str(free_port()),
            "TIERSCOPE_QUEUE": str(self.folder / "queue"),
            **chosen,
            **self.env,
        }

    def __enter__(self) -> Self:
        """Start it, and wait until it says that it is ready."""
        self.start()
        ready = until(lambda: self.has_ended or self.is_healthy, READY_S)
        if not ready or self.has_ended:
            self.stop()
            pytest.fail(f"the Collector is not ready:\n{self.log[-3000:]}")
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.stop()

    # ── the process ───────────────────────────────────────────────────────────────────────────────────────────────
    def command(self, verb: str = "") -> list[str]:
        """Return the command line, of `validate` too."""
        files = [CONFIGS / f"{config}.yaml" if isinstance(config, str) else config for config in self.configs]
        named = [word for file in files for word in ("--config", str(file))]
        return [str(program("collector")), *([verb] if verb else []), *named]

    def validate(self) -> subprocess.CompletedProcess[str]:
        """Ask whether it would start."""
        return subprocess.run(
            self.command("validate"), cwd=self.folder, env=dict(self.env), capture_output=True, text=True, check=False
        )

    def start(self) -> None:
        """Start it, without waiting; its log goes on where it was."""
        with (self.folder / "collector.log").open("ab") as log:
            self.process = subprocess.Popen(self.command(), cwd=self.folder, env=dict(self.env), stdout=log, stderr=log)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Stop it by its own process id, and return how it ended."""
        process, self.process = self.process, None
        if process is None:
            return 0
        process.send_signal(how)
        try:
            return process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    @property
    def has_ended(self) -> bool:
        """Whether it is gone."""
        return self.process is None or self.process.poll() is not None

    @property
    def log(self) -> str:
        """What it printed, the debug exporter's output too."""
        return (self.folder / "collector.log").read_text("utf-8", errors="replace")

    # ── what it answers ───────────────────────────────────────────────────────────────────────────────────────────
    @property
    def is_healthy(self) -> bool:
        """Whether the health check answers that it is available."""
        return self._get(f"http://{self.env['TIERSCOPE_HEALTH']}/") is not None

    @property
    def own_metrics(self) -> str:
        """What it tells of itself, in Prometheus's text format."""
        return self._get(f"http://127.0.0.1:{self.env[TELEMETRY]}/metrics") or ""

    @property
    def scraped(self) -> str:
        """What a scrape of its Prometheus exporter gives."""
        return self._get(f"http://{self.env['TIERSCOPE_DERIVED']}/metrics") or ""

    @property
    def url(self) -> str:
        """Endpoint for `OTEL_EXPORTER_OTLP_ENDPOINT` with `http/protobuf`."""
        return f"http://{self.env['TIERSCOPE_OTLP_HTTP']}"

    def send(self, what: str, body: bytes | dict[str, Any], kind: str = "application/json") -> tuple[int, str]:
        """Send OTLP of `traces`, `metrics` or `logs`, and return status and answer."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/v1/{what}", data, {"content-type": kind})  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode(errors="replace")

    def _get(self, url: str) -> str | None:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310
                return str(answer.read().decode())
        except OSError:
            return None


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the whole lines of a file exporter's file."""
    text = path.read_text("utf-8") if path.exists() else ""
    yield from (json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n"))
