"""Beside the official instrumentation: its span and metrics carry our facts, and nothing is made twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import pytest
from openai.resources.chat import completions
from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from tests.sdk import replies, test_paths, test_paths_async, test_paths_responses
from tests.sdk.capabilities import RESPONSES_TIER
from tests.sdk.conftest import ASK, CHAT
from tests.sdk.official import ORDERS, THEIRS, both, official, told
from tests.sdk.telemetry import Telemetry
from tests.sdk.test_lifecycle import methods

import tierscope
from tierscope import signals, testing

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sdk.conftest import Service
    from tests.sdk.official import Order
    from tests.sdk.paths import Path

PRIORITY: dict[str, Any] = {**CHAT, "service_tier": "priority"}
UNCOVERED = ("legacy", "post ", "with a query", "own stream", "beta create", "beta stream", "beta re")
"""How the names of paths begin that the official package does not see: a span of our own."""
TOO_EARLY = "streaming response body parsed"
"""Async alone: the official package calls ``parse()`` without awaiting it, so its span ends before the body is read."""
ORDER = pytest.mark.parametrize("order", ORDERS)


def owner(telemetry: Telemetry, case: Path) -> str:
    """Return whose span a path has; of the helpers in beta it is theirs in some versions of openai."""
    if case.name.startswith("beta chat"):
        return str(telemetry.spans[0].instrumentation_scope.name)
    return signals.SCOPE if case.name.startswith(UNCOVERED) else THEIRS


def only(telemetry: Telemetry, scope: str) -> Any:
    """Return the one span; whoever made it has recorded the one duration too, and we the one call."""
    (span,) = telemetry.spans
    assert (span.instrumentation_scope.name, telemetry.records("gen_ai.client.operation.duration")) == (
        scope,
        {scope: 1},
    )
    assert set(telemetry.records("gen_ai.client.token.usage")) <= {scope}
    assert telemetry.records("tierscope.calls") == {signals.SCOPE: 1}
    return span


def check(telemetry: Telemetry, case: Path) -> None:
    """Tiers and outcome of a path are on the one span, whosesoever it is."""
    testing.settle()  # some of its spans end when its proxy is collected
    seen = told(only(telemetry, owner(telemetry, case)))
    assert (seen["requested"], seen["served"], seen["outcome"]) == (case.requested, case.served, case.outcome)


@ORDER
@pytest.mark.parametrize("case", [*test_paths.PATHS, *test_paths_responses.PATHS])
def test_a_path_has_one_span_with_our_tiers(service: Service, case: Path, order: Order) -> None:
    """One span, one duration, one call of ours on every path, in either order."""
    with both(order) as telemetry:
        case.call(service.client(case.answer))
        check(telemetry, case)


@ORDER
@pytest.mark.parametrize("case", [path for path in test_paths_async.PATHS if path.id != TOO_EARLY])
async def test_an_async_path_has_one_span_with_our_tiers(service: Service, case: Path, order: Order) -> None:
    """The same for the async client."""
    with both(order) as telemetry:
        async with service.aclient(case.answer) as client:
            await case.call(client)
        check(telemetry, case)


@pytest.mark.filterwarnings("ignore:coroutine 'AsyncAPIResponse.parse' was never awaited")
@pytest.mark.filterwarnings("ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning")
async def test_a_span_that_ends_before_the_body_is_read_says_no_more_than_was_known(service: Service) -> None:
    """The tier is on our metrics and not on that span, which says ``unverified``."""
    (case,) = (path.values[0] for path in test_paths_async.PATHS if path.id == TOO_EARLY)
    with both("ours first") as telemetry:
        async with service.aclient(case.answer) as client:
            await case.call(client)
        assert told(only(telemetry, THEIRS))["outcome"] == "unverified"
        ((point, _),) = ((dict(key), n) for key, n in telemetry.points("tierscope.calls").items() if n)
    assert point["tierscope.tier.outcome"] == case.outcome


def read_background(client: openai.OpenAI) -> None:
    assert list(client.responses.create(**ASK, background=True, stream=True))


BODY, EVENTS = replies.whole(replies.chat("default")), replies.stream(replies.chat_stream("default"))
RESPONSE, ITEMS = replies.whole(replies.responses("default")), replies.stream(replies.responses_stream("default"))


@RESPONSES_TIER
@ORDER
def test_a_fetched_response_enriches_the_fetch_span(service: Service, order: Order) -> None:
    """``responses.retrieve`` has a third join point: the tier is on it, tokens are on no metric."""
    with both(order) as telemetry:
        service.client(replies.whole(replies.responses("default"))).responses.retrieve("resp_1")
        span = only(telemetry, THEIRS)
        assert (span.attributes["gen_ai.operation.name"], told(span)["served"]) == ("fetch_response", "default")
        assert telemetry.records("gen_ai.client.token.usage") == {}


BACKGROUND = [
    ("fetched", replies.whole(replies.responses(background=True)), lambda c: c.responses.retrieve("resp_1")),
    ("streamed", replies.stream(replies.responses_stream(background=True)), read_background),
]


@RESPONSES_TIER
@pytest.mark.parametrize(("answer", "call"), [pytest.param(*row[1:], id=row[0]) for row in BACKGROUND])
def test_the_tokens_of_a_background_response_are_counted_once(
    service: Service, answer: replies.Reply, call: Callable[[openai.OpenAI], Any]
) -> None:
    """What is told to the official span on the way is no second count: the end still counts, a repetition does not."""
    client = service.client(answer)
    with both("ours first") as telemetry:
        for _ in range(2):
            call(client)
            assert telemetry.records("tierscope.tokens") == {signals.SCOPE: 120}


@pytest.mark.parametrize("is_stream", [False, True], ids=["body", "stream"])
@pytest.mark.parametrize("endpoint", ["chat", pytest.param("responses", marks=RESPONSES_TIER)])
def test_its_metrics_carry_the_tiers(service: Service, endpoint: str, is_stream: bool) -> None:
    """Duration and tokens carry requested and served tier, and the convention's own key for the served one."""
    answers = {"chat": (BODY, EVENTS), "responses": (RESPONSE, ITEMS)}
    client = service.client(answers[endpoint][is_stream])
    with both("ours first") as telemetry:
        create = client.chat.completions.create if endpoint == "chat" else client.responses.create
        result: Any = create(
            **(PRIORITY if endpoint == "chat" else {**ASK, "service_tier": "priority"}), stream=is_stream
        )
        if is_stream:
            assert list(result)
        for name in ("gen_ai.client.operation.duration", "gen_ai.client.token.usage"):
            keys = ("tierscope.tier.requested", "tierscope.tier.served", "openai.response.service_tier")
            found = {tuple(dict(point).get(key) for key in keys) for point in telemetry.points(name)}
            assert found == {("priority", "default", "default")}


@ORDER
def test_a_sampled_out_outer_span_records_the_metrics_once(service: Service, order: Order) -> None:
    """The official span of an unsampled call records nothing but is there: nothing is counted twice."""
    with both(order, sampler=ALWAYS_OFF) as telemetry:
        service.client(BODY).chat.completions.create(**PRIORITY)
        list(service.client(EVENTS).chat.completions.create(**PRIORITY, stream=True))
        assert telemetry.spans == []
        assert telemetry.records("gen_ai.client.operation.duration") == {THEIRS: 2}
        assert telemetry.records("gen_ai.client.token.usage") == {THEIRS: 4}
        assert telemetry.records("tierscope.calls") == {signals.SCOPE: 2}


@ORDER
def test_a_refused_call_is_one_error(service: Service, order: Order) -> None:
    """A flex 429 for good: one span, one duration with its error type, our outcome on the span."""
    body = replies.error("resource_unavailable", "Resource unavailable")
    client = service.client(replies.whole(body, 429))
    with both(order) as telemetry:
        with pytest.raises(openai.RateLimitError):
            client.chat.completions.create(**CHAT, service_tier="flex")
        span = only(telemetry, THEIRS)
        assert told(span) == {
            "requested": "flex", "expected": "flex", "served": "unreported", "outcome": "refused", "ending": "error",
        }  # fmt: skip
        (point,) = telemetry.points("gen_ai.client.operation.duration")
    assert span.attributes["error.type"] == dict(point)["error.type"]


def test_its_span_tells_no_half_truth(service: Service) -> None:
    """A rate or the reason why it is absent, never both: what was true in mid-stream does not stay."""
    client = service.client(replies.stream(replies.chat_stream(texts=40)))
    with both("ours first") as telemetry:
        list(client.chat.completions.create(**PRIORITY, stream=True))
        attributes = telemetry.spans[0].attributes
    assert "tierscope.output_rate.generation" in attributes
    assert "tierscope.output_rate.absent" not in attributes
    assert attributes["tierscope.ending"] == "complete"


def test_our_words_hold_the_last_tier_where_it_keeps_the_first(service: Service) -> None:
    """Chunks that say first priority, then default: its own key keeps what it set, ours say what served."""
    events = [replies.delta("a", "priority"), replies.delta("b", "default"), replies.delta(None, "default", "stop")]
    client = service.client(replies.stream(replies.made.chunks(*events, done=True)))
    with both("ours first") as telemetry:
        list(client.chat.completions.create(**PRIORITY, stream=True))
        (span,) = telemetry.spans
    assert (span.attributes["openai.response.service_tier"], told(span)["served"]) == ("priority", "default")


# ── taking off ────────────────────────────────────────────────────────────────────────────────────────────────────
def everything() -> dict[str, Any]:
    """Return what stands at the places that either of the two patches."""
    owner = completions.Completions
    return {**methods(), "create": owner.__dict__["create"], "parse": owner.__dict__.get("parse")}


@ORDER
@pytest.mark.parametrize("first_off", ["ours", "theirs"])
def test_taking_one_off_leaves_the_other_as_it_was(service: Service, order: Order, first_off: str) -> None:
    """Each takes off only its own layers, in any order; what stays works alone; in the end the SDK is bare."""
    bare, client = everything(), service.client(BODY)
    telemetry = Telemetry()
    theirs = OpenAIInstrumentor()

    def lay_ours() -> None:
        tierscope.instrument(telemetry.settings, tracer_provider=telemetry.tracers, meter_provider=telemetry.meters)

    def lay_theirs() -> None:
        theirs.instrument(tracer_provider=telemetry.tracers, meter_provider=telemetry.meters)

    for lay in (lay_ours, lay_theirs) if order == "ours first" else (lay_theirs, lay_ours):
        lay()
    both_laid = everything()
    off = {"ours": tierscope.uninstrument, "theirs": theirs.uninstrument}
    off[first_off]()
    gone = set(methods()) if first_off == "ours" else everything().keys() - methods().keys()
    assert everything() == {name: (bare if name in gone else both_laid)[name] for name in bare}
    client.chat.completions.create(**PRIORITY)
    (span,) = telemetry.spans
    assert span.instrumentation_scope.name == (THEIRS if first_off == "ours" else signals.SCOPE)
    off["theirs" if first_off == "ours" else "ours"]()
    assert everything() == bare
    client.chat.completions.create(**PRIORITY)
    assert len(telemetry.spans) == 1


def test_a_stream_that_was_open_when_the_other_left_keeps_its_span(service: Service) -> None:
    """Their span is enriched to its end although they, or we, were taken off in mid-stream."""
    for leave in (tierscope.uninstrument, OpenAIInstrumentor().uninstrument):
        with Telemetry() as telemetry, official(telemetry):
            stream = service.client(EVENTS).chat.completions.create(**PRIORITY, stream=True)
            next(stream)
            leave()
            list(stream)
            (span,) = telemetry.spans
        assert (told(span)["served"], told(span)["ending"]) == ("default", "complete")
    testing.settle()
