"""The project's own promises: pins without addresses, one version, one gate, nothing of anybody's machine."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
import tomllib
from importlib import metadata
from pathlib import Path
from typing import Final

import pytest

import tierscope
from tierscope.instrumentor import TierscopeInstrumentor
from tierscope.version import VERSION
from tierscope.wiring import INSTRUMENTS

ROOT: Final = Path(__file__).parents[2]
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
MATRIX: Final = tomllib.loads((ROOT / "tools" / "legs.toml").read_text("utf-8"))
PINS: Final = sorted((ROOT / "requirements").glob("*.txt"))
MACHINE: Final = re.compile(r"(?<![\w.])/(?:work|home|root|Users)/\w")
HOST: Final = re.compile(
    r"index-url|extra-index|find-links|GOPROXY=|https?://[\w.-]*(?:pypi|pythonhosted|registry|npmjs|goproxy|proxy\.golang)"
)
ADDRESS: Final = re.compile(r"https?://|\bgit\+|\bfile:|@ +\S+:")
FOREIGN: Final = re.compile("farm-" + "bench|farm-" + "studio|[.]" + "library")
OUTSIDE: Final = re.compile("[.][.]/" + "shared")
LOCKS: Final = frozenset(
    {"package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "go.sum", "go.mod"}
)
EXEMPT: Final = frozenset({"tests/unit/test_project.py"})
"""Files whose business is to plant such texts: this one."""


@functools.cache
def tracked() -> dict[str, str]:
    """Return the text files under version control, by name."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("no git checkout: nothing tells which files belong to the project")
    names = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    files = {name: (ROOT / name).read_bytes() for name in names.split("\0") if name and (ROOT / name).is_file()}
    return {name: data.decode("utf-8", errors="replace") for name, data in files.items() if b"\0" not in data[:8000]}


def naming(pattern: re.Pattern[str], texts: dict[str, str]) -> dict[str, list[str]]:
    """Return the first hits of a pattern in each text that has any."""
    hits = {name: pattern.findall(text)[:3] for name, text in texts.items() if name not in EXEMPT}
    return {name: found for name, found in hits.items() if found}


def unpinned(text: str) -> list[str]:
    """Return the requirements that lack an exact version or a hash, and any address, of a compiled list."""
    entries = re.split(r"\n(?=\S)", text.strip())
    pin = re.compile(
        r"[\w.-]+(?:\[[\w,.-]+\])?==[\w.+!-]+(?: ; [^\\\n]+)? \\(?:\n +--hash=sha256:[0-9a-f]{64}(?: \\)?)+"
    )
    return [entry.partition("\n")[0] for entry in entries if not pin.fullmatch(entry) or ADDRESS.search(entry)]


def plain(requirements: object) -> list[str]:
    """Return requirements without the blanks that mean nothing."""
    return [str(requirement).replace(" ", "") for requirement in requirements] if isinstance(requirements, list) else []


def test_the_extras_are_what_is_instrumented() -> None:
    """The launcher reads the extras, `instrument()` the constant, the base class the method: they say the same."""
    extras = PROJECT["optional-dependencies"]
    assert plain([*extras["instruments"], *extras["instruments-any"]]) == plain(list(INSTRUMENTS))
    assert list(TierscopeInstrumentor().instrumentation_dependencies()) == list(INSTRUMENTS)


def test_the_installed_extras_are_those_of_the_project() -> None:
    """What the launcher really reads is the metadata of the installation."""
    found = metadata.requires("tierscope") or []
    marked = [requirement for requirement in found if re.search(r"extra == ['\"]instruments", requirement)]
    assert [set(re.findall(r"[<>=]+[\d.]+", requirement)) for requirement in marked] == [
        set(re.findall(r"[<>=]+[\d.]+", requirement)) for requirement in plain(list(INSTRUMENTS))
    ]


def test_there_is_one_version() -> None:
    """The distribution's, the installed one's, the package's, and what its spans say."""
    assert PROJECT["version"] == VERSION == metadata.version("tierscope") == tierscope.__version__


def test_ci_runs_what_make_test_runs() -> None:
    """The steps of `.ci/run` are the environment and the prerequisites of `make test`, in their order."""
    (steps,) = re.findall(r"^for name in (.+?); do", (ROOT / ".ci" / "run").read_text("utf-8"), re.MULTILINE)
    (needed,) = re.findall(r"^test: ([^#\n]+)", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert steps.split() == [".venv/.ready", *needed.split()]


@pytest.mark.parametrize("file", PINS, ids=lambda f: f.stem)
def test_every_pin_has_a_version_and_a_hash(file: Path) -> None:
    """Names, versions, hashes; no address."""
    assert unpinned(file.read_text("utf-8")) == []


def test_every_list_of_requirements_is_compiled() -> None:
    stems = {file.stem for file in (ROOT / "requirements").glob("*.in")}
    assert {file.stem for file in PINS} == stems
    assert "dev" in stems


def test_every_pin_belongs_to_a_leg() -> None:
    """What is laid over the environment is told by the table, but for a tool's list of prices; its suites are there."""
    pinned = {leg["pins"] for leg in MATRIX["legs"].values() if "pins" in leg}
    assert pinned == {file.stem for file in PINS} - {"dev", "catalog"}
    places = [word for words in MATRIX["suites"].values() for word in words if word[0].isalpha() and "=" not in word]
    assert [place for place in places if not (ROOT / place).exists()] == []


def test_the_classifiers_say_what_is_tested() -> None:
    """Each Python that is claimed has a leg, from the oldest on that installs."""
    claimed = [c.rpartition(" ")[2] for c in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", c)]
    legs = [leg["python"] for leg in MATRIX["legs"].values() if "python" in leg]
    assert claimed == legs[: len(claimed)]
    assert PROJECT["requires-python"] == f">={claimed[0]}"


@pytest.mark.parametrize(
    "pattern", [MACHINE, HOST, FOREIGN, OUTSIDE], ids=["machine", "registry", "foreign", "outside"]
)
def test_no_file_names_what_is_not_the_projects(pattern: re.Pattern[str]) -> None:
    """What is committed works anywhere: no machine's path, no registry, no neighbour, nothing outside the checkout."""
    texts = tracked()
    if pattern is OUTSIDE:  # a test may look there if it skips where nothing is
        texts = {n: t for n, t in texts.items() if not (n.startswith("tests/") and re.search(r"\bskip(?:if|\()", t))}
    assert naming(pattern, texts) == {}


def test_no_lock_file_carries_addresses() -> None:
    """Neither uv's nor npm's nor Go's."""
    texts = {name: text for name, text in tracked().items() if Path(name).name in LOCKS}
    assert naming(re.compile(r'"resolved"|https?://'), texts) == {}
    assert [name for name in tracked() if Path(name).name == "uv.lock"] == []


def test_the_changelog_is_open() -> None:
    """What users will see next has a place, and it is the first."""
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert headings[0] == "Unreleased"


# ── planted faults: each check notices ────────────────────────────────────────────────────────────────────────────
HASH: Final = "    --hash=sha256:" + "0a" * 32
GOOD_PINS: Final = [
    pytest.param(f"a==1.0 \\\n{HASH}", id="one-hash"),
    pytest.param(f"a-b[c,d]==1.0rc1+x \\\n{HASH} \\\n{HASH}\nb==2 \\\n{HASH}", id="extras-and-hashes"),
    pytest.param(f"a==1.0 ; python_full_version < '3.12' \\\n{HASH}\n", id="marker"),
]
BAD_PINS: Final = [
    pytest.param("a==1.0", id="no-hash"),
    pytest.param(f"a>=1.0 \\\n{HASH}", id="a-range"),
    pytest.param(f"a==1.0 \\\n{HASH[:-1]}", id="short-hash"),
    pytest.param("a==1.0 \\\n    --hash=md5:00", id="weak-hash"),
    pytest.param("a @ https://example.com/a.whl", id="address"),
    pytest.param("--index-url x", id="option"),
    pytest.param("-e .", id="editable"),
]
FOUND: Final = [
    pytest.param(MACHINE, 'open("/home/me/x")', id="home"),
    pytest.param(MACHINE, "cd /work/main", id="work"),
    pytest.param(HOST, "--extra-index-url x", id="option"),
    pytest.param(HOST, "https://pypi.org/simple", id="pypi"),
    pytest.param(HOST, "https://registry.npmjs.org/x", id="npm"),
    pytest.param(FOREIGN, "see farm-" + "bench", id="neighbour"),
    pytest.param(FOREIGN, "/x/." + "library/y", id="shelf"),
    pytest.param(OUTSIDE, "../" + "shared/corpus", id="outside"),
]
ORDINARY: Final = [
    pytest.param(MACHINE, "https://example.com/work/x and src/work/x", id="path-inside"),
    pytest.param(HOST, "https://keepachangelog.com", id="other-host"),
    pytest.param(FOREIGN, "a library, the library.", id="the-word"),
    pytest.param(OUTSIDE, "shared/x ../sharp", id="alike"),
]


@pytest.mark.parametrize("text", GOOD_PINS)
def test_a_good_pin_passes(text: str) -> None:
    assert unpinned(text) == []


@pytest.mark.parametrize("text", BAD_PINS)
def test_a_bad_pin_is_named(text: str) -> None:
    """Also behind a good one."""
    first = text.partition("\n")[0]
    assert unpinned(text) == [first]
    assert unpinned(f"z==1 \\\n{HASH}\n{text}") == [first]


@pytest.mark.parametrize(("pattern", "text"), FOUND)
def test_a_planted_text_is_found(pattern: re.Pattern[str], text: str) -> None:
    assert list(naming(pattern, {"a": text, "b": "nothing"})) == ["a"]


@pytest.mark.parametrize(("pattern", "text"), ORDINARY)
def test_an_ordinary_text_is_not(pattern: re.Pattern[str], text: str) -> None:
    assert naming(pattern, {"a": text}) == {}
