"""The recorded exchanges: where they are, and how they are read."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

REASON: Final = "the recorded corpus is not on this machine (set TIERSCOPE_CORPUS to its folder)"
"""Why a test that needs the corpus was skipped."""
ENDPOINTS: Final = ("chat/completions", "completions", "responses", "embeddings")
AZURE_HOSTS: Final = (".openai.azure.com", ".services.ai.azure.com", ".cognitiveservices.azure.com")
NOT_REPLAYED: Final = frozenset(("content-length", "transfer-encoding", "content-encoding", "connection", "keep-alive"))
SSE_STARTS: Final = (b"data:", b"event:", b"id:", b"retry:", b":")


@dataclass(frozen=True, slots=True)
class Exchange:
    """One recorded HTTP exchange."""

    id: str
    """The last part of the file name: twelve hexadecimal digits."""
    endpoint: str
    """One of ``ENDPOINTS``."""
    method: str
    url: str
    request_headers: Mapping[str, str]
    request: Mapping[str, Any]
    """The request body. Empty or partial where only the response was recorded (see ``reconstructed``)."""
    status: int
    headers: Mapping[str, str]
    """Response headers, lower case, without those that describe the framing: the body is stored decoded."""
    body: bytes
    is_stream: bool
    """Whether the response body is an event stream, judged by the body itself."""
    reconstructed: bool
    name: str = ""
    """The file name without its suffix, for messages and test ids."""

    @property
    def host(self) -> str:
        """The host of the recorded URL."""
        return urlsplit(self.url).hostname or ""

    @property
    def is_azure(self) -> bool:
        """Whether the host is one of Azure's (the client class does not matter)."""
        return self.host.endswith(AZURE_HOSTS)


def corpus_dir() -> Path | None:
    """Return the folder of the recordings, or ``None`` where there is none: the only place that knows the path."""
    named = os.environ.get("TIERSCOPE_CORPUS")
    folder = Path(named) if named else Path(__file__).resolve().parents[3] / "shared" / "corpus"
    return folder if any(folder.glob("*.json")) else None


def looks_like_events(body: bytes) -> bool:
    """Say whether a body is an event stream. Some recordings call theirs ``application/json``, some say nothing."""
    return body.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(SSE_STARTS)


def endpoint_of(url: str) -> str:
    """Return the endpoint a URL addresses, whatever the host, prefix or deployment before it."""
    path = urlsplit(url).path.rstrip("/")
    return next(name for name in ENDPOINTS if path.endswith(name))


def _replay_headers(recorded: Mapping[str, str], *, is_stream: bool) -> dict[str, str]:
    """Return the headers that are safe to send again; a content type that was not recorded is supplied."""
    headers = {name.lower(): value for name, value in recorded.items() if name.lower() not in NOT_REPLAYED}
    headers.setdefault("content-type", "text/event-stream" if is_stream else "application/json")
    return headers


def _read(path: Path) -> Exchange:
    recorded = json.loads(path.read_text(encoding="utf-8"))
    request, response = recorded["request"], recorded["response"]
    body = response["body"].encode()
    is_stream = looks_like_events(body)
    return Exchange(
        id=recorded["id"],
        endpoint=endpoint_of(request["url"]),
        method=request["method"],
        url=request["url"],
        request_headers={name.lower(): value for name, value in request["headers"].items()},
        request=request["body"],
        status=response["status"],
        headers=_replay_headers(response["headers"], is_stream=is_stream),
        body=body,
        is_stream=is_stream,
        reconstructed=bool(recorded["source"].get("request_reconstructed")),
        name=path.stem,
    )


@cache
def _read_all(folder: Path) -> tuple[Exchange, ...]:
    return tuple(_read(path) for path in sorted(folder.glob("*.json")))


def exchanges() -> list[Exchange]:
    """Return every recorded exchange in the order of the file names; none where there is no corpus."""
    folder = corpus_dir()
    return [] if folder is None else list(_read_all(folder))
