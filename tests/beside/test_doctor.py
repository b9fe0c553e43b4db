"""``tierscope doctor`` in real environments: a neighbour is named wherever it is installed."""

from __future__ import annotations

from importlib import metadata
from typing import TYPE_CHECKING, Any

import pytest
from tests.beside.conftest import NAME
from tests.beside.neighbours import NEIGHBOURS, doctor, hidden_official

if TYPE_CHECKING:
    from pathlib import Path

OFFICIAL, NEIGHBOUR = NEIGHBOURS["official"], NEIGHBOURS[NAME or "official"]


def installed(package: str) -> str:
    """Return the subject under which the doctor names a package."""
    return f"{package} {metadata.version(package)}"


@pytest.fixture(scope="module")
def found() -> dict[str, dict[str, Any]]:
    """What the doctor says of this environment as it is."""
    return doctor()


def test_the_neighbour_of_this_environment_is_named(found: dict[str, dict[str, Any]]) -> None:
    """With its real version, and as a warning where the launcher switches it on and a span is there twice."""
    named = found[installed(NEIGHBOUR.package)]
    is_doubling = NEIGHBOUR.is_entry_point and not NEIGHBOUR.is_joined
    assert (named["word"], bool(named["remedies"])) == ("warn" if is_doubling else "note", not NEIGHBOUR.is_joined)


def test_an_entry_point_that_two_packages_claim_is_named(found: dict[str, dict[str, Any]]) -> None:
    """Every one of these environments holds the official package too: disabling ``openai`` disables both."""
    named = found.get("entry point openai")
    if NEIGHBOUR.is_entry_point and not NEIGHBOUR.is_joined:
        assert named is not None
        assert all(package in named["text"] for package in (OFFICIAL.package, NEIGHBOUR.package))
    else:
        assert named is None


def test_what_the_launcher_leaves_out_is_no_double() -> None:
    """``OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=openai``: nothing is there twice, Tierscope stays on."""
    found = doctor(OTEL_PYTHON_DISABLED_INSTRUMENTATIONS="openai")
    assert ("doubles" in found, found["launcher"]["word"]) == (False, "ok")
    assert found[installed(OFFICIAL.package)]["text"].endswith("left out by OTEL_PYTHON_DISABLED_INSTRUMENTATIONS.")


def test_a_package_without_its_entry_point_is_no_double(tmp_path: Path) -> None:
    """Installed, but the launcher does not find it: a note."""
    found = doctor(hidden_official(tmp_path))
    assert found[f"{OFFICIAL.package} 0"]["word"] == "note"


@pytest.mark.parametrize("version", ["1.39.0", "4.0.0"])
def test_an_openai_that_is_not_supported_is_bad(tmp_path: Path, version: str) -> None:
    """Its version is that of its distribution; the remedy names what is supported."""
    info = tmp_path / f"openai-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: openai\nVersion: {version}\n")
    found = doctor(str(tmp_path))["openai"]
    assert (found["word"], found["remedies"]) == ("bad", ["pip install 'openai >= 1.40, < 4'"])
