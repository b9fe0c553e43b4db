"""What a call path is: an answer, a call, and what its record must say; tried without us and with us."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pydantic
import pytest
from tests.sdk import replies
from tests.sdk.conftest import TRUSTED

from tierscope import testing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.sdk.conftest import Service

    from tierscope.config import Settings
    from tierscope.model import Call

TIER: Final[dict[str, Any]] = {"service_tier": "priority"}
BY_BODY: Final[dict[str, Any]] = {"extra_body": TIER}
"""The same tier for resources that have no such keyword in every version."""
CHAT_BODY, CHAT_SSE = replies.chat(), replies.chat_stream()
BODY, EVENTS = replies.responses(), replies.responses_stream()
PARSED = replies.chat(
    choices=[{"index": 0, "message": {"role": "assistant", "content": '{"word": "hi"}'}, "finish_reason": "stop"}]
)


class Answer(pydantic.BaseModel):
    """What ``parse`` is asked for."""

    word: str


@dataclass(frozen=True)
class Path:
    """One way to call: the answer it gets, the call, and what its record must say."""

    name: str
    answer: replies.Reply
    call: Callable[[Any], Any]
    requested: str = "priority"
    served: str = "priority"
    outcome: str = "honored"
    ending: str = "complete"
    operation: str = "chat"
    output: int | None = 20

    def told(self) -> tuple[Any, ...]:
        """Return what the record of this path says."""
        return self.requested, self.served, self.outcome, self.ending, self.operation, self.output


def told(call: Call) -> tuple[Any, ...]:
    """Return what a record says, as ``Path.told``."""
    used = call.reply.usage.output if call.reply and call.reply.usage else None
    return call.request.requested, call.served, call.outcome, call.ending, call.request.operation, used


def path(name: str, answer: bytes, call: Callable[[Any], Any], *needs: Any, **expected: Any) -> Any:
    """Return one row of a table."""
    return pytest.param(Path(name, replies.whole(answer), call, **expected), id=name, marks=needs)


def streamed(name: str, answer: bytes, call: Callable[[Any], Any], *needs: Any, **expected: Any) -> Any:
    """Return one row whose answer is an event stream."""
    row = Path(name, replies.stream(answer), call, **{"output": 12 if answer is CHAT_SSE else 20, **expected})
    return pytest.param(row, id=name, marks=needs)


def listed(make: Callable[[], Any]) -> list[Any]:
    """Return all of what a context manager hands out."""
    with make() as stream:
        return list(stream)


async def alisted(opening: Awaitable[Any]) -> list[Any]:
    """Return all chunks of an async stream."""
    return [chunk async for chunk in await opening]


def plain(result: object) -> object:
    """Return what can be compared of a result: its type and its data."""
    if isinstance(result, list):
        return [plain(entry) for entry in result]
    is_model = isinstance(result, pydantic.BaseModel)
    return type(result), result.model_dump(warnings=False) if is_model else repr(result)[:40]


def check(service: Service, case: Path, settings: Settings = TRUSTED) -> None:
    """One record that says what the path says; the result has the type and data that it has without us."""
    client = service.client(case.answer)
    bare = plain(case.call(client))
    with testing.capture(settings) as calls:
        seen = plain(case.call(client))
    assert seen == bare
    assert [told(call) for call in calls] == [case.told()]


async def acheck(service: Service, case: Path) -> None:
    """The same for the async client."""
    async with service.aclient(case.answer) as client:
        bare = plain(await case.call(client))
        with testing.capture(TRUSTED) as calls:
            result = case.call(client)
            assert inspect.isawaitable(result)
            seen = plain(await result)
    assert seen == bare
    assert [told(call) for call in calls] == [case.told()]
