"""Overhead of one call: CPU time over the bare client, as a multiple of a hand-written floor.

``make bench``, or ``python bench/overhead.py --rounds 200``. All contestants run interleaved, in shuffled blocks, in
one process: figures of different runs do not compare, ratios of one run do. The transport is canned; the rest of the
SDK is real. The bare client runs twice: the difference between the two is the error.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx2
import openai
from contestants import FLOOR_RECORDS, FLOOR_SPAN_ATTRIBUTES, Bare, Floor, Tierscope

if TYPE_CHECKING:
    from collections.abc import Callable

    from contestants import Contestant

CALLS = 16
"""Measured calls of one block."""
WARM = 3
"""Calls before them: a swap leaves caches cold."""
CEILING = 1.8
"""What overhead ÷ floor may be (issue "the core")."""


@dataclass(frozen=True, slots=True)
class Block:
    """Microseconds per call of one block."""

    cpu: float
    """Process CPU time, deferred work and other threads included."""
    caller: float
    """Wall time that the caller waited, deferred work excluded."""


@dataclass(frozen=True, slots=True)
class Overhead:
    """Microseconds per call over the bare client: the median of paired blocks, and its quartiles."""

    median: float
    low: float
    high: float


def canned() -> httpx2.MockTransport:
    """Replies of usual size, each with an id of its own."""
    numbers = itertools.count()

    def reply(_request: httpx2.Request) -> httpx2.Response:
        body = {
            "id": f"chatcmpl-{next(numbers)}",
            "object": "chat.completion",
            "created": 1_790_000_000,
            "model": "gpt-4.1-2025-04-14",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": "word " * 120, "refusal": None, "annotations": []},
                    "logprobs": None,
                    "finish_reason": "stop",
                }
            ],
            "usage": {
                "prompt_tokens": 210,
                "completion_tokens": 120,
                "total_tokens": 330,
                "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
                "completion_tokens_details": {
                    "reasoning_tokens": 0,
                    "audio_tokens": 0,
                    "accepted_prediction_tokens": 0,
                    "rejected_prediction_tokens": 0,
                },
            },
            "service_tier": "priority",
            "system_fingerprint": "fp_1",
        }
        headers = {
            "content-type": "application/json",
            "x-request-id": "req_1",
            "openai-processing-ms": "812",
            "x-ratelimit-limit-requests": "10000",
            "x-ratelimit-remaining-requests": "9999",
            "x-ratelimit-reset-requests": "6ms",
        }
        return httpx2.Response(200, headers=headers, content=json.dumps(body).encode())

    return httpx2.MockTransport(reply)


def block(contestant: Contestant, operation: Callable[[], Any]) -> Block:
    """Measure one block."""
    contestant.enter()
    for _ in range(WARM):
        contestant.call(operation)
    contestant.settle()
    wall, cpu = time.perf_counter_ns(), time.process_time_ns()
    for _ in range(CALLS):
        contestant.call(operation)
    waited = time.perf_counter_ns() - wall
    contestant.settle()
    spent = time.process_time_ns() - cpu
    contestant.leave()
    return Block(spent / CALLS / 1000, waited / CALLS / 1000)


def measure(contestants: list[Contestant], operation: Callable[[], Any], rounds: int) -> dict[str, list[Block]]:
    """The blocks of every contestant, interleaved in an order drawn anew for each round."""
    spent: dict[str, list[Block]] = {contestant.name: [] for contestant in contestants}
    order, rng = list(contestants), random.Random(1)
    for _ in range(rounds):
        rng.shuffle(order)
        for contestant in order:
            spent[contestant.name].append(block(contestant, operation))
    return spent


def over(spent: dict[str, list[Block]], name: str, what: str = "cpu") -> Overhead:
    """What a contestant costs over the bare blocks of the same rounds."""
    rounds = zip(spent[name], spent["bare"], strict=True)
    low, median, high = statistics.quantiles([getattr(own, what) - getattr(bare, what) for own, bare in rounds], n=4)
    return Overhead(median, low, high)


def check(contestants: list[Contestant], rounds: int) -> None:
    """Stop where a contestant did not emit what it claims."""
    calls = rounds * (CALLS + WARM)
    for contestant in contestants:
        spans, attributes, records = contestant.emitted()
        least = (0, 0, 0) if isinstance(contestant, Bare) else (calls, FLOOR_SPAN_ATTRIBUTES * calls, 2 * calls)
        if spans != least[0] or attributes < least[1] or records < least[2]:
            raise SystemExit(f"{contestant.name}: {spans} spans, {attributes} attributes, {records} records")
        if spans:
            print(f"{contestant.name:22} {attributes / spans:5.1f} attributes, {records / spans:4.1f} records per call")


def report(spent: dict[str, list[Block]]) -> None:
    """Print what each contestant adds, in CPU and to the caller, beside the floor."""
    bare = spent["bare"]
    print(f"bare: {statistics.median(b.cpu for b in bare):.0f} us of CPU a call; {len(bare)} blocks of {CALLS} calls")
    print(f"{'added per call':22} {'CPU':>9} {'quartiles':>16} {'x floor':>8} {'caller':>10} {'x floor':>8}")
    floor, waited = over(spent, "floor").median, over(spent, "floor", "caller").median
    for name in list(spent)[1:]:
        cpu, caller = over(spent, name), over(spent, name, "caller").median
        spread = f"{cpu.low:+.0f} ... {cpu.high:+.0f}"
        print(
            f"{name:22} {cpu.median:+6.0f} us {spread:>16} {cpu.median / floor:8.2f}"
            f" {caller:+7.0f} us {caller / waited:8.2f}"
        )


def main() -> int:
    """Measure, print, and fail above the ceiling."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=120, help="blocks of each contestant (default: 120)")
    rounds = parser.parse_args().rounds
    client = openai.OpenAI(api_key="k", http_client=httpx2.Client(transport=canned()))
    messages: Any = [{"role": "user", "content": "hello"}]

    def operation() -> Any:
        return client.chat.completions.create(model="gpt-4.1", messages=messages, service_tier="priority")

    contestants: list[Contestant] = [
        Bare("bare"),
        Bare("bare again"),
        Floor(),
        Tierscope("tierscope", genai_metrics=True),
        Tierscope("tierscope, own only", genai_metrics=False),
    ]
    spent = measure(contestants, operation, rounds)
    check(contestants, rounds)
    report(spent)
    ratio = over(spent, "tierscope").median / over(spent, "floor").median
    print(f"tierscope: {ratio:.2f} x the floor of one span and {FLOOR_RECORDS} records; at most {CEILING}")
    return int(ratio > CEILING)


if __name__ == "__main__":
    raise SystemExit(main())
