"""What the doctor and the page say of a neighbour is what was measured beside it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from tests.beside.neighbours import ROOT, doctor, hidden_official
from tests.beside.page import section

from tierscope.cli.neighbours import NEIGHBOURS as ROWS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.beside.neighbours import Processes

pytestmark = [pytest.mark.xdist_group("beside"), pytest.mark.timeout(300)]
DURATION = "gen_ai.client.operation.duration"


def measured(processes: Processes, name: str) -> tuple[int, int]:
    """Return how many spans with tokens one call had, and how often its GenAI duration was recorded."""
    body: dict[str, Any] = processes[name]["calls"][0]["body"]
    return sum(body["counted"].values()), sum(body["records"].get(DURATION, {}).values())


def test_a_row_names_what_is_there_twice(processes: Processes) -> None:
    """Spans and GenAI metrics double exactly where the doctor's table says so."""
    (row,) = [row for row in ROWS if row.package == processes.neighbour.package]
    spans, durations = measured(processes, "theirs first")
    assert ("spans" in row.doubles, "GenAI metrics" in row.doubles) == (spans > 1, durations > 1)
    assert row.is_joined is ("tierscope" not in processes["theirs first"]["calls"][0]["body"]["spans"])


def test_the_sum_under_the_launcher_is_what_was_measured(processes: Processes, tmp_path: Path) -> None:
    """So many spans with tokens, so many records of the GenAI metrics; no word of it where nothing doubles."""
    hidden = () if processes.neighbour.is_joined else (hidden_official(tmp_path),)
    found = doctor(*hidden).get("doubles")
    spans, durations = measured(processes, "launched")
    if not processes.neighbour.is_entry_point or spans == 1:
        assert found is None
    else:
        told = re.search(r"is (\d+) spans with tokens .*?(?:recorded (\d+) times)?\.$", found["text"] if found else "")
        assert told is not None
        assert (int(told[1]), int(told[2] or 1)) == (spans, durations)


def test_the_page_says_what_was_measured(processes: Processes) -> None:
    """Its heading, with the version, and every row: `make beside` writes them anew."""
    page = (ROOT / "docs" / "coexistence.md").read_text("utf-8")
    assert "\n".join(section(processes)) in page
