"""Servers that fork their workers: a real gunicorn, Tierscope in the master, calls in the workers."""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import pytest
from tests.processes.conftest import Place

APP: Final = """
import tierscope
from tests.processes.inside import ask, export

{in_master}

def app(environ, start_response):
    ask(environ["PATH_INFO"].strip("/"))
    start_response("200 OK", [("content-length", "2")])
    return [b"ok"]
"""
CONFIG: Final = """
from tests.processes.inside import export

bind, workers, max_requests, preload_app = "127.0.0.1:0", 2, 6, True
{extra}
"""
SERVE: Final = """
from gunicorn.app.wsgiapp import run
sys.path.insert(0, os.getcwd())
sys.argv = ["gunicorn", "--config", "config.py", "app:app"]
run()
"""


def port(place: Place) -> int:
    """Wait until the server listens; return where."""
    for _ in range(3000):
        said = re.search(r"Listening at: http://127\.0\.0\.1:(\d+)", (place.folder / "err").read_text())
        if said:
            return int(said[1])
        time.sleep(0.01)
    raise TimeoutError((place.folder / "err").read_text())


def get(server: int, model: str) -> int:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", server, timeout=30)) as connection:
        connection.request("GET", f"/{model}")
        return connection.getresponse().status


@pytest.mark.parametrize(
    ("in_master", "extra"),
    [
        pytest.param("tierscope.instrument()", "def post_fork(server, worker): export()", id="SDK in each worker"),
        pytest.param(
            "export(); tierscope.instrument(); ask('master')",
            "worker_class, threads = 'gthread', 4",
            id="SDK before the fork, threads",
        ),
    ],
)
def test_gunicorn_with_a_preloaded_application(place: Place, in_master: str, extra: str) -> None:
    """Workers come and go, the server is stopped: every call is told once, by ledger, spans and metrics."""
    (place.folder / "app.py").write_text(APP.format(in_master=in_master))
    (place.folder / "config.py").write_text(CONFIG.format(extra=extra))
    master = place.start(SERVE, TIERSCOPE_LEDGER="calls.db")
    server = port(place)
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda number: get(server, f"m{number % 3}"), range(30))) == {200}
    os.kill(master, signal.SIGTERM)
    done = place.end()
    assert (done.status, "ierscope" in done.err) == (0, False), done.err
    expected = Counter({"m0": 10, "m1": 10, "m2": 10, "master": "master" in in_master})
    assert place.said.asked == +expected
    assert place.rows == place.receiver.spans() == place.receiver.points("tierscope.calls") == +expected
