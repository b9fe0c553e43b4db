"""Diagnostics of the prompt cache: told to who asks, and read from there into ledger and advice."""

import sqlite3
from contextlib import closing

import pytest
from openai import OpenAI

import tierscope
from tierscope.advice import advise
from tierscope.config import Settings
from tierscope.simulator import Profile, Simulator


def compared(response_id):
    return {"extra_body": {"prompt_cache_options": {"comparison_response_id": response_id}}}


def told(response):
    found = response.prompt_cache_diagnostics
    return None if found is None else found.to_dict()


MISS = {"type": "cache_miss", "cache_missed_tokens": 900, "comparison_reusable_tokens": 800}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"service_tier": "priority"}, {"type": "cache_hit"}),
        ({"service_tier": "default"}, {**MISS, "reason": "service_tier_changed"}),
        ({"service_tier": "priority", "model": "gpt-5-mini"}, {**MISS, "reason": "model_changed"}),
    ],
    ids=["same", "tier", "model"],
)
def test_a_reply_tells_why_the_cache_was_not_read(bench, order, options, expected):
    """The model that answers and the tier that serves are compared; 1 000 tokens, of which 100 were cached."""
    first = bench.respond(service_tier="priority", script=order(input_tokens=800))
    script = order(input_tokens=1_000, cached_tokens=100)
    assert told(bench.respond(**options, **compared(first.id), script=script)) == expected
    assert told(first) is None


def test_a_stream_tells_it_at_its_end(bench, order):
    first = bench.respond(service_tier="priority", script=order(input_tokens=800))
    events = list(bench.respond(stream=True, **compared(first.id), script=order(input_tokens=800)))
    assert [told(event.response) for event in (events[0], events[1])] == [None, None]
    assert told(events[-1].response) == {**MISS, "cache_missed_tokens": 800, "reason": "service_tier_changed"}


def test_a_response_that_is_not_kept_cannot_be_compared(bench):
    assert told(bench.respond(**compared("resp_gone"))) == {"type": "comparison_response_not_found"}


def test_a_ledger_of_it_says_what_the_change_of_the_tier_cost(tmp_path, order):
    """gpt-5: 8 000 tokens at 1.25 USD per 1M instead of 0.125; the call that kept its tier lost none."""
    path = tmp_path / "calls.db"
    with Simulator(Profile.fast()) as simulator, OpenAI(api_key="k", base_url=simulator.base_url) as client:
        tierscope.instrument(Settings(ledger=str(path), trusted_hosts={"127.0.0.1": "openai"}))
        last = None
        for tier in ("priority", "priority", "default"):
            more = {} if last is None else compared(last)
            headers = {"x-sim-script": order(input_tokens=8_000).json}
            last = client.responses.create(
                model="gpt-5", input="x", service_tier=tier, extra_headers=headers, **more
            ).id
        tierscope.uninstrument()
    columns = "cache_miss, cache_missed_tokens_estimated, cache_reusable_tokens"
    with closing(sqlite3.connect(path)) as db:
        rows = db.execute(f"SELECT {columns} FROM calls ORDER BY row").fetchall()  # noqa: S608
    assert rows == [(None, None, None), (None, None, None), ("service_tier_changed", 8_000, 8_000)]
    (one,) = advise(path)
    assert (one.id, one.calls, one.money.kind) == ("cache-breaks:openai:gpt-5", 1, "estimated")
    assert one.money.pico == 8_000 * (1_250_000 - 125_000)
