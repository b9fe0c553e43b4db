"""A ledger of a million calls: how long the commands take that read it, and how much memory; how long a cut locks it.

``python bench/ledger.py`` makes one and prints the table; ``--page`` writes it into docs/ledger.md.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

import made_ledger

from tierscope.ledger import Keep, retention, store

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE: Final = Path(__file__).parents[1] / "docs" / "ledger.md"
BEGIN: Final = "<!-- measured: bench/ledger.py -->\n"
END: Final = "<!-- end -->\n"
EXPORT: Final = "azure.csv"
"""An export of Azure Monitor, of a few hours: of the ledger, all that is between them is read."""
COMMANDS: Final = (
    ("report", "{}"),
    ("report", "{}", "--html", "report.html"),
    ("statement", "{}", "--month", "2025-09"),
    ("capacity", "{}"),
    ("capacity", "{}", "--units", "gpt-4o=2/4"),
    ("advise", "{}"),
    ("reconcile", "--ledger", "{}", "--azure", EXPORT),
    ("ledger", "info", "{}"),
)
CUTS: Final = 200
S: Final = 1_000_000_000
_MAIN: Final = "from tierscope.cli import main; main()"


def ran(command: tuple[str, ...], ledger: Path) -> tuple[float, float, float]:
    """Run a command: seconds by the clock, seconds of processor, MiB at the peak."""
    words = [word.format(ledger) for word in command]
    start = time.monotonic()
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-c", _MAIN, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=ledger.parent
    ) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(words)}: status {process.returncode}")
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    return time.monotonic() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / unit


def export(path: Path) -> None:
    """Write an export of the month's first hours and its last one."""
    head = "Timestamp,ServiceTierRequest,ServiceTierResponse,Total"
    begin = datetime.fromtimestamp(made_ledger.BEGIN // S, UTC).replace(minute=0, second=0)
    last = made_ledger.SPAN // S // 3600 - 2
    rows = (f"{begin + timedelta(hours=hour):%Y-%m-%dT%H}:00:00Z,priority,priority,1" for hour in (1, 2, last))
    path.write_text("\n".join((head, *rows)), "utf-8")


def cuts(ledger: Path) -> list[float]:
    """Drop rows in steps; return for how long each held the lock, in milliseconds, in rising order."""
    found = []
    with contextlib.closing(store.open_to_write(str(ledger))[0]) as db:
        planned = retention.plan(db, Keep(rows=1), time.time_ns())
        while planned is not None and len(found) < CUTS:
            start = time.monotonic()
            _, planned = retention.drop(db, planned)
            found.append(1000 * (time.monotonic() - start))
    return sorted(found)


def table(ledger: Path, calls: int) -> Iterator[str]:
    """Return the page's part."""
    size, python = ledger.stat().st_size / 1e6, platform.python_version()
    yield f"{calls:,} calls, {size:,.0f} MB; Python {python}, {os.cpu_count()} cores.\n\n"
    yield "| command | seconds | of processor | peak MiB |\n|---|--:|--:|--:|\n"
    for command in COMMANDS:
        wall, used, peak = ran(command, ledger)
        yield f"| `tierscope {' '.join(command).format('calls.db')}` | {wall:.1f} | {used:.1f} | {peak:.0f} |\n"
    held = cuts(ledger)
    yield (
        f"\nDropping {retention.STEP} rows held the lock for {held[len(held) // 2]:.1f} ms (median of {len(held)}), at "
        f"most {held[-1]:.1f} ms.\n"
    )


def main() -> None:
    """Make, measure, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=1_000_000)
    parser.add_argument("--page", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ledger = Path(folder) / "calls.db"
        start = time.monotonic()
        made_ledger.make(str(ledger), chosen.calls)
        export(ledger.with_name(EXPORT))
        print(f"made in {time.monotonic() - start:.0f} s", flush=True)
        text = "".join(table(ledger, chosen.calls))
    print(text)
    if chosen.page:
        before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
        PAGE.write_text(before + BEGIN + text + END + rest.partition(END)[2], "utf-8")


if __name__ == "__main__":
    main()
