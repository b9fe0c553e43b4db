"""A headless Chromium, and the pages it is shown: run by `make browser`, collected nowhere else."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import pytest
from click.testing import CliRunner

from tests.browser.ledgers import written
from tierscope.cli import report as command
from tierscope.cli.commands import tierscope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from playwright.sync_api import Browser, Page

    from tierscope.ledger.figures import Report

collect_ignore_glob = [] if os.environ.get("TIERSCOPE_BROWSER") else ["test_*.py"]
ROOT: Final = Path(__file__).parents[2]
AXE: Final = ROOT / "web" / "node_modules" / "axe-core" / "axe.min.js"
FLAGS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class Shown(NamedTuple):
    """A ledger, what the report says of it, and the page."""

    ledger: Path
    report: Report
    file: Path


def made(ledger: Path, *options: str) -> Shown:
    """Make the page of a ledger, as a user does."""
    file = ledger.with_suffix(".html")
    done = CliRunner().invoke(tierscope, ["report", str(ledger), "--html", str(file), *options])
    assert done.exit_code == 0, done.output
    return Shown(ledger, command.read(ledger), file)


def absent(reason: str) -> Any:
    """Skip; in CI, where everything is to be there, fail."""
    (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        absent("there is no Chromium: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def days(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    """Three days, in which everything happened that a page can show."""
    return made(written(tmp_path_factory.mktemp("days") / "days.db"))


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a page; its console, errors and requests are heard from the start."""
    contexts = []

    def opened(file: Path, *, width: int = 1440, scheme: Any = "light", **options: Any) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, **options)
        contexts.append(context)
        page = context.new_page()
        page.heard = []  # type: ignore[attr-defined]  what the tests of this folder ask for
        page.on("console", lambda message: page.heard.append(message.text))  # type: ignore[attr-defined]
        page.on("pageerror", lambda error: page.heard.append(str(error)))  # type: ignore[attr-defined]
        page.on("request", lambda request: page.heard.append(request.url))  # type: ignore[attr-defined]
        page.goto(file.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
