"""One call in flight: collects facts from every patch, and becomes one frozen ``Call`` exactly once."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any, Final, Self

from tierscope import record
from tierscope.guard import guarded
from tierscope.model import Attempt, Reply, Timing
from tierscope.reading import chat, embeddings, errors, headers, responses
from tierscope.reading.sse import as_object
from tierscope.seam import identity
from tierscope.seam.world import STATE
from tierscope.stream import Tap

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from tierscope.catalog import Provider
    from tierscope.model import AttemptResult, Call, EndingWord, Failure, Headers, Request
    from tierscope.observer import Observation
    from tierscope.seam.world import World
    from tierscope.stream import Reader

_REPLIES: Final[Mapping[str, Callable[[object, int | None], Reply]]] = {
    "chat_completions": chat.reply,
    "completions": chat.reply,
    "responses": responses.reply,
    "embeddings": embeddings.reply,
}


class OpenCall:
    """The state of one call between the SDK's ``request`` and its end, whichever door it leaves by."""

    __slots__ = (
        "__weakref__",
        "_attempts",
        "_exc_token",
        "_failed_ns",
        "_finished",
        "_headers",
        "_headers_ns",
        "_last_ns",
        "_lock",
        "_observation",
        "_open",
        "_pid",
        "_reply",
        "_row",
        "_start_ns",
        "_status",
        "args",
        "is_parsed",
        "is_streaming",
        "kwargs",
        "request",
        "tap",
        "world",
    )

    def __init__(
        self, request: Request, row: Provider, observation: Observation, world: World, args: Any, kwargs: Any
    ) -> None:
        self.request = request
        self.args = args
        self.kwargs = kwargs
        self.is_streaming = False
        self.is_parsed = False
        self.tap: Tap | None = None
        self._row = row
        self._observation = observation
        self.world = world
        self._pid = STATE.pid
        self._lock = threading.Lock()
        self._finished = False
        self._start_ns = world.clock()
        self._attempts: list[Attempt] = []
        self._open: tuple[int, int | None] | None = None
        self._last_ns: int | None = None
        self._failed_ns: int | None = None
        self._status: int | None = None
        self._headers: Headers | None = None
        self._headers_ns: int | None = None
        self._reply: Reply | None = None
        self._exc_token: Any = None

    # ── the SDK's request runs ────────────────────────────────────────────────────────────────────────────────────
    @guarded("enter")
    def __enter__(self) -> Self:
        """Make this the current call of the SDK's ``request``, and its span the current one."""
        self._exc_token = STATE.current.set(self)
        self._observation.__enter__()
        return self

    @guarded("exit")
    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave ``request``: over, unless a stream was handed out."""
        STATE.leave(self)
        if self._exc_token is not None:
            STATE.current.reset(self._exc_token)
            self._exc_token = None
        self._observation.__exit__(None, None, None)
        if exc is not None:
            self.failed(exc)
        elif not self.is_streaming:
            self.finish("complete")

    # ── attempts ──────────────────────────────────────────────────────────────────────────────────────────────────
    @guarded("attempt")
    def built(self, sent: Any) -> None:
        """Note the start of an attempt, and what only the built request tells."""
        now = self.world.clock()
        if self._open is not None:
            self._close_attempt("no_response")
        self._open = now, None if self._failed_ns is None else now - self._failed_ns
        self._last_ns, self._failed_ns = now, None
        if not self._attempts:
            self.request = identity.as_sent(self.world, self.request, self._row, sent)

    def _close_attempt(self, result: AttemptResult, status: int | None = None, code: str | None = None) -> None:
        if self._open is not None:
            start, wait = self._open
            self._attempts.append(Attempt(start, result, status, code, wait))
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
            error, status=response.status_code, requested=self.request.requested, refusals=self._row.refusals
        )

    # ── the reply ─────────────────────────────────────────────────────────────────────────────────────────────────
    @guarded("reply")
    def replied(self, response: Any) -> None:
        """Note the response's status and headers."""
        self._headers_ns = self.world.clock()
        self._status = response.status_code
        self._close_attempt("ok", self._status)
        self._headers = headers.read(response.headers.raw, self._row.response_header)
        self._reply = Reply(status=self._status)

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
    @guarded("stream")
    def opened(self) -> None:
        """A stream was handed out: from here on its chunks and its end tell."""
        self.is_streaming = True
        self.tap = Tap(self._reader(), self.world.clock)

    def _reader(self) -> Reader:
        if self.request.endpoint == "responses":
            return responses.ResponsesReader(self.request.requested, self._row.refusals)
        return chat.ChatReader()

    def chunk(self, chunk: object) -> bool:
        """Take one chunk before it is handed on; say whether it is the usage chunk nobody asked for."""
        tap = self.tap
        if tap is None:
            return False
        if tap.chunk(chunk):
            self._learned()
        return self.request.usage_asked and _is_usage_only(chunk)

    def _learned(self) -> None:
        if getattr(self._observation, "is_curious", False):
            self._observation.learned(self._record("complete", None))

    # ── the end ───────────────────────────────────────────────────────────────────────────────────────────────────
    @property
    def is_finished(self) -> bool:
        """Whether this call has been recorded."""
        return self._finished

    def failed(self, exc: BaseException) -> None:
        """Record the exception that the application is about to see."""
        self.finish("cancelled" if errors.is_cancellation(exc) else "error", exc)

    @guarded("end")
    def finish(self, ending: EndingWord, exc: BaseException | None = None) -> None:
        """Record the call, whoever comes first; never called from a finalizer. No reference to ``exc`` is kept."""
        if self._pid != os.getpid():  # the parent's call, and another of its threads may have held the lock
            return
        with self._lock:
            if self._finished:
                return
            self._finished = True
        self._observation.ended(self._record(ending, exc))

    def _record(self, ending: EndingWord, exc: BaseException | None) -> Call:
        failure = None if exc is None else self._failure_of(exc)
        reply = self._final_reply()
        return record.build(
            self.request,
            row=self._row,
            catalog=self.world.catalog,
            attempts=self._all_attempts(failure, exc),
            reply=reply,
            headers=self._headers,
            timing=self._timing(ending),
            shape=self.tap.reader.shape() if self.tap is not None and self.tap.chunks else None,
            ending=ending,
            failure=failure,
        )

    def _failure_of(self, exc: BaseException) -> Failure:
        failure = errors.of_exception(exc, requested=self.request.requested, refusals=self._row.refusals)
        response = getattr(exc, "response", None)
        if self._headers is None and response is not None:
            self._headers = headers.read(response.headers.raw, self._row.response_header)
        return failure

    def _all_attempts(self, failure: Failure | None, exc: BaseException | None) -> tuple[Attempt, ...]:
        if self._open is not None:
            status = failure.status if failure else None
            self._close_attempt(errors.attempt_result(status, failure, exc), status, failure.code if failure else None)
        return tuple(self._attempts)

    def _final_reply(self) -> Reply | None:
        reply = self._reply
        if reply is not None and self.tap is not None and self.tap.chunks:
            reply = self.tap.reader.reply(self._status)
        if reply is not None and self._headers is not None and self._headers.tier_raw and reply.tier_raw is None:
            reply = reply._replace(tier_raw=self._headers.tier_raw)
        return reply if reply is None or self.request.endpoint != "responses" else self._counted_once(reply)

    def _counted_once(self, reply: Reply) -> Reply:
        """Count the tokens of a background response once per process, and of an old stored one never."""
        memory, ident = self.world.background, reply.response_id
        is_fetch = self.request.operation == "fetch_response"
        if ident is None or not (is_fetch or reply.is_background):
            return reply
        if is_fetch:
            asked = memory.asked(ident)
            if asked is not None:
                self.request = _as_asked(self.request, asked)
        if not reply.is_terminal:
            if not is_fetch:
                memory.remember(ident, self.request)
            return reply._replace(is_usage_new=False)
        is_new = bool(reply.is_background) and memory.count(ident)
        return reply if is_new else reply._replace(is_usage_new=False)

    def _timing(self, ending: EndingWord) -> Timing:
        now, tap = self.world.clock(), self.tap
        known = Timing(start_ns=self._start_ns, end_ns=now, attempt_ns=self._last_ns, headers_ns=self._headers_ns)
        if tap is None:
            return known
        end = now if ending != "abandoned" else tap.last_event or self._headers_ns or now
        return tap.stamped(known._replace(end_ns=end), now, is_whole=ending == "complete")


def _as_asked(request: Request, asked: Request) -> Request:
    return request._replace(
        tier_raw=asked.tier_raw,
        tier_source=asked.tier_source,
        requested=asked.requested,
        expected=asked.expected,
        model=asked.model,
        is_background=True,
    )


def _is_usage_only(chunk: object) -> bool:
    """Say whether this is the chunk that carries nothing but the usage that Tierscope asked for."""
    return getattr(chunk, "usage", None) is not None and getattr(chunk, "choices", None) == []
