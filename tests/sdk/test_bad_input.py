"""Hostile replies: the application sees exactly what it would see without us, the record what is known."""

from __future__ import annotations

import gzip
import json
import zlib
from typing import TYPE_CHECKING, Any

import openai
import pytest
from tests.sdk import replies
from tests.sdk.capabilities import RESPONSES
from tests.sdk.conftest import ASK, CHAT, TRUSTED

from tierscope import testing

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.sdk.conftest import Service


def body(client: openai.OpenAI) -> Any:
    return client.chat.completions.create(**CHAT)


def streamed(client: openai.OpenAI) -> Any:
    return list(client.chat.completions.create(**CHAT, stream=True))


def lines(client: openai.OpenAI) -> Any:
    with client.chat.completions.with_streaming_response.create(**CHAT, stream=True) as response:
        return list(response.iter_lines())


def seen(call: Callable[[openai.OpenAI], Any], client: openai.OpenAI) -> Any:
    """Return what the application sees: a result, or an exception's type and text."""
    try:
        return repr(call(client))
    except Exception as exc:  # noqa: BLE001  whatever the application would see
        return type(exc), str(exc)


def sse(data: bytes, headers: dict[str, str] | None = None) -> replies.Reply:
    return 200, {**replies.SSE, **(headers or {})}, [data]


HUGE = json.dumps(replies.delta("x" * 10_000_000)).encode()
GOOD = replies.chat_stream()
BODIES = {
    "malformed JSON": replies.whole(b'{"id": "x", '),
    "no JSON at all": replies.whole(b"hello", headers={"content-type": "text/plain"}),
    "an empty body": replies.whole(b""),
    "choices [null]": replies.whole(replies.chat(choices=[None])),
    "choices null": replies.whole(replies.chat(choices=None)),
    "usage of the wrong type": replies.whole(replies.chat(usage="many")),
    "usage with texts": replies.whole(replies.chat(usage={"prompt_tokens": "9", "completion_tokens": -1})),
    "usage true": replies.whole(replies.chat(usage={"prompt_tokens": True, "completion_tokens": None})),
    "details of the wrong type": replies.whole(replies.chat(usage={**replies.USAGE, "prompt_tokens_details": [1]})),
    "a number as tier": replies.whole(replies.chat(tier=7)),  # type: ignore[arg-type]
    "a hostile model": replies.whole(replies.chat(model="m\n\0\u202e" * 5000)),
    "an array": replies.whole(b"[1, 2]"),
    "null": replies.whole(b"null"),
    "not UTF-8": replies.whole(b'{"id": "\xff\xfe"}'),
    "an HTML error page": replies.whole(b"<html>502</html>", 502, {"content-type": "text/html"}),
    "an error that is a text": replies.whole(b'{"error": "no"}', 400),
    "an error with numbers": replies.whole(b'{"error": {"code": 42, "type": [], "param": {}}}', 400),
    "gzip": replies.whole(gzip.compress(replies.chat()), headers={"content-encoding": "gzip"}),
    "broken gzip": replies.whole(b"no gzip", headers={"content-encoding": "gzip"}),
    "deep nesting": replies.whole(b'{"choices":' * 900 + b"1" + b"}" * 900),
}
STREAMS = {
    "choices [null]": sse(b'data: {"id":"1","choices":[null]}\n\ndata: [DONE]\n\n'),
    "a delta null": sse(b'data: {"id":"1","choices":[{"index":0,"delta":null}]}\n\ndata: [DONE]\n\n'),
    "malformed JSON": sse(b"data: {oops\n\ndata: [DONE]\n\n"),
    "unknown events": sse(b'event: new.thing\ndata: {"type":"new.thing"}\n\n' + GOOD),
    "a comment and a retry": sse(b": ping\nretry: 5\n\n" + GOOD),
    "a comment": sse(b": ping\n\n" + GOOD),
    "CR LF": sse(GOOD.replace(b"\n", b"\r\n")),
    "no [DONE]": sse(replies.chat_stream(done=False)),
    "nothing": sse(b""),
    "10 MB in one chunk": sse(b"data: " + HUGE + b"\n\ndata: [DONE]\n\n"),
    "not UTF-8": sse(b'data: {"id":"\xff"}\n\ndata: [DONE]\n\n'),
    "gzip": sse(gzip.compress(GOOD), {"content-encoding": "gzip"}),
    "deflate": sse(zlib.compress(GOOD), {"content-encoding": "deflate"}),
    "broken gzip": sse(b"no gzip", {"content-encoding": "gzip"}),
    "an HTML page": (200, {"content-type": "text/html"}, [b"<html>hi</html>"]),
    "usage of the wrong type": sse(b'data: {"id":"1","choices":[],"usage":"x"}\n\ndata: [DONE]\n\n'),
    "a number as tier": sse(b'data: {"id":"1","service_tier":3,"choices":[]}\n\ndata: [DONE]\n\n'),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_hostile_body_is_what_it_would_be_without_us(service: Service, name: str) -> None:
    """Same result or same exception, one record."""
    client = service.client(BODIES[name])
    bare = seen(body, client)
    with testing.capture(TRUSTED) as calls:
        ours = seen(body, client)
    assert ours == bare
    assert len(calls) == 1


@pytest.mark.parametrize("read", [streamed, lines], ids=lambda r: r.__name__)
@pytest.mark.parametrize("name", STREAMS)
def test_a_hostile_stream_is_what_it_would_be_without_us(service: Service, name: str, read: Any) -> None:
    """Same chunks or lines, or same exception, one record."""
    client = service.client(STREAMS[name])
    bare = seen(read, client)
    with testing.capture(TRUSTED) as calls:
        ours = seen(read, client)
    assert ours == bare
    assert len(calls) == 1


EVENTS = replies.responses_stream()
UNKNOWN = b'event: response.new\ndata: {"type":"response.new","sequence_number":0,"extra":{"a":[1]}}\n\n'
ODD_RESPONSES = [
    pytest.param(replies.whole(replies.responses(output=[], usage=None)), None, id="no output, no usage"),
    pytest.param(replies.whole(replies.responses(output=None)), 20, id="output null"),
    pytest.param(replies.whole(replies.responses(output=[{"type": "new"}], extra={"a": 1})), 20, id="unknown item"),
    pytest.param(sse(UNKNOWN + EVENTS), 20, id="unknown event"),
    pytest.param(sse(EVENTS.replace(b'"type": "response.output_item.added"', b'"type": "new.item"')), 20,
                 id="unknown event in the middle"),
    pytest.param(sse(replies.responses_stream(usage=None, output=[])), None, id="stream without usage"),
    pytest.param(sse(replies.responses_stream(extra={"a": [None]})), 20, id="extra fields"),
]  # fmt: skip


@RESPONSES
@pytest.mark.parametrize(("answer", "output"), ODD_RESPONSES)
def test_an_odd_response_changes_no_status(service: Service, answer: replies.Reply, output: int | None) -> None:
    """What is unknown to us, or missing, raises nothing and is no failure: what is known stays known."""
    is_stream = answer[1]["content-type"].startswith("text/event-stream")

    def call(client: openai.OpenAI) -> Any:
        result = client.responses.create(**ASK, stream=is_stream)
        return list(result) if is_stream else result

    client = service.client(answer)
    bare = seen(call, client)
    with testing.capture(TRUSTED) as calls:
        ours = seen(call, client)
    assert ours == bare
    used = calls[0].reply.usage.output if calls[0].reply and calls[0].reply.usage else None
    assert [(c.ending, c.outcome, c.served, c.error_type) for c in calls] == [
        ("complete", "resolved", "priority", None)
    ]
    assert used == output


@pytest.mark.parametrize("name", ["gzip", "deflate", "CR LF", "unknown events", "a comment"])
def test_what_can_be_known_of_an_odd_stream_is_known(service: Service, name: str) -> None:
    """Compressed or oddly framed: tier and tokens are read, by chunks and by raw lines."""
    client = service.client(STREAMS[name])
    with testing.capture(TRUSTED) as calls:
        streamed(client)
        lines(client)
    assert [(c.served, c.reply.usage.output if c.reply and c.reply.usage else None) for c in calls] == [
        ("priority", 12),
        ("priority", 12),
    ]


@pytest.mark.parametrize("encoding", ["br", "zstd", "odd"])
def test_an_encoding_we_cannot_undo_leaves_the_tier_unknown(service: Service, encoding: str) -> None:
    """A raw reader of an unreadable encoding gets its bytes; the tier is unknown, and no exception is raised."""
    client = service.client(sse(b"\x00\x01binary", {"content-encoding": encoding}))
    create = client.chat.completions.with_streaming_response.create
    with testing.capture(TRUSTED) as calls, create(**CHAT, stream=True) as response:
        data = b"".join(response.http_response.iter_raw())
    assert data == b"\x00\x01binary"
    assert calls[0].served == "unreported"


@pytest.mark.parametrize("tier", ["", "x" * 5000, "Priority", "\uff50riority", "auto", "\0"])
def test_any_text_as_tier_passes_through_and_is_bounded(service: Service, tier: str) -> None:
    """The service gets the tier as it was given; our words for it are a closed set."""
    client = service.client(replies.whole(replies.chat(tier)))
    with testing.capture(TRUSTED) as calls:
        client.chat.completions.create(**CHAT, service_tier=tier)  # type: ignore[call-overload]
    assert json.loads(service.replay.requests[-1].body)["service_tier"] == tier
    assert calls[0].request.requested in {"unset", "auto", "_OTHER"}
    assert calls[0].served in {"unreported", "_OTHER"}
