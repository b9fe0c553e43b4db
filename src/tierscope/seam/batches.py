"""API calls about batches: observed apart, for they are no inference, but any may be the first to tell of an end.

Nothing is said of such a call when it begins. If it brings the end of batches that this process has not heard of, each
of them is a record (ADR 17).
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

from tierscope import record
from tierscope.seam.world import STATE

if TYPE_CHECKING:
    from types import TracebackType

    from tierscope.model import Call, Reply, Request
    from tierscope.observer import Observer
    from tierscope.seam.world import World


def apart(world: World) -> World:
    """Return the world as calls about batches see it: nobody hears of them, and no HTTP span is made."""
    quiet = copy.copy(world)
    quiet.observer, quiet.http = Polls(world), None
    return quiet


class Polls:
    """Stands in for the observer of calls."""

    def __init__(self, world: World) -> None:
        self._observer = observer = world.observer
        self.is_suppressed = observer.is_suppressed
        self.batches = observer.batches

    def started(self, _request: Request, _unix_ns: int) -> Poll | None:
        """Observe a call; ``None`` while instrumentation is suppressed."""
        return None if self._observer.is_suppressed() else Poll(self._observer)


class Poll:
    """One call about batches."""

    __slots__ = ("_observer",)

    is_curious = False

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def __enter__(self) -> None:
        """Nothing of it is current: it may never be heard of."""

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        """Nothing was current."""

    def learned(self, call: Call) -> None:
        """Nobody is curious."""

    def ended(self, call: Call) -> None:
        """Record each batch that it was the first to tell of."""
        told = call.reply.batches if call.reply is not None else ()
        records = tuple([record.of_batch(call, reply) for reply in told if _is_new(reply)])
        if records:
            self._observer.batches(call, records)


def _is_new(reply: Reply) -> bool:
    return reply.response_id is not None and STATE.batches.is_new(reply.response_id)
