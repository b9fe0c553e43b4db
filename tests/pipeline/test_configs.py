"""The configurations as files: what is generated is up to date, all of them start, and what is wrong is said once."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from tests.pipeline.collectors import CONFIGS, READY_S, ROOT, Collector, until
from tests.pipeline.conftest import Starts, made

OVERLAYS: Final = ("prometheus-otlp", "remote-write", "traces", "debug", "langfuse")
NEEDED: Final = {
    "TIERSCOPE_REMOTE_WRITE_URL": "http://127.0.0.1:1/push",
    "TIERSCOPE_LANGFUSE_URL": "http://127.0.0.1:1/v1/traces",
    "TIERSCOPE_LANGFUSE_AUTHORIZATION": "Basic eDp5",
    "TIERSCOPE_GATEWAYS_DNS": "localhost",
}
COMBINATIONS: Final = (
    *((base,) for base in ("standalone", "agent", "gateway")),
    *((base, f"overlays/{over}") for base in ("standalone", "gateway") for over in OVERLAYS),
    ("gateway", *(f"overlays/{over}" for over in OVERLAYS)),
    ("standalone", *(f"overlays/{over}" for over in reversed(OVERLAYS))),
    ("agent", "overlays/debug"),
    ("agent", "overlays/gateways-by-dns"),
    ("gateway", "overlays/behind-agents"),
)


# ── files ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_generated_blocks_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "collector.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "the Collector's configurations are up to date\n")


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import collector

    return collector


def test_a_block_is_written_at_its_depth(tool: Any) -> None:
    text = "a:\n  # generated: x\n  old\n  # end\nb:\n"
    assert tool.written(text, {"x": lambda: "- 1\n- 2\n"}) == "a:\n  # generated: x\n  - 1\n  - 2\n  # end\nb:\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# generated: y\n# end\n", "no block y; there are x"),
        ("# generated: x\n", "1 blocks begin and 0 end: each needs `# end` at its own depth"),
        ("  # generated: x\n# end\n", "1 blocks begin and 0 end"),
    ],
    ids=["unknown", "no-end", "another-depth"],
)
def test_a_block_that_cannot_be_written_is_named(tool: Any, text: str, message: str) -> None:
    with pytest.raises(tool.UnknownBlockError, match=re.escape(message)):
        tool.written(text, {"x": lambda: ""})


def test_every_file_says_what_it_is_for() -> None:
    files = sorted(CONFIGS.rglob("*.yaml"))
    assert len(files) == len(OVERLAYS) + 9
    assert [file.name for file in files if not file.read_text("utf-8").startswith("# ")] == []


def test_every_overlay_is_tried() -> None:
    tried = {name.removeprefix("overlays/") for names in COMBINATIONS for name in names}
    assert {file.stem for file in (CONFIGS / "overlays").glob("*.yaml")} <= tried


def test_the_distribution_is_what_the_manifest_gives() -> None:
    """Module by module and version by version; ocb itself takes minutes to build."""
    manifest = yaml.safe_load((CONFIGS / "builder.yaml").read_text("utf-8"))
    kinds = ("receivers", "processors", "connectors", "exporters", "extensions", "providers")
    wanted = {part["gomod"] for kind in kinds for part in manifest[kind]}
    pinned = (CONFIGS / "distribution" / "go.mod").read_text("utf-8")
    core = {f"go.opentelemetry.io/collector/{name} v0.161.0" for name in ("service", "otelcol")}
    assert {one for one in wanted | core if f"\t{one}\n" not in pinned} == set()
    source = (CONFIGS / "distribution" / "components.go").read_text("utf-8")
    providers = {part["gomod"] for part in manifest["providers"]}
    assert set(re.findall(r'"(\S+ v[0-9.]+)"', source)) == wanted - providers
    main = (CONFIGS / "distribution" / "main.go").read_text("utf-8")
    assert set(re.findall(r'"(\S+provider)"', main)) == {one.split()[0] for one in providers}
    assert re.findall(r'(?:Command|Version): +"([^"]+)"', main) == [
        manifest["dist"]["name"],
        manifest["dist"]["version"],
    ]
    assert [line for line in manifest["replaces"] if line not in pinned] == []


# ── they start ────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("names", COMBINATIONS, ids="+".join)
def test_a_combination_is_valid_and_up_to_date(tmp_path: Path, names: tuple[str, ...]) -> None:
    """`validate` accepts it, it starts, and no line of either holds the word: old names still work, and say so."""
    done = made(tmp_path, *names, **NEEDED).validate()
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    with made(tmp_path, *names, **NEEDED) as running:
        said = running.log
    assert "Everything is ready" in said
    assert [line for line in said.splitlines() if "deprecated" in line.lower()] == []


# ── and what is wrong is said ─────────────────────────────────────────────────────────────────────────────────────
def fails(collector: Collector) -> str:
    """Start what cannot start, and return its errors; it gives up once, and does not try again."""
    collector.start()
    assert until(lambda: collector.has_ended, READY_S), collector.log[-2000:]
    assert collector.stop() == 1
    return "\n".join(line for line in collector.log.splitlines() if "Error: " in line)


@pytest.mark.parametrize(
    ("names", "variable", "error"),
    [
        (("gateway", "overlays/remote-write"), "TIERSCOPE_REMOTE_WRITE_URL", '"prometheus_remote_write"'),
        (("gateway", "overlays/langfuse"), "TIERSCOPE_LANGFUSE_URL", "otlp_http/langfuse: at least one endpoint"),
        (("agent", "overlays/gateways-by-dns"), "TIERSCOPE_GATEWAYS_DNS", '"load_balancing"'),
    ],
    ids=["remote-write", "langfuse", "dns"],
)
def test_a_variable_that_is_missing_is_named(tmp_path: Path, names: tuple[str, ...], variable: str, error: str) -> None:
    """The Collector warns of the variable, and fails at what needs it."""
    collector = made(tmp_path, *names, **{key: value for key, value in NEEDED.items() if key != variable})
    (said,) = fails(collector).splitlines()
    assert error in said
    assert [line for line in collector.log.splitlines() if "unset environment variable" in line and variable in line]


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (said,) = fails(made(tmp_path, "standalone", TIERSCOPE_OTLP_HTTP=f"127.0.0.1:{port}")).splitlines()
    assert f"listen tcp 127.0.0.1:{port}: bind: address already in use" in said


def test_a_queue_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """Its folder would be below a file."""
    (tmp_path / "file").write_text("")
    (said,) = fails(made(tmp_path, "gateway", TIERSCOPE_QUEUE=str(tmp_path / "file" / "queue"))).splitlines()
    assert str(tmp_path / "file" / "queue") in said
    assert "not a directory" in said


def test_without_go_the_reason_is_told(tmp_path: Path) -> None:
    """Nothing is half-built: the tests of this suite skip with that sentence, and fail in CI."""
    env = {"PATH": str(tmp_path), "HOME": str(tmp_path), **({"CI": "1"} if "CI" in os.environ else {})}
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "gotool.py"), "collector"],
        capture_output=True,
        text=True,
        env=env,
        check=False,
    )
    assert (done.returncode, "no `go` on the path" in done.stderr) == (1, True)


def test_the_log_of_a_start_names_no_error(starts: Starts) -> None:
    assert [line for line in starts("gateway").log.splitlines() if "\terror\t" in line] == []


def test_every_variable_is_documented_with_its_default() -> None:
    """What the page says is what the files say, both ways."""
    used: dict[str, set[str]] = {}
    for file in (*CONFIGS.glob("*.yaml"), *(CONFIGS / "overlays").glob("*.yaml")):
        for name, default in re.findall(r"\$\{env:(TIERSCOPE_\w+)((?::-[^}]*)?)\}", file.read_text("utf-8")):
            used.setdefault(name, set()).add(default.removeprefix(":-") or ("none" if default else "needed"))
    page = (ROOT / "docs" / "collector.md").read_text("utf-8")
    rows = re.findall(r"^\| `(TIERSCOPE_\w+)` \| ([^|]+) \|", page, re.MULTILINE)
    told = {name: set(re.findall(r"`([^`]+)`", cell) or [cell]) for name, cell in rows}
    assert told == used
