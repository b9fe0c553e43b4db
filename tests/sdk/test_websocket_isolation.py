"""The isolation matrix of the second seam: a fault in any of its steps never reaches the application."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
from tests.sdk.capabilities import WEBSOCKET
from tests.sdk.sockets import Talk, create
from tests.sdk.telemetry import Telemetry

from tierscope import guard, record
from tierscope.seam import hearing, peers, socketcall, sockets, world
from tierscope.seam.socketcall import SocketCall
from tierscope.seam.sockets import Socket
from tierscope.seam.websocket import SOCKET_LAYERS
from tierscope.simulator import Script

if TYPE_CHECKING:
    from tierscope.simulator import Simulator

STEPS: list[tuple[Any, str]] = [
    (hearing, "kind_of"),
    (hearing, "as_object"),
    (hearing, "_is_of_responses"),
    (sockets, "of"),
    (sockets, "opened"),
    (peers, "of_manager"),
    (peers, "of_connection"),
    (peers, "form"),
    (Socket, "asked"),
    (Socket, "_call"),
    (Socket, "_read_raw"),
    (Socket, "_whose"),
    (Socket, "_taken_up"),
    (Socket, "_failed_one"),
    (Socket, "_end_all"),
    (Socket, "_forget"),
    (SocketCall, "_record"),
    (SocketCall, "_refused"),
    (SocketCall, "_timing"),
    (SocketCall, "begun"),
    (socketcall, "Tap"),
    (sockets, "is_over"),
    (record, "build"),
    (world.State, "leave"),
    (world.State, "watch"),
]


class Planted(Exception):  # noqa: N818  it is no error of the program under test
    """The fault that a test plants."""


def raiser(*_args: Any, **_kwargs: Any) -> Any:
    raise Planted


def everything(url: str, *, is_async: bool) -> list[Any]:
    """Return what an application sees that asks in three ways, is refused once, and closes early."""
    talk = Talk(url, is_async=is_async)
    talk.manager.send(create(Script(tokens=2), service_tier="flex"))
    kinds = [event.type for event in talk.open().ends()]
    talk.run(talk.connection.send_raw(json.dumps(create(Script(tokens=2)))))
    kinds += [event.type for event in talk.ends()]
    talk.send(create(Script(status=500)))
    kinds += [event.type for event in talk.ends()]
    talk.send(create(Script(tokens=9, chunk_delay=0.01)))
    kinds.append(json.loads(talk.run(talk.connection.recv_bytes()))["type"])
    kinds.append(json.loads(talk.run(talk.connection.recv_bytes()))["type"])
    talk.close()
    return kinds


@WEBSOCKET
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize(("owner", "name"), STEPS, ids=lambda s: getattr(s, "__name__", s))
def test_a_fault_in_a_step_never_reaches_the_application(
    simulated: Simulator,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    owner: Any,
    name: str,
    is_async: bool,
) -> None:
    """The same events as without us, at most one log line a step, the step really run, and every fault counted."""
    bare = everything(simulated.base_url, is_async=is_async)
    guard.reset(strict=False)
    with Telemetry():
        monkeypatch.setattr(owner, name, raiser)
        with caplog.at_level(logging.WARNING, logger="tierscope"):
            seen = everything(simulated.base_url, is_async=is_async)
        monkeypatch.undo()
        world.STATE.inside.clear()  # of responses whose leaving is what failed
        SOCKET_LAYERS.take_off_when_idle()
    assert seen == bare
    counts = guard.counts()
    assert counts
    assert len([entry for entry in caplog.records if entry.name == "tierscope"]) == len(counts)
