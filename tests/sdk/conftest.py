"""A loopback service that says what a test tells it, and clients of it."""

from __future__ import annotations

import gc
import itertools
from typing import TYPE_CHECKING, Any

import openai
import pytest
from tests.sdk import replies
from tests.sdk.telemetry import TRUSTED, Telemetry
from tests.truth.replay import Replay

if TYPE_CHECKING:
    from collections.abc import Iterator

NUMBERS = itertools.count()
CHAT: dict[str, Any] = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "hi"}]}
ASK: dict[str, Any] = {"model": "gpt-5", "input": "hi"}


def pytest_collection_finish(session: pytest.Session) -> None:
    """Keep what the imports made out of the collections that tests ask for: each would take a tenth of a second."""
    for client in (openai.OpenAI(api_key="k"), openai.AsyncOpenAI(api_key="k")):
        assert client.chat.completions, "imports its resources"
    gc.collect()
    gc.freeze()


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
        client = openai.OpenAI(
            api_key="sk-test",
            base_url=self.url(*answers, **how),
            max_retries=retries,
            http_client=openai.DefaultHttpxClient(verify=False),  # loading certificates costs more than ten calls
        )
        self._clients.append(client)
        return client

    def close(self) -> None:
        """Close every sync client; async ones are closed by their own ``async with``."""
        for client in self._clients:
            client.close()

    def aclient(self, *answers: replies.Reply, retries: int = 0, **how: Any) -> openai.AsyncOpenAI:
        """Return an async client of these answers."""
        return openai.AsyncOpenAI(
            api_key="sk-test",
            base_url=self.url(*answers, **how),
            max_retries=retries,
            http_client=openai.DefaultAsyncHttpxClient(verify=False),
        )


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


__all__ = ["ASK", "CHAT", "TRUSTED", "Service"]
