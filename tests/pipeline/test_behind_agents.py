"""A gateway that leaves redaction to its agents: content stays out all the same, and what is counted is the same."""

from __future__ import annotations

import json

from tests.pipeline.collectors import until
from tests.pipeline.conftest import Starts
from tests.pipeline.made import span, spans_of, traces
from tests.pipeline.test_derived import CALL, USED
from tests.pipeline.test_gateway import ALL, OVER, TRACES, calls

PLANTED_KEY = "sk-0123456789abcdefghij"
PLANTED = {
    "gen_ai.prompt": "a question",
    "http.request.header.authorization": f"Bearer {PLANTED_KEY}",
    "note": PLANTED_KEY,
}


def test_content_stays_out_where_agents_redact(starts: Starts) -> None:
    """Ten calls come through an agent: kept and counted by the gateway, without what nobody may see."""
    gateway = starts("gateway", "overlays/behind-agents", over=OVER, name="g", **ALL)
    place = gateway.env["TIERSCOPE_OTLP_GRPC"]
    agent = starts("agent", name="a", TIERSCOPE_GATEWAYS=json.dumps([place]), TIERSCOPE_GATEWAY=place)
    assert agent.send("traces", traces(*(span({**CALL, **USED, **PLANTED}) for _ in range(10))))[0] == 200
    path = gateway.folder / TRACES
    assert until(lambda: len(spans_of(path)) == 10), gateway.log[-2000:]
    assert calls(gateway) == 10
    text = path.read_text()
    assert [word for word in ("a question", PLANTED_KEY) if word in text] == []


def test_without_an_agent_content_would_pass(starts: Starts) -> None:
    """Which is why the file says where it is not to be used; and why the test above is one."""
    gateway = starts("gateway", "overlays/behind-agents", over=OVER, name="g", **ALL)
    assert gateway.send("traces", traces(span({**CALL, **PLANTED})))[0] == 200
    path = gateway.folder / TRACES
    assert until(lambda: spans_of(path)), gateway.log[-2000:]
    assert "a question" in path.read_text()
