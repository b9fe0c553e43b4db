"""Many responses over a few connections: none mixed up, and nothing of them left."""

from __future__ import annotations

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from tests.sdk.capabilities import WEBSOCKET
from tests.sdk.conftest import TRUSTED
from tests.sdk.sockets import Talk, create, said, since, truth

from tierscope import testing
from tierscope.seam.hearing import KNOWN
from tierscope.seam.world import STATE
from tierscope.simulator import Script

if TYPE_CHECKING:
    from tierscope.simulator import Simulator

pytestmark = WEBSOCKET
TIERS = ("priority", "flex", "default", "auto")


def test_threads_that_send_on_one_connection_do_not_mix_tiers_up(simulated: Simulator) -> None:
    """Eight senders, a lane and five requests each, one reader: every record has the tier of its own request."""
    before = len(simulated.ledger.settle())

    def ask(talk: Talk, number: int) -> None:
        for turn in range(5):
            tier = TIERS[(number + turn) % 4]
            talk.send(create(Script(tokens=3), stream_id=f"s{number}", service_tier=tier))

    with testing.capture(TRUSTED) as calls, Talk(simulated.base_url) as talk, ThreadPoolExecutor(9) as pool:
        reading = pool.submit(talk.ends, 40)
        list(pool.map(ask, [talk] * 8, range(8)))
        reading.result(30)
    assert sorted(map(said, calls)) == sorted(map(truth, since(simulated, before)))
    assert {call.ending for call in calls} == {"complete"}
    assert sorted(call.request.requested for call in calls) == sorted(TIERS * 10)


def test_connections_in_threads_do_not_mix_tiers_up(simulated: Simulator) -> None:
    """Eight connections at once, each with its own tier; each record is a child of nobody's span but its own."""
    before = len(simulated.ledger.settle())
    gate = threading.Barrier(8)

    def talk(number: int) -> None:
        gate.wait(10)
        with Talk(simulated.base_url) as one:
            for _ in range(5):
                one.send(create(Script(tokens=3), service_tier=TIERS[number % 4]))
                one.ends()

    with testing.capture(TRUSTED) as calls, ThreadPoolExecutor(8) as pool:
        list(pool.map(talk, range(8)))
    assert sorted(map(said, calls)) == sorted(map(truth, since(simulated, before)))


def test_nothing_is_left_of_what_has_ended(simulated: Simulator) -> None:
    """A hundred responses on three lanes: the connection keeps bounded memory, and goes when it is dropped."""
    with testing.capture(TRUSTED) as calls:
        talk = Talk(simulated.base_url).open()
        for number in range(100):
            talk.send(create(Script(tokens=1, chunk_delay=0), stream_id=f"s{number % 3}"))
            talk.ends()
        socket: Any = KNOWN[talk.connection]
        assert (socket._open, socket._named, len(socket._lanes), len(STATE.inside)) == ({}, {}, 3, 0)
        assert [len(lane.asked) for lane in socket._lanes.values()] == [0, 0, 0]
        gone = weakref.ref(talk.connection), weakref.ref(talk.manager)
        talk.close()
        talk.manager = None
        gc.collect()
        assert [there() for there in gone] == [None, None]
        assert len(STATE.endings) == 0
    assert len(calls) == 100
