"""WebSockets of the simulator: lanes, limits, errors and steering, with a bare client of the protocol."""

import contextlib
import json

import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import connect

from tierscope.simulator import SCRIPT_HEADER, Script

ENDS = {"response.completed", "response.incomplete", "response.failed", "error"}


@contextlib.contextmanager
def talking(bench, key="sk-test", **headers):
    url = bench.running.base_url.replace("http:", "ws:") + "/responses"
    with connect(url, additional_headers={"Authorization": f"Bearer {key}", **headers}) as socket:
        yield socket


def create(script=None, **fields):
    orders = {"metadata": {SCRIPT_HEADER: script.json}} if script else {}
    return json.dumps({"type": "response.create", "model": "gpt-5", "input": "hi", **orders, **fields})


def ends(socket, count):
    events = []
    while sum(event["type"] in ENDS for event in events) < count:
        events.append(json.loads(socket.recv(timeout=5)))
    return events


def test_a_response_is_a_row_and_a_stream_of_messages(bench):
    with talking(bench) as socket:
        socket.send(create(Script(tokens=3), service_tier="priority"))
        events = ends(socket, 1)
    row = bench.row()
    assert [event["sequence_number"] for event in events] == [*range(len(events))]
    assert events[-1]["response"]["service_tier"] == "priority"
    assert (row.method, row.stream, row.requested, row.served, row.text_deltas) == (
        "WEBSOCKET", True, "priority", "priority", 3,
    )  # fmt: skip
    assert (row.chunks, row.ending, row.status) == (len(events), "complete", 200)


def test_a_script_in_the_handshake_is_for_all(bench):
    with talking(bench, **{SCRIPT_HEADER: Script(tokens=1, served="flex").json}) as socket:
        socket.send(create())
        socket.send(create())
        ends(socket, 2)
    assert [row.served for row in bench.rows(2)] == ["flex", "flex"]


def test_lanes_run_at_once_and_each_in_order(bench):
    script = Script(tokens=6, chunk_delay=0.01)
    with talking(bench) as socket:
        for lane in ("a", "b", "a"):
            socket.send(create(script, stream_id=lane))
        events = ends(socket, 3)
    kinds = [(event["stream_id"], event["type"]) for event in events]
    assert kinds.index(("b", "response.created")) < kinds.index(("a", "response.completed"))
    of_a = [kind for lane, kind in kinds if lane == "a"]
    second = of_a.index("response.created", 1)
    assert of_a[second - 1] == "response.completed"


def test_sixteen_are_served_at_once_and_the_rest_wait(bench):
    with talking(bench) as socket:
        for number in range(18):
            socket.send(create(Script(tokens=4, chunk_delay=0.03), stream_id=f"s{number}"))
        kinds = [event["type"] for event in ends(socket, 18)]
    before = kinds[: kinds.index("response.completed")]
    assert before.count("response.created") == 16


@pytest.mark.parametrize("name", ["", "a b", "x" * 257, 7])
def test_a_bad_name_of_a_lane_is_refused(bench, name):
    with talking(bench) as socket:
        socket.send(create(stream_id=name))
        (event,) = ends(socket, 1)
    assert (event["status"], event["error"]["code"]) == (400, "invalid_stream_id")
    assert bench.row().error_code == "invalid_stream_id"


def test_there_are_32_names(bench):
    with talking(bench) as socket:
        for number in range(33):
            socket.send(create(Script(tokens=1), stream_id=f"s{number}"))
        errors = [event["error"]["code"] for event in ends(socket, 33) if event["type"] == "error"]
    assert errors == ["websocket_stream_limit_reached"]


@pytest.mark.parametrize(
    ("message", "status"),
    [
        (create(background=True), 400),
        (create(service_tier="gold"), 400),
        (create(Script(status=429)), 429),
        ("no json", 400),
    ],
    ids=["background", "tier", "scripted", "unreadable"],
)
def test_a_request_that_is_refused_is_an_event_with_a_status(bench, message, status):
    with talking(bench) as socket:
        socket.send(message)
        (event,) = ends(socket, 1)
        socket.send(create(Script(tokens=1)))
        assert ends(socket, 1)[-1]["type"] == "response.completed"
    assert event["status"] == status
    assert [row.status for row in bench.rows(2)] == [status, 200]


def test_an_unknown_event_is_refused_and_no_row(bench):
    with talking(bench) as socket:
        socket.send('{"type": "response.sing"}')
        (event,) = ends(socket, 1)
        socket.send(create(Script(tokens=1)))
        ends(socket, 1)
    assert event["status"] == 400
    assert bench.row().ending == "complete"


def test_a_wrong_key_opens_no_connection(bench):
    with pytest.raises(InvalidStatus) as refused, talking(bench, key="sk-invalid"):
        pass
    assert refused.value.response.status_code == 401


def test_a_drop_is_of_the_whole_connection(bench):
    with talking(bench) as socket:
        socket.send(create(Script(tokens=40, chunk_delay=0.02), stream_id="a"))
        socket.send(create(Script(tokens=5, drop_after=2)))
        with pytest.raises(ConnectionClosedError):
            ends(socket, 2)
    assert [row.ending for row in bench.rows(2)] == ["dropped", "dropped"]


def test_steering_ends_a_response_and_starts_another(bench):
    with talking(bench) as socket:
        socket.send(create(Script(tokens=30, chunk_delay=0.02), stream_id="a", service_tier="flex"))
        created = json.loads(socket.recv())["response"]["id"]
        while json.loads(socket.recv())["type"] != "response.output_text.delta":
            pass
        socket.send(json.dumps({"type": "response.steer", "previous_response_id": created, "input": "no"}))
        events = ends(socket, 2)
        socket.send(json.dumps({"type": "response.steer", "previous_response_id": created, "input": "no"}))
        assert json.loads(socket.recv())["type"] == "response.steer.failed"
    (cut, last) = [event["response"] for event in events if event["type"] in ENDS]
    assert (cut["id"], cut["status"], cut["incomplete_details"]) == (created, "incomplete", {"reason": "steered"})
    assert (last["previous_response_id"], last["service_tier"]) == (created, "flex")
    assert {event["stream_id"] for event in events} == {"a"}
    assert [row.response_status for row in bench.rows(2)] == ["incomplete", "completed"]
