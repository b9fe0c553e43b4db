"""Draw each board from its committed JSON and the answers of a real Prometheus, into `docs/img/`.

It is a preview: our own drawing of what the JSON says, in a headless Chromium, with the charts that `web/` pins. Where
Grafana has a rule (the grid, decimals, units, the merging of a table's queries), it follows that rule. The seed is that
of `tests/grafana`, at a fixed time, so that a picture changes with a board or with this drawing, and little otherwise.
"""

from __future__ import annotations

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
ENVIRONMENT: Final = "otlp"
END: Final = 1_767_268_800
"""2026-01-01 12:00 UTC."""
STEP: Final = 60
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


def told(board: dict[str, Any], asked: Asked) -> dict[str, Any]:
    """Return all that the page draws: a board, and the answers to its queries and annotations."""
    values = chosen(board, asked, ENVIRONMENT)
    todo = [(str(panel["id"]), target) for panel in board["panels"] for target in panel.get("targets", [])]
    notes = board["annotations"]["list"]
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda one: answered(one, asked, values), [*(target for _, target in todo), *notes]))
    answers: dict[str, Any] = {}
    for (panel, target), series in zip(todo, found, strict=False):
        answers.setdefault(panel, []).append({"refId": target["refId"], "series": series})
    events = [{"note": note, "series": series} for note, series in zip(notes, found[len(todo) :], strict=True)]
    every = {
        one["name"]: "All" for one in board["templating"]["list"] if one.get("multi") and one["name"] != "environment"
    }
    asks = {"start": asked.start, "end": asked.end, "step": STEP}
    return {"board": board, "answers": answers, "events": events, "values": {**values, **every}, **asks}


def program() -> str:
    """Return where Chromium is, after installing what is absent."""
    ensure_chromium()
    ensure_audit()
    found = shutil.which("chromium")
    if found is None or not CHARTS.exists():
        raise SystemExit(f"no Chromium on the path, or no {CHARTS.relative_to(ROOT)}: install chromium, node and npm")
    return found


def drawn(browser: Browser, told: dict[str, Any], scheme: Any, width: int, file: Path) -> None:
    """Draw a board into a file."""
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.goto(PAGE.as_uri())
    page.add_script_tag(path=CHARTS)
    page.add_script_tag(path=PAGE.with_name("draw.js"))
    page.evaluate("told => draw(told)", told)
    page.screenshot(path=file, full_page=True)
    context.close()


def smaller(file: Path) -> None:
    """Give a picture a palette, where `pngquant` is there."""
    if found := shutil.which("pngquant"):
        command = [found, "--force", "--strip", "--speed=1", "--nofs", f"--output={file}", "128", file]
        subprocess.run(command, check=True)


def main(arguments: list[str]) -> int:
    """Draw the boards of these names, or all; `--answers FILE` keeps answers there, and draws from what it holds."""
    kept = Path(arguments[1]) if arguments[:1] == ["--answers"] else None
    slugs = arguments[2 if kept else 0 :] or list(BOARDS)
    if unknown := set(slugs) - set(BOARDS):
        raise SystemExit(f"no board {', '.join(sorted(unknown))}: there are {', '.join(BOARDS)}")
    boards = {slug: json.loads(BOARDS[slug].read_text("utf-8")) for slug in BOARDS}
    if kept and kept.exists():
        found = json.loads(kept.read_text("utf-8"))
    else:
        with tempfile.TemporaryDirectory() as place, served(Path(place), END) as asked:
            found = {slug: told(board, asked) for slug, board in boards.items()}
    if kept:
        kept.write_text(json.dumps(found), "utf-8")
    IMAGES.mkdir(exist_ok=True)
    narrow = Path(tempfile.gettempdir()) / "tierscope-preview"
    narrow.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program(), args=list(FLAGS))
        for slug, width, scheme in ((a, b, c) for a in slugs for b in WIDTHS for c in ("light", "dark")):
            file = (IMAGES if width == WIDTHS[0] else narrow) / f"{slug}-{scheme}.png"
            drawn(browser, {**found[slug], "board": boards[slug]}, scheme, width, file)
            smaller(file)
            print(f"{file}: {file.stat().st_size:,} bytes")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
