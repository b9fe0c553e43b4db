"""A demo whose ledgers are kept and moved into a closed hour, a service that has its books, and canned answers."""

from __future__ import annotations

import contextlib
import http.server
import json
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from click.testing import CliRunner
from tests.cli.months import GOOD
from tests.ledger.made import write

from tierscope.cli.commands import tierscope
from tierscope.simulator import Profile, Simulator
from tierscope.simulator.admin import ADMIN_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from click.testing import Result

TIERSCOPE: Final = (sys.executable, "-c", "from tierscope.cli import main; main()")
H: Final = 3600
S: Final = 1_000_000_000
CLOSED: Final = int(time.time()) // H * H - 2 * H
"""Begin of an hour that is closed, whenever the tests run."""


def demo(folder: Path, seconds: int = 8) -> Path:
    """Run a demo, and move both its ledgers alike, to ten minutes after the begin of a closed hour."""
    subprocess.run(
        [*TIERSCOPE, "demo", "--seconds", str(seconds), "--keep", str(folder)], capture_output=True, check=True
    )
    return closed(folder)


def closed(folder: Path) -> Path:
    """Move both ledgers of a folder to ten minutes after the begin of a closed hour."""
    (first,) = run(folder / "calls.db", "SELECT min(started_unix_ns) FROM calls")[0]
    back = first - (CLOSED + 600) * S
    move(folder, back)
    return folder


def move(folder: Path, back_ns: int) -> None:
    """Move both ledgers of a demo back in time, alike."""
    run(folder / "calls.db", "UPDATE calls SET started_unix_ns = started_unix_ns - ?", back_ns)
    run(folder / "served.db", "UPDATE served SET started_ns = started_ns - ?", back_ns)


def run(path: Path, query: str, *values: object) -> list[tuple[Any, ...]]:
    """Run one statement on a ledger."""
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        return db.execute(query, values).fetchall()


def copied(source: Path, target: Path) -> Path:
    """Copy a ledger, with what SQLite keeps beside it."""
    for file in source.parent.glob(f"{source.name}*"):
        shutil.copy(file, target.with_name(file.name.replace(source.name, target.name)))
    return target


@contextlib.contextmanager
def served(folder: Path, name: str = "served.db", profile: Profile | None = None) -> Iterator[str]:
    """Serve a kept ledger again."""
    with Simulator(profile or Profile.demo(), ledger_path=folder / name) as simulator:
        yield simulator.base_url


def invoke(*arguments: object, key: str | None = ADMIN_KEY) -> Result:
    env = {"OPENAI_ADMIN_KEY": key, "OPENAI_BASE_URL": "http://127.0.0.1:1/of-a-gateway", "OPENAI_PROJECT_ID": "proj_x"}
    return CliRunner().invoke(tierscope, ["reconcile", *map(str, arguments)], prog_name="tierscope", env=env)


def figures(result: Result) -> dict[str, Any]:
    """Return what a program gets."""
    assert result.exit_code == 0, result.output
    told: dict[str, Any] = json.loads(result.stdout)
    return told


@contextlib.contextmanager
def answering(answer: Callable[[str], tuple[int, str, dict[str, str]]]) -> Iterator[str]:
    """Serve what a function says of each path: status, body, headers."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body, headers = answer(self.path)
            self.send_response_only(status)
            for name, value in {"content-type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/v1"
        finally:
            server.shutdown()


def calls(path: Path, *moments: int) -> Path:
    """Write a ledger of calls at these moments."""
    write(path, [GOOD._replace(timing=GOOD.timing._replace(unix_ns=seconds * S)) for seconds in moments])
    return path


def result(begin: int = CLOSED, requests: int = 1) -> dict[str, Any]:
    """Return a bucket of the ledger's own call."""
    used = {
        "num_model_requests": requests,
        "input_tokens": 1_200 * requests,
        "input_cached_tokens": 0,
        "output_tokens": 150 * requests,
        "model": "gpt-4.1-2025-04-14",
        "service_tier": "priority",
    }
    return {"start_time": begin, "end_time": begin + H, "results": [used]}


def page(*buckets: dict[str, Any], **more: Any) -> str:
    return json.dumps({"object": "page", "data": list(buckets), "has_more": False, **more})


def line(done: Result, status: int = 1) -> str:
    """Return the one line of an error; nothing came out, no key is shown."""
    assert (done.exit_code, done.stdout) == (status, ""), done.output
    said = [one for one in done.stderr.splitlines() if one.startswith("Error: ")]
    assert len(said) == 1, done.stderr
    assert "Traceback" not in done.output
    assert "sk-" not in done.output
    return said[0]
