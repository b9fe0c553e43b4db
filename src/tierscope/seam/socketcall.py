"""One response over a socket, from the request that asked for it to one frozen ``Call``; and its place in a lane."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

from tierscope import record
from tierscope.guard import guarded
from tierscope.model import Attempt, Reply, Timing
from tierscope.reading import errors
from tierscope.reading.fields import field
from tierscope.reading.responses import TEXT_DELTA, ResponsesReader
from tierscope.seam.processor import demand
from tierscope.seam.world import STATE
from tierscope.stream import Tap

if TYPE_CHECKING:
    from tierscope.model import AttemptResult, Call, EndingWord, Failure
    from tierscope.observer import Observation
    from tierscope.seam.identity import Form

ERROR: Final = "error"
_CUT: Final = frozenset({"closed", "abandoned", "cancelled"})


class SocketCall:
    """The state of one response. Its connection's lock guards it until it has been taken out of there."""

    __slots__ = (
        "_attempt_ns",
        "_code",
        "_failure",
        "_observation",
        "_pid",
        "_result",
        "_status",
        "_unix_ns",
        "form",
        "ident",
        "is_dropped",
        "is_finished",
        "lane",
        "parent",
        "start_ns",
        "tap",
    )

    def __init__(
        self,
        form: Form,
        observation: Observation | None,
        lane: str | None,
        parent: str | None,
        start_ns: int,
        unix_ns: int,
    ) -> None:
        self.form = form
        self.lane = lane
        """The ``stream_id`` it was asked for on, or none."""
        self.parent = parent
        """The response that it continues, by its request."""
        self.ident: str | None = None
        """Its own id, once the service has said it."""
        self.start_ns = start_ns
        self.is_dropped = self.is_finished = False
        reader = ResponsesReader(form.request.requested, form.row.refusals)
        self.tap = Tap(reader, form.world.clock, demand, start_ns)
        self._observation = observation
        """``None`` where nobody observes it: it keeps its place among the others all the same."""
        self._unix_ns = unix_ns
        self._pid = STATE.pid
        self._attempt_ns = start_ns
        self._result: AttemptResult | None = None
        self._status: int | None = None
        self._code: str | None = None
        self._failure: Failure | None = None
        if observation is not None:
            STATE.inside.add(self)

    def begun(self, ident: str, free_ns: int | None) -> None:
        """Note that the service took it up: not before its lane was free, for a lane is served in order."""
        self.ident, self._result = ident, "ok"
        if free_ns is not None and free_ns > self.start_ns:
            self._attempt_ns = free_ns

    def counted(self, event: Any, arrived: int, waited: int) -> bool:
        """Count an event that is one more text and no more, as most are; say whether it was one.

        Without its connection's lock, and without another look at it: as in the loops over streams (ADR 14).
        """
        tap = self.tap
        plain: Any = tap.reader.plain
        if event.__class__ is not plain or event.type != TEXT_DELTA:
            return False
        words = event.delta
        if not words or words.__class__ is not str:
            return False
        tap.texts += 1
        tap.last_text = tap.arrived = arrived
        tap.waited = waited
        return True

    @guarded("event")
    def take(self, event: object, arrived: int, waited: int) -> None:
        """Take one event of this response, before it is handed on."""
        tap = self.tap
        tap.arrived, tap.waited = arrived, waited
        if self.ident is None:  # an error, of a request that was never taken up
            self._refused(event)
        elif tap.chunk(event) and self._observation is not None and self._observation.is_curious:
            self._observation.learned(self._record("closed", arrived, None))

    def _refused(self, event: object) -> None:
        told = field(event, "status")
        status = told if type(told) is int else None
        request, error = self.form.request, field(event, "error") or event
        self._failure = failure = errors.of_error(
            error, status=status, requested=request.requested, refusals=self.form.row.refusals
        )
        self._status, self._code = status, failure.code
        self._result = errors.told_result(status, failure)

    def finish(self, ending: EndingWord) -> None:
        """Record it when the process ends; a connection that ends ends its own."""
        self.end(ending, self.form.world.clock())

    @guarded("end")
    def end(self, ending: EndingWord, now: int, exc: BaseException | None = None) -> None:
        """Record it, once; no reference to an exception is kept."""
        if self.is_finished or self._pid != STATE.pid:
            return
        self.is_finished = True
        try:
            if self._observation is not None:
                self._observation.ended(self._record(ending, now, exc))
        finally:
            STATE.leave(self)

    def _record(self, ending: EndingWord, now: int, exc: BaseException | None) -> Call:
        form, tap = self.form, self.tap
        failure = self._failure if exc is None else self._failure_of(exc)
        status = self._status if self._result or failure is None else failure.status
        result = self._result or ("cancelled" if ending == "cancelled" else errors.attempt_result(status, failure, exc))
        tap.settle()
        return record.build(
            form.request,
            row=form.row,
            catalog=form.world.catalog,
            attempts=(Attempt(self._attempt_ns, result, status, self._code),),
            reply=self._reply(ending),
            headers=None,
            timing=self._timing(ending, now),
            shape=tap.reader.shape() if tap.chunks else None,
            ending=ending,
            failure=failure,
        )

    def _reply(self, ending: EndingWord) -> Reply | None:
        if self.tap.chunks:
            return self.tap.reader.reply()
        return Reply(is_terminal=False) if ending in _CUT else None

    def _failure_of(self, exc: BaseException) -> Failure:
        """Read what the application is about to see; a handshake that was refused has its status in its response."""
        form = self.form
        failure = errors.of_exception(exc, requested=form.request.requested, refusals=form.row.refusals)
        status = getattr(getattr(exc, "response", None), "status_code", None)
        return failure._replace(status=status) if type(status) is int else failure

    def _timing(self, ending: EndingWord, now: int) -> Timing:
        end = now
        if ending == "abandoned":  # when it was last heard of, for the collector comes at any time
            end = self.tap.last_event or self.start_ns
        known = Timing(self.start_ns, max(end, self.start_ns), self._unix_ns, self._attempt_ns)
        return self.tap.stamped(known, now, is_whole=ending == "complete")


class Lane:
    """What one lane of a connection was asked for, and what it is serving."""

    __slots__ = ("asked", "current", "free_ns", "last")

    def __init__(self) -> None:
        self.asked: deque[SocketCall] = deque()
        self.current: SocketCall | None = None
        self.last: SocketCall | None = None
        """The response that was served last: what comes unasked continues it."""
        self.free_ns: int | None = None
        """When that one ended."""


def is_over(event: Any, call: SocketCall) -> EndingWord | None:
    """Say how an event ends a response, if it does."""
    if field(event, "type") == ERROR:
        return "error"
    return "complete" if call.tap.reader.is_terminal else None
