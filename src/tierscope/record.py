"""Facts of a finished operation in, one frozen ``Call`` out. Pure."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from tierscope import rates, tiers
from tierscope.model import Call, Reply, Speed
from tierscope.words import AUTO, BATCH, DOWNGRADED, FAILED, HONORED, OTHER

if TYPE_CHECKING:
    from tierscope.catalog import Catalog, Provider
    from tierscope.model import Attempt, EndingWord, Failure, Headers, Request, Shape, Timing, Usage
    from tierscope.tiers import ReplyState

_CUT = frozenset({"closed", "abandoned", "cancelled"})
_NO_TIER = frozenset({None, "", AUTO})
_NO_SPEED = Speed()


def reply_state(reply: Reply | None, failure: Failure | None, ending: EndingWord, *, is_stream: bool) -> ReplyState:
    """Say how far a reply came; DESIGN's precedence begins here."""
    if reply is None:
        return "refused" if failure is not None and failure.message_matches else "failed"
    if reply.failure is not None or (ending == "error" and is_stream):
        return "failed"
    is_said = reply.tier_raw not in _NO_TIER or reply.response_status is not None  # of Responses: the terminal event
    if not reply.is_terminal or (ending in _CUT and not is_said):
        return "pending"
    return "answered"


@functools.lru_cache(maxsize=1024)
def verdict(row: Provider, raw: str | None, expected: str | None, trusted: bool, state: ReplyState) -> tuple[str, str]:
    """Return served tier and outcome; the same few are asked for at each call."""
    served = tiers.served(raw, row.aliases)
    return served, tiers.outcome(expectation=expected, served_word=served, trusted=trusted, state=state)


def _inferred_cause(catalog: Catalog, row: Provider, reply: Reply | None, usage: Usage | None) -> str | None:
    return tiers.inferred_cause(
        DOWNGRADED,
        input_tokens=usage.input if usage else None,
        excludes_long_context=catalog.excludes_long_context(row.name, reply.model if reply else None),
    )


def build(
    request: Request,
    *,
    row: Provider,
    catalog: Catalog,
    attempts: tuple[Attempt, ...],
    reply: Reply | None,
    headers: Headers | None,
    timing: Timing,
    shape: Shape | None,
    ending: EndingWord,
    failure: Failure | None = None,
) -> Call:
    """Make the record of one operation.

    Args:
        request: the asked-for half.
        row: the provider's row, for its aliases.
        catalog: says which promises exclude long prompts.
        attempts: every HTTP try.
        reply: what was read of the reply, ``None`` if there was none.
        headers: what the response headers told.
        timing: stamps.
        shape: of a stream, else ``None``.
        ending: how it ended.
        failure: what the SDK raised, reduced.

    """
    usage = reply.usage if reply is not None and reply.is_usage_new else None
    state = reply_state(reply, failure, ending, is_stream=request.is_stream)
    served, outcome = verdict(row, reply.tier_raw if reply else None, request.expected, request.trusted, state)
    failed = failure or (reply.failure if reply is not None else None)
    speed = rates.speed(
        usage,
        shape,
        timing,
        is_complete=ending == "complete" and state == "answered",
        is_background=request.is_background or bool(reply and reply.is_background),
        is_replayed=request.operation == "fetch_response",
    )
    cause = _inferred_cause(catalog, row, reply, usage) if outcome == DOWNGRADED else None
    error_type = failed.error_type if failed is not None else OTHER if ending == "error" else None
    return Call(request, attempts, reply, headers, timing, ending, speed, served, outcome, cause, error_type)


def of_batch(told: Call, reply: Reply) -> Call:
    """Make the record of one batch from the API call that told of its end.

    It has no attempts, headers and rates: those of the API call are not the batch's. Its tier is set by the endpoint,
    so nobody's echo is needed: one that completed or was cancelled was served as asked, one that failed or expired was
    not served in full.
    """
    failure = reply.failure
    return told._replace(
        attempts=(),
        reply=reply,
        headers=None,
        ending="error" if failure is not None else "cancelled" if reply.response_status == "cancelled" else "complete",
        speed=_NO_SPEED,
        served=BATCH,
        outcome=HONORED if failure is None else FAILED,
        inferred_cause=None,
        error_type=None if failure is None else failure.error_type,
    )
