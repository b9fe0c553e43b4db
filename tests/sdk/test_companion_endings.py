"""Every way to leave a stream beside the official package, whose span may end before our record does."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import anyio.lowlevel
import pytest
from tests.sdk import replies
from tests.sdk.capabilities import RESPONSES_TIER
from tests.sdk.conftest import ASK, CHAT
from tests.sdk.doors.walk import TURNS
from tests.sdk.official import ORDERS, THEIRS, both, told

from tierscope import signals, testing

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sdk.conftest import Service
    from tests.sdk.official import Order

TIER: dict[str, Any] = {"service_tier": "priority"}
CHAT_EVENTS, EVENTS = replies.chat_stream("default"), replies.responses_stream("default", echo="priority")


class ApplicationError(Exception):
    """Raised by the application inside its ``with`` block."""


def out(stream: Any) -> None:
    for _ in stream:
        pass


def shut(stream: Any) -> None:
    next(stream)
    stream.close()


def left(stream: Any) -> None:
    with stream:
        next(stream)


def shut_below(stream: Any) -> None:
    next(stream)
    stream.response.close()


def broken(stream: Any) -> None:
    with suppress(Exception):  # its type differs between versions of openai
        out(stream)


def raised(stream: Any) -> None:
    with suppress(ApplicationError), stream:
        next(stream)
        raise ApplicationError


def dropped(stream: Any) -> None:
    next(stream)


def unread(stream: Any) -> None:
    del stream


async def aout(stream: Any) -> None:
    async for _ in stream:
        pass


async def ashut(stream: Any) -> None:
    await anext(stream)
    await stream.close()


async def aleft(stream: Any) -> None:
    async with stream:
        await anext(stream)


async def ashut_below(stream: Any) -> None:
    await anext(stream)
    await stream.response.aclose()


async def abroken(stream: Any) -> None:
    with suppress(Exception):
        await aout(stream)


async def araised(stream: Any) -> None:
    with suppress(ApplicationError):
        async with stream:
            await anext(stream)
            raise ApplicationError


async def adropped(stream: Any) -> None:
    await anext(stream)


async def aunread(stream: Any) -> None:
    del stream


SYNC = (out, shut, left, shut_below, broken, raised, dropped, unread)
ASYNC = dict(zip(SYNC, (aout, ashut, aleft, ashut_below, abroken, araised, adropped, aunread), strict=True))
KINDS: dict[str, Callable[[Any], Any]] = {
    "chat": lambda c: c.chat.completions.create(**CHAT, **TIER, stream=True),
    "chat raw": lambda c: c.chat.completions.with_raw_response.create(**CHAT, **TIER, stream=True),
    "responses": lambda c: c.responses.create(**ASK, **TIER, stream=True),
    "responses raw": lambda c: c.responses.with_raw_response.create(**ASK, **TIER, stream=True),
}


@dataclass(frozen=True)
class Row:
    """One ending: what our own record says, and what of it reaches the official span."""

    kind: str
    door: Callable[[Any], None]
    outcome: str
    ending: str | None
    """The ending word on the official span; ``None``: that span ended before ours knew it."""


CUT, DOWN = "unverified", "downgraded"
ROWS = [
    Row("chat", out, DOWN, "complete"),
    Row("chat", shut, DOWN, "closed"),
    Row("chat", left, DOWN, "closed"),
    Row("chat", shut_below, DOWN, "closed"),
    Row("chat", broken, "failed", "error"),
    Row("chat", raised, DOWN, None),
    Row("chat", dropped, DOWN, None),
    Row("chat", unread, CUT, None),
    Row("chat raw", out, DOWN, None),
    Row("chat raw", left, DOWN, "closed"),
    Row("chat raw", raised, DOWN, None),
    Row("chat raw", unread, CUT, None),
    Row("responses", out, DOWN, None),
    Row("responses", shut, CUT, "closed"),
    Row("responses", left, CUT, "closed"),
    Row("responses", shut_below, CUT, "closed"),
    Row("responses", broken, "failed", "error"),
    Row("responses", raised, CUT, None),
    Row("responses", dropped, CUT, None),
    Row("responses", unread, CUT, None),
    Row("responses raw", out, DOWN, None),
    Row("responses raw", left, CUT, "closed"),
]
TABLE = pytest.mark.parametrize(
    "row",
    [
        pytest.param(row, id=f"{row.kind} {row.door.__name__}", marks=RESPONSES_TIER if "resp" in row.kind else ())
        for row in ROWS
    ],
)
pytestmark = [
    pytest.mark.parametrize("order", ORDERS),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


def answer(service: Service, row: Row) -> tuple[replies.Reply, dict[str, Any]]:
    """Return the reply of a row: a dropped connection for the one that breaks."""
    body = CHAT_EVENTS if row.kind.startswith("chat") else EVENTS
    return replies.stream(body), {"drop_after": 3} if row.door is broken else {}


def check(telemetry: Any, row: Row) -> None:
    """One official span with tiers, whenever it ended; one duration; one record of ours, and with the ending."""
    (span,) = telemetry.spans
    seen = told(span)
    served = "unreported" if row.outcome == CUT or (row.kind.startswith("resp") and row.door is broken) else "default"
    assert span.instrumentation_scope.name == THEIRS
    assert (seen["requested"], seen["expected"], seen["served"]) == ("priority", "priority", served)
    assert seen["ending"] == row.ending
    if row.ending is not None or row.outcome != "failed":
        assert seen["outcome"] == row.outcome
    assert telemetry.records("gen_ai.client.operation.duration") == {THEIRS: 1}
    assert telemetry.records("tierscope.calls") == {signals.SCOPE: 1}
    (outcome,) = [dict(key)["tierscope.tier.outcome"] for key, n in telemetry.points("tierscope.calls").items() if n]
    assert outcome == row.outcome


@TABLE
def test_an_ending_leaves_the_tiers_on_the_official_span(service: Service, order: Order, row: Row) -> None:
    """However a sync stream ends, and whichever of the two ends first."""
    reply, how = answer(service, row)
    with both(order) as telemetry:
        result = KINDS[row.kind](service.client(reply, **how))
        row.door(result.parse() if "raw" in row.kind else result)
        del result
        testing.settle()
        check(telemetry, row)


@TABLE
async def test_an_async_ending_leaves_the_tiers_on_the_official_span(service: Service, order: Order, row: Row) -> None:
    """However an async stream ends."""
    reply, how = answer(service, row)
    with both(order) as telemetry:
        async with service.aclient(reply, **how) as client:
            result = await KINDS[row.kind](client)
            await ASYNC[row.door](result.parse() if "raw" in row.kind else result)
            del result
            for _ in range(2):  # what the loop closes after the first collection leaves the rest to the second
                testing.settle()
                for _ in range(TURNS):
                    await anyio.lowlevel.checkpoint()
            testing.settle()
        check(telemetry, row)
