"""Fifty planted texts, each in one place of an export: what nobody may find in anything that leaves the Collector."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from tests.pipeline.made import Attributes, attributes, span, traces
from tests.pipeline.test_tiers import OPENAI

SECRETS: Final = (
    "sk-proj-A1b2C3d4E5f6G7h8I9j0",
    "sk-abcdefghijklmnopqrstuvwx",
    "gsk_abcdefghijklmnopqrst",
    "xai-abcdefghijklmnopqrst",
    "ghp_abcdefghijklmnopqrst0123",
    "AKIAABCDEFGHIJKLMNOP",
    "AIzaSyabcdefghijklmnopqrstuvw",
    "org-abcdefghijklmnop1234",
    "proj_abcdefghijklmnop1234",
    "user-abcdefghijklmnop1234",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
)
"""Shapes that are known wherever they stand."""
BEARER: Final = "c29tZS1sb25nLXRva2Vu"
KEY: Final = "0123456789abcdef0123456789abcdef"
PROMPT: Final = "Tell me about planted"


@dataclass(frozen=True, slots=True)
class Plant:
    """One text, and the export that it hides in."""

    text: str
    export: dict[str, Any]


def of_traces() -> Iterator[Plant]:
    """Yield exports of spans."""
    for number, secret in enumerate(SECRETS):
        yield _http(secret, {"note": f"it is {secret}, really" if number % 2 else secret})
    yield from _in_http_spans()
    yield from _in_genai_spans()
    yield from _in_resources_and_scopes()


def _http(text: str, plain: Attributes, **rest: Any) -> Plant:
    return Plant(text, traces(span({"http.request.method": "POST", **plain}, name="POST", **rest)))


def _genai(number: int, plain: Attributes, **rest: Any) -> Plant:
    text = f"{PROMPT} {number}."
    filled = {key: _fill(value, text) for key, value in plain.items()}
    return Plant(text, traces(span({**OPENAI, **filled}, **rest)))


def _fill(value: Any, text: str) -> Any:
    if isinstance(value, list):
        return [_fill(one, text) for one in value]
    if isinstance(value, dict):
        return {key: _fill(one, text) for key, one in value.items()}
    return text if value is None else value


def _in_http_spans() -> Iterator[Plant]:
    """Credentials by their key, in addresses, inside lists and maps, as keys, in names, events, states."""
    yield _http(BEARER, {"http.request.header.authorization": [f"Bearer {BEARER}"]})
    yield _http(BEARER + "2", {"note": f"Authorization: Bearer {BEARER}2"})
    yield _http(KEY + "3", {"http.request.header.api-key": [KEY + "3"]})
    yield _http(KEY + "4", {"http.request.header.Ocp-Apim-Subscription-Key": KEY + "4"})
    yield _http("cookie-5-value", {"http.request.header.cookie": ["session=cookie-5-value"]})
    yield _http("cookie-6-value", {"http.response.header.set_cookie": "session=cookie-6-value"})
    yield _http(KEY + "7", {"url.full": f"https://x.example.com/a?api-key={KEY}7&b=1"})
    yield _http("pass-word-8", {"url.full": "https://me:pass-word-8@example.com/"})
    yield _http(SECRETS[0] + "9", {"arguments": ["--key", SECRETS[0] + "9"]})
    yield _http(SECRETS[0] + "10", {"deep": {"a": [{"b": SECRETS[0] + "10"}]}})
    yield _http(SECRETS[0] + "11", {SECRETS[0] + "11": "as a key"})
    yield _http("ada@example.com", {"enduser.id": "ada@example.com"})
    yield _http("grace@example.com", {"user.email": "grace@example.com"})
    yield _http("org-13", {"http.response.header.openai-organization": ["org-13"]})
    yield _http("tenant-fourteen", {"tenant_id": "tenant-fourteen"})
    event = {"name": "exception", "timeUnixNano": "1"}
    message = {"exception.message": f"Incorrect API key provided: {SECRETS[0]}15"}
    yield _http(SECRETS[0] + "15", {}, events=[{**event, "attributes": attributes(message)}])
    yield _http(SECRETS[0] + "16", {}, events=[{**event, "name": f"said {SECRETS[0]}16"}])
    yield _http(SECRETS[0] + "17", {}, status={"code": 2, "message": f"no such key {SECRETS[0]}17"})
    yield _http(SECRETS[0] + "18", {}, traceState=f"x={SECRETS[0]}18")
    yield Plant(SECRETS[0] + "19", traces(span({"http.request.method": "GET"}, name=f"GET /{SECRETS[0]}19")))
    link = {"traceId": "a" * 32, "spanId": "b" * 16, "attributes": attributes({"note": f"{PROMPT} 21."})}
    yield _http(f"{PROMPT} 21.", {}, links=[link])
    yield _http(PROMPT + " 20", {"http.request.body.content": PROMPT + " 20"})


def _in_genai_spans() -> Iterator[Plant]:
    """Content by all the names that it goes by, and by names that nobody has heard of."""
    keys = (
        *("gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions", "gen_ai.prompt.0.content"),
        *("gen_ai.completion.0.content", "gen_ai.tool.call.arguments", "input.value", "llm.output_messages.0.content"),
        *("traceloop.entity.input", "ai.prompt.messages", "completely.unknown", "metadata", "Experimental.Whatever"),
    )
    yield from (_genai(number, {key: None}) for number, key in enumerate(keys, 30))
    yield _genai(50, {"unknown.list": [None], "unknown.map": {"a": {"b": None}}})
    yield _genai(51, {}, status={"code": 2, "message": f"Invalid prompt: {PROMPT} 51."})
    said = {"exception.message": f"{PROMPT} 52.", "exception.stacktrace": f"f({PROMPT} 52.)", "exception.type": "E"}
    yield _genai(52, {}, events=[{"name": "exception", "timeUnixNano": "1", "attributes": attributes(said)}])
    content = attributes({"gen_ai.prompt": f"{PROMPT} 53.", "anything": f"{PROMPT} 53."})
    yield _genai(53, {}, events=[{"name": "gen_ai.content.prompt", "timeUnixNano": "1", "attributes": content}])


def _in_resources_and_scopes() -> Iterator[Plant]:
    known = span({"http.request.method": "GET"})
    line = {"process.command_args": ["app", "--password", "in-a-line-60"], "process.command_line": "app in-a-line-60"}
    yield Plant("in-a-line-60", traces(known, resource=line))
    yield Plant(SECRETS[0] + "61", traces(known, resource={"note": SECRETS[0] + "61"}))
    yield Plant(SECRETS[0] + "62", traces(known, scope={"attributes": attributes({"note": SECRETS[0] + "62"})}))
    yield Plant(SECRETS[0] + "63", traces(known, scope={"name": SECRETS[0] + "63"}))


def of_metrics() -> Iterator[Plant]:
    """Yield exports of points."""
    yield _metric(f"{PROMPT} 70.", "tierscope.calls", {"prompt": f"{PROMPT} 70."})
    yield _metric(f"{PROMPT} 71.", "gen_ai.client.token.usage", {"gen_ai.prompt": f"{PROMPT} 71."})
    yield _metric(SECRETS[0] + "72", "http.calls", {"note": SECRETS[0] + "72"})
    yield _metric("user-73@example.com", "http.calls", {"enduser.id": "user-73@example.com"})
    kept = [{"timeUnixNano": "1", "asInt": "1", "filteredAttributes": attributes({"prompt": f"{PROMPT} 74."})}]
    yield _metric(f"{PROMPT} 74.", "http.calls", {}, exemplars=kept)
    yield _metric(SECRETS[0] + "75", "http.calls", {}, about={"note": SECRETS[0] + "75"})


def _metric(text: str, name: str, plain: Attributes, about: Attributes | None = None, **rest: Any) -> Plant:
    point = {"attributes": attributes(plain), "startTimeUnixNano": "1", "timeUnixNano": "2", "asInt": "1", **rest}
    one = {"name": name, "sum": {"aggregationTemporality": 2, "isMonotonic": True, "dataPoints": [point]}}
    resource = {"attributes": attributes({"service.name": "planted", **(about or {})})}
    return Plant(text, {"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"scope": {}, "metrics": [one]}]}]})
