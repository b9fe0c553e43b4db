"""Batches: one, or a page of them, as the API answers; only those that came to their end tell anything.

A Batch names no tier: ``batch`` is set by the endpoint. Its usage is there if it was created after 7 September 2025,
its model where the service tells (openai-python 3.57, ``types/batch.py``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tierscope.model import Batch, Failure, Reply
from tierscope.reading import usage as usages
from tierscope.reading.errors import of_error
from tierscope.reading.fields import count, counts, items, mapping, text
from tierscope.words import BATCH_STATES

if TYPE_CHECKING:
    from collections.abc import Mapping

_EXPIRED: Final = Failure("batch_expired")
"""The word of the Batch guide for requests that the window closed on; the object itself names no error then."""


def reply(body: object, status: int | None = None) -> Reply:
    """Read an answer about batches: the final ones are in it, each a reply of its own."""
    fields = mapping(body)
    told = items(fields, "data") if isinstance(fields.get("data"), list) else [fields]
    return Reply(status, batches=tuple([final for final in map(_final, told) if final is not None]))


def _final(body: object) -> Reply | None:
    """Return what became of one batch; ``None`` while it is under way, and for what is no batch."""
    fields = mapping(body)
    ident, state = text(fields, "id"), text(fields, "status")
    if ident is None or state not in BATCH_STATES:
        return None
    return Reply(
        response_id=ident,
        model=text(fields, "model"),
        response_status=state,
        usage=usages.of_responses(fields.get("usage")),
        failure=_failure(fields, state),
        batch=_batch(fields, state),
    )


def _batch(fields: Mapping[str, Any], state: str) -> Batch:
    begun, ended = counts(fields.get("created_at"), fields.get(f"{state}_at"))
    done = mapping(fields.get("request_counts"))
    return Batch(
        begun,
        None if begun is None or ended is None else count(ended - begun),
        *counts(done.get("total"), done.get("completed"), done.get("failed")),
    )


def _failure(fields: Mapping[str, Any], state: str) -> Failure | None:
    """Return why a batch failed: the first of the errors in it, which are about its input file."""
    if state == "expired":
        return _EXPIRED
    if state != "failed":
        return None
    errors = items(fields.get("errors"), "data")
    return of_error(errors[0] if errors else None, status=None, requested="", refusals=())
