"""Everybody sends to one gateway: each call is counted once, with the tiers that its span carries."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
from tests.pipeline.collectors import ROOT, Collector, until
from tests.pipeline.conftest import FILES, TRACES, made
from tests.pipeline.made import plain, samples, spans_of
from tests.sdk import replies
from tests.truth.replay import Replay

from tierscope import signals as s

FEEDS: Final = Path(__file__).parent / "feeds"
TOLD: Final = (s.TIER_REQUESTED.key, s.TIER_SERVED.key, s.TIER_OUTCOME.key)
NOTHING: Final = "unreported"
EXPECTED: Final[dict[str, dict[tuple[str, str, str], int]]] = {
    # no tier on any span: of an answer nothing is known, a failure is one all the same
    "js-shop": {(NOTHING, NOTHING, NOTHING): 2, (NOTHING, NOTHING, "failed"): 1},
    # one span has no server.address
    "java-shop": {(NOTHING, NOTHING, "unverified"): 1, (NOTHING, NOTHING, NOTHING): 1},
    # the echo of a Responses stream is not believed; the other two are right, and the request is never told
    "net-shop": {(NOTHING, NOTHING, "unverified"): 1, (NOTHING, "default", "resolved"): 2},
    "inference-shop": {("flex", NOTHING, NOTHING): 1, (NOTHING, NOTHING, NOTHING): 1},
    "llmetry-shop": {("priority", "default", "downgraded"): 1},
    # a proxy that no row of the catalog knows
    "litellm-proxy": {("priority", "priority", "unverified"): 1},
    "hebo-gateway": {("auto", "default", "resolved"): 1, ("priority", "default", "downgraded"): 1},
    "vercel-shop": {(NOTHING, NOTHING, "unverified"): 1},
    # our own, whose service sends its metrics; the same inside the official span; the official package alone
    "ours": {("priority", "default", "downgraded"): 2},
    "both": {("priority", "default", "downgraded"): 2},
    "official": {("priority", "default", "unverified"): 2},
}
PROGRAM: Final = """
import sys
from tests.processes.inside import *
export()
if "official" in sys.argv[1]:
    from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor
    OpenAIInstrumentor().instrument()
if "ours" in sys.argv[1]:
    tierscope.instrument()
with client() as own:
    for _ in range(2):
        own.chat.completions.create(model="gpt-4.1", messages=[], service_tier="priority")
flush()
"""


@pytest.fixture(scope="module")
def fed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """Return a Collector that everybody has sent to. Its operator opted in for two Python services."""
    opted = {
        "TIERSCOPE_PYTHON_SERVICES": "^(litellm-proxy|official)$",
        "TIERSCOPE_PYTHON_SCOPES": "^(litellm|opentelemetry)",
    }
    with made(tmp_path_factory.mktemp("fed"), "standalone", over=FILES, **opted) as one, Replay() as service:
        for feed in sorted(FEEDS.glob("*.json")):
            assert one.send("traces", feed.read_bytes())[0] == 200
        service.add("x", *replies.whole(replies.chat("default")))
        for name, layers in (("ours", "ours"), ("both", "ours official"), ("official", "official")):
            _run(layers, one, f"{service.url('x')}/v1", name)
        assert until(lambda: {labels["service_name"] for _, labels, _ in _calls(one)} >= EXPECTED.keys())
        yield one


def _run(layers: str, collector: Collector, url: str, service: str) -> None:
    """Run a program that makes two calls, with some instrumentations, and exports by OTLP."""
    env = {
        "PATH": "",
        "PYTHONPATH": str(ROOT),
        "OPENAI_BASE_URL": url,
        "TIERSCOPE_TRUSTED_HOSTS": "127.0.0.1=openai",
        "OTEL_SERVICE_NAME": service,
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
    }
    subprocess.run([sys.executable, "-c", PROGRAM, layers], env=env, cwd=ROOT, check=True)


def _calls(collector: Collector) -> Iterator[tuple[str, dict[str, str], float]]:
    return (one for one in samples(collector.scraped) if one[0] == "tierscope_calls_total" and one[2])


def test_each_call_is_counted_once_with_the_tiers_of_its_span(fed: Collector) -> None:
    counted: dict[str, Counter[tuple[str, ...]]] = {}
    for _, labels, value in _calls(fed):
        told = tuple(labels[key.replace(".", "_")] for key in TOLD)
        counted.setdefault(labels["service_name"], Counter())[told] += int(value)
    assert counted == EXPECTED


def test_its_tokens_are_counted_once(fed: Collector) -> None:
    """120 + 30 tokens a call, 8 of an embedding; none of chains, agents and workflows, which repeat them."""
    sums: Counter[str] = Counter()
    for name, labels, value in samples(fed.scraped):
        if name == "tierscope_tokens_total":
            sums[labels["service_name"]] += int(value)
    used = json.loads(replies.chat())["usage"]
    ours = 2 * (used["prompt_tokens"] + used["completion_tokens"])
    assert sums == {
        "js-shop": 2 * 150 + 8,
        "java-shop": 2 * 150,
        "net-shop": 3 * 150,
        "inference-shop": 2 * 150,
        "llmetry-shop": 150,
        "litellm-proxy": 150,
        "hebo-gateway": 2 * 150,
        "vercel-shop": 150,
        **dict.fromkeys(("ours", "both", "official"), ours),
    }


def test_every_span_arrives(fed: Collector) -> None:
    """Also those that are not counted."""
    sent = [
        one["spanId"]
        for feed in FEEDS.glob("*.json")
        for scope in json.loads(feed.read_text("utf-8"))["resourceSpans"][0]["scopeSpans"]
        for one in scope["spans"]
    ]
    assert set(sent) <= {one["spanId"] for one in spans_of(fed.folder / TRACES)}


def test_the_feeds_hold_content_and_the_output_none(fed: Collector) -> None:
    fed_text = "".join(feed.read_text("utf-8") for feed in FEEDS.glob("*.json"))
    left = (fed.folder / TRACES).read_text("utf-8")
    for text in ("a question", "an answer", "additional property", "org-abcdefghijklmnop1234"):
        assert (text in fed_text, text in left) == (True, False)


def test_every_feed_has_its_row() -> None:
    told: list[Any] = [json.loads(feed.read_text("utf-8"))["resourceSpans"][0] for feed in FEEDS.glob("*.json")]
    services = {plain(one["resource"]["attributes"])["service.name"] for one in told}
    assert services == EXPECTED.keys() - {"ours", "both", "official"}
