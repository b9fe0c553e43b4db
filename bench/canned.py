"""Replies of usual size without a network: each has an id of its own, since some peers know a reply by it."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING, Any

import httpx2

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

CHUNKS = 500
"""Text deltas of a stream."""
BLOCK = 10
"""Events that one network read brings (an event of its own for each read where it is 1)."""
HEADERS = {
    "x-request-id": "req_1",
    "openai-processing-ms": "812",
    "x-ratelimit-limit-requests": "10000",
    "x-ratelimit-remaining-requests": "9999",
    "x-ratelimit-reset-requests": "6ms",
}
CHAT_USAGE = {
    "prompt_tokens": 210,
    "completion_tokens": 120,
    "total_tokens": 330,
    "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
    "completion_tokens_details": {
        "reasoning_tokens": 0,
        "audio_tokens": 0,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    },
}
RESPONSES_USAGE = {
    "input_tokens": 210,
    "output_tokens": 120,
    "total_tokens": 330,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens_details": {"reasoning_tokens": 0},
}
_numbers = itertools.count()


# ── bodies ────────────────────────────────────────────────────────────────────────────────────────────────────────
def chat() -> dict[str, Any]:
    """A chat completion of 120 tokens."""
    message = {"role": "assistant", "content": "word " * 120, "refusal": None, "annotations": []}
    return {
        "id": f"chatcmpl-{next(_numbers)}",
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": "gpt-4.1-2025-04-14",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": CHAT_USAGE,
        "service_tier": "priority",
        "system_fingerprint": "fp_1",
    }


def response(status: str = "completed") -> dict[str, Any]:
    """A Response of 120 tokens."""
    text = {"type": "output_text", "text": "word " * 120, "annotations": []}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [text]}
    return {
        "id": f"resp_{next(_numbers)}",
        "object": "response",
        "created_at": 1_790_000_000,
        "status": status,
        "model": "gpt-4.1-2025-04-14",
        "output": [message] if status == "completed" else [],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": RESPONSES_USAGE if status == "completed" else None,
        "service_tier": "priority" if status == "completed" else "auto",
    }


def embeddings() -> dict[str, Any]:
    """One vector of 16 numbers."""
    vector = {"object": "embedding", "index": 0, "embedding": [0.1] * 16}
    usage = {"prompt_tokens": 8, "total_tokens": 8}
    return {"object": "list", "data": [vector], "model": "text-embedding-3-small", "usage": usage}


# ── streams ───────────────────────────────────────────────────────────────────────────────────────────────────────
def chat_events(chunks: int = CHUNKS) -> list[bytes]:
    """The events of a chat stream: role, text, finish, usage."""
    base = {
        "id": f"chatcmpl-{next(_numbers)}",
        "object": "chat.completion.chunk",
        "created": 1_790_000_000,
        "model": "gpt-4.1-2025-04-14",
        "service_tier": "priority",
        "system_fingerprint": "fp_1",
        "usage": None,
    }

    def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
        return {**base, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]}

    usage = {**CHAT_USAGE, "completion_tokens": chunks, "total_tokens": 210 + chunks}
    told = [
        chunk({"role": "assistant", "content": "", "refusal": None}),
        *(chunk({"content": " word"}) for _ in range(chunks)),
        chunk({}, "stop"),
        {**base, "choices": [], "usage": usage},
    ]
    return [*(f"data: {json.dumps(event)}\n\n".encode() for event in told), b"data: [DONE]\n\n"]


def response_events(chunks: int = CHUNKS) -> list[bytes]:
    """The events of a Responses stream; the first ones echo the request."""
    where = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "in_progress", "content": []}
    usage = {**RESPONSES_USAGE, "output_tokens": chunks, "total_tokens": 210 + chunks}
    told = [
        {"type": "response.created", "response": response("in_progress")},
        {"type": "response.in_progress", "response": response("in_progress")},
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        *({"type": "response.output_text.delta", **where, "delta": " word", "logprobs": []} for _ in range(chunks)),
        {"type": "response.completed", "response": {**response(), "usage": usage}},
    ]
    return [
        f"event: {event['type']}\ndata: {json.dumps({**event, 'sequence_number': number})}\n\n".encode()
        for number, event in enumerate(told)
    ]


class Events(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """A body that comes in several reads, sync or async."""

    def __init__(self, events: list[bytes], block: int) -> None:
        self._reads = [b"".join(events[at : at + block]) for at in range(0, len(events), block)]

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._reads)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for data in self._reads:
            yield data


# ── transport ─────────────────────────────────────────────────────────────────────────────────────────────────────
_BODIES = {"/chat/completions": chat, "/responses": response, "/embeddings": embeddings}
_STREAMS = {"/chat/completions": chat_events, "/responses": response_events}


class Transport(httpx2.BaseTransport, httpx2.AsyncBaseTransport):
    """Answers each path with its reply; the rest of the SDK is real."""

    def __init__(self, block: int = BLOCK) -> None:
        self._block = block
        self._events = {path: events() for path, events in _STREAMS.items()}

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one request."""
        path = "/" + request.url.path.partition("/v1/")[2]
        if b'"stream":true' in request.content.replace(b" ", b""):
            headers = {**HEADERS, "content-type": "text/event-stream"}
            return httpx2.Response(200, headers=headers, stream=Events(self._events[path], self._block))
        content = json.dumps(_BODIES[path]()).encode()
        return httpx2.Response(200, headers={**HEADERS, "content-type": "application/json"}, content=content)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one request of an async client."""
        return self.handle_request(request)
