"""A real Prometheus over blocks that promtool made: samples first, then the rules, level by level."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml
from tools import gotool
from tools.stack.process import LOOPBACK, free_port

ROOT: Final = Path(__file__).parents[2]
RULES: Final = ROOT / "prometheus" / "rules"
HEAD: Final = "global: {evaluation_interval: 60s}\n"


def levels() -> list[list[dict[str, Any]]]:
    """Return the recording groups in the order in which they can be back-filled: a rule after those that it reads."""
    groups = [g for file in sorted(RULES.glob("*.yaml")) for g in yaml.safe_load(file.read_text("utf-8"))["groups"]]
    rules = [(group, rule) for group in groups for rule in group["rules"] if "record" in rule]
    reads = {rule["record"]: set() for _, rule in rules}
    for _, rule in rules:
        reads[rule["record"]] |= {one for one in re.findall(r"[a-z_]\w*:\w+:\w+", rule["expr"]) if one in reads}
    depth: dict[str, int] = {}

    def at(record: str) -> int:
        if record not in depth:
            depth[record] = 1 + max((at(one) for one in reads[record]), default=-1)
        return depth[record]

    made: list[list[dict[str, Any]]] = [[] for _ in range(1 + max(map(at, reads)))]
    for number, level in enumerate(made):
        for group in groups:
            mine = [rule for rule in group["rules"] if "record" in rule and depth[rule["record"]] == number]
            if mine:
                level.append({"name": group["name"], "interval": group["interval"], "rules": mine})
    return made


@contextlib.contextmanager
def prometheus(data: Path) -> Iterator[str]:
    """Run a server over a folder of blocks, on a free port of the loopback."""
    address = f"{LOOPBACK}:{free_port()}"
    config, log = data.parent / "prometheus.yml", data.parent / "log"
    config.write_text(HEAD, "utf-8")
    place = [f"--storage.tsdb.path={data}", f"--web.listen-address={address}", "--storage.tsdb.retention.time=35d"]
    program = gotool.built("prometheus")
    with log.open("a") as out:
        process = subprocess.Popen(
            [program, f"--config.file={config}", "--enable-feature=exemplar-storage", *place], stdout=out, stderr=out
        )
    try:
        for _ in range(150):
            with contextlib.suppress(OSError), urllib.request.urlopen(f"http://{address}/-/ready", timeout=5):
                break
            time.sleep(0.1)
        else:
            raise AssertionError(log.read_text("utf-8")[-2000:])
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(20)


def promtool(place: Path, *arguments: object) -> None:
    """Run it in a folder; fail with what it says."""
    command = [gotool.built("promtool"), *map(str, arguments)]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]


def filled(place: Path, text: str, start: int, end: int) -> Path:
    """Return a folder of blocks with the samples and what the rules make of them."""
    data, samples = place / "data", place / "samples.txt"
    samples.write_text(text, "utf-8")
    promtool(place, "tsdb", "create-blocks-from", "openmetrics", "--quiet", samples, data)
    # one name for all: a group's second within its interval is a hash of its file's path, and levels are to share it
    file = place / "rules.yaml"
    for groups in levels():
        file.write_text(yaml.safe_dump({"groups": groups}), "utf-8")
        with prometheus(data) as server:
            span = (f"--start={start}", f"--end={end}", f"--url={server}", f"--output-dir={data}")
            promtool(place, "tsdb", "create-blocks-from", "rules", *span, file.name)
    return data


def ask(server: str, path: str, **query: str | float) -> Any:
    """Ask the API; an error of the server's is text."""
    try:
        address = f"{server}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(address, timeout=60) as reply:  # noqa: S310  loopback
            return json.load(reply)["data"]
    except urllib.error.HTTPError as error:
        return error.read().decode()
