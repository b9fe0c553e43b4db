"""The page for everybody: by keyboard, narrow and wide, light and dark, on paper, and by the rules of WCAG AA."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Any

import pytest

from tests.browser.conftest import AXE, Shown, absent

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from playwright.sync_api import Page

    Visit = Callable[..., Page]

BOTH = pytest.mark.parametrize("scheme", ["light", "dark"])
OPEN = "all => all.forEach(one => one.open = true)"


@pytest.mark.parametrize("width", [320, 480, 768, 1440])
def test_nothing_scrolls_sideways(days: Shown, visit: Visit, width: int) -> None:
    """Also with all tables shown: these scroll within their frames; charts fit."""
    page = visit(days.file, width=width)
    page.locator("details").evaluate_all(OPEN)
    assert page.evaluate("[document.documentElement.scrollWidth, innerWidth]") == [width, width]
    assert (
        page.locator("[data-chart] svg").evaluate_all(
            "all => all.filter(s => s.getBoundingClientRect().right > innerWidth).length"
        )
        == 0
    )


def test_charts_follow_the_width(days: Shown, visit: Visit) -> None:
    page = visit(days.file, width=1440)
    page.set_viewport_size({"width": 480, "height": 900})
    page.wait_for_function("[...document.querySelectorAll('[data-chart] svg')].every(s => s.clientWidth <= 480)")


def test_everything_is_reached_by_keyboard(days: Shown, visit: Visit) -> None:
    """Tab goes from the skip link through contents, charts, and what unfolds tables; each place shows where it is."""
    page = visit(days.file)
    wanted = page.locator("a[href], summary, [data-chart]").count()
    seen, unmarked = 0, []
    for _ in range(wanted + 40):
        page.keyboard.press("Tab")
        kind, outline = page.evaluate(
            "() => { const e = document.activeElement, s = getComputedStyle(e);"
            " return [e.matches('a[href], summary, [data-chart]'), s.outlineStyle + s.outlineWidth]; }"
        )
        seen += bool(kind)
        if kind and outline != "solid3px":
            unmarked.append(outline)
        if seen == wanted:
            break
    assert (seen, unmarked) == (wanted, [])


def test_arrows_go_through_a_chart(days: Shown, visit: Visit) -> None:
    """The same card that a pointer finds; Escape closes it. Enter unfolds the table."""
    page = visit(days.file)
    chart = page.locator("#cost [data-chart]")
    chart.focus()
    page.keyboard.press("ArrowRight")
    tip = page.locator("#cost .tip")
    tip.wait_for(state="visible")
    assert re.search(r"list price \$[\d.,]+", tip.inner_text())
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.locator("#cost details").evaluate("one => one.open") is True


def test_headings_are_in_order(days: Shown, visit: Visit) -> None:
    """One of the first level; none leaves out a level."""
    page = visit(days.file)
    levels = page.locator("h1, h2, h3, h4").evaluate_all("all => all.map(h => Number(h.tagName[1]))")
    assert levels.count(1) == 1
    assert [b for a, b in itertools.pairwise(levels) if b > a + 1] == []
    assert page.evaluate("[document.documentElement.lang, document.title]") == ["en", "Service tiers: days.db"]


def test_every_chart_has_a_name_and_a_table(days: Shown, visit: Visit) -> None:
    page = visit(days.file)
    told = page.locator("figure").evaluate_all(
        "all => all.map(f => [f.querySelector('[data-chart]').ariaLabel.length > 20,"
        " !!f.querySelector('details table')])"
    )
    assert told == [[True, True]] * len(told)


@BOTH
def test_no_rule_of_accessibility_is_broken(days: Shown, visit: Visit, scheme: str) -> None:
    """By axe-core, WCAG 2.2 A and AA with its best practices, with everything unfolded."""
    if not AXE.exists():
        absent("axe-core is not installed: npm ci in web/")
    page = visit(days.file, scheme=scheme, bypass_csp=True)
    page.locator("details").evaluate_all(OPEN)
    page.add_script_tag(path=AXE)
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found: Any = page.evaluate("tags => axe.run(document, {runOnly: tags})", tags)
    assert [(one["id"], one["nodes"][0]["html"][:120]) for one in found["violations"]] == []
    assert len(found["passes"]) > 20


@BOTH
def test_tiers_are_told_apart_from_the_paper(days: Shown, visit: Visit, scheme: str) -> None:
    """Each colour of a tier has at least 3:1 against the page (WCAG 1.4.11); text has 4.5:1, which axe measures."""
    page = visit(days.file, scheme=scheme)
    ratios = page.evaluate(
        """() => {
          const style = getComputedStyle(document.documentElement), of = (name) => style.getPropertyValue(name).trim();
          const light = (hex) => [1, 3, 5].map(i => parseInt(hex.slice(i, i + 2), 16) / 255)
            .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
            .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
          const ratio = (a, b) => {
            const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
            return (x + 0.05) / (y + 0.05);
          };
          return ["priority", "default", "flex", "scale", "ultrafast", "batch", "other"]
            .map(tier => ratio(of(`--tier-${tier}`), of("--paper")));
        }"""
    )
    assert min(ratios) >= 3


def test_light_and_dark_differ(days: Shown, visit: Visit) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    assert visit(days.file).evaluate(ground) == "rgb(251, 250, 247)"
    assert visit(days.file, scheme="dark").evaluate(ground) == "rgb(19, 21, 23)"


def test_paper_is_light_and_shows_the_tables(days: Shown, visit: Visit, tmp_path: Path) -> None:
    """Whatever the screen's scheme: white ground, tables unfolded, no navigation; and the file is a PDF."""
    page = visit(days.file, scheme="dark")
    page.set_viewport_size({"width": 690, "height": 1000})  # A4 within its margins
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("document.documentElement.scrollWidth") <= 691  # half a pixel of a border
    boxes = page.locator("[data-chart] svg").evaluate_all("all => all.map(s => s.getBoundingClientRect().toJSON())")
    assert [box for box in boxes if box["height"] < 60 or box["right"] > 691] == []
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator("nav").is_hidden()
    heights = page.locator("details .frame").evaluate_all("all => all.map(t => t.getBoundingClientRect().height)")
    assert min(heights) > 30
    page.pdf(path=tmp_path / "page.pdf", format="A4")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")


def test_motion_is_reduced_on_demand(days: Shown, visit: Visit) -> None:
    page = visit(days.file, reduced_motion="reduce")
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"


def test_the_page_is_light_enough_to_send(days: Shown) -> None:
    """Charts included: at most 720 kB for three days of traffic; 596 kB of it is the library."""
    assert days.file.stat().st_size <= 720_000
