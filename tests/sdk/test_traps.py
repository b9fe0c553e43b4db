"""Traps of the seam that no table of paths or doors shows."""

from __future__ import annotations

import asyncio
import importlib
import sys
from typing import TYPE_CHECKING, Any, Final

import openai
import pydantic
import pytest
from tests.sdk import replies
from tests.sdk.capabilities import HTTP, IS_HTTPX2, RAW_BETA_PARSE
from tests.sdk.conftest import CHAT, TRUSTED
from tests.sdk.paths import CHAT_SSE, TIER, told

import tierscope
from tierscope import guard, testing
from tierscope.config import Settings
from tierscope.seam import patches

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sdk.conftest import Service

MOCKED: Final = Settings(trusted_hosts={"x": "openai"})
WORD: Final = replies.whole(
    replies.chat(
        choices=[{"index": 0, "message": {"role": "assistant", "content": '{"word": "hi"}'}, "finish_reason": "stop"}]
    )
)


def validated(seen: list[Any], *, fails: bool) -> type[pydantic.BaseModel]:
    """Return a model that keeps count of the validations, which only the application may ask for."""

    class Answer(pydantic.BaseModel):
        word: str

        @pydantic.field_validator("word")
        @classmethod
        def check(cls, word: str) -> str:
            seen.append(word)
            if fails:
                raise ValueError("no")
            return word

    return Answer


@RAW_BETA_PARSE
@pytest.mark.parametrize("fails", [False, True], ids=["parser", "failing parser"])
@pytest.mark.parametrize("is_parsed", [False, True], ids=["never parsed", "parsed"])
def test_a_raw_response_is_parsed_by_the_application_alone(service: Service, is_parsed: bool, fails: bool) -> None:
    """The tier is known without it; the parser runs as often as the application asks, and its error is his."""
    seen: list[Any] = []
    with testing.capture(TRUSTED) as calls:
        raw = service.client(WORD).beta.chat.completions.with_raw_response.parse(
            **CHAT, **TIER, response_format=validated(seen, fails=fails)
        )
        assert seen == []
        if is_parsed and fails:
            with pytest.raises(pydantic.ValidationError):
                raw.parse()
        elif is_parsed:
            assert raw.parse().choices[0].message.parsed.word == "hi"
    assert seen == ["hi"] * is_parsed
    assert [told(call) for call in calls] == [("priority", "priority", "honored", "complete", "chat", 20)]


async def test_an_async_streaming_response_leaves_no_coroutine_behind(service: Service) -> None:
    """Its ``parse`` is a coroutine: whoever called it for the application would leave it un-awaited (an error here)."""
    async with service.aclient(replies.whole(replies.chat())) as client:
        create = client.chat.completions.with_streaming_response.create
        with testing.capture(TRUSTED) as calls:
            async with create(**CHAT, **TIER) as response:
                assert (await response.parse()).service_tier == "priority"
    assert [call.served for call in calls] == ["priority"]


def mocked(kind: type, transport: Any, content: bytes) -> Any:
    """Return a client whose transport answers from memory."""
    answer = HTTP.MockTransport(lambda _request: HTTP.Response(200, headers=replies.SSE, content=content))
    return kind(api_key="k", base_url="http://x/v1", http_client=transport(transport=answer))


def test_a_stream_whose_body_is_in_memory_is_a_stream() -> None:
    """Mock transports of users' tests: chunks, tier and tokens as from a socket."""
    client = mocked(openai.OpenAI, HTTP.Client, CHAT_SSE)
    with testing.capture(MOCKED) as calls:
        assert len(list(client.chat.completions.create(**CHAT, **TIER, stream=True))) == 8
    assert [told(call) for call in calls] == [("priority", "priority", "honored", "complete", "chat", 12)]


async def test_an_async_stream_whose_body_is_in_memory_is_a_stream() -> None:
    """The same for the async client."""
    client = mocked(openai.AsyncOpenAI, HTTP.AsyncClient, CHAT_SSE)
    with testing.capture(MOCKED) as calls:
        stream = await client.chat.completions.create(**CHAT, **TIER, stream=True)
        assert len([chunk async for chunk in stream]) == 8
    assert [told(call) for call in calls] == [("priority", "priority", "honored", "complete", "chat", 12)]


@pytest.mark.skipif(not IS_HTTPX2, reason="openai until 2.x has httpx alone")
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
async def test_a_client_of_the_other_http_library_streams(service: Service, is_async: bool) -> None:
    """Openai 3.x takes a client of httpx too: the tap is of the library of its response, or closing it would raise."""
    httpx = pytest.importorskip("httpx")
    url = service.url(replies.stream(CHAT_SSE))
    with testing.capture(TRUSTED) as calls:
        if is_async:
            async with openai.AsyncOpenAI(api_key="k", base_url=url, http_client=httpx.AsyncClient()) as aclient:
                stream: Any = await aclient.chat.completions.create(**CHAT, **TIER, stream=True)
                seen = [chunk async for chunk in stream]
        else:
            with openai.OpenAI(api_key="k", base_url=url, http_client=httpx.Client()) as client:
                seen = await asyncio.to_thread(list, client.chat.completions.create(**CHAT, **TIER, stream=True))
    assert len(seen) == 8
    assert [told(call) for call in calls] == [("priority", "priority", "honored", "complete", "chat", 12)]


def test_a_reload_of_the_module_is_one_layer(service: Service) -> None:
    """Reloaded and instrumented again, as notebooks do: one record a call."""
    with testing.capture(TRUSTED) as calls:
        importlib.reload(tierscope)
        tierscope.instrument(TRUSTED)
        service.client(replies.whole(replies.chat())).chat.completions.create(**CHAT)
    assert len(calls) == 1


@pytest.mark.parametrize("is_active", [False, True], ids=["inactive", "active"])
@pytest.mark.parametrize("make", [patches.request, patches.process, patches.build, patches.stream, patches.retry])
def test_arguments_nobody_knows_yet_pass_through(make: Callable[..., Any], is_active: bool) -> None:
    """A later openai passes more: what is below our layer gets it, whatever we make of it."""

    class Client:
        def method(self, *args: Any, **kwargs: Any) -> Any:
            return args, kwargs

    Client.method = make(Client.__dict__["method"])  # type: ignore[method-assign]
    guard.reset(strict=False)
    expected = (("cast", "options"), {"new": 1, "response": None})
    if is_active:
        with testing.capture(TRUSTED):
            assert Client().method("cast", "options", new=1, response=None) == expected
    else:
        assert Client().method("cast", "options", new=1, response=None) == expected


HOSTS: Final[set[str]] = set()
WATCHED: Final[list[bool]] = []


def note_hosts(event: str, args: tuple[Any, ...]) -> None:
    """Keep every address that is connected to or looked up while somebody watches; an audit hook stays for ever."""
    if WATCHED and event == "socket.connect" and isinstance(args[1], tuple):
        HOSTS.add(str(args[1][0]))
    elif WATCHED and event == "socket.getaddrinfo":
        HOSTS.add(str(args[0]))


def test_nobody_is_connected_to_but_the_service(service: Service) -> None:
    """No list of prices, no version check, nothing from the network."""
    sys.addaudithook(note_hosts)
    WATCHED.append(True)
    try:
        with testing.capture(TRUSTED) as calls:
            service.client(replies.whole(replies.chat())).chat.completions.create(**CHAT)
    finally:
        WATCHED.clear()
    assert (len(calls), HOSTS) == (1, {"127.0.0.1"})
