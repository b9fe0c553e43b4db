"""Responses: whole, streamed, stored, in the background."""

import time

import openai
import pytest

from tierscope.simulator import ToolCall


def kinds(stream):
    return [event.type for event in stream]


def test_stream_has_the_recorded_order_of_events(bench, order):
    """Events come in the recorded order with sequence numbers from 0."""
    found = list(bench.respond(script=order(tokens=2, reasoning_tokens=0), stream=True))
    assert kinds(found) == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [event.sequence_number for event in found] == list(range(10))


def test_opening_events_echo_the_request_and_the_end_tells_the_truth(bench, order):
    """`auto` (or the requested tier) in the opening events, the served tier in the terminal event alone."""
    unset = list(bench.respond(stream=True))
    asked = list(bench.respond(service_tier="priority", script=order(served="default"), stream=True))
    assert [e.response.service_tier for e in (unset[0], unset[1], unset[-1])] == ["auto", "auto", "default"]
    assert [e.response.service_tier for e in (asked[0], asked[1], asked[-1])] == ["priority", "priority", "default"]


def test_event_lines_name_the_type(bench):
    """On the wire each event has an `event:` line, and Responses streams have no `[DONE]`."""
    with bench.http().stream("POST", "/v1/responses", json={"model": "gpt-5", "input": "x", "stream": True}) as reply:
        text = reply.read().decode()
    assert text.startswith('event: response.created\ndata: {"type":"response.created","sequence_number":0,')
    assert "[DONE]" not in text


def test_reasoning_summary_and_function_call_items(bench, order):
    """Reasoning summaries, text and function calls stream as items of their own."""
    calls = (ToolCall("f", '{"a":1}'),)
    script = order(tokens=2, reasoning_tokens=5, reasoning_deltas=2, tool_calls=calls)
    found = list(bench.respond(script=script, stream=True))
    assert [item.type for item in found[-1].response.output] == ["reasoning", "message", "function_call"]
    assert kinds(found).count("response.reasoning_summary_text.delta") == 2
    assert kinds(found).count("response.function_call_arguments.delta") == 2
    assert found[-1].response.usage.output_tokens == 9


@pytest.mark.parametrize("ending", ["incomplete", "failed"])
def test_other_endings(bench, order, ending):
    """A reply may end incomplete or failed, with the terminal event of that name."""
    found = list(bench.respond(script=order(terminal=ending), stream=True))
    assert found[-1].type == f"response.{ending}"
    assert found[-1].response.status == ending


def test_no_terminal_event(bench, order):
    """`terminal="none"` ends the stream properly without its last event: no tier, no usage is known."""
    found = list(bench.respond(script=order(terminal="none"), stream=True))
    assert found[-1].type == "response.output_item.done"
    row = bench.row()
    assert (row.served, row.usage_sent, row.ending) == (None, False, "complete")


def test_stored_response_can_be_fetched_again(bench):
    """A stored response is the same when fetched; one that was not stored is 404."""
    client = bench.openai()
    kept = bench.respond(client=client, service_tier="priority")
    unkept = bench.respond(client=client, store=False)
    assert client.responses.retrieve(kept.id).model_dump() == kept.model_dump()
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(unkept.id)
    client.responses.delete(kept.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(kept.id)


def wait_for(client, key, *words):
    """Asks until the status is one of the words."""
    for _ in range(400):
        found = client.responses.retrieve(key)
        if found.status in words:
            return found
        time.sleep(0.005)
    raise AssertionError(found.status)


def test_background_goes_from_queued_to_completed(bench, order):
    """Background answers `queued` with an echoed tier at once, then moves on; the truth comes with the end."""
    client = bench.openai()
    client.responses.retrieve(bench.respond(client=client).id)  # the SDK builds its types at the first use
    script = order(tokens=3, served="default", first_delay=0.2)
    first = bench.respond(client=client, background=True, service_tier="priority", script=script)
    assert (first.status, first.service_tier, first.usage) == ("queued", "priority", None)
    assert wait_for(client, first.id, "in_progress").service_tier == "priority"
    last = wait_for(client, first.id, "completed")
    assert (last.service_tier, last.background) == ("default", True)
    assert last.usage.output_tokens == 3 + 16


def test_background_without_a_tier_echoes_auto(bench):
    """A queued response whose request named no tier says `auto` (recorded)."""
    assert bench.respond(background=True).service_tier == "auto"


def test_background_can_be_cancelled(bench, order):
    """Cancelling a queued response makes it `cancelled` for good."""
    client = bench.openai()
    first = bench.respond(client=client, background=True, script=order(first_delay=1))
    assert client.responses.cancel(first.id).status == "cancelled"
    assert client.responses.retrieve(first.id).status == "cancelled"


def test_background_stream_opens_with_queued(bench):
    """A streamed background response opens at once: created (queued), queued, then in_progress after the wait."""
    found = list(bench.respond(background=True, stream=True))
    assert found[0].response.status == "queued"
    assert kinds(found)[:3] == ["response.created", "response.queued", "response.in_progress"]
    assert kinds(found)[-1] == "response.completed"
    row = bench.row()
    assert row.first_byte - row.started < 0.03
    assert row.first_delta - row.started > 0.05


def test_stored_stream_resumes_after_a_sequence_number(bench, order):
    """`retrieve(stream=True, starting_after=n)` sends the events after n and ends with the truth."""
    client = bench.openai()
    key = bench.respond(client=client, background=True, script=order(tokens=3, served="default")).id
    with client.responses.retrieve(key, stream=True) as whole:
        numbers = [event.sequence_number for event in whole]
    with client.responses.retrieve(key, stream=True, starting_after=2) as rest:
        found = list(rest)
    assert numbers[0] == 0
    assert [e.sequence_number for e in found] == numbers[3:]
    assert found[-1].response.service_tier == "default"


def test_beta_query_and_compact(bench):
    """The beta query changes nothing, and a compacted conversation has no tier."""
    client = bench.openai()
    assert bench.respond(client=client, extra_query={"beta": "true"}).status == "completed"
    compacted = client.responses.compact(model="gpt-5", input="x", service_tier="priority")
    assert compacted.object == "response.compaction"
    assert (bench.rows(2)[1].requested, bench.rows(2)[1].served) == ("priority", None)
