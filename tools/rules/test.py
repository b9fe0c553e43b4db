"""Test Prometheus' rules with Prometheus' own tools: `python -m tools.rules.test`, or with names of files in `tests/`.

promtool checks configuration and rules and runs `prometheus/tests/`; pint lints. Both are built from pinned modules if
they are not there yet.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import yaml
from tools.gotool import AbsentError, built

ROOT: Final = Path(__file__).parents[2]
PROMETHEUS: Final = ROOT / "prometheus"


def ran(*command: str | Path) -> str:
    """Run a program; return what it said if it failed, else nothing."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip() if done.returncode else ""


def counted(folder: Path = PROMETHEUS) -> Counter[str]:
    """Count rules, alerts, and the assertions on them."""
    found: Counter[str] = Counter()
    for file in sorted((folder / "rules").glob("*.yaml")):
        for group in yaml.safe_load(file.read_text("utf-8"))["groups"]:
            found.update("alerts" if "alert" in rule else "recording rules" for rule in group["rules"])
    for file in sorted((folder / "tests").glob("*.yaml")):
        for test in yaml.safe_load(file.read_text("utf-8"))["tests"]:
            found["tests"] += 1
            found["assertions"] += len(test.get("promql_expr_test", [])) + len(test.get("alert_rule_test", []))
    return found


def steps(*names: str) -> list[tuple[str, tuple[str | Path, ...]]]:
    """Return what is to be run, with its name.

    Raises:
        AbsentError: there is no Go to build the programs with.

    """
    promtool = built("promtool")
    files = [PROMETHEUS / "tests" / f"{name}.yaml" for name in names] or sorted((PROMETHEUS / "tests").glob("*.yaml"))
    tests = [(f"test {file.stem}", (promtool, "test", "rules", file)) for file in files]
    if names:
        return [*tests]
    pint = (built("pint"), "--offline", "--no-color", "-l", "error", "-c", PROMETHEUS / "pint.hcl")
    return [
        *tests,
        ("check config", (promtool, "check", "config", PROMETHEUS / "prometheus.yml")),
        ("check units", (promtool, "check", "rules", PROMETHEUS / "scale-units.example.yaml")),
        ("pint", (*pint, "lint", "--fail-on", "warning", PROMETHEUS / "rules")),
    ]


def main(*names: str) -> int:
    """Run everything, or the named files of tests; return 1 where something failed."""
    began = time.monotonic()
    try:
        todo = steps(*names)
    except (AbsentError, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        return 1
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        failures = pool.map(lambda step: ran(*step[1]), todo)
        failed = [f"{name}:\n{said}" for (name, _), said in zip(todo, failures, strict=True) if said]
    print("\n\n".join(failed), file=sys.stderr, end="\n" if failed else "")
    figures = ", ".join(f"{count} {what}" for what, count in counted().items())
    print(f"{figures}: {len(failed) or 'none'} of {len(todo)} steps failed, {time.monotonic() - began:.0f} s")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
