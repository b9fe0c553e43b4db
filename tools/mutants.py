"""Plant every mutant of the pure core, one at a time, and see that the tests of its module notice: `make mutants`.

Each mutant is run in a process of its own, forked from one that has imported everything but the project.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import io
import os
import resource
import sys
import time
import tomllib
from collections import Counter
from importlib.abc import MetaPathFinder, SourceLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest
from mutators import Mutant, mutants

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

ROOT: Final = Path(__file__).parent.parent
TABLE: Final = Path(__file__).with_name("mutants.toml")
PYTEST: Final = (
    "-x",
    "-q",
    "--tb=line",
    "-p",
    "no:cacheprovider",
    "--confcutdir=tests/unit",
    "--hypothesis-profile=mutants",
)
OURS: Final = ("tierscope", "tests", "conftest")
CPU_S: Final = 60
"""Of a processor's time, so that a busy machine kills nothing; the slowest suite takes a tenth of it."""
MEMORY: Final = 4 << 30
TOLD_EVERY: Final = 100
KILLED, SURVIVED, TIMED_OUT = "killed", "survived", "timed out"


class Module(NamedTuple):
    """One row of the table: a module and what must notice its mutants."""

    name: str
    """Its path in the package, without the ending."""
    tests: tuple[str, ...]

    @property
    def file(self) -> Path:
        """Its source."""
        return (ROOT / "src" / "tierscope" / self.name).with_suffix(".py")


class Planted(MetaPathFinder, SourceLoader):
    """Finds one module, with another source than it has on disk."""

    def __init__(self, module: Module, source: str) -> None:
        self.name, self.path, self.source = f"tierscope.{module.name.replace('/', '.')}", str(module.file), source

    def find_spec(self, name: str, _path: object, _target: ModuleType | None = None) -> ModuleSpec | None:
        """Answer for that module alone."""
        return spec_from_file_location(name, self.path, loader=self) if name == self.name else None

    def get_filename(self, _name: str) -> str:
        """Return the file that tracebacks name."""
        return self.path

    def get_data(self, _path: str) -> bytes:
        """Return the source; there is no cached bytecode."""
        return self.source.encode()


def table(file: Path = TABLE) -> tuple[list[Module], dict[str, str]]:
    """Return the modules, and the reason of each mutant that may survive."""
    told = tomllib.loads(file.read_text("utf-8"))
    modules = [Module(name, tuple(tests)) for name, tests in told["modules"].items()]
    return modules, {name: row["why"] for row in told.get("survivors", ()) for name in row["mutants"]}


def chosen(names: Sequence[str], modules: Sequence[Module]) -> list[Module]:
    """Return the modules of these names, or all of them."""
    known = {module.name: module for module in modules}
    if unknown := [name for name in names if name not in known]:
        raise SystemExit(f"no module {', '.join(unknown)} in {TABLE.name}; there are {', '.join(known)}")
    return [known[name] for name in names] or [*modules]


def preload(modules: Iterable[Module]) -> None:
    """Import what the tests import, except what is ours."""
    files = sorted({test for module in modules for test in module.tests})
    with contextlib.redirect_stdout(io.StringIO()) as out:
        code = pytest.main([*PYTEST, "--collect-only", *files])
    if code:
        raise SystemExit(f"pytest collects nothing ({code}):\n{out.getvalue()}")
    for name in [name for name in sys.modules if name.partition(".")[0] in OURS]:
        del sys.modules[name]
    gc.collect()
    gc.freeze()  # a collection in a fork would walk, and copy, all of these imports


def start(module: Module, source: str) -> int:
    """Run the tests of a module on this source; return the process."""
    sys.stdout.flush()
    if process := os.fork():
        return process
    code = 1
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        sys.meta_path.insert(0, Planted(module, source))
        code = int(pytest.main([*PYTEST, *module.tests]))
    finally:
        os._exit(code)


def verdict(status: int) -> str:
    """Return what the end of a process says."""
    if os.WIFSIGNALED(status):
        return TIMED_OUT
    return KILLED if os.WEXITSTATUS(status) else SURVIVED


def verdicts(planted: Sequence[tuple[Module, Mutant]], jobs: int) -> Iterator[tuple[Mutant, str]]:
    """Run every mutant, so many at a time; yield each as it ends."""
    running: dict[int, Mutant] = {}
    waiting = list(reversed(planted))
    while waiting or running:
        while waiting and len(running) < jobs:
            module, mutant = waiting.pop()
            running[start(module, mutant.source)] = mutant
        process, status = os.wait()
        yield running.pop(process), verdict(status)


def failing(modules: Sequence[Module], jobs: int) -> list[str]:
    """Return the modules whose tests fail without any mutant: there nothing would survive."""
    whole = [(module, Mutant(module.name, module.file.read_text("utf-8"))) for module in modules]
    return sorted(mutant.name for mutant, end in verdicts(whole, jobs) if end != SURVIVED)


def faults(ends: Mapping[str, str], reasons: Mapping[str, str]) -> list[str]:
    """Return survivors without a reason, and reasons without a survivor among the modules that were run."""
    run = {module_of(name) for name in ends}
    return [
        *(
            f"survived, no reason written: {name}"
            for name, end in ends.items()
            if end == SURVIVED and name not in reasons
        ),
        *(
            f"reason written, but {ends.get(name, 'no such mutant')}: {name}"
            for name in reasons
            if module_of(name) in run and ends.get(name) != SURVIVED
        ),
    ]


def module_of(mutant: str) -> str:
    """Return the module in a mutant's name."""
    return mutant.partition(":")[0].partition(".")[0]


def main(words: Sequence[str]) -> int:
    """Run the mutants of the modules named, or of all; return 1 on a survivor without reason or the reverse."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="module", help="as the table names them; none: all")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="so many mutants at a time")
    parser.add_argument("--table", type=Path, default=TABLE, help="modules, tests and reasons")
    asked = parser.parse_args(words)
    every, reasons = table(asked.table)
    modules = chosen(asked.modules, every)
    os.chdir(ROOT)
    begun = time.monotonic()
    preload(modules)
    if broken := failing(modules, asked.jobs):
        raise SystemExit(f"the tests fail without any mutant: {', '.join(broken)}")
    planted = [
        (module, mutant) for module in modules for mutant in mutants(module.file.read_text("utf-8"), module.name)
    ]
    ends: dict[str, str] = {}
    for mutant, end in verdicts(planted, asked.jobs):
        ends[mutant.name] = end
        if len(ends) % TOLD_EVERY == 0:
            print(f"{len(ends)} of {len(planted)} mutants", flush=True)
    found = faults(ends, reasons)
    print(*found, closing(ends, time.monotonic() - begun), sep="\n")
    return int(bool(found))


def closing(ends: Mapping[str, str], seconds: float) -> str:
    """Return the last line: every mutant by its end."""
    counts = Counter(ends.values())
    told = ", ".join(f"{counts[end]} {end}" for end in (KILLED, TIMED_OUT, SURVIVED))
    return f"===== {len(ends)} mutants: {told} in {seconds:.0f} s ====="


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
