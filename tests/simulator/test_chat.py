"""Chat completions, whole and streamed."""

import json

import pytest


def events(client, body):
    """The raw events of a chat stream, parsed, `[DONE]` as text."""
    with client.stream("POST", "/v1/chat/completions", json=body | {"stream": True}) as reply:
        text = reply.read().decode()
    assert text.endswith("\n\n")
    lines = [line.removeprefix("data: ") for line in text.removesuffix("\n\n").split("\n\n")]
    return [line if line == "[DONE]" else json.loads(line) for line in lines]


BODY = {"model": "gpt-4.1", "messages": [{"role": "user", "content": "hi"}]}


def test_whole_reply_names_the_served_tier_and_usage(bench, order):
    """A whole reply has the tier, the snapshot's name and a usage that adds up."""
    reply = bench.chat(service_tier="priority", script=order(tokens=5, reasoning_tokens=7, cached_tokens=2))
    assert (reply.service_tier, reply.model) == ("priority", "gpt-5-2025-08-07")
    used = reply.usage
    assert (used.prompt_tokens, used.completion_tokens, used.total_tokens) == (4, 12, 16)
    assert used.completion_tokens_details.reasoning_tokens == 7
    assert used.prompt_tokens_details.cached_tokens == 2


def test_stream_order_is_role_text_finish_usage_done(bench):
    """A stream is a role chunk, one chunk a token, a finish chunk, a usage chunk without choices, `[DONE]`."""
    found = events(bench.http(), BODY | {"stream_options": {"include_usage": True}, "max_tokens": 3})
    assert found.pop() == "[DONE]"
    *chunks, last = found
    assert chunks[0]["choices"][0]["delta"] == {"role": "assistant", "content": "", "refusal": None}
    assert [c["choices"][0]["finish_reason"] for c in chunks] == [None, None, None, None, "length"]
    assert [c["usage"] for c in chunks] == [None] * 5
    assert last["choices"] == []
    assert last["usage"]["completion_tokens"] == 3


def test_stream_without_include_usage_has_no_usage_field(bench):
    """Usage appears, even as null, only where the caller asked for it."""
    found = events(bench.http(), BODY)
    assert not [c for c in found if c != "[DONE]" and "usage" in c]


def test_obfuscation_pads_unless_declined(bench):
    """Chunks are padded by `obfuscation` unless `include_obfuscation` is false."""
    client = bench.http()
    padded = [c for c in events(client, BODY) if "obfuscation" in c]
    declined = events(client, BODY | {"stream_options": {"include_obfuscation": False}})
    assert len(padded) == len(declined) - 1
    assert not [c for c in declined if "obfuscation" in c]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("all", ["default"] * 5),
        ("none", ["absent"] * 5),
        ("null", [None] * 5),
        ("some", ["absent", "absent", "default", "default", "default"]),
        ("last", ["absent", "absent", "absent", "absent", "default"]),
        ("echo", ["priority", "priority", "priority", "priority", "default"]),
    ],
    ids=["all", "none", "null", "some", "last", "echo"],
)
def test_tier_stands_on_the_chunks_the_mode_says(bench, order, mode, expected):
    """`tier_on` decides which chunks name the tier, and the last non-null one is always the served tier."""
    script = order(tokens=3, served="default", tier_on=mode)
    stream = bench.chat(script=script, service_tier="priority", stream=True)
    assert [c.model_dump(exclude_unset=True).get("service_tier", "absent") for c in stream] == expected
    assert bench.row().served == (None if mode in {"none", "null"} else "default")


def test_tool_calls_stream_their_arguments(bench, order):
    """A scripted tool call streams its name, then its arguments in pieces, and ends with `tool_calls`."""
    script = order(tool_calls=({"name": "weather", "arguments": '{"city":"Rome"}'},))
    chunks = list(bench.chat(script=script, stream=True))
    calls = [c.choices[0].delta.tool_calls[0] for c in chunks if c.choices[0].delta.tool_calls]
    assert calls[0].function.name == "weather"
    assert "".join(call.function.arguments for call in calls) == '{"city":"Rome"}'
    assert chunks[-1].choices[0].finish_reason == "tool_calls"
    row = bench.row()
    assert (row.text_deltas, row.first_delta) == (0, None)
    assert row.first_token is not None


def test_two_choices_stream_side_by_side(bench, order):
    """`n=2` sends every delta for both choices and counts both in the usage."""
    stream = bench.chat(script=order(tokens=4), n=2, stream=True, stream_options={"include_usage": True})
    chunks = list(stream)
    assert [c.choices[0].index for c in chunks if c.choices and c.choices[0].delta.content] == [0, 1] * 4
    assert chunks[-1].usage.completion_tokens == 8 + 16


def test_reasoning_and_refusal_deltas(bench, order):
    """Scripts send hidden reasoning as `reasoning_content`, as compatible hosts do, and text as a refusal."""
    chunks = list(bench.chat(script=order(tokens=2, reasoning_tokens=3, reasoning_deltas=2, refusal=True), stream=True))
    deltas = [c.choices[0].delta for c in chunks]
    assert len([d for d in deltas if getattr(d, "reasoning_content", None)]) == 2
    assert len([d for d in deltas if d.refusal]) == 2


async def test_async_client_streams_too(bench, order):
    """The async client reads the same stream."""
    async with bench.asynchronous() as client:
        stream = await bench.chat(client=client, script=order(tokens=4), stream=True)
        said = [c.choices[0].delta.content async for c in stream if c.choices[0].delta.content]
    assert len(said) == 4
    assert bench.row().text_deltas == 4


def test_deltas_may_hold_several_tokens(bench, order):
    """`deltas` groups tokens; usage still counts tokens."""
    script = order(tokens=10, deltas=4, reasoning_tokens=0)
    stream = bench.chat(script=script, stream=True, stream_options={"include_usage": True})
    chunks = list(stream)
    assert len([c for c in chunks if c.choices and c.choices[0].delta.content]) == 4
    assert chunks[-1].usage.completion_tokens == 10


def test_stream_helper_manager_reads_it(bench):
    """The SDK's `stream()` manager accumulates the same text."""
    with bench.openai().chat.completions.stream(model="gpt-4.1", messages=BODY["messages"]) as stream:
        final = stream.get_final_completion()
    assert final.choices[0].message.content
