"""One call of each kind, and what the application got of it: types, data, exceptions."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, Final

import openai
import pydantic
from tests.sdk import replies

if TYPE_CHECKING:
    from collections.abc import Callable

ASKED: Final[dict[str, Any]] = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "hi"}]}
TIER: Final[dict[str, Any]] = {"service_tier": "priority"}
INPUT: Final[dict[str, Any]] = {"model": "gpt-5", "input": "hi"}


class Answer(pydantic.BaseModel):
    """What ``parse`` is asked for."""

    word: str


def _parsed() -> bytes:
    message = {"role": "assistant", "content": '{"word": "hi"}'}
    return replies.chat("default", choices=[{"index": 0, "message": message, "finish_reason": "stop"}])


def closed_early(client: openai.OpenAI) -> Any:
    """Read one chunk and close the stream."""
    stream = client.chat.completions.create(**ASKED, **TIER, stream=True)
    first = next(iter(stream))
    stream.close()
    return type(stream), first


def read_out(stream: Any) -> Any:
    """Read a stream to its end."""
    return type(stream), list(stream)


def asynchronous(client: openai.OpenAI) -> Any:
    """Read an async stream to its end."""

    async def work() -> Any:
        async with openai.AsyncOpenAI(api_key="k", base_url=client.base_url, max_retries=0) as other:
            stream = await other.chat.completions.create(**ASKED, **TIER, stream=True)
            return type(stream), [chunk async for chunk in stream]

    return asyncio.run(work())


def raw(client: openai.OpenAI) -> Any:
    """Ask for the raw response: its headers, and what it parses to."""
    response = client.chat.completions.with_raw_response.create(**ASKED, **TIER)
    return type(response), response.headers["x-request-id"], response.parse()


Kind = tuple[replies.Reply, "Callable[[openai.OpenAI], Any]"]
STREAM: Final = replies.stream(replies.chat_stream("default"))
KINDS: Final[dict[str, Kind]] = {
    "body": (replies.whole(replies.chat("default")), lambda c: c.chat.completions.create(**ASKED, **TIER)),
    "stream": (STREAM, lambda c: read_out(c.chat.completions.create(**ASKED, **TIER, stream=True))),
    "stream closed early": (STREAM, closed_early),
    "async stream": (STREAM, asynchronous),
    "raw": (replies.whole(replies.chat("default")), raw),
    "parse": (
        replies.whole(_parsed()),
        lambda c: c.chat.completions.parse(**ASKED, **TIER, response_format=Answer),
    ),
    "responses": (replies.whole(replies.responses("default")), lambda c: c.responses.create(**INPUT, **TIER)),
    "responses stream": (
        replies.stream(replies.responses_stream("default")),
        lambda c: read_out(c.responses.create(**INPUT, **TIER, stream=True)),
    ),
    "embeddings": (
        replies.whole(replies.embeddings()),
        lambda c: c.embeddings.create(model="text-embedding-3-small", input="hi"),
    ),
    "refused": (
        replies.whole(replies.error("resource_unavailable", "Resource unavailable"), 429),
        lambda c: c.chat.completions.create(**ASKED, service_tier="flex"),
    ),
}


def got(call: Callable[[], Any]) -> str:
    """Return what a call gave its caller, in words that can be compared."""
    try:
        return _told(call())
    except openai.OpenAIError as error:
        return f"raised {_name(type(error))}: {error}"


def _told(result: Any) -> str:
    if isinstance(result, tuple | list):
        return f"({', '.join(map(_told, result))})"
    if isinstance(result, pydantic.BaseModel):
        return f"{_name(type(result))} {json.dumps(result.model_dump(mode='json', warnings=False), sort_keys=True)}"
    return _name(result) if isinstance(result, type) else repr(result)


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"
