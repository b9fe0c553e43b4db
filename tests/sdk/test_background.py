"""Responses that run in the background: a tier that is provisional until the end, tokens once per id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.sdk import replies
from tests.sdk.capabilities import RESPONSES, RESPONSES_TIER, RETRIEVE_STREAM
from tests.sdk.conftest import ASK, TRUSTED

from tierscope import seam, testing
from tierscope.seam.background import MAX_REMEMBERED, Background

if TYPE_CHECKING:
    from tests.sdk.conftest import Service

    from tierscope.model import Call, Request

BY_BODY: dict[str, Any] = {"extra_body": {"service_tier": "priority", "background": True}}
STREAMED = replies.stream(replies.responses_stream("default", echo="priority", background=True))


@RESPONSES_TIER
def test_background_tokens_count_once_however_often_it_is_retrieved(service: Service) -> None:
    """Queued: unverified and no tokens. Terminal: the tier of the asker, tokens once. Again: nothing new."""
    queued = replies.whole(replies.responses("priority", "queued", background=True))
    done = replies.whole(replies.responses("default", background=True))
    client = service.client(queued, queued, done, done)
    with testing.capture(TRUSTED) as calls:
        first = client.responses.create(**ASK, service_tier="priority", background=True)
        for _ in range(3):
            client.responses.retrieve(first.id)
    told = [
        (c.request.operation, c.request.requested, c.outcome, c.reply.usage is not None and c.reply.is_usage_new)
        for c in calls
    ]
    assert told == [
        ("chat", "priority", "unverified", False),
        ("fetch_response", "priority", "unverified", False),
        ("fetch_response", "priority", "downgraded", True),
        ("fetch_response", "unreported", "resolved", False),
    ]


@RESPONSES
def test_the_completion_window_is_that_of_the_request(service: Service) -> None:
    """No reply echoes it: the fetch that brings the end has it from the request; a word nobody documents is unknown."""
    queued = replies.whole(replies.responses("default", "queued", background=True))
    client = service.client(queued, queued, replies.whole(replies.responses("default", background=True)))
    with testing.capture(TRUSTED) as calls:
        for window in ("24h", "2h"):
            options = {"background": True, "background_options": {"completion_window": window}}
            client.responses.create(**ASK, extra_body=options)
        client.responses.retrieve("resp_1")
        client.responses.create(**ASK)
    assert [call.request.window for call in calls] == [None, "2h", "2h", None]


@RESPONSES
@pytest.mark.parametrize("background", [False, None])
def test_an_old_stored_response_is_not_counted_when_fetched(service: Service, background: bool | None) -> None:
    """Without ``background: true`` a fetched response was somebody's use before: no tokens."""
    client = service.client(replies.whole(replies.responses(background=background)))
    with testing.capture(TRUSTED) as calls:
        client.responses.retrieve("resp_old")
    assert [c.reply.is_usage_new for c in calls] == [False]


def new_tokens(calls: list[Call]) -> list[int | None]:
    """Return the output tokens that each record adds to a sum."""
    return [c.reply.usage.output if c.reply and c.reply.usage and c.reply.is_usage_new else None for c in calls]


@RETRIEVE_STREAM
def test_a_stream_that_is_cut_and_taken_up_again_counts_once(service: Service) -> None:
    """Left early, then retrieved as a stream, twice: unverified, then the tier of the asker with the tokens, once."""
    client = service.client(STREAMED)
    with testing.capture(TRUSTED) as calls:
        with client.responses.create(**ASK, **BY_BODY, stream=True) as stream:
            next(stream), next(stream)
        for _ in range(2):
            list(client.responses.retrieve("resp_1", stream=True, starting_after=2))
    assert [(c.ending, c.request.requested, c.outcome) for c in calls] == [
        ("closed", "priority", "unverified"),
        ("complete", "priority", "downgraded"),
        ("complete", "unreported", "resolved"),
    ]
    assert new_tokens(calls) == [None, 20, None]


class Curious:
    """An observer that wants every snapshot, as companion mode does, and keeps what it hears."""

    is_curious = True

    def __init__(self) -> None:
        self.learnt: list[Call] = []
        self.calls: list[Call] = []

    def started(self, request: Request, unix_ns: int) -> Curious:
        return self

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exc: object) -> None:
        pass

    def learned(self, call: Call) -> None:
        self.learnt.append(call)

    def ended(self, call: Call) -> None:
        self.calls.append(call)


@RESPONSES
@pytest.mark.parametrize("is_stream", [False, True], ids=["body", "stream"])
def test_a_snapshot_takes_no_tokens_from_the_record(service: Service, is_stream: bool) -> None:
    """Companion mode hears of the tokens before the call ends; the record at the end counts them all the same."""
    client = service.client(STREAMED if is_stream else replies.whole(replies.responses("default", background=True)))
    observer = Curious()
    seam.install(seam.World(observer=observer, settings=TRUSTED))
    try:
        for _ in range(2):
            result = client.responses.create(**ASK, **BY_BODY, stream=is_stream)
            if is_stream:
                list(result)
    finally:
        seam.remove()
    at_first = [None] if is_stream else []
    assert new_tokens(observer.calls) == [20, None]
    assert new_tokens(observer.learnt) == [*at_first, 20, *at_first, None]


class Blank:
    """Stands for a call, of which only the identity counts."""


def test_what_is_remembered_is_bounded() -> None:
    """A process that queues responses for ever forgets the oldest: neither list grows beyond its limit."""
    memory: Any = Background()
    call, request = Blank(), None
    for number in range(MAX_REMEMBERED + 2):
        memory._remember(f"resp_{number}", request)
        memory._count(f"resp_{number}", call)
        memory._remember(f"resp_{number}", request)
    assert (len(memory._asked), len(memory._counted)) == (MAX_REMEMBERED, MAX_REMEMBERED)
    assert (memory._count("resp_0", Blank()), memory._count(f"resp_{MAX_REMEMBERED}", Blank())) == (True, False)
