"""When a connection last brought anything, on real sockets."""

from __future__ import annotations

import socket
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from tierscope.seam import network

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux says when a connection last had data")
MS = 1_000_000


class Stream:
    """What httpx puts among the extensions of a response."""

    def __init__(self, sock: Any) -> None:
        self._socket = sock

    def get_extra_info(self, name: str) -> Any:
        assert name == "socket"
        return self._socket


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two ends of a TCP connection on loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        accepted, _ = server.accept()
        with accepted:
            yield client, accepted


def test_silence_is_counted_from_the_last_data(pair: tuple[socket.socket, socket.socket]) -> None:
    """Whether they have been read or not."""
    client, server = pair
    server.sendall(b"x")
    time.sleep(0.1)
    silent = network.silence(Stream(client))
    assert silent is not None
    assert 80 * MS <= silent < 10_000 * MS
    server.sendall(b"x")
    client.recv(2)
    shorter = network.silence(Stream(client))
    assert shorter is not None
    assert shorter < silent


def test_where_nobody_knows_it_is_none(pair: tuple[socket.socket, socket.socket]) -> None:
    """No connection, a closed one, a socket of another kind, an extension of a test's own."""
    client, _ = pair
    client.close()
    one, other = socket.socketpair()
    with one, other:
        assert [network.silence(thing) for thing in (None, Stream(client), Stream(one), Stream(None), object())] == [
            None
        ] * 5
