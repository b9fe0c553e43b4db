"""Errors, retries, broken streams, scripts."""

import base64
import gzip
import json

import httpx2
import openai
import pytest

from tierscope.simulator import Faults, Profile, Script, ToolCall
from tierscope.simulator.script import ScriptError, read_script

# openai 3.x wraps a connection that breaks inside a stream, older ones let the HTTP library's own error through.
BROKEN = (openai.APIConnectionError, httpx2.RemoteProtocolError)


def test_invalid_key_is_401(bench):
    """The key `sk-invalid` is refused as the service refuses a wrong one."""
    with pytest.raises(openai.AuthenticationError) as refused:
        bench.chat(client=bench.openai(api_key="sk-invalid"))
    assert (refused.value.code, refused.value.type) == ("invalid_api_key", "invalid_request_error")
    assert (bench.row().status, bench.row().error_code, bench.row().ending) == (401, "invalid_api_key", "error")


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, "invalid_value"), (429, "rate_limit_exceeded"), (500, None), (503, "server_is_overloaded")],
)
def test_scripted_status_has_the_documented_error(bench, order, status, code):
    """A scripted status answers with that status's usual error."""
    with pytest.raises(openai.APIStatusError) as failed:
        bench.chat(script=order(status=status))
    assert (failed.value.status_code, failed.value.code) == (status, code)


def test_script_names_the_error_itself(bench, order):
    """Code, type, message and param may be given; an empty code is sent as null."""
    script = order(status=429, code="insufficient_quota", error_type="insufficient_quota", message="No.", param="model")
    with pytest.raises(openai.RateLimitError) as failed:
        bench.chat(script=script)
    assert failed.value.body == {
        "message": "No.",
        "type": "insufficient_quota",
        "param": "model",
        "code": "insufficient_quota",
    }


def test_first_attempts_fail_then_the_call_succeeds(bench, order):
    """`fail_attempts=2` makes the SDK's third attempt the first to be served, and the ledger has all three."""
    script = order(status=503, fail_attempts=2, retry_after_ms=1, served="default")
    reply = bench.chat(client=bench.openai(max_retries=3), script=script, service_tier="priority")
    assert reply.service_tier == "default"
    rows = bench.rows(3)
    assert [(row.attempt, row.status, row.expected, row.served) for row in rows] == [
        (1, 503, "priority", None),
        (2, 503, "priority", None),
        (3, 200, "priority", "default"),
    ]


def test_attempts_are_counted_by_id_without_a_retry_header(bench, order):
    """A client that sends no retry count is counted under the script's id."""
    headers = {"x-sim-script": order(id="a", status=500, fail_attempts=1).json}
    client = bench.http()
    answers = [client.post("/v1/embeddings", json={"input": "x"}, headers=headers).status_code for _ in range(2)]
    assert answers == [500, 200]


def test_should_retry_header_stops_the_client(bench, order):
    """`x-should-retry: false` ends the SDK's retries."""
    with pytest.raises(openai.InternalServerError):
        bench.chat(client=bench.openai(max_retries=3), script=order(status=503, should_retry=False))
    assert len(bench.rows(1)) == 1


def test_chat_error_event_in_mid_stream(bench, order):
    """After two deltas a chat stream breaks off with an error event under status 200."""
    seen = []
    with pytest.raises(openai.APIError) as failed:
        seen.extend(bench.chat(script=order(error_after=2, tokens=9), stream=True))
    assert not isinstance(failed.value, openai.APIStatusError)
    row = bench.row()
    assert (row.status, row.text_deltas, row.usage_sent, row.ending) == (200, 2, False, "error")
    assert row.error_code == "server_is_overloaded"


def test_responses_error_event_then_failed(bench, order):
    """A Responses stream sends `error` then `response.failed`, numbered on."""
    text = []
    body = {"model": "gpt-5", "input": "x", "stream": True}
    headers = {"x-sim-script": order(error_after=0, reasoning_tokens=0).json}
    with bench.http().stream("POST", "/v1/responses", json=body, headers=headers) as reply:
        text = reply.read().decode().strip().split("\n\n")
    error, failed = (json.loads(block.split("data: ")[1]) for block in text[-2:])
    assert (error["type"], error["error"]["code"]) == ("error", "server_is_overloaded")
    assert (failed["type"], failed["response"]["status"]) == ("response.failed", "failed")
    assert (error["sequence_number"], failed["sequence_number"]) == (4, 5)


@pytest.mark.parametrize("call", ["chat", "respond"])
def test_connection_dropped_in_mid_stream(bench, order, call):
    """After three deltas the connection closes: the client has them, and no usage; the ledger agrees."""
    stream, seen = getattr(bench, call)(script=order(drop_after=3, tokens=20, reasoning_tokens=0), stream=True), []
    with pytest.raises(BROKEN):
        seen.extend(event for event in stream)
    row = bench.row()
    assert (row.text_deltas, row.usage_sent, row.ending) == (3, False, "dropped")


def test_connection_dropped_before_the_answer(bench, order):
    """`drop_before` looks like a connection error; with `fail_attempts` the retry is served."""
    with pytest.raises(openai.APIConnectionError):
        bench.chat(script=order(drop_before=True))
    assert (bench.row().status, bench.row().ending) == (0, "dropped")


def test_whole_reply_cut_in_half(bench, order):
    """`drop_after` cuts a whole reply in its middle."""
    with pytest.raises(openai.APIConnectionError):
        bench.chat(script=order(drop_after=1))
    row = bench.row()
    assert (row.status, row.served, row.usage_sent, row.ending) == (200, None, False, "dropped")
    assert row.bytes_sent > 100


def test_missing_model_and_body(bench_for):
    """Strict models make an unknown name 404; a body that is no JSON object is 400."""
    bench = bench_for(Profile.fast(strict_models=True))
    with pytest.raises(openai.NotFoundError) as missing:
        bench.chat(model="gpt-unknown")
    assert missing.value.code == "model_not_found"
    assert bench.http().post("/v1/responses", content=b"[1]").status_code == 400


def test_faults_are_drawn_at_their_share(bench_for):
    """A profile's faults fail attempts that carry no script; scripted ones mean what they say."""
    bench = bench_for(Profile.fast(faults=Faults(status_500=1.0)))
    with pytest.raises(openai.InternalServerError):
        bench.chat()
    assert bench.chat(script=Script(tokens=1)).choices


@pytest.mark.parametrize("faults", [Faults(stream_error=1.0), Faults(drop=1.0)], ids=["error", "drop"])
def test_stream_faults(bench_for, faults):
    """Drawn stream faults break a stream off before its end."""
    bench = bench_for(Profile.fast(faults=faults))
    with pytest.raises((openai.APIError, *BROKEN)):
        list(bench.respond(stream=True))
    assert bench.row().ending == ("error" if faults.stream_error else "dropped")


def test_raw_body_verbatim(bench):
    """A raw body arrives as it was given, with its type, status and pieces."""
    body = b'data: {"id":"x","choices":[{"index":0,"delta":{"content":"a"}}],"service_tier":"flex"}\n\ndata: [DONE]\n\n'
    script = Script(raw_b64=base64.b64encode(body).decode(), raw_type="text/event-stream", raw_piece=10)
    chunks = list(bench.chat(script=script, stream=True))
    assert [c.service_tier for c in chunks] == ["flex"]
    assert (bench.row().served, bench.row().text_deltas, bench.row().bytes_sent) == ("flex", 1, len(body))


def test_raw_body_compressed(bench):
    """A gzip body is sent as it is, and the ledger reads through it."""
    whole = {"id": "x", "object": "chat.completion", "choices": [], "service_tier": "z"}
    body = gzip.compress(json.dumps(whole).encode())
    script = Script(raw_b64=base64.b64encode(body).decode(), raw_encoding="gzip", headers={"X-Request-Id": "mine"})
    reply = bench.chat(script=script)
    assert (reply.service_tier, reply._request_id) == ("z", "mine")
    assert (bench.row().served, bench.row().request_id) == ("z", "mine")


def test_script_survives_its_header():
    """A script read back from its header value is the same script."""
    script = Script(served="", tokens=3, tool_calls=(ToolCall("f", "{}"),), headers={"a": "b"}, status=429)
    assert read_script(script.json) == script
    assert read_script(None) == Script()


def test_script_with_an_unknown_field_is_refused(bench):
    """A typo in a script is 400, never a silent default."""
    with pytest.raises(ScriptError):
        read_script('{"tokns":1}')
    with pytest.raises(openai.BadRequestError, match="tokns"):
        bench.chat(extra_headers={"x-sim-script": '{"tokns":1}'})
