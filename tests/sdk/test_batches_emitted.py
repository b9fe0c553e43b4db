"""What batches emit: one span for the API call that told of an end, and metrics that are in none of the calls'."""

from __future__ import annotations

import itertools
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import openai
import pytest
from opentelemetry import trace
from tests.sdk import replies
from tests.sdk.capabilities import HTTP_SPANS
from tests.sdk.conftest import CHAT
from tests.sdk.telemetry import TRUSTED, Telemetry

if TYPE_CHECKING:
    from tests.sdk.conftest import Service

IDS: Final = itertools.count()
"""What was told stays told in this process: each test has batches of its own."""
VARIES: Final = {"server.port", "gen_ai.response.id"}
SHARED: Final = {
    "gen_ai.operation.name": "batch",
    "gen_ai.provider.name": "openai",
    "server.address": "127.0.0.1",
    "tierscope.tier.requested": "batch",
    "tierscope.tier.expected": "batch",
    "tierscope.tier.served": "batch",
    "tierscope.attempts": 1,
    "tierscope.request_id": "req_1",
    "tierscope.processing_ms": 12.0,
}
ONE: Final = {
    **SHARED,
    "gen_ai.response.model": "gpt-5-2025-08-07",
    "gen_ai.usage.input_tokens": 4000,
    "gen_ai.usage.output_tokens": 900,
    "gen_ai.usage.cache_read.input_tokens": 1000,
    "gen_ai.usage.reasoning.output_tokens": 300,
    "tierscope.tier.outcome": "honored",
    "tierscope.ending": "complete",
    "tierscope.batch.count": 1,
    "tierscope.batch.status": "completed",
    "tierscope.batch.turnaround": 7200,
    "tierscope.batch.requests.completed": 95,
    "tierscope.batch.requests.failed": 5,
}


def fresh() -> str:
    return f"batch_of_{__name__}_{next(IDS)}"


def attributes(span: Any) -> dict[str, Any]:
    return {key: value for key, value in span.attributes.items() if key not in VARIES}


def test_a_batch_that_ended_is_this_span(service: Service, telemetry: Telemetry) -> None:
    """The golden span, of the API call that told; the polls before it have none."""
    ident = fresh()
    polled = replies.whole(replies.batch(ident, "in_progress"))
    client = service.client(polled, polled, replies.whole(replies.batch(ident)))
    for _ in range(4):
        client.batches.retrieve(ident)
    (span,) = telemetry.spans
    assert (span.name, span.kind, span.status.is_unset) == (*("batch gpt-5-2025-08-07", trace.SpanKind.CLIENT, True),)
    assert (attributes(span), span.attributes["gen_ai.response.id"]) == (ONE, ident)
    assert 0 < span.end_time - span.start_time < 5_000_000_000  # of the API call, not the two hours of the batch


def test_a_page_that_tells_of_several_is_one_span(service: Service, telemetry: Telemetry) -> None:
    """With their number, and nothing that differs; an error if one of them failed."""
    found = [
        replies.a_batch(fresh()),
        replies.a_batch(fresh(), "expired"),
        replies.a_batch(fresh(), model="gpt-5-mini"),
    ]
    service.client(replies.whole(replies.batches(*found))).batches.list()
    (span,) = telemetry.spans
    assert (span.name, span.status.status_code, span.status.description) == (
        *("batch", trace.StatusCode.ERROR, "batch_expired"),
    )
    assert attributes(span) == {**SHARED, "tierscope.batch.count": 3}


def test_the_span_stands_in_the_applications_own(service: Service, telemetry: Telemetry) -> None:
    client, ident = service.client(replies.whole(replies.batch(fresh()))), "b"
    with telemetry.tracers.get_tracer("app").start_as_current_span("nightly") as outer:
        client.batches.retrieve(ident)
    inner, around = telemetry.spans
    assert (inner.parent.span_id, around.name) == (outer.get_span_context().span_id, "nightly")


COUNTED: Final = ("tierscope.batch.turnaround", "tierscope.batch.requests", "tierscope.tokens")
MONEY: Final = tuple(f"tierscope.cost.{name}" for name in ("usd", "at_default.usd", "effects.usd", "unpriced"))
EVER: Final = {"tierscope.internal.errors", "tierscope.catalog.age"}
"""What a process tells whatever it calls."""


def test_batches_are_in_metrics_of_their_own(service: Service, telemetry: Telemetry) -> None:
    """Turn-around, requests, tokens, cost; in no count, rate or time of calls, nor in the conventions' metrics."""
    found = [
        replies.a_batch(fresh()),
        replies.a_batch(fresh(), "cancelled", usage=None, request_counts={"completed": 1}),
    ]
    service.client(replies.whole(replies.batches(*found))).batches.list()
    assert {name for name in telemetry.metrics if telemetry.points(name)} - EVER == {*COUNTED, *MONEY}
    # 3 000 x 0.625 + 1 000 x 0.0625 + 900 x 5 millionths, half of what they would have cost at the default tier
    assert [list(telemetry.points(name).values()) for name in MONEY] == [[0.0064375], [0.012875], [0.0064375], [1]]
    who = {"gen_ai.provider.name": "openai", "gen_ai.response.model": "gpt-5-2025-08-07"}
    assert [(dict(key), count) for key, count in telemetry.points(COUNTED[0]).items()] == [
        ({**who, "tierscope.batch.status": status}, 1) for status in ("completed", "cancelled")
    ]
    assert sum(point.sum for point in telemetry.metrics[COUNTED[0]].data.data_points) == 14_400
    assert {dict(key)["tierscope.batch.result"]: count for key, count in telemetry.points(COUNTED[1]).items()} == {
        "completed": 96,
        "failed": 5,
    }


def test_the_tokens_of_batches_add_up_and_say_whose_they_are(service: Service, telemetry: Telemetry) -> None:
    """4 000 = 3 000 uncached + 1 000 cached; 900 = 600 visible + 300 reasoning; operation and tier tell them apart."""
    service.client(replies.whole(replies.batch(fresh()))).batches.retrieve("b")
    points = telemetry.points("tierscope.tokens")
    assert {dict(key)["tierscope.token.kind"]: count for key, count in points.items()} == {
        "input_uncached": 3000,
        "input_cached": 1000,
        "output_visible": 600,
        "output_reasoning": 300,
    }
    names = ("gen_ai.operation.name", "tierscope.tier.requested", "tierscope.tier.served", "tierscope.tier.outcome")
    assert {tuple(dict(key)[name] for name in names) for key in points} == {("batch", "batch", "batch", "honored")}


def test_the_turnaround_points_at_the_span(service: Service, telemetry: Telemetry) -> None:
    service.client(replies.whole(replies.batch(fresh()))).batches.retrieve("b")
    (span,), (point,) = telemetry.spans, telemetry.metrics["tierscope.batch.turnaround"].data.data_points
    assert [exemplar.span_id for exemplar in point.exemplars] == [span.context.span_id]


@HTTP_SPANS
def test_no_http_span_is_made_for_a_look_at_a_batch(service: Service) -> None:
    """There is no span for it to stand below."""
    pytest.importorskip("opentelemetry.instrumentation.httpx")
    with Telemetry(settings=TRUSTED._replace(http=True)) as telemetry:
        service.client(replies.whole(replies.batch(fresh()))).batches.retrieve("b")
        assert [span.name for span in telemetry.spans] == ["batch gpt-5-2025-08-07"]


# ── waits between attempts ────────────────────────────────────────────────────────────────────────────────────────
BROKEN: Final = replies.whole(replies.error(None, "oops", "server_error"), 500, {"retry-after-ms": "20"})
WAITS: Final = [
    pytest.param([replies.whole(replies.chat())], None, id="no retry"),
    pytest.param([BROKEN, replies.whole(replies.chat())], (0.02, 2.0), id="one"),
    pytest.param([BROKEN], (0.04, 4.0), id="two, and failed"),
]


@pytest.mark.parametrize(("answers", "bounds"), WAITS)
def test_waiting_between_attempts_is_summed(
    service: Service, telemetry: Telemetry, answers: list[Any], bounds: tuple[float, float] | None
) -> None:
    """At least what the service asked for; a call that needed no second attempt has no series."""
    with suppress(openai.InternalServerError):
        service.client(*answers, retries=2).chat.completions.create(**CHAT)
    points = telemetry.points("tierscope.call.retry_wait")
    if bounds is None:
        assert points == {}
        return
    ((key, waited),) = points.items()
    assert dict(key) == {
        "gen_ai.provider.name": "openai",
        "gen_ai.operation.name": "chat",
        "gen_ai.request.model": "gpt-4.1",
        "tierscope.tier.requested": "unset",
    }
    assert bounds[0] <= waited < bounds[1]
