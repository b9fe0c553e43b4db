"""Completions, embeddings, headers, limits of profiles, and the simulator's own life."""

import asyncio
import contextlib
import itertools
import json
import random
import signal
import socket
import sqlite3
import subprocess
import sys

import httpx2
import pytest

from tierscope.simulator import Limits, Profile, Simulator
from tierscope.simulator.headers import duration
from tierscope.simulator.meters import Meter, Ramp
from tierscope.simulator.plan import Pace
from tierscope.simulator.text import pieces, prompt_tokens, words


def test_completions_whole_and_streamed(bench, order):
    """Completions have usage and no tier."""
    client, script = bench.openai(), {"x-sim-script": order(tokens=4).json}
    whole = client.completions.create(model="gpt-3.5-turbo-instruct", prompt="x", extra_headers=script)
    assert (whole.usage.completion_tokens, hasattr(whole, "service_tier")) == (4, False)
    stream = client.completions.create(
        model="m", prompt="x", stream=True, stream_options={"include_usage": True}, extra_headers=script
    )
    chunks = list(stream)
    assert [c.choices[0].text for c in chunks[:-1]][-1] == ""
    assert chunks[-1].usage.completion_tokens == 4
    assert [row.text_deltas for row in bench.rows(2)] == [0, 4]


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_embeddings(bench, encoding):
    """Embeddings come one per input, as floats or base64, with prompt tokens alone."""
    reply = bench.openai().embeddings.create(model="e", input=["a", "b"], encoding_format=encoding)
    assert (len(reply.data), reply.usage.total_tokens) == (2, 1)
    row = bench.row()
    assert (row.endpoint, row.input_tokens, row.output_tokens, row.served) == ("embeddings", 1, None, None)


def test_openai_headers(bench):
    """OpenAI's headers are there, with resets written as durations."""
    headers = bench.openai().chat.completions.with_raw_response.create(model="gpt-5", messages=[]).headers
    assert headers["x-request-id"].startswith("req_")
    assert headers["openai-processing-ms"].isdigit()
    assert headers["openai-version"] == "2020-10-01"
    assert headers["openai-organization"]
    assert int(headers["x-ratelimit-remaining-requests"]) < int(headers["x-ratelimit-limit-requests"])
    assert headers["x-ratelimit-reset-requests"].endswith("s")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0s"), (0.012, "12ms"), (8.64, "8.64s"), (60.198, "1m0.198s"), (1.0, "1s"), (120.0, "2m0s")],
)
def test_durations_as_recorded(seconds, text):
    """Resets are written as in the recordings."""
    assert duration(seconds) == text


def test_prompt_is_counted_by_marks_and_characters():
    """A mark counts what it says, other text a token per four characters, wherever it stands in the request."""
    assert prompt_tokens({"input": "<<tokens:500>>abcdefgh"}) == 502
    parts = [{"role": "user", "content": [{"type": "input_text", "text": "abcd" * 3}]}]
    assert prompt_tokens({"input": parts, "instructions": "abcd"}) == 4
    assert prompt_tokens({"messages": [{"role": "user", "content": "<<tokens:7>>"}], "metadata": {"a": "b" * 99}}) == 7
    assert prompt_tokens({}) == 1


def seeded():
    return random.Random(1)  # noqa: S311  # repeatable words, not a secret


def test_words_cut_into_deltas_keep_their_text():
    """Cutting a text into fewer deltas changes no character of it."""
    single, grouped = words(seeded(), 10), words(seeded(), 10, 3)
    assert (len(single), len(grouped)) == (10, 3)
    assert "".join(single) == "".join(grouped)
    assert words(seeded(), 0) == ()
    assert pieces("abcdef") == ("abcd", "ef")


def test_meter_forgets_what_is_older_than_its_span():
    """The last minute counts, older uses do not."""
    meter = Meter(120)
    for at, amount in ((0, 1), (59, 2), (61, 4)):
        meter.add(at, amount)
    assert meter.minutes(100, 2) == [6, 1]
    assert meter.last_minute(200) == 0


def test_ramp_allowance_grows_by_half_the_slowest_minute():
    """After a window at the floor the running minute may take half as much again, and no more."""
    ramp = Ramp(floor=100, growth=0.5, window=120)
    assert [ramp.admits(minute * 60, 100) for minute in range(3)] == [True, True, True]
    assert not ramp.admits(180, 151)
    assert ramp.admits(180, 150)
    assert not ramp.admits(181, 1)


def test_jitter_keeps_order_and_leaves_the_ends_alone():
    """No token overtakes another, and the exact ones are exactly on time."""
    pace = Pace(0, 0.0, 1.0, 0.1, jitter=0.9, seed=3, exact=frozenset({0, 49}))
    dues = [pace.due(i) for i in range(50)]
    assert dues == sorted(dues)
    assert (dues[0], dues[49]) == (1.0, pytest.approx(5.9))
    assert len({round(b - a, 6) for a, b in itertools.pairwise(dues)}) > 40


def test_demo_profile_downgrades_refuses_and_spills(bench_for):
    """The demo's profile shows a long-context downgrade, a ramp downgrade and a scale spill-over out of the box."""
    bench = bench_for(Profile.demo(time_scale=1))
    options = {"max_tokens": 1, "model": "gpt-4.1"}
    long = [{"role": "user", "content": "<<tokens:130000>>"}]
    burst = [{"role": "user", "content": "<<tokens:45000>>"}]
    analyst, chat = bench.openai(project="proj_analyst", max_retries=2), bench.openai(max_retries=2)
    bench.chat(client=chat, messages=long, service_tier="priority", **options)
    for _ in range(3):
        bench.chat(client=chat, messages=burst, service_tier="priority", **options)
        bench.chat(client=analyst, messages=[{"role": "user", "content": "<<tokens:14000>>"}], **options)
    causes = {row.cause for row in bench.running.ledger.settle()}
    assert {"long_context", "ramp_rate", "scale_exhausted", "none"} <= causes


def test_simulator_stops_at_once_and_frees_its_port():
    """Stopping cuts what is under way; the same port can be taken again."""
    with Simulator(Profile.fast()) as first:
        port = first.port
    with Simulator(Profile.fast(limits=Limits()), port=port) as second:
        assert (second.port, second.base_url) == (port, f"http://127.0.0.1:{port}/v1")
        assert httpx2.get(second.base_url + "/nothing").status_code == 404


def loaded(*imports):
    """Modules of the package that a fresh process has after these imports."""
    code = f"import json, sys, {', '.join(imports)}; print(json.dumps([m for m in sys.modules if 'tierscope.' in m]))"
    return set(json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout))


def test_it_imports_nothing_else_of_tierscope():
    """Importing the simulator brings in no other room than the package's own front does."""
    rooms = {name for name in loaded("tierscope.simulator") if not name.startswith("tierscope.simulator")}
    assert rooms == loaded("tierscope")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_serve_runs_until_it_is_interrupted(tmp_path):
    """`serve` listens where it is told, writes its ledger to the file, and ends quietly on an interrupt."""
    port, path = free_port(), tmp_path / "truth.db"
    code = "import sys; from tierscope.simulator import serve; serve(port=int(sys.argv[1]), ledger_path=sys.argv[2])"
    with subprocess.Popen([sys.executable, "-c", code, str(port), str(path)], stderr=subprocess.PIPE) as process:
        with httpx2.Client(transport=httpx2.HTTPTransport(retries=8)) as client:
            body = {"model": "gpt-4.1-mini", "input": "x", "max_output_tokens": 1}
            reply = client.post(f"http://127.0.0.1:{port}/v1/responses", json=body, timeout=5)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=5) == 0
        assert process.stderr.read() == b""
    assert reply.json()["service_tier"] == "default"
    with contextlib.closing(sqlite3.connect(path)) as db:
        assert db.execute("select served from served").fetchall() == [("default",)]


async def test_many_streams_at_once_keep_their_own_truth(bench, order):
    """Twenty streams side by side: each row has the tokens of its own stream."""

    async def one(client, tokens):
        stream = await bench.chat(client=client, script=order(tokens=tokens, id=f"s{tokens}"), stream=True)
        return len([c async for c in stream if c.choices[0].delta.content])

    async with bench.asynchronous() as client:
        got = await asyncio.gather(*(one(client, tokens) for tokens in range(1, 21)))
    assert got == list(range(1, 21))
    assert {row.script_id: row.text_deltas for row in bench.rows(20)} == {f"s{n}": n for n in got}
