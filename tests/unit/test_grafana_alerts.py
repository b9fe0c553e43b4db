"""Grafana's alerts as a file: each once, by its own name, with texts that Grafana reads and a panel to look at."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from grafana.alerts import FOLDER, panel, template, text
from tools.rules.__main__ import groups
from tools.rules.model import Alert, Group

ROOT: Final = Path(__file__).parents[2]
PROVISIONING: Final = ROOT / "grafana" / "provisioning"
FILE: Final[Any] = yaml.safe_load((PROVISIONING / "alerting" / "tierscope.yaml").read_text("utf-8"))
RULES: Final[list[Any]] = [rule for group in FILE["groups"] for rule in group["rules"]]
DECLARED: Final = {
    rule.name: rule
    for of_file in groups().values()
    for group in of_file
    for rule in group.rules
    if isinstance(rule, Alert)
}
BOARDS: Final = {
    board["uid"]: board
    for path in sorted((ROOT / "grafana" / "dashboards").glob("*.json"))
    for board in [json.loads(path.read_text("utf-8"))]
}
WITHOUT: Final = {"TierscopeRulesFail", "TierscopeSamplesTooOld", "TierscopeSeriesOverflow"}
"""Alerts on what no board shows."""


def test_each_declared_alert_is_there_once() -> None:
    """By its name and in lower case, which is its anchor in the runbook; Grafana takes 40 characters."""
    assert Counter(rule["title"] for rule in RULES) == Counter(DECLARED.keys())
    assert [rule["uid"] for rule in RULES] == [rule["title"].lower() for rule in RULES]
    assert max(len(rule["uid"]) for rule in RULES) <= 40


def test_an_alert_judges_as_prometheus_does() -> None:
    """Any answer is an alert, whatever its number; none is none."""
    for rule in RULES:
        query, exists, above = (one["model"] for one in rule["data"])
        assert query["expr"] == DECLARED[rule["title"]].expression
        assert (query["instant"], query["range"]) == (True, False)
        assert exists["expression"] == "is_number($A) || is_nan($A) || is_inf($A)"
        assert (above["expression"], above["conditions"][0]["evaluator"]) == ("B", {"type": "gt", "params": [0]})
        assert (rule["condition"], rule["noDataState"], rule["execErrState"]) == ("C", "OK", "Error")


def test_who_hears_of_it_is_not_ours() -> None:
    """No contact point, policy or template; the file holds groups alone, and no rule names a receiver."""
    assert set(FILE) == {"apiVersion", "groups"}
    assert [rule["title"] for rule in RULES if "notification_settings" in rule] == []


def test_alerts_lie_with_the_boards() -> None:
    """In one folder, found by its title; and ask a data source that is provisioned."""
    (provider,) = yaml.safe_load((PROVISIONING / "dashboards" / "tierscope.yaml").read_text("utf-8"))["providers"]
    assert {group["folder"] for group in FILE["groups"]} == {provider["folder"]} == {FOLDER}
    assert "folderUid" not in provider
    sources = yaml.safe_load((PROVISIONING / "datasources" / "tierscope.yaml").read_text("utf-8"))["datasources"]
    asked = {one["datasourceUid"] for rule in RULES for one in rule["data"]}
    assert asked - {"__expr__"} == {"prometheus"} <= {one["uid"] for one in sources}


def test_no_text_holds_a_dollar() -> None:
    """In names, labels and annotations Grafana would take it for a variable of its environment."""
    texts = [str([rule[key] for key in ("uid", "title", "labels", "annotations")]) for rule in RULES]
    assert [one for one in texts if "$" in one] == []
    actions = {action for one in texts for action in re.findall(r"{{(.+?)}}", one)}
    known = re.compile(r" \.Labels\.\w+ | \.Values\.A\.Value( \| humanize\w*)? ")
    assert [action for action in actions if not known.fullmatch(action)] == []
    assert len(actions) > 10


def test_a_template_of_prometheus_is_one_of_grafanas() -> None:
    """Labels and the number of the query; `$value` would be a text about all three."""
    said = "{{ $labels.service_name }}: {{ $value | humanize }}"
    assert template(said) == "{{ .Labels.service_name }}: {{ .Values.A.Value | humanize }}"
    with pytest.raises(ValueError, match=r"only \$labels.NAME and \$value"):
        template("{{ $externalLabels.cluster }}")


def shows(board: str, number: int) -> Any:
    """Return the panel of a board by its number."""
    (found,) = [one for one in BOARDS[board]["panels"] if one["id"] == number]
    return found


def test_an_alert_leads_to_a_panel_that_shows_what_it_judges() -> None:
    """By both spellings that Grafana's own export has: the rule's keys, and annotations."""
    linked = [rule for rule in RULES if "panelId" in rule]
    assert {rule["title"] for rule in RULES} - {rule["title"] for rule in linked} == WITHOUT
    for rule in linked:
        board, number = rule["dashboardUid"], rule["panelId"]
        assert (rule["annotations"]["__dashboardUid__"], rule["annotations"]["__panelId__"]) == (board, str(number))
        judged = re.findall(
            r"[a-z_]+:[a-z_]+:\w+|tierscope_\w+_(?:total|seconds)|\bup\b", rule["data"][0]["model"]["expr"]
        )[0]
        assert any(judged in one["expr"] for one in shows(board, number)["targets"]), rule["title"]


def test_a_panel_asks_for_the_same_words() -> None:
    """Savings lost are not shown by a panel of the premium paid; by one of all effects, where none is of them alone."""
    paid = {"id": 1, "targets": [{"expr": 'sum(a:effects:rate5m{effect="paid"})'}]}
    every = {"id": 2, "targets": [{"expr": "sum by (effect) (a:effects:rate5m)"}]}
    lost = {"id": 3, "targets": [{"expr": 'sum(rate(b[5m])) / sum(a:effects:rate5m{effect="lost", x=~"$y"})'}]}
    judged = 'a:effects:rate5m{effect="lost"} > 1'
    found = [panel(judged, [{"uid": "b", "panels": panels}]) for panels in ([paid, every, lost], [paid, every], [paid])]
    assert found == [("b", 3), ("b", 2), None]
    raw = [{"uid": "b", "panels": [{"id": 1, "targets": [{"expr": "sum(rate(calls_total[5m]))"}]}]}]
    assert panel('count(calls_total{model="other"}) > 0', raw) is None


def test_recording_rules_stay_in_prometheus() -> None:
    """A group without an alert is not among Grafana's; the runbook's address is the user's to say."""
    alert = Alert("TierscopeX", "info", "up == 0", "", "s", "d", keep="5m")
    made = yaml.safe_load(text([Group("a", "1m", ()), Group("b", "5m", (alert,))], [], "https://example.com/runbook"))
    (group,) = made["groups"]
    (rule,) = group["rules"]
    assert (group["name"], group["interval"], rule["for"], rule["keepFiringFor"]) == ("b", "5m", "0s", "5m")
    assert rule["annotations"]["runbook_url"] == "https://example.com/runbook#tierscopex"
    assert "panelId" not in rule
