"""Every query of every board, asked of a real Prometheus that holds three simulated hours."""

from __future__ import annotations

import json
import math
import re
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import pytest

from tests.grafana.asked import Asked, chosen, filled_in, span
from tests.grafana.needs import MARKS
from tests.grafana.seed import PLACES
from tests.grafana.server import ask
from tierscope import signals

ROOT: Final = Path(__file__).parents[2]
BOARDS: Final = {
    path.stem: json.loads(path.read_text("utf-8")) for path in sorted((ROOT / "grafana" / "dashboards").glob("*.json"))
}
FULL: Final = [place.name for place in PLACES if place.name != "bare"]
EMPTY: Final = {
    ("tiers", "Flex and batch saved"): "flex",
    ("money", "Saving made"): "flex",
    ("money", "Saving lost"): "flex",
    ("capacity", "Use of the units that were bought"): "scale",
    ("capacity", "Use against break-even"): "scale",
    ("capacity", "Money for idle units"): "scale",
    ("capacity", "Spilled over"): "scale",
    ("capacity", "Flex attempts that were refused"): "flex",
    ("capacity", "How long flex calls take"): "flex",
    ("capacity", "How long batches take"): "batch",
    ("capacity", "Requests of batches"): "batch",
}
"""What is to be empty for a fleet without flex, scale and batch, and a word of the reason that it gives."""
pytestmark = MARKS


def answered(target: Any, asked: Asked, values: dict[str, str]) -> int | str:
    """Return how many series a query has that are not NaN all through, or its error."""
    query = filled_in(target["expr"], values)
    if target.get("instant"):
        data = ask(asked.server, "query", query=query, time=asked.end)
    else:
        data = ask(asked.server, "query_range", query=query, step=60, **span(asked))
    if isinstance(data, str):
        return data
    points = [one.get("values") or [one["value"]] for one in data["result"]]
    return sum(any(not math.isnan(float(value)) for _, value in of_one) for of_one in points)


def asked_all(asked: Asked, environment: str) -> dict[tuple[str, str, str], int | str]:
    """Ask everything of every board."""
    todo = []
    for slug, board in BOARDS.items():
        values = chosen(board, asked, environment)
        todo += [
            ((slug, panel["title"], target["refId"]), target, values)
            for panel in board["panels"]
            for target in panel.get("targets", [])
        ]
    with ThreadPoolExecutor(2) as pool:
        found = pool.map(lambda one: answered(one[1], asked, one[2]), todo)
        return {one[0]: answer for one, answer in zip(todo, found, strict=True)}


@pytest.mark.parametrize("environment", FULL)
def test_no_panel_is_empty(asked: Asked, environment: str) -> None:
    """Each query of each panel has an answer, in either spelling of a bucket's edge."""
    found = asked_all(asked, environment)
    series = sum(count for count in found.values() if isinstance(count, int))
    print(f"\n{environment}: {len(BOARDS)} boards, {len(found)} queries, {series} series")  # noqa: T201  figures
    assert {where: answer for where, answer in found.items() if isinstance(answer, str)} == {}
    assert [where for where, count in found.items() if count == 0] == []


def test_only_the_listed_panels_are_empty_without_flex_scale_and_batch(asked: Asked) -> None:
    """And they say why, by the name of the tier."""
    found = asked_all(asked, "bare")
    assert {where: answer for where, answer in found.items() if isinstance(answer, str)} == {}
    panels = {(slug, title) for slug, title, _ in found}
    empty = {at for at in panels if all(count == 0 for (*where, _), count in found.items() if tuple(where) == at)}
    assert empty == set(EMPTY)
    texts = {(slug, p["title"]): p.get("fieldConfig") for slug, board in BOARDS.items() for p in board["panels"]}
    assert [at for at, word in EMPTY.items() if word not in texts[at]["defaults"]["noValue"].lower()] == []


def test_the_two_spellings_are_there(asked: Asked) -> None:
    """Otherwise the test above would prove nothing."""
    edges = {
        environment: set(
            ask(asked.server, "label/le/values", **{"match[]": f'{{deployment_environment_name="{environment}"}}'})
        )
        for environment in FULL
    }
    assert ("80" in edges["otlp"], "80.0" in edges["otlp"]) == (True, False)
    assert ("80" in edges["scrape"], "80.0" in edges["scrape"]) == (False, True)


def test_every_annotation_has_something_to_say(asked: Asked) -> None:
    """A deployment, an alert."""
    found = {}
    for slug, board in BOARDS.items():
        values = chosen(board, asked, "otlp")
        for one in board["annotations"]["list"]:
            found[slug, one["name"]] = answered({"expr": one["expr"]}, asked, values)
    assert len(found) == 2 * len(BOARDS)
    assert {where: count for where, count in found.items() if not isinstance(count, int) or count < 1} == {}


def test_a_deployment_is_another_version_and_no_other_process(asked: Asked) -> None:
    """A second process of 1.0 comes at minute 50, version 1.1 at minute 100."""
    (one,) = [one for one in BOARDS["tiers"]["annotations"]["list"] if one["name"].startswith("Deployments")]
    query = filled_in(one["expr"], chosen(BOARDS["tiers"], asked, "otlp"))
    found = [ask(asked.server, "query", query=query, time=asked.start + 60 * at)["result"] for at in (52, 101)]
    assert [[one["metric"]["service_version"] for one in at] for at in found] == [[], ["1.1"]]


def test_exemplars_can_be_asked_for(asked: Asked) -> None:
    """Of every query that shows them; there are none in blocks, so only the question is tested."""
    todo = [(slug, t) for slug, b in BOARDS.items() for p in b["panels"] for t in p.get("targets", []) if t["exemplar"]]
    answers = [
        ask(
            asked.server,
            "query_exemplars",
            query=filled_in(t["expr"], chosen(BOARDS[slug], asked, "otlp")),
            **span(asked),
        )
        for slug, t in todo
    ]
    assert [answer for answer in answers if isinstance(answer, str)] == []


def links(board: Any) -> list[dict[str, Any]]:
    """Return the links of values and series."""
    return [link for p in board["panels"] for link in p.get("fieldConfig", {}).get("defaults", {}).get("links") or []]


def test_every_link_leads_somewhere() -> None:
    """To a board that is there, with time and variables that both know; or to traces, by attributes that spans have."""
    uids = {board["uid"]: {one["name"] for one in board["templating"]["list"]} for board in BOARDS.values()}
    keys = {attribute.key for attribute in signals.SPAN_ATTRIBUTES}
    urls = [(slug, link["url"]) for slug, board in BOARDS.items() for link in links(board)]
    assert urls
    for slug, url in urls:
        if board := re.match(r"/d/([\w-]+)\?", url):
            assert board[1] in uids, (slug, url)
            assert set(re.findall(r"\$\{(\w+):queryparam\}", url)) - {"__url_time_range"} <= uids[board[1]], url
            assert "${__url_time_range}" in url
            continue
        (panes,) = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)["panes"]
        (query,) = json.loads(panes)["t"]["queries"]
        assert set(re.findall(r"span\.([\w.]+)", query["query"])) <= keys, (slug, query)


def values(asked: Asked, slug: str, title: str, ref: str = "A") -> dict[tuple[str, ...], float]:
    """Return what a table's or a stat's query says, by its labels."""
    (panel,) = [panel for panel in BOARDS[slug]["panels"] if panel["title"] == title]
    (target,) = [target for target in panel["targets"] if target["refId"] == ref]
    query = filled_in(target["expr"], chosen(BOARDS[slug], asked, "otlp"))
    data = ask(asked.server, "query", query=query, time=asked.end)["result"]
    return {
        tuple(v for k, v in sorted(one["metric"].items()) if k != "__name__"): float(one["value"][1]) for one in data
    }


def test_downgrades_are_those_of_the_simulation(asked: Asked) -> None:
    """60 a minute for the 30 minutes of the dip; one of scale."""
    counted = values(asked, "calls", "Downgraded calls by model")
    assert counted == pytest.approx(
        {("gpt-4.1", "priority", "default"): 60 * 30, ("gpt-4.1", "scale", "default"): 1 * 30}
    )
    exact = values(asked, "tiers", "Downgrades by model", "B")
    assert exact["gpt-4.1", "priority"] == 60 * 30


def test_a_tier_that_is_kept_shows_0_and_not_nothing(asked: Asked) -> None:
    """Flex was never served below what it is: its share of downgrades is a 0."""
    assert values(asked, "tiers", "Downgrades by model")["gpt-5.1", "flex"] == 0


def test_the_promise_is_missed_in_the_dip_alone(asked: Asked) -> None:
    """Half an hour at 61 token/s, the rest at 95, against 80: six windows of 5 minutes, or seven that touch it."""
    assert values(asked, "promise", "Target") == {(): 80}
    windows, good = (values(asked, "promise", "The promise in figures", ref) for ref in "BC")
    assert {key: windows[key] - good[key] in {6, 7} for key in windows} == dict.fromkeys(windows, True)
    assert min(windows.values()) >= 34


def test_the_documentation_lists_the_panels_that_may_be_empty() -> None:
    text = " ".join((ROOT / "docs" / "dashboards.md").read_text("utf-8").split())
    assert [title for _, title in EMPTY if f"*{title}*" not in text] == []
