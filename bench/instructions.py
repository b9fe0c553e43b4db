"""Instructions per call, counted by cachegrind: repeats within 1.5 % on any machine, where times do not.

``python bench/instructions.py`` runs itself under valgrind, for each contestant with few and with many calls; the
difference leaves out what happens once.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

FEW, MANY = 60, 120


def calls(name: str, count: int) -> None:
    """Make so many calls as one contestant: what the child process does."""
    import httpx2  # noqa: PLC0415  only in the child
    import openai  # noqa: PLC0415
    from contestants import Bare, Floor, Tierscope  # noqa: PLC0415
    from overhead import canned  # noqa: PLC0415

    made = {
        "bare": lambda: Bare("bare"),
        "floor": Floor,
        "tierscope": lambda: Tierscope("tierscope", genai_metrics=True),
        "own": lambda: Tierscope("own", genai_metrics=False),
    }
    contestant = made[name]()
    client = openai.OpenAI(api_key="k", http_client=httpx2.Client(transport=canned()))
    contestant.enter()
    for _ in range(count):
        contestant.call(
            lambda: client.chat.completions.create(
                model="gpt-4.1", messages=[{"role": "user", "content": "hello"}], service_tier="priority"
            )
        )
    contestant.settle()


def instructions(name: str, count: int) -> int:
    """Count the instructions of a process that makes so many calls."""
    valgrind = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
    command = [*valgrind, sys.executable, str(Path(__file__)), name, str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "0"})  # noqa: S603
    found = re.search(r"I\s+refs:\s+([\d,]+)", done.stderr)
    if found is None:
        raise SystemExit(f"valgrind said no count:\n{done.stderr}")
    return int(found.group(1).replace(",", ""))


def per_call(name: str) -> float:
    """Thousands of instructions per call."""
    return (instructions(name, MANY) - instructions(name, FEW)) / (MANY - FEW) / 1000


def main() -> int:
    """Count and print."""
    if len(sys.argv) == 3:
        calls(sys.argv[1], int(sys.argv[2]))
        return 0
    counts = {name: per_call(name) for name in ("bare", "floor", "tierscope", "own")}
    floor = counts["floor"] - counts["bare"]
    for name, count in counts.items():
        print(f"{name:12} {count:9.0f} k instructions a call {(count - counts['bare']) / floor:6.2f} x floor")
    return 0


if __name__ == "__main__":
    sys.exit(main())
