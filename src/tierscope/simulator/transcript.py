"""Reads back what was truly sent: the ledger's truth comes from these bytes, never from what was meant to be sent."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_TERMINAL = {"response.completed", "response.incomplete", "response.failed"}


@dataclass(frozen=True, slots=True)
class Facts:
    """What the bytes say.

    `served` is the tier a reader should believe: the last non-null one of a chat stream or body, that of the terminal
    event in Responses; None where none was sent. Tokens are None where no usage was sent. `finished` is whether a
    stream's terminal event or `[DONE]` went out.
    """

    served: str | None = None
    response_id: str | None = None
    response_model: str | None = None
    response_status: str | None = None
    usage_sent: bool = False
    input_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    output_tokens: int | None = None
    reasoning_tokens: int | None = None
    text_deltas: int = 0
    chunks: int = 0
    stream_error: str | None = None
    finished: bool = False


class Transcript:
    """Fed with the bytes of one reply as they go out; `facts()` at any time is what they say so far."""

    def __init__(self, *, events: bool, encoding: str | None = None) -> None:
        self._events = events
        self._inflate = zlib.decompressobj(47) if encoding in {"gzip", "deflate"} else None
        self._rest = b""
        self._seen: dict[str, Any] = {}
        self._text_deltas = 0
        self._chunks = 0

    def feed(self, sent: bytes) -> tuple[bool, bool]:
        """Adds bytes; says whether they held a token (text, tool arguments, reasoning), and a text delta."""
        plain = self._inflate.decompress(sent) if self._inflate else sent
        self._rest += plain
        if not self._events:
            return False, False
        *whole, self._rest = self._rest.replace(b"\r\n", b"\n").split(b"\n\n")
        found = [self._event(block) for block in whole]
        return any(token for token, _ in found), any(text for _, text in found)

    def facts(self) -> Facts:
        """What was sent so far."""
        if not self._events and self._rest:
            self._note(_parsed(self._rest))
        return Facts(**self._seen, text_deltas=self._text_deltas, chunks=self._chunks)

    def _event(self, block: bytes) -> tuple[bool, bool]:
        lines = [line[5:].strip() for line in block.split(b"\n") if line.startswith(b"data:")]
        raw = b"\n".join(lines)
        if raw == b"[DONE]":
            self._seen["finished"] = True
            return False, False
        value = _parsed(raw)
        if not value:
            return False, False
        self._chunks += 1
        kind = value.get("type")
        if isinstance(kind, str):
            self._response_event(kind, value)
        else:
            self._note(value)
        token, text = _has_token(value), _has_text(value)
        self._text_deltas += text
        return token, text

    def _response_event(self, kind: str, value: Mapping[str, Any]) -> None:
        if kind == "error":
            self._seen["stream_error"] = _error_word(value.get("error") or value)
        reply = value.get("response")
        if isinstance(reply, Mapping):
            self._note(reply if kind in _TERMINAL else {k: v for k, v in reply.items() if k != "service_tier"})
            self._seen["finished"] = kind in _TERMINAL

    def _note(self, value: Mapping[str, Any]) -> None:
        names = {"service_tier": "served", "id": "response_id", "model": "response_model", "status": "response_status"}
        for key, name in names.items():
            if isinstance(value.get(key), str) and (value[key] or key == "service_tier"):
                self._seen[name] = value[key]
        if isinstance(value.get("error"), Mapping):
            self._seen["stream_error"] = _error_word(value["error"])
        if isinstance(value.get("usage"), Mapping):
            self._seen |= _tokens(value["usage"])


def _parsed(raw: bytes) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _error_word(error: Any) -> str:
    found = error.get("code") or error.get("type") if isinstance(error, Mapping) else None
    return str(found or "error")


def _tokens(usage: Mapping[str, Any]) -> dict[str, Any]:
    inside = usage.get("input_tokens_details") or usage.get("prompt_tokens_details") or {}
    outside = usage.get("output_tokens_details") or usage.get("completion_tokens_details") or {}
    return {
        "usage_sent": True,
        "input_tokens": _count(usage.get("input_tokens", usage.get("prompt_tokens"))),
        "output_tokens": _count(usage.get("output_tokens", usage.get("completion_tokens"))),
        "cached_tokens": _count(inside.get("cached_tokens")),
        "cache_write_tokens": _count(inside.get("cache_write_tokens")),
        "reasoning_tokens": _count(outside.get("reasoning_tokens")),
    }


def _count(value: Any) -> int | None:
    """A count; None for whatever else a script has sent in its place."""
    return value if isinstance(value, int) else None


def _deltas(value: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    choices = value.get("choices")
    found = [c for c in choices if isinstance(c, Mapping)] if isinstance(choices, list) else []
    return [c["delta"] if isinstance(c.get("delta"), Mapping) else c for c in found]


def _has_text(value: Mapping[str, Any]) -> bool:
    if value.get("type") in {"response.output_text.delta", "response.refusal.delta"}:
        return bool(value.get("delta"))
    return any(d.get("content") or d.get("refusal") or d.get("text") for d in _deltas(value))


def _has_token(value: Mapping[str, Any]) -> bool:
    kind = value.get("type")
    if isinstance(kind, str):
        return kind.endswith(".delta") and bool(value.get("delta"))
    return _has_text(value) or any(d.get("tool_calls") or d.get("reasoning_content") for d in _deltas(value))
