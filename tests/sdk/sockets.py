"""Talking to the simulator over WebSockets: one script of steps, for the sync client and for the async one."""

from __future__ import annotations

import asyncio
import inspect
import json
from typing import TYPE_CHECKING, Any, Final, Self

import openai
from tests.sdk.conftest import http_client

from tierscope.simulator import SCRIPT_HEADER, Script

if TYPE_CHECKING:
    from tierscope.model import Call
    from tierscope.simulator import Served, Simulator

ENDS: Final = frozenset({"response.completed", "response.incomplete", "response.failed", "error"})


def create(script: Script | None = None, **fields: Any) -> dict[str, Any]:
    """Return a request; its script travels in its own metadata, for the connection has one handshake for all."""
    orders = {"metadata": {SCRIPT_HEADER: script.json}} if script else {}
    return {"type": "response.create", "model": "gpt-5", "input": "hi", **orders, **fields}


class Talk:
    """A connection of either client; what is awaited is run to its end."""

    def __init__(self, url: str, *, is_async: bool = False, beta: bool = False, **connect: Any) -> None:
        self._runner = asyncio.Runner() if is_async else None
        kind: Any = openai.AsyncOpenAI if is_async else openai.OpenAI
        self.client = kind(api_key="sk-test", base_url=url, http_client=http_client(is_async=is_async), max_retries=0)
        owner = self.client.beta if beta else self.client
        self.manager = owner.responses.connect(**connect)
        self.connection: Any = None

    def run(self, result: Any) -> Any:
        """Return a result, awaited where it must be."""

        async def awaited() -> Any:
            return await result

        return self._runner.run(awaited()) if self._runner and inspect.isawaitable(result) else result

    def open(self) -> Self:
        self.connection = self.run(self.manager.enter())
        return self

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection, which may be gone, and the client."""
        if self.connection is not None:
            self.run(self.connection.close())
            self.connection = None
        self.run(self.client.close())
        if self._runner is not None:
            self._runner.close()

    def send(self, *events: Any) -> None:
        for event in events:
            self.run(self.connection.send(event))

    def recv(self) -> Any:
        return self.run(self.connection.recv())

    def until(self, kind: str) -> Any:
        """Receive up to an event of this type; return it."""
        while (event := self.recv()).type != kind:
            pass
        return event

    def ends(self, count: int = 1) -> list[Any]:
        """Receive until so many responses have ended; return every event."""
        events: list[Any] = []
        while sum(event.type in ENDS for event in events) < count:
            events.append(self.recv())
        return events


def said(call: Call) -> tuple[Any, ...]:
    """Return of a record what the ledger of the service knows too."""
    reply = call.reply
    usage = reply.usage if reply else None
    return (
        reply.response_id if reply else None,
        call.request.tier_raw,
        reply.tier_raw if reply else None,
        usage.input if usage else None,
        usage.output if usage else None,
        usage.reasoning if usage else None,
    )


def truth(row: Served) -> tuple[Any, ...]:
    """Return the same of a row of that ledger."""
    return row.response_id, row.requested, row.served, row.input_tokens, row.output_tokens, row.reasoning_tokens


def since(simulator: Simulator, before: int) -> list[Served]:
    """Return the rows of a test, as soon as nothing is under way."""
    return list(simulator.ledger.settle())[before:]


def metadata(script: Script) -> str:
    """Return a raw message that asks for a response."""
    return json.dumps(create(script, service_tier="priority"))
