"""``tierscope simulate`` as a user starts it: real processes, real sockets."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pytest
from click.testing import CliRunner

from tierscope.cli.commands import tierscope
from tierscope.simulator import Profile

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result

TIERSCOPE: Final = (sys.executable, "-c", "from tierscope.cli import main; main()", "simulate")
HOST: Final = "127.0.0.1"


@contextlib.contextmanager
def running(folder: Path, *options: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Run it until the end of the block, and return it with what it announces."""
    with subprocess.Popen(
        [*TIERSCOPE, "--profile", "fast", *options],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            yield process, [process.stdout.readline().rstrip() for _ in range(3 if "--ledger" in options else 2)]
        finally:
            process.kill()


def base_url(lines: list[str]) -> str:
    found = re.search(r"OPENAI_BASE_URL=(\S+)", lines[1])
    assert found
    return found[1]


def ask(url: str, tier: str = "priority") -> dict[str, Any]:
    """Send one chat request over a real socket; the listener may come a moment after the announcement."""
    body = {"model": "gpt-4.1", "service_tier": tier, "messages": [{"role": "user", "content": "hi"}]}
    request = urllib.request.Request(  # noqa: S310  loopback
        f"{url}/chat/completions",
        json.dumps(body).encode(),
        {"content-type": "application/json", "authorization": "Bearer none"},
    )
    for _ in range(200):
        with (
            contextlib.suppress(ConnectionRefusedError, urllib.error.URLError),
            urllib.request.urlopen(request, timeout=10) as reply,  # noqa: S310  loopback
        ):
            answer: dict[str, Any] = json.load(reply)
            return answer
        time.sleep(0.05)
    raise AssertionError(f"nobody listens at {url}")


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(tierscope, ["simulate", *map(str, arguments)], prog_name="tierscope")


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What would be served, instead of serving it."""
    calls: list[tuple[Any, ...]] = []
    monkeypatch.setattr("tierscope.simulator.serve", lambda *args: calls.append(args))
    return calls


# ── a real service ────────────────────────────────────────────────────────────────────────────────────────────────────
def test_it_serves_on_a_free_port_until_it_is_interrupted(tmp_path: Path) -> None:
    """It says where it is and how to use it, answers there, writes its truth, and ends at once with status 0."""
    with running(tmp_path, "--port", "0", "--ledger", "served.db") as (process, lines):
        url = base_url(lines)
        port = url.split(":")[-1].split("/")[0]
        assert lines == [
            f"Simulated service (fast): http://{HOST}:{port}/v1 and, as Azure, http://{HOST}:{port}",
            f"Use it: OPENAI_BASE_URL={url} OPENAI_API_KEY=none TIERSCOPE_TRUSTED_HOSTS={HOST}=openai",
            "What it served is written to served.db (table served).",
        ]
        told = ask(url)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (0, "", "")
    with contextlib.closing(sqlite3.connect(tmp_path / "served.db")) as db:
        assert db.execute("SELECT response_id, requested, served FROM served").fetchall() == [
            (told["id"], "priority", told["service_tier"])
        ]


def test_it_ends_on_sigterm(tmp_path: Path) -> None:
    """As a container or a service manager ends it: by that signal, without a traceback."""
    with running(tmp_path, "--port", "0") as (process, lines):
        ask(base_url(lines))
        process.terminate()
        _, err = process.communicate(timeout=10)
    assert (process.returncode, err) == (-signal.SIGTERM, "")


def test_a_used_port_is_one_line(tmp_path: Path) -> None:
    """Before anything is announced or written; it says which port and what to do."""
    with socket.create_server((HOST, 0)) as other:
        port = other.getsockname()[1]
        done = subprocess.run(
            [*TIERSCOPE, "--port", str(port), "--ledger", "served.db"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
    said = f"Error: cannot listen on {HOST}:{port}: Address already in use; --port 0 takes a free one\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", said)
    assert os.listdir(tmp_path) == []  # noqa: PTH208  names


# ── errors of the command line ────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--port", "70000"), "'--port': 70000 is not in the range 0<=x<=65535."),
        (("--port", "-1"), "'--port': -1 is not in the range 0<=x<=65535."),
        (("--port", "http"), "'--port': 'http' is not a valid integer range."),
        (("--profile", "huge"), "'--profile': 'huge' is not one of 'demo', 'fast'."),
        (("--seed", "x"), "'--seed': 'x' is not a valid integer."),
        (("--time-scale", "0"), "'--time-scale': 0.0 is not in the range x>0."),
        (("--ramp-window", "59"), "'--ramp-window': 59.0 is not in the range x>=60.0."),
        (("--ledger", "."), "'--ledger': File '.' is a directory."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_a_bad_option_is_named(served: list[Any], arguments: tuple[str, ...], said: str) -> None:
    """Status 2, and nothing is served."""
    done = invoke(*arguments)
    assert (done.exit_code, done.stdout, served) == (2, "", [])
    assert done.stderr.endswith(f"Error: Invalid value for {said}\n")


@pytest.mark.parametrize("host", ["192.0.2.1", "no.such.host.invalid"])
def test_a_host_of_another_machine(served: list[Any], host: str) -> None:
    """It is named; another port would not help."""
    done = invoke("--host", host, "--port", "8089")
    assert (done.exit_code, done.stdout, served) == (1, "", [])
    assert done.stderr.startswith(f"Error: cannot listen on {host}:8089: ")
    assert "--port 0" not in done.stderr


@pytest.mark.parametrize("name", ["none/served.db", "notes.txt"])
def test_a_ledger_that_cannot_be_written(tmp_path: Path, name: str) -> None:
    """It is named, and stays what it is."""
    (tmp_path / "notes.txt").write_text("My notes")
    done = subprocess.run(
        [*TIERSCOPE, "--port", "0", "--ledger", name], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: cannot write {name}: ")
    assert done.stderr.count("\n") == 1
    assert (tmp_path / "notes.txt").read_text() == "My notes"


def test_a_port_taken_at_the_last_moment_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the look and the service's own start."""

    def late(_profile: object, _host: str, port: int, _ledger: object) -> None:
        raise OSError(errno.EADDRINUSE, f"{port} is taken")

    monkeypatch.setattr("tierscope.simulator.serve", late)
    done = invoke("--port", "0")
    assert done.exit_code == 1
    port = base_url(done.stdout.splitlines()).split(":")[-1].removesuffix("/v1")
    assert done.stderr == f"Error: cannot listen on {HOST}:{port}: {port} is taken; --port 0 takes a free one\n"


# ── what is served ────────────────────────────────────────────────────────────────────────────────────────────────────
def test_options_make_the_profile(served: list[Any], tmp_path: Path) -> None:
    """Each where it belongs; the others as the profile has them."""
    with socket.create_server((HOST, 0)) as other:
        port = other.getsockname()[1]  # free again in a moment
    path = tmp_path / "served.db"
    said = ("--seed", "5", "--time-scale", "0.25", "--ramp-window", "120")
    done = invoke("--port", port, *said, "--ledger", path)
    assert done.exit_code == 0
    ((profile, host, taken, ledger),) = served
    assert (host, taken, ledger) == (HOST, port, path)
    demo = Profile.demo()
    assert profile == replace(demo, seed=5, time_scale=0.25, tiers=replace(demo.tiers, ramp_window=120.0))


def test_the_profile_is_the_demo_unless_named(served: list[Any]) -> None:
    """Or the fast one, as tests use it."""
    assert invoke("--port", "0").exit_code == 0
    assert invoke("--port", "0", "--profile", "fast").exit_code == 0
    assert [args[0] for args in served] == [Profile.demo(), Profile.fast()]
    assert all(args[2] > 0 and args[3] is None for args in served)


def test_the_admin_api_can_be_made_to_refuse(served: list[Any]) -> None:
    """So many requests first, each with a time to wait."""
    assert invoke("--admin-429", "2", "--profile", "fast").exit_code == 0
    ((profile, *_),) = served
    assert (profile.faults.admin_429, profile.faults.retry_after_ms) == (2, 1000)
