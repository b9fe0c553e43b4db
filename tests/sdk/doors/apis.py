"""The two APIs that stream, behind one face: a door opens a stream plainly, raw, by a helper, or by its own class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import openai
from tests.sdk import replies

if TYPE_CHECKING:
    from collections.abc import Callable

TIER: Final = "priority"
HELD_AFTER: Final = 2
"""Chunks after which a service that holds says no more."""
ERROR: Final = b'event: error\ndata: {"type":"error","error":{"message":"m","type":"server_error","code":null}}\n\n'


@dataclass(frozen=True, slots=True)
class Api:
    """One streaming API of the service."""

    name: str
    path: str
    body: dict[str, Any]
    """What is asked for; the tier goes by ``extra_body``, for old versions know no keyword of that name here."""
    events: bytes
    """The answer, event by event; the tier is in every chunk (chat), or in the last event alone (Responses)."""
    tokens: int
    resource: Callable[[Any], Any]
    helpers: Callable[[Any], Any]


def _chat_helpers(client: Any) -> Any:
    chat = client.chat.completions
    return chat if hasattr(chat, "stream") else client.beta.chat.completions


CHAT: Final = Api(
    "chat",
    "/chat/completions",
    {"model": "gpt-4.1", "messages": [{"role": "user", "content": "hi"}]},
    replies.chat_stream(TIER, texts=2),
    9,
    lambda client: client.chat.completions,
    _chat_helpers,
)
RESPONSES: Final = Api(
    "responses",
    "/responses",
    {"model": "gpt-5", "input": "hi"},
    replies.responses_stream(TIER, echo=TIER, texts=2),
    20,
    lambda client: client.responses,
    lambda client: client.responses,
)
APIS: Final = {"chat": CHAT, "responses": RESPONSES}


class OwnStream(openai.Stream[Any]):
    """A user's subclass with its own ``__stream__``."""

    def __stream__(self) -> Any:
        for event in self._iter_events():
            if not event.data.startswith("[DONE]"):
                yield event.json()


class OwnAsyncStream(openai.AsyncStream[Any]):
    """The same for the async client."""

    async def __stream__(self) -> Any:
        async for event in self._iter_events():
            if not event.data.startswith("[DONE]"):
                yield event.json()


@dataclass(frozen=True, slots=True)
class At:
    """Where a door is tried: a client of one answer, sync or async, and the API it calls."""

    client: Any
    api: Api
    is_asked: Callable[[], bool]
    """Whether the service holds a request that it has not answered."""

    @property
    def _ask(self) -> dict[str, Any]:
        return {**self.api.body, "extra_body": {"service_tier": TIER}}

    def stream(self) -> Any:
        """Open a stream."""
        return self.api.resource(self.client).create(**self._ask, stream=True)

    def raw(self) -> Any:
        """Open a stream by ``with_raw_response``."""
        return self.api.resource(self.client).with_raw_response.create(**self._ask, stream=True)

    def streaming(self) -> Any:
        """Return the context manager of ``with_streaming_response``."""
        return self.api.resource(self.client).with_streaming_response.create(**self._ask, stream=True)

    def manager(self) -> Any:
        """Return the helper's context manager."""
        return self.api.helpers(self.client).stream(**self._ask)

    def own(self, kind: type) -> Any:
        """Open a stream of the user's own class."""
        body = {**self.api.body, "service_tier": TIER, "stream": True}
        return self.client.post(self.api.path, cast_to=object, body=body, stream=True, stream_cls=kind)


def broken(api: Api) -> replies.Reply:
    """Return the API's answer with an error event in the middle."""
    return replies.stream(b"\n\n".join(api.events.split(b"\n\n")[:2]) + b"\n\n" + ERROR)
