"""What stands on the page is what the ledger holds, read back from a real browser; nothing is asked of any network."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import statistics
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from tests.browser.conftest import Shown, made
from tests.browser.ledgers import call
from tests.ledger.made import PLAIN, write
from tierscope.advice import advise
from tierscope.catalog.promises import promises
from tierscope.cli import kept
from tierscope.cli.capacity import observed
from tierscope.cli.sentences import dollars, headlines, money, plain
from tierscope.words import EFFECTS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

    Visit = Callable[..., Page]

HOSTILE: Final = (
    "</script><img src=x onerror=\"document.title='broken'\">",
    "<!--<script>document.title='broken'</script>",
    "{a|b}${c}\\u003c'\"`&amp;",
    "\u202eright\x1b[31m\u2028line",
)
"""Names of models that somebody sent."""


def texts(page: Page, selector: str) -> list[str]:
    return [" ".join(text.split()) for text in page.locator(selector).all_text_contents()]


def rows(page: Page, caption: str) -> list[list[str]]:
    """Return the body of the table whose caption begins so."""
    table = page.locator("table", has=page.locator("caption", has_text=caption)).first
    return table.locator("tbody tr").evaluate_all("rows => rows.map(row => [...row.cells].map(c => c.textContent))")


def told(shown: Shown, sql: str) -> list[tuple[Any, ...]]:
    with contextlib.closing(sqlite3.connect(shown.ledger)) as db:
        return db.execute(sql).fetchall()


def charts(page: Page) -> list[dict[str, Any]]:
    """Return the data that each chart was drawn from."""
    return [json.loads(text) for text in page.locator("[data-chart] script").all_text_contents()]


def test_nothing_is_loaded_and_nothing_goes_wrong(days: Shown, visit: Visit) -> None:
    """One request, that of the file; no word on the console; every chart is drawn."""
    page = visit(days.file)
    page.wait_for_function("document.documentElement.dataset.drawn === 'yes'")
    assert page.heard == [days.file.as_uri()]  # type: ignore[attr-defined]
    assert page.locator("[data-chart]").count() == page.locator("[data-chart] svg").count() >= 6


def test_a_script_of_anybodys_does_not_run(days: Shown, tmp_path: Path, visit: Visit) -> None:
    """The policy names the one script: another in the same file stays still."""
    spoiled = tmp_path / "spoiled.html"
    spoiled.write_text(days.file.read_text("utf-8").replace("</body>", "<script>document.title='ran'</script></body>"))
    page = visit(spoiled)
    assert page.title() == "Service tiers: days.db"


def test_the_answer_comes_first(days: Shown, visit: Visit) -> None:
    """The report's own sentences, in their order, the first as the heading of the page."""
    page = visit(days.file)
    assert texts(page, "h1, .also") == [text for text, _ in headlines(days.report)]
    assert texts(page, "h1") == [headlines(days.report)[0][0]]


def test_the_sums_are_the_reports(days: Shown, visit: Visit) -> None:
    """List price, the same tokens at default, and the four effects; those of the whole ledger by SQL as well."""
    page, sums = visit(days.file), days.report.money
    shown = texts(page, ".figures dd:not(.note)")
    assert shown == [dollars(amount) for amount in (sums.cost, sums.at_default, *(getattr(sums, e) for e in EFFECTS))]
    ((cost, at_default),) = told(days, "SELECT sum(cost_usd), sum(cost_default_usd) FROM calls")
    assert shown[:2] == [dollars(cost), dollars(at_default)]
    assert set(money(sums)) <= set(texts(page, "#cost p"))


def test_no_sentence_is_said_twice(days: Shown, visit: Visit) -> None:
    said = [text for text in texts(visit(days.file), "p, li") if text.endswith(".")]
    assert sorted(said) == sorted(set(said))


def test_the_flow_is_the_ledgers(days: Shown, visit: Visit) -> None:
    """Calls by requested and served tier, counted by SQL; the drawing and its table say the same."""
    counts = told(days, "SELECT requested, served, count(*) FROM calls GROUP BY 1, 2, expected ORDER BY 3")
    page = visit(days.file)
    assert sorted(row[2] for row in rows(page, "Calls by what was asked")) == sorted(f"{n:,}" for _, _, n in counts)
    (flow,) = [chart for chart in charts(page) if chart["kind"] == "flow"]
    assert sorted(link["value"] for link in flow["links"]) == [count for _, _, count in counts]
    drawn = " ".join(texts(page, "#flow svg text"))
    assert all(node["text"] in drawn for node in flow["nodes"])


def test_the_medians_are_those_of_the_calls(days: Shown, visit: Visit) -> None:
    """Each window's median by the standard library; a point stands for the windows of an hour."""
    windows: defaultdict[int, list[float]] = defaultdict(list)
    sql = "SELECT started_unix_ns, rate_generation FROM calls WHERE served = 'priority' AND request_model = 'gpt-4.1'"
    for start, rate in told(days, sql):
        windows[start // 300_000_000_000].append(rate)
    hours: defaultdict[int, list[float]] = defaultdict(list)
    for number, rates in windows.items():
        hours[number // 12].append(statistics.median_low(rates))
    page = visit(days.file)
    chart = next(
        chart for chart in charts(page) if chart["kind"] == "lines" and chart["series"][0]["name"] == "default"
    )
    (line,) = [one for one in chart["series"] if one["name"] == "priority"]
    points = {point["t"] // 3_600_000: point["v"] for point in line["points"] if point["v"] is not None}
    assert points == {hour: round(statistics.median_low(medians), 1) for hour, medians in hours.items()}
    shown = [row for row in rows(page, "gpt-4.1: medians of 5-minute windows, generation") if row[1] == "priority"]
    assert [row[2] for row in shown] == [str(len(hours[hour])) for hour in sorted(hours)]
    assert sum(int(row[4]) for row in shown) == sum(map(len, windows.values()))
    missed = sum(median <= 80.0 for medians in hours.values() for median in medians)
    assert (sum(int(row[3]) for row in shown), missed) == (missed, 24)


def test_every_line_has_a_row_for_each_point(days: Shown, visit: Visit) -> None:
    """What is drawn over time stands in the table behind it, no more and no less; gaps are drawn as gaps."""
    page = visit(days.file)
    figures = page.locator("figure").evaluate_all(
        "all => all.map(f => [f.querySelector('[data-chart] script').textContent,"
        " f.querySelectorAll('tbody tr').length])"
    )
    for text, count in figures:
        chart = json.loads(text)
        if chart["kind"] == "lines":
            held = [sum(point["v"] is not None for point in one["points"]) for one in chart["series"]]
            assert count in {sum(held), max(held)}  # of the ramp rule, both lines share a row
        if chart["kind"] == "bars":
            assert len(chart["rows"]) <= count
    gaps = [point for text, _ in figures for one in json.loads(text).get("series", ()) for point in one["points"]]
    assert any(point["v"] is None for point in gaps)


def test_the_promises_are_the_reports(days: Shown, visit: Visit) -> None:
    """On both bases, by the same sentences; the target stands in the drawing."""
    page = visit(days.file)
    assert list(kept.sentences(kept.sections(days.ledger, promises()))) == texts(page, "#rates > p")
    assert "promised > 80" in texts(page, "#rates svg text")
    assert {"Generation", "End to end"} <= {title.partition(",")[0] for title in texts(page, "#rates h4")}


def test_the_causes_are_those_of_capacity(days: Shown, visit: Visit) -> None:
    """With those that only the whole series tells."""
    _, found = observed(days.ledger, promises(), None)
    page = visit(days.file)
    assert {row[0]: int(row[2]) for row in rows(page, "Downgraded calls")} == dict(found)
    assert found["ramp_rate"] > 100
    assert "inferred" in " ".join(texts(page, "#causes h2, #causes p"))


def test_the_advice_is_that_of_advise(days: Shown, visit: Visit) -> None:
    found = advise(days.ledger)
    assert texts(visit(days.file), ".finding h3") == [finding.title for finding in found]
    assert len(found) >= 2


def test_hostile_names_are_text(tmp_path: Path, visit: Visit) -> None:
    """Markup, scripts, templates and marks that turn a line around: read as they are, and run nowhere."""
    calls = [
        call(60.0 * n, name, "priority", "priority", rate=90.0 + n, input=100, output=150)
        for n, name in enumerate(HOSTILE)
    ]
    write(tmp_path / "hostile.db", calls)
    page = visit(made(tmp_path / "hostile.db").file)
    page.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")
    for place in page.locator("[data-chart]").all():
        place.focus()
        page.keyboard.press("ArrowRight")
    assert page.title() == "Service tiers: hostile.db"
    assert page.locator("img, iframe, object").count() == 0
    assert page.locator("script").evaluate_all("all => all.filter(s => s.type !== 'application/json').length") == 1
    assert {row[0] for row in rows(page, "Groups of calls")} == {plain(name) for name in HOSTILE}
    assert [text for text in page.heard if not text.startswith("file:")] == []  # type: ignore[attr-defined]


def test_an_empty_ledger_has_a_page(tmp_path: Path, visit: Visit) -> None:
    (tmp_path / "empty.db").touch()
    page = visit(made(tmp_path / "empty.db").file)
    assert texts(page, "h1") == ["No call was recorded."]
    assert page.locator("figure, .figures").count() == 0


def test_what_is_not_there_is_said_not_drawn(tmp_path: Path, visit: Visit) -> None:
    """Calls at default alone, of a model without a price: sentences, no empty charts; dashes, no zeros."""
    calls = [call(n, "gpt-99", "default", "default", rate=50.0, input=10, output=20) for n in range(3)]
    write(tmp_path / "few.db", [*calls, PLAIN])
    page = visit(made(tmp_path / "few.db").file)
    said = " ".join(texts(page, "main p"))
    assert "No call expected Scale, and none was served from it" in said
    assert "No call was downgraded, so there is no cause to infer." in said
    assert "Nothing that is known was promised of these calls" in said
    assert page.locator("#cost figure, #causes figure, #capacity figure, .figures").count() == 0
    (row,) = [row for row in rows(page, "USD by list price") if row[0] == "gpt-99"]
    assert row == ["gpt-99", "default", "3", "0", "3", *["–unknown"] * 6]  # noqa: RUF001  the table's own dash


def test_without_scripts_the_tables_say_it(days: Shown, visit: Visit) -> None:
    page = visit(days.file, java_script_enabled=False)
    assert page.locator("noscript").count() == 1
    assert page.locator("table").count() >= 6
