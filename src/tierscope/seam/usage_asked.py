"""Whether a chat stream is asked for its usage, and how, without touching what the caller owns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tierscope.catalog.providers import AZURE
from tierscope.reading import request as reading
from tierscope.reading.fields import field

if TYPE_CHECKING:
    from tierscope.catalog import Provider
    from tierscope.model import Request
    from tierscope.seam.world import World

AZURE_SINCE: Final = "2024-10-21"
"""First api-version known to accept ``stream_options`` (2024-05-01-preview answers 400: openai-python#1469)."""


def is_wanted(world: World, request: Request, row: Provider, client: Any, options: Any) -> bool:
    """Say whether Tierscope may ask for the usage of this stream."""
    mode = world.settings.stream_usage
    if mode == "never" or not request.is_stream or request.endpoint != "chat_completions":
        return False
    body = reading.merged(options.json_data, getattr(options, "extra_json", None))
    if request.raw_mode is not None or not isinstance(options.json_data, dict) or _is_explicit(body):
        return False
    return mode == "always" or (
        request.trusted
        and row.stream_usage == "known"
        and _accepts(row, client, options)
        and "data_sources" not in body
    )


def _is_explicit(body: Any) -> bool:
    choice = body.get("stream_options")
    return choice is not None and (not isinstance(choice, dict) or "include_usage" in choice)


def _accepts(row: Provider, client: Any, options: Any) -> bool:
    """Azure accepts it in its v1 API, and since a version of the older one, as the query of this request names it."""
    if row.name != AZURE or "/openai/v1" in str(client._prepare_url(options.url)):  # noqa: SLF001  as the SDK calls it
        return True
    params = options.params if isinstance(options.params, dict) else {}
    query = {**(getattr(client, "_custom_query", None) or {}), **params}
    version = query.get("api-version", getattr(client, "_api_version", None))
    return isinstance(version, str) and version[:4].isdigit() and version[:10] >= AZURE_SINCE


def with_usage(options: Any) -> Any:
    """Return a copy of the options that asks for usage; the caller's own dictionaries stay as they are."""
    extra = getattr(options, "extra_json", None)
    copy = options.model_copy() if hasattr(options, "model_copy") else options.copy()
    if isinstance(extra, dict) and "stream_options" in extra:
        copy.extra_json = _asking(extra)
    else:
        copy.json_data = _asking(options.json_data)
    return copy


def _asking(body: Any) -> dict[str, Any]:
    return {**body, "stream_options": {**(body.get("stream_options") or {}), "include_usage": True}}


def is_usage_only(chunk: object) -> bool:
    """Say whether this is the chunk that carries nothing but the usage that Tierscope asked for."""
    return field(chunk, "usage") is not None and field(chunk, "choices") == []
