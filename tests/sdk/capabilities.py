"""What the installed openai has: a test of something that an old version lacks is skipped there, with the reason."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from typing import Any

import openai
import pytest
from openai import _base_client
from openai.resources.chat import Completions


def _needs(is_there: bool, what: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not is_there, reason=f"openai {openai.__version__} has no {what}")


def _has_responses_tier() -> bool:
    if importlib.util.find_spec("openai.resources.responses") is None:
        return False
    resource: Any = importlib.import_module("openai.resources.responses").Responses
    return "service_tier" in inspect.signature(resource.create).parameters


IS_HTTPX2 = hasattr(_base_client, "httpx2")
HTTP: Any = sys.modules["httpx2" if IS_HTTPX2 else "httpx"]
"""The HTTP library of the installed openai: httpx until 2.x, httpx2 from 3.0."""
RESPONSES = _needs(importlib.util.find_spec("openai.types.responses") is not None, "Responses API")
RESPONSES_TIER = _needs(_has_responses_tier(), "service_tier in the Responses API")
CHAT_HELPERS = _needs(hasattr(Completions, "parse"), "chat.completions.parse and .stream")
KEY_PROVIDER = _needs("Callable" in str(inspect.signature(openai.OpenAI).parameters["api_key"]), "callable api_key")


def needed(name: str) -> tuple[pytest.MarkDecorator, ...]:
    """Return the marks of a path by its name in the tables."""
    if name.startswith("responses"):
        return (RESPONSES_TIER,)
    return (CHAT_HELPERS,) if name in {"chat parse", "chat stream manager"} else ()
