"""Responses over a WebSocket: one record each, with the tiers and tokens of the service's own ledger."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from tests.sdk.capabilities import BETA_WEBSOCKET, LANES, STEER, WEBSOCKET
from tests.sdk.conftest import TRUSTED
from tests.sdk.sockets import Talk, create, said, since, truth

from tierscope import testing
from tierscope.simulator import Script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tierscope.model import Call
    from tierscope.simulator import Simulator

pytestmark = [WEBSOCKET, pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])]


@pytest.fixture
def talk(simulated: Simulator, is_async: bool) -> Iterator[Talk]:
    """Open a connection."""
    with Talk(simulated.base_url, is_async=is_async) as talking:
        yield talking


def seen(simulated: Simulator, play: Callable[[], object]) -> list[Call]:
    """Play; every record is what the ledger says, and there are no others."""
    before = len(simulated.ledger.settle())
    with testing.capture(TRUSTED) as calls:
        play()
        rows = since(simulated, before)
    assert sorted(map(said, calls), key=str) == sorted(map(truth, rows), key=str)
    return calls


def told(calls: list[Call]) -> list[tuple[Any, ...]]:
    return [(c.request.requested, c.served, c.outcome, c.ending) for c in calls]


def test_a_response_is_one_record(simulated: Simulator, talk: Talk) -> None:
    """Requested from the request, served from the terminal event, of which the first events say another."""

    def play() -> None:
        talk.send(create(Script(served="default"), service_tier="priority"))
        first, *_, last = talk.ends()
        assert (first.response.service_tier, last.response.service_tier) == ("priority", "default")

    (call,) = seen(simulated, play)
    assert told([call]) == [("priority", "default", "downgraded", "complete")]
    request = call.request
    assert (request.operation, request.endpoint, request.is_stream, request.model) == (
        "chat",
        "responses",
        True,
        "gpt-5",
    )
    assert (request.address, request.port) == ("127.0.0.1", simulated.port)
    assert [(a.result, a.status, a.code) for a in call.attempts] == [("ok", None, None)]
    assert call.headers is None


def test_its_times_and_rates_are_those_of_a_stream(simulated: Simulator, talk: Talk) -> None:
    """30 tokens, 10 ms apart: 29 in the time that the service took; sent before first event, token, text and end."""
    before = len(simulated.ledger.settle())
    script = Script(tokens=30, chunk_delay=0.01, first_delay=0.05)
    (call,) = seen(simulated, lambda: (talk.send(create(script)), talk.ends()))
    t = call.timing
    stamps = [t.start_ns, t.first_event_ns, t.first_token_ns, t.last_text_ns, t.end_ns]
    assert None not in stamps
    assert stamps == sorted(stamps)
    assert t.attempt_ns == t.start_ns
    (row,) = since(simulated, before)
    assert row.first_delta is not None
    assert row.last_delta is not None
    assert call.speed.generation == pytest.approx(29 / (row.last_delta - row.first_delta), rel=0.25)
    assert call.speed.first_token_s is not None
    assert call.speed.first_token_s >= 0.05


def test_lanes_are_told_apart(simulated: Simulator, talk: Talk) -> None:
    """Four responses at once, three on named lanes, each with a tier of its own; their events are mixed."""
    tiers = {"a": "priority", "b": "flex", "c": "default"}

    def play() -> None:
        script = Script(tokens=12, chunk_delay=0.004, first_delay=0.02)
        talk.send(*(create(script, stream_id=lane, service_tier=tier) for lane, tier in tiers.items()))
        talk.send(create(script))
        lanes = [getattr(event, "stream_id", None) for event in talk.ends(4)]
        assert sum(one != other for one, other in itertools.pairwise(lanes)) > 20

    calls = seen(simulated, play)
    assert sorted(told(calls)) == [
        ("default", "default", "honored", "complete"),
        ("flex", "flex", "honored", "complete"),
        ("priority", "priority", "honored", "complete"),
        ("unset", "default", "resolved", "complete"),
    ]
    assert {call.reply.usage.output for call in calls if call.reply and call.reply.usage} == {28}  # 12 and 16 hidden


def test_what_is_sent_ahead_is_served_in_order(simulated: Simulator, talk: Talk) -> None:
    """Three requests at once on one lane: each starts when the lane is free; its duration counts from the send."""

    def play() -> None:
        tiers = ("priority", "flex", "default")
        talk.send(*(create(Script(tokens=5, chunk_delay=0.005), service_tier=tier) for tier in tiers))
        talk.ends(3)

    calls = seen(simulated, play)
    assert [call.request.requested for call in calls] == ["priority", "flex", "default"]
    for before, call in itertools.pairwise(calls):
        assert call.timing.attempt_ns == call.attempts[0].start_ns == before.timing.end_ns
        assert call.timing.start_ns < before.timing.end_ns
        assert call.speed.first_token_s is not None


def test_a_request_that_waits_for_the_connection_is_seen(simulated: Simulator, is_async: bool) -> None:
    """Queued in the manager, sent when the connection opens: one record, which begins with the queueing."""
    talk = Talk(simulated.base_url, is_async=is_async)

    def play() -> None:
        talk.manager.send(create(Script(tokens=3), service_tier="flex"))
        talk.open().ends()
        talk.send(create(Script(tokens=3), service_tier="priority"))
        talk.ends()

    calls = seen(simulated, play)
    talk.close()
    assert told(calls) == [("flex", "flex", "honored", "complete"), ("priority", "priority", "honored", "complete")]
    assert {call.request.port for call in calls} == {simulated.port}


@STEER
def test_a_steered_response_hands_its_request_on(simulated: Simulator, talk: Talk) -> None:
    """Cut by steering: incomplete, and the successor that nobody asked for inherits tier and model."""

    def play() -> None:
        talk.send(create(Script(tokens=40, chunk_delay=0.02), service_tier="priority"))
        created = talk.until("response.created")
        talk.until("response.output_text.delta")
        talk.run(talk.connection.response.steer(input="shorter", previous_response_id=created.response.id))
        talk.ends(2)

    calls = seen(simulated, play)
    assert told(calls) == [("priority", "priority", "honored", "complete")] * 2
    assert [call.reply.finish_reasons for call in calls if call.reply] == [("steered",), ("completed",)]
    assert calls[1].request == calls[0].request


def test_a_response_that_nobody_saw_asked_for_is_of_unknown_request(simulated: Simulator, talk: Talk) -> None:
    """Asked for before us: served and tokens are known, requested is unreported and never unset."""
    talk.send(create(Script(tokens=5, first_delay=0.1), service_tier="priority"))
    with testing.capture(TRUSTED) as calls:
        talk.ends()
    assert told(calls) == [("unreported", "priority", "resolved", "complete")]
    assert calls[0].request.model is None


# ── ways to send and to receive ───────────────────────────────────────────────────────────────────────────────────
def by_resource(talk: Talk) -> None:
    talk.run(talk.connection.response.create(model="gpt-5", input="hi", service_tier="flex"))


def by_raw_text(talk: Talk) -> None:
    talk.run(talk.connection.send_raw('{"type":"response.create","model":"gpt-5","input":"é","service_tier":"flex"}'))


def by_raw_bytes(talk: Talk) -> None:
    message = b'{"type":"response.create","model":"gpt-5","input":"hi","service_tier":"flex"}'
    talk.run(talk.connection.send_raw(message))


def by_typed_event(talk: Talk) -> None:
    from openai.types.responses import responses_client_event as module

    kind: Any = getattr(module, "ResponseCreate", None) or module.ResponsesClientEvent  # the latter before 3.1
    talk.send(kind(type="response.create", model="gpt-5", input="hi", service_tier="flex"))


@pytest.mark.parametrize("ask", [by_resource, by_raw_text, by_raw_bytes, by_typed_event], ids=lambda f: f.__name__)
def test_every_way_to_ask_is_seen(simulated: Simulator, talk: Talk, ask: Callable[[Talk], None]) -> None:
    """Each is one request, with its tier."""
    calls = seen(simulated, lambda: (ask(talk), talk.ends()))
    assert told(calls) == [("flex", "flex", "honored", "complete")]


def read_bytes(talk: Talk) -> None:
    while b"response.completed" not in talk.run(talk.connection.recv_bytes()):
        pass


def parse_bytes(talk: Talk) -> None:
    while talk.connection.parse_event(talk.run(talk.connection.recv_bytes())).type != "response.completed":
        pass


def parse_later(talk: Talk) -> None:
    messages = []
    while not messages or b"response.completed" not in messages[-1]:
        messages.append(talk.run(talk.connection.recv_bytes()))
    assert [talk.connection.parse_event(message).type for message in messages][-1] == "response.completed"


def iterate(talk: Talk) -> None:
    async def awaited() -> None:
        async for event in talk.connection:
            if event.type == "response.completed":
                return

    if hasattr(talk.connection, "__aiter__"):
        talk.run(awaited())
    else:
        next(event for event in talk.connection if event.type == "response.completed")


def dispatch(talk: Talk) -> None:
    heard = []

    def stop(event: Any) -> Any:
        heard.append(event)
        return talk.connection.close()

    talk.connection.on("response.completed", stop)
    talk.run(talk.connection.dispatch_events())
    assert [event.type for event in heard] == ["response.completed"]


@pytest.mark.parametrize("read", [read_bytes, parse_bytes, parse_later, iterate, dispatch], ids=lambda f: f.__name__)
def test_every_way_to_read_is_seen(simulated: Simulator, is_async: bool, read: Callable[[Talk], None]) -> None:
    """Parsed, raw, or parsed later: one complete record with all deltas, whoever reads them."""

    def play() -> None:
        with Talk(simulated.base_url, is_async=is_async) as talk:
            talk.send(create(Script(tokens=22, chunk_delay=0.001), service_tier="priority"))
            read(talk)

    calls = seen(simulated, play)
    assert told(calls) == [("priority", "priority", "honored", "complete")]
    assert calls[0].speed.generation is not None


@BETA_WEBSOCKET
def test_beta_connections_are_seen(simulated: Simulator, is_async: bool) -> None:
    """Their classes are others, with the same methods."""

    def play() -> None:
        with Talk(simulated.base_url, is_async=is_async, beta=True) as talk:
            talk.send(create(Script(tokens=3), service_tier="priority"))
            talk.ends()

    assert told(seen(simulated, play)) == [("priority", "priority", "honored", "complete")]


@LANES
def test_lanes_of_the_sdk_are_seen(simulated: Simulator, is_async: bool) -> None:
    """They write past the connection's own methods: each response is one record all the same."""
    from openai.lib import responses_websocket as lib

    limits = lib.ResponsesWebSocketLimits(
        max_lanes=4, max_events_per_lane=500, max_events=2000, max_bytes_per_lane=10**6, max_bytes=10**7
    )
    tiers = {"one": "priority", "two": "flex"}
    script = Script(tokens=4)

    def sync() -> None:
        with Talk(simulated.base_url) as talk, lib.ResponsesWebSocketSession(talk.connection, limits=limits) as session:
            lanes = {name: session.lane(name) for name in tiers}
            for name, lane in lanes.items():
                lane.send(create(script, service_tier=tiers[name]))
            assert {lane.get_final_response(timeout=5).status for lane in lanes.values()} == {"completed"}

    async def asynchronous(talk: Talk) -> None:
        async with lib.AsyncResponsesWebSocketSession(talk.connection, limits=limits) as session:
            lanes = {name: session.lane(name) for name in tiers}
            for name, lane in lanes.items():
                await lane.send(create(script, service_tier=tiers[name]))
            assert {(await lane.get_final_response()).status for lane in lanes.values()} == {"completed"}

    def play() -> None:
        if not is_async:
            sync()
            return
        with Talk(simulated.base_url, is_async=True) as talk:
            talk.run(asynchronous(talk))

    assert sorted(told(seen(simulated, play))) == [
        ("flex", "flex", "honored", "complete"),
        ("priority", "priority", "honored", "complete"),
    ]
