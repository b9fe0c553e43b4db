"""Run the tests on every leg of legs.toml, some at a time, and print for each (passed, failed, skipped, seconds)."""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree as ET

import legs
from legs import AbsentError, Leg

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

TIMEOUT_S: Final = 1200
TOLD: Final = 150
"""So many last lines of a failing leg are shown; the rest is in its log."""
JOBS: Final = (os.cpu_count() or 1) + 1
"""Legs at a time: one more than processors, for tests of processes wait for a third of their time."""
NAMES: Final = ("python", "openai", "http")
FIGURES: Final = ("passed", "failed", "skipped", "seconds")


@dataclass(frozen=True, slots=True)
class Result:
    """What a leg came to."""

    leg: Leg
    passed: int = 0
    failed: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    """Skipped tests by their reason."""
    seconds: float = 0.0
    versions: dict[str, str] = field(default_factory=dict)
    """Of Python, openai and its HTTP library, as the tests saw them."""
    trouble: str = ""
    absent: str = ""

    def row(self) -> tuple[str, ...]:
        """Return the cells of the table."""
        figures = self.passed, self.failed, self.skipped.total(), round(self.seconds)
        return self.leg.name, *(self.versions.get(name, "") for name in NAMES), *map(str, figures)


def run(leg: Leg) -> Result:
    """Install and test one leg; whatever goes wrong is its result."""
    start = time.monotonic()
    try:
        python, env = legs.environment(leg)
        code, xml = test(leg, python, env)
    except AbsentError as absent:
        return Result(leg, absent=str(absent))
    except subprocess.SubprocessError as error:
        return Result(leg, failed=1, seconds=time.monotonic() - start, trouble=str(error))
    return read(leg, xml, code, time.monotonic() - start)


def test(leg: Leg, python: Path, env: Mapping[str, str]) -> tuple[int, Path]:
    """Return pytest's exit code and its report; its output goes to the leg's log."""
    log, xml = log_of(leg), log_of(leg).with_suffix(".xml")
    xml.unlink(missing_ok=True)
    # Without the cache, which several would write at the same time.
    pytest = [python, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={xml}", *leg.arguments]
    with log.open("w") as out:
        done = subprocess.run(
            pytest, env=env, cwd=legs.ROOT, stdout=out, stderr=subprocess.STDOUT, timeout=TIMEOUT_S, check=False
        )
    return done.returncode, xml


def log_of(leg: Leg) -> Path:
    """Return the file with a leg's output."""
    legs.PLACE.mkdir(exist_ok=True)
    return legs.PLACE / f"{leg.name}.log"


def read(leg: Leg, xml: Path, code: int, seconds: float) -> Result:
    """Return what pytest's report says; a run that ended otherwise than its report is in trouble."""
    if not xml.is_file():
        return Result(leg, seconds=seconds, failed=1, trouble=f"pytest ended with {code} and no report")
    (suite,) = ET.parse(xml).getroot().iter("testsuite")  # noqa: S314  our own pytest wrote it
    total, skips = int(suite.attrib["tests"]), [mark.get("message", "") for mark in suite.iter("skipped")]
    failed = int(suite.attrib["failures"]) + int(suite.attrib["errors"])
    passed = total - failed - len(skips)
    trouble = "" if failed or (code == 0 and passed) else f"pytest ended with {code}, and {passed} tests passed"
    versions = {str(entry.get("name")): str(entry.get("value")) for entry in suite.iter("property")}
    return Result(leg, passed, failed or int(bool(trouble)), Counter(skips), seconds, versions, trouble)


def lines(results: Sequence[Result]) -> Iterable[str]:
    """Write the table, what was not run and why, and every reason of a skip with its count."""
    rows = [("leg", *NAMES, *FIGURES), *(result.row() for result in results if not result.absent)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [cell.rjust(w) if cell.isdigit() else cell.ljust(w) for cell, w in zip(row, widths, strict=True)]
        yield "  ".join(cells).rstrip()
    yield from (f"{result.leg.name}: not run: {result.absent}" for result in results if result.absent)
    yield from (f"{result.leg.name}: {result.trouble}" for result in results if result.trouble)
    for reason, where in sorted(reasons(results).items()):
        yield f"skipped {where.total():4}: {reason} ({', '.join(where)})"


def reasons(results: Iterable[Result]) -> Mapping[str, Counter[str]]:
    """Return how many tests were skipped for each reason, by leg."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for result in results:
        for reason, count in result.skipped.items():
            found[reason][result.leg.name] += count
    return found


def closing(results: Sequence[Result], seconds: float) -> str:
    """Return the last line, as pytest would write it."""
    cpu = resource.getrusage(resource.RUSAGE_CHILDREN)
    skipped = sum(result.skipped.total() for result in results)
    counts = f"{sum(r.passed for r in results)} passed, {sum(r.failed for r in results)} failed, {skipped} skipped"
    return f"===== {counts} in {seconds:.0f} s ({cpu.ru_utime + cpu.ru_stime:.0f} s of CPU) ====="


def say(result: Result) -> None:
    """Say at once how a leg ended, with the end of its log when it failed."""
    if result.failed:
        log = log_of(result.leg)
        print(*(log.read_text("utf-8").splitlines()[-TOLD:] if log.is_file() else ()), sep="\n")
    if not result.absent:
        print(
            f"leg {result.leg.name}: {result.passed} passed, {result.failed} failed, {result.seconds:.0f} s", flush=True
        )


def main(words: Sequence[str], file: Path = legs.TABLE) -> int:
    """Run the legs named, or all; return 1 if a test failed on any."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("legs", nargs="*", help="their names; none: all")
    parser.add_argument("--jobs", type=int, default=JOBS, help="so many legs at a time")
    parser.add_argument("--list", action="store_true", help="say which legs there are, and why")
    asked = parser.parse_args(words)
    wanted = legs.chosen(asked.legs, legs.table(file))
    if asked.list:
        print(*(f"{leg.name:16} {leg.why}" for leg in wanted), sep="\n")
        return 0
    start, results = time.monotonic(), []
    with ThreadPoolExecutor(asked.jobs) as pool:
        # The longest first: a leg with its own Python runs everything.
        running = {leg.name: pool.submit(run, leg) for leg in sorted(wanted, key=lambda leg: leg.python is None)}
        for leg in wanted:
            results.append(running[leg.name].result())
            say(results[-1])
    print("", *lines(results), closing(results, time.monotonic() - start), sep="\n")
    return int(any(result.failed for result in results))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
