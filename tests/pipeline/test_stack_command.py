"""`python -m tools.stack`: it says where everything is, and leaves nothing behind however it is ended."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.pipeline.collectors import program
from tools.gotool import ROOT
from tools.stack.process import answers, until

LINE = "Ctrl-C stops all of it."

pytestmark = pytest.mark.timeout(180)


@contextlib.contextmanager
def started(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Start it, and return it with what it said until all was ready."""
    program("collector"), program("prometheus")
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-m", "tools.stack"]
    stack = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert stack.stdout is not None
        yield stack, "".join(iter(stack.stdout.readline, f"{LINE}\n"))
    finally:
        stack.terminate()
        stack.communicate()


def pids(said: str) -> list[int]:
    """Return the processes that it named."""
    return [int(pid) for pid in re.findall(r"process (\d+)", said)]


def is_there(pid: int) -> bool:
    """Say whether a process runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_with_all_that_it_started(tmp_path: Path, number: signal.Signals) -> None:
    """Five processes run while it does; afterwards none, and no file."""
    with started(tmp_path) as (stack, said):
        assert [is_there(pid) for pid in pids(said)] == [True] * 5
        (url,) = re.findall(r"^Prometheus +(\S+)", said, re.MULTILINE)
        assert answers(f"{url}/-/healthy")
        assert "OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:" in said
        stack.send_signal(number)
        assert stack.wait(60) == 0
    assert [is_there(pid) for pid in pids(said)] == [False] * 5
    assert list(tmp_path.iterdir()) == []


def test_a_part_that_ends_ends_all(tmp_path: Path) -> None:
    """With a status that says so, and the part's name and log."""
    with started(tmp_path) as (stack, said):
        gateway = int(re.findall(r"^gateway-2 +process (\d+)", said, re.MULTILINE)[0])
        os.kill(gateway, signal.SIGKILL)
        assert stack.wait(60) == 1
        assert stack.stderr is not None
        assert "gateway-2 ended:" in stack.stderr.read()
    assert until(lambda: not any(map(is_there, pids(said))), 5)
