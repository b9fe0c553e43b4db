"""A loopback service that says what a test tells it, and clients of it."""

from __future__ import annotations

import gc
import itertools
from typing import TYPE_CHECKING, Any

import hypothesis  # noqa: F401  it asks for the referrers of trio's generator when it is imported: not frozen yet
import openai
import pytest
from tests.sdk import replies
from tests.sdk.telemetry import TRUSTED, Telemetry
from tests.truth.replay import Replay

if TYPE_CHECKING:
    from collections.abc import Iterator

NUMBERS = itertools.count()
MANY_OBJECTS = 2_000
COLLECTED = pytest.StashKey[frozenset[str]]()
CHAT: dict[str, Any] = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "hi"}]}
ASK: dict[str, Any] = {"model": "gpt-5", "input": "hi"}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Remember what was collected before any of it is deselected."""
    config.stash[COLLECTED] = frozenset(item.nodeid for item in items)


def freeze() -> None:
    """Keep what imports and first uses made out of the collections that tests ask for: each would take 0.2 s."""
    if len(gc.get_objects()) > MANY_OBJECTS:
        gc.collect()
        gc.freeze()


@pytest.fixture(autouse=True)
def quick_collections() -> None:
    """Freeze before every test."""
    freeze()


def client_of(url: str, retries: int = 0) -> openai.OpenAI:
    """Return a client; without certificates, for loading them costs more than ten calls."""
    http = openai.DefaultHttpxClient(verify=False)
    return openai.OpenAI(api_key="sk-test", base_url=url, max_retries=retries, http_client=http)


def aclient_of(url: str, retries: int = 0) -> openai.AsyncOpenAI:
    """Return an async client, which its own ``async with`` closes."""
    http = openai.DefaultAsyncHttpxClient(verify=False)
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


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    """Instrument with an SDK of this test's own."""
    with Telemetry() as running:
        yield running


__all__ = ["ASK", "CHAT", "TRUSTED", "Service", "aclient_of", "client_of"]
