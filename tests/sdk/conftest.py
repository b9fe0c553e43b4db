"""A loopback service that says what a test tells it, and clients of it, by whatever HTTP library a leg names."""

from __future__ import annotations

import gc
import itertools
import platform
from importlib import metadata
from typing import TYPE_CHECKING, Any, Final

import hypothesis  # noqa: F401  it asks for the referrers of trio's generator when it is imported: not frozen yet
import openai
import pytest
from tests.sdk import replies
from tests.sdk.capabilities import CLIENT, HTTP, IS_AIOHTTP
from tests.sdk.telemetry import TRUSTED, Telemetry
from tests.truth.replay import Replay

from tierscope.simulator import Profile, Simulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LEFT_TO_TRIO: Final = "Async generator '(openai|httpx2?|httpcore2?)[.]"
"""What trio says of the SDK's own generators, with us and without; none of ours is among them."""
NUMBERS = itertools.count()
MANY_OBJECTS = 2_000
COLLECTED = pytest.StashKey[frozenset[str]]()
CHAT: dict[str, Any] = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "hi"}]}
ASK: dict[str, Any] = {"model": "gpt-5", "input": "hi"}


def freeze() -> None:
    """Keep what imports and first uses made out of the collections that tests ask for: each would take 0.2 s."""
    if len(gc.get_objects()) > MANY_OBJECTS:
        gc.collect()
        gc.freeze()


@pytest.fixture(autouse=True)
def quick_collections() -> None:
    """Freeze before every test."""
    freeze()


def http_client(*, is_async: bool = False) -> Any:
    """Return what a client is given: an HTTP client of its own or, by ``TIERSCOPE_TEST_CLIENT``, another library's.

    It has no certificates, for loading them costs more than ten calls.
    """
    if CLIENT == "httpx":  # an openai on httpx2 takes its clients too
        return (HTTP.AsyncClient if is_async else HTTP.Client)(verify=False, follow_redirects=True)
    if is_async:
        return (openai.DefaultAioHttpClient if IS_AIOHTTP else openai.DefaultAsyncHttpxClient)(verify=False)
    return openai.DefaultHttpxClient(verify=False)


def client_of(url: str, retries: int = 0) -> openai.OpenAI:
    """Return a client of this address."""
    return openai.OpenAI(api_key="sk-test", base_url=url, max_retries=retries, http_client=http_client())


def aclient_of(url: str, retries: int = 0) -> openai.AsyncOpenAI:
    """Return an async client, which its own ``async with`` closes."""
    http = http_client(is_async=True)
    return openai.AsyncOpenAI(api_key="sk-test", base_url=url, max_retries=retries, http_client=http)


class Service:
    """Replies by name, and the URL under which a client finds them."""

    def __init__(self, replay: Replay) -> None:
        self.replay = replay
        self._clients: list[openai.OpenAI] = []

    def url(self, *answers: replies.Reply, **how: Any) -> str:
        """Serve these answers in order (the last one repeats) and return their base URL."""
        key = f"case{next(NUMBERS)}"
        for status, headers, chunks in answers:
            self.replay.add(key, status, headers, chunks, **how)
        return f"{self.replay.url(key)}/v1"

    def client(self, *answers: replies.Reply, retries: int = 0, **how: Any) -> openai.OpenAI:
        """Return a client of these answers."""
        client = client_of(self.url(*answers, **how), retries)
        self._clients.append(client)
        return client

    def close(self) -> None:
        """Close every sync client; async ones are closed by their own ``async with``."""
        for client in self._clients:
            client.close()

    def aclient(self, *answers: replies.Reply, retries: int = 0, **how: Any) -> openai.AsyncOpenAI:
        """Return an async client of these answers."""
        return aclient_of(self.url(*answers, **how), retries)


@pytest.fixture
def anyio_backend() -> str:
    """Await on trio where a leg asks anyio's plugin instead of pytest-asyncio to run what is async."""
    return "trio"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Remember what was collected, then leave out what a leg is not about.

    Under trio only what is awaited differs; the mark ``asyncio`` says that a test is of that loop by nature.
    """
    config.stash[COLLECTED] = frozenset(item.nodeid for item in items)
    if config.getini("anyio_mode") == "auto":
        awaited = [i for i in items if "anyio_backend" in i.fixturenames and not i.get_closest_marker("asyncio")]
        config.hook.pytest_deselected(items=[item for item in items if item not in awaited])
        items[:] = awaited
        for item in items:
            item.add_marker(pytest.mark.filterwarnings(f"ignore:{LEFT_TO_TRIO}:ResourceWarning"))


@pytest.fixture(scope="session", autouse=True)
def versions(record_testsuite_property: Callable[[str, object], None]) -> None:
    """Tell the matrix what was tested."""
    record_testsuite_property("python", platform.python_version())
    record_testsuite_property("openai", openai.__version__)
    library = CLIENT or HTTP.__name__
    record_testsuite_property("http", f"{library} {metadata.version(library)}")


@pytest.fixture(scope="session")
def replay() -> Iterator[Replay]:
    """Serve on a loopback port for the whole session."""
    with Replay() as server:
        yield server


@pytest.fixture
def service(replay: Replay) -> Iterator[Service]:
    """Lend the loopback service."""
    running = Service(replay)
    yield running
    running.close()


@pytest.fixture(scope="session")
def simulated() -> Iterator[Simulator]:
    """Serve what canned replies cannot: WebSockets, and the ledger of what was served."""
    with Simulator(Profile.fast()) as server:
        yield server


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    """Instrument with an SDK of this test's own."""
    with Telemetry() as running:
        yield running


__all__ = ["ASK", "CHAT", "TRUSTED", "Service", "aclient_of", "client_of", "http_client"]
