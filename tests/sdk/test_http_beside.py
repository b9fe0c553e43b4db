"""HTTP spans beside the application's own: one an attempt in every order, its hooks run, its set-up stays."""

from __future__ import annotations

import importlib
import logging
import sys
from contextlib import ExitStack, contextmanager, nullcontext
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest
import wrapt
from opentelemetry.instrumentation import httpx as package
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import NoOpTracerProvider
from tests.sdk import replies
from tests.sdk.attempts import BOTH, HTTP, INSTRUMENTOR, PRIORITY, WITH_HTTP, ask, call_spans, facts, http_spans, opened
from tests.sdk.capabilities import OWN_LIBRARY
from tests.sdk.telemetry import Telemetry

import tierscope
from tierscope import guard
from tierscope.emit.http import PACKAGE, HttpSpans

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.sdk.conftest import Service

pytestmark = OWN_LIBRARY
FACTS = {
    "tierscope.attempt.number": 1,
    "tierscope.tier.requested": "priority",
    "tierscope.request_id": "req_1",
    "tierscope.processing_ms": 12.0,
}


class Hooks:
    """The application's own hooks: each notes its name, and leaves a word on the span."""

    def __init__(self) -> None:
        self.ran: list[str] = []

    def request(self, span: Any, _request: Any) -> None:
        self.ran.append("request")
        span.set_attribute("app.word", "hello")

    def response(self, _span: Any, _request: Any, _response: Any) -> None:
        self.ran.append("response")

    async def arequest(self, span: Any, request: Any) -> None:
        self.request(span, request)

    async def aresponse(self, span: Any, request: Any, response: Any) -> None:
        self.response(span, request, response)

    def of(self, *, is_async: bool) -> dict[str, Any]:
        """Return the pair that a client or a transport takes."""
        pair = (self.arequest, self.aresponse) if is_async else (self.request, self.response)
        return dict(zip(("request_hook", "response_hook"), pair, strict=True))

    def all(self) -> dict[str, Any]:
        """Return the four that a class takes."""
        return {**self.of(is_async=False), **{f"async_{name}": hook for name, hook in self.of(is_async=True).items()}}


# ── the ways to instrument httpx by hand ──────────────────────────────────────────────────────────────────────────
@contextmanager
def by_class(telemetry: Telemetry, _client: Any, hooks: Hooks, *, is_async: bool) -> Iterator[None]:
    """Instrument the library, as the launcher does, with hooks."""
    INSTRUMENTOR().instrument(tracer_provider=telemetry.tracers, meter_provider=telemetry.meters, **hooks.all())
    yield
    INSTRUMENTOR().uninstrument()


@contextmanager
def by_client(telemetry: Telemetry, client: Any, hooks: Hooks, *, is_async: bool) -> Iterator[None]:
    """Instrument one client."""
    INSTRUMENTOR.instrument_client(client, telemetry.tracers, telemetry.meters, **hooks.of(is_async=is_async))
    yield
    INSTRUMENTOR.uninstrument_client(client)


@contextmanager
def by_transport(telemetry: Telemetry, client: Any, hooks: Hooks, *, is_async: bool) -> Iterator[None]:
    """Put the instrumentation's transport around the client's own."""
    kind = f"{'Async' if is_async else 'Sync'}OpenTelemetryTransport{'Httpx2' if HTTP.__name__ == 'httpx2' else ''}"
    bare, hooked = client._transport, hooks.of(is_async=is_async)
    client._transport = getattr(package, kind)(bare, telemetry.tracers, telemetry.meters, **hooked)
    yield
    client._transport = bare


WAYS = pytest.mark.parametrize("way", [by_class, by_client, by_transport], ids=lambda way: way.__name__)


def methods() -> list[Any]:
    """Return what stands at the two patched places."""
    return [HTTP.HTTPTransport.__dict__["handle_request"], HTTP.AsyncHTTPTransport.__dict__["handle_async_request"]]


@BOTH
@WAYS
@pytest.mark.parametrize("is_first", [True, False], ids=["theirs-first", "ours-first"])
async def test_there_is_one_http_span_with_their_hooks_and_our_facts(
    service: Service, way: Any, is_first: bool, is_async: bool
) -> None:
    """Whoever comes first; after our ``uninstrument()`` theirs goes on as it was, and says nothing of ours."""
    hooks, telemetry = Hooks(), Telemetry(settings=WITH_HTTP)
    url, inner = service.url(replies.whole(replies.chat())), (HTTP.AsyncClient if is_async else HTTP.Client)()
    orders = [telemetry, way(telemetry, inner, hooks, is_async=is_async)]
    async with opened(url, is_async=is_async, http_client=inner) as client:
        with orders[is_first], orders[not is_first]:
            await ask(client)
            (span,), (call,) = http_spans(telemetry), call_spans(telemetry)
            assert (span.parent.span_id, facts(span), span.attributes["app.word"]) == (call, FACTS, "hello")
            assert hooks.ran == ["request", "response"]
            assert [sum(telemetry.points("http.client.duration").values())] == [1]
            tierscope.uninstrument()
            await ask(client)
            assert [(facts(s), s.attributes["app.word"]) for s in http_spans(telemetry)[1:]] == [({}, "hello")]
            assert hooks.ran == ["request", "response"] * 2


@BOTH
@pytest.mark.parametrize("is_first", [True, False], ids=["theirs-first", "ours-first"])
async def test_when_theirs_leaves_ours_takes_over(service: Service, is_first: bool, is_async: bool) -> None:
    """Under theirs, and after it: one HTTP span an attempt, and in the end the library is as it was."""
    before, telemetry, theirs = methods(), Telemetry(settings=WITH_HTTP), ExitStack()
    with telemetry if not is_first else nullcontext():
        theirs.enter_context(by_class(telemetry, None, Hooks(), is_async=is_async))
        with telemetry if is_first else nullcontext():
            async with opened(service.url(replies.whole(replies.chat())), is_async=is_async) as client:
                await ask(client)
                theirs.close()
                await ask(client)
            words = [(facts(s), s.attributes.get("app.word")) for s in http_spans(telemetry)]
    assert words == [(FACTS, "hello"), (FACTS, None)]
    assert [now is then for now, then in zip(methods(), before, strict=True)] == [True, True]


def test_their_instrumentor_is_free_while_ours_is_at_work(service: Service) -> None:
    """We borrow its methods and leave it; afterwards a layer of somebody else is the very object that it was."""
    bare = methods()
    for method in ("HTTPTransport.handle_request", "AsyncHTTPTransport.handle_async_request"):
        wrapt.wrap_function_wrapper(HTTP, method, lambda wrapped, _instance, args, kwargs: wrapped(*args, **kwargs))
    before = methods()
    with Telemetry(settings=WITH_HTTP) as telemetry:
        service.client(replies.whole(replies.chat())).chat.completions.create(**PRIORITY)
        assert (INSTRUMENTOR().is_instrumented_by_opentelemetry, len(http_spans(telemetry))) == (False, 1)
        assert [now is then for now, then in zip(methods(), before, strict=True)] == [False, False]
    assert [now is then for now, then in zip(methods(), before, strict=True)] == [True, True]
    HTTP.HTTPTransport.handle_request, HTTP.AsyncHTTPTransport.handle_async_request = bare


def test_a_gate_left_below_theirs_is_dead(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Covered when we left, uncovered since: it makes no span any more, whoever instruments later."""
    bare, first = methods(), Telemetry(settings=WITH_HTTP)
    tierscope.instrument(WITH_HTTP, tracer_provider=first.tracers)
    with by_class(first, None, Hooks(), is_async=False):
        tierscope.uninstrument()
    assert [now is then for now, then in zip(methods(), bare, strict=True)] == [False, False]
    _too_old(monkeypatch)
    with Telemetry(settings=WITH_HTTP) as telemetry:
        service.client(replies.whole(replies.chat())).chat.completions.create(**PRIORITY)
        assert ([span.name for span in telemetry.spans], first.spans) == (["chat gpt-4.1"], [])
    first.tracers.shutdown()
    first.meters.shutdown()
    HTTP.HTTPTransport.handle_request, HTTP.AsyncHTTPTransport.handle_async_request = bare


@pytest.mark.parametrize("kind", ["sampled-out", "metrics-only"])
def test_without_a_span_to_see_theirs_still_counts_once(service: Service, kind: str) -> None:
    """Sampled out, or no tracer at all: no span tells that theirs is there, and the duration is recorded once."""
    telemetry = Telemetry(sampler=ALWAYS_OFF, settings=WITH_HTTP)
    if kind == "metrics-only":
        telemetry.tracers = NoOpTracerProvider()  # type: ignore[assignment]
        telemetry.tracers.shutdown = lambda: None  # type: ignore[method-assign]
    with telemetry, by_class(telemetry, None, Hooks(), is_async=False):
        service.client(replies.whole(replies.chat())).chat.completions.create(**PRIORITY)
        assert sum(telemetry.points("http.client.duration").values()) == 1
        assert telemetry.spans == []


def test_other_requests_under_their_instrumentation_carry_nothing_of_ours(service: Service) -> None:
    """A request of the application's own, and one of openai that is no inference, keep their spans to themselves."""
    telemetry = Telemetry(settings=WITH_HTTP)
    with telemetry, by_class(telemetry, None, Hooks(), is_async=False):
        service.client(replies.whole(b'{"object": "list", "data": []}')).models.list()
        with HTTP.Client() as client:
            client.get(service.url(replies.whole(b"{}")))
        assert [facts(span) for span in http_spans(telemetry)] == [{}, {}]


@BOTH
async def test_beside_the_official_package_it_is_the_child_of_its_span(service: Service, is_async: bool) -> None:
    """Companion mode: the HTTP span nests in the official span."""
    from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor

    with Telemetry(settings=WITH_HTTP) as telemetry:
        OpenAIInstrumentor().instrument(tracer_provider=telemetry.tracers, meter_provider=telemetry.meters)
        async with opened(service.url(replies.whole(replies.chat())), is_async=is_async) as client:
            await ask(client)
        OpenAIInstrumentor().uninstrument()
        (span,) = http_spans(telemetry)
        (official,) = [s for s in telemetry.spans if s is not span]
        assert (official.name, span.parent.span_id) == ("chat gpt-4.1", official.context.span_id)
        assert (facts(span), "tierscope.attempt.number" in official.attributes) == (FACTS, False)


@pytest.mark.skipif(HTTP.__name__ == "httpx" or find_spec("httpx") is None, reason="needs openai 3.x and httpx")
@BOTH
async def test_a_client_of_the_other_library_has_the_same(service: Service, is_async: bool) -> None:
    """A client of httpx on openai 3, alone and under an instrumentation of httpx: one HTTP span, with our facts."""
    legacy, theirs = importlib.import_module("httpx"), package.HTTPXClientInstrumentor()
    before = legacy.HTTPTransport.handle_request
    inner = (legacy.AsyncClient if is_async else legacy.Client)()
    with Telemetry(settings=WITH_HTTP) as telemetry:
        async with opened(service.url(replies.whole(replies.chat())), is_async=is_async, http_client=inner) as client:
            await ask(client)
            theirs.instrument(tracer_provider=telemetry.tracers)
            await ask(client)
        theirs.uninstrument()
        assert [facts(span) for span in http_spans(telemetry)] == [FACTS] * 2
    assert legacy.HTTPTransport.handle_request is before


# ── what may be missing ───────────────────────────────────────────────────────────────────────────────────────────
REMEDY = "pip install --upgrade 'tierscope[http]'"


def _without_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, PACKAGE, None)


def _too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(package, INSTRUMENTOR.__name__)


@pytest.mark.parametrize("lacking", [_without_extra, _too_old], ids=["no-extra", "too-old"])
def test_what_is_missing_is_one_line_with_the_remedy(
    service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, lacking: Any
) -> None:
    """No instrumentor for the library: one line, and everything else works."""
    lacking(monkeypatch)
    with caplog.at_level(logging.INFO, logger="tierscope"), Telemetry(settings=WITH_HTTP) as telemetry:
        for _ in range(2):
            service.client(replies.whole(replies.chat())).chat.completions.create(**PRIORITY)
        assert [span.name for span in telemetry.spans] == ["chat gpt-4.1"] * 2
        assert ["tierscope.attempt.number" in span.attributes for span in telemetry.spans] == [False] * 2
    assert [r.getMessage().endswith(REMEDY) for r in caplog.records] == [True]


def test_instrumenting_that_fails_leaves_the_call_alone(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault where the gate would be laid: the call succeeds, its span is there, the fault is counted."""

    def broken(*_: Any) -> Any:
        raise RuntimeError

    guard.reset(strict=False)
    monkeypatch.setattr(HttpSpans, "instrumented", broken)
    with Telemetry(settings=WITH_HTTP) as telemetry:
        service.client(replies.whole(replies.chat())).chat.completions.create(**PRIORITY)
        assert ([span.name for span in telemetry.spans], guard.counts()["http"]) == (["chat gpt-4.1"], 2)


def test_http_by_argument_wins_over_the_setting(service: Service, telemetry: Telemetry) -> None:
    """``instrument(http=True)`` is the setting of that name."""
    tierscope.uninstrument()
    assert tierscope.instrument(telemetry.settings, http=True, tracer_provider=telemetry.tracers)
    service.client(replies.whole(replies.chat())).chat.completions.create(**PRIORITY)
    assert [facts(span) for span in http_spans(telemetry)] == [FACTS]


def test_uninstrumented_in_the_middle_of_a_call_no_gate_is_left(service: Service) -> None:
    """The layers of the client wait for the call, whose attempts they tell; a gate, which hides nothing, does not."""
    bare, client = methods(), service.client(replies.whole(replies.chat()))
    client._client.event_hooks = {"request": [lambda _: tierscope.uninstrument()]}
    with Telemetry(settings=WITH_HTTP) as telemetry:
        client.chat.completions.create(**PRIORITY)
        assert [now is then for now, then in zip(methods(), bare, strict=True)] == [True, True]
    assert [span.name for span in telemetry.spans] == ["chat gpt-4.1"]
