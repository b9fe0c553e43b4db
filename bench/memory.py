"""What 20 000 calls leave in memory: KiB that Python still holds, with us and without, in one process each."""

from __future__ import annotations

import gc
import subprocess
import sys
import tracemalloc

CALLS = 20_000
STREAMS = 200
WARM = 0.05
NAMES = ("bare", "floor", "tierscope", "official")
"""The contestants that are held against each other."""


def child(name: str) -> None:
    """Make the calls; print the KiB that are held after them beyond those after a first twentieth."""
    from contestants import everyone  # noqa: PLC0415  only in the child
    from operations import calls, streams  # noqa: PLC0415

    contestant = next(one for one in everyone() if one.name == name)
    work = [(calls()[0], CALLS), (streams()[0], STREAMS)]
    made = [(contestant.around(operation), count) for operation, count in work]
    contestant.enter()

    def run(share: float) -> None:
        for call, count in made:
            for _ in range(int(count * share)):
                call()
        contestant.settle()
        gc.collect()

    run(WARM)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    run(1 - WARM)
    print((tracemalloc.get_traced_memory()[0] - before) / 1024)


def held(name: str) -> float:
    """KiB that a contestant's calls leave."""
    command = [sys.executable, __file__, name]
    return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)  # noqa: S603


if __name__ == "__main__":
    if len(sys.argv) == 2:
        child(sys.argv[1])
    else:
        for name in NAMES:
            print(f"{name:12} {held(name):8.1f} KiB after {CALLS} calls and {STREAMS} streams")
