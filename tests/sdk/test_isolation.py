"""The isolation matrix: a fault in any of our steps never reaches the application."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import openai
import pytest
from tests.sdk import replies
from tests.sdk.attempts import WITH_HTTP
from tests.sdk.conftest import CHAT
from tests.sdk.telemetry import Telemetry

from tierscope import guard, record, seam, stream
from tierscope.emit import batches as emitted
from tierscope.emit import emitter, http, meters, spans
from tierscope.reading import batches, chat, errors, headers, request, sse
from tierscope.seam import batches as polls
from tierscope.seam import bodies, chunks, identity, opencall, transports, usage_asked, world
from tierscope.seam.opencall import OpenCall

if TYPE_CHECKING:
    from tests.sdk.conftest import Service

STEPS = [
    (request, "endpoint"),
    (request, "asked"),
    (identity, "form"),
    (identity, "provider_row"),
    (usage_asked, "is_wanted"),
    (world.State, "drain"),
    (world.State, "leave"),
    (emitter.Emitter, "started"),
    (emitter.SpanObservation, "__enter__"),
    (emitter.SpanObservation, "__exit__"),
    (emitter.SpanObservation, "ended"),
    (spans, "at_start"),
    (spans, "at_end"),
    (meters.Meters, "record"),
    (meters.Meters, "_record"),
    (headers, "read"),
    (errors, "of_error"),
    (errors, "of_exception"),
    (errors, "attempt_result"),
    (opencall.OpenCall, "_read"),
    (chat.ChatReader, "run"),
    (chat.ChatReader, "chunk"),
    (chat.ChatReader, "shape"),
    (chat.ChatReader, "reply"),
    (stream.Tap, "chunk"),
    (stream.Tap, "stamped"),
    (sse.EventScan, "feed"),
    (bodies, "attach"),
    (chunks, "handle_of"),
    (record, "build"),
    (opencall.OpenCall, "__init__"),
    (opencall.OpenCall, "_reader"),
    (opencall.OpenCall, "_record"),
    (opencall.OpenCall, "_timing"),
    (opencall, "as_object"),
    (transports, "is_ours"),
    (transports.Ear, "_hear"),
    (http.HttpSpans, "attempt"),
    (http.HttpSpans, "is_taken_over"),
    (http.Attempt, "sent"),
    (http.Attempt, "answered"),
    (polls, "apart"),
    (polls.Polls, "started"),
    (polls.Poll, "ended"),
    (batches, "_final"),
    (world.Seen, "is_new"),
    (record, "of_batch"),
    (emitter.Emitter, "is_suppressed"),
    (emitter.Emitter, "batches"),
    (emitted, "span"),
    (emitted.BatchSeries, "count"),
    (emitted.BatchSeries, "measure"),
]


class Planted(Exception):  # noqa: N818  it is no error of the program under test
    """The fault that a test plants."""


def raiser(*_args: Any, **_kwargs: Any) -> Any:
    raise Planted


def body(client: openai.OpenAI) -> Any:
    return client.chat.completions.create(**CHAT)


def streamed(client: openai.OpenAI) -> Any:
    return list(client.chat.completions.create(**CHAT, stream=True))


def raw(client: openai.OpenAI) -> Any:
    with client.chat.completions.with_streaming_response.create(**CHAT, stream=True) as response:
        return list(response.iter_lines())


def refused(client: openai.OpenAI) -> Any:
    with pytest.raises(openai.RateLimitError) as caught:
        client.chat.completions.create(**CHAT)
    return type(caught.value), caught.value.code, caught.value.status_code


def looked_at(client: openai.OpenAI) -> Any:
    return client.batches.retrieve("batch_1")


CASES = {
    body: replies.whole(replies.chat()),
    streamed: replies.stream(replies.chat_stream()),
    raw: replies.stream(replies.chat_stream()),
    looked_at: replies.whole(replies.batch()),
    refused: replies.whole(replies.error("slow_down"), 429, {"retry-after-ms": "1"}),
}


@pytest.mark.parametrize("case", CASES, ids=lambda c: c.__name__)
@pytest.mark.parametrize(("owner", "name"), STEPS, ids=lambda s: getattr(s, "__name__", s))
def test_a_fault_in_a_step_never_reaches_the_application(
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    owner: Any,
    name: str,
    case: Any,
) -> None:
    """Same result or same exception as without us; at most one log line a step; every fault counted."""
    client = service.client(CASES[case], retries=1)
    bare = case(client)
    guard.reset(strict=False)
    seam.forget()
    with Telemetry(settings=WITH_HTTP):
        monkeypatch.setattr(owner, name, raiser)
        with caplog.at_level(logging.WARNING, logger="tierscope"):
            seen = [case(client), case(client)]
        monkeypatch.undo()
        world.STATE.inside.clear()  # of calls whose leaving is what failed
    assert seen == [bare, bare]
    lines = [entry for entry in caplog.records if entry.name == "tierscope"]
    counts = guard.counts()
    assert len(lines) == len(counts)
    assert all("unaffected" in line.getMessage() for line in lines)


def test_the_matrix_reaches_every_step(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every planted step is really run by at least one case: a step that is never reached proves nothing."""
    reached = set()
    for owner, name in STEPS:
        original = getattr(owner, name)

        def spy(*args: Any, _original: Any = original, _step: Any = (owner, name), **kwargs: Any) -> Any:
            reached.add(_step)
            return _original(*args, **kwargs)

        monkeypatch.setattr(owner, name, spy)
    seam.forget()
    with Telemetry(settings=WITH_HTTP):
        for case, answer in CASES.items():
            case(service.client(answer, retries=1))
    assert reached == set(STEPS)


def test_an_interrupt_is_the_applications_own(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is no ``Exception`` passes our guard: an interrupt inside our code interrupts."""

    def interrupt(*_: Any) -> None:
        raise KeyboardInterrupt

    guard.reset(strict=False)
    client = service.client(replies.whole(replies.chat()))
    with Telemetry(settings=WITH_HTTP):
        monkeypatch.setattr(OpenCall, "replied", interrupt)
        with pytest.raises(KeyboardInterrupt):
            body(client)
        monkeypatch.undo()
