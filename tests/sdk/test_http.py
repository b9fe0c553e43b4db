"""HTTP spans: one an attempt, numbered, with what its own response told; on no other request of the application."""

from __future__ import annotations

import asyncio
import pickle
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import openai
import pytest
from opentelemetry.trace import SpanKind
from tests.sdk import replies
from tests.sdk.attempts import BOTH, HTTP, PRIORITY, WITH_HTTP, ask, call_spans, facts, http_spans, opened, told
from tests.sdk.capabilities import HTTP_SPANS, KEY_PROVIDER
from tests.sdk.conftest import TRUSTED
from tests.sdk.telemetry import Telemetry

import tierscope
from tierscope import signals

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.sdk.conftest import Service

BUSY = replies.error("slow_down")


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    """Instrument with HTTP spans, on an SDK of this test's own."""
    with Telemetry(settings=WITH_HTTP) as running:
        yield running


# ── what is on them ───────────────────────────────────────────────────────────────────────────────────────────────
@BOTH
async def test_each_attempt_is_a_child_span_with_its_own_facts(
    service: Service, telemetry: Telemetry, is_async: bool
) -> None:
    """429, 429, 200: three siblings below the one call, numbered, each with its status, request id and limits."""
    answers = (
        replies.whole(BUSY, 429, told("req_a", 2)),
        replies.whole(BUSY, 429, told("req_b")),
        replies.whole(replies.chat(), 200, told("req_c", 1)),
    )
    async with opened(service.url(*answers), is_async=is_async) as client:
        await ask(client)
    (call,) = call_spans(telemetry)
    spans = http_spans(telemetry)
    assert [span.parent.span_id for span in spans] == [call] * 3
    assert [span.attributes["http.status_code"] for span in spans] == [429, 429, 200]
    common = {"tierscope.tier.requested": "priority", "tierscope.processing_ms": 12.0}
    limits = {f"tierscope.rate_limit.{key}": n for key, n in (("requests.limit", 500), ("tokens.limit", 30000))}
    limits["tierscope.rate_limit.tokens.remaining"] = 15000
    number, ident, left = "tierscope.attempt.number", "tierscope.request_id", "tierscope.rate_limit.requests.remaining"
    assert [facts(span) for span in spans] == [
        {**common, **limits, number: 1, ident: "req_a", left: 2},
        {**common, number: 2, ident: "req_b"},
        {**common, **limits, number: 3, ident: "req_c", left: 1},
    ]


def test_what_is_declared_for_http_spans_is_emitted(service: Service, telemetry: Telemetry) -> None:
    """Both ways, as for the spans of calls; where a name is on both, it says the same of the last attempt."""
    service.client(replies.whole(replies.chat("default"), 200, told("req_a", 1))).chat.completions.create(**PRIORITY)
    (span,), (call,) = http_spans(telemetry), call_spans(telemetry).values()
    assert set(facts(span)) == {attribute.key for attribute in signals.HTTP_ATTRIBUTES}
    assert {k: v for k, v in facts(span).items() if k not in call.attributes} == {"tierscope.attempt.number": 1}
    assert {k: call.attributes[k] for k in facts(span) if k in call.attributes}.items() <= facts(span).items()


@pytest.fixture
def silent() -> Iterator[str]:
    """Take connections, and say nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1"


@pytest.fixture
def refusing() -> str:
    """Return an address where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return f"http://127.0.0.1:{listening.getsockname()[1]}/v1"


@BOTH
@pytest.mark.parametrize("trouble", ["silent", "refusing"])
async def test_an_attempt_without_a_response_is_numbered(
    request: pytest.FixtureRequest, telemetry: Telemetry, trouble: str, is_async: bool
) -> None:
    """A client time-out and a refused connection, each tried twice: number and tier, no word of a response."""
    url = request.getfixturevalue(trouble)
    async with opened(url, is_async=is_async, max_retries=1, timeout=0.2) as client:
        assert isinstance(await ask(client), openai.APIConnectionError)
    spans = http_spans(telemetry)
    assert [facts(s) for s in spans] == [
        {"tierscope.attempt.number": number, "tierscope.tier.requested": "priority"} for number in (1, 2)
    ]
    assert [(s.status.status_code.name, s.attributes.get("http.status_code")) for s in spans] == [("ERROR", None)] * 2


async def test_a_proxys_refusal_is_no_word_of_the_service(service: Service, telemetry: Telemetry) -> None:
    """The answer to ``CONNECT`` is the proxy's: its request id is not ours to tell."""
    service.replay.add("", 403, {"x-request-id": "proxy", "content-length": "0"})
    through = HTTP.Client(proxy=f"http://127.0.0.1:{service.replay.port}")
    async with opened("https://api.test/v1", is_async=False, http_client=through, max_retries=0) as client:
        assert isinstance(await ask(client), openai.APIConnectionError)
    assert [facts(span) for span in http_spans(telemetry)] == [
        {"tierscope.attempt.number": 1, "tierscope.tier.requested": "priority"}
    ]


def test_of_a_stream_the_http_span_ends_at_the_headers(service: Service, telemetry: Telemetry) -> None:
    """Handed out, not read yet: the HTTP span is over with its facts, the call's is not."""
    stream = service.client(replies.stream(replies.chat_stream())).chat.completions.create(**PRIORITY, stream=True)
    (span,) = telemetry.spans
    assert (span.name, facts(span)["tierscope.request_id"]) == ("POST", "req_1")
    list(stream)
    assert [span.name for span in telemetry.spans] == ["POST", "chat gpt-4.1"]


def test_the_span_in_which_a_stream_is_read_is_the_applications(service: Service, telemetry: Telemetry) -> None:
    """The body arrives after the HTTP span, inside a ``CLIENT`` span of the application: nothing goes onto that."""
    stream = service.client(replies.stream(replies.chat_stream())).chat.completions.create(**PRIORITY, stream=True)
    with telemetry.tracers.get_tracer("app").start_as_current_span("reading", kind=SpanKind.CLIENT):
        list(stream)
    (reading,) = [span for span in telemetry.spans if span.name == "reading"]
    assert facts(reading) == {}


def test_a_redirect_is_the_same_attempt(service: Service, telemetry: Telemetry) -> None:
    """Two HTTP requests for one attempt of the SDK: both are told its number, each its own request id."""
    target = service.url(replies.whole(replies.chat(), 200, told("req_b")))
    there = {**told("req_a"), "location": f"{target}/chat/completions", "content-length": "0"}
    service.client((307, there, [])).chat.completions.create(**PRIORITY)
    seen = [(facts(s)["tierscope.attempt.number"], facts(s)["tierscope.request_id"]) for s in http_spans(telemetry)]
    assert seen == [(1, "req_a"), (1, "req_b")]


# ── concurrency ───────────────────────────────────────────────────────────────────────────────────────────────────
def _pairs(telemetry: Telemetry) -> list[tuple[Any, Any]]:
    """Return request ids: of each HTTP span, and of the call above it."""
    calls = call_spans(telemetry)
    ident = "tierscope.request_id"
    return [(s.attributes[ident], calls[s.parent.span_id].attributes[ident]) for s in http_spans(telemetry)]


@HTTP_SPANS
@pytest.mark.asyncio
async def test_calls_in_one_loop_do_not_mix(service: Service, telemetry: Telemetry) -> None:
    """``gather`` of 20 calls: each HTTP span is the child of the call whose reply it brought."""
    answers = [replies.whole(replies.chat(), 200, told(f"req_{number}")) for number in range(20)]
    async with service.aclient(*answers) as client:
        await asyncio.gather(*(client.chat.completions.create(**PRIORITY) for _ in answers))
    pairs = _pairs(telemetry)
    assert sorted(mine for mine, _ in pairs) == sorted(f"req_{number}" for number in range(20))
    assert [mine for mine, _ in pairs] == [above for _, above in pairs]


def test_calls_in_threads_do_not_mix(service: Service, telemetry: Telemetry) -> None:
    """8 threads, one client: the same."""
    answers = [replies.whole(replies.chat(), 200, told(f"req_{number}")) for number in range(24)]
    client = service.client(*answers)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: client.chat.completions.create(**PRIORITY), answers))
    pairs = _pairs(telemetry)
    assert (len(pairs), [mine for mine, _ in pairs]) == (24, [above for _, above in pairs])


# ── nothing else is touched ───────────────────────────────────────────────────────────────────────────────────────
def test_other_requests_of_the_application_get_no_span(service: Service, telemetry: Telemetry) -> None:
    """The gate is for calls under observation: a request of its own, and ``models.list()``, pass as they were."""
    service.client(replies.whole(replies.chat())).chat.completions.create(**PRIORITY)
    with HTTP.Client() as client:
        assert client.get(service.url(replies.whole(b"{}"))).status_code == 200
    service.client(replies.whole(b'{"object": "list", "data": []}')).models.list()
    assert len(http_spans(telemetry)) == 1


@KEY_PROVIDER
def test_a_request_inside_a_call_is_no_attempt(service: Service, telemetry: Telemetry) -> None:
    """A key provider that fetches its key over the same library, while our span is current: no HTTP span."""
    fetched = service.url(replies.whole(b"{}"))

    def key() -> str:
        return str(HTTP.get(fetched).status_code)

    url = service.url(replies.whole(replies.chat()))
    with openai.OpenAI(api_key=key, base_url=url) as client:
        client.chat.completions.create(**PRIORITY)
    assert [span.attributes["http.url"] for span in http_spans(telemetry)] == [f"{url}/chat/completions"]


class Recording(HTTP.HTTPTransport):  # type: ignore[misc]
    """The real transport, which keeps the extensions of what it sends."""

    def __init__(self) -> None:
        super().__init__()
        self.extensions: list[dict[str, Any]] = []

    def handle_request(self, request: Any) -> Any:
        self.extensions.append(request.extensions)
        return super().handle_request(request)


def test_without_http_nothing_is_on_the_request(service: Service) -> None:
    """Off, as by default: the request's extensions and the transport's methods are those of the bare SDK."""
    url, seen = service.url(replies.whole(replies.chat())), []
    method = HTTP.HTTPTransport.handle_request
    for settings in (TRUSTED._replace(enabled=False), TRUSTED, WITH_HTTP):
        transport = Recording()
        inner = HTTP.Client(transport=transport)
        with Telemetry(settings=settings), openai.OpenAI(api_key="k", base_url=url, http_client=inner) as client:
            client.chat.completions.create(**PRIORITY)
            seen.append((sorted(transport.extensions[0]), HTTP.HTTPTransport.handle_request is method))
    assert seen == [(["timeout"], True), (["timeout"], True), (["tierscope.attempt", "timeout", "trace"], False)]


def test_a_reply_can_be_pickled_with_its_request(service: Service, telemetry: Telemetry) -> None:
    """Our ear stays out of pickles."""
    raw = service.client(replies.whole(replies.chat())).chat.completions.with_raw_response.create(**PRIORITY)
    assert pickle.loads(pickle.dumps(raw.http_response)).request.extensions == {}  # noqa: S301  our own bytes


@BOTH
async def test_the_users_own_trace_callback_hears_all(service: Service, telemetry: Telemetry, is_async: bool) -> None:
    """A client that sets httpx's ``trace`` extension hears the same events as without us; its dictionary stays."""
    heard: list[str] = []

    async def hear_async(event: str, _info: Any) -> None:
        heard.append(event)

    shared = {"trace": hear_async if is_async else lambda event, _info: heard.append(event), "timeout": {"read": 5.0}}

    class Client(HTTP.AsyncClient if is_async else HTTP.Client):  # type: ignore[misc]
        def build_request(self, *args: Any, **kwargs: Any) -> Any:
            request = super().build_request(*args, **kwargs)
            request.extensions = shared
            return request

    url, before, rounds = service.url(replies.whole(replies.chat())), dict(shared), []
    for _ in range(2):
        async with opened(url, is_async=is_async, http_client=Client()) as client:
            await ask(client)
        rounds.append(list(heard))
        heard.clear()
        tierscope.uninstrument()
    assert (rounds[0], shared) == (rounds[1], before)
    assert facts(http_spans(telemetry)[0])["tierscope.request_id"] == "req_1"
