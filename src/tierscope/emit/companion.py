"""Companion mode: inside a span of the official package our facts go onto its span and metrics, not onto a second one.

The join point is documented in the README of opentelemetry-util-genai: plain context keys that hold the outer
package's data object. Neither package is imported here: the object's class is recognised by its name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from opentelemetry import context

from tierscope import signals as s
from tierscope.emit import spans
from tierscope.words import UNREPORTED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tierscope.model import Call, Request

_KEYS: Final[Mapping[str, tuple[str, str]]] = {
    "chat": ("opentelemetry.genai.client.inference.context", "InferenceData"),
    "text_completion": ("opentelemetry.genai.client.inference.context", "InferenceData"),
    "embeddings": ("opentelemetry.genai.client.embedding.context", "EmbeddingData"),
    "fetch_response": ("opentelemetry.genai.client.fetch_response.context", "FetchResponseData"),
}


def outer(request: Request) -> Any | None:
    """Return the data object of an official span around this call, read once while ``request`` runs."""
    key, kind = _KEYS[request.operation]
    data = context.get_value(key)
    return data if type(data).__name__ == kind else None


def publish_start(data: Any, request: Request) -> None:
    """Write what is known before the request is sent."""
    data.attributes[s.TIER_REQUESTED.key] = request.requested


def publish_so_far(data: Any, call: Call) -> None:
    """Write what is known before the stream has ended; the outer span may end first."""
    _write(data, call, spans.so_far(call))


def publish_end(data: Any, call: Call) -> None:
    """Write everything, where the outer span still listens."""
    _write(data, call, spans.at_end(call))


def _write(data: Any, call: Call, attributes: dict[str, Any]) -> None:
    data.attributes.update(attributes)
    metric: dict[str, Any] | None = getattr(data, "metric_attributes", None)
    if metric is None:
        return
    metric[s.TIER_REQUESTED.key] = call.request.requested
    metric[s.TIER_SERVED.key] = call.served
    if call.served != UNREPORTED:
        metric[s.RESPONSE_TIER.key] = call.served
