"""Responses over a WebSocket ('WebSocket mode' guide; error events of the SDK's types): lanes, queues, steering.

Each `response.create` is one row of the ledger. A lane (`stream_id`, or none) is served in order, 16 responses of a
connection at once. That a steered response is cut at its next delta is modelled.
"""

import asyncio
import re
import time
from dataclasses import replace
from typing import Any, cast

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from tierscope.simulator import errors
from tierscope.simulator.ask import Ask, Moment, message_ask
from tierscope.simulator.errors import Problem
from tierscope.simulator.frames import Job, dumps, event, new_id
from tierscope.simulator.responses import RESPONSES, body
from tierscope.simulator.service import INVALID_KEY, Decision, Service
from tierscope.simulator.transcript import Transcript
from tierscope.simulator.wire import Sent

MOST_ACTIVE, MOST_NAMES = 16, 32
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,256}")


class Line(Sent):
    """One response on its way out over a connection that others share."""

    def __init__(self, connection: "Connection", lane: str | None) -> None:
        super().__init__()
        self._connection, self._lane = connection, lane
        self.transcript = Transcript(events=True)
        self.steered: Any = None
        """What shall be asked for after it, once the client has steered it."""

    async def until(self, moment: float) -> bool:
        """Waits for a `time.monotonic` moment, or for the client to leave."""
        return await self._connection.until(moment)

    async def write(self, events: bytes, status: int = 200) -> bool:
        """Sends events, each a message of its own that names its lane; says whether the client is still there."""
        self.status = self.status or status
        for one in events.split(b"\n\n")[:-1]:
            data = one.partition(b"data: ")[2]
            named = data[:-1] + b',"stream_id":' + _text(self._lane) + b"}" if self._lane else data
            if not await self._connection.send(named):
                return False
            self.first_byte = self.first_byte or Moment.now()
            self.bytes_sent += len(named)
            self.left(one + b"\n\n")
        return True


def _text(text: str) -> bytes:
    """A JSON string; lane names need no escapes, and others are told back as they came."""
    return dumps({"": text})[4:-1]


class Connection:
    """One WebSocket, and what is under way on it."""

    def __init__(self, service: Service, socket: WebSocket) -> None:
        self._service, self._socket = service, socket
        self._transport = cast("asyncio.Transport", socket.scope["state"]["transport"])
        self._gone = asyncio.Event()
        self._leaving: asyncio.Future[Any] | None = None
        self._turns: dict[str | None, asyncio.Lock] = {}
        self._active = asyncio.Semaphore(MOST_ACTIVE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._served: dict[str, Line] = {}
        self._dropped = False

    async def run(self) -> None:
        """Hears messages until the client leaves, then lets what is under way end."""
        await self._socket.accept()
        while not self._gone.is_set():
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                self._gone.set()
            else:
                text = message.get("text")
                await self._heard(message["bytes"].decode(errors="replace") if text is None else text)
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._leaving:
            await self._leaving

    async def until(self, moment: float) -> bool:
        """Waits for a `time.monotonic` moment, or for the client to leave."""
        left = moment - time.monotonic()
        if left <= 0:
            await asyncio.sleep(0)
        elif not self._gone.is_set():
            self._leaving = self._leaving or asyncio.ensure_future(self._gone.wait())
            await asyncio.wait({self._leaving}, timeout=left)
        return not (self._gone.is_set() or self._transport.is_closing())

    async def send(self, message: bytes) -> bool:
        """Sends one message."""
        if self._gone.is_set() or self._transport.is_closing():
            return False
        try:
            await self._socket.send({"type": "websocket.send", "text": message.decode()})
        except WebSocketDisconnect:
            return False
        return not self._transport.is_closing()

    async def _heard(self, text: str) -> None:
        ask = message_ask(self._socket, self._service.profile, self._service.next_sequence(), text)
        kind = ask.body.get("type")
        if kind == "response.steer":
            await self._steer(ask)
        elif kind == "response.create" or ask.unreadable:
            task = asyncio.ensure_future(self._create(self._service.numbered(ask)))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            await self.send(
                _error(errors.no_socket(f"Unknown event type: {kind!r:.80}."))[len(b"event: error\ndata: ") :]
            )

    # ── one response ──────────────────────────────────────────────────────────────────────────────────────────────
    async def _create(self, ask: Ask) -> None:
        lane = ask.body.get("stream_id")
        with self._service.ledger.exchange():
            problem = self._unwelcome(ask, lane)
            if problem:
                await self._respond(ask, None, problem)
                return
            async with self._turns.setdefault(lane, asyncio.Lock()), self._active:
                following: Ask | None = ask
                while following is not None:
                    following = await self._respond(following, lane)

    def _unwelcome(self, ask: Ask, lane: object) -> Problem | None:
        if lane is not None and not (isinstance(lane, str) and _NAME.fullmatch(lane)):
            return errors.invalid_stream(lane)
        if lane is not None and lane not in self._turns and len(self._turns.keys() - {None}) >= MOST_NAMES:
            return errors.too_many_streams(MOST_NAMES)
        if ask.body.get("background") is True:
            return errors.no_socket("background is not supported over WebSocket.")
        return None

    async def _respond(self, ask: Ask, lane: str | None, problem: Problem | None = None) -> Ask | None:
        """Answers one request and enters it into the ledger; returns what steering asks for next."""
        service, line = self._service, Line(self, lane)
        decision = service.refuse(ask, problem) if problem else service.decide(ask)
        origin = time.monotonic()
        if await line.until(origin + (ask.script.header_delay or 0.0)):
            await self._answer(decision, line, origin)
        line.dropped = self._dropped and not line.transcript.facts().finished
        service.enter(ask, decision, line)
        following = line.steered
        if decision.job is None or following is None:
            return None
        asked = {**ask.body, "input": following, "previous_response_id": decision.job.id}
        return replace(ask, sequence=service.next_sequence(), received=Moment.now(), body=asked)

    async def _answer(self, decision: Decision, line: Line, origin: float) -> None:
        if decision.drop:
            self._drop()
        elif decision.problem:
            line.complete = await line.write(_error(decision.problem), decision.problem.status)
        elif decision.job:
            await self._stream(decision.job, line, origin)

    async def _stream(self, job: Job, line: Line, origin: float) -> None:
        if job.ask.body.get("store") is not False:
            self._service.store.keep(job)
        self._served[job.id] = line
        count = await self._play(job, line, origin)
        self._served.pop(job.id)
        cut = job.plan.cut
        if count is None:
            return
        if line.steered is not None:
            steered = body(job) | {"status": "incomplete", "incomplete_details": {"reason": "steered"}}
            await line.write(event({"type": "response.incomplete", "sequence_number": count, "response": steered}))
        elif cut and cut.drop:
            self._drop()
        elif cut:
            line.complete = await line.write(RESPONSES.failure(job, errors.in_stream(job.ask.script), count))

    async def _play(self, job: Job, line: Line, origin: float) -> int | None:
        """Sends events when they are due, up to a cut or to steering; the events sent, or None if the client left."""
        limit = job.plan.cut.after if job.plan.cut else None
        deltas = events = 0
        for frame in RESPONSES.frames(job):
            if frame.delta and (deltas == limit or line.steered is not None):
                break
            if not await line.until(origin + frame.due) or not await line.write(frame.data):
                return None
            events += 1
            deltas += frame.delta
            if frame.delta and deltas == limit:
                break
        return events

    def _drop(self) -> None:
        """Closes the connection in the middle, for all that is under way."""
        self._dropped = True
        self._transport.abort()
        self._gone.set()

    async def _steer(self, ask: Ask) -> None:
        """Takes input for a response that is being served, or says that there is none."""
        parent = str(ask.body.get("previous_response_id"))
        line = self._served.get(parent)
        if line is None:
            failed = {"code": "response_not_found", "message": "No such response.", "type": "invalid_request_error"}
            steer: dict[str, Any] = {"previous_response_id": parent, "input": ask.body.get("input")}
            told = {"type": "response.steer.failed", "sequence_number": 0, "error": failed, "steer": steer}
            await self.send(dumps(told))
            return
        line.steered = ask.body.get("input") or ""
        steer = {"id": new_id("steer_"), "previous_response_id": parent}
        await line.write(event({"type": "response.steer.accepted", "sequence_number": 0, "steer": steer}))


def _error(problem: Problem) -> bytes:
    """An error of a request: it names the status that HTTP would have had, and has no place in any response."""
    told = problem.body()["error"] | ({"headers": dict(problem.headers)} if problem.headers else {})
    return event({"type": "error", "status": problem.status, "error": told})


class Sockets:
    """The ASGI application of all WebSockets; a wrong key is refused before there is one."""

    def __init__(self, service: Service) -> None:
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one connection."""
        socket = WebSocket(scope, receive, send)
        key = message_ask(socket, self._service.profile, 0, "{}").key
        if key == INVALID_KEY:
            problem = errors.invalid_key(key)
            await socket.receive()
            await socket.send_denial_response(Response(dumps(problem.body()), problem.status))
            return
        await Connection(self._service, socket).run()
