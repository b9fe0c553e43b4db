"""Pools of ``multiprocessing``: workers by fork, forkserver and spawn, under the launcher and by the one line."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Final

import pytest
from tests.processes.conftest import LAUNCHER, OURS, Place

POOL: Final = """
import multiprocessing, sys
from tests.processes.inside import ask, export, flush

def begin():
    import tierscope
    export()
    tierscope.instrument()
    if sys.version_info < (3, 13):  # workers leave without atexit
        multiprocessing.util.Finalize(None, flush, exitpriority=1)

def work(number):
    ask(f"m{number % 2}")
    return number

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[1])
    with context.Pool(2, begin if sys.argv[2] == "line" else None) as pool:
        assert pool.map(work, range(12), chunksize=1) == [*range(12)]
        pool.close()
        pool.join()
"""
TOLD: Final = {"m0": 6, "m1": 6}


@pytest.mark.parametrize("method", ["fork", "forkserver", "spawn"])
@pytest.mark.parametrize("door", ["launcher", "line"])
def test_workers_of_a_pool(place: Place, method: str, door: str) -> None:
    """Each call of each worker is a row of the one ledger; where the workers flush the SDK, a span and a count too."""
    (place.folder / "pool.py").write_text(POOL)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "TIERSCOPE_"))}
    done = subprocess.run(
        [*([LAUNCHER] if door == "launcher" else []), sys.executable, "pool.py", method, door],
        cwd=place.folder,
        env={**clean, **place.env, **OURS, "TIERSCOPE_LEDGER": "calls.db"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert place.rows == place.said.asked == TOLD
    if door == "line":
        assert place.receiver.spans() == place.receiver.points("tierscope.calls") == TOLD
