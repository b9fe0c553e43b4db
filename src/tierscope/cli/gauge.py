"""Writes the coverage as OpenMetrics text, for the textfile collector of Prometheus' node exporter."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

import click

from tierscope import signals

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from tierscope.declared import Metric
    from tierscope.reconcile.compare import Row

COVERAGE, UNTIL = signals.FILE_METRICS
_UNITS: Final = {"1": "ratio", "s": "seconds"}


def name(metric: Metric) -> str:
    """The name of a gauge in Prometheus: with its unit, as the OTLP endpoint writes it."""
    return f"{metric.name.replace('.', '_')}_{_UNITS[metric.unit]}"


def text(provider: str, tiers: Iterable[Row], until_s: int) -> str:
    """The whole file. What is unknown has no sample: it is neither 0 nor 1."""
    lines = [*_head(COVERAGE), *_samples(provider, tiers), *_head(UNTIL), f"{name(UNTIL)} {until_s}", "# EOF"]
    return "\n".join(lines) + "\n"


def _head(metric: Metric) -> Iterator[str]:
    yield f"# HELP {name(metric)} {metric.description}"
    yield f"# TYPE {name(metric)} {metric.kind}"


def _samples(provider: str, tiers: Iterable[Row]) -> Iterator[str]:
    who, tier, figure = (attribute.key.replace(".", "_") for attribute in COVERAGE.attributes)
    for row in tiers:
        for counted in COVERAGE.attributes[-1].values or ():
            part = row.covered(counted)
            if part is not None:
                labels = f'{who}="{provider}",{tier}="{row.key.tier}",{figure}="{counted}"'
                yield f"{name(COVERAGE)}{{{labels}}} {part!r}"


def check(path: Path) -> None:
    """Look before anything is asked whether a file can be written.

    Raises:
        click.ClickException: it cannot.

    """
    folder = path.absolute().parent
    if not folder.is_dir():
        raise click.ClickException(f"cannot write {path}: there is no folder {folder}.")
    if path.is_dir():
        raise click.ClickException(f"cannot write {path}: it is a folder.")
    if not os.access(folder, os.W_OK):
        raise click.ClickException(f"cannot write {path}: no permission to write in {folder}.")


def write(path: Path, told: str) -> None:
    """Write it whole or not at all: a collector may read at any moment.

    Raises:
        click.ClickException: it cannot be written; what stood there stands there still.

    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        beside.write_text(told, "utf-8")
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise click.ClickException(f"cannot write {path}: {error.strerror or error}.") from None
