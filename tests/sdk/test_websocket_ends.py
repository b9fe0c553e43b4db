"""How a response over a WebSocket ends, by every door: one record each, as the service's ledger has it."""

from __future__ import annotations

import asyncio
import gc
import socket
from typing import TYPE_CHECKING, Any

import pytest
from tests.sdk.capabilities import WEBSOCKET
from tests.sdk.conftest import TRUSTED, aclient_of
from tests.sdk.sockets import Talk, create, since
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from tierscope import seam, testing
from tierscope.seam.world import STATE
from tierscope.simulator import Script

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tierscope.model import Call
    from tierscope.simulator import Simulator

pytestmark = WEBSOCKET
BOTH = pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
PRIORITY: dict[str, Any] = {"service_tier": "priority"}
SLOW = Script(tokens=40, chunk_delay=0.02)
NO_ROOM = Script(status=429, code="", error_type="rate_limit_error", message="Resource Unavailable: no capacity.")


@pytest.fixture
def talk(simulated: Simulator, is_async: bool) -> Iterator[Talk]:
    """Open a connection."""
    with Talk(simulated.base_url, is_async=is_async) as talking:
        yield talking


@pytest.fixture
def rows(simulated: Simulator) -> Any:
    """Return what makes the rows of this test."""
    before = len(simulated.ledger.settle())
    return lambda: since(simulated, before)


def told(call: Call) -> tuple[Any, ...]:
    (attempt,) = call.attempts
    return call.ending, call.outcome, call.served, call.error_type, attempt.result, attempt.status


# ── errors ────────────────────────────────────────────────────────────────────────────────────────────────────────
@BOTH
def test_an_error_of_a_request_is_one_record_with_its_status(talk: Talk, rows: Any) -> None:
    """It says the status that HTTP would have had; the connection goes on."""
    with testing.capture(TRUSTED) as calls:
        talk.send(create(Script(status=500), **PRIORITY))
        talk.ends()
        talk.send(create(Script(tokens=2), **PRIORITY))
        talk.ends()
    assert [told(call) for call in calls] == [
        ("error", "failed", "unreported", "server_error", "server_error", 500),
        ("complete", "honored", "priority", None, "ok", None),
    ]
    assert [(row.status, row.ending) for row in rows()] == [(500, "error"), (200, "complete")]
    assert calls[0].reply is None


@BOTH
def test_a_flex_request_without_room_is_refused(talk: Talk) -> None:
    """As by HTTP: a 429 that is about capacity is the tier's refusal, one about the rate is not."""
    with testing.capture(TRUSTED) as calls:
        talk.send(create(NO_ROOM, service_tier="flex"), create(Script(status=429), service_tier="flex"))
        talk.ends(2)
    assert [told(call) for call in calls] == [
        ("error", "refused", "unreported", "_OTHER", "refused", 429),
        ("error", "failed", "unreported", "rate_limit_exceeded", "rate_limited", 429),
    ]


@BOTH
def test_a_tier_that_is_not_taken_is_refused(talk: Talk, rows: Any) -> None:
    """400 about ``service_tier``, by the service itself."""
    with testing.capture(TRUSTED) as calls:
        talk.send(create(service_tier="gold"))
        talk.ends()
    (row,) = rows()
    assert (row.requested, row.served, row.error_code) == ("gold", None, "invalid_value")
    assert told(calls[0]) == ("error", "refused", "unreported", "invalid_value", "refused", 400)


@BOTH
def test_an_error_in_mid_stream_fails_that_response_alone(talk: Talk, rows: Any) -> None:
    """The other lane goes on; ``response.failed``, which follows the error, is no second end."""
    with testing.capture(TRUSTED) as calls:
        script = Script(tokens=9, error_after=3, chunk_delay=0.005)
        talk.send(create(script, stream_id="a", **PRIORITY), create(SLOW, stream_id="b", service_tier="flex"))
        talk.ends(3)
    assert [told(call) for call in calls] == [
        ("error", "failed", "unreported", "server_is_overloaded", "ok", None),
        ("complete", "honored", "flex", None, "ok", None),
    ]
    assert [row.ending for row in rows()] == ["error", "complete"]


@BOTH
def test_a_failed_and_an_incomplete_response_are_read_out(talk: Talk) -> None:
    """Terminal events: nothing is raised, the reply says how it ended."""
    with testing.capture(TRUSTED) as calls:
        for ending in ("failed", "incomplete"):
            talk.send(create(Script(tokens=2, terminal=ending), **PRIORITY))  # type: ignore[arg-type]
            talk.ends()
    assert [told(call)[:3] for call in calls] == [
        ("complete", "failed", "priority"),
        ("complete", "honored", "priority"),
    ]


@BOTH
def test_an_error_about_a_lane_goes_to_the_request_of_that_lane(talk: Talk) -> None:
    """A name that the service does not take, beside a response that is being served without one."""
    with testing.capture(TRUSTED) as calls:
        talk.send(create(SLOW, **PRIORITY))
        talk.until("response.output_text.delta")
        talk.send(create(stream_id="no name!", service_tier="flex"))
        talk.ends(2)
    assert [(call.request.requested, told(call)[:2]) for call in calls] == [
        ("flex", ("error", "failed")),
        ("priority", ("complete", "honored")),
    ]
    assert calls[0].error_type == "invalid_stream_id"


# ── the connection ends ───────────────────────────────────────────────────────────────────────────────────────────
@BOTH
def test_what_is_under_way_at_close_is_closed(simulated: Simulator, is_async: bool, rows: Any) -> None:
    """Served, queued behind it, and on another lane: each closed at once, and its tier unverified."""
    with testing.capture(TRUSTED) as calls:
        with Talk(simulated.base_url, is_async=is_async) as talk:
            talk.send(create(SLOW, **PRIORITY), create(SLOW, **PRIORITY), create(SLOW, stream_id="b", **PRIORITY))
            talk.until("response.output_text.delta")
        assert [told(call)[:3] for call in calls] == [("closed", "unverified", "unreported")] * 3
        assert len(calls) == 3
        assert all(call.reply is not None and call.reply.usage is None for call in calls)
        assert {row.ending for row in rows()} == {"client_disconnected"}


@BOTH
def test_a_connection_that_breaks_fails_what_is_under_way(simulated: Simulator, is_async: bool, rows: Any) -> None:
    """Dropped by the service in mid-stream: every response on it, with the application's own exception."""
    with testing.capture(TRUSTED) as calls:
        talk = Talk(simulated.base_url, is_async=is_async).open()
        talk.send(create(SLOW, stream_id="b", **PRIORITY), create(Script(tokens=9, drop_after=3), **PRIORITY))
        with pytest.raises(ConnectionClosedError):
            talk.ends(2)
        assert [told(call)[:4] for call in calls] == [
            ("error", "failed", "unreported", "websockets.ConnectionClosedError")
        ] * 2
        assert {row.ending for row in rows()} == {"dropped"}
        with pytest.raises(ConnectionClosedError):
            talk.send(create(**PRIORITY))
        talk.close()
    assert [told(call) for call in calls[2:]] == [
        ("error", "failed", "unreported", "websockets.ConnectionClosedError", "no_response", None)
    ]


@BOTH
def test_a_connection_that_is_opened_anew_serves_new_requests(simulated: Simulator, is_async: bool) -> None:
    """The SDK reconnects by itself: what was under way is lost and failed, what is asked for then is a record."""
    with testing.capture(TRUSTED) as calls:
        again: dict[str, Any] = {"on_reconnecting": lambda _: None, "initial_delay": 0.01}
        with Talk(simulated.base_url, is_async=is_async, **again) as talk:
            talk.send(create(Script(tokens=9, drop_after=3), **PRIORITY))
            with pytest.raises(ConnectionClosedError) as broken:
                talk.ends()
            assert talk.run(talk.connection._reconnect(broken.value))
            talk.send(create(Script(tokens=2), **PRIORITY))
            talk.ends()
    assert [told(call)[:3] for call in calls] == [
        ("error", "failed", "unreported"),
        ("complete", "honored", "priority"),
    ]


@BOTH
def test_a_connection_that_does_not_come_fails_what_waits_for_it(is_async: bool) -> None:
    """Nobody listens: the queued request is one failed record."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    talk = Talk(f"http://127.0.0.1:{port}/v1", is_async=is_async)
    with testing.capture(TRUSTED) as calls:
        talk.manager.send(create(**PRIORITY))
        with pytest.raises(OSError, match=r"refused|failed"):
            talk.open()
        talk.close()
    assert [told(call)[:2] for call in calls] == [("error", "failed")]


@BOTH
def test_a_handshake_that_is_refused_says_its_status(simulated: Simulator, is_async: bool) -> None:
    """A wrong key: 401, before there is a connection."""
    talk = Talk(simulated.base_url, is_async=is_async, extra_headers={"Authorization": "Bearer sk-invalid"})
    with testing.capture(TRUSTED) as calls:
        talk.manager.send(create(**PRIORITY))
        with pytest.raises(InvalidStatus):
            talk.open()
        talk.close()
    assert [told(call) for call in calls] == [
        ("error", "failed", "unreported", "websockets.InvalidStatus", "client_error", 401)
    ]


# ── the application goes away ─────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.asyncio
async def test_a_cancelled_task_cancels_its_response(simulated: Simulator) -> None:
    """Cancelled while it receives: the connection is left by the cancellation, and so is its response."""
    reading = asyncio.Event()

    async def read() -> None:
        async with aclient_of(simulated.base_url) as client, client.responses.connect() as connection:
            await connection.send(create(SLOW, **PRIORITY))
            async for _ in connection:
                reading.set()

    with testing.capture(TRUSTED) as calls:
        task = asyncio.create_task(read())
        await reading.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert [told(call)[:2] for call in calls] == [("cancelled", "unverified")]


@pytest.mark.asyncio
async def test_a_receive_that_is_cancelled_ends_nothing(simulated: Simulator) -> None:
    """A time-out of one ``recv`` loses no data, says the SDK: the response goes on and is complete."""
    async with aclient_of(simulated.base_url) as client, client.responses.connect() as connection:
        with testing.capture(TRUSTED) as calls:
            await connection.send(create(Script(tokens=5, first_delay=0.2), **PRIORITY))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(connection.recv(), 0.02)
            while (await connection.recv()).type != "response.completed":
                pass
        assert [told(call)[:2] for call in calls] == [("complete", "honored")]


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # of the socket that the dropped connection leaves open
def test_a_connection_that_is_dropped_abandons_its_responses(simulated: Simulator) -> None:
    """Collected with two under way: the finalizer only queues, the next request records, with the last event's time."""
    with testing.capture(TRUSTED) as calls:
        dropped, other = Talk(simulated.base_url).open(), Talk(simulated.base_url).open()
        dropped.send(create(SLOW, **PRIORITY), create(SLOW, stream_id="b", **PRIORITY))
        dropped.until("response.output_text.delta")
        raw = dropped.connection._connection
        dropped.connection = dropped.manager = None
        gc.collect()
        assert (calls, len(STATE.endings)) == ([], 1)
        other.send(create(Script(tokens=2), **PRIORITY))
        assert [told(call)[:2] for call in calls] == [("abandoned", "unverified")] * 2
        other.ends()
        raw.close()
        dropped.close()
        other.close()
    assert [call.ending for call in calls] == ["abandoned", "abandoned", "complete"]
    assert calls[0].timing.end_ns in {calls[0].timing.last_text_ns, calls[0].timing.first_event_ns}


@BOTH
def test_what_is_under_way_when_the_process_ends_is_abandoned(talk: Talk) -> None:
    """Recorded by the hook at exit."""
    with testing.capture(TRUSTED) as calls:
        talk.send(create(SLOW, **PRIORITY))
        talk.until("response.output_text.delta")
        seam.abandon()
        assert [told(call)[:2] for call in calls] == [("abandoned", "unverified")]
        talk.ends()
    assert len(calls) == 1
