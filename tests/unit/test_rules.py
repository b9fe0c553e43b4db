"""Prometheus' rules: generated, named as declared, explained. `make rules-test` tests what they say."""

from __future__ import annotations

import datetime as dt
import importlib
import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import promql_parser
import pytest
import yaml

from tierscope import signals
from tierscope.catalog.promises import promises
from tierscope.catalog.rows import CatalogError

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parents[2]
PROMETHEUS: Final = ROOT / "prometheus"
RULES: Final = [
    rule
    for file in sorted((PROMETHEUS / "rules").glob("*.yaml"))
    for group in yaml.safe_load(file.read_text("utf-8"))["groups"]
    for rule in group["rules"]
]
ALERTS: Final = {rule["alert"]: rule for rule in RULES if "alert" in rule}
RECORDS: Final = [rule for rule in RULES if "record" in rule]
TESTS: Final = {file.stem: file.read_text("utf-8") for file in sorted((PROMETHEUS / "tests").glob("*.yaml"))}
DAY: Final = dt.date(2026, 11, 22).toordinal() - dt.date(1970, 1, 1).toordinal()
"""That of the catalog."""


@pytest.fixture(scope="module")
def rules() -> Iterator[SimpleNamespace]:
    """The generator's modules, as `python -m tools.rules` imports them."""
    names = ("promql", "recorded", "targets", "__main__")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT)
        yield SimpleNamespace(**{name.strip("_"): importlib.import_module(f"tools.rules.{name}") for name in names})
        for name in [name for name in sys.modules if name == "tools" or name.startswith("tools.")]:
            del sys.modules[name]


# ── names ─────────────────────────────────────────────────────────────────────────────────────────────────────────
TRANSLATED: Final = [
    pytest.param(signals.CALLS, "tierscope_calls_total", id="counter"),
    pytest.param(signals.GENERATION, "tierscope_output_rate_generation_per_second", id="per-second"),
    pytest.param(signals.COST_EFFECTS, "tierscope_cost_effects_usd_total", id="money"),
    pytest.param(signals.CATALOG_AGE, "tierscope_catalog_age_seconds", id="gauge"),
    pytest.param(signals.HEADROOM, "tierscope_rate_limit_headroom_ratio", id="share"),
    pytest.param(signals.RETRY_WAIT, "tierscope_call_retry_wait_seconds_total", id="seconds"),
    pytest.param(signals.GENAI_TOKENS, "gen_ai_client_token_usage", id="convention"),
]


@pytest.mark.parametrize(("metric", "name"), TRANSLATED)
def test_a_name_is_translated_as_prometheus_does(rules: SimpleNamespace, metric: Any, name: str) -> None:
    """As its OTLP endpoint does by default (seen in a running Prometheus 3.16)."""
    assert rules.promql.name(metric) == name


def test_a_bucket_is_matched_in_both_spellings(rules: SimpleNamespace) -> None:
    """OTLP writes 80, a scrape 80.0; 800 is another."""
    (pattern,) = re.findall(r'le=~"(.+)"', rules.promql.edge(80))
    assert [bool(re.fullmatch(pattern, text)) for text in ("80", "80.0", "800", "8", "80.5")] == [True, True] + [
        False
    ] * 3


def selected(expression: str) -> list[tuple[str, list[str]]]:
    """Return the metrics that an expression reads, with the labels that it matches; patterns of names too."""
    found: list[tuple[str, list[str]]] = []

    def visit(node: Any) -> bool:
        selector = node.vector_selector if isinstance(node, promql_parser.MatrixSelector) else node
        if isinstance(selector, promql_parser.VectorSelector):
            matchers = {matcher.name: matcher.value for matcher in selector.matchers.matchers}
            found.append((selector.name or matchers.pop("__name__"), sorted(matchers)))
        return True

    promql_parser.walk(promql_parser.parse(expression), visit)
    return found


def test_every_metric_of_a_rule_is_declared(rules: SimpleNamespace) -> None:
    """In signals.py, as a recorded series, or it is the Collector's or Prometheus' own."""
    own = {name for metric in signals.METRICS for name in rules.promql.names(metric)}
    recorded = {series.name for series in rules.recorded.ALL}
    foreign = re.compile(r"otelcol_\w+(\(\S+\))*\w*(\(_total\)\?)?|prometheus_\w+|up|tierscope_\.\+")
    read = {name for rule in RULES for name, _ in selected(rule["expr"])}
    assert len(read) > 40
    assert [name for name in sorted(read - own - recorded) if not foreign.fullmatch(name)] == []


def test_every_label_of_a_rule_is_one_of_its_metric(rules: SimpleNamespace) -> None:
    """A matcher of a label that a metric has not matches everything, or nothing."""
    metrics = {name: metric for metric in signals.METRICS for name in rules.promql.names(metric)}
    labels = {name: {rules.promql.label(a) for a in metric.attributes} | {"le"} for name, metric in metrics.items()}
    series = {one.name: set(one.labels) for one in rules.recorded.ALL}
    known = {**labels, **series}
    wrong = [
        (name, label)
        for rule in RULES
        for name, matched in selected(rule["expr"])
        for label in matched
        if name in known and label not in known[name]
    ]
    assert wrong == []


def test_what_is_recorded_is_what_is_declared(rules: SimpleNamespace) -> None:
    """Each declared series has a rule, but for the units that a user buys; and no rule records anything else."""
    recorded, declared = {rule["record"] for rule in RECORDS}, {series.name for series in rules.recorded.ALL}
    assert declared - recorded == {rules.recorded.UNITS.name}
    assert recorded <= declared
    labels = {series.name: set(series.labels) for series in rules.recorded.ALL}
    assert [rule["record"] for rule in RECORDS if not set(rule.get("labels", {})) <= labels[rule["record"]]] == []


# ── alerts ────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_every_alert_has_its_section_and_every_section_its_alert() -> None:
    """The runbook's third headings are the alerts, and each link of an alert leads to its own."""
    text = (ROOT / "docs" / "runbook.md").read_text("utf-8")
    sections = re.findall(r"^### (\w+)\n\n\*(\w+)\.\*", text, re.MULTILINE)
    assert dict(sections) == {name: rule["labels"]["severity"] for name, rule in ALERTS.items()}
    links = {name: rule["annotations"]["runbook_url"] for name, rule in ALERTS.items()}
    assert links == {name: f"docs/runbook.md#{name.lower()}" for name in ALERTS}


def test_every_alert_says_what_and_why() -> None:
    """Summary and description differ, and none is empty."""
    told = [rule["annotations"] for rule in ALERTS.values()]
    assert [note for note in told if not note["summary"] or not note["description"]] == []
    assert len({note["summary"] for note in told}) == len({note["description"] for note in told}) == len(ALERTS)


@pytest.mark.parametrize("alert", sorted(ALERTS))
def test_every_alert_is_tested(alert: str) -> None:
    """It is seen to fire in a test of its file, after a moment in which nothing did; each file knows silence."""
    group = [text for text in TESTS.values() if alert in text and "exp_samples: []" in text]
    assert any(re.search(rf'alertname: {alert}\b|alertname="{alert}"[^\n]*value: [12]', text) for text in group)


def test_growth_alone_pages_nobody() -> None:
    """Forewarning is info; the page reads the downgrades too."""
    assert ALERTS["TierscopeRampForewarning"]["labels"]["severity"] == "info"
    page = ALERTS["TierscopeRampDowngrades"]
    assert page["labels"]["severity"] == "page"
    assert "downgraded" in page["expr"]


# ── the catalog's targets ─────────────────────────────────────────────────────────────────────────────────────────
ANSWERS: Final = [
    ("openai", "gpt-4.1"),
    ("openai", "gpt-4.1-2025-04-14"),
    ("openai", "gpt-4.1-mini-2025-04-14"),
    ("openai", "gpt-4o-2024-05-13"),
    ("openai", "gpt-4o-2024-08-06"),
    ("openai", "gpt-4x1"),
    ("openai", "gpt-6-astra"),
    ("openai", "ft:gpt-4o-mini-2024-07-18:me::x"),
    ("openai", "ft:gpt-4o-mini:me::x"),
    ("openai", "ft:gpt-4.1:me::x"),
    ("azure.ai.openai", "gpt-4.1"),
    ("azure.ai.openai", "gpt-4.1-2025-04-14"),
    ("azure.ai.openai", "gpt-4.1-2026-01-01"),
    ("azure.ai.openai", "gpt-5.6-sol-2026-07-09"),
]


@pytest.mark.parametrize("tier", ["priority", "scale"])
@pytest.mark.parametrize(("provider", "model"), ANSWERS)
def test_a_rule_takes_in_what_the_statement_does(rules: SimpleNamespace, provider: str, model: str, tier: str) -> None:
    """Each answering model is under the target that `tierscope statement` looks up for it, and under no other."""
    kept = rules.targets.grouped(rules.targets.held(promises(), DAY))
    taken = [
        (one.rate, model if model in one.snapshots else re.fullmatch(rules.targets.FOLD, model)[1])
        for one in kept
        if (one.provider, one.tier) == (provider, tier) and re.fullmatch(one.models, model) and model not in one.hidden
    ]
    target = promises().target(provider, model, tier, DAY)
    assert taken == ([] if target is None else [(target.rate, target.model)])


PROMISE: Final = {
    "provider": "openai",
    "model": "gpt-9",
    "version": None,
    "tier": "priority",
    "tokens_per_second_gt": 80,
    "attainment_pct": 99,
    "window_minutes": 5,
    "uptime_pct": 99.9,
}


def run(rules: SimpleNamespace, folder: Path, *arguments: str, **changes: Any) -> tuple[int, Path]:
    """Generate rules from the catalog and one promise more."""
    own, out = folder / "own.json", folder / "out"
    own.write_text(json.dumps({"schema": "tierscope-catalog/1", "promises": [PROMISE | changes]}), "utf-8")
    return rules.main.main("--catalog", str(own), "--out", str(out), *arguments), out


def test_a_target_of_your_own_is_judged(rules: SimpleNamespace, tmp_path: Path) -> None:
    """Its model stands in the rules; a second run has nothing to do, `--check` says so; other files stay."""
    code, out = run(rules, tmp_path)
    assert (code, "gpt-9" in (out / "promise.yaml").read_text("utf-8")) == (0, True)
    (out / "mine.yaml").write_text("groups: []\n", "utf-8")
    assert run(rules, tmp_path, "--check")[0] == 0
    (out / "calls.yaml").write_text("", "utf-8")
    assert run(rules, tmp_path, "--check")[0] == 1
    assert (run(rules, tmp_path)[0], run(rules, tmp_path, "--check")[0]) == (0, 0)
    assert (out / "mine.yaml").exists()


REFUSED: Final = [
    pytest.param({"tokens_per_second_gt": 65}, ["gpt-9", "tokens_per_second_gt=65", "80"], id="no-edge"),
    pytest.param({"window_minutes": 1}, ["gpt-9", "window_minutes='1'", "5 minutes"], id="other-window"),
    pytest.param({"uptime_pct": 99.5}, ["uptime_pct", "99.500%, 99.900%", "one value"], id="two-uptimes"),
]


@pytest.mark.parametrize(("changes", "said"), REFUSED)
def test_a_row_that_no_rule_can_judge_is_one_error(
    rules: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: Any, said: list[str]
) -> None:
    """It names row, key, value and remedy, in one line; nothing is written."""
    code, out = run(rules, tmp_path, **changes)
    error = capsys.readouterr().err
    assert (code, out.exists(), error.count("\n")) == (2, False, 1)
    assert [word for word in said if word not in error] == []


def test_a_day_is_a_date(rules: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(rules, tmp_path, "--day", "soon")
    assert "soon" in capsys.readouterr().err


def test_the_windows_agree_with_the_catalog(rules: SimpleNamespace) -> None:
    """A target that is none raises; see the class."""
    row = promises().targets[0]._replace(rate=81.0)
    with pytest.raises(CatalogError, match="tokens_per_second_gt='81'"):
        rules.targets.grouped([row])


# ── what is committed ─────────────────────────────────────────────────────────────────────────────────────────────
def test_the_rules_are_up_to_date(rules: SimpleNamespace, capsys: pytest.CaptureFixture[str]) -> None:
    """Regenerated, they are the same."""
    assert (rules.main.main("--check"), capsys.readouterr().out) == (0, "rules are up to date\n")


def test_the_configuration_keeps_processes_apart(rules: SimpleNamespace) -> None:
    """Its labels are those that the rules know; each flag is explained in its header; its rules are found."""
    text = (PROMETHEUS / "prometheus.yml").read_text("utf-8")
    told = yaml.safe_load(text)
    assert tuple(told["otlp"]["promote_resource_attributes"]) == rules.promql.PROMOTED
    flags = (PROMETHEUS / "flags.txt").read_text("utf-8").split()
    assert [flag for flag in flags if f"#   {flag}" not in text] == []
    assert told["rule_files"] == ["rules/*.yaml", "own/*.yaml"]
