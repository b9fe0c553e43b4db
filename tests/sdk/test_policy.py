"""Drift from a policy as a metric: counted where there is one, and nothing of it where there is none."""

from __future__ import annotations

import logging
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import openai
import pytest
from tests.sdk import replies
from tests.sdk.capabilities import RESPONSES
from tests.sdk.conftest import CHAT
from tests.sdk.policies import written
from tests.sdk.telemetry import TRUSTED, Telemetry

import tierscope

if TYPE_CHECKING:
    from pathlib import Path

    from tests.sdk.conftest import Service

DRIFT = "tierscope.policy.drift"


def drifted(telemetry: Telemetry) -> dict[tuple[str, str, str], float]:
    """Return what was counted, by tier asked for, expected and served."""
    found = {}
    for key, value in telemetry.points(DRIFT).items():
        told = dict(key)
        tiers = ("tierscope.tier.requested", "tierscope.tier.expected", "tierscope.tier.served")
        found[tuple(told[tier] for tier in tiers)] = value
    return found  # type: ignore[return-value]


def test_calls_for_another_tier_are_counted(service: Service, tmp_path: Path) -> None:
    """Two that named none and were served default; one that asked for flex as wanted stays at zero."""
    with Telemetry(settings=TRUSTED._replace(policy=written(tmp_path, tier="flex"))) as telemetry:
        client = service.client(*[replies.whole(replies.chat(tier)) for tier in ("default", "default", "flex")])
        for more in ({}, {}, {"service_tier": "flex"}):
            client.chat.completions.create(**CHAT, **more)
        assert drifted(telemetry) == {("unset", "unknown", "default"): 2, ("flex", "flex", "flex"): 0}
        (point, *_) = telemetry.points(DRIFT)
        assert {key: value for key, value in point if key.startswith("tierscope.policy")} == {
            "tierscope.policy.workload": "chat",
            "tierscope.policy.tier": "flex",
        }


def test_a_downgrade_is_no_drift(service: Service, tmp_path: Path) -> None:
    """The application asked for what is wanted."""
    with Telemetry(settings=TRUSTED._replace(policy=written(tmp_path, tier="priority"))) as telemetry:
        service.client(replies.whole(replies.chat("default"))).chat.completions.create(**CHAT, service_tier="priority")
        assert drifted(telemetry) == {("priority", "priority", "default"): 0}


def test_a_failed_call_drifts_by_what_it_asked_for(service: Service, tmp_path: Path) -> None:
    """One that named no tier, and was not answered, says nothing."""
    with Telemetry(settings=TRUSTED._replace(policy=written(tmp_path, tier="flex"))) as telemetry:
        client = service.client(*[replies.whole(replies.error("invalid_api_key"), 401)] * 2)
        for more in ({"service_tier": "priority"}, {}):
            with pytest.raises(openai.APIStatusError):
                client.chat.completions.create(**CHAT, **more)
        assert drifted(telemetry) == {("priority", "priority", "unreported"): 1}


@RESPONSES
def test_what_no_rule_speaks_of_is_not_counted(service: Service, tmp_path: Path) -> None:
    """Nor a fetch of a stored response, which was judged when it was asked for."""
    with Telemetry(settings=TRUSTED._replace(policy=written(tmp_path, tier="flex", model="gpt-9*"))) as telemetry:
        service.client(replies.whole(replies.chat())).chat.completions.create(**CHAT)
        assert drifted(telemetry) == {}
    with Telemetry(settings=TRUSTED._replace(policy=written(tmp_path, tier="flex"))) as telemetry:
        service.client(replies.whole(replies.responses(background=True))).responses.retrieve("resp_of_policy")
        assert drifted(telemetry) == {}


def test_the_policy_is_that_of_whoever_instrumented_last(service: Service, tmp_path: Path) -> None:
    """On the same provider, whose instruments stay; without one nothing more is counted."""
    with Telemetry(settings=TRUSTED._replace(policy=written(tmp_path, tier="flex"))) as telemetry:
        client = service.client(*[replies.whole(replies.chat("default"))] * 3)
        client.chat.completions.create(**CHAT)
        for policy in (written(tmp_path, tier="priority", name="other"), None):
            tierscope.uninstrument()
            settings = TRUSTED._replace(policy=policy)
            tierscope.instrument(settings, tracer_provider=telemetry.tracers, meter_provider=telemetry.meters)
            client.chat.completions.create(**CHAT)
        counted: dict[Any, Any] = {
            dict(key)["tierscope.policy.workload"]: value for key, value in telemetry.points(DRIFT).items()
        }
        assert counted == {"chat": 1, "other": 1}


def test_a_faulty_policy_is_one_line_and_the_application_runs_on(
    service: Service, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As every setting that cannot be used: it names file, rule, key, value and remedy, and Tierscope stays off."""
    path = written(tmp_path, tier="gold")
    with caplog.at_level(logging.INFO, "tierscope"):
        tierscope.instrument(TRUSTED._replace(policy=path))
    reply = service.client(replies.whole(replies.chat())).chat.completions.create(**CHAT)
    assert reply.service_tier
    (record,) = caplog.records
    assert record.getMessage() == (
        f"Tierscope is off: TIERSCOPE_POLICY={path!r}: chat-gold.toml: workload 'chat': tier='gold': "
        "use one of batch, default, fast, flex, priority, scale, standard, ultrafast"
    )


def test_without_a_policy_nothing_of_it_is_loaded() -> None:
    """In a process that makes a call; the reader of TOML comes with ours."""
    code = """
import sys, openai, tierscope
tierscope.instrument()
try:
    openai.OpenAI(api_key="x", base_url="http://127.0.0.1:9", max_retries=0).embeddings.create(model="e", input="x")
except openai.APIConnectionError:
    pass
tierscope.uninstrument()
assert "tierscope.emit.meters" in sys.modules
print([name for name in sys.modules if name.startswith(("tierscope.policy", "tierscope.emit.drift"))])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
