"""One call in flight: collects facts from every patch, and becomes one frozen ``Call`` exactly once."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

from tierscope import record
from tierscope.guard import guarded
from tierscope.model import Attempt, Reply, Timing
from tierscope.reading import batches, chat, embeddings, errors, headers, responses
from tierscope.reading.sse import as_object
from tierscope.seam import bodies, identity, usage_asked
from tierscope.seam.processor import demand
from tierscope.seam.world import STATE
from tierscope.stream import Tap

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tierscope.model import AttemptResult, Call, EndingWord, Failure, Headers, Request
    from tierscope.observer import Observation
    from tierscope.seam.identity import Form
    from tierscope.seam.world import World
    from tierscope.stream import Reader

_REPLIES: Final[Mapping[str, Callable[[object, int | None], Reply]]] = {
    "chat_completions": chat.reply,
    "completions": chat.reply,
    "responses": responses.reply,
    "embeddings": embeddings.reply,
    "batches": batches.reply,
}


class OpenCall:
    """The state of one call between the SDK's ``request`` and its end, whichever door it leaves by."""

    __slots__ = (
        "__weakref__",
        "_attempts",
        "_failed_ns",
        "_form",
        "_headers",
        "_headers_ns",
        "_last_ns",
        "_lock",
        "_observation",
        "_open",
        "_pid",
        "_reply",
        "_response",
        "_start_ns",
        "_status",
        "_token",
        "_unix_ns",
        "args",
        "is_dropped",
        "is_finished",
        "is_parsed",
        "kwargs",
        "request",
        "tap",
        "world",
    )

    def __init__(
        self,
        form: Form,
        request: Request,
        world: World,
        observation: Observation,
        unix_ns: int,
        args: Any,
        kwargs: Any,
    ) -> None:
        self._start_ns = world.clock()
        self.request = request
        self.world = world
        self.args = args
        self.kwargs = kwargs
        self.is_finished = False
        """Whether this call has been recorded."""
        self.is_dropped = False
        """Whether its response or its coroutine was dropped: it waits to be ended as abandoned."""
        self.is_parsed = False
        """Whether a ``Stream`` object reads the events."""
        self.tap: Tap | None = None
        """Set where a stream, or a body not yet read, was handed out."""
        self._form = form
        self._observation = observation
        self._unix_ns = unix_ns
        self._pid = STATE.pid
        self._lock = threading.Lock()
        self._attempts: tuple[Attempt, ...] = ()
        self._open: tuple[int, int | None] | None = None
        self._last_ns: int | None = None
        self._failed_ns: int | None = None
        self._status: int | None = None
        self._response: Any = None
        self._headers: Headers | None = None
        self._headers_ns: int | None = None
        self._reply: Reply | None = None
        observation.__enter__()
        self._token = STATE.current.set(self)
        STATE.inside.add(self)

    # ── the SDK's request runs ────────────────────────────────────────────────────────────────────────────────────
    @guarded("exit")
    def withdraw(self) -> None:
        """Take the entry back: the seam was taken off meanwhile, and nothing would be seen of the call."""
        STATE.leave(self)
        STATE.current.reset(self._token)
        self._observation.__exit__(None, None, None)

    @guarded("exit")
    def left(self, result: object, exc: BaseException | None = None) -> None:
        """Leave ``request`` with its result or exception: over, unless a stream was handed out."""
        if isinstance(exc, GeneratorExit):  # the awaiting coroutine was dropped, perhaps collected in another context
            STATE.dropped(self)
            return
        STATE.current.reset(self._token)
        STATE.leave(self)
        self._observation.__exit__(None, None, None)
        if self._response is not None:
            self._read(result)
        if exc is not None:
            self.failed(exc)
        elif self.tap is None:
            self._finish("complete")

    # ── attempts ──────────────────────────────────────────────────────────────────────────────────────────────────
    @guarded("attempt")
    def built(self, sent: Any) -> None:
        """Note the start of an attempt, and what only the built request tells."""
        now = self.world.clock()
        if self._open is not None:
            self._close_attempt("no_response")
        self._open = now, None if self._failed_ns is None else now - self._failed_ns
        self._last_ns, self._failed_ns = now, None
        if not self._form.is_settled and not self._attempts:
            self.request = identity.as_sent(self.world, self.request, self._form.row, sent)

    @property
    def attempt_number(self) -> int:
        """The number of the attempt that is under way, from 1."""
        return len(self._attempts) + 1

    def _close_attempt(self, result: AttemptResult, status: int | None = None, code: str | None = None) -> None:
        if self._open is not None:
            start, wait = self._open
            self._attempts = (*self._attempts, Attempt(start, result, status, code, wait))
            self._open = None

    @guarded("attempt")
    def failed_attempt(self, response: Any) -> None:
        """Note the status of an attempt that the SDK may repeat."""
        failure = self._failure_in(response)
        self._close_attempt(errors.attempt_result(response.status_code, failure), response.status_code, failure.code)
        self._failed_ns = self.world.clock()

    def _failure_in(self, response: Any) -> Failure:
        body = as_object(response.content) if hasattr(response, "_content") else None
        error = body.get("error") if body else None
        return errors.of_error(
            error, status=response.status_code, requested=self.request.requested, refusals=self._form.row.refusals
        )

    # ── the reply ─────────────────────────────────────────────────────────────────────────────────────────────────
    @guarded("reply")
    def replied(self, kwargs: Mapping[str, Any]) -> None:
        """Note the response's status and headers; a stream, and a body that is not read yet, will tell by themselves.

        Whether a stream was asked for and whether the body is in memory are two questions: a mock transport gives
        streams whose body is there already.
        """
        response = kwargs["response"]
        self._headers_ns = now = self.world.clock()
        self._status = status = response.status_code
        self._close_attempt("ok", status)
        self._headers = headers.read(response.headers.raw, self._form.row.response_header)
        self._reply = Reply(status)
        if kwargs.get("stream") or not hasattr(response, "_content"):
            self.tap = tap = Tap(self._reader(), self.world.clock, demand, now)
            bodies.attach(self, tap, response)
            self._learned()
        else:
            self._response = response

    def _read(self, result: object) -> None:
        """Read a body in memory: from the SDK's parsed object where there is one, else from the bytes."""
        response, self._response = self._response, None
        if isinstance(result, dict) or hasattr(result, "to_dict"):
            self.read(result)
        else:
            self.read_bytes(response.content)

    @guarded("body")
    def read(self, body: object) -> None:
        """Read a body: a decoded mapping or the SDK's parsed object."""
        self._reply = _REPLIES[self.request.endpoint](body, self._status)
        self._learned()

    @guarded("body")
    def read_bytes(self, content: bytes) -> None:
        """Read a body that nobody parsed."""
        body = as_object(content)
        if body is not None:
            self.read(body)

    # ── the stream ────────────────────────────────────────────────────────────────────────────────────────────────
    def _reader(self) -> Reader:
        if self.request.endpoint == "responses":
            return responses.ResponsesReader(self.request.requested, self._form.row.refusals)
        return chat.ChatReader()

    @guarded("chunk")
    def chunk(self, chunk: object) -> bool:
        """Take one chunk before it is handed on; say whether it is the usage chunk nobody asked for."""
        if self.tap is not None and self.tap.chunk(chunk):
            self._learned()
        return self.request.usage_asked and usage_asked.is_usage_only(chunk)

    def _learned(self) -> None:
        if self._observation.is_curious:
            self._observation.learned(self._record("complete" if self.tap is None else "closed", None))

    # ── the end ───────────────────────────────────────────────────────────────────────────────────────────────────
    @guarded("end")
    def failed(self, exc: BaseException) -> None:
        """Record the exception that the application is about to see; no reference to it is kept."""
        if isinstance(exc, GeneratorExit):  # of a dropped coroutine or generator, which nobody sees
            STATE.dropped(self)
            return
        self._finish("cancelled" if errors.is_cancellation(exc) else "error", exc)

    @guarded("end")
    def finish(self, ending: EndingWord) -> None:
        """Record the call, whoever comes first; never called from a finalizer."""
        self._finish(ending)

    def _finish(self, ending: EndingWord, exc: BaseException | None = None) -> None:
        if self._pid != STATE.pid:  # the parent's call, and another of its threads may have held the lock
            return
        with self._lock:
            if self.is_finished:
                return
            self.is_finished = True
        self._observation.ended(self._record(ending, exc))

    def _record(self, ending: EndingWord, exc: BaseException | None) -> Call:
        failure = None if exc is None else self._failure_of(exc)
        if self._open is not None:
            status, code = (None, None) if failure is None else (failure.status, failure.code)
            self._close_attempt(errors.attempt_result(status, failure, exc), status, code)
        tap = self.tap
        if tap is not None:
            tap.settle()
        reply = self._final_reply()
        return record.build(
            self.request,
            row=self._form.row,
            catalog=self.world.catalog,
            attempts=self._attempts,
            reply=reply,
            headers=self._headers,
            timing=self._timing(ending),
            shape=tap.reader.shape() if tap is not None and tap.chunks else None,
            ending=ending,
            failure=failure,
        )

    def _failure_of(self, exc: BaseException) -> Failure:
        row = self._form.row
        failure = errors.of_exception(exc, requested=self.request.requested, refusals=row.refusals)
        response = getattr(exc, "response", None)
        if self._headers is None and response is not None:
            self._headers = headers.read(response.headers.raw, row.response_header)
        return failure

    def _final_reply(self) -> Reply | None:
        reply, tap = self._reply, self.tap
        if reply is None:
            return None
        if tap is not None and tap.chunks:
            reply = tap.reader.reply(self._status)
        if reply.tier_raw is None and self._headers is not None and self._headers.tier_raw:
            reply = reply._replace(tier_raw=self._headers.tier_raw)
        if self.request.endpoint == "responses":
            self.request, reply = self.world.background.settled(self.request, reply, self)
        return reply

    def _timing(self, ending: EndingWord) -> Timing:
        now, tap = self.world.clock(), self.tap
        end = now
        if ending == "abandoned":  # when it was last heard of, for the collector comes at any time
            end = (None if tap is None else tap.last_event) or self._headers_ns or self._last_ns or now
        known = Timing(self._start_ns, end, self._unix_ns, self._last_ns, self._headers_ns)
        return known if tap is None else tap.stamped(known, now, is_whole=ending == "complete")
