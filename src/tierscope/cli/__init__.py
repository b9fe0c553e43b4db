"""The command line: ``tierscope demo | doctor | run | report | simulate | statement``. Needs ``tierscope[cli]``."""

from __future__ import annotations

import sys

_NEEDED = frozenset({"click", "rich", "starlette", "uvicorn"})


def main() -> None:
    """Run the command line; without its libraries say what to install, and leave with status 2."""
    try:
        from tierscope.cli.commands import tierscope  # noqa: PLC0415  the libraries are an extra
    except ModuleNotFoundError as error:
        if error.name not in _NEEDED:
            raise
        sys.stderr.write(f"tierscope: {error.name} is missing: install tierscope[cli]\n")
        raise SystemExit(2) from None
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal that knows no dash still gets the figures
    tierscope(prog_name="tierscope")
