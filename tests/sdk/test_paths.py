"""Every path by which an application calls the service: seen once, and its result is what it would be without us."""

from __future__ import annotations

import functools
import gzip
from typing import TYPE_CHECKING, Any

import openai
import pytest
from openai.types.chat import ChatCompletionChunk
from tests.sdk import replies
from tests.sdk.capabilities import BETA_PARSE, CHAT_HELPERS, HTTP
from tests.sdk.conftest import CHAT, TRUSTED, client_of, http_client
from tests.sdk.doors.apis import OwnStream
from tests.sdk.paths import BY_BODY, CHAT_BODY, CHAT_SSE, PARSED, TIER, Answer, Path, check, listed, path, streamed

from tierscope import testing

if TYPE_CHECKING:
    from tests.sdk.conftest import Service

ZIPPED = {"content-encoding": "gzip"}


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


def raw_parse_to(client: openai.OpenAI) -> list[Any]:
    raw = client.chat.completions.with_raw_response.create(**CHAT, **TIER, stream=True)
    return list(raw.parse(to=openai.Stream[ChatCompletionChunk]))


def module_level(client: openai.OpenAI) -> Any:
    openai.api_key, openai.base_url = "k", str(client.base_url)
    try:
        return openai.chat.completions.create(**CHAT, **TIER)
    finally:
        openai.api_key = openai.base_url = None
        openai._reset_client()


def broken_off(client: openai.OpenAI) -> list[Any]:
    with client.beta.chat.completions.stream(**CHAT, **TIER) as stream:
        return [next(stream)]


PATHS = [
    path("chat create", CHAT_BODY, lambda c: c.chat.completions.create(**CHAT, **TIER)),
    path("tier by extra_body", CHAT_BODY, lambda c: c.chat.completions.create(**CHAT, **BY_BODY)),
    path(
        "extra_body beats the keyword",
        CHAT_BODY,
        lambda c: c.chat.completions.create(**CHAT, service_tier="flex", **BY_BODY),
    ),
    path("tier omitted", CHAT_BODY, lambda c: c.chat.completions.create(**CHAT),
         requested="unset", outcome="resolved"),
    path("tier None", CHAT_BODY, lambda c: c.chat.completions.create(**CHAT, service_tier=None),
         requested="unset", outcome="resolved"),
    path("tier not given", CHAT_BODY, lambda c: c.chat.completions.create(**CHAT, service_tier=openai.NOT_GIVEN),
         requested="unset", outcome="resolved"),
    path("tier auto", CHAT_BODY, lambda c: c.chat.completions.create(**CHAT, service_tier="auto"),
         requested="auto", outcome="resolved"),
    path("downgraded", replies.chat("default"), lambda c: c.chat.completions.create(**CHAT, **TIER),
         served="default", outcome="downgraded"),
    path("fast is priority", replies.chat("fast"), lambda c: c.chat.completions.create(**CHAT, service_tier="fast")),
    path("fast answered priority", CHAT_BODY, lambda c: c.chat.completions.create(**CHAT, service_tier="fast")),
    path("ultrafast", replies.chat("ultrafast"),
         lambda c: c.chat.completions.create(**CHAT, service_tier="ultrafast"),
         requested="ultrafast", served="ultrafast"),
    path("tier absent", replies.chat(None), lambda c: c.chat.completions.create(**CHAT, **TIER),
         served="unreported", outcome="unreported"),
    path("weird tier", replies.chat("weird-tier"), lambda c: c.chat.completions.create(**CHAT, **TIER),
         served="_OTHER", outcome="unverified"),
    path("weird tier asked", replies.chat("fast_tier_temp_pilot"),
         lambda c: c.chat.completions.create(**CHAT, service_tier="fast_tier_temp_pilot"),
         requested="_OTHER", served="_OTHER", outcome="unverified"),
    streamed("chat stream", CHAT_SSE, lambda c: list(c.chat.completions.create(**CHAT, **TIER, stream=True))),
    path("chat parse", PARSED,
         lambda c: c.chat.completions.parse(**CHAT, **TIER, response_format=Answer), CHAT_HELPERS),
    path("beta chat parse", PARSED,
         lambda c: c.beta.chat.completions.parse(**CHAT, **TIER, response_format=Answer), BETA_PARSE),
    streamed("chat stream manager", CHAT_SSE,
             lambda c: listed(lambda: c.chat.completions.stream(**CHAT, **TIER)), CHAT_HELPERS),
    streamed("beta chat stream manager", CHAT_SSE,
             lambda c: listed(lambda: c.beta.chat.completions.stream(**CHAT, **TIER)), BETA_PARSE),
    streamed("chat stream manager, broken off", CHAT_SSE, broken_off, BETA_PARSE, ending="closed", output=None),
    path("raw unparsed", CHAT_BODY, lambda c: c.chat.completions.with_raw_response.create(**CHAT, **TIER).headers),
    path("raw parsed", CHAT_BODY, lambda c: c.chat.completions.with_raw_response.create(**CHAT, **TIER).parse()),
    streamed("raw stream parsed", CHAT_SSE,
             lambda c: list(c.chat.completions.with_raw_response.create(**CHAT, **TIER, stream=True).parse())),
    streamed("raw stream lines", CHAT_SSE,
             lambda c: list(c.chat.completions.with_raw_response.create(
                 **CHAT, **TIER, stream=True).http_response.iter_lines())),
    streamed("raw stream parsed to a type", CHAT_SSE, raw_parse_to),
    streamed("streaming response lines", CHAT_SSE, raw_lines),
    streamed("streaming response parsed", CHAT_SSE, raw_parse_stream),
    streamed("streaming response, nothing read", CHAT_SSE, raw_nothing,
             served="unreported", outcome="unverified", ending="closed", output=None),
    path("streaming response bytes", CHAT_BODY, raw_bytes),
    path("streaming response read", CHAT_BODY, raw_read),
    path("streaming response body parsed", CHAT_BODY, raw_parse_body),
    path("legacy completion", replies.completion(),
         lambda c: c.completions.create(model="gpt-3.5-turbo-instruct", prompt="hi"),
         requested="unset", served="unreported", outcome="unreported", operation="text_completion"),
    path("legacy completion, tier by extra_body", replies.completion("priority"),
         lambda c: c.completions.create(model="gpt-3.5-turbo-instruct", prompt="hi", **BY_BODY),
         operation="text_completion"),
    path("embeddings, tier by extra_body", replies.embeddings(),
         lambda c: c.embeddings.create(model="text-embedding-3-small", input="hi", **BY_BODY),
         served="unreported", outcome="unreported", operation="embeddings", output=None),
    path("embeddings", replies.embeddings(),
         lambda c: c.embeddings.create(model="text-embedding-3-small", input="hi"),
         requested="unset", served="unreported", outcome="unreported", operation="embeddings", output=None),
    path("post as object", CHAT_BODY, lambda c: c.post("/chat/completions", cast_to=object, body={**CHAT, **TIER})),
    path("post as HTTP response", CHAT_BODY,
         lambda c: c.post("/chat/completions", cast_to=HTTP.Response, body={**CHAT, **TIER})),
    path("post to an absolute URL", CHAT_BODY,
         lambda c: c.post(f"{c.base_url}chat/completions", cast_to=object, body={**CHAT, **TIER})),
    path("module level", CHAT_BODY, module_level),
    path("copied client", CHAT_BODY, lambda c: c.copy().chat.completions.create(**CHAT, **TIER)),
    path("client with options", CHAT_BODY,
         lambda c: c.with_options(max_retries=1).chat.completions.create(**CHAT, **TIER)),
    streamed("own stream class", CHAT_SSE,
             lambda c: list(c.post("/chat/completions", cast_to=object, body={**CHAT, **TIER, "stream": True},
                                   stream=True, stream_cls=OwnStream))),
]  # fmt: skip


@pytest.mark.parametrize("case", PATHS)
def test_a_path_is_seen_once_and_untouched(service: Service, case: Path) -> None:
    """One record with both tiers and the tokens; the result has the type and data that it has without us."""
    check(service, case)


def test_a_stream_that_was_compressed_is_read(service: Service) -> None:
    """The SDK inflates it, or our scan of raw lines does: tier and tokens either way."""
    answer = (200, {**replies.SSE, **ZIPPED}, [gzip.compress(CHAT_SSE)])
    for call in (lambda c: list(c.chat.completions.create(**CHAT, **TIER, stream=True)), raw_lines):
        check(service, Path("gzip", answer, call, output=12))


def test_a_client_made_before_and_its_cached_wrappers_are_seen(service: Service) -> None:
    """Clients, raw wrappers and partials that existed before ``instrument()`` are covered."""
    client = service.client(replies.whole(CHAT_BODY))
    cached = (
        client.chat.completions.create,
        client.chat.completions.with_raw_response.create,
        functools.partial(client.chat.completions.create, **CHAT),
        client.with_raw_response.chat.completions.create,
    )
    with testing.capture(TRUSTED) as calls:
        for create in cached:
            create(**CHAT)
    assert len(calls) == 4


def test_a_subclass_that_overrides_request_is_seen_once(service: Service) -> None:
    """The patch sits on the base class: a subclass that calls ``super().request`` is one call."""

    class Mine(openai.OpenAI):
        def request(self, *args: Any, **kwargs: Any) -> Any:
            return super().request(*args, **kwargs)

    url = service.url(replies.whole(CHAT_BODY))
    with testing.capture(TRUSTED) as calls, Mine(api_key="k", base_url=url, http_client=http_client()) as client:
        client.chat.completions.create(**CHAT)
    assert len(calls) == 1


def azure(client: openai.OpenAI, deployment: str | None) -> openai.AzureOpenAI:
    """Return a client of Azure's kind for the same answers."""
    return openai.AzureOpenAI(
        api_key="k",
        azure_endpoint=str(client.base_url).removesuffix("/v1/"),
        azure_deployment=deployment,
        api_version="2024-10-21",
        http_client=http_client(),
    )


@pytest.mark.parametrize("deployment", [None, "prod"])
@pytest.mark.parametrize("is_stream", [False, True], ids=["body", "stream"])
def test_azure_is_seen_with_and_without_a_deployment(service: Service, deployment: str, is_stream: bool) -> None:
    """The URL that Azure's client builds is the same endpoint, and its stream the same stream."""

    def call(client: openai.OpenAI) -> Any:
        with azure(client, deployment) as mine:
            result = mine.chat.completions.create(**CHAT, **TIER, stream=is_stream)
            return list(result) if is_stream else result

    answer = replies.stream(CHAT_SSE) if is_stream else replies.whole(CHAT_BODY)
    check(service, Path("azure", answer, call, output=12 if is_stream else 20))


def test_nothing_is_seen_after_uninstrument(service: Service) -> None:
    """Taken off, Tierscope hears of no call, nor of the stream of one."""
    client = client_of(service.url(replies.stream(CHAT_SSE)))
    with testing.capture(TRUSTED) as calls:
        pass
    list(client.chat.completions.create(**CHAT, stream=True))
    client.close()
    assert calls == []
