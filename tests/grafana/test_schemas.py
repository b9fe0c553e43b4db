"""Dashboards, Grafana's alerts and `compose.yaml` by the types of those who read them; planted faults are found."""

from __future__ import annotations

import copy
import functools
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from tools import schemas

from tests.grafana.needs import MARKS

pytestmark = MARKS
BOARD: Final = schemas.ROOT / "grafana" / "dashboards" / "tiers.json"
ALERTS: Final = schemas.ROOT / "grafana" / "provisioning" / "alerting" / "tierscope.yaml"
COMPOSE: Final = schemas.ROOT / "compose.yaml"
Fault = tuple[Callable[[Any], Any], str]


def test_nothing_is_wrong() -> None:
    """And something was read: six boards, words of all panels."""
    files = schemas.files()
    assert {kind: len(paths) for kind, paths in files.items()} == {"dashboards": 6, "alerts": 1, "compose": 1}
    assert [fault for kind, paths in files.items() for fault in schemas.faults(kind, *paths)] == []
    words = schemas.words("dashboards", *files["dashboards"])
    panels = [one for path in files["dashboards"] for one in json.loads(path.read_text("utf-8"))["panels"]]
    read = {(file, place.partition("]")[0]) for file, place, *_ in words if place.startswith("panels[")}
    assert len(read) == sum(one["type"] != "row" for one in panels)
    print(f"\n{len(panels)} panels, {len(words)} words of the boards looked up")  # noqa: T201  figures


def shown(board: Any) -> Any:
    """Return the first stat of a board."""
    return next(one for one in board["panels"] if one["type"] == "stat")


ON_BOARDS: Final[dict[str, Fault]] = {
    "key of the board": (lambda b: b.update(colour=1), r"unexpected field 'colour'"),
    "key of a panel": (lambda b: shown(b).update(wide=1), r"panels\[\d+\].*unexpected field 'wide'"),
    "key of a panel's options": (
        lambda b: shown(b)["options"].update(graphMod="none"),
        r"panels\[\d+\]\.options.*unexpected field 'graphMod'",
    ),
    "key of a field": (
        lambda b: shown(b)["fieldConfig"]["defaults"].update(unitt="s"),
        r"fieldConfig.*unexpected field 'unitt'",
    ),
    "key of a query": (
        lambda b: shown(b)["targets"][0].update(query="up"),
        r"panels\[\d+\]\.targets\[0\].*unexpected field 'query'",
    ),
    "key of a variable": (lambda b: b["templating"]["list"][0].update(hid=0), r"list\[0\].*unexpected field 'hid'"),
    "key of an annotation": (
        lambda b: b["annotations"]["list"][0].update(text="x"),
        r"annotations\.list\[0\].*unexpected field 'text'",
    ),
    "type of a query's field": (
        lambda b: shown(b)["targets"][0].update(instant="yes"),
        r"targets\[0\]\.instant: .*cannot unmarshal string into Go value of type bool",
    ),
    "type of an option": (
        lambda b: shown(b)["options"].update(wideLayout="yes"),
        r"options\.wideLayout: .*cannot unmarshal string",
    ),
    "type of the board's field": (lambda b: b.update(refresh=60), r"refresh: .*cannot unmarshal number"),
    "a field is absent": (lambda b: b.pop("schemaVersion"), r"schemaVersion: required field is missing"),
    "word of an option": (
        lambda b: shown(b)["options"].update(graphMode="lines"),
        r"panels\[\d+\]\.options\.graphMode: 'lines' is none of none, line, area",
    ),
    "word of a variable": (
        lambda b: b["templating"]["list"][0].update(hide=9),
        r"list\[0\]\.hide: '9' is none of 0, 1",
    ),
    "word of a colour": (
        lambda b: shown(b)["fieldConfig"]["defaults"].update(color={"mode": "rainbow"}),
        r"defaults\.color\.mode: 'rainbow' is none of",
    ),
    "word that only Go names": (
        lambda b: shown(b).update(repeatDirection="d"),
        r"panels\[\d+\]\.repeatDirection: 'd' is none of h, v",
    ),
    "kind of panel": (lambda b: shown(b).update(type="stats"), r"no type for a panel \"stats\""),
    "kind of query": (
        lambda b: shown(b)["targets"][0]["datasource"].update(type="mysql"),
        r"targets\[0\]\.datasource\.type: no type for a query \"mysql\"",
    ),
}


@pytest.mark.parametrize(("plant", "told"), ON_BOARDS.values(), ids=ON_BOARDS)
def test_a_fault_of_a_board_is_found(plant: Callable[[Any], Any], told: str, tmp_path: Path) -> None:
    """The only one, with its place."""
    board = json.loads(BOARD.read_text("utf-8"))
    plant(board)
    found = _faults("dashboards", tmp_path / "board.json", json.dumps(board))
    assert [bool(re.search(told, one)) for one in found] == [True], found


UNTYPED: Final = re.compile(r"overrides\.\d+\.properties\.\d+\.value|transformations\.\d+\.options(\.\w+)?")
"""Objects of which the SDK knows no type: by these alone could an unknown key slip in."""


def objects(value: Any, *place: str | int) -> Iterator[tuple[str | int, ...]]:
    """Yield the place of every object in a JSON value."""
    if isinstance(value, dict | list):
        if isinstance(value, dict):
            yield place
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from objects(part, *place, key)


def test_an_unknown_key_is_found_in_every_object_that_has_a_type(tmp_path: Path) -> None:
    """One at a time, in each object of a board."""
    board, paths = json.loads(BOARD.read_text("utf-8")), {}
    for number, place in enumerate(objects(board)):
        planted = copy.deepcopy(board)
        functools.reduce(lambda part, key: part[key], place, planted)["unheard_of"] = "x"
        paths[path := tmp_path / f"{number}.json"] = ".".join(map(str, place))
        path.write_text(json.dumps(planted), "utf-8")
    found = {Path(fault.partition(":")[0]) for fault in schemas.faults("dashboards", *paths)}
    missed = [place for path, place in paths.items() if path not in found]
    print(f"\n{len(paths)} objects, an unknown key found in {len(found)}")  # noqa: T201  figures
    assert [place for place in missed if not UNTYPED.search(place)] == []
    assert len(found) > 300


def rule(told: Any) -> Any:
    """Return the first rule of a file of alerts."""
    return told["groups"][0]["rules"][0]


ON_ALERTS: Final[dict[str, Fault]] = {
    "key of the file": (lambda f: f.update(group=[]), "field group not found"),
    "version": (lambda f: f.update(apiVersion=2), "apiVersion: 2, not 1"),
    "key of a rule": (lambda f: rule(f).update(pending="5m"), "field pending not found"),
    "key of a query": (lambda f: rule(f)["data"][0]["model"].update(promql="up"), "unexpected field 'promql'"),
    "key beside a query": (lambda f: rule(f)["data"][0].update(datasource="p"), "unexpected field 'datasource'"),
    "key of an expression": (
        lambda f: rule(f)["data"][1]["model"].update(reducer="last"),
        "unexpected field 'reducer'",
    ),
    "word for no data": (lambda f: rule(f).update(noDataState="Fine"), r"noDataState: 'Fine' is none of"),
    "word of a threshold": (
        lambda f: rule(f)["data"][2]["model"]["conditions"][0]["evaluator"].update(type="above"),
        r"evaluator\.type: 'above' is none of gt, lt",
    ),
    "type of a threshold": (
        lambda f: rule(f)["data"][2]["model"]["conditions"][0]["evaluator"].update(params=["0"]),
        r"params.*cannot unmarshal string",
    ),
    "kind of query": (
        lambda f: rule(f)["data"][0]["model"]["datasource"].update(type="loki"),
        r"data\[0\]\.model\.datasource\.type: no type",
    ),
    "condition": (lambda f: rule(f).update(condition="D"), r"condition: no query is called \"D\""),
    "name too long": (lambda f: rule(f).update(uid="u" * 41), r"rules\[0\]\.uid: must be <= 40"),
    "no name": (lambda f: rule(f).update(title=""), r"rules\[0\]\.title: must be >= 1"),
    "time": (lambda f: rule(f).update({"for": "5 minutes"}), r"rules\[0\]\.for: .*unknown unit"),
    "interval": (lambda f: f["groups"][0].update(interval="often"), r"groups\[0\]\.interval: .*invalid duration"),
    "panel without dashboard": (lambda f: rule(f).pop("dashboardUid"), r"panelId: a panel and its dashboard"),
}


@pytest.mark.parametrize(("plant", "told"), ON_ALERTS.values(), ids=ON_ALERTS)
def test_a_fault_of_an_alert_is_found(plant: Callable[[Any], Any], told: str, tmp_path: Path) -> None:
    """The only one, in the first of the file's groups."""
    file = yaml.safe_load(ALERTS.read_text("utf-8"))
    file["groups"] = copy.deepcopy(file["groups"][:1])
    plant(file)
    found = _faults("alerts", tmp_path / "alerts.yaml", yaml.safe_dump(file))
    assert [bool(re.search(told, one)) for one in found] == [True], found


ON_COMPOSE: Final[dict[str, Fault]] = {
    "key of a service": (lambda f: f["services"]["grafana"].update(volume=[]), "volume"),
    "type of a field": (
        lambda f: f["services"]["grafana"].update(ports=3000),
        "services.grafana.ports must be a array",
    ),
    "service that is not there": (lambda f: f["services"]["demo"].update(depends_on=["collectors"]), "collectors"),
    "volume that is not there": (lambda f: f["volumes"].pop("queue"), "undefined volume queue"),
    "port": (lambda f: f["services"]["grafana"].update(ports=["127.0.0.1:3000:x"]), "Invalid containerPort: x"),
    "variable that is not set": (lambda f: f["services"]["demo"].update(image="python:${TAG}"), "TAG"),
    "key without effect": (lambda f: f.update(version="3"), "version"),
}


@pytest.mark.parametrize(("plant", "told"), ON_COMPOSE.values(), ids=ON_COMPOSE)
def test_a_fault_of_the_composition_is_found(plant: Callable[[Any], Any], told: str, tmp_path: Path) -> None:
    """The loader of `docker compose` refuses it, or warns of it."""
    file = yaml.safe_load(COMPOSE.read_text("utf-8"))
    plant(file)
    found = _faults("compose", tmp_path / "compose.yaml", yaml.safe_dump(file))
    assert [bool(re.search(told, one)) for one in found] == [True], found


def _faults(kind: str, path: Path, text: str) -> list[str]:
    path.write_text(text, "utf-8")
    return schemas.faults(kind, path)
