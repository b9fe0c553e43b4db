"""The project's own promises: pins without addresses, one version, one gate, nothing of anybody's machine."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from tierscope.version import VERSION
from tierscope.wiring import INSTRUMENTS

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
PINS = sorted((ROOT / "requirements").glob("*.txt"))
MACHINE = re.compile(r"(?<![\w.])/(?:work|home|root|Users)/\w")
HOST = re.compile(r"index-url|extra-index|find-links|https?://[\w.-]*(?:pypi|pythonhosted|registry|npmjs)[\w.-]*")


def tracked() -> list[Path]:
    """Return the text files under version control."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("no git checkout: nothing tells which files belong to the project")
    names = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = [ROOT / name for name in names.split("\0") if name]
    return [file for file in files if file.is_file() and b"\0" not in file.read_bytes()[:8000]]


def test_the_extra_is_what_is_instrumented() -> None:
    """The launcher reads the extra, `instrument()` the constant: they say the same."""

    def plain(requirement: str) -> str:
        return requirement.replace(" ", "")

    assert [plain(r) for r in PROJECT["optional-dependencies"]["instruments"]] == [plain(r) for r in INSTRUMENTS]


def test_there_is_one_version() -> None:
    """The distribution's, the package's, and what its spans say."""
    assert PROJECT["version"] == VERSION == metadata.version("tierscope")


def test_ci_runs_what_make_test_runs() -> None:
    """The steps of `.ci/run` are the environment and the prerequisites of `make test`, in their order."""
    (steps,) = re.findall(r"^for name in (.+?); do", (ROOT / ".ci" / "run").read_text("utf-8"), re.MULTILINE)
    (needed,) = re.findall(r"^test: ([^#\n]+)", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert steps.split() == [".venv/.ready", *needed.split()]


@pytest.mark.parametrize("file", PINS, ids=lambda f: f.stem)
def test_every_pin_has_a_version_and_a_hash(file: Path) -> None:
    """Names, versions, hashes; no address."""
    entries = re.split(r"\n(?=\S)", file.read_text("utf-8").strip())
    assert entries
    assert [
        e for e in entries if not re.match(r"[\w.\[\]-]+==\S+ .*\\\n(?:.*\\\n)*\s+--hash=sha256:[0-9a-f]{64}", e)
    ] == []
    assert [e for e in entries if "://" in e] == []


def test_no_file_names_a_registry_or_a_machine() -> None:
    """What is committed works anywhere."""
    found = {}
    for file in tracked():
        text = file.read_text("utf-8", errors="replace")
        hits = [*MACHINE.findall(text), *HOST.findall(text)] if file != Path(__file__) else []
        if hits:
            found[str(file.relative_to(ROOT))] = hits[:3]
    assert found == {}


def test_no_lock_file_carries_addresses() -> None:
    """Neither uv's nor npm's."""
    names = {file.name: file for file in tracked()}
    assert "uv.lock" not in names
    assert "resolved" not in (names["package-lock.json"].read_text("utf-8") if "package-lock.json" in names else "")


def test_the_patterns_would_notice() -> None:
    """Planted addresses and paths are found, ordinary ones are not."""
    assert MACHINE.search('open("/home/me/x")')
    assert HOST.search("--extra-index-url x")
    assert HOST.search("https://pypi.org/simple")
    assert not MACHINE.search("https://example.com/work/x and src/work/x")
    assert not HOST.search("https://keepachangelog.com")


def test_the_changelog_is_open() -> None:
    """What users will see next has a place."""
    assert "\n## Unreleased\n" in (ROOT / "CHANGELOG.md").read_text("utf-8")
