"""One Collector a module where it can be shared, others as a test asks for them; what they export is in files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest
from tests.pipeline.collectors import Collector

Starts = Callable[..., Collector]
TRACES: Final = "traces.jsonl"
DERIVED: Final = "derived.jsonl"
METRICS: Final = "metrics.jsonl"
FILES: Final = f"""
exporters:
  file/traces: {{path: {TRACES}, flush_interval: 20ms}}
  file/derived: {{path: {DERIVED}, flush_interval: 20ms}}
  file/metrics: {{path: {METRICS}, flush_interval: 20ms}}
service:
  pipelines:
    traces/keep: {{exporters: [file/traces]}}
    metrics/derived: {{exporters: [prometheus, file/derived]}}
    metrics: {{exporters: [prometheus, file/metrics]}}
"""
"""Over standalone: what leaves it, in files too."""


@pytest.fixture
def starts(tmp_path: Path) -> Iterator[Starts]:
    """Return what starts a Collector with a name of its own, until the test ends; texts are laid over as files."""
    with ExitStack() as running:

        def start(*configs: str, over: str = "", name: str = "one", **env: str) -> Collector:
            return running.enter_context(made(tmp_path / name, *configs, over=over, **env))

        yield start


def made(folder: Path, *configs: str, over: str = "", **env: str) -> Collector:
    """Return a Collector that is not started, in a folder of its own."""
    folder.mkdir(exist_ok=True)
    laid = folder / "over.yaml"
    laid.write_text(over or "{}")
    return Collector(folder, (*configs, laid), env)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """Return a standalone Collector with its files, for the tests of a module."""
    with made(tmp_path_factory.mktemp("shared"), "standalone", over=FILES) as one:
        yield one
