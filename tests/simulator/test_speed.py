"""Pacing, latency, waits."""

import time

import pytest

from tierscope.simulator import Model, Profile, Speed, TierRules


def paced(rate=200.0, first=0.03, **rules):
    """A profile in which every tier has this speed."""
    speed = Speed(rate=rate, first_token=first, spread=0.0, jitter=0.4)
    return Profile.fast(models={"m": Model("m", speeds={"default": speed}, output_tokens=(21, 21))}, **rules)


@pytest.mark.parametrize("time_scale", [1.0, 600.0])
def test_token_rate_is_exact_and_never_scaled(bench_for, time_scale):
    """21 tokens at 200 per second take 100 ms from the first to the last, at any time scale and in spite of jitter."""
    bench = bench_for(paced(time_scale=time_scale))
    list(bench.respond(model="m", stream=True))
    row = bench.row()
    assert row.last_delta - row.first_delta == pytest.approx(0.1, abs=0.012)
    assert row.first_delta - row.started == pytest.approx(0.03, abs=0.012)


def test_whole_reply_takes_latency_and_generation(bench_for):
    """A whole reply arrives when its last token is due."""
    bench = bench_for(paced())
    start = time.monotonic()
    bench.chat(model="m")
    assert time.monotonic() - start == pytest.approx(0.13, abs=0.03)
    assert bench.row().first_byte - bench.row().started == pytest.approx(0.13, abs=0.012)


def test_headers_come_before_the_first_token(bench_for):
    """Status and opening events leave after half the first-token latency."""
    bench = bench_for(paced(first=0.08))
    list(bench.chat(model="m", stream=True))
    row = bench.row()
    assert row.first_byte - row.started == pytest.approx(0.04, abs=0.012)


def test_reasoning_takes_its_time_before_the_text(bench_for, order):
    """Hidden tokens are generated at the same rate before the first text delta."""
    bench = bench_for(paced())
    list(bench.respond(model="m", script=order(reasoning_tokens=10, tokens=3), stream=True))
    row = bench.row()
    assert row.first_delta - row.started == pytest.approx(0.03 + 10 / 200, abs=0.012)


def test_scripted_delays(bench, order):
    """`first_delay` and `chunk_delay` replace the profile's speed."""
    list(bench.chat(script=order(tokens=6, reasoning_tokens=0, first_delay=0.06, chunk_delay=0.01), stream=True))
    row = bench.row()
    assert row.first_delta - row.started == pytest.approx(0.06, abs=0.012)
    assert row.last_delta - row.first_delta == pytest.approx(0.05, abs=0.012)


def test_flex_waits_in_scaled_time(bench_for):
    """Flex queues before it starts, and the wait shrinks with the time scale."""
    profile = Profile.fast(tiers=TierRules(flex_wait=60.0), time_scale=1200)
    bench = bench_for(profile)
    client = bench.openai()
    for _ in range(5):
        bench.chat(client=client, service_tier="flex")
    waits = [row.first_byte - row.started for row in bench.rows(5)]
    assert 0.02 < sum(waits) / 5 < 0.2


def test_tiers_have_their_own_speed(bench_for):
    """Priority is faster than default where the profile says so; what is served decides, not what was asked."""
    speeds = {"default": Speed(100, 0.02, 0.0), "priority": Speed(400, 0.01, 0.0)}
    bench = bench_for(Profile.fast(models={"m": Model("m", speeds=speeds, output_tokens=(21, 21))}))
    client = bench.openai()
    for tier in ("default", "priority"):
        list(bench.chat(client=client, model="m", service_tier=tier, stream=True))
    slow, quick = (row.last_delta - row.first_delta for row in bench.rows(2))
    assert slow == pytest.approx(0.2, abs=0.015)
    assert quick == pytest.approx(0.05, abs=0.015)


def test_nothing_is_held_back_by_the_kernel(bench, order):
    """A reply due at once arrives at once: Nagle's algorithm is off (it held bodies back for 40 ms)."""
    client, times = bench.openai(), []
    for _ in range(5):
        start = time.monotonic()
        bench.chat(client=client, script=order(first_delay=0, chunk_delay=0))
        times.append(time.monotonic() - start)
    assert sorted(times)[2] < 0.025
