"""A loopback HTTP/1.1 server that says again what was recorded, or whatever hostile reply a test asks for.

It adds no header but the framing one, keeps every request it received, and leaves no thread or socket behind.
"""

from __future__ import annotations

import socket
from collections import defaultdict
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any, Final, Self

from .sse import blocks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType

    from .corpus import Exchange

POLL_S: Final = 0.02
"""How often the accepting thread looks whether it shall stop."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer, as it is put on the wire."""

    status: int | None
    """``None``: the connection is dropped without an answer."""
    headers: Mapping[str, str]
    chunks: tuple[bytes, ...] = ()
    """Written and flushed one by one; chunked transfer unless ``content-length`` is among the headers."""
    drop_after: int | None = None
    """Drop the connection after so many chunks, without the end that HTTP asks for; ``None``: never."""
    gap_s: float = 0.0
    """Pause before every chunk but the first."""
    hold_after: int | None = None
    """Say no more after so many chunks (0: not even the status line) until the client hangs up; ``None``: never."""

    @property
    def is_chunked(self) -> bool:
        """Whether the body goes out in chunked transfer."""
        return "content-length" not in {name.lower() for name in self.headers}


@dataclass(frozen=True, slots=True)
class Received:
    """One request as it arrived."""

    id: str
    method: str
    path: str
    """The whole request target, ``/x/<id>`` and query included."""
    headers: tuple[tuple[str, str], ...]
    """In order and spelling of the wire."""
    body: bytes
    peer: int
    """Port of the client's connection: requests of one connection share it."""

    def header(self, name: str) -> str | None:
        """Return the first header of this name, whatever its case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


def reply_of(exchange: Exchange, gap_s: float = 0.0) -> Reply:
    """Return the recorded answer: an event stream event by event, anything else at once."""
    if exchange.is_stream:
        return Reply(exchange.status, exchange.headers, tuple(blocks(exchange.body)), gap_s=gap_s)
    length = {"content-length": str(len(exchange.body))}
    return Reply(exchange.status, {**exchange.headers, **length}, (exchange.body,))


class Replay:
    """The server, as a context manager: ``with Replay(exchanges()) as replay: ... replay.url(id)``."""

    def __init__(self, exchanges: Iterable[Exchange] = (), *, gap_s: float = 0.0) -> None:
        self._lock = Lock()
        self._stopped = Event()
        self._received: list[Received] = []
        self._scripts: defaultdict[str, list[Reply]] = defaultdict(list)
        for exchange in exchanges:
            self._scripts[exchange.id].append(reply_of(exchange, gap_s))
        self._server = _Server(self)
        self._thread = Thread(target=self._server.serve_forever, args=(POLL_S,), name="replay")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._server.shutdown()
        self._thread.join()
        self._server.hang_up()
        self._server.server_close()

    @property
    def port(self) -> int:
        """The free port that was found."""
        return self._server.server_port

    @property
    def requests(self) -> tuple[Received, ...]:
        """Every request so far, in the order in which they were read."""
        with self._lock:
            return tuple(self._received)

    def url(self, key: str) -> str:
        """Return the address under which an answer is served; any path may follow."""
        return f"http://127.0.0.1:{self.port}/x/{key}"

    def received(self, key: str) -> tuple[Received, ...]:
        """Return the requests for one answer."""
        return tuple(request for request in self.requests if request.id == key)

    def add(
        self,
        key: str,
        status: int | None,
        headers: Mapping[str, str],
        chunks: Iterable[bytes] = (),
        drop_after: int | None = None,
        *,
        gap_s: float = 0.0,
        hold_after: int | None = None,
    ) -> str:
        """Append an answer to the script of a key and return its address; the last answer of a script repeats.

        The key of an exchange is its id, whose script starts with the recorded answer.
        """
        with self._lock:
            self._scripts[key].append(Reply(status, dict(headers), tuple(chunks), drop_after, gap_s, hold_after))
        return self.url(key)

    def answer(self, request: Received) -> Reply:
        """Keep a request and return its answer: 404 for an id that nobody set up."""
        with self._lock:
            self._received.append(request)
            script = self._scripts.get(request.id)
            if not script:
                return Reply(404, {"content-length": "0"})
            return script.pop(0) if len(script) > 1 else script[0]

    def pause(self, seconds: float) -> None:
        """Wait, but not longer than the server runs."""
        self._stopped.wait(seconds)


class _Server(ThreadingHTTPServer):
    """Keeps its connections, so that closing it ends the threads of idle keep-alive connections too."""

    daemon_threads = False
    request_queue_size = 128

    def __init__(self, replay: Replay) -> None:
        self.replay = replay
        self._connections: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._connections.discard(request)
        super().shutdown_request(request)

    def hang_up(self) -> None:
        """End every connection that is still open."""
        for connection in tuple(self._connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


class _Handler(BaseHTTPRequestHandler):
    """Answers any method on any path."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def handle_one_request(self) -> None:
        """Answer one request; a client that hangs up is no error of the server."""
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Say nothing on stderr."""

    def do_POST(self) -> None:
        """Keep the request and answer it."""
        reply = self.server.replay.answer(self._request())
        if reply.hold_after == 0:
            self._wait()
        if reply.status is None:
            self.close_connection = True
            return
        self.send_response_only(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if reply.is_chunked:
            self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        self._write(reply)

    do_GET = do_PUT = do_PATCH = do_DELETE = do_CONNECT = do_POST  # noqa: N815 - the base class looks for these names

    def _request(self) -> Received:
        parts = self.path.split("/", 3)
        known = parts[2].partition("?")[0] if parts[:2] == ["", "x"] and len(parts) > 2 else ""
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        return Received(known, self.command, self.path, tuple(self.headers.items()), body, self.client_address[1])

    def _wait(self) -> None:
        """Wait until the client hangs up, or the server stops."""
        self.connection.recv(1)
        raise ConnectionAbortedError

    def _write(self, reply: Reply) -> None:
        for index, chunk in enumerate(reply.chunks[: reply.drop_after]):
            if index and index == reply.hold_after:
                self._wait()
            if index and reply.gap_s:
                self.server.replay.pause(reply.gap_s)
            self._send(chunk, is_chunked=reply.is_chunked)
        if reply.drop_after is not None:
            self.close_connection = True
        elif reply.is_chunked:
            self.wfile.write(b"0\r\n\r\n")

    def _send(self, chunk: bytes, *, is_chunked: bool) -> None:
        """Write one piece; an empty one is left out, for in chunked transfer it would end the body."""
        if chunk:
            self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if is_chunked else chunk)
