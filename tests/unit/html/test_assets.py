"""The charts in the package are those that ``web/`` makes, and carry their licences."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tierscope.html.document import ASSETS

ROOT: Final = Path(__file__).parents[3]
WEB: Final = ROOT / "web"


def test_the_bundle_is_what_its_source_makes() -> None:
    """Rebuilt and compared, where the pinned packages are."""
    node = shutil.which("node")
    if node is None or not (WEB / "node_modules" / "esbuild").exists():
        pytest.skip("the packages of web/ are not installed: make assets")
    done = subprocess.run([node, "build.js", "--check"], cwd=WEB, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_every_package_is_pinned_exactly() -> None:
    wanted = json.loads((WEB / "package.json").read_text("utf-8"))["devDependencies"]
    locked = json.loads((WEB / "package-lock.json").read_text("utf-8"))["packages"]
    assert {name: locked[f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert [name for name, row in locked.items() if "resolved" in row] == []


def test_the_licences_are_beside_the_bundle() -> None:
    told = (ASSETS / "LICENSES.txt").read_text("utf-8")
    assert all(holder in told for holder in ("Apache Software Foundation", "Baidu Inc.", "Mike Bostock", "Microsoft"))
    version = json.loads((WEB / "package.json").read_text("utf-8"))["devDependencies"]["echarts"]
    assert f"Apache ECharts {version} (Apache License 2.0" in (ASSETS / "charts.js").read_text("utf-8")[:500]


def test_the_bundle_holds_no_address_to_load_from() -> None:
    """Nothing that a browser would fetch: names of SVG's own spaces are no addresses."""
    text = (ASSETS / "charts.js").read_text("utf-8")
    assert [word for word in ("fetch(", "XMLHttpRequest", "importScripts", "</script") if word in text] == []
