"""Programs built from Go modules, outside the checkout: `python tools/gotool.py promtool` prints where one is.

A program that is absent is built, which takes minutes, into a folder that carries the hash of its pins: the files of
the module and the version of Go. A change of a pin makes a new folder; the last one goes.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).parent.parent
ENVIRON: Final = os.environ  # noqa: TID251  a tool's own environment
FLAGS: Final = ("-mod=readonly", "-trimpath", "-ldflags=-s -w")
"""What makes a build the same on every machine: no change of pins, no path, no symbol of the place."""


@dataclass(frozen=True, slots=True)
class Program:
    """A package of a pinned module in this checkout."""

    module: str
    """Folder of the module's `go.mod`."""
    package: str
    tags: str = ""


PROMETHEUS: Final = "tools/go/prometheus"
PROGRAMS: Final = {
    "collector": Program("collector-config/distribution", ".", "grpcnotrace"),
    "ocb": Program("tools/go/ocb", "go.opentelemetry.io/collector/cmd/builder"),
    "prometheus": Program(PROMETHEUS, "github.com/prometheus/prometheus/cmd/prometheus", "remove_all_sd"),
    "promtool": Program(PROMETHEUS, "github.com/prometheus/prometheus/cmd/promtool", "remove_all_sd"),
    "pint": Program("tools/go/pint", "github.com/cloudflare/pint/cmd/pint"),
    "schemas": Program("tools/go/schemas", "."),
}


class AbsentError(Exception):
    """What a build needs and this machine lacks, in words."""


def cache() -> Path:
    """Return the folder of what was built: `TIERSCOPE_TOOLS`, else one in the user's cache."""
    own = ENVIRON.get("TIERSCOPE_TOOLS")
    return Path(own) if own else Path(ENVIRON.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tierscope"


def built(name: str) -> Path:
    """Return the program of this name, built if need be.

    Raises:
        AbsentError: there is no Go here.
        subprocess.CalledProcessError: it could not be built; the compiler has said why.

    """
    program, place = PROGRAMS[name], cache()
    go = _go()
    target = place / f"{name}-{_digest(program, go)}"
    place.mkdir(parents=True, exist_ok=True)
    with (place / f".{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (target / name).exists():
            _build(program, go, target, name)
            for old in set(place.glob(f"{name}-{'?' * 12}")) - {target}:
                shutil.rmtree(old)
    return target / name


def _go() -> str:
    found = shutil.which("go")
    if found is None:
        raise AbsentError(
            "no `go` on the path: the Collector and Prometheus are built from Go modules (Go 1.26 or later)"
        )
    return found


def _build(program: Program, go: str, target: Path, name: str) -> None:
    """Build into a folder that appears whole: what was cut short is not taken for a program."""
    part = target.with_suffix(".part")
    print(f"building {name} into {target}, once", file=sys.stderr)
    options = [*FLAGS, *([f"-tags={program.tags}"] if program.tags else [])]
    env = {**ENVIRON, "CGO_ENABLED": "0"}
    command = [go, "build", *options, "-o", str(part / name), program.package]
    subprocess.run(command, cwd=ROOT / program.module, env=env, stdout=sys.stderr, check=True)
    shutil.rmtree(target, ignore_errors=True)
    part.rename(target)


def _digest(program: Program, go: str) -> str:
    version = subprocess.run([go, "env", "GOVERSION", "GOOS", "GOARCH"], capture_output=True, check=True).stdout
    parts = [version, repr((program, FLAGS)).encode(), *(file.read_bytes() for file in _sources(program))]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:12]


def _sources(program: Program) -> Iterator[Path]:
    folder = ROOT / program.module
    yield from (file for file in sorted(folder.iterdir()) if file.suffix in {".go", ".mod", ".sum"})


def main(*names: str) -> int:
    """Print where each program is."""
    unknown = [name for name in names if name not in PROGRAMS]
    if unknown or not names:
        print(f"no program {', '.join(unknown) or 'named'}; there are {', '.join(PROGRAMS)}", file=sys.stderr)
        return 2
    try:
        print("\n".join(str(built(name)) for name in names))
    except (AbsentError, subprocess.CalledProcessError) as error:
        print(f"{', '.join(names)}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
