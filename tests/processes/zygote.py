"""Forks programs from a process that has the SDKs imported: each is a process of its own, with a real end.

Importing openai costs a second; a program forked from here starts in milliseconds and leaves as any other: through its
own ``atexit``, its own status or its own signal. Nothing of Tierscope is imported before the fork.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import importlib
import json
import os
import signal
import sys
from typing import Any

PATIENCE_S = 40
"""After so long a program is ended by SIGALRM, with the stacks of all its threads on its standard error."""


def become(order: dict[str, Any]) -> None:
    """Turn a fresh fork into the program: its streams, folder, environment and code."""
    os.setpgid(0, 0)
    for stream, name in ((1, "out"), (2, "err")):
        file = os.open(order[name], os.O_WRONLY | os.O_APPEND)
        os.dup2(file, stream)
        os.close(file)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(order["folder"])
    os.environ.update(order["env"])
    faulthandler.register(signal.SIGALRM, chain=True)
    signal.alarm(PATIENCE_S)
    exec(compile(order["code"], "<program>", "exec"), {"__name__": "__main__"})  # noqa: S102  the test's own program


IMPORTED = (
    "openai.resources.chat.completions",
    "opentelemetry.exporter.otlp.proto.http.metric_exporter",
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.instrumentation.utils",
    "opentelemetry.sdk.metrics.export",
    "opentelemetry.sdk.trace.export",
)


def main() -> None:
    """Read orders, fork a program for each, and answer with its process id and then its status."""
    for name in IMPORTED:
        importlib.import_module(name)
    gc.freeze()  # or each program would spend its end collecting the modules
    for line in sys.stdin:
        child = os.fork()
        if not child:
            become(json.loads(line))
            return
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        with contextlib.suppress(ProcessLookupError):  # children that the program left behind
            os.killpg(child, signal.SIGKILL)
        sys.stdout.write(f"{status}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
