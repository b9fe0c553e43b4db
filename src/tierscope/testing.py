"""For users' own tests: capture the calls of a block, and assert on the tiers they were served from.

with tierscope.testing.capture() as calls:
    answer(client, "hello")
assert [call.served for call in calls] == ["priority"]
"""

from __future__ import annotations

import difflib
import gc
import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tierscope import cost, seam
from tierscope.catalog import prices
from tierscope.wiring import WIRING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tierscope.config import Settings
    from tierscope.model import Call


class _Captured:
    """A sink that keeps the calls it hears."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def ended(self, call: Call) -> None:
        self.calls.append(cost.priced(prices.rates(), call))


class FakeClock:
    """A clock that ticks by hand: nanoseconds, starting at ``now``."""

    def __init__(self, now: int = 0, step: int = 0) -> None:
        self.now = now
        self._step = step

    def __call__(self) -> int:
        """Return the time, and move on by the step."""
        self.now += self._step
        return self.now

    def advance(self, seconds: float) -> None:
        """Move on by so many seconds."""
        self.now += round(seconds * 1e9)


@contextmanager
def capture(settings: Settings | None = None) -> Iterator[list[Call]]:
    """Collect every call that ends inside the block; instruments for its duration where nothing is instrumented yet.

    Where it does, it also forgets which batches ended: tests may use an id again.
    """
    was_active = WIRING.fan is not None
    if not was_active and not WIRING.activate(settings):
        raise RuntimeError("tierscope could not be activated; the log 'tierscope' says why")
    fan, sink = WIRING.fan, _Captured()
    if fan is not None:
        fan.sinks = (*fan.sinks, sink)
    if not was_active:
        seam.forget()
    try:
        yield sink.calls
        settle()
    finally:
        if fan is not None:
            fan.sinks = tuple(other for other in fan.sinks if other is not sink)
        if not was_active:
            WIRING.deactivate()


def settle() -> None:
    """Record the streams that were dropped unread: collect them, then drain what their finalizers queued."""
    gc.collect()
    seam.drain()


def golden(calls: Iterable[Call], path: str | Path) -> None:
    """Compare calls with those recorded in a JSON file; without the file, record them and ask for a second run.

    Only what a rerun repeats is kept: tiers, outcomes, models, attempts, tokens and endings; no ids, no times.

    Args:
        calls: what ``capture()`` collected.
        path: the file, kept under version control; delete it to record anew.

    Raises:
        AssertionError: a call differs, with the difference; or the file was just recorded.

    """
    told = json.dumps([_repeatable(call) for call in calls], indent=2) + "\n"
    file = Path(path)
    if not file.exists():
        file.write_text(told, "utf-8")
        raise AssertionError(f"{file} was recorded; read it, and run again")
    kept = file.read_text("utf-8")
    if told != kept:
        lines = difflib.unified_diff(kept.splitlines(), told.splitlines(), str(file), "this run", lineterm="")
        raise AssertionError("\n".join(lines))


def _repeatable(call: Call) -> dict[str, Any]:
    request, reply = call.request, call.reply
    return {
        "endpoint": request.endpoint,
        "model": request.model,
        "requested": request.requested,
        "expected": request.expected,
        "served": call.served,
        "outcome": call.outcome,
        "attempts": [attempt.result for attempt in call.attempts],
        "usage": reply.usage._asdict() if reply is not None and reply.usage is not None else None,
        "ending": call.ending,
        "error_type": call.error_type,
    }
