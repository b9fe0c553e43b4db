"""Rules of ours that Grafana does not check: what is wrong with a dashboard's JSON, in words. Pure."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any, Final

from grafana.colours import EFFECTS, OUTCOMES, TIERS
from grafana.spec import COUNT, MONEY, SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    Json = dict[str, Any]

COLUMNS: Final = 24
COLUMN: Final = 32
"""Pixels of a column on a screen that is 800 wide: the margins take the rest."""
LETTER: Final = 7.8
"""Pixels that a letter of a title takes, on average."""
SCHEMA: Final = 42
"""The last version of the classic form; Grafana 13 migrates it on load."""
UNITS: Final = frozenset(
    {
        *(COUNT, MONEY, SECONDS, "percentunit", "h", "dateTimeAsIso", "bool_on_off"),
        *("count:token/min", "suffix: token/s", "suffix: USD/h", "suffix: windows", "suffix: calls", "suffix: days"),
        *(f"suffix: {what}/min" for what in ("calls", "attempts", "requests", "items", "traces", "errors")),
    }
)
"""Every unit that a panel may have."""
COLOURS: Final = {**EFFECTS, **OUTCOMES, **TIERS}
"""Of each word that names a series."""
DATASOURCES: Final = frozenset({"${datasource}", "${traces}"})
PARTS: Final = ("**How:**", "**What to do:**")


def faults(board: Json) -> list[str]:
    """Return what is wrong with a dashboard."""
    panels = board["panels"]
    return [
        *([] if board["schemaVersion"] <= SCHEMA else [f"schemaVersion {board['schemaVersion']} > {SCHEMA}"]),
        *([] if board.get("description") else ["the board has no description"]),
        *_ids(panels),
        *_overlaps(panels),
        *(f"panel {panel.get('title')!r}: {fault}" for panel in panels for fault in _panel(panel)),
        *_sources(board),
    ]


def _ids(panels: list[Json]) -> Iterator[str]:
    for kind in ("id", "title"):
        seen = [panel.get(kind) for panel in panels]
        yield from (f"{kind} {one!r} stands twice" for one in dict.fromkeys(seen) if seen.count(one) > 1)


def _overlaps(panels: list[Json]) -> Iterator[str]:
    for one, other in itertools.combinations(panels, 2):
        a, b = one["gridPos"], other["gridPos"]
        if all(a[at] < b[at] + b[size] and b[at] < a[at] + a[size] for at, size in (("x", "w"), ("y", "h"))):
            yield f"panels {one.get('title')!r} and {other.get('title')!r} overlap"


def _panel(panel: Json) -> Iterator[str]:
    place = panel["gridPos"]
    if place["x"] < 0 or place["x"] + place["w"] > COLUMNS:
        yield f"reaches beyond {COLUMNS} columns"
    if panel["type"] == "row":
        return
    if missing := [part for part in PARTS if part not in panel.get("description", "")]:
        yield f"its description lacks {', '.join(missing)}"
    if len(panel["title"]) * LETTER > place["w"] * COLUMN - 28:
        yield "its title is cut on a screen of 800 pixels"
    defaults = panel["fieldConfig"]["defaults"]
    if defaults.get("unit") not in UNITS:
        yield f"unit {defaults.get('unit')!r} is not one of ours"
    if not defaults.get("noValue"):
        yield "says nothing where there is no value"
    if not panel.get("targets"):
        yield "has no query"
    yield from _colours(panel)
    yield from _hidden(panel)


def _colours(panel: Json) -> Iterator[str]:
    for override in panel["fieldConfig"]["overrides"]:
        word = override["matcher"]["options"].strip("^/").removesuffix("( .*)?$")
        for one in override["properties"]:
            if one["id"] == "color" and COLOURS.get(word) != one["value"]["fixedColor"]:
                yield f"{one['value']['fixedColor']} is not the colour of {word}"


def _hidden(panel: Json) -> Iterator[str]:
    """Tell what Grafana would put in the place of what is meant."""
    defaults, kind = panel["fieldConfig"]["defaults"], panel["type"]
    if kind == "state-timeline" and defaults.get("mappings") and defaults["color"]["mode"] == "thresholds":
        yield "ranges of its thresholds stand where its words are meant to"
    if kind == "table" and any(re.match(r"(last_over_time\()?[\w:]+[{\[]", one["expr"]) for one in panel["targets"]):
        yield "the name of a series makes a column, and keeps rows apart"


def _sources(board: Json) -> Iterator[str]:
    names = [variable["name"] for variable in board["templating"]["list"]]
    yield from (f"no variable {one[2:-1]}" for one in sorted(DATASOURCES) if one[2:-1] not in names)
    places = [
        *((panel.get("title"), one) for panel in board["panels"] for one in [panel, *panel.get("targets", [])]),
        *((one["name"], one) for one in board["annotations"]["list"]),
        *((one["name"], one) for one in board["templating"]["list"] if one["type"] == "query"),
    ]
    for title, place in places:
        uid = place.get("datasource", {}).get("uid")
        if place.get("type") != "row" and uid not in DATASOURCES:
            yield f"{title!r} reads data source {uid!r}, not a variable"
