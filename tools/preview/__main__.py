"""Draw each board from its committed JSON and the answers of a real Prometheus, into `docs/img/`.

It is a preview: our own drawing of what the JSON says, in a headless Chromium, with the charts that `web/` pins. Where
Grafana has a rule (the grid, decimals, units, the merging of a table's queries), it follows that rule. The seed is that
of `tests/grafana`, at a fixed time, so that a picture changes with a board or with this drawing, and little otherwise.
"""

from __future__ import annotations

import argparse
import itertools
import json
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from playwright.sync_api import sync_playwright
from tests.browser.conftest import FLAGS
from tests.grafana.asked import Asked, chosen, filled_in, served, span
from tests.grafana.server import ask
from tools.browser import WEB, ensure_audit, ensure_chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT: Final = Path(__file__).parents[2]
BOARDS: Final = {path.stem: path for path in sorted((ROOT / "grafana" / "dashboards").glob("*.json"))}
IMAGES: Final = ROOT / "docs" / "img"
PAGE: Final = Path(__file__).with_name("page.html")
CHARTS: Final = WEB / "node_modules" / "echarts" / "dist" / "echarts.min.js"
ENVIRONMENTS: Final = ("otlp", "bare")
"""The first is committed; the second, a fleet without flex, scale and batch, shows what panels without data say."""
END: Final = 1_767_268_800
"""2026-01-01 12:00 UTC."""
STEP: Final = 60
BEFORE: Final = 15 * 60
"""Seconds of the simulated time that are not shown: a fleet that starts out of nothing has no rates yet."""
WIDTHS: Final = (1440, 800)
"""The pictures of the first width are committed; narrow ones are for the eye of who changes a board."""


def answered(target: dict[str, Any], asked: Asked, values: dict[str, str]) -> list[Any]:
    """Return the series of a query, at the end or over the whole range.

    Raises:
        SystemExit: Prometheus refuses it; says which query, and why.

    """
    query = filled_in(target["expr"], values)
    if target.get("instant"):
        data = ask(asked.server, "query", query=query, time=asked.end)
    else:
        data = ask(asked.server, "query_range", query=query, step=STEP, **span(asked))
    if isinstance(data, str):
        raise SystemExit(f"Prometheus refuses a query: {data}\n{query}")
    return data["result"]


def told(board: dict[str, Any], asked: Asked, environment: str) -> dict[str, Any]:
    """Return all that the page draws: a board, and the answers to its queries and annotations."""
    asked = asked._replace(start=asked.start + BEFORE)
    every = [one["name"] for one in board["templating"]["list"] if one.get("allValue") and one["name"] != "environment"]
    values = chosen(board, asked, environment) | dict.fromkeys(every, ".*") | {"__range": f"{asked.end - asked.start}s"}
    todo = [(str(panel["id"]), target) for panel in board["panels"] for target in panel.get("targets", [])]
    notes = board["annotations"]["list"]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda one: answered(one, asked, values), [*(target for _, target in todo), *notes]))
    answers: dict[str, Any] = {}
    for (panel, target), series in zip(todo, found, strict=False):
        answers.setdefault(panel, []).append({"refId": target["refId"], "series": series})
    events = [{"note": note, "series": series} for note, series in zip(notes, found[len(todo) :], strict=True)]
    asks = {"start": asked.start, "end": asked.end, "step": STEP, "values": values | dict.fromkeys(every, "All")}
    return {"board": board, "answers": answers, "events": events, **asks}


def program() -> str:
    """Return where Chromium is, after installing what is absent."""
    ensure_chromium()
    ensure_audit()
    found = shutil.which("chromium")
    if found is None or not CHARTS.exists():
        raise SystemExit(f"no Chromium on the path, or no {CHARTS.relative_to(ROOT)}: install chromium, node and npm")
    return found


def drawn(browser: Browser, told: dict[str, Any], width: int, scheme: Any, file: Path) -> None:
    """Draw a board into a file, and print how large that is."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.goto(PAGE.as_uri())
    page.add_script_tag(path=CHARTS)
    page.add_script_tag(path=PAGE.with_name("draw.js"))
    page.evaluate("told => draw(told)", told)
    page.screenshot(path=file, full_page=True)
    context.close()
    if found := shutil.which("pngquant"):  # a palette makes it smaller
        command = [found, "--force", "--strip", "--speed=1", "--nofs", f"--output={file}", "128", file]
        subprocess.run(command, check=True)
    print(f"{file}: {file.stat().st_size:,} bytes")


def answers(boards: dict[str, Any], kept: Path | None) -> dict[str, Any]:
    """Return what the boards are told in each environment: from a file, or asked anew and kept there."""
    if kept and kept.exists():
        return json.loads(kept.read_text("utf-8"))
    with tempfile.TemporaryDirectory() as place, served(Path(place), END) as asked:
        found = {one: {slug: told(boards[slug], asked, one) for slug in boards} for one in ENVIRONMENTS}
    if kept:
        kept.write_text(json.dumps(found), "utf-8")
    return found


def main(arguments: list[str]) -> int:
    """Draw boards; pictures that are not kept go into a temporary folder."""
    parser = argparse.ArgumentParser(prog="python -m tools.preview", description="Draw the boards without Grafana.")
    parser.add_argument("boards", nargs="*", choices=[*BOARDS, []], metavar="BOARD", help="all, without one")
    parser.add_argument("--answers", type=Path, metavar="FILE", help="keep answers there; draw from it where it is")
    given = parser.parse_args(arguments)
    boards = {slug: json.loads(path.read_text("utf-8")) for slug, path in BOARDS.items()}
    found, others = answers(boards, given.answers), Path(tempfile.gettempdir()) / "tierscope-preview"
    others.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=list(FLAGS))
        for one, slug, *how in itertools.product(ENVIRONMENTS, given.boards or BOARDS, WIDTHS, ("light", "dark")):
            file = others / f"{slug}-{one}-{how[0]}-{how[1]}.png"
            if (one, how[0]) == (ENVIRONMENTS[0], WIDTHS[0]):
                file = IMAGES / f"{slug}-{how[1]}.png"
            drawn(browser, {**found[one][slug], "board": boards[slug]}, *how, file)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
