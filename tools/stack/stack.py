"""The stack: who starts in which order, who sends where, and how it ends."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final, Self

from tools.gotool import ROOT, built
from tools.stack.process import Process, address
from tools.stack.prometheus import Prometheus

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

CONFIGS: Final = ROOT / "collector-config"
STORE: Final = ROOT / "tools" / "stack" / "store.yaml"
TRACES: Final = "traces.jsonl"
GATEWAYS: Final = 2


def collector(name: str, folder: Path, env: Mapping[str, str], *configs: Path) -> Process:
    """Return a Collector with these configurations, whose addresses are free ones unless told."""
    told = {
        "TIERSCOPE_OTLP_GRPC": address(),
        "TIERSCOPE_OTLP_HTTP": address(),
        "TIERSCOPE_HEALTH": address(),
        "TIERSCOPE_DERIVED": address(),
        "TIERSCOPE_TELEMETRY_PORT": address().rpartition(":")[2],
        "TIERSCOPE_QUEUE": str(folder / "queue"),
        **env,
    }
    files = [word for config in configs for word in ("--config", str(config))]
    return Process(name, (str(built("collector")), *files), folder, f"http://{told['TIERSCOPE_HEALTH']}/", told)


def telemetry(process: Process) -> str:
    """Return where a Collector shows its own metrics."""
    return f"127.0.0.1:{process.env['TIERSCOPE_TELEMETRY_PORT']}"


class Stack:
    """Application (OTLP) → agent → gateways → Prometheus and a store of traces; a context manager.

    Args:
        folder: where all of it runs: data, queues, logs.
        gateway_env: variables of the gateways.
        overlay: a configuration laid over that of the gateways.
        every: see `prometheus.laid_out`.

    """

    def __init__(
        self,
        folder: Path,
        gateway_env: Mapping[str, str] | None = None,
        overlay: Path | None = None,
        every: str | None = None,
    ) -> None:
        self.folder = folder
        self.traces = folder / "store" / TRACES
        store_at, health = address(), address()
        env = {"STORE_OTLP_HTTP": store_at, "STORE_HEALTH": health, "STORE_FILE": str(self.traces)}
        command = (str(built("collector")), "--config", str(STORE))
        self.store = Process("store", command, folder / "store", f"http://{health}/", env)
        sent = {"TIERSCOPE_TRACES_URL": f"http://{store_at}/v1/traces", **(gateway_env or {})}
        over = [] if overlay is None else [overlay]
        self.gateways = [
            collector(name, folder / name, sent, CONFIGS / "gateway.yaml", *over)
            for name in (f"gateway-{number}" for number in range(1, GATEWAYS + 1))
        ]
        receivers = [gateway.env["TIERSCOPE_OTLP_GRPC"] for gateway in self.gateways]
        to_gateways = {"TIERSCOPE_GATEWAYS": json.dumps(receivers), "TIERSCOPE_GATEWAY": receivers[0]}
        self.agent = collector("agent", folder / "agent", to_gateways, CONFIGS / "agent.yaml")
        targets = {
            "otelcol": [telemetry(process) for process in (self.agent, *self.gateways)],
            "derived": [gateway.env["TIERSCOPE_DERIVED"] for gateway in self.gateways],
        }
        self.prometheus = Prometheus(folder / "prometheus", targets, every)
        for gateway in self.gateways:
            gateway.env = {"TIERSCOPE_METRICS_URL": self.prometheus.otlp_url, **gateway.env}
        self._running = ExitStack()

    @property
    def processes(self) -> Iterator[Process]:
        """All of them, receivers before senders."""
        yield from (self.prometheus.process, self.store, *self.gateways, self.agent)

    @property
    def endpoint(self) -> str:
        """Where an application sends spans and metrics by HTTP."""
        return f"http://{self.agent.env['TIERSCOPE_OTLP_HTTP']}"

    @property
    def application_env(self) -> dict[str, str]:
        """What an application sets so that it sends here."""
        return {
            "OTEL_EXPORTER_OTLP_ENDPOINT": self.endpoint,
            "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf",
            "OTEL_TRACES_EXPORTER": "otlp",
            "OTEL_METRICS_EXPORTER": "otlp",
            "OTEL_LOGS_EXPORTER": "none",
        }

    def __enter__(self) -> Self:
        """Start all, and wait until each is ready.

        Raises:
            NotReadyError: one of them is not; the others are stopped.

        """
        with ExitStack() as running:
            for process in self.processes:
                running.callback(process.stop)  # senders end first, and find their receivers there
                process.start()
            for process in self.processes:
                process.await_ready()
            self._running = running.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop all."""
        self._running.close()
