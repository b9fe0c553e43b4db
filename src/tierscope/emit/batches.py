"""Batches that ended: the span of the API call that told of them, and their own metrics (ADR 17)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from opentelemetry.trace import SpanKind, Status, StatusCode

from tierscope import signals as s
from tierscope.emit import spans
from tierscope.emit.attributes import told as named
from tierscope.emit.costs import Costs
from tierscope.emit.points import Point
from tierscope.emit.series import count_tokens
from tierscope.emit.sums import Cells
from tierscope.model import NO_HEADERS, NO_REPLY, Batch
from tierscope.words import BATCH_STATES, UNKNOWN

if TYPE_CHECKING:
    from opentelemetry.trace import SpanContext, Tracer

    from tierscope.emit.instruments import Instruments
    from tierscope.emit.sums import Cell
    from tierscope.model import Call

_NO_BATCH: Final = Batch()
_CALL: Final = (s.BATCH_COUNT.key, s.TIER_SERVED.key, s.ATTEMPTS.key, s.REQUEST_ID.key, s.PROCESSING_MS.key)
_ONE: Final = (s.BATCH_STATUS.key, s.BATCH_TURNAROUND.key, s.BATCH_COMPLETED.key, s.BATCH_FAILED.key)


# ── the span ──────────────────────────────────────────────────────────────────────────────────────────────────────
def span(tracer: Tracer, told: Call, records: tuple[Call, ...]) -> SpanContext:
    """Make the span of an API call that is over, and end it at the call's own end; return where it stands.

    It carries the facts of a batch only if there is no other: tokens and states of several have no one value.
    """
    made = tracer.start_span(
        _name(records),
        kind=SpanKind.CLIENT,
        attributes=spans.at_start(told.request),
        start_time=told.timing.unix_ns,
    )
    if made.is_recording():
        made.set_attributes({**(_one(records[0]) if len(records) == 1 else {}), **_shared(told, records)})
        failed = next((record.error_type for record in records if spans.is_error(record)), None)
        if failed is not None:
            made.set_status(Status(StatusCode.ERROR, failed))
    made.end(told.timing.unix_ns + told.timing.end_ns - told.timing.start_ns)
    return made.get_span_context()


def _name(records: tuple[Call, ...]) -> str:
    """Return operation and model, as the names of all our spans; the model is known only if all are of the same."""
    models = {(record.reply or NO_REPLY).model for record in records}
    model = models.pop() if len(models) == 1 else None
    return f"{records[0].request.operation} {model}" if model else records[0].request.operation


def _shared(told: Call, records: tuple[Call, ...]) -> dict[str, Any]:
    headers = told.headers or NO_HEADERS
    attempts, ident, taken = len(told.attempts), headers.request_id, headers.processing_ms
    return named(_CALL, (len(records), records[0].served, attempts, ident, taken))


def _one(record: Call) -> dict[str, Any]:
    reply = record.reply or NO_REPLY
    batch, attributes = reply.batch or _NO_BATCH, spans.at_end(record)
    attributes.pop(s.RESPONSE_STATUS.key, None)  # the conventions have it for fetched responses alone
    attributes.update(
        named(_ONE, (reply.response_status, batch.turnaround_s, batch.requests_completed, batch.requests_failed))
    )
    return attributes


# ── the metrics ───────────────────────────────────────────────────────────────────────────────────────────────────
class BatchSeries:
    """The series of batches of one provider, model and outcome; they are in no count, rate or time of calls."""

    conventions = None

    def __init__(self, instruments: Instruments, call: Call, asked: str | None, answered: str | None) -> None:
        self.drift: Cell | None = None
        request = call.request
        verdict = (request.requested, request.expected or UNKNOWN, call.served, call.outcome)
        self._tokens = Cells(instruments.tokens, request.provider, request.operation, asked, answered, *verdict)
        self._costs = Costs(instruments, (request.provider, request.operation, asked, answered), verdict, call)
        self._requests = Cells(instruments.batch_requests, request.provider, answered)
        self._turnaround = {
            state: Point(instruments.turnaround, s.TURNAROUND, request.provider, answered, state)
            for state in BATCH_STATES
        }

    def count(self, call: Call) -> None:
        """Add tokens, cost and requests of one batch."""
        reply = call.reply or NO_REPLY
        batch = reply.batch or _NO_BATCH
        if reply.usage is not None:
            count_tokens(self._tokens, reply.usage)
        self._costs.count(call)
        for result, count in (("completed", batch.requests_completed), ("failed", batch.requests_failed)):
            if count is not None:
                self._requests[result].value += count

    def measure(self, call: Call, span: SpanContext | None) -> None:
        """Record its turn-around."""
        reply = call.reply or NO_REPLY
        if reply.batch is not None and reply.batch.turnaround_s is not None:
            self._turnaround[reply.response_status or ""].record(reply.batch.turnaround_s, call.timing.end_ns, span)
