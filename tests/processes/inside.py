"""What the programs of these tests have at hand: a client of the loopback service, set-ups of the SDK, forks."""

from __future__ import annotations

import os
import signal
import threading
import traceback
import warnings
from collections.abc import Callable
from typing import Any

import openai

import tierscope

PATIENCE_S = 20
"""After so long a child counts as hung: it says where, and is ended by SIGALRM."""


def client(url: str | None = None) -> openai.OpenAI:
    """Return a client of this address, else of that in the environment; without certificates, which take long."""
    http = openai.DefaultHttpxClient(verify=False)
    return openai.OpenAI(api_key="k", base_url=url, max_retries=0, http_client=http)


def aclient(url: str | None = None) -> openai.AsyncOpenAI:
    """Return an async client."""
    http = openai.DefaultAsyncHttpxClient(verify=False)
    return openai.AsyncOpenAI(api_key="k", base_url=url, max_retries=0, http_client=http)


def call(own: openai.OpenAI, model: str) -> None:
    """Make a call; the model's name tells whose it is."""
    own.chat.completions.create(model=model, messages=[])


def ask(model: str, times: int = 1) -> None:
    """Make so many calls with a client of one's own."""
    with client() as own:
        for _ in range(times):
            call(own, model)


def stream(model: str) -> Any:
    """Open a stream and take its first chunk."""
    opened: Any = client().chat.completions.create(model=model, messages=[], stream=True)
    next(opened)
    return opened


def export() -> None:
    """Set the global providers up, as an application does: batches over OTLP/HTTP, to where the environment says."""
    from opentelemetry import metrics, trace
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    metrics.set_meter_provider(MeterProvider([PeriodicExportingMetricReader(OTLPMetricExporter())]))
    tracers = TracerProvider()
    tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(tracers)


def flush() -> None:
    """Write and export everything, as a program does that leaves without ``atexit``."""
    from opentelemetry import metrics, trace

    tierscope.uninstrument()
    providers: tuple[Any, ...] = metrics.get_meter_provider(), trace.get_tracer_provider()
    for provider in providers:
        provider.force_flush()


def fork(work: Callable[[], object], *, to_the_end: bool = False) -> int:
    """Do some work in a forked child that must not hang; return its process id.

    The child leaves at once, or ``to_the_end``: as a program does, through ``atexit``.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # 3.12+: a fork beside threads is what is tested
        child = os.fork()
    if child:
        return child
    signal.alarm(PATIENCE_S)
    try:
        work()
    except BaseException:  # noqa: BLE001  whatever it is, the child ends here
        traceback.print_exc()
        os._exit(1)
    if not to_the_end:
        os._exit(0)
    raise SystemExit


def wait(*children: int) -> list[int]:
    """Return the exit statuses of forked children."""
    return [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]


class Busy:
    """Does some work again and again in so many threads, for the length of a ``with`` block."""

    def __init__(self, work: Callable[[], object], threads: int) -> None:
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(work,)) for _ in range(threads)]

    def _run(self, work: Callable[[], object]) -> None:
        while not self._over.is_set():
            work()

    def __enter__(self) -> None:
        for thread in self._threads:
            thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()


def together(works: list[Callable[[], object]]) -> None:
    """Do all of this at once, in a thread each; what one raises is raised here."""
    faults: list[BaseException] = []
    start = threading.Barrier(len(works))

    def run(work: Callable[[], object]) -> None:
        start.wait()
        try:
            work()
        except BaseException as fault:  # noqa: BLE001  raised again below
            faults.append(fault)

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
