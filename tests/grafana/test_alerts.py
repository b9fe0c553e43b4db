"""Grafana's alerts: those of Prometheus' rules, each once, and answered by a real Prometheus as its own are."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final

import yaml

from tests.grafana.asked import Asked, span
from tests.grafana.needs import MARKS
from tests.grafana.server import ROOT, RULES, ask

FILE: Final = ROOT / "grafana" / "provisioning" / "alerting" / "tierscope.yaml"
GROUPS: Final[list[Any]] = yaml.safe_load(FILE.read_text("utf-8"))["groups"]
FIRING: Final = [
    "TierscopeCallsUnpriced",
    "TierscopeCollectorLosesData",
    "TierscopeDowngradeRatioHigh",
    "TierscopeDowngraded",
    "TierscopeInternalErrors",
    "TierscopePromiseCallsMissed",
    "TierscopePromiseWindowsMissed",
    "TierscopeRampDowngrades",
    "TierscopeRampForewarning",
    "TierscopeUptimeBurnsFast",
    "TierscopeUptimeBurnsSlowly",
]
"""What is true at some minute of the seed, where `for` is not waited for."""
pytestmark = MARKS


def asks(rule: Any) -> str:
    """Return the query of a rule of Grafana's."""
    (query,) = [one["model"]["expr"] for one in rule["data"] if one["datasourceUid"] == "prometheus"]
    return query


def test_each_alert_is_provisioned_once_with_its_own_query() -> None:
    """Group, interval, name, query, waiting times and severity are those of the rule files."""
    files = [yaml.safe_load(file.read_text("utf-8"))["groups"] for file in sorted(RULES.glob("*.yaml"))]
    theirs = Counter(
        (
            g["name"],
            g["interval"],
            r["alert"],
            r["expr"],
            r.get("for", "0s"),
            r.get("keep_firing_for"),
            str(r["labels"]),
        )
        for of_file in files
        for g in of_file
        for r in g["rules"]
        if "alert" in r
    )
    ours = Counter(
        (g["name"], g["interval"], r["title"], asks(r), r["for"], r.get("keepFiringFor"), str(r["labels"]))
        for g in GROUPS
        for r in g["rules"]
    )
    assert ours == theirs
    assert set(ours.values()) == {1}


def test_every_query_is_answered(asked: Asked) -> None:
    """Without an error; and those have something to say that the seed is made for."""
    rules = [rule for group in GROUPS for rule in group["rules"]]
    found = {one["title"]: ask(asked.server, "query_range", query=asks(one), step=60, **span(asked)) for one in rules}
    assert {title: answer for title, answer in found.items() if isinstance(answer, str)} == {}
    series = {title: len(answer["result"]) for title, answer in found.items()}
    firing = sorted(title for title, count in series.items() if count)
    print(f"\n{len(series)} alerts, {sum(series.values())} series; true at some minute: {', '.join(firing)}")  # noqa: T201  figures
    assert firing == FIRING
