"""Dropped streams: finalizers only queue, and whoever comes first ends the call."""

from __future__ import annotations

import gc
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import anyio.lowlevel
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.metrics import ExemplarReservoir
from opentelemetry.sdk.metrics.view import View
from tests.sdk import replies
from tests.sdk.conftest import TRUSTED
from tests.sdk.doors.apis import APIS, At
from tests.sdk.doors.table import ROWS
from tests.sdk.telemetry import Telemetry

from tierscope import seam, testing
from tierscope.seam.world import STATE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sdk.conftest import Service

CHAT: Final = APIS["chat"]
DROPPED: Final = sorted({row.door for row in ROWS if row.when == "queued" and row.function("sync")})
PATIENCE_S: Final = 30


class Collecting(ExemplarReservoir):
    """Collects garbage where the SDK collects exemplars: inside the plain lock of its view of an instrument."""

    def offer(self, *_: Any) -> None:
        """Take none."""

    def collect(self, _attributes: Any) -> list[Any]:
        gc.collect()
        return []


def collecting(**_: Any) -> Collecting:
    return Collecting()


@pytest.mark.parametrize("door", DROPPED)
def test_a_collection_inside_a_lock_of_the_sdk_only_queues(service: Service, door: str) -> None:
    """Garbage collected while the SDK holds its lock: nothing hangs, ends or is recorded there; the next call does."""
    row = next(row for row in ROWS if row.door == door)
    client = service.client(replies.stream(CHAT.events))
    at = At(client, CHAT, lambda: False)
    view = View(instrument_name="tierscope.*", exemplar_reservoir_factory=lambda _: collecting)
    with Telemetry(views=[view]) as telemetry:
        list(at.stream())
        assert telemetry.metrics
        gc.disable()
        try:
            for _ in range(3):
                row.function("sync")(at)
            before = len(telemetry.spans)
            reader = threading.Thread(target=lambda: telemetry.metrics, daemon=True)
            reader.start()
            reader.join(PATIENCE_S)
        finally:
            gc.enable()
        assert not reader.is_alive()
        assert (len(telemetry.spans), len(STATE.endings)) == (before, 4 - before)
        list(at.stream())
        endings = [span.attributes["tierscope.ending"] for span in telemetry.spans]
        assert endings == ["complete", *["abandoned"] * 3, "complete"]


# ── any order, any thread ─────────────────────────────────────────────────────────────────────────────────────────
class Blocking:
    """A sync stream, and what can happen to it."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def read(self) -> None:
        next(self.stream, None)

    def close(self) -> None:
        self.stream.close()

    def close_body(self) -> None:
        self.stream.response.close()

    def drop(self) -> None:
        self.stream = None

    def drain(self) -> None:
        seam.drain()

    def collect(self) -> None:
        gc.collect()

    def leave(self) -> None:
        seam.abandon()

    def elsewhere(self) -> None:
        thread = threading.Thread(target=self.race, args=(1,))
        thread.start()
        thread.join()

    def race(self, count: int = 4) -> None:
        """Do several of these at the same moment."""
        gate = threading.Barrier(count)

        def run(step: Callable[[], None]) -> None:
            gate.wait()
            with suppress(Exception):  # what the SDK itself says to two readers, or to a closed body
                step()

        steps = (self.close, self.read, self.drain, self.collect)[:count]
        threads = [threading.Thread(target=run, args=(step,)) for step in steps]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


STEPS: Final = ("read", "close", "close_body", "drop", "drain", "collect", "leave", "elsewhere", "race")
SEEDED: Final = settings(
    max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@SEEDED
@given(steps=st.lists(st.sampled_from(STEPS), max_size=8))
def test_drain_close_and_collection_in_any_order_leave_one_record(service: Service, steps: list[str]) -> None:
    """Whatever happens to a stream, in whatever order and thread, it is recorded once."""
    client = service.client(replies.stream(CHAT.events))
    with testing.capture(TRUSTED) as calls:
        held = Blocking(At(client, CHAT, lambda: False).stream())
        for step in steps:
            with suppress(Exception):  # a stream that is read after its body was closed, or dropped
                getattr(held, step)()
        del held
    client.close()
    assert len(calls) == 1


@pytest.mark.filterwarnings(
    "ignore:Unclosed connection:ResourceWarning"
)  # what aiohttp says of a stream that is dropped
@SEEDED
@given(steps=st.lists(st.sampled_from(STEPS[:7]), max_size=8))
def test_an_async_stream_leaves_one_record_in_any_order(service: Service, steps: list[str]) -> None:
    """The same for the async client, a turn of the loop after each step."""

    async def main() -> None:
        async with service.aclient(replies.stream(CHAT.events)) as client:
            stream = await At(client, CHAT, lambda: False).stream()
            for step in steps:
                with suppress(Exception, StopAsyncIteration):
                    if step == "read":
                        await anext(stream)
                    elif step.startswith("close"):
                        await (stream.close() if step == "close" else stream.response.aclose())
                    elif step == "drop":
                        stream = None
                    else:
                        getattr(Blocking(None), step)()
                await anyio.lowlevel.checkpoint()

    with testing.capture(TRUSTED) as calls:
        anyio.run(main)
    assert len(calls) == 1
