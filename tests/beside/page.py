"""One neighbour's section of docs/coexistence.md: ``python -m tests.beside.page NEIGHBOUR`` measures and prints it."""

from __future__ import annotations

import sys
import tempfile
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.beside.calls import KINDS
from tests.beside.neighbours import NEIGHBOURS, Processes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ORDERS: Final = ("ours first", "theirs first")
HEAD: Final = (
    "call",
    "spans: it",
    "Tierscope",
    "together",
    "metric points: it",
    "Tierscope",
    "together",
    "GenAI durations together",
    "GenAI token records together",
)


def section(processes: Processes) -> Iterator[str]:
    """Return the heading and the table: what a call of each kind brings alone and together, in either order."""
    package = processes.neighbour.package
    yield f"### {package} {metadata.version(package)}"
    yield ""
    for cells in (HEAD, ("---",) * len(HEAD), *(row(processes, kind) for kind in KINDS)):
        yield f"| {' | '.join(cells)} |"


def row(processes: Processes, kind: str) -> tuple[str, ...]:
    """Return the cells of one kind of call."""

    def alone(whose: str, what: str) -> str:
        return str(_total(processes[whose]["calls"][0][kind][what]))

    def together(count: Callable[[dict[str, Any]], int]) -> str:
        counts = [count(processes[order]["calls"][0][kind]) for order in ORDERS]
        return " / ".join(map(str, dict.fromkeys(counts)))

    return (
        kind,
        *(alone(whose, "spans") for whose in ("theirs", "ours")),
        together(lambda call: _total(call["spans"])),
        *(alone(whose, "points") for whose in ("theirs", "ours")),
        together(lambda call: _total(call["points"])),
        together(lambda call: _total(call["records"].get("gen_ai.client.operation.duration", {}))),
        together(lambda call: _total(call["records"].get("gen_ai.client.token.usage", {}))),
    )


def _total(scopes: dict[str, int]) -> int:
    return sum(scopes.values())


def main() -> None:
    """Measure one neighbour, and print its section."""
    with tempfile.TemporaryDirectory() as place:
        processes = Processes(NEIGHBOURS[sys.argv[1]], Path(place))
        sys.stdout.write("\n".join(section(processes)) + "\n")
        processes.close()


if __name__ == "__main__":
    main()
