"""Links and variables, filled in with what a real Prometheus answers: none leads to a label that is not there."""

from __future__ import annotations

import json
import re
import urllib.parse
from typing import Any, Final

import pytest

from tests.grafana.asked import Asked, chosen, filled_in, options, span
from tests.grafana.needs import MARKS
from tests.grafana.seed import PLACES
from tests.grafana.server import ask
from tests.grafana.test_panels import BOARDS

CONDITION: Final = re.compile(r'span\.[\w.]+ =~? "[^"]+"|duration > \d+s')
pytestmark = MARKS


def answers(panel: Any, asked: Asked, values: dict[str, str]) -> list[list[dict[str, str]]]:
    """Return the labels of the series of each of a panel's queries."""
    asks = [filled_in(target["expr"], values) for target in panel["targets"]]
    found = [ask(asked.server, "query_range", query=one, step=300, **span(asked)) for one in asks]
    return [[series["metric"] for series in one["result"]] for one in found]


def columns(panel: Any, labels: dict[str, str]) -> dict[str, str]:
    """Return labels by the names of their columns in a table."""
    organised = [one["options"] for one in panel.get("transformations", []) if one["id"] == "organize"]
    names = {old: new for one in organised for old, new in one.get("renameByName", {}).items()}
    return {names.get(key, key): value for key, value in labels.items()}


def test_every_link_finds_what_it_takes_from_a_series(asked: Asked) -> None:
    """Each series of a panel has the label, each row of a table the column; in the question then stands its value."""
    filled, failures = 0, []
    for slug, board in BOARDS.items():
        values = chosen(board, asked, "otlp")
        for panel in board["panels"]:
            urls = [one["url"] for one in panel.get("fieldConfig", {}).get("defaults", {}).get("links") or []]
            wanted = {
                name for url in urls for name in re.findall(r"\$\{__(?:field\.labels|data\.fields)\.([^}]+)\}", url)
            }
            for series in answers(panel, asked, values) if wanted else []:
                assert series, (slug, panel["title"])
                for labels in series:
                    known = {**labels, **columns(panel, labels)}
                    failures += [(slug, panel["title"], name, labels) for name in wanted if not known.get(name)]
                    filled += len(wanted)
    print(f"\n{filled} values filled into links")  # noqa: T201  figures
    assert failures == []
    assert filled > 20


def test_links_between_boards_keep_time_and_variables() -> None:
    """The menu finds all boards by their tag."""
    tagged = {slug: set(board["tags"]) for slug, board in BOARDS.items()}
    for slug, board in BOARDS.items():
        (menu,) = board["links"]
        assert (menu["type"], menu["keepTime"], menu["includeVars"]) == ("dashboards", True, True)
        assert [other for other, tags in tagged.items() if not set(menu["tags"]) <= tags] == [], slug


def test_a_link_to_traces_asks_in_the_shown_range_and_store() -> None:
    """By the chosen store; what Grafana fills in is what it knows."""
    urls = [
        link["url"]
        for board in BOARDS.values()
        for panel in board["panels"]
        for link in panel.get("fieldConfig", {}).get("defaults", {}).get("links") or []
        if link["url"].startswith("/explore?")
    ]
    assert urls
    for url in urls:
        (panes,) = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)["panes"]
        (pane,) = json.loads(panes).values()
        (query,) = pane["queries"]
        assert (pane["datasource"], query["datasource"]["uid"]) == ("${traces}", "${traces}")
        assert pane["range"] == {"from": "${__from}", "to": "${__to}"}
        inside = query["query"].removeprefix("{ ").removesuffix(" }")
        assert [one for one in inside.split(" && ") if not CONDITION.fullmatch(one)] == [], query


@pytest.mark.parametrize("place", [place.name for place in PLACES])
def test_every_variable_has_something_to_offer(asked: Asked, place: str) -> None:
    """In each environment, and of environments all that there are."""
    offered = 0
    for slug, board in BOARDS.items():
        values = chosen(board, asked, place)
        for variable in (one for one in board["templating"]["list"] if one["type"] == "query"):
            found = options(variable, asked, values)
            assert found, (slug, variable["name"])
            offered += len(found)
            if variable["name"] == "environment":
                assert sorted(found) == sorted(one.name for one in PLACES), slug
    print(f"\n{place}: {offered} values of variables")  # noqa: T201  figures
