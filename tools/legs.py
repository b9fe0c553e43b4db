"""The legs of `make matrix`: what a row of legs.toml says, and the environment in which it is run."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tomllib
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

ROOT: Final = Path(__file__).parent.parent
TABLE: Final = Path(__file__).with_name("legs.toml")
PLACE: Final = ROOT / ".venv-legs"
"""What is installed for legs, in folders that carry the hash of their pins: a change makes a new one."""
HERE: Final = f"{sys.version_info.major}.{sys.version_info.minor}"
ENVIRON: Final = os.environ  # noqa: TID251  a tool's own environment
_LOCKS: Final[defaultdict[str, Lock]] = defaultdict(Lock)


class AbsentError(Exception):
    """What a leg needs and this machine lacks, in words."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One row of the table."""

    name: str
    why: str
    arguments: tuple[str, ...]
    """What pytest is given: the leg's suites, written out."""
    pins: str | None = None
    python: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)


def table(file: Path = TABLE) -> dict[str, Leg]:
    """Return every leg by its name, in the order of the table."""
    told = tomllib.loads(file.read_text("utf-8"))
    return {
        name: Leg(name, arguments=tuple(word for suite in row.pop("suites") for word in told["suites"][suite]), **row)
        for name, row in told["legs"].items()
    }


def chosen(names: Iterable[str], legs: Mapping[str, Leg]) -> list[Leg]:
    """Return the legs of these names, or all of them."""
    unknown = [name for name in names if name not in legs]
    if unknown:
        raise SystemExit(f"no leg {', '.join(unknown)} in {TABLE.name}; there are {', '.join(legs)}")
    return [legs[name] for name in names] or list(legs.values())


def environment(leg: Leg) -> tuple[Path, dict[str, str]]:
    """Return the Python and the variables of a leg; install what is not there yet."""
    python = Path(sys.executable) if leg.python is None else own_python(leg.python)
    env = {**ENVIRON, **leg.env, "TIERSCOPE_TEST_PINS": leg.pins or "dev"}
    return python, env if leg.pins is None else {**env, "PYTHONPATH": str(overlay(leg.pins))}


def told(leg: Leg, *arguments: str) -> str:
    """Return what Python prints with these arguments in the environment of a leg."""
    python, env = environment(leg)
    command = [str(python), *arguments]
    return subprocess.run(command, env=env, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout


def requirements(pins: str) -> Path:
    """Return the compiled list of this name."""
    return ROOT / "requirements" / f"{pins}.txt"


def overlay(pins: str) -> Path:
    """Return a folder with these packages, to be first on the path: seconds, where an environment costs a minute."""
    file = requirements(pins)
    return installed(pins, [file], lambda target: _pip(Path(sys.executable), file, "--target", str(target)))


def own_python(version: str) -> Path:
    """Return another Python with all that the tests need."""
    if version == HERE:
        raise AbsentError(f"every leg without a Python of its own runs on {HERE}")
    base, file = interpreter(version), requirements("dev")

    def install(target: Path) -> None:
        subprocess.run([base, "-m", "venv", "--without-pip", target], check=True)
        _pip(target / "bin" / "python", file)
        _pip(target / "bin" / "python", None, "--no-build-isolation", "--editable", str(ROOT))

    return installed(f"python-{version}", [file, ROOT / "pyproject.toml"], install) / "bin" / "python"


def interpreter(version: str) -> str:
    """Find a Python of this version on the path or under pyenv; a shim may stand there without one behind it."""
    name = f"python{version}"
    pyenv = Path(ENVIRON.get("PYENV_ROOT", Path.home() / ".pyenv"))
    places = [*(Path(folder) / name for folder in os.get_exec_path()), *pyenv.glob(f"versions/{version}.*/bin/{name}")]
    for place in places:
        if place.is_file() and subprocess.run([place, "-c", ""], capture_output=True, check=False).returncode == 0:
            return str(place)
    raise AbsentError(f"no {name} on the path or under pyenv")


def installed(name: str, sources: Iterable[Path], install: Callable[[Path], None]) -> Path:
    """Return the folder for these sources, made anew where they changed; the folder of their last state goes."""
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]
    target = PLACE / f"{name}-{digest}"
    with _LOCKS[str(target)]:
        if not (target / ".ready").exists():
            for old in PLACE.glob(f"{name}-{'?' * 12}"):
                shutil.rmtree(old)
            install(target)
            (target / ".ready").touch()
    return target


def _pip(python: Path, file: Path | None, *options: str) -> None:
    """Install by the pip of this environment; the lists are whole, and what is never imported need not be compiled."""
    pins = () if file is None else ("--require-hashes", "--requirement", str(file))
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "--no-deps", "--no-compile", *pins, *options], check=True)


def main(name: str, program: str) -> int:
    """Run a program in the environment of a leg; where there is none, in this one, saying so."""
    leg = table()[name]
    try:
        python, env = environment(leg)
    except AbsentError as absent:
        print(f"{name}: {absent}; {program} is run on Python {HERE}")
        python, env = Path(sys.executable), dict(ENVIRON)
    return subprocess.run([python, program], env=env, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
