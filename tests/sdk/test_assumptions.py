"""What the seam takes for granted about openai: a version that breaks one of these is named by the test that fails."""

from __future__ import annotations

import inspect
import os
import re
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import openai
import pytest
from openai import _base_client, _streaming
from tests.sdk import replies
from tests.sdk.capabilities import HTTP
from tests.sdk.conftest import CHAT, Service

from tierscope.seam import patches

if TYPE_CHECKING:
    from collections.abc import Iterator

PINS: Final = os.environ.get("TIERSCOPE_TEST_PINS")
OWNERS: Final = {**vars(_base_client), **vars(_streaming)}
STREAM: Final = {**CHAT, "stream": True}
FAILED: Final = replies.whole(b"{}", 500, {"retry-after-ms": "1"})
FINE: Final = replies.whole(replies.chat())
EVENTS: Final = replies.stream(replies.chat_stream())

REQUEST: Final = "cast_to, options, *, stream, stream_cls"
PROCESS: Final = ("*, cast_to, options, response, stream, stream_cls, retries_taken",)
SIGNATURES: Final = {
    ("SyncAPIClient", "request"): ("cast_to, options, remaining_retries, *, stream, stream_cls", REQUEST),
    ("AsyncAPIClient", "request"): (f"{REQUEST}, remaining_retries", REQUEST),
    ("SyncAPIClient", "_process_response"): PROCESS,
    ("AsyncAPIClient", "_process_response"): PROCESS,
    ("BaseClient", "_build_request"): ("options", "options, *, retries_taken"),
    ("BaseClient", "_should_retry"): ("response",),
    ("Stream", "__stream__"): ("",),
    ("AsyncStream", "__stream__"): ("",),
}
"""Every patched method with the arguments that the seam knows how to read, by age (the oldest: until 1.66)."""


def arguments(method: Any) -> str:
    """Write the arguments of a method but ``self`` as its definition does, names alone."""
    words: list[str] = []
    for parameter in list(inspect.signature(method).parameters.values())[1:]:
        if parameter.kind is parameter.KEYWORD_ONLY and "*" not in words:
            words.append("*")
        words.append(parameter.name)
    return ", ".join(words)


class Spy:
    """Notes each pass through the methods of the sync path, with its arguments, and changes nothing."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.passes: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        for owner, name in SIGNATURES:
            if owner in {"SyncAPIClient", "BaseClient"}:
                patch.setattr(OWNERS[owner], name, self._noting(name, OWNERS[owner].__dict__[name]))

    def _noting(self, name: str, method: Any) -> Any:
        def note(client: Any, *args: Any, **kwargs: Any) -> Any:
            self.passes.append((name, args, kwargs))
            return method(client, *args, **kwargs)

        return note

    @property
    def names(self) -> list[str]:
        return [name for name, _, _ in self.passes]

    def argument(self, of: str, name: str, place: int) -> Any:
        """Return an argument of the last pass, by position or by keyword."""
        _, args, kwargs = next(entry for entry in reversed(self.passes) if entry[0] == of)
        return args[place] if len(args) > place else kwargs[name]

    @property
    def options(self) -> Any:
        return self.argument("request", "options", 1)


@pytest.fixture
def spy(monkeypatch: pytest.MonkeyPatch) -> Iterator[Spy]:
    """Stand where the seam stands."""
    with monkeypatch.context() as patch:
        yield Spy(patch)


def pinned() -> dict[str, str]:
    """Return the exact versions of this leg's own packages."""
    text = (Path(__file__).parents[2] / "requirements" / f"{PINS}.txt").read_text("utf-8")
    return dict(re.findall(r"^([\w.-]+)==(\S+) \\$", text, re.MULTILINE))


@pytest.mark.skipif(PINS is None, reason="no leg of the matrix")
def test_the_leg_tests_what_it_pins() -> None:
    """Every package is imported in the version that the leg names: an overlay that is not first tests the newest."""
    assert {name: metadata.version(name).removeprefix("v") for name in pinned()} == pinned()
    assert openai.__version__ == metadata.version("openai")


@pytest.mark.parametrize(("owner", "name"), SIGNATURES, ids=map(".".join, SIGNATURES))
def test_a_patched_method_is_there_with_arguments_we_read(owner: str, name: str) -> None:
    """The class itself defines it (a layer on an heir would stay there), with one of the signatures that are known."""
    assert arguments(OWNERS[owner].__dict__[name]) in SIGNATURES[owner, name]


def test_every_patch_is_among_them() -> None:
    assert {(patch.owner, patch.name) for patch in patches.PATCHES} == set(SIGNATURES)


def test_the_twins_are_coroutines_and_generators() -> None:
    """What our layers imitate: ``async def`` methods, a generator, an async generator."""
    twins = [OWNERS["AsyncAPIClient"].__dict__[name] for name in ("request", "_process_response")]
    assert [inspect.iscoroutinefunction(twin) for twin in twins] == [True, True]
    assert inspect.isgeneratorfunction(openai.Stream.__dict__["__stream__"])
    assert inspect.isasyncgenfunction(openai.AsyncStream.__dict__["__stream__"])


def test_request_is_looked_up_at_each_call(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Resources keep the client's bound ``post``; ``request`` is asked of the class, whenever they were made."""
    create = service.client(FINE).chat.completions.create
    with monkeypatch.context() as patch:
        spy = Spy(patch)
        create(**CHAT)
    create(**CHAT)
    assert spy.names == ["request", "_build_request", "_process_response"]


def test_an_attempt_is_one_build_and_only_a_retry_asks_for_its_status(service: Service, spy: Spy) -> None:
    """Two failures, then a reply: three builds inside one request, and the reply says how many came before."""
    service.client(FAILED, FAILED, FINE, retries=2).chat.completions.create(**CHAT)
    attempt = ["_build_request", "_should_retry"]
    assert spy.names == ["request", *attempt, *attempt, "_build_request", "_process_response"]
    assert spy.argument("_process_response", "retries_taken", 9) == 2
    assert spy.argument("_should_retry", "response", 0).status_code == 500


def test_the_status_of_the_last_attempt_is_the_exceptions(service: Service, spy: Spy) -> None:
    """No retry is left, so nobody is asked: status, error object and headers are those of the exception."""
    last = replies.whole(replies.error("slow_down"), 429, {"retry-after-ms": "1"})
    with pytest.raises(openai.RateLimitError) as caught:
        service.client(FAILED, last, retries=1).chat.completions.create(**CHAT)
    assert spy.names == ["request", "_build_request", "_should_retry", "_build_request"]
    error: Any = caught.value
    assert (error.status_code, error.body["code"]) == (429, "slow_down")
    assert (b"x-request-id", b"req_1") in [(name.lower(), value) for name, value in error.response.headers.raw]


def test_the_options_say_what_is_asked_for(service: Service, spy: Spy) -> None:
    """Method, path, body, and what ``extra_body`` adds; a copy can be changed without changing the caller's."""
    body = {**CHAT, "service_tier": "flex"}
    service.client(FINE).chat.completions.create(**body, extra_body={"service_tier": "priority"})
    options = spy.options
    assert (options.method.lower(), options.url) == ("post", "/chat/completions")
    assert (options.json_data, options.extra_json) == (body, {"service_tier": "priority"})
    copy = options.model_copy() if hasattr(options, "model_copy") else options.copy()
    copy.json_data = {}
    assert options.json_data == body


def test_a_sentinel_is_no_field_of_the_body(service: Service, spy: Spy) -> None:
    """``NOT_GIVEN`` is dropped before ``request``."""
    service.client(FINE).chat.completions.create(**CHAT, service_tier=openai.NOT_GIVEN)
    assert spy.options.json_data == CHAT


@pytest.mark.parametrize("mode", ["with_raw_response", "with_streaming_response"])
def test_raw_modes_are_told_by_a_header_of_the_options(service: Service, spy: Spy, mode: str) -> None:
    """``true`` is a raw response, ``stream`` a streaming one."""
    result = getattr(service.client(FINE).chat.completions, mode).create(**CHAT)
    if mode == "with_streaming_response":
        with result:
            pass
    assert spy.options.headers["X-Stainless-Raw-Response"] == {
        "with_raw_response": "true",
        "with_streaming_response": "stream",
    }[mode]  # fmt: skip


def test_what_is_built_is_the_request_as_sent(service: Service) -> None:
    """Final URL and merged headers, by names of any case."""
    client = service.client(FINE).with_options(default_headers={"X-MS-Service-Tier": "priority"})
    options = _base_client.FinalRequestOptions(method="post", url="/chat/completions", json_data=CHAT)
    sent: Any = client._build_request(options)
    assert sent.url.path.endswith("/v1/chat/completions")
    assert sent.headers.get("x-ms-service-tier") == "priority"


def test_a_client_tells_whom_it_asks(service: Service) -> None:
    """Base URL in parts, organisation and project; an absolute URL is prepared to itself."""
    client: Any = openai.OpenAI(api_key="k", base_url="https://h.example:8443/v1", organization="o", project="p")
    address = client.base_url
    assert (address.scheme, address.host, address.port) == ("https", "h.example", 8443)
    assert (client.organization, client.project) == ("o", "p")
    assert client._prepare_url("https://other.example/v1/x").host == "other.example"
    client.close()


def test_an_azure_client_is_known_by_its_base_class() -> None:
    """By a name in its ancestry, so that nothing needs to import it; api-version and deployment are its own."""
    client: Any = openai.AzureOpenAI(api_key="k", azure_endpoint="https://a.example", api_version="2024-10-21")
    assert "BaseAzureClient" in [base.__name__ for base in type(client).__mro__]
    assert client._api_version == "2024-10-21"
    assert getattr(client, "_azure_deployment", None) is None
    client.close()


def test_a_body_in_memory_is_told_from_a_stream(service: Service, spy: Spy) -> None:
    """``_content`` is there exactly when the body has been read, and ``extensions`` takes our mark."""
    client = service.client(FINE, EVENTS)
    told = []
    for body in (CHAT, STREAM):
        result: Any = client.chat.completions.create(**body)
        response = spy.argument("_process_response", "response", 9)
        told.append((spy.argument("_process_response", "stream", 9), hasattr(response, "_content")))
        assert isinstance(response.extensions, dict)
    assert told == [(False, True), (True, False)]
    assert result.response is response
    result.close()


def test_the_library_of_a_response_is_its_module(service: Service, spy: Spy) -> None:
    """A tap must be of the byte streams of the response's own library: httpx or httpx2."""
    service.client(FINE).chat.completions.create(**CHAT)
    library = type(spy.argument("_process_response", "response", 9)).__module__.partition(".")[0]
    assert library == HTTP.__name__


def test_a_stream_read_out_has_closed_its_response(service: Service) -> None:
    """Drained (until 2.0) or closed (since): before the reader learns of the end, so that close is no ``closed``."""
    stream = service.client(EVENTS).chat.completions.create(**STREAM)
    states = [stream.response.is_closed for _ in stream]
    assert (set(states), stream.response.is_closed) == ({False}, True)


async def test_an_async_stream_read_out_has_closed_its_response(service: Service) -> None:
    """The async client does the same."""
    async with service.aclient(EVENTS) as client:
        stream = await client.chat.completions.create(**STREAM)
        states = [stream.response.is_closed async for _ in stream]
        assert (set(states), stream.response.is_closed) == ({False}, True)


def test_a_stream_is_one_iterator_made_at_once(service: Service) -> None:
    """``__init__`` asks ``__stream__`` once and keeps the iterator: two loops share it."""
    stream = service.client(EVENTS).chat.completions.create(**STREAM)
    first, second = iter(stream), iter(stream)
    assert (next(first).id, len([*first, *second])) == ("chatcmpl-1", 7)
    assert inspect.isgenerator(stream._iterator)
