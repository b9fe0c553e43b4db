"""Prometheus from `prometheus/`: a copy whose addresses are those of this stack, and the questions one asks it."""

from __future__ import annotations

import json
import re
import shutil
import urllib.parse
import urllib.request
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tools.gotool import ROOT, built
from tools.stack.process import LOOPBACK, Process, free_port

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

SOURCE: Final = ROOT / "prometheus"
INTERVALS: Final = {
    "prometheus.yml": re.compile(r"^(  scrape_interval: )\w+", re.MULTILINE),
    "rules/promise.yaml": re.compile(r"^(- name: tierscope-promise\n  interval: )\w+$", re.MULTILINE),
}
"""How often is scraped, and how often a window of promised speed is recorded."""


class Sample(NamedTuple):
    """One series at one instant."""

    labels: Mapping[str, str]
    value: float


class PrometheusError(Exception):
    """Prometheus refused a question; the message is its own."""


def laid_out(folder: Path, targets: Mapping[str, Iterable[str]], every: str | None) -> Path:
    """Copy the configuration into a folder, with these addresses, and return the file to start with.

    `targets` are the addresses to scrape, by the stem of their file under targets/. `every` scrapes and records the
    windows of promised speed more often than is configured, so that a run of half a minute sees one; the expressions
    stay as they are.
    """
    shutil.copytree(SOURCE, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("tests", "examples", "*.md"))
    for stem, addresses in targets.items():
        (folder / "targets" / f"{stem}.yaml").write_text(json.dumps([{"targets": list(addresses)}]), "utf-8")
    for name, interval in INTERVALS.items() if every else ():
        text, count = interval.subn(rf"\g<1>{every}", (folder / name).read_text("utf-8"))
        if count != 1:
            raise ValueError(f"{SOURCE / name}: {count} intervals of {interval.pattern!r}, 1 is needed")
        (folder / name).write_text(text, "utf-8")
    return folder / "prometheus.yml"


class Prometheus:
    """A Prometheus of this stack."""

    def __init__(self, folder: Path, targets: Mapping[str, Iterable[str]], every: str | None = None) -> None:
        port = free_port()
        self.url = f"http://{LOOPBACK}:{port}"
        own = {"prometheus": [f"{LOOPBACK}:{port}"]}
        config = laid_out(folder / "config", {**targets, **own}, every)
        flags = (SOURCE / "flags.txt").read_text("utf-8").split()
        place = (f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}")
        command = (str(built("prometheus")), *flags, *place, f"--web.listen-address={LOOPBACK}:{port}")
        self.process = Process("prometheus", command, folder, f"{self.url}/-/ready")

    @property
    def otlp_url(self) -> str:
        """Where it takes metrics by OTLP."""
        return f"{self.url}/api/v1/otlp/v1/metrics"

    def query(self, expression: str, at: float | None = None) -> list[Sample]:
        """Evaluate an expression, now or at an instant (seconds since 1970).

        Raises:
            PrometheusError: it is no expression, or the server cannot answer it.

        """
        asked = {"query": expression, **({} if at is None else {"time": f"{at:.3f}"})}
        told = self._get(f"/api/v1/query?{urllib.parse.urlencode(asked)}")
        return [Sample(one["metric"], float(one["value"][1])) for one in told["result"]]

    def by(self, expression: str, *labels: str) -> dict[tuple[str, ...], float]:
        """Return what an expression gives by the values of these labels; an absent label is empty."""
        return {tuple(one.labels.get(label, "") for label in labels): one.value for one in self.query(expression)}

    def _get(self, path: str) -> Any:
        try:
            with urllib.request.urlopen(self.url + path, timeout=30) as answer:  # noqa: S310  our own loopback
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            with error:
                raise PrometheusError(f"{path}: {error.read().decode(errors='replace')[:500]}") from None
