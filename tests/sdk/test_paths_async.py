"""The starred paths: the async client leaves the same record, and the same result, as the sync one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.sdk import replies
from tests.sdk.capabilities import BETA_PARSE, BETA_RESPONSES, CHAT_HELPERS, HTTP, RESPONSES
from tests.sdk.conftest import ASK, CHAT
from tests.sdk.paths import (
    BODY,
    BY_BODY,
    CHAT_BODY,
    CHAT_SSE,
    EVENTS,
    PARSED,
    TIER,
    Answer,
    Path,
    acheck,
    alisted,
    path,
    streamed,
)

if TYPE_CHECKING:
    from tests.sdk.conftest import Service


async def managed(manager: Any) -> list[Any]:
    async with manager as stream:
        return [event async for event in stream]


async def raw_lines(client: Any) -> list[str]:
    async with client.chat.completions.with_streaming_response.create(**CHAT, **TIER, stream=True) as response:
        return [line async for line in response.iter_lines()]


async def raw_parsed(client: Any) -> list[Any]:
    async with client.chat.completions.with_streaming_response.create(**CHAT, **TIER, stream=True) as response:
        return [chunk async for chunk in await response.parse()]


async def raw_parsed_body(client: Any) -> Any:
    async with client.chat.completions.with_streaming_response.create(**CHAT, **TIER) as response:
        return await response.parse()


async def raw_unparsed(client: Any) -> Any:
    return (await client.chat.completions.with_raw_response.create(**CHAT, **TIER)).headers


async def raw_stream(client: Any) -> list[Any]:
    raw = await client.chat.completions.with_raw_response.create(**CHAT, **TIER, stream=True)
    return [chunk async for chunk in raw.parse()]


PATHS = [
    path("chat create", CHAT_BODY, lambda c: c.chat.completions.create(**CHAT, **TIER)),
    streamed("chat stream", CHAT_SSE, lambda c: alisted(c.chat.completions.create(**CHAT, **TIER, stream=True))),
    streamed("chat stream manager", CHAT_SSE,
             lambda c: managed(c.chat.completions.stream(**CHAT, **TIER)), CHAT_HELPERS),
    streamed("beta chat stream manager", CHAT_SSE,
             lambda c: managed(c.beta.chat.completions.stream(**CHAT, **TIER)), BETA_PARSE),
    path("beta chat parse", PARSED,
         lambda c: c.beta.chat.completions.parse(**CHAT, **TIER, response_format=Answer), BETA_PARSE),
    path("raw unparsed", CHAT_BODY, raw_unparsed),
    streamed("raw stream parsed", CHAT_SSE, raw_stream),
    streamed("streaming response lines", CHAT_SSE, raw_lines),
    streamed("streaming response parsed", CHAT_SSE, raw_parsed),
    path("streaming response body parsed", CHAT_BODY, raw_parsed_body),
    path("responses create", BODY, lambda c: c.responses.create(**ASK, **BY_BODY), RESPONSES),
    streamed("responses stream", EVENTS,
             lambda c: alisted(c.responses.create(**ASK, **BY_BODY, stream=True)), RESPONSES),
    streamed("responses stream manager", EVENTS, lambda c: managed(c.responses.stream(**ASK, **BY_BODY)), RESPONSES),
    path("beta responses create", BODY, lambda c: c.beta.responses.create(**ASK, **BY_BODY), BETA_RESPONSES),
    path("post as object", CHAT_BODY, lambda c: c.post("/chat/completions", cast_to=object, body={**CHAT, **TIER})),
    path("post as HTTP response", CHAT_BODY,
         lambda c: c.post("/chat/completions", cast_to=HTTP.Response, body={**CHAT, **TIER})),
    path("embeddings", replies.embeddings(),
         lambda c: c.embeddings.create(model="text-embedding-3-small", input="hi"),
         requested="unset", served="unreported", outcome="unreported", operation="embeddings", output=None),
]  # fmt: skip


@pytest.mark.parametrize("case", PATHS)
async def test_an_async_path_is_seen_once_and_untouched(service: Service, case: Path) -> None:
    """One record with both tiers and the tokens; the result has the type and data that it has without us."""
    await acheck(service, case)
