"""Instructions per call, counted by cachegrind: they repeat within 1.5 % on any machine, where times do not.

``python bench/instructions.py`` runs itself once under valgrind. There each contestant warms up, and then forks a child
that makes few calls and one that makes many: the difference leaves out everything that happens once. With ``--gate`` it
fails above the ceilings, which no commit may pass. Valgrind comes by apt-get where it is absent; where there is
neither, the gate says that it is not run, and fails only where ``CI`` is set.
"""

from __future__ import annotations

import gc
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

WARM, FEW, MANY = 30, 20, 70
APT = ("apt-get", "-qq", "--yes")
PACKAGE = "valgrind=1:3.*"
ENVIRON = os.environ  # noqa: TID251  a tool's own environment
CEILINGS = {"tierscope": 0.95, "tierscope, GenAI off": 0.86}
"""Instructions over the bare client, as a multiple of the floor's: what was reached, and 3 %."""


def child(folder: Path) -> None:
    """Make the calls: what runs under valgrind."""
    from contestants import Bare, Floor, Tierscope  # noqa: PLC0415  only in the child
    from operations import chat  # noqa: PLC0415

    operation = chat()
    genai_off = Tierscope("tierscope, GenAI off", genai_metrics=False)
    for contestant in (Bare(), Floor(), Tierscope(), genai_off):
        call = contestant.around(operation)
        contestant.enter()
        for _ in range(WARM):
            call()
        contestant.settle()
        gc.collect()
        gc.freeze()  # else a full collection falls into the one child and not into the other
        for count in (FEW, MANY):
            pid = os.fork()
            if pid == 0:
                for _ in range(count):
                    call()
                contestant.settle()
                os._exit(0)
            os.waitpid(pid, 0)
            (folder / f"made.{pid}").write_text(f"{contestant.name}\n{count}", "utf-8")
        contestant.leave()


def counted() -> dict[str, float]:
    """Thousands of instructions per call of each contestant."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        valgrind = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
        command = [*valgrind, f"--log-file={folder}/log.%p", sys.executable, __file__, str(folder)]
        subprocess.run(command, check=True, env={**ENVIRON, "PYTHONHASHSEED": "0"})  # noqa: S603
        totals: dict[tuple[str, int], int] = {}
        for made in folder.glob("made.*"):
            who, count = made.read_text("utf-8").split("\n")
            log = (folder / f"log.{made.suffix[1:]}").read_text("utf-8")
            found = re.search(r"I\s+refs:\s+([\d,]+)", log)
            if found is None:
                raise SystemExit(f"valgrind said no count:\n{log}")
            totals[who, int(count)] = int(found.group(1).replace(",", ""))
    names = dict.fromkeys(name for name, count in sorted(totals) if count == FEW)
    return {who: (totals[who, MANY] - totals[who, FEW]) / (MANY - FEW) / 1000 for who in names}


def over_floor(counts: dict[str, float]) -> dict[str, float]:
    """Return what each contestant adds, as a multiple of what the floor adds."""
    bare = counts["bare"]
    return {name: (count - bare) / (counts["floor"] - bare) for name, count in counts.items()}


def is_there() -> bool:
    """Say whether there is a valgrind, installing it where this machine's packages are ours to install."""
    if shutil.which("valgrind") is None and shutil.which(APT[0]) and os.geteuid() == 0:
        subprocess.run([*APT, "update"], check=True)  # noqa: S603
        subprocess.run([*APT, "install", "--no-install-recommends", PACKAGE], check=True)  # noqa: S603
    return shutil.which("valgrind") is not None


def main() -> int:
    """Count, print, and with ``--gate`` fail above a ceiling."""
    if len(sys.argv) == 2 and sys.argv[1] != "--gate":
        child(Path(sys.argv[1]))
        return 0
    if not is_there():
        print("gate: not run, for there is no valgrind (apt-get install valgrind)")
        return int("CI" in ENVIRON or "--gate" not in sys.argv)
    counts = counted()
    ratios = over_floor(counts)
    for name, count in counts.items():
        print(f"{name:22} {count:7.0f} k instructions a call {ratios[name]:6.2f} x floor")
    too_many = [
        f"{name}: {ratios[name]:.2f} x floor, at most {top}" for name, top in CEILINGS.items() if ratios[name] > top
    ]
    if "--gate" in sys.argv and too_many:
        raise SystemExit("\n".join(too_many))
    return 0


if __name__ == "__main__":
    sys.exit(main())
