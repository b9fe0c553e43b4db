"""Companion mode: inside a span of the official package our facts go onto its span and metrics, not onto a second one.

The join point is documented in the README of opentelemetry-util-genai: plain context keys that hold the outer
package's data object. Neither package is imported here: the object's class is recognised by its name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tierscope import signals as s
from tierscope.emit import spans
from tierscope.words import UNREPORTED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.context import Context

    from tierscope.model import Call, Request

_KEYS: Final[Mapping[str, tuple[str, str]]] = {
    "chat": ("opentelemetry.genai.client.inference.context", "InferenceData"),
    "text_completion": ("opentelemetry.genai.client.inference.context", "InferenceData"),
    "embeddings": ("opentelemetry.genai.client.embedding.context", "EmbeddingData"),
    "fetch_response": ("opentelemetry.genai.client.fetch_response.context", "FetchResponseData"),
}


def outer(ambient: Context, request: Request) -> Any | None:
    """Return the data object of an official span around this call, read once while ``request`` runs."""
    key, kind = _KEYS[request.operation]
    data = ambient.get(key)
    return data if type(data).__name__ == kind else None


def publish_start(data: Any, request: Request) -> None:
    """Write what is known before the request is sent."""
    told = spans.at_start(request)
    data.attributes.update({key: told[key] for key in _OURS if key in told})


_OURS: Final = tuple(attribute.key for attribute in (s.TIER_REQUESTED, s.TIER_EXPECTED, s.REQUEST_TIER))
"""Of the request, what the outer span does not say itself."""


def publish_so_far(data: Any, call: Call) -> None:
    """Write what is known before the stream has ended; the outer span may end first."""
    _write(data, call, spans.so_far(call))


def publish_end(data: Any, call: Call) -> None:
    """Write everything, where the outer span still listens."""
    _write(data, call, spans.at_end(call))


def _write(data: Any, call: Call, attributes: dict[str, Any]) -> None:
    publish_start(data, call.request)  # the request as sent may have told another tier
    data.attributes.update(attributes)
    metric: dict[str, Any] | None = getattr(data, "metric_attributes", None)
    if metric is None:
        return
    metric[s.TIER_REQUESTED.key] = call.request.requested
    metric[s.TIER_SERVED.key] = call.served
    if call.served != UNREPORTED:
        metric[s.RESPONSE_TIER.key] = call.served
