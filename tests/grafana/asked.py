"""The seed behind a real Prometheus, and a board's queries as Grafana sends them to it; the preview asks likewise."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.grafana.seed import MINUTES, PLACES, seed
from tests.grafana.server import ask, filled, prometheus


class Asked(NamedTuple):
    """A server with its data."""

    server: str
    start: int
    end: int


@contextlib.contextmanager
def served(place: Path, end: int) -> Iterator[Asked]:
    """Fill blocks in a folder with three hours up to this second of the epoch, and serve them."""
    began, start = time.monotonic(), end - 60 * MINUTES
    text = seed(start)
    with prometheus(filled(place, text, start, end)) as server:
        print(f"\n{text.count(chr(10))} samples and the rules over them in {time.monotonic() - began:.0f} s")  # noqa: T201  figures
        yield Asked(server, start, end)


def chosen(board: Any, asked: Asked, environment: str) -> dict[str, str]:
    """Return the values of a board's variables: all that can be chosen, or the first."""
    values = {"__range": f"{MINUTES}m", "__rate_interval": "5m", "__interval": "1m", "environment": environment}
    for variable in board["templating"]["list"]:
        if variable["type"] == "query" and variable["name"] not in values:
            found = options(variable, asked, values)
            assert found, (board["title"], variable["name"], environment)
            values[variable["name"]] = "|".join(map(re.escape, found)) if variable["multi"] else found[0]
    provider = next(place.provider for place in PLACES if place.name == environment)
    return {**values, "provider": provider, "service": ".*"}


def options(variable: Any, asked: Asked, values: dict[str, str]) -> list[str]:
    """Return what a variable offers."""
    selector, key = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]).groups()
    found = ask(asked.server, f"label/{key}/values", **{"match[]": filled_in(selector, values), **span(asked)})
    assert isinstance(found, list), found
    return found


def filled_in(text: str, values: dict[str, str]) -> str:
    """Return a query as Grafana sends it."""
    return re.sub(r"\$\{?(\w+)\}?", lambda name: values[name[1]].replace("\\", "\\\\"), text)


def span(asked: Asked) -> dict[str, float]:
    return {"start": asked.start, "end": asked.end}
