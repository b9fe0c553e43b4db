"""Every path by which an application calls the service: seen once, and its result is what it would be without us."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import openai
import pydantic
import pytest
from tests.sdk import replies
from tests.sdk.capabilities import needed
from tests.sdk.conftest import ASK, CHAT, TRUSTED, http_client

from tierscope import testing

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sdk.conftest import Service

TIER: dict[str, Any] = {"service_tier": "priority"}


class Answer(pydantic.BaseModel):
    """What ``parse`` is asked for."""

    word: str


class OwnStream(openai.Stream[Any]):
    """A user's subclass with its own ``__stream__``."""

    def __stream__(self) -> Any:
        for event in self._iter_events():
            if not event.data.startswith("[DONE]"):
                yield event.json()


PARSED = replies.chat(
    choices=[{"index": 0, "message": {"role": "assistant", "content": '{"word": "hi"}'}, "finish_reason": "stop"}]
)
OUTPUT = [
    {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": '{"word": "hi"}', "annotations": []}],
    }
]


@dataclass(frozen=True)
class Path:
    """One way to call: the answer it gets, the call, and what its record must say."""

    name: str
    answer: replies.Reply
    call: Callable[[openai.OpenAI], Any]
    requested: str = "priority"
    served: str = "priority"
    outcome: str = "honored"
    ending: str = "complete"
    operation: str = "chat"
    output: int | None = 20


def path(name: str, answer: bytes, call: Callable[[openai.OpenAI], Any], **expected: Any) -> Any:
    """Return one row of the table."""
    return pytest.param(Path(name, replies.whole(answer), call, **expected), id=name, marks=needed(name))


def streamed(name: str, answer: bytes, call: Callable[[openai.OpenAI], Any], **expected: Any) -> Any:
    """Return one row whose answer is an event stream."""
    return pytest.param(
        Path(name, replies.stream(answer), call, **{"output": 12, **expected}), id=name, marks=needed(name)
    )


def with_stream(make: Callable[[], Any]) -> list[Any]:
    with make() as stream:
        return list(stream)


def raw_lines(client: openai.OpenAI) -> int:
    with client.chat.completions.with_streaming_response.create(**CHAT, **TIER, stream=True) as response:
        return len(list(response.iter_lines()))


def raw_bytes(client: openai.OpenAI) -> bytes:
    with client.chat.completions.with_streaming_response.create(**CHAT, **TIER) as response:
        return b"".join(response.iter_bytes())


def raw_read(client: openai.OpenAI) -> bytes:
    with client.chat.completions.with_streaming_response.create(**CHAT, **TIER) as response:
        return response.read()


def raw_parse_body(client: openai.OpenAI) -> Any:
    with client.chat.completions.with_streaming_response.create(**CHAT, **TIER) as response:
        return response.parse()


def raw_parse_stream(client: openai.OpenAI) -> list[Any]:
    with client.chat.completions.with_streaming_response.create(**CHAT, **TIER, stream=True) as response:
        return list(response.parse())


def raw_nothing(client: openai.OpenAI) -> None:
    with client.chat.completions.with_streaming_response.create(**CHAT, **TIER, stream=True):
        pass


def module_level(client: openai.OpenAI) -> Any:
    openai.api_key, openai.base_url = "k", str(client.base_url)
    try:
        return openai.chat.completions.create(**CHAT, **TIER)
    finally:
        openai.api_key = openai.base_url = None
        openai._reset_client()


CHAT_BODY, CHAT_SSE = replies.chat(), replies.chat_stream()
BODY, EVENTS = replies.responses(), replies.responses_stream()
PATHS = [
    path("chat create", CHAT_BODY, lambda c: c.chat.completions.create(**CHAT, **TIER)),
    path("tier by extra_body", CHAT_BODY, lambda c: c.chat.completions.create(**CHAT, extra_body=TIER)),
    path(
        "extra_body beats the keyword",
        CHAT_BODY,
        lambda c: c.chat.completions.create(**CHAT, service_tier="flex", extra_body=TIER),
    ),
    path(
        "tier omitted",
        CHAT_BODY,
        lambda c: c.chat.completions.create(**CHAT),
        requested="unset",
        outcome="resolved",
    ),
    path(
        "tier auto",
        CHAT_BODY,
        lambda c: c.chat.completions.create(**CHAT, service_tier="auto"),
        requested="auto",
        outcome="resolved",
    ),
    path("downgraded", replies.chat("default"), lambda c: c.chat.completions.create(**CHAT, **TIER),
         served="default", outcome="downgraded"),
    path("fast is priority", replies.chat("fast"), lambda c: c.chat.completions.create(**CHAT, service_tier="fast")),
    path("tier absent", replies.chat(None), lambda c: c.chat.completions.create(**CHAT, **TIER),
         served="unreported", outcome="unreported"),
    path("weird tier", replies.chat("weird-tier"), lambda c: c.chat.completions.create(**CHAT, **TIER),
         served="_OTHER", outcome="unverified"),
    streamed("chat stream", CHAT_SSE, lambda c: list(c.chat.completions.create(**CHAT, **TIER, stream=True))),
    path("chat parse", PARSED, lambda c: c.chat.completions.parse(**CHAT, **TIER, response_format=Answer)),
    streamed("chat stream manager", CHAT_SSE, lambda c: with_stream(lambda: c.chat.completions.stream(**CHAT, **TIER))),
    path("raw unparsed", CHAT_BODY, lambda c: c.chat.completions.with_raw_response.create(**CHAT, **TIER).headers),
    path("raw parsed", CHAT_BODY, lambda c: c.chat.completions.with_raw_response.create(**CHAT, **TIER).parse()),
    streamed(
        "raw stream parsed",
        CHAT_SSE,
        lambda c: list(c.chat.completions.with_raw_response.create(**CHAT, **TIER, stream=True).parse()),
    ),
    streamed(
        "raw stream lines",
        CHAT_SSE,
        lambda c: list(
            c.chat.completions.with_raw_response.create(**CHAT, **TIER, stream=True).http_response.iter_lines()
        ),
    ),
    streamed("streaming response lines", CHAT_SSE, raw_lines),
    streamed("streaming response parsed", CHAT_SSE, raw_parse_stream),
    streamed("streaming response, nothing read", CHAT_SSE, raw_nothing,
             served="unreported", outcome="unverified", ending="closed", output=None),
    path("streaming response bytes", CHAT_BODY, raw_bytes),
    path("streaming response read", CHAT_BODY, raw_read),
    path("streaming response body parsed", CHAT_BODY, raw_parse_body),
    path("responses create", BODY, lambda c: c.responses.create(**ASK, **TIER)),
    path("responses raw", BODY, lambda c: c.responses.with_raw_response.create(**ASK, **TIER).http_response.text),
    path(
        "responses parse",
        replies.responses(output=OUTPUT),
        lambda c: c.responses.parse(**ASK, **TIER, text_format=Answer),
    ),
    streamed(
        "responses stream", EVENTS, lambda c: list(c.responses.create(**ASK, **TIER, stream=True)), output=20
    ),
    streamed(
        "responses stream manager", EVENTS, lambda c: with_stream(lambda: c.responses.stream(**ASK, **TIER)), output=20
    ),
    path(
        "legacy completion",
        replies.completion(),
        lambda c: c.completions.create(model="gpt-3.5-turbo-instruct", prompt="hi"),
        requested="unset", served="unreported", outcome="unreported", operation="text_completion",
    ),
    path(
        "embeddings",
        replies.embeddings(),
        lambda c: c.embeddings.create(model="text-embedding-3-small", input="hi"),
        requested="unset", served="unreported", outcome="unreported", operation="embeddings", output=None,
    ),
    path("post as object", CHAT_BODY, lambda c: c.post("/chat/completions", cast_to=object, body={**CHAT, **TIER})),
    path(
        "post to an absolute URL",
        CHAT_BODY,
        lambda c: c.post(f"{c.base_url}chat/completions", cast_to=object, body={**CHAT, **TIER}),
    ),
    path("module level", CHAT_BODY, module_level),
    path("copied client", CHAT_BODY, lambda c: c.copy().chat.completions.create(**CHAT, **TIER)),
    path(
        "client with options",
        CHAT_BODY,
        lambda c: c.with_options(max_retries=1).chat.completions.create(**CHAT, **TIER),
    ),
]  # fmt: skip


def plain(result: object) -> object:
    """Return what can be compared of a result: its type and its data."""
    if isinstance(result, list):
        return [plain(entry) for entry in result]
    is_model = isinstance(result, pydantic.BaseModel)
    return type(result), result.model_dump(warnings=False) if is_model else repr(result)[:40]


@pytest.mark.parametrize("case", PATHS)
def test_a_path_is_seen_once_and_untouched(service: Service, case: Path) -> None:
    """One record with both tiers and the tokens; the result has the type and data that it has without us."""
    client = service.client(case.answer)
    bare = plain(case.call(client))
    with testing.capture(TRUSTED) as calls:
        seen = plain(case.call(client))
    assert seen == bare
    (call,) = calls
    used = call.reply.usage.output if call.reply and call.reply.usage else None
    assert (
        call.request.requested, call.served, call.outcome, call.ending, call.request.operation, used,
    ) == (case.requested, case.served, case.outcome, case.ending, case.operation, case.output)  # fmt: skip


ASYNC = [
    ("chat create", CHAT_BODY, False, lambda c: c.chat.completions.create(**CHAT, **TIER)),
    ("raw", CHAT_BODY, False, lambda c: c.chat.completions.with_raw_response.create(**CHAT, **TIER)),
    ("responses", BODY, False, lambda c: c.responses.create(**ASK, **TIER)),
    ("post", CHAT_BODY, False, lambda c: c.post("/chat/completions", cast_to=object, body={**CHAT, **TIER})),
    ("chat stream", CHAT_SSE, True, lambda c: c.chat.completions.create(**CHAT, **TIER, stream=True)),
    ("responses stream", EVENTS, True, lambda c: c.responses.create(**ASK, **TIER, stream=True)),
]


@pytest.mark.parametrize(
    ("answer", "is_stream", "call"), [pytest.param(*r[1:], id=r[0], marks=needed(r[0])) for r in ASYNC]
)
async def test_an_async_path_is_seen_once(service: Service, answer: bytes, is_stream: bool, call: Any) -> None:
    """The async client leaves the same record."""
    reply = replies.stream(answer) if is_stream else replies.whole(answer)
    async with service.aclient(reply) as client:
        with testing.capture(TRUSTED) as calls:
            result = await call(client)
            if is_stream:
                assert [chunk async for chunk in result]
    assert [(c.request.requested, c.served, c.outcome) for c in calls] == [("priority", "priority", "honored")]


def test_a_client_made_before_and_its_cached_wrappers_are_seen(service: Service) -> None:
    """Clients, raw wrappers and partials that existed before ``instrument()`` are covered."""
    client = service.client(replies.whole(CHAT_BODY))
    create, raw = client.chat.completions.create, client.chat.completions.with_raw_response
    with testing.capture(TRUSTED) as calls:
        create(**CHAT)
        raw.create(**CHAT)
    assert len(calls) == 2


def test_a_subclass_that_overrides_request_is_seen_once(service: Service) -> None:
    """The patch sits on the base class: a subclass that calls ``super().request`` is one call."""

    class Mine(openai.OpenAI):
        def request(self, *args: Any, **kwargs: Any) -> Any:
            return super().request(*args, **kwargs)

    url = service.url(replies.whole(CHAT_BODY))
    with testing.capture(TRUSTED) as calls, Mine(api_key="k", base_url=url, http_client=http_client()) as client:
        client.chat.completions.create(**CHAT)
    assert len(calls) == 1


def test_an_own_stream_subclass_works_and_leaves_a_record(service: Service) -> None:
    """A user's ``Stream`` subclass with its own ``__stream__`` is read as raw bytes are."""
    client = service.client(replies.stream(CHAT_SSE))
    with testing.capture(TRUSTED) as calls:
        stream = client.post("/chat/completions", cast_to=object, body=CHAT, stream=True, stream_cls=OwnStream)
        assert len(list(stream)) == 8
    assert [(c.served, c.ending) for c in calls] == [("priority", "complete")]
