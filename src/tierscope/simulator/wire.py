"""The socket's side of a reply: writes, waits until the bytes have left, stamps, and knows when the client is gone."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from tierscope.simulator.ask import Moment
from tierscope.simulator.transcript import Transcript

if TYPE_CHECKING:
    from uvicorn.protocols.http.flow_control import FlowControl


class Protocol(H11Protocol):
    """uvicorn's own protocol, which lets the application see its transport.

    The write buffer's high-water mark is 0, so `drain` returns only when the kernel has taken every byte: stamps are
    of bytes sent, not of bytes queued.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn itself
        """Shares transport and flow control with the application through the ASGI state."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=0)
        self.app_state = {**self.app_state, "transport": transport, "flow": self.flow}


class Sent:
    """What has left of one reply, and when: all that its row in the ledger is written from."""

    def __init__(self) -> None:
        self.status = 0
        self.request_id: str | None = None
        self.bytes_sent = 0
        self.dropped = False
        self.complete = False
        self.first_byte: Moment | None = None
        self.first_token: Moment | None = None
        self.first_delta: Moment | None = None
        self.last_delta: Moment | None = None
        self.transcript = Transcript(events=False)

    def left(self, piece: bytes) -> None:
        """Notes that a piece of the reply has left, and reads back what it said."""
        token, text = self.transcript.feed(piece)
        if token or text:
            now = Moment.now()
            self.first_token = self.first_token or now
            if text:
                self.first_delta, self.last_delta = self.first_delta or now, now


class Wire(Sent):
    """One reply on its way out. Every method that sends answers whether the client is still there."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        super().__init__()
        self._send, self._receive = send, receive
        self._transport = cast("asyncio.Transport", scope["state"]["transport"])
        self._flow = cast("FlowControl", scope["state"]["flow"])
        self._closes = (b"connection", b"close") in scope["headers"]
        self._gone: asyncio.Task[Any] | None = None

    @property
    def gone(self) -> bool:
        """Whether the connection is lost or closing."""
        return self._transport.is_closing()

    def watch(self) -> None:
        """From now on (the body is read) a disconnect ends waits at once."""
        self._gone = asyncio.ensure_future(cast("Callable[[], Awaitable[Any]]", self._receive)())

    async def until(self, moment: float) -> bool:
        """Waits for a `time.monotonic` moment, or for the client to leave."""
        left = moment - time.monotonic()
        if left <= 0:
            await asyncio.sleep(0)
        elif self._gone:
            await asyncio.wait({self._gone}, timeout=left)
        return not self.gone

    async def start(self, status: int, headers: Mapping[str, str], *, events: bool) -> bool:
        """Sends status and headers."""
        self.status = status
        self.request_id = headers.get("x-request-id")
        self.transcript = Transcript(events=events, encoding=headers.get("content-encoding"))
        raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": raw})
        alive = await self._left()
        if alive:
            self.first_byte = Moment.now()
        return alive

    async def write(self, piece: bytes, *, last: bool = False) -> bool:
        """Sends a piece of the body and reads back what it said, once it has left."""
        if self.gone:
            return False
        await self._send({"type": "http.response.body", "body": piece, "more_body": not last})
        if not await self._left(closing=last and self._closes):
            return False
        self.bytes_sent += len(piece)
        self.complete = last
        self.left(piece)
        return True

    async def _left(self, *, closing: bool = False) -> bool:
        """Waits until the kernel has the bytes; `closing` says that uvicorn itself may have closed the connection."""
        await self._flow.drain()
        return closing or not self.gone

    async def finish(self) -> bool:
        """Ends the body properly."""
        return await self.write(b"", last=True)

    async def drop(self) -> None:
        """Closes the connection in the middle: what was sent arrives, the end does not."""
        self.dropped = True
        self._transport.close()
        while self._gone and not self._gone.done():
            await asyncio.wait({self._gone})

    def release(self) -> None:
        """Stops watching."""
        if self._gone:
            self._gone.cancel()
