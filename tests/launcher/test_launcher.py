"""Zero-code under ``opentelemetry-instrument``, in real processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.sdk import replies
from tests.truth.replay import Replay

if TYPE_CHECKING:
    from collections.abc import Iterator

LAUNCHER = str(Path(sys.executable).with_name("opentelemetry-instrument"))
APP = """
import openai
client = openai.OpenAI(api_key="k")
client.chat.completions.create(model="gpt-4.1", messages=[{"role": "user", "content": "hi"}], service_tier="priority")
"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Serve one downgraded reply."""
    with Replay() as replay:
        yield replay.add("case", *replies.whole(replies.chat("default"))) + "/v1"


def run(code: str, *launcher: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a program, by default under the launcher with console exporters."""
    command = launcher or (LAUNCHER, "--traces_exporter", "console", "--metrics_exporter", "console")
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("OTEL_", "TIERSCOPE_"))}
    return subprocess.run(
        [*command, sys.executable, "-W", "ignore", "-c", code],
        env={**clean, "OTEL_LOGS_EXPORTER": "none", **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def documents(text: str) -> list[dict[str, object]]:
    """Return the JSON documents that the console exporters printed one after another."""
    decoder, found, at = json.JSONDecoder(), [], 0
    while (at := text.find("{", at)) >= 0:
        value, at = decoder.raw_decode(text, at)
        found.append(value)
    return found


def test_a_program_without_a_line_of_ours_is_seen(url: str) -> None:
    """One GenAI span with both tiers, and both tiers on our own metrics."""
    done = run(APP, OPENAI_BASE_URL=url, TIERSCOPE_TRUSTED_HOSTS="127.0.0.1")
    assert done.returncode == 0, done.stderr
    told = documents(done.stdout)
    (span,) = [d["attributes"] for d in told if d.get("name") == "chat gpt-4.1"]
    assert (span["openai.request.service_tier"], span["openai.response.service_tier"]) == ("priority", "default")
    assert span["tierscope.tier.outcome"] == "downgraded"
    scopes = [s for d in told for r in d.get("resource_metrics", ()) for s in r["scope_metrics"]]
    calls = [m for s in scopes for m in s["metrics"] if m["name"] == "tierscope.calls"][-1]["data"]["data_points"]
    (hot,) = [p["attributes"] for p in calls if p["value"]]
    assert (hot["tierscope.tier.requested"], hot["tierscope.tier.served"]) == ("priority", "default")


def test_the_launcher_does_what_the_one_line_does(url: str) -> None:
    """The span of ``tierscope.instrument()`` has the attributes of the span under the launcher."""
    manual = (
        "from opentelemetry.instrumentation.auto_instrumentation import initialize\n"
        "import os; os.environ['OTEL_PYTHON_DISABLED_INSTRUMENTATIONS'] = 'tierscope'; initialize()\n"
        "import tierscope; assert tierscope.instrument()\n" + APP
    )
    env = {"OPENAI_BASE_URL": url, "OTEL_TRACES_EXPORTER": "console", "OTEL_METRICS_EXPORTER": "none"}
    spans = []
    for done in (run(APP, LAUNCHER, **env), run(manual, "env", **env)):
        assert done.returncode == 0, done.stderr
        (span,) = [d["attributes"] for d in documents(done.stdout) if d.get("name") == "chat gpt-4.1"]
        spans.append({key: value for key, value in span.items() if "rate" not in key and "first" not in key})
    assert spans[0] == spans[1]


def test_our_entry_point_can_be_disabled_by_its_name(url: str) -> None:
    """``OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=tierscope`` turns us off, and nobody else."""
    done = run(
        APP,
        LAUNCHER,
        OPENAI_BASE_URL=url,
        OTEL_TRACES_EXPORTER="console",
        OTEL_METRICS_EXPORTER="none",
        OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="tierscope,openai",
    )
    ours = [d for d in documents(done.stdout) if "tierscope" in str(d.get("attributes"))]
    assert (done.returncode, ours) == (0, [])


def test_a_program_that_never_imports_openai_does_not_pay_for_it() -> None:
    """Under the launcher openai, httpx and sqlite3 stay unimported by us."""
    heavy = ("openai", "httpx", "httpx2", "sqlite3", "tierscope.ledger")
    code = f"import sys; print([m for m in {heavy} if m in sys.modules])"
    done = run(
        code,
        LAUNCHER,
        OTEL_TRACES_EXPORTER="none",
        OTEL_METRICS_EXPORTER="none",
        OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="openai,httpx,httpx2",
    )
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


@pytest.mark.parametrize("key", ["TIERSCOPE_STREAM_USAGE", "TIERSCOPE_DEFAULT_TIER", "TIERSCOPE_EXPECTED_TIERS"])
def test_a_bad_setting_is_one_line_and_the_program_runs(url: str, key: str) -> None:
    """The program runs unharmed; stderr has one line that names key and value."""
    done = run(
        APP, LAUNCHER, OPENAI_BASE_URL=url, OTEL_TRACES_EXPORTER="none", OTEL_METRICS_EXPORTER="none", **{key: "odd"}
    )
    lines = [line for line in done.stderr.splitlines() if "Tierscope is off" in line]
    assert (done.returncode, len(lines)) == (0, 1), done.stderr
    assert f"{key}='odd'" in lines[0]


def test_the_doctor_finds_every_patched_method() -> None:
    """Whatever openai is laid over the environment: it is supported, and nothing of the seam is missing there."""
    code = "import sys; sys.argv[1:] = ['doctor', '--json']; from tierscope.cli import main; main()"
    found = {finding["subject"]: finding for finding in json.loads(run(code, "env").stdout)}
    assert found["openai"]["text"].endswith(", supported; every patched method is there.")


def test_uninstrumented_before_openai_is_imported_leaves_it_bare() -> None:
    """The import hook asks whether we are active: openai imported after ``uninstrument()`` is bare."""
    code = (
        "import tierscope; assert tierscope.instrument(); tierscope.uninstrument()\n"
        "import openai._base_client as b; print(type(b.SyncAPIClient.__dict__['request']).__name__)"
    )
    assert run(code, "env").stdout.strip() == "function"


def test_importing_tierscope_imports_almost_nothing() -> None:
    """``import tierscope`` loads two modules of ours and no OpenTelemetry."""
    code = (
        "import sys, tierscope; print(sorted(m for m in sys.modules if m.startswith(('tierscope', 'opentelemetry'))))"
    )
    assert run(code, "env").stdout.strip() == "['tierscope', 'tierscope.version']"
