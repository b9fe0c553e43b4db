"""The responses of one connection: who was asked for what, on which lane, and which event is whose.

A lane (``stream_id``, or none) is served in order, without overlap, and several lanes at once ('WebSocket mode' guide).
Events that hold a response name it by its id; all others belong to the one that their lane is serving. A response that
nobody asked for continues the one before it on its lane: steering makes such successors, with inherited settings.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from tierscope import guard
from tierscope.guard import guarded
from tierscope.reading import errors
from tierscope.reading.fields import field, mapping, text
from tierscope.reading.responses import TERMINAL
from tierscope.reading.sse import as_object
from tierscope.seam import peers
from tierscope.seam.hearing import CREATED, KNOWN
from tierscope.seam.peers import Peer
from tierscope.seam.socketcall import ERROR, Lane, SocketCall, is_over
from tierscope.seam.world import STATE

if TYPE_CHECKING:
    from tierscope.model import EndingWord
    from tierscope.seam.identity import Form
    from tierscope.seam.world import World

_OPENING: Final = frozenset({CREATED, "response.queued", "response.in_progress"})
_OF_LANES: Final = frozenset({"invalid_stream_id", "websocket_stream_limit_reached"})
"""Errors about a lane that there will not be: they may not say which."""
MAX_PAST: Final = 256
"""Ids of a connection's last responses: what comes after their end is nobody's."""


class Socket:
    """The state of one connection, or of a manager that holds requests until there is one."""

    def __init__(self, peer: Peer, world: World) -> None:
        self.peer = peer
        self.world = world
        self.is_dropped = False
        self._clock = world.clock
        self._lanes: dict[str | None, Lane] = {}
        self._open: dict[SocketCall, None] = {}
        self._named: dict[str, SocketCall] = {}
        self._past: deque[str] = deque(maxlen=MAX_PAST)
        self._lock = threading.Lock()
        self._raw: tuple[object, int] | None = None
        """The last message, as long as nobody parsed it."""
        self._is_raw = False
        """Whether its reader takes messages as they are: what it parses later has been read by us."""
        self._waited = 0

    @property
    def is_finished(self) -> bool:
        """Whether nothing is under way."""
        return not self._open

    # ── what is sent ──────────────────────────────────────────────────────────────────────────────────────────────
    def asked(self, event: Any, lane: str | None) -> SocketCall:
        """Open a call for a request that is about to be sent, or queued."""
        world = STATE.world or self.world
        fields = mapping(event)
        lane = lane or text(fields, "stream_id")
        call = self._call(world, peers.form(world, self.peer, event), lane, text(fields, "previous_response_id"))
        with self._lock:
            self._lanes.setdefault(lane, Lane()).asked.append(call)
            self._open[call] = None
        return call

    def _call(self, world: World, form: Form, lane: str | None, parent: str | None) -> SocketCall:
        unix = world.wall()
        observation = None if STATE.world is None else world.observer.started(form.request, unix)
        return SocketCall(form, observation, lane, parent, world.clock(), unix)

    @guarded("end")
    def unsent(self, call: SocketCall, exc: BaseException) -> None:
        """Record a request that could not be sent, or queued."""
        self._end(call, "cancelled" if errors.is_cancellation(exc) else "error", self._clock(), exc)

    @guarded("connect")
    def moved(self, to: Socket) -> None:
        """Hand what was queued to the connection that sends it."""
        with self._lock:
            lanes, calls, self._lanes, self._open = self._lanes, self._open, {}, {}
        with to._lock:
            to._lanes.update(lanes)
            to._open.update(calls)

    # ── what is received ──────────────────────────────────────────────────────────────────────────────────────────
    @guarded("event")
    def waiting(self) -> int:
        """Note that the next message is waited for; return when."""
        if self._raw is not None:
            self._read_raw()
        return self._clock()

    @guarded("event")
    def received(self, message: object, since: int | None) -> None:
        """Note a message."""
        now = self._clock()
        self._waited += 0 if since is None else now - since
        self._raw = message, now

    def _read_raw(self) -> None:
        """Read a message that its reader did not have parsed."""
        raw, self._raw = self._raw, None
        if raw is not None:
            self._is_raw = True
            data, arrived = raw
            event = as_object(data) if isinstance(data, bytes | str) else None
            if event is not None:
                self._take(event, arrived)

    def parsed(self, data: object, event: Any) -> None:
        """Take an event that the SDK has parsed, wherever its message came from."""
        raw = self._raw
        if raw is not None and raw[0] is data:
            self._raw, arrived = None, raw[1]
        elif self._is_raw:
            return
        else:
            arrived = self._clock()
        lane = field(event, "stream_id")
        place = self._lanes.get(lane) if lane is None or type(lane) is str else None
        call = place.current if place else None
        if call is None or not call.counted(event, arrived, self._waited):
            self._take(event, arrived)

    def _take(self, event: object, arrived: int) -> None:
        with self._lock:
            call = self._whose(event, arrived)
        if call is None:
            return
        call.take(event, arrived, self._waited)
        ending = is_over(event, call)
        if ending is not None:
            self._end(call, ending, arrived)

    # ── whose an event is ─────────────────────────────────────────────────────────────────────────────────────────
    def _whose(self, event: object, arrived: int) -> SocketCall | None:
        kind, lane = text(event, "type"), text(event, "stream_id")
        if kind == ERROR:
            return self._failed_one(event, lane)
        response = field(event, "response")
        ident = None if response is None else text(response, "id")
        place = self._lanes.get(lane)
        if ident is None:
            return place.current if place else None
        if ident in self._named or ident in self._past or kind not in _OPENING | TERMINAL:
            return self._named.get(ident)
        return self._taken_up(kind, lane, ident, text(response, "previous_response_id"), arrived)

    def _taken_up(
        self, kind: str | None, lane: str | None, ident: str, parent: str | None, arrived: int
    ) -> SocketCall | None:
        """Return the call of a response that is heard of for the first time."""
        place = self._lanes.setdefault(lane, Lane()) if kind == CREATED else self._lanes.get(lane)
        if place is None:
            return None
        head = place.asked[0] if place.asked else None
        last = place.last
        is_successor = last is not None and parent == last.ident and (head is None or head.parent != parent)
        if head is not None and not is_successor:
            call: SocketCall | None = place.asked.popleft()
        else:
            call = self._unasked(lane, last if is_successor else None, arrived) if kind == CREATED else None
        if call is not None:
            call.begun(ident, place.free_ns)
            place.current = self._named[ident] = call
        return call

    def _unasked(self, lane: str | None, last: SocketCall | None, arrived: int) -> SocketCall | None:
        """Open a call for a response without a request: as its predecessor was asked for, else unknown."""
        world = STATE.world
        if world is None:
            return None
        form = peers.unseen(world, self.peer) if last is None else last.form
        call = self._call(world, form, lane, None if last is None else last.ident)
        call.start_ns = min(call.start_ns, arrived)
        self._open[call] = None
        return call

    def _failed_one(self, event: object, lane: str | None) -> SocketCall | None:
        """Return the call that an error is about: the one being served, or the next one that was asked for.

        Errors of a response carry a ``sequence_number``, those of a request its HTTP ``status`` (openai 3.57,
        ``types/responses/responses_server_event.py``).
        """
        if lane is None and text(field(event, "error"), "code") in _OF_LANES:
            return self._unserved()
        place = self._lanes.get(lane) or Lane()
        is_of_request = field(event, "status") is not None and field(event, "sequence_number") is None
        if place.current is not None and not (is_of_request and place.asked):
            return place.current
        if place.asked:
            return place.asked.popleft()
        return self._unserved() if lane is None else None

    def _unserved(self) -> SocketCall | None:
        """Return the request on a lane that the service never served, if there is one such request alone."""
        lanes = [place for place in self._lanes.values() if place.asked and not (place.current or place.last)]
        return lanes[0].asked.popleft() if len(lanes) == 1 else None

    # ── the end ───────────────────────────────────────────────────────────────────────────────────────────────────
    def _end(self, call: SocketCall, ending: EndingWord, now: int, exc: BaseException | None = None) -> None:
        """Record a call, whoever comes first."""
        with self._lock:
            if call not in self._open:
                return
            del self._open[call]
            self._forget(call, now)
        call.end(ending, now, exc)

    def _forget(self, call: SocketCall, now: int) -> None:
        place = self._lanes.get(call.lane)
        if place is not None and call in place.asked:
            place.asked.remove(call)
        if call.ident is not None:
            self._named.pop(call.ident, None)
            self._past.append(call.ident)
        if place is not None and place.current is call:
            place.last, place.current, place.free_ns = call, None, now

    def _end_all(self, ending: EndingWord, exc: BaseException | None = None) -> None:
        self._read_raw()
        now = self._clock()
        for call in list(self._open):
            self._end(call, ending, now, exc)

    @guarded("end")
    def finish(self, ending: EndingWord) -> None:
        """Record all that is under way; never called from a finalizer."""
        self._end_all(ending)

    @guarded("end")
    def failed(self, exc: BaseException) -> None:
        """Record all that waited for a connection that does not come."""
        self._end_all("cancelled" if errors.is_cancellation(exc) else "error", exc)

    @guarded("end")
    def broke(self, exc: BaseException) -> None:
        """Record all that was under way when the connection was lost; other exceptions lose nothing.

        A connection that is opened anew knows nothing of the responses of the old one.
        """
        names = {kind.__name__ for kind in type(exc).__mro__}
        if "ConnectionClosedOK" in names:
            self._end_all("closed")
        elif "ConnectionClosed" in names:
            self._end_all("error", exc)

    @guarded("close")
    def closed(self, *, is_async: bool) -> None:
        """Record all that is under way when the application closes the connection, or its task is cancelled."""
        task = asyncio.current_task() if is_async else None
        self._end_all("cancelled" if task is not None and task.cancelling() else "closed")


_MAKING: Final = threading.Lock()


def of(thing: Any, world: World) -> Socket:
    """Return the state of a connection or a manager, made where there is none."""
    is_connection = hasattr(thing, "recv_bytes")
    return _made(thing, peers.of_connection(thing, Peer()) if is_connection else peers.of_manager(thing), world)


def opened(manager: Any, connection: Any) -> None:
    """Note which connection a manager opened, and move there what it was asked for before."""
    queued = KNOWN.get(manager)
    world = STATE.world if queued is None else queued.world
    if world is not None:
        peer = peers.of_manager(manager) if queued is None else queued.peer
        socket = _made(connection, peers.of_connection(connection, peer), world)
        if queued is not None:
            queued.moved(socket)


def _made(thing: Any, peer: Peer, world: World) -> Socket:
    with _MAKING:
        known = KNOWN.get(thing)
        if known is not None:
            return known
        if "catalog" not in vars(world):
            guard.isolate("wiring", world.first)
            world.equip()
        KNOWN[thing] = socket = Socket(peer, world)
    STATE.watch(thing, socket)
    return socket
