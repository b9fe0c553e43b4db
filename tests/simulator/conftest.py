"""Real clients against a real server on loopback; one quick server is shared by all tests that need no own profile."""

import contextlib

import httpx2
import pytest
from openai import AsyncOpenAI, AzureOpenAI, OpenAI

from tierscope.simulator import SCRIPT_HEADER, Profile, Script, Simulator

ASKED = {"model": "gpt-5", "messages": [{"role": "user", "content": "Which tier is this?"}]}


@pytest.fixture(scope="session")
def shared():
    with Simulator(Profile.fast()) as running:
        yield running


@pytest.fixture(scope="session")
def connections():
    """One pool of connections for all clients: making one costs 30 ms of certificates that nobody needs here."""
    with httpx2.Client(timeout=10) as client:
        yield client


class Bench:
    """Clients of one server and the ledger rows since the bench was made."""

    def __init__(self, running, stack, connections):
        self.running, self._stack, self._before = running, stack, len(running.ledger.settle())
        self._connections = connections

    def openai(self, **options):
        options = {"api_key": "sk-test", "base_url": self.running.base_url, "max_retries": 0} | options
        return OpenAI(http_client=self._connections, **options)

    def asynchronous(self, **options):
        return AsyncOpenAI(api_key="sk-test", base_url=self.running.base_url, max_retries=0, **options)

    def azure(self, **options):
        options = {"api_key": "key", "api_version": "2026-01-01", "max_retries": 0} | options
        return AzureOpenAI(azure_endpoint=self.running.azure_endpoint, http_client=self._connections, **options)

    def http(self):
        return self._stack.enter_context(httpx2.Client(base_url=self.running.azure_endpoint))

    def rows(self, count=1):
        return self.running.ledger.wait(self._before + count)[self._before :]

    def row(self):
        return self.rows()[0]

    def chat(self, *, client=None, script=None, **options):
        options = ASKED | {"extra_headers": scripted(script)} | options
        return (client or self.openai()).chat.completions.create(**options)

    def respond(self, *, client=None, script=None, **options):
        options = {"model": "gpt-5", "input": "Which tier is this?", "extra_headers": scripted(script)} | options
        return (client or self.openai()).responses.create(**options)


def scripted(script):
    return {SCRIPT_HEADER: script.json} if script else {}


@pytest.fixture
def bench(shared, connections):
    with contextlib.ExitStack() as stack:
        yield Bench(shared, stack, connections)


@pytest.fixture
def bench_for(connections):
    """A bench on a server of its own: `bench_for(profile)`."""
    with contextlib.ExitStack() as stack:
        yield lambda profile, **options: Bench(stack.enter_context(Simulator(profile, **options)), stack, connections)


@pytest.fixture
def order():
    """A script: `order(tokens=3)`."""
    return Script
