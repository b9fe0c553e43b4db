"""Drift of a ledger's calls from a policy."""

from __future__ import annotations

from typing import Final

from tests.unit.advice.made import line
from tierscope.advice.drift import drifts
from tierscope.policy import policy

UNSET: Final = {"requested": "unset", "expected": None}
POLICY: Final = policy(
    "own.toml",
    {
        "workload": [
            {"name": "chat", "match": {"project": "proj_a", "model": "gpt-4.1"}, "tier": "priority"},
            {"name": "rest", "match": {"project": "proj_a"}, "interactive": True},
            {"name": "idle", "match": {"project": "proj_z"}, "tier": "flex"},
        ]
    },
)


def test_calls_are_judged_by_the_first_rule_that_speaks_of_them() -> None:
    """Kept, downgraded: 5 + 2; drifted: 3 by default, 1 on flex; 4 that nothing tells of; others are nobody's."""
    lost = {"served": "default", "outcome": "downgraded"}
    lines = [
        line(5),
        line(2, **lost),
        line(3, served="default", outcome="resolved", **UNSET),
        line(1, requested="flex", expected="flex", served="flex"),
        line(4, served="unreported", outcome="failed", **UNSET),
        line(6, request_model="o3", response_model="o3-2025-04-16"),
        line(7, project="proj_b"),
    ]
    found = drifts(lines, POLICY)
    chat, rest, idle = found.workloads
    assert (chat.calls, chat.kept, chat.unsaid) == (15, 7, 4)
    assert chat.drifted == {("unset", "default"): 3, ("flex", "flex"): 1}
    assert (rest.calls, rest.kept, rest.unsaid, rest.drifted) == (6, 0, 0, {})
    assert (idle.workload.name, idle.calls) == ("idle", 0)
    assert (found.drifted, found.unruled) == (4, 7)
