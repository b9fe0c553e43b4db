"""Exchanges made by hand, for what the corpus does not hold."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from .corpus import Exchange, endpoint_of, looks_like_events

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CHAT: Final = "https://api.openai.com/v1/chat/completions"
RESPONSES: Final = "https://api.openai.com/v1/responses"
AZURE: Final = "https://x.openai.azure.com/openai/v1/responses"
DONE: Final = b"data: [DONE]\n\n"


def exchange(
    url: str,
    body: bytes,
    request: Mapping[str, Any] | None = None,
    *,
    status: int = 200,
    request_headers: Mapping[str, str] | None = None,
) -> Exchange:
    """Return an exchange with this response body."""
    is_stream = looks_like_events(body)
    return Exchange(
        id="made",
        endpoint=endpoint_of(url),
        method="POST",
        url=url,
        request_headers=request_headers or {},
        request=request or {},
        status=status,
        headers={"content-type": "text/event-stream" if is_stream else "application/json"},
        body=body,
        is_stream=is_stream,
        reconstructed=True,
        name="made",
    )


def body(**fields: Any) -> bytes:
    """Return a JSON body."""
    return json.dumps(fields).encode()


def chunks(*payloads: Mapping[str, Any], done: bool = True) -> bytes:
    """Return a chat stream of these chunks."""
    return b"".join(b"data: %b\n\n" % json.dumps(item).encode() for item in payloads) + (DONE if done else b"")


def named(payloads: Iterable[Mapping[str, Any]]) -> bytes:
    """Return a Responses stream: each event is named by its type."""
    return b"".join(
        b"event: %b\ndata: %b\n\n" % (str(item["type"]).encode(), json.dumps(item).encode()) for item in payloads
    )


def response_event(word: str, **fields: Any) -> dict[str, Any]:
    """Return the event ``response.<word>`` with a Response of these fields."""
    return {"type": f"response.{word}", "response": {"id": "resp_1", "model": "gpt-5", **fields}}


def text_delta(words: str, index: int = 0) -> dict[str, Any]:
    """Return a chat chunk with one text delta."""
    return {"choices": [{"index": index, "delta": {"content": words}}]}
