"""What Tierscope adds to the start of an application that has loaded openai and the OpenTelemetry SDK already.

Each way of starting it is timed in processes of its own: CPU milliseconds of import and instrumentation, MiB of peak
memory. Under the launcher ``BaseInstrumentor`` is loaded before us; by hand it is loaded for us. The first call loads
the rest (ADR 12), so it is timed too, beside the SDK's own first call, on a canned transport.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from pathlib import Path

from noise import undisturbed

RUNS = 15
FIRST = f"""
import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})
from operations import chat
call = chat().call
"""
APPLICATION = """
import re, time
def peak():  # of this program alone: what getrusage tells begins with the peak of whoever started it
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024
import openai
from opentelemetry import metrics, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
trace.set_tracer_provider(TracerProvider())
metrics.set_meter_provider(MeterProvider())
{before}
before, cpu = peak(), time.process_time()
{start}
cpu = time.process_time() - cpu
print(cpu * 1000, peak() - before)
"""
WAYS = {
    "nothing (the control)": ("", ""),
    "one line": ("", "import tierscope; assert tierscope.instrument()"),
    "launcher": (
        "import opentelemetry.instrumentation.auto_instrumentation._load",
        "from tierscope.instrumentor import TierscopeInstrumentor as T; T().instrument(skip_dep_check=True)",
    ),
    "BaseInstrumentor by hand": (
        "",
        "from tierscope.instrumentor import TierscopeInstrumentor as T; T().instrument()",
    ),
    "first call, bare": (FIRST, "call()"),
    "first call, Tierscope": (f"{FIRST}import tierscope; assert tierscope.instrument()", "call()"),
    "official, by hand": (
        "",
        "from opentelemetry.instrumentation.genai.openai import OpenAIInstrumentor as T; T().instrument()",
    ),
}


def once(before: str, start: str) -> tuple[float, float]:
    """Start one application; return milliseconds and MiB that our start adds to it."""
    program = APPLICATION.format(before=before, start=start)
    env = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}  # noqa: TID251
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=env)  # noqa: S603
    milliseconds, mebibytes = map(float, done.stdout.split())
    return milliseconds, mebibytes


def measured(runs: int = RUNS) -> dict[str, tuple[float, float]]:
    """Milliseconds, undisturbed, and median MiB of each way, interleaved."""
    told: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
    for number in range(runs + 1):
        for way, program in WAYS.items():
            milliseconds = once(*program)
            if number:  # the first time compiles
                told[way].append(milliseconds)
    return {way: (undisturbed(ms for ms, _ in t), statistics.median(mib for _, mib in t)) for way, t in told.items()}


if __name__ == "__main__":
    for way, (ms, mib) in measured().items():
        print(f"{way:26} {ms:6.1f} ms {mib:6.2f} MiB")
