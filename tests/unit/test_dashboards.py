"""The dashboards as files: up to date, free of faults that Grafana would not tell; planted ones are found."""

from __future__ import annotations

import copy
import itertools
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import promql_parser
import pytest
from grafana.lints import faults
from grafana_foundation_sdk.models.dashboard import Dashboard
from tools.rules import recorded
from tools.rules.promql import names

from grafana import __main__ as program
from grafana import colours, queries
from tierscope import signals, words

ROOT: Final = Path(__file__).parents[2]
BOARDS: Final = {
    path.stem: json.loads(path.read_text("utf-8")) for path in sorted((ROOT / "grafana" / "dashboards").glob("*.json"))
}
TEXTS: Final = [path.read_text("utf-8") for path in sorted((ROOT / "grafana" / "boards").glob("*.py"))]
SEVERE: Final = 0.12
"""Least distance of two colours in a linear RGB cube, as a colour-blind reader sees them."""


def test_the_boards_are_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    """Regenerated, they are the same."""
    assert (program.main("--check"), capsys.readouterr().out) == (0, "dashboards and alerts are up to date\n")


def test_a_stale_board_is_told_and_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(program, "OUT", tmp_path)
    (tmp_path / "old.json").write_text("{}", "utf-8")
    assert (program.main("--check"), program.main(), program.main("--check")) == (1, 0, 0)
    assert "old.json is stale" in capsys.readouterr().out
    assert {path.stem for path in tmp_path.iterdir()} == set(BOARDS)


def test_there_are_six_boards() -> None:
    """With identifiers by which links find them."""
    assert {board["uid"] for board in BOARDS.values()} == {
        f"tierscope-{slug}" for slug in ("tiers", "promise", "money", "capacity", "calls", "pipeline")
    }


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_a_board_has_no_fault(board: Any) -> None:
    assert faults(board) == []


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_a_board_is_read_by_the_sdks_model(board: Any) -> None:
    """Its reader finds title, panels, variables and annotations."""
    read = Dashboard.from_json(copy.deepcopy(board))
    assert (read.title, read.schema_version) == (board["title"], board["schemaVersion"])
    assert len(read.panels or []) == len(board["panels"])


def planted(change: Callable[[Any, Any], None]) -> list[str]:
    """Return what is said of a board with a fault in its second panel (the first is a row)."""
    board = copy.deepcopy(BOARDS["tiers"])
    change(board, board["panels"][1])
    return faults(board)


def table(board: Any) -> Any:
    """Return the first table of a board."""
    return next(panel for panel in board["panels"] if panel["type"] == "table")


def _same(key: str) -> Callable[[Any, Any], None]:
    return lambda board, panel: panel.update({key: board["panels"][2][key]})


_WORDS: Final = {
    "type": "state-timeline",
    "targets": [{"datasource": {"uid": "${datasource}"}, "expr": "up"}],
    "fieldConfig": {
        "defaults": {"unit": "short", "noValue": "none", "mappings": [{}], "color": {"mode": "thresholds"}},
        "overrides": [],
    },
}
FAULTS: Final = [
    pytest.param(_same("id"), "stands twice", id="id-twice"),
    pytest.param(_same("title"), "stands twice", id="title-twice"),
    pytest.param(_same("gridPos"), "overlap", id="overlap"),
    pytest.param(lambda _, panel: panel["gridPos"].update(x=20, y=900), "beyond 24 columns", id="too-wide"),
    pytest.param(lambda _, panel: panel["gridPos"].update(w=6), "is cut", id="title-cut"),
    pytest.param(lambda _, panel: panel.update(description="Some words."), "lacks **How:**", id="description"),
    pytest.param(lambda board, _: board.update(description=""), "no description", id="board-description"),
    pytest.param(lambda _, panel: panel["fieldConfig"]["defaults"].update(unit="furlong"), "furlong", id="unit"),
    pytest.param(lambda _, panel: panel["fieldConfig"]["defaults"].pop("unit"), "unit None", id="no-unit"),
    pytest.param(lambda _, panel: panel["fieldConfig"]["defaults"].pop("noValue"), "says nothing", id="no-value"),
    pytest.param(lambda _, panel: panel.update(targets=[]), "no query", id="no-query"),
    pytest.param(lambda _, panel: panel["datasource"].update(uid="abc"), "'abc'", id="fixed-source"),
    pytest.param(lambda _, panel: panel["targets"][0]["datasource"].update(uid="abc"), "'abc'", id="target-source"),
    pytest.param(lambda board, _: board["annotations"]["list"][0].pop("datasource"), "None", id="annotation-source"),
    pytest.param(lambda board, _: board["templating"]["list"].pop(0), "no variable datasource", id="no-variable"),
    pytest.param(lambda _, panel: panel.update(_WORDS), "ranges of its thresholds", id="words"),
    pytest.param(
        lambda board, _: table(board)["targets"][0].update(expr="last_over_time(a:b:c{}[10m])"),
        "the name of a series",
        id="series-name",
    ),
    pytest.param(lambda board, _: board.update(schemaVersion=43), "43 > 42", id="schema"),
    pytest.param(
        lambda _, panel: panel["fieldConfig"]["overrides"].append(
            {
                "matcher": {"id": "byRegexp", "options": "/^flex( .*)?$/"},
                "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": "#E69F00"}}],
            }
        ),
        "not the colour of flex",
        id="colour",
    ),
]


@pytest.mark.parametrize(("change", "said"), FAULTS)
def test_a_planted_fault_is_found(change: Callable[[Any, Any], None], said: str) -> None:
    assert [fault for fault in planted(change) if said in fault] != []


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_what_is_not_zero_is_not_written_as_zero(board: Any) -> None:
    """Amounts and shares have two decimals; below half of the last one stands `< 0.01`."""
    for panel in board["panels"]:
        defaults = panel.get("fieldConfig", {}).get("defaults", {})
        if panel["type"] in {"stat", "table"} and defaults["unit"] in {"suffix: USD", "percentunit"}:
            (least,) = [one["options"] for one in defaults["mappings"] if one["type"] == "range"]
            assert least["from"] > 0, panel["title"]
            assert least["result"]["text"] in {"< 0.01 USD", "< 0.01%"}
            assert least["to"] == {"suffix: USD": 0.005, "percentunit": 0.000_05}[defaults["unit"]]


# ── queries ───────────────────────────────────────────────────────────────────────────────────────────────────────
def expressions(board: Any) -> list[str]:
    """Return every query of a board."""
    variables = [one["query"] for one in board["templating"]["list"] if one["type"] == "query"]
    return [
        *(target["expr"] for panel in board["panels"] for target in panel.get("targets", [])),
        *(one["expr"] for one in board["annotations"]["list"]),
        *(re.fullmatch(r"label_values\((.+), \w+\)", one)[1] for one in variables),
    ]


def read(expression: str) -> set[str]:
    """Return the names of the series that a query reads."""
    found: set[str] = set()

    def visit(node: Any) -> bool:
        selector = node.vector_selector if isinstance(node, promql_parser.MatrixSelector) else node
        if isinstance(selector, promql_parser.VectorSelector):
            found.add(selector.name)
        return True

    plain = expression.replace("$__range", "3h").replace("$__rate_interval", "5m")
    promql_parser.walk(promql_parser.parse(plain), visit)
    return found


@pytest.mark.parametrize("board", BOARDS.values(), ids=BOARDS)
def test_a_board_reads_only_what_is_declared(board: Any) -> None:
    """By signals, by the recording rules, or by Prometheus itself."""
    known = {name for metric in signals.METRICS for name in names(metric)} | {one.name for one in recorded.ALL}
    known |= {queries.ALERTS, queries.UP, queries.TARGET_INFO}
    found = {name for expression in expressions(board) for name in read(expression)}
    assert found - known == set()
    assert found


def test_every_metric_of_ours_is_on_a_board() -> None:
    """By itself or through a rule's series; what only a span tells apart is not."""
    rules = "\n".join(path.read_text("utf-8") for path in sorted((ROOT / "prometheus" / "rules").glob("*.yaml")))
    shown = rules + "\n".join(expression for board in BOARDS.values() for expression in expressions(board))
    assert [metric.name for metric in signals.OWN_METRICS if names(metric)[0] not in shown] == []


def test_no_name_is_typed_by_hand() -> None:
    """A board's module holds no metric's name: all come from the declarations."""
    typed = re.compile(r"tierscope_\w+|gen_ai_\w+|otelcol_\w+")
    assert [found for text in TEXTS for found in typed.findall(text)] == []


# ── colours ───────────────────────────────────────────────────────────────────────────────────────────────────────
MACHADO: Final = {
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
}
"""Machado, Oliveira, Fernandes 2009, severity 1.0, on linear RGB."""


def linear(colour: str) -> list[float]:
    """Return red, green and blue as amounts of light."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    return [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]


def seen(colour: str, kind: str) -> tuple[float, ...]:
    """Return a colour as such a reader sees it."""
    return tuple(sum(k * part for k, part in zip(row, linear(colour), strict=True)) for row in MACHADO[kind])


VERDICTS: Final = {"good": colours.GOOD, "warn": colours.WARN, "bad": colours.BAD}


def distance(one: str, other: str, kind: str) -> float:
    return sum((a - b) ** 2 for a, b in zip(seen(one, kind), seen(other, kind), strict=True)) ** 0.5


@pytest.mark.parametrize("kind", MACHADO)
def test_tiers_are_told_apart_by_colour_blind_readers(kind: str) -> None:
    """Every pair of canonical tiers; outcomes, effects and the three verdicts among themselves too."""
    tiers = {tier: colours.TIERS[tier] for tier in words.CANONICAL}
    for one in (tiers, VERDICTS, colours.OUTCOMES, colours.EFFECTS):
        near = {(a, b): distance(one[a], one[b], kind) for a, b in itertools.combinations(one, 2)}
        assert {pair: value for pair, value in near.items() if value < SEVERE} == {}


def contrast(one: str, other: str) -> float:
    """Return the ratio of WCAG 2.2."""
    parts = (0.2126, 0.7152, 0.0722)
    lights = [0.05 + sum(k * part for k, part in zip(parts, linear(colour), strict=True)) for colour in (one, other)]
    return max(lights) / min(lights)


def test_verdicts_show_on_light_and_on_dark_panels_and_carry_white_figures() -> None:
    """A limit is a line on white or on #181b1f (WCAG 1.4.11), a verdict is behind white figures: a contrast of 3."""
    grounds = ("#FFFFFF", "#181B1F")
    found = {(word, at): contrast(colour, at) for word, colour in VERDICTS.items() for at in grounds}
    assert {pair: value for pair, value in found.items() if value < 3} == {}


@pytest.mark.parametrize("ground", ["#FFFFFF", "#181B1F"])
def test_no_tier_is_lost_on_its_ground(ground: str) -> None:
    """Okabe and Ito's yellow has 1.3 on white."""
    assert contrast("#F0E442", "#FFFFFF") == pytest.approx(1.32, abs=0.01)
    assert {tier: value for tier, one in colours.TIERS.items() if (value := contrast(one, ground)) < 2.2} == {}


def test_red_and_green_would_not_do() -> None:
    """The measure notices: the usual pair of a traffic light is close."""
    assert distance("#C08000", "#80A000", "deuteranopia") < SEVERE


def test_every_tier_has_its_own_colour() -> None:
    assert set(words.SERVED) == set(colours.TIERS)
    assert len(set(colours.TIERS.values())) == len(colours.TIERS)
