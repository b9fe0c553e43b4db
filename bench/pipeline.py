"""What one gateway carries, by its own CPU time: ``make bench-pipeline``, or ``python bench/pipeline.py --page``.

A generator sends OTLP by gRPC, as agents do, to the gateway as it is configured; behind it are Prometheus and a store
of traces. Only the gateway's process is charged, from the first export until its queues are empty, so that the others
may share the machine. An export that is refused is counted and sent again, as any sender would.
"""

from __future__ import annotations

import os
import platform
import re
import signal
import statistics
import sys
import tempfile
import time
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple
from urllib.request import urlopen

import grpc
import traffic
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2_grpc import MetricsServiceStub
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import TraceServiceStub

sys.path.insert(0, str(Path(__file__).parent.parent))
from tools.stack.process import until
from tools.stack.stack import CONFIGS, Stack, telemetry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

PAGE = Path(__file__).parent.parent / "docs" / "scale.md"
BLOCK = re.compile(r"(<!-- generated: throughput -->\n).*?(<!-- end -->)", re.DOTALL)
EXPORTS = 150
"""Of a pass: 15 000 spans, or 60 000 points."""
PASSES = 3
SERIES = 20
DECIDED_S = 3.0
"""Until every trace of a pass is decided: a second behind its root, and the tick of tail sampling."""
DRAINED_S = 60.0
TICKS = os.sysconf("SC_CLK_TCK")
QUICK = {"TIERSCOPE_DECISION_WAIT": "5s", "TIERSCOPE_DECISION_WAIT_AFTER_ROOT": "1s"}


class Load(NamedTuple):
    """A kind of traffic: what makes a sender of it, whose call sends one export and returns its items."""

    sender: Callable[[grpc.Channel], Callable[[], int]]
    unit: str
    env: Mapping[str, str] = MappingProxyType({})
    overlay: Path | None = None


class Pass(NamedTuple):
    """One measurement."""

    items: int
    cpu_s: float
    wall_s: float
    refused: int
    peak_mib: float


def cpu_s(pid: int) -> float:
    """Return the CPU time of a process, user and system, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def peak_mib(pid: int) -> float:
    """Return the most memory that a process had, in MiB."""
    found = re.search(r"^VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text("ascii"), re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def queued(stack: Stack) -> float:
    """Return what waits in the queues of the gateway and for a decision."""
    with urlopen(f"http://{telemetry(stack.gateways[0])}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    names = r"otelcol_exporter_queue_size|otelcol_processor_tail_sampling_sampling_traces_on_memory"
    return sum(float(value) for value in re.findall(rf"^(?:{names})(?:\{{.*\}})? (\S+)$", text, re.MULTILINE))


def passed(stack: Stack, send: Callable[[], int]) -> Pass:
    """Send one pass, and charge the gateway until all of it is gone."""
    pid = stack.gateways[0].pid or 0
    begun, used, items, refused = time.monotonic(), cpu_s(pid), 0, 0
    for _ in range(EXPORTS):
        while True:
            try:
                items += send()
                break
            except grpc.RpcError:
                refused += 1
                time.sleep(0.05)
    sent_s = time.monotonic() - begun
    time.sleep(DECIDED_S)
    if not until(lambda: queued(stack) == 0, DRAINED_S, 0.5):
        print(f"the gateway still holds {queued(stack):.0f} after {DRAINED_S:.0f} s", file=sys.stderr)
    return Pass(items, cpu_s(pid) - used, sent_s, refused, peak_mib(pid))


def measured(load: Load) -> list[Pass]:
    """Measure one kind of traffic, on a gateway that is fresh and warm."""
    with (
        tempfile.TemporaryDirectory(prefix="tierscope-bench-") as folder,
        Stack(Path(folder), {**QUICK, **load.env}, load.overlay) as stack,
        grpc.insecure_channel(stack.gateways[0].env["TIERSCOPE_OTLP_GRPC"]) as channel,
    ):
        send = load.sender(channel)
        passed(stack, send)
        return [passed(stack, send) for _ in range(PASSES)]


def _spans(language: str, **attributes: object) -> Callable[[grpc.Channel], Callable[[], int]]:
    def sender(channel: grpc.Channel) -> Callable[[], int]:
        stub, request = TraceServiceStub(channel), traffic.spans(language, {**traffic.CALL, **attributes})

        def send() -> int:
            count = traffic.renewed(request)
            stub.Export(request, timeout=30)
            return count

        return send

    return sender


def _metrics(channel: grpc.Channel) -> Callable[[], int]:
    stub, request = MetricsServiceStub(channel), traffic.metrics(SERIES)

    def send() -> int:
        count = traffic.later(request)
        stub.Export(request, timeout=30)
        return count

    return send


KEPT = {"TIERSCOPE_KEPT_SPANS_PER_SECOND": "1000000", "TIERSCOPE_KEPT_PERCENT": "100"}
BEHIND = CONFIGS / "overlays" / "behind-agents.yaml"
OURS, OTHERS = _spans("python", **traffic.OURS), _spans("nodejs")
LOADS = {
    "spans of Tierscope, few kept": Load(OURS, "spans"),
    "the same, all kept": Load(OURS, "spans", KEPT),
    "the same, few kept, behind agents": Load(OURS, "spans", overlay=BEHIND),
    "spans of others, metrics derived": Load(OTHERS, "spans"),
    "the same, behind agents": Load(OTHERS, "spans", overlay=BEHIND),
    "metric points": Load(_metrics, "points"),
    "points, behind agents": Load(_metrics, "points", overlay=BEHIND),
}
HEAD = ("traffic", "a second of one core", "lowest to highest of 3", "CPU of one, µs", "peak memory, MiB", "refused")


def rows() -> Iterator[tuple[str, ...]]:
    """Measure every kind; yield the cells of a table."""
    for name, load in LOADS.items():
        passes = measured(load)
        rates = sorted(one.items / one.cpu_s for one in passes)
        yield (
            name,
            f"**{statistics.median(rates):,.0f} {load.unit}**",
            f"{rates[0]:,.0f} to {rates[-1]:,.0f}",
            f"{1e6 / statistics.median(rates):.0f}",
            f"{max(one.peak_mib for one in passes):.0f}",
            f"{sum(one.refused for one in passes)}",
        )


def table() -> str:
    """Return the table in Markdown, with what it was measured on."""
    lines = [f"| {' | '.join(HEAD)} |", f"|{'---|' * len(HEAD)}"]
    for row in rows():
        lines.append(f"| {' | '.join(row)} |")
        print(lines[-1], file=sys.stderr, flush=True)
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Linux {platform.release().partition('-')[0]}"
    return "\n".join([f"Measured by `make bench-pipeline` ({machine}; load {os.getloadavg()[0]:.1f}):", "", *lines, ""])


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is stopped
    made = table()
    if sys.argv[1:] == ["--page"]:
        text, count = BLOCK.subn(lambda found: f"{found[1]}{made}{found[2]}", PAGE.read_text("utf-8"))
        if count != 1:
            sys.exit(f"{PAGE}: {count} blocks `<!-- generated: throughput -->`, 1 is needed")
        PAGE.write_text(text, "utf-8")
    else:
        print(made)
