"""Write dashboards and Grafana's alerts, or with `--check` say which are stale or at fault: `python -m grafana`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Final

from tools.rules.__main__ import groups
from tools.rules.files import RUNBOOK

from grafana import alerts
from grafana.boards import BOARDS
from grafana.build import text
from grafana.lints import faults

OUT: Final = Path(__file__).parent / "dashboards"
ALERTS: Final = Path(__file__).parent / "provisioning" / "alerting" / "tierscope.yaml"


def main(*arguments: str) -> int:
    """Write the files, or compare them; return 1 where one is stale or breaks a rule of ours."""
    parser = argparse.ArgumentParser(prog="python -m grafana", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare; write nothing")
    parser.add_argument("--runbook", default=RUNBOOK, metavar="URL", help="where docs/runbook.md can be read")
    given = parser.parse_args(arguments)
    wanted = {OUT / f"{board.slug}.json": text(board) for board in BOARDS}
    made = [json.loads(one) for one in wanted.values()]
    wrong = [f"{path.name}: {fault}" for path, board in zip(wanted, made, strict=True) for fault in faults(board)]
    every = [group for of_file in groups().values() for group in of_file]
    wanted[ALERTS] = alerts.text(every, made, given.runbook)
    old = [path for path, new in wanted.items() if not path.exists() or path.read_text("utf-8") != new]
    unknown = sorted(set(OUT.glob("*.json")) - set(wanted))
    if not given.check:
        _write(wanted, old, unknown)
    verb = "is stale: run `make dashboards`" if given.check else "written"
    print(
        "\n".join([*wrong, *(f"{path.name} {verb}" for path in [*old, *unknown])])
        or "dashboards and alerts are up to date"
    )
    return int(bool(wrong) or (given.check and bool(old or unknown)))


def _write(wanted: dict[Path, str], old: list[Path], unknown: list[Path]) -> None:
    OUT.mkdir(exist_ok=True)
    for path in old:
        path.write_text(wanted[path], "utf-8")
    for path in unknown:
        path.unlink()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
