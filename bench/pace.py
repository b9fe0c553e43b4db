"""A server of chat streams at a steady pace, which knows by its own clock how fast each stream left it.

It runs in a process of its own: one that shared the client's interpreter would be slowed by what it measures. ``GET
/truth`` returns the rates of the streams since the last such request, in tokens per second.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

from canned import chat_events

HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n"
    b"x-request-id: req_1\r\nconnection: close\r\n\r\n"
)


def framed(data: bytes) -> bytes:
    """Return one chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


class Pace:
    """Sends every stream one token each ``1 / rate`` seconds."""

    def __init__(self, rate: float, tokens: int) -> None:
        self._gap = 1 / rate
        self._tokens = tokens
        first, *texts, stop, usage, done = (framed(event) for event in chat_events(tokens))
        self._before, self._texts, self._after = HEAD + first, texts, stop + usage + done + b"0\r\n\r\n"
        self._truth: list[float] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"GET /truth"):
            body = json.dumps(self._truth).encode()
            self._truth = []
            writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
        else:
            length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            await reader.readexactly(int(length.partition(b":")[2]))
            await self._stream(writer)
        writer.close()

    async def _stream(self, writer: asyncio.StreamWriter) -> None:
        writer.write(self._before)
        start = time.monotonic()
        sent = []
        for number, event in enumerate(self._texts):
            await asyncio.sleep(start + number * self._gap - time.monotonic())
            writer.write(event)
            sent.append(time.monotonic())
        writer.write(self._after)
        await writer.drain()
        self._truth.append((len(sent) - 1) / (sent[-1] - sent[0]))


async def main(rate: float, tokens: int) -> None:
    """Serve on a free loopback port, and print it."""
    server = await asyncio.start_server(Pace(rate, tokens).serve, "127.0.0.1", 0, backlog=256)
    print(server.sockets[0].getsockname()[1], flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1]), int(sys.argv[2])))
