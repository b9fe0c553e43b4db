"""The ledger: truth from the bytes, exact times, SQLite beside a running server."""

import sqlite3
import subprocess
import sys
import time
from dataclasses import fields

import openai
import pytest

from tierscope.simulator import Profile, Served


def test_row_holds_what_was_sent(bench, order):
    """Tokens, tier, ids and deltas in the row are those the client got."""
    stream = bench.chat(
        script=order(tokens=5, cached_tokens=3, cache_write_tokens=1, reasoning_tokens=2, input_tokens=100),
        service_tier="fast",
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = list(stream)
    row = bench.row()
    assert (row.requested, row.expected, row.decided, row.served) == ("fast", "priority", "priority", "priority")
    assert (row.input_tokens, row.cached_tokens, row.cache_write_tokens) == (100, 3, 1)
    assert (row.output_tokens, row.reasoning_tokens, row.text_deltas) == (7, 2, 5)
    assert (row.response_id, row.response_model) == (chunks[0].id, chunks[0].model)
    assert row.request_id == stream.response.headers["x-request-id"]
    assert (row.endpoint, row.stream, row.usage_sent, row.ending) == ("chat/completions", True, True, "complete")
    assert row.chunks == len(chunks)


def test_times_are_in_order_on_both_clocks(bench, order):
    """Start, first byte, first token, first and last delta, end follow each other on either clock."""
    list(bench.respond(script=order(tokens=5), stream=True))
    row = bench.row()
    steps = ("started", "first_byte", "first_token", "first_delta", "last_delta", "ended")
    for names in (steps, [f"{name}_ns" for name in steps]):
        times = [getattr(row, name) for name in names]
        assert times == sorted(times)


def test_usage_that_was_not_sent_is_unknown(bench):
    """A stream without usage leaves the tokens unknown, not zero."""
    list(bench.chat(stream=True))
    row = bench.row()
    assert (row.usage_sent, row.input_tokens, row.output_tokens) == (False, None, None)


def test_client_that_leaves_early(bench, order):
    """A client that closes its stream never got usage or end: the row says so at once."""
    stream = bench.chat(script=order(tokens=50, chunk_delay=0.02), stream=True, service_tier="priority")
    for chunk in stream:
        if chunk.choices[0].delta.content:
            break
    start = time.monotonic()
    stream.close()
    row = bench.row()
    assert time.monotonic() - start < 0.2
    assert (row.ending, row.usage_sent, row.served) == ("client_disconnected", False, "priority")
    assert 1 <= row.text_deltas < 50


def test_responses_stream_left_early_has_no_served_tier(bench, order):
    """Before the terminal event the served tier of a Responses stream is not known, whatever was echoed."""
    stream = bench.respond(script=order(tokens=50, chunk_delay=0.02), stream=True, service_tier="priority")
    next(iter(stream))
    stream.close()
    assert (bench.row().ending, bench.row().served, bench.row().decided) == ("client_disconnected", None, "priority")


def test_client_timeout_is_a_disconnect(bench, order):
    """A client that gives up while it waits leaves a row without a status."""
    client = bench.openai(timeout=0.05)
    with pytest.raises(openai.APITimeoutError):
        bench.chat(client=client, script=order(first_delay=5))
    row = bench.row()
    assert (row.status, row.ending) == (0, "client_disconnected")
    assert row.ended - row.started < 0.3


def test_another_process_reads_the_database_meanwhile(bench_for, tmp_path):
    """Rows are in SQLite as soon as they are in the ledger, readable from outside while the server runs."""
    path = tmp_path / "truth.db"
    bench = bench_for(Profile.fast(), ledger_path=path)
    bench.chat(service_tier="priority")
    bench.rows(1)
    code = (
        "import sqlite3, sys; db = sqlite3.connect(sys.argv[1]);"
        "print(db.execute('select served, stream from served').fetchall())"
    )
    said = subprocess.run([sys.executable, "-c", code, path], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[('priority', 0)]"
    bench.chat()
    bench.rows(2)
    db = sqlite3.connect(path)
    assert db.execute("select count(*) from served").fetchone() == (2,)
    columns = [row[1] for row in db.execute("pragma table_info(served)")]
    db.close()
    assert columns == ["row", *(f.name for f in fields(Served))]


def test_waiting_for_rows_that_never_come(bench):
    """`wait` raises instead of hanging."""
    with pytest.raises(TimeoutError):
        bench.running.ledger.wait(10**6, timeout=0.01)


def test_settle_waits_for_replies_under_way(bench, order):
    """`settle` returns once every open request has its row."""
    stream = bench.chat(script=order(tokens=50, chunk_delay=0.02), stream=True)
    with pytest.raises(TimeoutError):
        bench.running.ledger.settle(timeout=0.01)
    stream.close()
    assert bench.running.ledger.settle()[-1].ending == "client_disconnected"


def test_retrieved_response_is_a_row_of_its_own(bench):
    """Fetching a stored response adds a row that names the endpoint and the same response."""
    client = bench.openai()
    made = bench.respond(client=client)
    client.responses.retrieve(made.id)
    first, second = bench.rows(2)
    assert [first.endpoint, second.endpoint] == ["responses", "responses.retrieve"]
    assert first.response_id == second.response_id
    assert (second.model, second.usage_sent) == ("gpt-5", True)
