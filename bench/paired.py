"""Paired blocks: all contestants interleaved, in an order drawn anew for each round, in one process.

Figures of different runs do not compare, ratios of one run do. The bare client runs twice: what lies between the two is
the error. Deferred work is inside the region whose CPU time is taken and outside the one whose wall time is.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from noise import undisturbed

if TYPE_CHECKING:
    from collections.abc import Callable

    from contestants import Bare
    from operations import Operation


@dataclass(frozen=True, slots=True)
class Block:
    """Microseconds per call of one block."""

    cpu: float
    """Process CPU time, deferred work and other threads included."""
    caller: float
    """Wall time that the caller waited, deferred work excluded."""


@dataclass(frozen=True, slots=True)
class Added:
    """Microseconds per call over the bare client: undisturbed, and the quartiles of the differences block by block."""

    undisturbed: float
    median: float
    low: float
    high: float


def _repeated(operation: Operation, call: Any) -> Callable[[int], None]:
    """Return what makes so many calls: of an async one, all in one turn of its loop."""
    if not operation.is_async:

        def repeat(count: int) -> None:
            for _ in range(count):
                call()

        return repeat
    loop = asyncio.new_event_loop()

    async def arepeat(count: int) -> None:
        for _ in range(count):
            await call()

    return lambda count: loop.run_until_complete(arepeat(count))


def _block(contestant: Bare, repeat: Callable[[int], None], calls: int, warm: int) -> Block:
    contestant.enter()
    repeat(warm)
    contestant.settle()
    wall, cpu = time.perf_counter_ns(), time.process_time_ns()
    repeat(calls)
    waited = time.perf_counter_ns() - wall
    contestant.settle()
    spent = time.process_time_ns() - cpu
    contestant.leave()
    return Block(spent / calls / 1000, waited / calls / 1000)


class Measured:
    """The blocks of every contestant for one operation."""

    def __init__(self, contestants: list[Bare], operation: Operation, *, rounds: int, calls: int, warm: int) -> None:
        self.operation = operation
        self.blocks: dict[str, list[Block]] = {contestant.name: [] for contestant in contestants}
        repeats = {c.name: _repeated(operation, c.around(operation)) for c in contestants}
        before = {c.name: c.emitted() for c in contestants}
        order, rng = list(contestants), random.Random(1)
        for _ in range(rounds):
            rng.shuffle(order)
            for contestant in order:
                self.blocks[contestant.name].append(_block(contestant, repeats[contestant.name], calls, warm))
        self.emitted = {c.name: _per_call(c, before[c.name], rounds * (calls + warm)) for c in contestants}

    def added(self, name: str, what: str = "cpu") -> Added:
        """What a contestant costs over the bare blocks of the same rounds."""
        pairs = zip(self.blocks[name], self.blocks["bare"], strict=True)
        differences = [getattr(own, what) - getattr(bare, what) for own, bare in pairs]
        low, median, high = statistics.quantiles(differences, n=4)
        return Added(self._undisturbed(name, what) - self._undisturbed("bare", what), median, low, high)

    def _undisturbed(self, name: str, what: str) -> float:
        return undisturbed(getattr(block, what) for block in self.blocks[name])

    def bare(self) -> float:
        """Microseconds of CPU of a bare call."""
        return self._undisturbed("bare", "cpu")

    def ratio(self, name: str, other: str = "floor", what: str = "cpu") -> float:
        """What a contestant adds, as a multiple of what another adds."""
        return self.added(name, what).undisturbed / self.added(other, what).undisturbed


def _per_call(contestant: Bare, before: tuple[int, ...], calls: int) -> tuple[float, float, float]:
    """Return spans, attributes per span and records of one call; stop where it emits less than it claims."""
    spans, attributes, records = (now - then for now, then in zip(contestant.emitted(), before, strict=True))
    least = contestant.least
    if spans != least[0] * calls or attributes < least[1] * calls or records < least[2] * calls:
        raise SystemExit(
            f"{contestant.name}: {spans} spans, {attributes} attributes, {records} records of {calls} calls"
        )
    return spans / calls, attributes / calls, records / calls
