"""Which records of a histogram's point are worth an exemplar."""

from __future__ import annotations

from typing import Any

from opentelemetry import trace
from opentelemetry.trace import SpanContext, TraceFlags

from tierscope import signals as s
from tierscope.emit.points import EXEMPLAR_NS, Point

START = 5 * EXEMPLAR_NS


class Recorder:
    """A histogram that keeps what it is given."""

    def __init__(self) -> None:
        self.records: list[tuple[float, dict[str, Any], int]] = []

    def record(self, value: float, attributes: dict[str, Any], context: Any) -> None:
        """Keep a value, and the span that its exemplar would point at: 0 for none."""
        self.records.append((value, attributes, trace.get_current_span(context).get_span_context().span_id))


def span(number: int) -> SpanContext:
    """A sampled span."""
    return SpanContext(1, number, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))


def point() -> tuple[Recorder, Point]:
    """A point of the duration, whose first buckets end at 10 and 20 ms."""
    recorder: Any = Recorder()
    return recorder, Point(recorder, s.DURATION, "openai", "m", None, "priority", "default")


def shown(*records: tuple[float, int, SpanContext | None]) -> list[int]:
    """The spans that exemplars point at, after records of (value, when, span)."""
    recorder, made = point()
    for value, at_ns, whose in records:
        made.record(value, at_ns, whose)
    return [ident for _, _, ident in recorder.records]


def test_a_bucket_shows_one_a_second() -> None:
    """The first of each second; what comes in between is recorded without."""
    early, just, due = START + 1, START + EXEMPLAR_NS - 1, START + EXEMPLAR_NS
    assert shown((1, START, span(1)), (1, early, span(2)), (1, just, span(3)), (1, due, span(4))) == [1, 0, 0, 4]


def test_each_bucket_has_its_own() -> None:
    """A slow call is shown beside a fast one; a bound belongs to the bucket below it, as in the SDK."""
    assert shown((0.01, START, span(1)), (0.011, START, span(2)), (0.009, START, span(3))) == [1, 2, 0]


def test_a_call_whose_span_is_not_kept_takes_nobodys_place() -> None:
    """Nothing would be found behind it."""
    assert shown((1, START, None), (1, START, span(2))) == [0, 2]


def test_a_late_record_of_an_earlier_call_is_not_shown() -> None:
    """Calls come in the order of their ends, or nearly."""
    assert shown((1, START, span(1)), (1, START - 7, span(2))) == [1, 0]


def test_values_keep_their_attributes_without_what_is_unknown() -> None:
    """Shown or not."""
    recorder, made = point()
    made.record(0.5, START, span(1))
    made.record(0.6, START, span(2))
    told = {
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "m",
        "tierscope.tier.requested": "priority",
        "tierscope.tier.served": "default",
    }
    assert [(value, attributes) for value, attributes, _ in recorder.records] == [(0.5, told), (0.6, told)]
