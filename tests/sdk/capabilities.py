"""What the installed openai has: a test of something that an old version lacks is skipped there, with the reason."""

from __future__ import annotations

import importlib.util
import inspect
import os
from typing import Any, Final

import openai
import pytest
from openai import _base_client
from openai.resources.chat import Completions


def _needs(is_there: bool, what: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(not is_there, reason=f"openai {openai.__version__} has no {what}")


def _has(path: str) -> bool:
    """Say whether a client has what a dotted path names."""
    thing: Any = openai.OpenAI(api_key="k", http_client=openai.DefaultHttpxClient(verify=False))
    for name in path.split("."):
        thing = getattr(thing, name, None)
    return thing is not None


def _knows(module: str) -> bool:
    """Say whether there is a module, or even the package that it would be in."""
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _takes(path: str, argument: str) -> bool:
    """Say whether a method of a resource class takes an argument; a class that is not there has no methods."""
    module, _, names = path.partition(":")
    if importlib.util.find_spec(module) is None:
        return False
    owner, name = names.split(".")
    method = getattr(getattr(importlib.import_module(module), owner), name)
    return argument in inspect.signature(method).parameters


CLIENT: Final = os.environ.get("TIERSCOPE_TEST_CLIENT")
"""The HTTP client that a leg of the matrix wants instead of openai's own: ``httpx`` or ``aiohttp``."""
IS_HTTPX2 = hasattr(_base_client, "httpx2") and CLIENT != "httpx"
HTTP: Any = importlib.import_module("httpx2" if IS_HTTPX2 else "httpx")
"""The HTTP library of the clients: httpx until 2.x, httpx2 from 3.0, unless a leg gives them another."""
IS_AIOHTTP = CLIENT == "aiohttp"
LATE_TIMEOUT = pytest.mark.skipif(IS_AIOHTTP, reason="aiohttp takes no other timeout once a request is sent")
HTTP_SPANS = pytest.mark.skipif(IS_AIOHTTP, reason="the HTTP instrumentors know nothing of aiohttp's transport")
CONNECTION = pytest.mark.skipif(IS_AIOHTTP, reason="the responses of aiohttp's transport hide their connection")
OWN_LIBRARY = pytest.mark.skipif(
    CLIENT == "httpx",
    reason="the application's instrumentation is of openai's own library; leg both-libraries has both",
)
TRIO = pytest.mark.skipif(IS_AIOHTTP, reason="aiohttp knows asyncio alone")
RESPONSES = _needs(importlib.util.find_spec("openai.types.responses") is not None, "Responses API")
RESPONSES_TIER = _needs(
    _takes("openai.resources.responses:Responses.create", "service_tier"), "service_tier in the Responses API"
)
RETRIEVE_STREAM = _needs(
    _takes("openai.resources.responses:Responses.retrieve", "stream"), "streamed retrieve of a response"
)
CHAT_HELPERS = _needs(hasattr(Completions, "parse"), "chat.completions.parse and .stream")
BETA_PARSE = _needs(_has("beta.chat.completions.parse"), "beta.chat.completions.parse")
RAW_BETA_PARSE = _needs(
    _has("beta.chat.completions.with_raw_response.parse"), "beta.chat.completions.with_raw_response.parse"
)
BETA_RESPONSES = _needs(_has("beta.responses"), "beta.responses")
COMPACT = _needs(_has("responses.compact"), "responses.compact")
CANCEL = _needs(_has("responses.cancel"), "responses.cancel")
INPUT_TOKENS = _needs(_has("responses.input_tokens"), "responses.input_tokens")
STORED_CHAT = _needs(_has("chat.completions.retrieve"), "stored chat completions")
KEY_PROVIDER = _needs("Callable" in str(inspect.signature(openai.OpenAI).parameters["api_key"]), "callable api_key")
WEBSOCKET = _needs(_has("responses.connect"), "responses.connect")
BETA_WEBSOCKET = _needs(_has("beta.responses.connect"), "beta.responses.connect")
LANES = _needs(_knows("openai.lib.responses_websocket"), "lanes over a connection")
STEER = _needs(_knows("openai.types.responses.response_steer_event"), "steering of a response")
