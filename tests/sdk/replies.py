"""Replies of the service, made by hand: bodies, streams, errors, ready for ``Replay.add``."""

from __future__ import annotations

import json
from typing import Any, Final

from tests.truth import made, sse

JSON: Final = {"content-type": "application/json", "x-request-id": "req_1", "openai-processing-ms": "12"}
SSE: Final = {"content-type": "text/event-stream; charset=utf-8", "x-request-id": "req_1"}
LIMITS: Final = {
    "x-ratelimit-limit-requests": "500",
    "x-ratelimit-remaining-requests": "499",
    "x-ratelimit-reset-requests": "120ms",
    "x-ratelimit-limit-tokens": "30000",
    "x-ratelimit-remaining-tokens": "15000",
    "x-ratelimit-reset-tokens": "1m0.5s",
}
USAGE: Final = {
    "prompt_tokens": 100,
    "completion_tokens": 20,
    "total_tokens": 120,
    "prompt_tokens_details": {"cached_tokens": 64},
    "completion_tokens_details": {"reasoning_tokens": 7},
}
RESPONSES_USAGE: Final = {
    "input_tokens": 100,
    "output_tokens": 20,
    "total_tokens": 120,
    "input_tokens_details": {"cached_tokens": 64},
    "output_tokens_details": {"reasoning_tokens": 7},
}
BATCH_USAGE: Final = {
    "input_tokens": 4000,
    "input_tokens_details": {"cached_tokens": 1000},
    "output_tokens": 900,
    "output_tokens_details": {"reasoning_tokens": 300},
    "total_tokens": 4900,
}
Reply = tuple[int, dict[str, str], list[bytes]]


def whole(body: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    """Return a reply with its length known."""
    return status, {**JSON, **(headers or {}), "content-length": str(len(body))}, [body]


def stream(body: bytes, headers: dict[str, str] | None = None) -> Reply:
    """Return an event stream, one write an event."""
    return 200, {**SSE, **(headers or {})}, sse.blocks(body)


def chat(tier: str | None = "priority", model: str = "gpt-4.1-2025-04-14", **fields: Any) -> bytes:
    """Return a chat completion."""
    reply = {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "system_fingerprint": "fp_1",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "hi"}, "finish_reason": "stop"}],
        "usage": USAGE,
        **({"service_tier": tier} if tier is not None else {}),
        **fields,
    }
    return json.dumps(reply).encode()


def chunk(tier: str | None = None, **fields: Any) -> dict[str, Any]:
    """Return one chat chunk."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "gpt-4.1-2025-04-14",
        "choices": [],
        **({"service_tier": tier} if tier is not None else {}),
        **fields,
    }


def delta(words: str | None, tier: str | None = None, finish: str | None = None, **fields: Any) -> dict[str, Any]:
    """Return one chat chunk with a delta."""
    content = {} if words is None else {"content": words}
    return chunk(tier, choices=[{"index": 0, "delta": {**content, **fields}, "finish_reason": finish}])


def chat_stream(tier: str | None = "priority", texts: int = 5, *, usage: bool = True, done: bool = True) -> bytes:
    """Return a chat stream: role, text deltas, finish, usage."""
    events = [delta("", tier, role="assistant"), *(delta("x", tier) for _ in range(texts)), delta(None, tier, "stop")]
    if usage:
        events.append(chunk(tier, usage={**USAGE, "completion_tokens": texts + 7, "total_tokens": 107 + texts}))
    return made.chunks(*events, done=done)


def response(tier: str | None = "priority", status: str = "completed", **fields: Any) -> dict[str, Any]:
    """Return a Response object."""
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": "hi", "annotations": []}],
    }
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": status,
        "model": "gpt-5-2025-08-07",
        "output": [message] if status == "completed" else [],
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": RESPONSES_USAGE if status in {"completed", "incomplete"} else None,
        **({"service_tier": tier} if tier is not None else {}),
        **fields,
    }


def responses(tier: str | None = "priority", status: str = "completed", **fields: Any) -> bytes:
    """Return the body of a Response."""
    return json.dumps(response(tier, status, **fields)).encode()


def responses_stream(
    tier: str | None = "priority", echo: str = "auto", last: str = "completed", texts: int = 5, **fields: Any
) -> bytes:
    """Return a Responses stream whose first events echo the request and whose last one tells the truth."""
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "in_progress", "content": []}
    where = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    part = {"type": "output_text", "text": "", "annotations": []}
    begun = response(echo, "in_progress", **{key: fields[key] for key in ("background",) if key in fields})
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": "response.content_part.added", **where, "part": part},
        *({"type": "response.output_text.delta", **where, "delta": "x", "logprobs": []} for _ in range(texts)),
        {"type": f"response.{last}", "response": response(tier, last, **fields)},
    ]
    return made.named({**event, "sequence_number": number} for number, event in enumerate(events))


def embeddings() -> bytes:
    """Return an embeddings reply."""
    vector = {"object": "embedding", "index": 0, "embedding": [0.1, 0.2]}
    usage = {"prompt_tokens": 8, "total_tokens": 8}
    return json.dumps({"object": "list", "data": [vector], "model": "text-embedding-3-small", "usage": usage}).encode()


def completion(tier: str | None = None) -> bytes:
    """Return a legacy completion."""
    choice = {"index": 0, "text": "hi", "finish_reason": "stop", "logprobs": None}
    reply = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "gpt-3.5-turbo-instruct"}
    tiered = {"service_tier": tier} if tier else {}
    return json.dumps({**reply, **tiered, "choices": [choice], "usage": USAGE}).encode()


def error(
    code: str | None, message: str = "no", kind: str = "invalid_request_error", param: str | None = None
) -> bytes:
    """Return an error body."""
    return json.dumps({"error": {"message": message, "type": kind, "param": param, "code": code}}).encode()


def a_batch(ident: str = "batch_1", status: str = "completed", **fields: Any) -> dict[str, Any]:
    """Return a Batch object that ended two hours after it was made."""
    return {
        "id": ident,
        "object": "batch",
        "endpoint": "/v1/responses",
        "input_file_id": "file-1",
        "completion_window": "24h",
        "status": status,
        "created_at": 1_792_800_000,
        f"{status}_at": 1_792_807_200,
        "model": "gpt-5-2025-08-07",
        "request_counts": {"total": 100, "completed": 95, "failed": 5},
        "usage": BATCH_USAGE,
        **fields,
    }


def batch(*args: Any, **fields: Any) -> bytes:
    """Return the body of a Batch."""
    return json.dumps(a_batch(*args, **fields)).encode()


def batches(*found: Any, has_more: bool = False) -> bytes:
    """Return a page of batches."""
    return json.dumps({"object": "list", "data": found, "has_more": has_more}).encode()
