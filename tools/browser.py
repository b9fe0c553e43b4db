"""Run the tests that look at the page in a real browser: `python tools/browser.py [pytest's own arguments]`.

Chromium is Debian's; where it is absent and this may install it, it does. Without it the tests are skipped, with the
reason; in CI they fail. The accessibility audit needs what `web/package.json` pins, by npm.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
ENVIRON: Final = os.environ  # noqa: TID251  a tool's own environment
WEB: Final = ROOT / "web"


def ensure_chromium() -> None:
    """Install Chromium if it is absent, and this is Debian, and we are root."""
    apt = shutil.which("apt-get")
    if shutil.which("chromium") is not None or apt is None or os.geteuid():
        return
    for command in (("update", "-qq"), ("install", "-qq", "-y", "--no-install-recommends", "chromium")):
        subprocess.run([apt, *command], check=False, env={**ENVIRON, "DEBIAN_FRONTEND": "noninteractive"})


def ensure_audit() -> None:
    """Install the pinned packages of the page if they are absent, and there is npm."""
    npm = shutil.which("npm")
    if npm is not None and not (WEB / "node_modules" / "axe-core").exists():
        subprocess.run([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=WEB, check=False)


def main(arguments: list[str]) -> int:
    """Install what is absent, and run the tests."""
    ensure_chromium()
    ensure_audit()
    command = [sys.executable, "-m", "pytest", "-q", "tests/browser", *arguments]
    return subprocess.run(command, cwd=ROOT, check=False, env={**ENVIRON, "TIERSCOPE_BROWSER": "1"}).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
