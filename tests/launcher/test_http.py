"""HTTP spans under ``opentelemetry-instrument``, where the launcher instruments httpx and httpx2 itself."""

from __future__ import annotations

import os
import shutil
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.launcher.test_launcher import APP, LAUNCHER, documents, run
from tests.sdk import replies
from tests.truth.replay import Replay

if TYPE_CHECKING:
    from collections.abc import Iterator

SAY_ORDER = """
from importlib.metadata import entry_points
names = [e.name for e in entry_points(group="opentelemetry_instrumentor")]
print("ORDER", *(n for n in names if n in ("httpx", "httpx2", "tierscope")))
"""
OURS, THEIRS = "tierscope", "opentelemetry-instrumentation-httpx"
ORDERS = {OURS: "tierscope httpx httpx2", THEIRS: "httpx httpx2 tierscope"}
DISABLED = "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS"
HEAVY = ("openai", "httpx", "httpx2", "opentelemetry.instrumentation.httpx")


@pytest.fixture
def url() -> Iterator[str]:
    """Serve a failed attempt, and then the reply."""
    with Replay() as replay:
        replay.add("case", *replies.whole(replies.error("slow_down"), 429, {"retry-after-ms": "1"}))
        yield replay.add("case", *replies.whole(replies.chat(), 200)) + "/v1"


def first_on_the_path(folder: Path, distribution: str) -> str:
    """Lay a distribution's metadata in a folder; the launcher loads entry points in the order of the path."""
    (entry,) = [f for f in metadata.files(distribution) or () if f.name == "entry_points.txt"]
    info = Path(str(entry.locate())).parent
    shutil.copytree(info, folder / info.name)
    return str(folder)


def attempts(stdout: str) -> list[tuple[Any, ...]]:
    """Return number, status and request id of each HTTP span below the one call, in order."""
    spans = [told for told in documents(stdout) if "attributes" in told and "kind" in told]
    (call,) = [s["context"]["span_id"] for s in spans if s["name"] == "chat gpt-4.1"]
    keys = ("tierscope.attempt.number", "http.status_code", "tierscope.request_id")
    return [tuple(s["attributes"].get(k) for k in keys) for s in spans if s["parent_id"] == call]


@pytest.mark.parametrize("first", [OURS, THEIRS])
def test_it_composes_with_the_launchers_own_in_either_order(url: str, tmp_path: Path, first: str) -> None:
    """Both entry points of the HTTP package are active: one HTTP span an attempt, with our facts."""
    path = os.pathsep.join((first_on_the_path(tmp_path, first), os.environ.get("PYTHONPATH", "")))
    done = run(SAY_ORDER + APP, OPENAI_BASE_URL=url, PYTHONPATH=path, TIERSCOPE_HTTP="on")
    assert done.returncode == 0, done.stderr
    order = done.stdout.partition("ORDER ")[2].partition("\n")[0]
    assert (order, attempts(done.stdout)) == (ORDERS[first], [(1, 429, "req_1"), (2, 200, "req_1")])


@pytest.mark.parametrize(
    ("env", "expected"),
    [
        pytest.param(
            {"TIERSCOPE_HTTP": "on", DISABLED: "httpx,httpx2"}, [(1, 429, "req_1"), (2, 200, "req_1")], id="ours"
        ),
        pytest.param({}, [(None, 429, None), (None, 200, None)], id="off"),
        pytest.param({DISABLED: "httpx,httpx2"}, [], id="off-and-none"),
    ],
)
def test_whose_spans_they_are(url: str, env: dict[str, str], expected: list[tuple[Any, ...]]) -> None:
    """Theirs disabled: ours are there. Ours off: theirs are as they were."""
    done = run(APP, OPENAI_BASE_URL=url, **env)
    assert (done.returncode, attempts(done.stdout)) == (0, expected), done.stderr


def test_a_program_that_never_imports_openai_does_not_pay_for_http_spans() -> None:
    """Neither HTTP library nor its instrumentor is imported by us."""
    code = f"import sys; print([m for m in {HEAVY} if m in sys.modules])"
    quiet = {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none", DISABLED: "openai,httpx,httpx2"}
    done = run(code, LAUNCHER, TIERSCOPE_HTTP="on", **quiet)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr
