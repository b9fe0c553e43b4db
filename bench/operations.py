"""The calls that are measured, on a client whose transport is canned; the rest of the SDK is real."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx2
import openai
from canned import Transport

if TYPE_CHECKING:
    from collections.abc import Callable

CHAT: dict[str, Any] = {
    "model": "gpt-4.1",
    "messages": [{"role": "user", "content": "hello"}],
    "service_tier": "priority",
}
RESPONSES: dict[str, Any] = {"model": "gpt-4.1", "input": "hello", "service_tier": "priority"}


@dataclass(frozen=True, slots=True)
class Operation:
    """One kind of call."""

    name: str
    call: Callable[[], Any]
    """Makes one; a coroutine function where ``is_async``. Of a stream it returns the last chunk."""
    facts: Callable[[Any], tuple[Any, ...]]
    """What the floor tells of a reply: model, id, tokens in, tokens out, finish reason, tier."""
    is_async: bool = False


def _chat_facts(reply: Any) -> tuple[Any, ...]:
    usage, choices = reply.usage, reply.choices
    finish = choices[0].finish_reason if choices else "stop"
    return reply.model, reply.id, usage.prompt_tokens, usage.completion_tokens, finish, reply.service_tier


def _responses_facts(reply: Any) -> tuple[Any, ...]:
    reply = getattr(reply, "response", reply)
    usage = reply.usage
    return reply.model, reply.id, usage.input_tokens, usage.output_tokens, reply.status, reply.service_tier


def _embeddings_facts(reply: Any) -> tuple[Any, ...]:
    return reply.model, "none", reply.usage.prompt_tokens, 0, "none", "none"


def _last(stream: Any) -> Any:
    chunk = None
    for chunk in stream:  # noqa: B007  the last one is the answer
        pass
    return chunk


async def _alast(stream: Any) -> Any:
    chunk = None
    async for chunk in stream:  # noqa: B007
        pass
    return chunk


def calls() -> list[Operation]:
    """Return the calls whose reply is a body."""
    client = openai.OpenAI(api_key="k", http_client=httpx2.Client(transport=Transport()))
    aclient = openai.AsyncOpenAI(api_key="k", http_client=httpx2.AsyncClient(transport=Transport()))
    embedded = {"model": "text-embedding-3-small", "input": "hello"}

    async def achat() -> Any:
        return await aclient.chat.completions.create(**CHAT)

    async def aresponses() -> Any:
        return await aclient.responses.create(**RESPONSES)

    return [
        Operation("chat", lambda: client.chat.completions.create(**CHAT), _chat_facts),
        Operation("chat async", achat, _chat_facts, is_async=True),
        Operation("responses", lambda: client.responses.create(**RESPONSES), _responses_facts),
        Operation("responses async", aresponses, _responses_facts, is_async=True),
        Operation("embeddings", lambda: client.embeddings.create(**embedded), _embeddings_facts),
    ]


def chat() -> Operation:
    """Return the one call that stands for all where one is enough."""
    return next(operation for operation in calls() if operation.name == "chat")


def streams() -> list[Operation]:
    """Return the streams of 500 chunks, read to their end."""
    client = openai.OpenAI(api_key="k", http_client=httpx2.Client(transport=Transport()))
    aclient = openai.AsyncOpenAI(api_key="k", http_client=httpx2.AsyncClient(transport=Transport()))

    async def achat() -> Any:
        return await _alast(await aclient.chat.completions.create(**CHAT, stream=True))

    return [
        Operation("chat", lambda: _last(client.chat.completions.create(**CHAT, stream=True)), _chat_facts),
        Operation("chat async", achat, _chat_facts, is_async=True),
        Operation("responses", lambda: _last(client.responses.create(**RESPONSES, stream=True)), _responses_facts),
    ]
