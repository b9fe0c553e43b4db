"""Agent and gateways as processes: what is kept of traces, where they go, and what an intake is told."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, Final

import pytest
from tests.pipeline.collectors import Collector, until
from tests.pipeline.conftest import Starts
from tests.pipeline.made import plain, samples, span, spans_of, traces
from tests.pipeline.test_derived import CALL, USED
from tests.pipeline.test_tiers import OPENAI

from tierscope import signals as s

TRACES: Final = "traces.jsonl"
OVER: Final = f"""
exporters:
  file/traces: {{path: {TRACES}, flush_interval: 20ms}}
  file/metrics: {{path: metrics.jsonl, flush_interval: 20ms}}
service:
  pipelines:
    traces/keep: {{exporters: [file/traces]}}
    metrics: {{exporters: [file/metrics]}}
"""
QUICK: Final = {"TIERSCOPE_DECISION_WAIT": "500ms", "TIERSCOPE_DECISION_WAIT_AFTER_ROOT": "100ms"}
ALL: Final = {"TIERSCOPE_KEPT_PERCENT": "100", **QUICK}
HONORED: Final = {**OPENAI, s.REQUEST_TIER.key: "priority", s.RESPONSE_TIER.key: "priority"}


def calls(collector: Collector) -> float:
    """Return the calls that a gateway has derived."""
    return sum(value for name, _, value in samples(collector.scraped) if name == "tierscope_calls_total")


def decided(gateway: Collector, count: int) -> list[dict[str, Any]]:
    """Return the spans that are kept, once a gateway has decided on so many traces."""

    def is_done() -> bool:
        told = samples(gateway.own_metrics)
        name = "otelcol_processor_tail_sampling_global_count_traces_sampled"
        return sum(value for told_name, _, value in told if told_name.startswith(name)) >= count

    assert until(is_done), gateway.own_metrics
    time.sleep(0.5)  # a decision is counted before the trace is handed on
    return spans_of(gateway.folder / TRACES)


# ── sampling ──────────────────────────────────────────────────────────────────────────────────────────────────────
KEPT: Final = [
    pytest.param(span(CALL), 1, id="downgraded"),
    pytest.param(span({**OPENAI, s.TIER_OUTCOME.key: "refused"}), 1, id="refused"),
    pytest.param(span(HONORED, status={"code": 2}), 1, id="failed"),
    pytest.param(span(HONORED, seconds=31), 1, id="long"),
    pytest.param(
        span({**HONORED, s.TIER_OUTCOME.key: "honored", s.TIER_SERVED.key: "priority", s.RATE_GENERATION.key: 49.9}),
        1,
        id="below-every-promise",
    ),
    pytest.param(
        span({**HONORED, s.TIER_OUTCOME.key: "honored", s.TIER_SERVED.key: "priority", s.RATE_GENERATION.key: 50.0}),
        0,
        id="at-the-lowest-promise",
    ),
    pytest.param(
        span({**HONORED, s.RESPONSE_TIER.key: "flex", s.REQUEST_TIER.key: "flex"}, seconds=31), 0, id="flex-may-be-long"
    ),
    pytest.param(span(HONORED), 0, id="as-promised"),
    pytest.param(span({"http.request.method": "GET"}, seconds=31), 0, id="not-ours"),
]


def test_the_interesting_traces_are_kept(starts: Starts) -> None:
    """Each kind, where nothing is kept of the rest."""
    gateway = starts("gateway", over=OVER, TIERSCOPE_KEPT_PERCENT="0", **QUICK)
    sent = {str(row.id): row.values for row in KEPT}
    for one, _ in sent.values():
        assert gateway.send("traces", traces(one))[0] == 200  # type: ignore[arg-type]
    kept = {one["spanId"] for one in decided(gateway, len(KEPT))}
    assert {name: int(one["spanId"] in kept) for name, (one, _) in sent.items()} == {  # type: ignore[index]
        name: count for name, (_, count) in sent.items()
    }


def test_a_flood_of_downgrades_is_capped_and_counted(starts: Starts) -> None:
    """Of 400 downgraded traces at most the cap a second is kept, of each of two policies; the metric has all 400."""
    gateway = starts("gateway", over=OVER, TIERSCOPE_KEPT_SPANS_PER_SECOND="5", TIERSCOPE_KEPT_PERCENT="100", **QUICK)
    begun = time.monotonic()
    for _ in range(4):
        assert gateway.send("traces", traces(*(span(CALL) for _ in range(100))))[0] == 200
    kept = len(decided(gateway, 400))
    seconds = time.monotonic() - begun + 1
    assert 0 < kept <= 2 * 5 * (seconds + 1)
    assert kept < 400 / 2
    assert until(lambda: calls(gateway) == 400), calls(gateway)


def test_a_share_of_the_rest_is_kept(starts: Starts) -> None:
    """Half of 400: the share is by trace id, so it is the same each time."""
    gateway = starts(
        "gateway", over=OVER, TIERSCOPE_KEPT_PERCENT="50", TIERSCOPE_KEPT_SPANS_PER_SECOND="10000", **QUICK
    )
    assert gateway.send("traces", traces(*(span(HONORED) for _ in range(400))))[0] == 200
    assert 140 <= len(decided(gateway, 400)) <= 260


# ── agent, gateways ───────────────────────────────────────────────────────────────────────────────────────────────
def test_an_agent_hands_each_trace_to_one_gateway(starts: Starts) -> None:
    """Content stays on the agent's host; of 40 calls, with their HTTP spans, each is counted once, by one of two."""
    gateways = [starts("gateway", over=OVER, name=f"g{n}", **ALL) for n in (1, 2)]
    places = [one.env["TIERSCOPE_OTLP_GRPC"] for one in gateways]
    agent = starts("agent", name="a", TIERSCOPE_GATEWAYS=json.dumps(places), TIERSCOPE_GATEWAY=places[0])
    sent = [span({**CALL, **USED, "gen_ai.prompt": "a question"}) for _ in range(40)]
    inner = [
        {**span({"http.request.method": "POST"}), "traceId": one["traceId"], "parentSpanId": one["spanId"]}
        for one in sent
    ]
    for half in (sent, inner):
        assert agent.send("traces", traces(*half))[0] == 200
    assert until(lambda: sum(map(calls, gateways)) == 40), [calls(one) for one in gateways]
    assert all(calls(one) > 0 for one in gateways)
    assert until(lambda: sum(len(spans_of(one.folder / TRACES)) for one in gateways) == 80)
    found = [spans_of(one.folder / TRACES) for one in gateways]
    first, second = ({one["traceId"] for one in kept} for kept in found)
    assert first & second == set()
    assert [(one.folder / TRACES).read_text().count("a question") for one in gateways] == [0, 0]


def test_an_agents_metrics_reach_the_gateway(starts: Starts) -> None:
    gateway = starts("gateway", over=OVER, name="g")
    agent = starts("agent", name="a", TIERSCOPE_GATEWAY=gateway.env["TIERSCOPE_OTLP_GRPC"], TIERSCOPE_HOST_NAME="h-1")
    points = [{"asInt": "3", "startTimeUnixNano": "1", "timeUnixNano": "2"}]
    metric = {
        "name": "tierscope.calls",
        "sum": {"aggregationTemporality": 2, "isMonotonic": True, "dataPoints": points},
    }
    assert agent.send("metrics", {"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]})[0] == 200
    path = gateway.folder / "metrics.jsonl"
    assert until(lambda: path.exists() and path.read_text())
    (resource,) = json.loads(path.read_text())["resourceMetrics"]
    assert plain(resource["resource"]["attributes"]) == {"host.name": "h-1"}
    assert resource["scopeMetrics"][0]["metrics"][0]["sum"]["dataPoints"][0]["asInt"] == "3"


def test_what_waits_for_a_backend_survives_a_kill(starts: Starts) -> None:
    """The store of traces is down, the gateway is killed and started again; then the store comes: all 20 arrive."""
    with intake() as (url, bodies, gate):
        gate["status"] = 503
        gateway = starts("gateway", over=JSON.replace("langfuse", "traces"), TIERSCOPE_TRACES_URL=url, **ALL)
        sent = [span(HONORED) for _ in range(20)]
        assert gateway.send("traces", traces(*sent))[0] == 200
        decided(gateway, 20)
        assert gate["refused"]
        assert gateway.stop(signal.SIGKILL) == -signal.SIGKILL
        gate["status"] = 200
        gateway.start()
        wanted = {one["spanId"] for one in sent}
        assert until(lambda: {one["spanId"] for came in bodies for one in _spans(came)} == wanted), gateway.log[-2000:]


# ── Langfuse ──────────────────────────────────────────────────────────────────────────────────────────────────────
JSON: Final = """
exporters:
  otlp_http/langfuse:
    encoding: json
    compression: none
    retry_on_failure: {initial_interval: 100ms, max_interval: 200ms}
"""
PRICED_BY: Final = "gen_ai.request.service_tier"


@contextmanager
def intake() -> Iterator[tuple[str, list[tuple[str, bytes]], dict[str, int]]]:
    """Serve on loopback; yield the address, authorization and body of what came, and the status to answer."""
    bodies: list[tuple[str, bytes]] = []
    gate = {"status": 200, "refused": 0}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            if gate["status"] == 200:
                bodies.append((self.headers.get("authorization", ""), body))
            else:
                gate["refused"] += 1
            self.send_response(gate["status"])
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1/traces", bodies, gate
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _spans(came: tuple[str, bytes]) -> list[dict[str, Any]]:
    told = json.loads(came[1])["resourceSpans"]
    return [one for resource in told for scope in resource["scopeSpans"] for one in scope["spans"]]


def test_langfuse_is_told_the_tier_that_served(starts: Starts) -> None:
    """There alone; where it is unknown Langfuse is told none, and so does not price by what was asked for."""
    sent = [span({**CALL, PRICED_BY: "priority"}), span({**OPENAI, PRICED_BY: "priority"})]
    with intake() as (url, bodies, _):
        env = {"TIERSCOPE_LANGFUSE_URL": url, "TIERSCOPE_LANGFUSE_AUTHORIZATION": "Basic eDp5"}
        gateway = starts(
            "gateway", "overlays/langfuse", over=OVER.replace("exporters:\n", JSON.lstrip(), 1), **env, **ALL
        )
        assert gateway.send("traces", traces(*sent))[0] == 200
        assert until(lambda: bodies)
        found = {one["spanId"]: plain(one["attributes"]) for one in _spans(bodies[0])}
        assert bodies[0][0] == "Basic eDp5"
        elsewhere = {one["spanId"]: one["attributes"] for one in decided(gateway, 2)}
    assert [found[one["spanId"]].get(PRICED_BY) for one in sent] == ["default", None]
    assert [elsewhere[one["spanId"]].get(PRICED_BY) for one in sent] == ["priority", "priority"]
