import gzip
import http.client
import socket
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from . import made
from .corpus import REASON, corpus_dir, exchanges
from .made import CHAT, text_delta
from .replay import Replay

JSON = {"content-type": "application/json"}
STREAM = made.exchange(CHAT, made.chunks(text_delta("a"), text_delta("b")))
BODY = made.exchange(CHAT, made.body(id="chatcmpl-1"))


@pytest.fixture
def replay() -> Iterator[Replay]:
    with Replay() as server:
        yield server


def ask(url: str, body: bytes = b"{}", method: str = "POST", headers: dict[str, str] | None = None) -> tuple:
    """Return status, headers and body of an answer."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
    try:
        connection.request(method, url.removeprefix(f"http://{parts.netloc}"), body, headers or {})
        response = connection.getresponse()
        return response.status, response.getheaders(), response.read()
    finally:
        connection.close()


def raw_answer(replay: Replay, path: str) -> bytes:
    """Return the answer to a GET exactly as it was on the wire."""
    with socket.create_connection(("127.0.0.1", replay.port), timeout=5) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nconnection: close\r\n\r\n".encode())
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_body_comes_back_with_its_length() -> None:
    """A JSON body is served byte by byte with status, recorded headers, its length and nothing else."""
    with Replay([BODY]) as server:
        status, headers, body = ask(f"{server.url('made')}/v1/chat/completions")
    assert (status, body) == (200, BODY.body)
    assert headers == [("content-type", "application/json"), ("content-length", str(len(BODY.body)))]


def test_stream_comes_back_chunked_event_by_event() -> None:
    """A stream is served in chunked transfer, each event a chunk of its own."""
    with Replay([STREAM]) as server:
        head, _, rest = raw_answer(server, "/x/made/v1").partition(b"\r\n\r\n")
    parts = [part + b"\n\n" for part in STREAM.body.split(b"\n\n") if part]
    assert head == b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked"
    assert rest == b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


@pytest.mark.skipif(corpus_dir() is None, reason=REASON)
def test_every_recording_comes_back() -> None:
    """Each recorded exchange is served with its own status, headers and bytes."""
    with Replay(exchanges()) as server:
        for exchange in exchanges():
            status, headers, body = ask(f"{server.url(exchange.id)}/v1/{exchange.endpoint}")
            assert (status, body) == (exchange.status, exchange.body)
            framing = {"content-length", "transfer-encoding"}
            assert {name: value for name, value in headers if name not in framing} == exchange.headers


def test_requests_are_kept_byte_by_byte(replay: Replay) -> None:
    """Method, target, headers and body of a request are kept as they arrived."""
    url = replay.add("one", 200, JSON, [b"{}"])
    ask(f"{url}/v1/responses?a=b%20c", b'{"a": "\xc3\xa9"}', "PUT", {"X-Ms-Service-Tier": "flex"})
    (request,) = replay.received("one")
    assert (request.method, request.path, request.body) == ("PUT", "/x/one/v1/responses?a=b%20c", b'{"a": "\xc3\xa9"}')
    assert request.header("x-ms-service-tier") == "flex"
    assert ("X-Ms-Service-Tier", "flex") in request.headers


def test_unknown_key_is_not_found(replay: Replay) -> None:
    """A path that nobody set up answers 404, and the request is kept all the same."""
    assert ask(f"http://127.0.0.1:{replay.port}/v1/models", method="GET")[0] == 404
    assert [request.path for request in replay.requests] == ["/v1/models"]
    assert replay.requests[0].header("x-absent") is None


def test_answers_follow_their_script(replay: Replay) -> None:
    """Several answers under one key come in order, and the last one repeats."""
    url = replay.add("retry", 429, JSON, [b"{}"])
    replay.add("retry", 200, JSON, [b"{}"])
    assert [ask(url)[0] for _ in range(3)] == [429, 200, 200]


def test_connection_dropped_inside_a_stream(replay: Replay) -> None:
    """With ``drop_after`` the client sees so many chunks and then a broken transfer."""
    url = replay.add("cut", 200, {"content-type": "text/event-stream"}, [b"data: 1\n\n", b"data: 2\n\n"], 1)
    with pytest.raises(http.client.IncompleteRead) as broken:
        ask(url)
    assert broken.value.partial == b"data: 1\n\n"


def test_connection_dropped_before_any_answer(replay: Replay) -> None:
    """Without a status the connection ends without an answer, and the request is kept."""
    url = replay.add("mute", None, {})
    with pytest.raises(http.client.RemoteDisconnected):
        ask(url)
    assert len(replay.received("mute")) == 1


def test_body_shorter_than_it_said(replay: Replay) -> None:
    """A ``content-length`` of the test's own is sent as it is, even if it lies."""
    url = replay.add("short", 200, {**JSON, "Content-Length": "10"}, [b"{}"], 1)
    with pytest.raises(http.client.IncompleteRead):
        ask(url)


def test_compressed_and_malformed_bodies_pass(replay: Replay) -> None:
    """Bytes and headers of a hostile answer are sent as they are given; empty chunks do not end the body."""
    packed = gzip.compress(b'{"id": ', mtime=0)
    url = replay.add("gzip", 200, {**JSON, "content-encoding": "gzip"}, [packed[:5], b"", packed[5:]])
    status, headers, body = ask(url)
    assert (status, dict(headers)["content-encoding"], body) == (200, "gzip", packed)


def test_gap_spreads_the_events() -> None:
    """With a gap the events of a stream arrive apart."""
    with Replay([STREAM], gap_s=0.05) as server:
        began = time.monotonic()
        ask(server.url("made"))
        assert time.monotonic() - began >= 0.1


def test_connection_is_kept_alive(replay: Replay) -> None:
    """Two requests pass through one connection, as with any HTTP/1.1 server."""
    replay.add("twice", 200, JSON, [b"{}"])
    connection = http.client.HTTPConnection("127.0.0.1", replay.port, timeout=5)
    try:
        for _ in range(2):
            connection.request("POST", "/x/twice", b"{}")
            used = connection.sock
            assert connection.getresponse().read() == b"{}"
            assert connection.sock is used
    finally:
        connection.close()


def test_closing_leaves_no_thread() -> None:
    """Leaving the context ends idle connections and streams in a pause at once, and every thread with them."""
    before = set(threading.enumerate())
    with socket.socket() as idle:
        with Replay([STREAM], gap_s=60) as server:
            idle.connect(("127.0.0.1", server.port))
            idle.sendall(b"GET /x/made HTTP/1.1\r\n\r\n")
            assert idle.recv(15) == b"HTTP/1.1 200 OK"
        assert set(threading.enumerate()) == before


@pytest.mark.parametrize("after", [0, 1])
def test_a_reply_that_is_held_ends_when_the_client_hangs_up(after: int) -> None:
    """So many chunks and no more; the handler's thread is free as soon as nobody waits."""
    with Replay() as server:
        server.add("held", 200, {}, [b"one", b"two"], hold_after=after)
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
            connection.sendall(b"GET /x/held HTTP/1.1\r\n\r\n")
            if after:
                head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n"
                assert connection.makefile("rb").read(len(head)) == head
            connection.shutdown(socket.SHUT_WR)
            assert connection.recv(1) == b""


def test_requests_of_one_connection_share_its_port() -> None:
    """How many connections a client opened can be counted."""
    with Replay() as server:
        url = server.add("case", 200, {"content-length": "0"})
        parts = urlsplit(url)
        for requests in (2, 1):
            connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=5)
            for _ in range(requests):
                connection.request("GET", parts.path)
                connection.getresponse().read()
            connection.close()
        one, two, three = (request.peer for request in server.received("case"))
    assert (one == two, two == three) == (True, False)
