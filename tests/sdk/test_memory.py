"""Memory is flat: what a call leaves behind is nothing, however many calls there are."""

from __future__ import annotations

import gc
import itertools
import os
import sys
from typing import TYPE_CHECKING, Any, Final

import openai
import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from tests.sdk import replies
from tests.sdk.capabilities import HTTP
from tests.sdk.conftest import ASK, CHAT, TRUSTED

import tierscope
from tierscope import testing
from tierscope.seam import background

if TYPE_CHECKING:
    from collections.abc import Callable

CALLS: Final = int(os.environ.get("TIERSCOPE_TEST_CALLS", "600"))
"""Calls of each kind; 10000 take some ten seconds a kind, nearly all of it the SDK's own."""
ROUNDS: Final = 4
SLACK: Final = 0.6
"""Blocks a call by which one round may differ from another; what every call keeps is at least one in every round."""
STREAM: Final = {"stream": True, "stream_cls": openai.Stream[object]}
NUMBERS: Final = itertools.count()


def numbered(answer: replies.Reply) -> Callable[[Any], Any]:
    """Return a handler of this answer, in which every response has an id of its own."""
    status, headers, chunks = answer
    body = b"".join(chunks)

    def handle(request: Any) -> Any:
        mine = f"{next(NUMBERS) // 2:08}".encode()  # two requests share one, for what is queued and then fetched
        content = body.replace(b"chatcmpl-1", b"chatcmpl-" + mine).replace(b"resp_1", b"resp_" + mine)
        return HTTP.Response(
            status, headers={k: v for k, v in headers.items() if k != "content-length"}, content=content
        )

    return handle


def post(path: str, body: dict[str, Any], **how: Any) -> Callable[[openai.OpenAI], Any]:
    return lambda client: client.post(path, cast_to=object, body=body, **how)


def lines(client: openai.OpenAI) -> None:
    with client.chat.completions.with_streaming_response.create(**CHAT, stream=True) as response:
        list(response.iter_lines())


def dropped(client: openai.OpenAI) -> None:
    next(post("/chat/completions", CHAT, **STREAM)(client))


def refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.RateLimitError):
        post("/chat/completions", {**CHAT, "service_tier": "flex"})(client)


def fetched(client: openai.OpenAI) -> None:
    post("/responses", {**ASK, "background": True})(client)
    client.get("/responses/resp_1", cast_to=object)


CHAT_SSE = replies.stream(replies.chat_stream(texts=1))
KINDS = {
    "chat": (replies.whole(replies.chat()), post("/chat/completions", CHAT)),
    "chat stream": (CHAT_SSE, lambda c: list(post("/chat/completions", CHAT, **STREAM)(c))),
    "chat stream, raw lines": (CHAT_SSE, lines),
    "chat stream, dropped": (CHAT_SSE, dropped),
    "responses": (replies.whole(replies.responses()), post("/responses", ASK)),
    "responses stream": (
        replies.stream(replies.responses_stream(texts=1)),
        lambda c: list(post("/responses", ASK, **STREAM)(c)),
    ),
    "background": (replies.whole(replies.responses(background=True)), fetched),
    "queued": (replies.whole(replies.responses("auto", "queued", background=True)), fetched),
    "embeddings": (replies.whole(replies.embeddings()), post("/embeddings", {"model": "m", "input": "hi"})),
    "completions": (replies.whole(replies.completion()), post("/completions", {"model": "m", "prompt": "hi"})),
    "refused": (replies.whole(replies.error("resource_unavailable"), 429), refused),
}


@pytest.mark.timeout(120 + CALLS // 10)
@pytest.mark.parametrize("kind", KINDS)
def test_memory_is_flat_over_many_calls(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Once every bounded memory is full, more calls allocate nothing that stays.

    The transport is a mock, for the count: sockets would take longer than all the rest, and hold nothing of ours.
    """
    answer, call = KINDS[kind]
    monkeypatch.setattr(background, "MAX_REMEMBERED", CALLS // (2 * ROUNDS))
    reader = InMemoryMetricReader()
    tierscope.instrument(TRUSTED, tracer_provider=TracerProvider(), meter_provider=MeterProvider([reader]))
    http = HTTP.Client(transport=HTTP.MockTransport(numbered(answer)))
    client = openai.OpenAI(api_key="k", base_url="http://127.0.0.1/v1", http_client=http, max_retries=0)
    kept = []
    for _ in range(ROUNDS):
        for _ in range(CALLS // ROUNDS):
            call(client)
        testing.settle()
        reader.get_metrics_data()
        gc.collect()  # what waits for the collector does not stay: an exception and its frames, of the SDK's own
        kept.append(sys.getallocatedblocks())
    assert min(after - before for before, after in itertools.pairwise(kept)) < SLACK * CALLS / ROUNDS
