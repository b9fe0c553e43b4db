"""Watching a program: the table while it runs, its own lines above it; elsewhere a line of progress."""

from __future__ import annotations

import contextlib
import os
import select
import sqlite3
import time
from typing import TYPE_CHECKING, Final

from rich.console import Group
from rich.live import Live
from rich.text import Text

from tierscope.cli.kept import promised, sections, sentences, targets
from tierscope.cli.sentences import money, plain
from tierscope.cli.table import table
from tierscope.ledger import LedgerError
from tierscope.ledger.queries import Tally
from tierscope.ledger.store import open_to_read

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console, RenderableType

    from tierscope.cli.launch import Program
    from tierscope.ledger.figures import Report

_REDRAW_S: Final = 0.25
_KEPT_S: Final = 2.0
_PIECE: Final = 65_536


class Watch:
    """Follows one program to its end."""

    def __init__(self, program: Program, console: Console, ledger: Path, after: int, every_s: float) -> None:
        self._program = program
        self._console = console
        self._ledger = ledger
        self._after = after
        self._db: sqlite3.Connection | None = None
        self._tally = Tally(after)
        self._every_s = every_s
        self._start = time.monotonic()
        self._line = b""
        self._targets = targets()
        self._promised = promised(self._targets)
        self._kept: tuple[str, ...] = ()
        self._kept_due = 0.0

    def until_ended(self) -> int:
        """Show what happens until the program ends; return its status."""
        with self._program.signals():
            if self._program.is_drawn:
                self._draw()
            else:
                self._report_now_and_then()
        if self._db is not None:
            self._db.close()
        return self._program.status

    # ── a terminal ────────────────────────────────────────────────────────────────────────────────────────────────
    def _draw(self) -> None:
        with Live(console=self._console, auto_refresh=False, transient=True, redirect_stdout=False) as live:
            while self._program.is_running():
                live.update(self._picture(), refresh=True)
                self._pass_on(time.monotonic() + _REDRAW_S)
            self._pass_on(time.monotonic() + _REDRAW_S)
            self._say(self._line)

    def _picture(self) -> RenderableType:
        report = self._report()
        head = Text(f"{self._seconds():.0f} s · {_progress(report)}", style="bold")
        if not report.calls:
            return head
        said = [Text(plain(line)) for line in (*money(report.money), *self._kept_so_far())]
        return Group(Text(), head, table(report, self._console.width, self._promised), *said)

    def _kept_so_far(self) -> tuple[str, ...]:
        """What was kept of the promises, read anew now and then: a twentieth of the time at most."""
        start = time.monotonic()
        if start >= self._kept_due:
            with contextlib.suppress(LedgerError, sqlite3.Error):  # it is said once, at the end
                self._kept = tuple(sentences(sections(self._ledger, self._targets, self._after)))
            self._kept_due = time.monotonic() + max(_KEPT_S, 20 * (time.monotonic() - start))
        return self._kept

    def _pass_on(self, until: float) -> None:
        """Print what the program writes above the table, whole lines at a time."""
        output = self._program.output
        if output is None:
            self._program.wait(until - time.monotonic())
            return
        while (left := until - time.monotonic()) > 0 and select.select([output], [], [], left)[0]:
            piece = b""
            with contextlib.suppress(OSError):  # Linux: the other end of a terminal was closed
                piece = os.read(output, _PIECE)
            if not piece:
                self._program.wait(left)
                return
            *lines, self._line = (self._line + piece).split(b"\n")
            self._say(*lines)

    def _say(self, *lines: bytes) -> None:
        for line in lines:
            if line:
                self._console.print(Text.from_ansi(line.decode(errors="replace").rstrip("\r")))

    # ── no terminal ───────────────────────────────────────────────────────────────────────────────────────────────
    def _report_now_and_then(self) -> None:
        while not self._program.wait(self._every_s or 3600):
            if self._every_s:
                self._console.print(f"{self._seconds():4.0f} s  {_progress(self._report())}", highlight=False)

    # ── the figures ───────────────────────────────────────────────────────────────────────────────────────────────
    def _report(self) -> Report:
        with contextlib.suppress(LedgerError, sqlite3.Error):  # it is said once, at the end
            if self._db is None and self._ledger.exists():
                self._db = open_to_read(self._ledger)
            if self._db is not None:
                self._tally.read(self._db)
        return self._tally.report()

    def _seconds(self) -> float:
        return time.monotonic() - self._start


def _progress(report: Report) -> str:
    down, refused = report.outcomes.get("downgraded", 0), report.outcomes.get("refused", 0)
    return f"{report.calls:,} calls, {down:,} downgraded, {refused:,} refused"
