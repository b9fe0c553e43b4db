"""What an application asked for: the endpoint behind a path, and the tier in header or body."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any, Final

from tierscope.words import WINDOWS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tierscope.model import Endpoint, Operation

MAX_TIER: Final = 128
MAX_MODEL: Final = 512
_POSTED: Final[tuple[tuple[str, Endpoint, Operation], ...]] = (
    ("/chat/completions", "chat_completions", "chat"),
    ("/responses", "responses", "chat"),
    ("/completions", "completions", "text_completion"),
    ("/embeddings", "embeddings", "embeddings"),
)
_FETCHED: Final = r"/responses/[^/]+$"
_BATCHES: Final = {"post": r"/batches(/[^/]+/cancel)?$", "get": r"/batches(/[^/]+)?$"}
"""Made and cancelled, listed and retrieved: each may be the first to show that a batch came to its end."""
_DEPLOYMENT: Final = r"/deployments/([^/]+)/"


@functools.lru_cache(maxsize=256)
def endpoint(method: str, url: str) -> tuple[Endpoint, Operation] | None:
    """Return endpoint and operation of a method and a path or absolute URL; ``None`` if it tells of no inference."""
    path = url.partition("?")[0].rstrip("/")
    verb = method.lower()
    if verb == "post":
        for tail, kind, operation in _POSTED:
            if path.endswith(tail):
                return kind, operation
    elif verb == "get" and re.search(_FETCHED, path):
        return "responses", "fetch_response"
    return ("batches", "batch") if verb in _BATCHES and re.search(_BATCHES[verb], path) else None


def fetched_id(url: str) -> str:
    """Return the response id in the path of a retrieve."""
    return url.partition("?")[0].rstrip("/").rpartition("/")[2]


def deployment(path: str) -> str | None:
    """Return the Azure deployment in a path as sent."""
    match = re.search(_DEPLOYMENT, path)
    return match.group(1) if match else None


def merged(body: object, extra: object) -> Mapping[str, Any]:
    """Return the body as it will be sent: ``extra_body`` wins over keywords."""
    base = body if isinstance(body, dict) else {}
    return {**base, **extra} if isinstance(extra, dict) and extra else base


def asked(body: Mapping[str, Any]) -> tuple[str | None, str | None, bool, str | None]:
    """Return tier and model as sent, whether the work is to be done in the background, and in which window.

    JSON ``null`` is the same as nothing sent; a tier that is no text passes to the service, and is kept as it reads.
    """
    tier, model = body.get("service_tier"), body.get("model")
    if tier is not None:
        tier = (tier if isinstance(tier, str) else repr(tier))[:MAX_TIER]
    model = model[:MAX_MODEL] if isinstance(model, str) and model else None
    options = body.get("background_options")
    return tier, model, body.get("background") is True, None if options is None else _window(options)


def _window(options: object) -> str | None:
    """Return the completion window that was asked for; a word that is not documented is unknown."""
    word = options.get("completion_window") if isinstance(options, dict) else None
    return next((window for window in WINDOWS if window == word), None)
