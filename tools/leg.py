"""Run the tests that drive the SDK against another pinned openai: `python tools/leg.py openai-2`.

The pins of ``requirements/<leg>.txt`` are laid over the environment in a folder of their own, first on the path, so
that a leg costs seconds instead of a second environment.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
SUITES = ("tests/sdk", "tests/launcher")


def overlay(leg: str) -> Path:
    """Return the folder with the leg's packages, installing them when their pins changed."""
    pins = ROOT / "requirements" / f"{leg}.txt"
    if not pins.is_file():
        known = ", ".join(sorted(path.stem for path in pins.parent.glob("openai-*.txt")))
        raise SystemExit(f"leg {leg!r} has no pins in {pins.relative_to(ROOT)}; known: {known}")
    digest = hashlib.sha256(pins.read_bytes()).hexdigest()[:12]
    target = ROOT / ".venv-legs" / f"{leg}-{digest}"
    if not (target / ".ready").exists():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
        subprocess.run([*pip, "--target", str(target), "-r", str(pins)], check=True)  # noqa: S603  our own pins
        (target / ".ready").touch()
    return target


def main() -> int:
    """Run the suites on each leg named; return the first failure."""
    for leg in sys.argv[1:]:
        env = {**os.environ, "PYTHONPATH": str(overlay(leg))}  # noqa: TID251  a tool's own environment
        print(f"leg {leg}:", flush=True)
        pytest = [sys.executable, "-m", "pytest", "-q", "-n", "auto", *SUITES]
        code = subprocess.run(pytest, env=env, cwd=ROOT, check=False).returncode  # noqa: S603  our own tests
        if code:
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
