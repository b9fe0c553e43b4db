"""Calls with HTTP spans: the library and the instrumentor of the installed openai, and what is on the spans."""

from __future__ import annotations

import inspect
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import openai
import pytest
from openai import _base_client
from opentelemetry.instrumentation import httpx as package
from tests.sdk import replies
from tests.sdk.conftest import CHAT, TRUSTED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from opentelemetry.sdk.trace import ReadableSpan
    from tests.sdk.telemetry import Telemetry

HTTP: Any = sys.modules["httpx2" if hasattr(_base_client, "httpx2") else "httpx"]
"""The HTTP library of the installed openai."""
INSTRUMENTOR: Any = getattr(package, f"{HTTP.__name__.upper()}ClientInstrumentor")
"""OpenTelemetry's instrumentor of that library: one object a process."""
PRIORITY: dict[str, Any] = {**CHAT, "service_tier": "priority"}
BOTH = pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
WITH_HTTP = TRUSTED._replace(http=True)


@asynccontextmanager
async def opened(url: str, *, is_async: bool, **options: Any) -> AsyncIterator[Any]:
    """Lend a client of either kind, so that one test drives both."""
    client = (openai.AsyncOpenAI if is_async else openai.OpenAI)(api_key="k", base_url=url, **options)
    try:
        yield client
    finally:
        await _settled(client.close())


async def ask(client: Any) -> Any:
    """Make one call; return its reply, or the exception that the application would see."""
    try:
        return await _settled(client.chat.completions.create(**PRIORITY))
    except openai.OpenAIError as error:
        return error


async def _settled(value: Any) -> Any:
    return await value if inspect.isawaitable(value) else value


def http_spans(telemetry: Telemetry) -> list[ReadableSpan]:
    """Return the HTTP spans in the order of their start."""
    found = [s for s in telemetry.spans if s.instrumentation_scope.name == "opentelemetry.instrumentation.httpx"]
    return sorted(found, key=lambda span: span.start_time)


def call_spans(telemetry: Telemetry) -> dict[int, ReadableSpan]:
    """Return the spans of calls by their id."""
    return {s.context.span_id: s for s in telemetry.spans if s.instrumentation_scope.name == "tierscope"}


def facts(span: ReadableSpan) -> dict[str, Any]:
    """Return what we put on a span."""
    return {key: value for key, value in span.attributes.items() if key.startswith("tierscope.")}


def told(request: str, left: int | None = None) -> dict[str, str]:
    """Return the headers of one reply."""
    limits = {} if left is None else {**replies.LIMITS, "x-ratelimit-remaining-requests": str(left)}
    return {"x-request-id": request, "retry-after-ms": "1", **limits}
