"""The histograms of the GenAI conventions for calls of one combination."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tierscope import rates
from tierscope import signals as s
from tierscope.emit.points import Point
from tierscope.emit.spans import first_chunk
from tierscope.words import UNREPORTED

if TYPE_CHECKING:
    from opentelemetry.trace import SpanContext

    from tierscope.emit.instruments import ConventionInstruments
    from tierscope.model import Call


class Conventions:
    """What the GenAI conventions ask for, of one combination of request, answering model, tier and error."""

    def __init__(self, to: ConventionInstruments, call: Call, asked: str | None, answered: str | None) -> None:
        request = call.request
        tier = call.served if call.served != UNREPORTED else None
        common = (request.operation, request.provider, asked, answered, request.address, request.port)
        self._duration = Point(to.duration, s.GENAI_DURATION, *common, call.error_type, tier)
        self._first_chunk = Point(to.first_chunk, s.GENAI_FIRST_CHUNK, *common, tier)
        self._input = Point(to.tokens, s.GENAI_TOKENS, *common, "input", tier)
        self._output = Point(to.tokens, s.GENAI_TOKENS, *common, "output", tier)

    def measure(self, call: Call, span: SpanContext | None) -> None:
        """Record duration, tokens, and of a stream the time to its first event."""
        reply, first, at_ns = call.reply, first_chunk(call), call.timing.end_ns
        self._duration.record(rates.duration(call.timing), at_ns, span)
        if first is not None:
            self._first_chunk.record(first, at_ns, span)
        usage = reply.usage if reply is not None and reply.is_usage_new else None
        if usage is None:
            return
        if usage.input is not None:
            self._input.record(usage.input, at_ns, span)
        if usage.output is not None:
            self._output.record(usage.output, at_ns, span)
