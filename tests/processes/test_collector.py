"""The garbage collector comes when it likes: inside the SDK's own locks, and while others close the same streams."""

from __future__ import annotations

import gc
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from opentelemetry.metrics import Observation
from tests.processes.conftest import LEFT_BY_HTTPX, Said
from tests.processes.inside import client, together
from tests.sdk.conftest import TRUSTED
from tests.sdk.telemetry import Telemetry

from tierscope import testing
from tierscope.seam import drain

pytestmark = LEFT_BY_HTTPX
Says = Callable[..., Said]


def test_a_collection_of_garbage_inside_one_of_metrics(says: Says) -> None:
    """A callback of the application collects dropped streams while the SDK's lock is held: nothing is recorded there.

    The next call records them, once.
    """
    own, seen = client(says().url), []
    with own, Telemetry() as telemetry:

        def collect(_options: object) -> list[Observation]:
            gc.enable()
            gc.collect()
            seen.append(len(telemetry.spans))
            return []

        telemetry.meters.get_meter("application").create_observable_gauge("g", callbacks=[collect])
        gc.disable()
        for _ in range(3):
            next(own.chat.completions.create(model="dropped", messages=[], stream=True))
        assert telemetry.points("tierscope.calls") == {}
        assert seen == [0]
        own.chat.completions.create(model="whole", messages=[])
        assert sum(telemetry.points("tierscope.calls").values()) == 4
        assert [span.attributes["tierscope.ending"] for span in telemetry.spans] == [*["abandoned"] * 3, "complete"]


class Streams:
    """Open streams, by number: a third is dropped, a third closed, a third both, each thread in its own order."""

    def __init__(self, own: Any, count: int) -> None:
        self._open: list[Any] = [
            own.chat.completions.create(model=f"m{number}", messages=[], stream=True) for number in range(count)
        ]
        self._order = random.Random(7)  # noqa: S311  the same order each time

    def each(self, act: Callable[[int], object]) -> Callable[[], None]:
        """Return what does this to every stream, in an order of its own."""
        order = self._order.sample(range(len(self._open)), len(self._open))

        def run() -> None:
            for number in order:
                act(number)

        return run

    def close(self, number: int) -> None:
        stream = self._open[number]
        if number % 3 and stream is not None:
            stream.close()

    def drop(self, number: int) -> None:
        if number % 3 != 1:
            self._open[number] = None

    def collect(self, _number: int) -> None:
        gc.collect(0)
        drain()


def test_close_drain_and_collection_in_any_order_in_any_thread(says: Says) -> None:
    """Streams that some threads close and others drop, while others collect and drain: one record each."""
    count = 60
    with client(says().url) as own, testing.capture(TRUSTED) as calls:
        streams = Streams(own, count)
        acts = [streams.close, streams.close, streams.drop, streams.collect, streams.collect]
        together([streams.each(act) for act in acts])
        testing.settle()
    assert Counter(call.request.model for call in calls) == Counter(f"m{number}" for number in range(count))
    assert {call.ending for call in calls} == {"abandoned", "closed"}
