"""Azure Monitor's exports: both shapes give the same points; what is no such file is one line that says why."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any, Final

import pytest

from tierscope.reconcile import azure
from tierscope.reconcile.figures import Figures, Key, Theirs

HERE: Final = Path(__file__).parent
JSON: Final = (HERE / "azure.json").read_text("utf-8")
CSV: Final = (HERE / "azure.csv").read_text("utf-8")
EIGHT: Final = 1_795_593_600
"""2026-11-25 08:00 UTC."""
H: Final = 3600
POINTS: Final = {
    (EIGHT, "priority", "priority", "chat-prod", 12),
    (EIGHT + H, "priority", "priority", "chat-prod", 7),
    (EIGHT, "priority", "default", "chat-prod", 3),
    (EIGHT + H, "auto", "priority", "chat-prod", 5),
}


@pytest.mark.parametrize(
    "text", [JSON, CSV, "\N{BYTE ORDER MARK}" + CSV.replace("\n", "\r\n")], ids=["json", "csv", "excel"]
)
def test_a_sample_is_read(text: str) -> None:
    """Four points in two hours; two requests that were refused stand apart."""
    export = azure.read(text, "x")
    assert set(export.points) == POINTS
    assert len(export.points) == 4
    assert (export.interval_s, export.failed, export.has_deployments) == (H, 2, True)


def test_points_become_books() -> None:
    """By hour, deployment and both tiers; of tokens nothing is known."""
    held = azure.books(azure.read(JSON, "x"), H)
    assert held == {
        EIGHT: {
            Key("chat-prod", "priority", "priority"): Theirs(Figures(12, None, None, None)),
            Key("chat-prod", "default", "priority"): Theirs(Figures(3, None, None, None)),
        },
        EIGHT + H: {
            Key("chat-prod", "priority", "priority"): Theirs(Figures(7, None, None, None)),
            Key("chat-prod", "priority", "auto"): Theirs(Figures(5, None, None, None)),
        },
    }


def csv(*rows: str, head: str = "time,ServiceTierRequest,ServiceTierResponse,total") -> azure.Export:
    return azure.read("\n".join([head, *rows]), "x.csv")


@pytest.mark.parametrize(
    ("asked", "answered", "requested", "served"),
    [
        ("Priority", "Default", "priority", "default"),
        ("", "", "auto", "unreported"),
        ("unset", "None", "auto", "unreported"),
        ("fast", "standard", "priority", "default"),
        ("warp", "warp", "_OTHER", "_OTHER"),
    ],
)
def test_words_are_canonical(asked: str, answered: str, requested: str, served: str) -> None:
    (point,) = csv(f"2026-11-25T08:00,{asked},{answered},4").points
    assert (point.requested, point.served, point.deployment, point.requests) == (requested, served, None, 4)


def test_minutes_add_up_to_hours() -> None:
    """Of a file that does not say its interval, the least distance of two times is it."""
    export = csv("2026-11-25T08:00Z,priority,priority,4", "2026-11-25T08:01Z,priority,priority,5")
    assert export.interval_s == 60
    assert azure.books(export, H)[EIGHT][Key("?", "priority", "priority")].figures.requests == 9


def test_intervals_that_do_not_fit() -> None:
    with pytest.raises(azure.ExportError, match="intervals are of 3600 s and do not fit into buckets of 60 s"):
        azure.books(azure.read(JSON, "x"), 60)


def changed(*path: Any, to: Any) -> str:
    told = copy.deepcopy(json.loads(JSON))
    place = told
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = to
    return json.dumps(told)


SERIES: Final = ("value", 0, "timeseries", 0)
BAD: Final = [
    pytest.param("", "is empty", id="empty"),
    pytest.param("PK\x03\x04", "is a workbook", id="workbook"),
    pytest.param(JSON[:200], "is no JSON.*cut off", id="cut"),
    pytest.param("[]", "no list named value", id="a-list"),
    pytest.param(
        changed("value", 0, "name", "value", to="Latency"), "no metric AzureOpenAIRequests.*: Latency", id="metric"
    ),
    pytest.param(changed(*SERIES, "data", to=None), "time series 1 has no list named data", id="no-data"),
    pytest.param(
        changed(*SERIES, "metadatavalues", to=[]), "series 1 is not split by ServiceTierRequest", id="no-split"
    ),
    pytest.param(changed(*SERIES, "data", 0, "total", to=-1), "total is -1, no whole", id="below-0"),
    pytest.param(changed(*SERIES, "data", 0, "total", to=1.5), "total is 1.5, no whole", id="half"),
    pytest.param(changed(*SERIES, "data", 0, "total", to=[]), "no whole number", id="a-list-of-requests"),
    pytest.param(changed(*SERIES, "data", 0, "timeStamp", to="25/11/2026 08:00"), "time is '25/11", id="day-or-month"),
    pytest.param(changed("value", 0, "timeseries", to=[]), "holds no request", id="no-series"),
    pytest.param("a,b\n1,2", r"row 1 names no column of the time", id="no-time"),
    pytest.param("time,b\n1,2", r"row 1 names no column of the total", id="no-total"),
    pytest.param("time,total\n2026-11-25,2", "row 2 is not split by ServiceTierRequest", id="csv-no-split"),
    pytest.param(CSV + "2026-11-25T09:0", "row 7 has 1 cells, row 1 has 6.*cut off", id="csv-cut"),
    pytest.param(CSV.replace(",12\n", ",many\n"), "row 2: the total is 'many'", id="csv-total"),
]


@pytest.mark.parametrize(("text", "said"), BAD)
def test_what_is_no_export_says_why(text: str, said: str) -> None:
    """One line that names the file, the row, the value."""
    with pytest.raises(azure.ExportError, match=said) as caught:
        azure.read(text, "x.txt")
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("x.txt")
