"""Batches: each that ended is one record a process, whichever call is the first to show it; nothing else is touched."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import pytest
from tests.sdk import replies
from tests.sdk.conftest import TRUSTED
from tests.sdk.hosts import client_at
from tests.sdk.paths import Path, acheck, check, path

import tierscope
from tierscope import testing
from tierscope.config import Settings
from tierscope.model import Batch
from tierscope.seam.world import Seen

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sdk.conftest import Service

    from tierscope.model import Call

HONORED: Final[dict[str, Any]] = {"requested": "batch", "served": "batch", "operation": "batch", "output": 900}


def made(client: Any) -> Any:
    return client.batches.create(input_file_id="file-1", endpoint="/v1/chat/completions", completion_window="24h")


def idents(calls: list[Call]) -> list[str | None]:
    return [call.reply.response_id if call.reply else None for call in calls]


# ── the four calls ────────────────────────────────────────────────────────────────────────────────────────────────
def streamed(client: Any, read: Callable[[Any], Any]) -> Any:
    with client.batches.with_streaming_response.retrieve("batch_1") as response:
        return read(response)


async def astreamed(client: Any) -> Any:
    async with client.batches.with_streaming_response.retrieve("batch_1") as response:
        return await response.parse()


async def alisted(client: Any) -> Any:
    return (await client.batches.list()).data


CALLS: Final = [
    path("retrieve", replies.batch(), lambda c: c.batches.retrieve("batch_1"), **HONORED),
    path("list", replies.batches(replies.a_batch()), lambda c: c.batches.list(limit=5).data, **HONORED),
    path(
        "cancel",
        replies.batch(status="cancelled"),
        lambda c: c.batches.cancel("batch_1"),
        ending="cancelled",
        **HONORED,
    ),
    path("create", replies.batch(), made, **HONORED),
    path(
        "raw", replies.batch(), lambda c: c.batches.with_raw_response.retrieve("batch_1").http_response.text, **HONORED
    ),
    path(
        "raw list",
        replies.batches(replies.a_batch()),
        lambda c: c.batches.with_raw_response.list().parse().data,
        **HONORED,
    ),
    path("streaming read", replies.batch(), lambda c: streamed(c, lambda r: r.read()), **HONORED),
    path("streaming parsed", replies.batch(), lambda c: streamed(c, lambda r: r.parse()), **HONORED),
    path("by hand", replies.batch(), lambda c: c.get("/batches/batch_1?a=b", cast_to=object), **HONORED),
    path(
        "with options", replies.batch(), lambda c: c.with_options(max_retries=1).batches.retrieve("batch_1"), **HONORED
    ),
]
ASYNC_CALLS: Final = [
    path("retrieve", replies.batch(), lambda c: c.batches.retrieve("batch_1"), **HONORED),
    path("list", replies.batches(replies.a_batch()), alisted, **HONORED),
    path(
        "cancel",
        replies.batch(status="cancelled"),
        lambda c: c.batches.cancel("batch_1"),
        ending="cancelled",
        **HONORED,
    ),
    path("create", replies.batch(), made, **HONORED),
    path("streaming parsed", replies.batch(), astreamed, **HONORED),
]


@pytest.mark.parametrize("case", CALLS)
def test_any_call_may_tell_of_an_end(service: Service, case: Path) -> None:
    """One record with tier, outcome and tokens; the result has the type and data that it has without us."""
    check(service, case)


@pytest.mark.parametrize("case", ASYNC_CALLS)
async def test_any_async_call_may_tell_of_an_end(service: Service, case: Path) -> None:
    """The same for the async client."""
    await acheck(service, case)


def test_a_record_says_what_became_of_a_batch(service: Service) -> None:
    """Turn-around 1 760 007 200 - 1 760 000 000 = 7 200 s; nothing of the API call is taken for the batch's."""
    client = service.client(replies.whole(replies.batch(), headers=replies.LIMITS))
    with testing.capture(Settings()) as calls:  # a host that nobody trusts: the tier is the endpoint's
        client.batches.retrieve("batch_1")
    (call,) = calls
    assert call.reply is not None
    assert call.reply.batch == Batch(1_792_800_000, 7200, 100, 95, 5)
    assert (call.reply.response_status, call.reply.model) == ("completed", "gpt-5-2025-08-07")
    assert (call.request.expected, call.outcome, call.error_type) == ("batch", "honored", None)
    assert (call.attempts, call.headers, call.speed.end_to_end) == ((), None, None)


ENDS: Final = [
    pytest.param("completed", {}, "honored", "complete", None, id="completed"),
    pytest.param("cancelled", {}, "honored", "cancelled", None, id="cancelled"),
    pytest.param("expired", {}, "failed", "error", "batch_expired", id="expired"),
    pytest.param(
        "failed", {"errors": {"data": [{"code": "token_limit_exceeded", "message": "no"}]}}, "failed", "error",
        "token_limit_exceeded", id="failed",
    ),
    pytest.param("failed", {}, "failed", "error", "_OTHER", id="failed without a word"),
]  # fmt: skip


@pytest.mark.parametrize(("status", "fields", "outcome", "ending", "error"), ENDS)
def test_each_end_has_its_outcome(
    service: Service, status: str, fields: dict[str, Any], outcome: str, ending: str, error: str | None
) -> None:
    """Whatever the end, the tier is known."""
    client = service.client(replies.whole(replies.batch(status=status, **fields)))
    with testing.capture(TRUSTED) as calls:
        client.batches.retrieve("batch_1")
    assert [(c.served, c.outcome, c.ending, c.error_type) for c in calls] == [("batch", outcome, ending, error)]


def test_azure_batches_are_told_alike(service: Service) -> None:
    """The header by which Azure's requests name a tier is none of a batch."""
    one, several = replies.whole(replies.batch()), replies.whole(replies.batches(replies.a_batch("batch_2")))
    how: dict[str, Any] = {"api_version": "2024-10-21", "default_headers": {"x-ms-service-tier": "priority"}}
    client = client_at(service, "https://x.openai.azure.com", one, several, **how)
    with testing.capture(TRUSTED) as calls, client:
        client.batches.retrieve("batch_1")
        client.batches.list()
    told = [(c.request.provider, c.request.requested, c.request.address, c.outcome) for c in calls]
    assert told == [("azure.ai.openai", "batch", "x.openai.azure.com", "honored")] * 2


# ── once ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_an_end_is_told_once_however_often_it_is_seen(service: Service) -> None:
    """Polled until it ends, then retrieved, listed and cancelled: one record, of the call that saw it first."""
    under_way = replies.whole(replies.batch(status="in_progress"))
    client = service.client(under_way, under_way, replies.whole(replies.batch()))
    pages = service.client(replies.whole(replies.batches(replies.a_batch(), replies.a_batch())))
    counts = []
    with testing.capture(TRUSTED) as calls:
        for _ in range(4):
            client.batches.retrieve("batch_1")
            counts.append(len(calls))
        pages.batches.list()
        client.batches.cancel("batch_1")
    assert (counts, idents(calls)) == ([0, 0, 1, 1], ["batch_1"])


def test_every_batch_of_every_page_is_a_record(service: Service) -> None:
    """Pages that overlap, one still under way, one seen before: each end once, and the application gets them all."""
    first = replies.batches(
        replies.a_batch("b1"), replies.a_batch("b2", "in_progress"), replies.a_batch("b3", "failed"), has_more=True
    )
    second = replies.batches(replies.a_batch("b3", "failed"), replies.a_batch("b4"))
    client = service.client(*map(replies.whole, (first, second, replies.batches())))
    with testing.capture(TRUSTED) as calls:
        seen = [found.id for found in client.batches.list()]
    assert (seen, idents(calls)) == (["b1", "b2", "b3", "b3", "b4"], ["b1", "b3", "b4"])
    assert [call.outcome for call in calls] == ["honored", "failed", "honored"]


async def test_async_pages_are_told_alike(service: Service) -> None:
    answers = (
        replies.batches(replies.a_batch("b1"), has_more=True),
        replies.batches(replies.a_batch("b2")),
        replies.batches(),
    )
    async with service.aclient(*map(replies.whole, answers)) as client:
        with testing.capture(TRUSTED) as calls:
            seen = [found.id async for found in client.batches.list()]
    assert seen == idents(calls) == ["b1", "b2"]


def test_threads_that_see_the_same_end_tell_it_once(service: Service) -> None:
    """Eight threads, eighty looks at five batches."""
    clients = [service.client(replies.whole(replies.batch(f"b{number}"))) for number in range(5)]
    with testing.capture(TRUSTED) as calls, ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: clients[number % 5].batches.retrieve("b"), range(80)))
    assert sorted(map(str, idents(calls))) == ["b0", "b1", "b2", "b3", "b4"]


@pytest.mark.asyncio
async def test_tasks_that_see_the_same_end_tell_it_once(service: Service) -> None:
    async with service.aclient(replies.whole(replies.batches(replies.a_batch("b1"), replies.a_batch("b2")))) as client:

        async def look() -> None:
            await client.batches.list()

        with testing.capture(TRUSTED) as calls:
            await asyncio.gather(*(look() for _ in range(20)))
    assert sorted(map(str, idents(calls))) == ["b1", "b2"]


def test_what_was_told_stays_told_after_an_uninstrument(service: Service) -> None:
    """Seen while instrumented: never again. Seen in between: told when it is seen again."""
    told, unseen = (service.client(replies.whole(replies.batch(f"batch_{name}"))) for name in ("told", "unseen"))
    seen: list[str | None] = []
    for is_instrumented in (True, False, True, True):
        if is_instrumented:
            tierscope.instrument(TRUSTED)
            with testing.capture() as calls:
                told.batches.retrieve("b")
                if seen:
                    unseen.batches.retrieve("b")
            seen += idents(calls)
            tierscope.uninstrument()
        else:
            unseen.batches.retrieve("b")
    assert seen == ["batch_told", "batch_unseen"]


def test_what_is_remembered_is_bounded() -> None:
    """The one that nobody has looked at for the longest time is forgotten first."""
    seen = Seen()
    assert all(seen.is_new(str(number)) for number in range(Seen.MOST))
    assert not seen.is_new("0")
    assert seen.is_new("one more")
    assert (seen.is_new("0"), seen.is_new("1")) == (False, True)
