"""``TIERSCOPE_STREAM_USAGE``: who is asked for the usage of a stream, how, and what the application sees of it."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any, Final

import openai
import pytest
from openai import _streaming
from tests.sdk import replies
from tests.sdk.capabilities import RESPONSES
from tests.sdk.conftest import ASK, CHAT, TRUSTED
from tests.sdk.doors.apis import OwnStream
from tests.sdk.hosts import client_at

from tierscope import testing
from tierscope.config import Settings
from tierscope.seam import patches

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sdk.conftest import Service

AUTO: Final = Settings(trusted_hosts={"127.0.0.1": "openai"}, stream_usage="auto")
ALWAYS: Final = Settings(trusted_hosts={"127.0.0.1": "openai"}, stream_usage="always")
STREAM: Final = {**CHAT, "stream": True}
WITH_USAGE, WITHOUT = replies.stream(replies.chat_stream()), replies.stream(replies.chat_stream(usage=False))
ASKED: Final = {"include_usage": True}


def sent(service: Service) -> dict[str, Any]:
    """Return the body of the last request."""
    return json.loads(service.replay.requests[-1].body)


def used(calls: list[Any]) -> int | None:
    (call,) = calls
    return call.reply.usage.output if call.reply.usage else None


@pytest.mark.parametrize(
    ("settings", "asks"), [(TRUSTED, False), (AUTO, True), (ALWAYS, True)], ids=["never", "auto", "always"]
)
def test_usage_is_asked_for_only_where_set(service: Service, settings: Settings, asks: bool) -> None:
    """``never`` changes no byte; ``auto`` asks known hosts; the extra chunk is hidden and the tokens known."""
    client = service.client(WITH_USAGE if asks else WITHOUT)
    with testing.capture(settings) as calls:
        chunks = list(client.chat.completions.create(**STREAM))
    assert sent(service) == ({**STREAM, "stream_options": ASKED} if asks else STREAM)
    assert (len(chunks), all(chunk.choices for chunk in chunks)) == (7, True)
    assert (calls[0].request.usage_asked, used(calls)) == (asks, 12 if asks else None)


async def test_the_usage_chunk_is_hidden_from_async_readers_too(service: Service) -> None:
    """The async client sees the same seven chunks."""
    async with service.aclient(WITH_USAGE) as client:
        with testing.capture(AUTO) as calls:
            chunks = [chunk async for chunk in await client.chat.completions.create(**STREAM)]
    assert (sent(service)["stream_options"], len(chunks), used(calls)) == (ASKED, 7, 12)


OPENAI = "https://api.openai.com/v1"
AZURE = "https://x.openai.azure.com"
SOURCES: dict[str, Any] = {"extra_body": {"data_sources": [{"type": "azure_search"}]}}
HOSTS = [
    pytest.param(OPENAI, {}, {}, True, id="openai"),
    pytest.param("https://eu.api.openai.com/v1", {}, {}, True, id="openai, in a region"),
    pytest.param("https://llm.example/v1", {}, {}, False, id="unknown host"),
    pytest.param("https://api.groq.com/openai/v1", {}, {}, False, id="documented host of another provider"),
    pytest.param(AZURE, {"api_version": "2024-10-21"}, {}, True, id="azure, first version"),
    pytest.param(AZURE, {"api_version": "2025-01-01-preview"}, {}, True, id="azure, later preview"),
    pytest.param(AZURE, {"api_version": "2024-10-01-preview"}, {}, False, id="azure, earlier preview"),
    pytest.param(AZURE, {"api_version": "2023-05-15"}, {}, False, id="azure, old version"),
    pytest.param(AZURE, {"api_version": "2024-10-21"}, {"extra_query": {"api-version": "2024-02-01"}}, False,
                 id="azure, old version by query"),
    pytest.param(AZURE, {"api_version": "2024-10-21"}, SOURCES, False, id="azure, own data"),
    pytest.param(f"{AZURE}/openai/v1", {}, {}, True, id="azure, v1"),
    pytest.param(f"{AZURE}/openai/v1", {}, SOURCES, False, id="azure, v1, own data"),
    pytest.param(f"{AZURE}/openai/deployments/d", {}, {}, False, id="azure, version unknown"),
    pytest.param(f"{AZURE}/openai/deployments/d", {"default_query": {"api-version": "2024-10-21"}}, {}, True,
                 id="azure, version by query"),
    pytest.param("https://x.services.ai.azure.com/openai/v1", {}, {}, True, id="azure foundry, v1"),
    pytest.param("https://x.azure-api.net", {"api_version": "2024-10-21"}, {}, False, id="gateway before azure"),
]  # fmt: skip


@pytest.mark.parametrize(("url", "how", "options", "asks"), HOSTS)
def test_auto_asks_only_hosts_that_accept_it(
    service: Service, url: str, how: dict[str, Any], options: dict[str, Any], asks: bool
) -> None:
    """The real rule on the real host; only the connection goes to the loopback service."""
    with client_at(service, url, WITH_USAGE, **how) as client, testing.capture(Settings(stream_usage="auto")):
        chunks = list(client.chat.completions.create(**STREAM, **options))
    assert ("stream_options" in sent(service)) is asks
    assert len(chunks) == (7 if asks else 8)


def test_always_asks_every_host(service: Service) -> None:
    """Whoever sets it knows the host."""
    url = "https://llm.example/v1"
    with client_at(service, url, WITH_USAGE) as client, testing.capture(Settings(stream_usage="always")) as calls:
        chunks = list(client.chat.completions.create(**STREAM))
    assert (sent(service)["stream_options"], len(chunks), used(calls)) == (ASKED, 7, 12)


OTHER = {"include_obfuscation": False}
CHOICES: list[Any] = [
    pytest.param({"stream_options": {"include_usage": True}}, {"include_usage": True}, False, id="True"),
    pytest.param({"stream_options": {"include_usage": False}}, {"include_usage": False}, False, id="False"),
    pytest.param({"extra_body": {"stream_options": {"include_usage": True}}}, ASKED, False, id="True by extra_body"),
    pytest.param({"extra_body": {"stream_options": {"include_usage": False}}}, {"include_usage": False}, False,
                 id="False by extra_body"),
    pytest.param({"stream_options": ASKED, "extra_body": {"stream_options": {"include_usage": False}}},
                 {"include_usage": False}, False, id="extra_body beats the keyword"),
    pytest.param({"stream_options": OTHER}, {**OTHER, **ASKED}, True, id="another option"),
    pytest.param({"extra_body": {"stream_options": OTHER}}, {**OTHER, **ASKED}, True, id="another by extra_body"),
    pytest.param({"stream_options": None}, ASKED, True, id="None"),
    pytest.param({"extra_body": {"stream_options": None}}, ASKED, True, id="None by extra_body"),
    pytest.param({"extra_body": {"seed": 1}}, ASKED, True, id="something else in extra_body"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "expected", "asks"), CHOICES)
def test_the_callers_choice_is_his(service: Service, options: dict[str, Any], expected: Any, asks: bool) -> None:
    """An explicit ``include_usage`` stays, other options are kept, and no dictionary of the caller is touched."""
    before = copy.deepcopy(options)
    has_usage = expected["include_usage"]
    with testing.capture(AUTO) as calls:
        chunks = list(service.client(WITH_USAGE if has_usage else WITHOUT).chat.completions.create(**STREAM, **options))
    assert (options, sent(service)["stream_options"]) == (before, expected)
    assert (calls[0].request.usage_asked, len(chunks)) == (asks, 8 if has_usage and not asks else 7)


def raw_parsed(client: openai.OpenAI) -> Any:
    return list(client.chat.completions.with_raw_response.create(**STREAM).parse())


def streaming_lines(client: openai.OpenAI) -> Any:
    with client.chat.completions.with_streaming_response.create(**STREAM) as response:
        return list(response.iter_lines())


def own_class(client: openai.OpenAI) -> Any:
    return list(client.post("/chat/completions", cast_to=object, body=STREAM, stream=True, stream_cls=OwnStream))


def legacy(client: openai.OpenAI) -> Any:
    return list(client.completions.create(model="m", prompt="hi", stream=True))


def body(client: openai.OpenAI) -> Any:
    return client.post("/chat/completions", cast_to=object, body=CHAT)


def responses(client: openai.OpenAI) -> Any:
    return list(client.responses.create(**ASK, stream=True))


NEVER = [
    pytest.param(raw_parsed, WITHOUT, id="raw response"),
    pytest.param(streaming_lines, WITHOUT, id="streaming response"),
    pytest.param(own_class, WITHOUT, id="own stream class"),
    pytest.param(legacy, WITHOUT, id="legacy completions"),
    pytest.param(body, replies.whole(replies.chat()), id="no stream"),
    pytest.param(responses, replies.stream(replies.responses_stream()), id="responses", marks=RESPONSES),
]


@pytest.mark.parametrize(("call", "answer"), NEVER)
def test_some_readers_are_never_given_an_extra_event(service: Service, call: Callable[..., Any], answer: Any) -> None:
    """Even with ``always``: the request is byte for byte what it is without us, and so is what is read."""
    client = service.client(answer)
    bare = call(client)
    with testing.capture(ALWAYS):
        assert call(client) == bare
    without, ours = (request.body for request in service.replay.requests[-2:])
    assert ours == without


def test_no_one_is_asked_when_our_layer_is_gone(service: Service) -> None:
    """Another package put back the ``__stream__`` it had saved: the extra chunk could not be hidden."""
    saved = _streaming.Stream.__dict__["__stream__"]
    with testing.capture(ALWAYS):
        service.client(replies.whole(replies.chat())).chat.completions.create(**CHAT)
        ours = _streaming.Stream.__dict__["__stream__"]
        _streaming.Stream.__stream__ = saved  # type: ignore[method-assign]
        chunks = list(service.client(WITHOUT).chat.completions.create(**STREAM))
        _streaming.Stream.__stream__ = ours
    assert (len(chunks), "stream_options" in sent(service)) == (7, False)


def test_a_layer_over_ours_hinders_nothing(service: Service) -> None:
    """Somebody wrapped ours, and says so by ``__wrapped__``: we still see, and hide, the chunk."""

    def foreign(self: Any) -> Any:
        yield from ours.__get__(self)()

    with testing.capture(ALWAYS):
        service.client(replies.whole(replies.chat())).chat.completions.create(**CHAT)
        ours = _streaming.Stream.__dict__["__stream__"]
        foreign.__wrapped__ = ours  # type: ignore[attr-defined]
        _streaming.Stream.__stream__ = foreign  # type: ignore[method-assign]
        chunks = list(service.client(WITH_USAGE).chat.completions.create(**STREAM))
        _streaming.Stream.__stream__ = ours
    assert (len(chunks), sent(service)["stream_options"]) == (7, ASKED)
    assert not patches.LAYERS.is_laid_on(_streaming.Stream, "__stream__")


def test_chunks_that_are_dictionaries_are_hidden_alike(service: Service) -> None:
    """A stream of plain objects, by ``client.post``: the usage chunk is a dictionary, and hidden."""
    client = service.client(WITH_USAGE)
    with testing.capture(AUTO) as calls:
        stream = client.post(
            "/chat/completions", cast_to=object, body=STREAM, stream=True, stream_cls=openai.Stream[object]
        )
        chunks: list[Any] = list(stream)
    assert (len(chunks), all(chunk["choices"] for chunk in chunks), used(calls)) == (7, True, 12)


@pytest.mark.parametrize(("options", "usage"), [({}, None), ({"stream_options": ASKED}, 12)], ids=["hidden", "asked"])
def test_a_helper_has_the_usage_only_where_the_caller_asked(service: Service, options: Any, usage: int | None) -> None:
    """``chat.completions.stream()``: its final usage is what it would be without us; the record knows it always."""
    client = service.client(WITH_USAGE)
    with testing.capture(AUTO) as calls, client.beta.chat.completions.stream(**CHAT, **options) as stream:
        final = stream.get_final_completion()
    assert (final.usage.completion_tokens if final.usage else None, used(calls)) == (usage, 12)


def test_an_interrupted_stream_has_no_usage(service: Service) -> None:
    """What did not come is unknown, never estimated."""
    with testing.capture(AUTO) as calls, service.client(WITH_USAGE).chat.completions.create(**STREAM) as stream:
        next(stream)
    assert (calls[0].ending, calls[0].reply.usage) == ("closed", None)


@pytest.mark.parametrize("settings", [TRUSTED, AUTO], ids=["never", "auto"])
def test_every_attempt_asks_alike(service: Service, settings: Settings) -> None:
    """A repeated request is the same request."""
    failing = replies.whole(replies.error(None), 500, {"retry-after-ms": "1"})
    client = service.client(failing, WITHOUT, retries=1)
    with testing.capture(settings):
        list(client.chat.completions.create(**STREAM))
    first, second = (json.loads(request.body) for request in service.replay.requests[-2:])
    assert first == second
    assert ("stream_options" in first) is (settings is AUTO)
