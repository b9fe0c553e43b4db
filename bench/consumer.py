"""Is ``consumer_limited`` true? A server of known pace, read by consumers that are the brake themselves, or are not.

How many streams were below 90 token/s by the server's own clock, by our rate, and by our rate without the streams that
we call consumer-limited: ``make consumer`` writes the page, ``python bench/consumer.py NAME`` prints some rows.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import statistics
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import openai
from operations import CHAT

import tierscope.testing
from tierscope import rates
from tierscope.config import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tierscope.model import Call

RATE: Final = 100.0
"""Tokens per second that the server sends."""
PROMISE: Final = 90.0
TOKENS: Final = 150
STREAMS_ENOUGH: Final = 40
"""Streams of each scenario, at least."""
SETTINGS = Settings(trusted_hosts={"127.0.0.1": "openai"})


@dataclass(frozen=True, slots=True)
class Row:
    """What one scenario showed."""

    name: str
    truth: list[float]
    calls: list[Call]

    def cells(self) -> tuple[str, ...]:
        """Return the row of the table."""
        speeds = [call.speed for call in self.calls]
        rates = [speed.generation for speed in speeds if speed.generation is not None]
        kept = [s.generation for s in speeds if s.generation is not None and not s.consumer_limited]
        limited = sum(bool(speed.consumer_limited) for speed in speeds)
        return (
            self.name,
            str(len(self.calls)),
            f"{statistics.median(self.truth):.1f}",
            _below(self.truth),
            f"{statistics.median(rates):.1f}",
            _below(rates),
            *(f"{statistics.median(share(call, name) for call in self.calls):.2f}" for name in SIGNS),
            f"{100 * limited / len(speeds):.0f} %",
            _below(kept),
        )


SIGNS: Final = {"waited_ns": "waited", "cpu_ns": "demand", "late_ns": "late"}
HEAD = (
    "consumer",
    "streams",
    "server: median",
    "below 90",
    "measured: median",
    "below 90",
    *(f"{sign} ÷ wall" for sign in SIGNS.values()),
    "consumer-limited",
    "below 90 without them",
)


def _below(rates: list[float]) -> str:
    return f"{100 * sum(rate < PROMISE for rate in rates) / len(rates):.0f} %" if rates else "none left"


def share(call: Call, name: str) -> float:
    """Return a figure of the timing as a share of its window."""
    return (getattr(call.timing, name) or 0) / (call.timing.window_ns or 1)


@contextmanager
def server() -> Iterator[int]:
    """Run the server in a process of its own; yield its port."""
    command = [sys.executable, str(Path(__file__).with_name("pace.py")), str(RATE), str(TOKENS)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603  our own
        assert process.stdout is not None  # noqa: S101
        try:
            yield int(process.stdout.readline())
        finally:
            process.terminate()


# ── consumers ─────────────────────────────────────────────────────────────────────────────────────────────────────
def read(client: openai.OpenAI, pause: float = 0.0) -> None:
    """Read one stream, and think over every chunk."""
    for _ in client.chat.completions.create(**CHAT, stream=True, stream_options={"include_usage": True}):
        if pause:
            time.sleep(pause)


async def aread(client: openai.AsyncOpenAI) -> None:
    """The same in a loop."""
    async for _ in await client.chat.completions.create(**CHAT, stream=True, stream_options={"include_usage": True}):
        pass


def slow(pause: float) -> Callable[[str], None]:
    """Threads that sleep after each chunk: four at a time, for time is what is short."""
    return threads(4, pause)


def threads(count: int, pause: float = 0.0) -> Callable[[str], None]:
    """So many reader threads."""

    def run(url: str) -> None:
        with openai.OpenAI(api_key="k", base_url=url) as client:
            readers = [threading.Thread(target=read, args=(client, pause)) for _ in range(count)]
            for reader in readers:
                reader.start()
            for reader in readers:
                reader.join()

    return run


def tasks(count: int, *beside: Callable[[], Any]) -> Callable[[str], None]:
    """So many streams in one event loop, and perhaps another task beside them."""

    async def run(url: str) -> None:
        async with openai.AsyncOpenAI(api_key="k", base_url=url, timeout=120) as client:
            others = [asyncio.ensure_future(other()) for other in beside]
            await asyncio.gather(*(aread(client) for _ in range(count)))
            for other in others:
                other.cancel()

    return lambda url: asyncio.run(run(url))


def blocking(seconds: float, *, is_busy: bool) -> Callable[[], Any]:
    """A task that blocks its loop so long every half second: asleep, or computing."""

    async def block() -> None:
        while True:
            await asyncio.sleep(0.5)
            end = time.monotonic() + seconds
            while is_busy and time.monotonic() < end:
                pass
            if not is_busy:
                time.sleep(seconds)  # noqa: ASYNC251  the fault that is looked at

    return block


SCENARIOS: Final[dict[str, Callable[[str], None]]] = {
    **{f"sleeps {ms} ms per chunk": slow(ms / 1000) for ms in (0, 1, 2, 5, 8, 10, 15, 20, 50)},
    **{f"{count} streams in one loop": tasks(count) for count in (1, 10, 20, 40, 60, 80, 120)},
    "loop blocked 50 ms, asleep": tasks(4, blocking(0.05, is_busy=False)),
    "loop blocked 200 ms, asleep": tasks(4, blocking(0.2, is_busy=False)),
    "loop blocked 200 ms, computing": tasks(4, blocking(0.2, is_busy=True)),
    "loop blocked 450 ms, asleep": tasks(4, blocking(0.45, is_busy=False)),
    "loop blocked 450 ms, computing": tasks(4, blocking(0.45, is_busy=True)),
    **{f"{count} reader threads": threads(count) for count in (1, 10, 20, 40, 80)},
}


def row(name: str, port: int) -> Row:
    """Run one scenario until it has shown enough streams."""
    url, truth = f"http://127.0.0.1:{port}/v1", f"http://127.0.0.1:{port}/truth"
    urllib.request.urlopen(truth).read()
    with tierscope.testing.capture(SETTINGS) as calls:
        while len(calls) < STREAMS_ENOUGH:
            SCENARIOS[name](url)
    return Row(name, json.loads(urllib.request.urlopen(truth).read()), list(calls))


def table(names: list[str]) -> str:
    """Run the scenarios and return the table."""
    lines = [f"| {' | '.join(HEAD)} |", f"|{'---|' * len(HEAD)}"]
    with server() as port:
        lines += [f"| {' | '.join(row(name, port).cells())} |" for name in names]
    return "\n".join(lines)


PAGE: Final = Path(__file__).parent.parent / "docs" / "consumer-limited.md"
TEXT: Final = """\
<!-- Measured and written by `make consumer` (bench/consumer.py). Do not edit. -->

# Was it the service, or the reader?

A rate of output is measured where the chunks are read. A reader that is slow makes it low, and an alert on the promised
speed would blame the service. `tierscope.consumer_limited` marks such streams by any of three signs:

- **waited ÷ wall**: the share of the time between first and last text in which the reader waited for the network. Below
  {waited:g} the next chunk was nearly always there already: the reader was the brake.
- **demand ÷ wall**: CPU time of the process, and the time for which the reading thread was ready and got no processor.
  Above {demand:g} the process, or its event loop, had no time to read.
- **late ÷ wall**: for how long the last text had been there when it was read, by the system's word on the connection
  (Linux: `TCP_INFO`). Above {late:g} the rate came out so much too low. It shows a loop that was blocked at the end.

Every rate metric carries the mark; rules on promised speed leave out the streams that have it.

## Measured

A server that sends {rate:g} token/s by its own clock, {tokens} tokens a stream; {machine}.
A promise of {promise:g} is kept in truth. *Below {promise:g} without them* is what an alert would see: it must say
what the server's own clock says. Readers that sleep are four threads, each with a stream of its own.

{table}

## Why these limits

{waited:g}: a reader with time to spare ({keeps_up}) waits for {still:.2f} of the time,
one that is too slow for the server ({too_slow}) for {gone:.2f}; between them lies one that
just keeps up, and it is marked rather than blamed on the service. {demand:g}: the streams of a loop or of threads that
keep up are below it, of those that do not above. {late:g}: so much it makes a rate too low; and never less than 10 ms,
the ticks of the system's clock. A stream near a limit loses its place among the figures of promised speed, and nothing
else.

## What they miss

Where a system does not tell how late a text was read (it is not Linux; the transport is aiohttp's; the host sends a
segment long after the last text, or another response on the same HTTP/2 connection), a loop that is blocked for half of
the time and computes for less than {demand:g} of it is not seen. A first text that is read late makes a rate too high,
by as much; that is no sign of a broken promise, and is not marked.
"""


def page() -> str:
    """Measure every scenario; return the page."""
    lines, waits = [f"| {' | '.join(HEAD)} |", f"|{'---|' * len(HEAD)}"], {}
    with server() as port:
        for name in SCENARIOS:
            done = row(name, port)
            waits[name] = statistics.median(share(call, "waited_ns") for call in done.calls)
            lines.append(f"| {' | '.join(done.cells())} |")
            print(lines[-1], flush=True)
    keeps_up, too_slow = "sleeps 5 ms per chunk", "sleeps 10 ms per chunk"
    return TEXT.format(
        waited=rates.MIN_WAITED_SHARE,
        demand=rates.MAX_CPU_SHARE,
        late=rates.MAX_LATE_SHARE,
        rate=RATE,
        tokens=TOKENS,
        promise=PROMISE,
        cores=os.cpu_count(),
        machine=f"Python {platform.python_version()}, {os.cpu_count()} cores, openai {openai.__version__}",
        table="\n".join(lines),
        keeps_up=keeps_up,
        too_slow=too_slow,
        still=waits[keeps_up],
        gone=waits[too_slow],
    )


if __name__ == "__main__":
    if sys.argv[1:] == ["--page"]:
        PAGE.write_text(page(), "utf-8")
    else:
        print(table(sys.argv[1:] or list(SCENARIOS)))
