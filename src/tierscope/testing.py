"""For users' own tests: capture the calls of a block, and assert on the tiers they were served from.

with tierscope.testing.capture() as calls:
    answer(client, "hello")
assert [call.served for call in calls] == ["priority"]
"""

from __future__ import annotations

import gc
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tierscope import seam
from tierscope.wiring import WIRING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tierscope.config import Settings
    from tierscope.model import Call


class _Captured:
    """A sink that keeps the calls it hears."""

    def __init__(self) -> None:
        self.calls: list[Call] = []

    def ended(self, call: Call) -> None:
        self.calls.append(call)


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
    """Collect every call that ends inside the block; instruments for its duration where nothing is instrumented yet."""
    was_active = WIRING.fan is not None
    if not was_active and not WIRING.activate(settings):
        raise RuntimeError("tierscope could not be activated; the log 'tierscope' says why")
    fan, sink = WIRING.fan, _Captured()
    if fan is not None:
        fan.sinks = (*fan.sinks, sink)
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
