"""Measure everything, write ``bench/RESULTS.md``, and fail where a fail line is crossed: ``make bench``."""

from __future__ import annotations

import os
import platform
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import calls
import chunks
import instructions
import memory
import startup

if TYPE_CHECKING:
    from collections.abc import Iterator

    from paired import Measured

RESULTS = Path(__file__).with_name("RESULTS.md")
PACKAGES = ("tierscope", "openai", "httpx2", "opentelemetry-sdk", "opentelemetry-instrumentation-genai-openai", "wrapt")


@dataclass(frozen=True, slots=True)
class Line:
    """One promise: what was reached, where it fails, and where we want to be."""

    what: str
    unit: str
    reached: float
    fail: float
    goal: float

    @property
    def verdict(self) -> str:
        """Goal reached, held, or crossed."""
        if self.reached <= self.goal:
            return "goal reached"
        return "held" if self.reached <= self.fail else "**crossed**"


def call_lines(measured: dict[str, Measured]) -> Iterator[Line]:
    """The promises about one call, for chat."""
    chat = measured["chat"]
    yield Line("CPU per call, all on", "× floor", chat.ratio("tierscope"), 1.75, 1.45)
    yield Line("added to the caller, all on", "× floor", chat.ratio("tierscope", what="caller"), 1.0, 0.75)
    yield Line("CPU per call, GenAI metrics off", "× floor", chat.ratio("tierscope, GenAI off"), 1.25, 1.05)
    yield Line("CPU per call, all on", "× official", chat.ratio("tierscope", "official"), 0.85, 0.7)


def chunk_lines(table: list[tuple[str, str, float, float]]) -> Iterator[Line]:
    """The promises about one chunk."""
    limits = {"sync": (0.3, 0.2, 0.7, 0.45), "async": (0.55, 0.4, 1.0, 0.65)}
    for endpoint, reader, hot, situ in table:
        hot_fail, hot_goal, situ_fail, situ_goal = limits[reader]
        yield Line(f"per chunk, hot, {endpoint} {reader}", "µs", hot / 1000, hot_fail, hot_goal)
        yield Line(f"per chunk, in situ, {endpoint} {reader}", "µs", situ / 1000, situ_fail, situ_goal)


def start_lines(started: dict[str, tuple[float, float]]) -> Iterator[Line]:
    """The promises about the start."""
    for way, (fail, goal) in {"one line": (10, 4), "launcher": (10, 4), "BaseInstrumentor by hand": (50, 36)}.items():
        yield Line(f"start-up, {way}", "ms", started[way][0], fail, goal)
    yield Line("start-up, one line", "MiB", started["one line"][1], 3, 2)


def _promises(lines: list[Line]) -> str:
    rows = [
        f"| {line.what} | {line.reached:.2f} {line.unit} | {line.fail:g} | {line.goal:g} | {line.verdict} |"
        for line in lines
    ]
    return "\n".join(["| promise | reached | fail line | goal | |", "|---|--:|--:|--:|---|", *rows])


def _machine() -> str:
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES)
    return f"Python {platform.python_version()}, {versions}; {os.cpu_count()} cores, {platform.machine()}."


def report() -> tuple[str, list[Line]]:
    """Measure; return the page and the promises."""
    bodies = {one.operation.name: one for one in calls.measured()}
    streams = list(calls.measured_streams())
    per_chunk = chunks.table()
    started = startup.measured()
    costs = Line("costs, per call, in situ", "µs", calls.priced(), 5, 5)
    lines = [*call_lines(bodies), costs, *chunk_lines(per_chunk), *start_lines(started)]
    counts = instructions.counted()
    over = instructions.over_floor(counts)
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # nothing of it is timed
        kept = dict(zip(memory.NAMES, pool.map(memory.held, memory.NAMES), strict=True))
    page = f"""# Results

<!-- Written by `make bench`. Do not edit. -->

Command: `make bench`. {_machine()}

Only ratios within one run compare. A figure is the difference between the medians of the fastest third of the blocks,
for this machine is shared and disturbances only ever slow a block down; median and quartiles of the differences block
by block show how much it was disturbed. Of chunks it is the fastest tenth of the loops. Each block begins with
{calls.WARM} calls that are not counted: laying patches makes Python specialise its code anew, and users lay them once
(until 26 November 2026 it was 3, which was kinder to us than to the official package). *Floor*: a hand-written span
with 12 attributes and four histogram records of six, by plain wrappers; it loses failing calls and dropped streams.
*CPU*: process CPU time over the bare client, deferred work included. *Caller*: wall time added inside the call. `bare
again` is the error of the measurement.

## Promises

{_promises(lines)}

## Per call

{chr(10).join(calls.table(body) + chr(10) for body in bodies.values())}
## Per stream of 500 chunks

{chr(10).join(calls.table(stream) + chr(10) for stream in streams)}
## Per chunk

| | reader | hot, ns | in situ, ns |
|---|---|--:|--:|
{chr(10).join(f"| {endpoint} | {reader} | {hot:.0f} | {situ:.0f} |" for endpoint, reader, hot, situ in per_chunk)}

## Instructions per call (cachegrind; the gate of CI)

| | k instructions | × floor |
|---|--:|--:|
{chr(10).join(f"| {name} | {count:.0f} | {over[name]:.2f} |" for name, count in counts.items())}

## Start-up

| way | CPU ms | peak MiB |
|---|--:|--:|
{chr(10).join(f"| {way} | {ms:.1f} | {mib:.2f} |" for way, (ms, mib) in started.items())}

## Memory

| | KiB held after {memory.CALLS} calls and {memory.STREAMS} streams |
|---|--:|
{chr(10).join(f"| {name} | {kib:.1f} |" for name, kib in kept.items())}
"""
    return page, lines


def main() -> int:
    """Write the page; say which promises are not kept."""
    page, lines = report()
    RESULTS.write_text(page, "utf-8")
    for line in lines:
        print(
            f"{line.what:40} {line.reached:7.2f} {line.unit:10} fail {line.fail:g}, goal {line.goal:g}: {line.verdict}"
        )
    return int(any(line.reached > line.fail for line in lines))


if __name__ == "__main__":
    sys.exit(main())
