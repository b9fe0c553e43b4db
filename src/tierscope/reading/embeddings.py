"""Embeddings: a model and input tokens; the API has no tier for them."""

from __future__ import annotations

from tierscope.model import Reply
from tierscope.reading import usage as usages
from tierscope.reading.fields import field, text


def reply(body: object, status: int | None = None) -> Reply:
    """Read an embeddings reply; the vectors are not touched."""
    return Reply(
        status=status,
        model=text(body, "model"),
        tier_raw=text(body, "service_tier"),
        usage=usages.of_chat(field(body, "usage")),
    )
