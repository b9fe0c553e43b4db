"""Walk through every door of a stream: a Markdown table of this openai or, with --page, docs/doors.md of all legs.

A cell is the ending word, when the record came, and (without --page) the connections that the streams in a row took.
"""

from __future__ import annotations

import logging
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

ROOT: Final = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import legs  # noqa: E402
import openai  # noqa: E402
from tests.sdk.capabilities import RESPONSES  # noqa: E402
from tests.sdk.conftest import Service, freeze  # noqa: E402
from tests.sdk.doors.apis import APIS  # noqa: E402
from tests.sdk.doors.exits import left_open  # noqa: E402
from tests.sdk.doors.table import BACKENDS, ROWS  # noqa: E402
from tests.sdk.doors.walk import walk  # noqa: E402
from tests.truth.replay import Replay  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.sdk.doors.apis import Api
    from tests.sdk.doors.table import Record, Row

HEAD: Final = ("door", *BACKENDS, "outcome and tokens: chat", "Responses")
PAGE: Final = ROOT / "docs" / "doors.md"
TEXT: Final = """\
<!-- Measured and written by `make doors` (tools/doors.py). Do not edit. -->

# The doors of a stream

However an application leaves a stream, its call leaves one record. Each cell was measured on openai
{versions} (Python {python}), with several streams in a row
over real connections: the ending, and when the record came. *Queued* are the records of streams that are dropped: a
finalizer only queues, and the next call, collection of metrics or end of the process writes them. The last two columns:
the outcome and the output tokens, `None` where the stream ended before it told them. Where a version differs, it is
named; 1.40 has no Responses API. `make matrix` tests that each row leaves exactly one record, that the application sees
the chunks and exceptions that it sees without Tierscope, and that as many connections are used.

{table}
"""


def cell(service: Service, row: Row, api: Api, backend: str) -> tuple[str, str]:
    """Return ending and connections of a door, and outcome and tokens."""
    if row.function(backend) is None:
        return "", ""
    freeze()
    told = walk(service, row, api, backend, is_ours=True)
    found = Counter(record for records in told.records for record in records)
    return f"{_words(found, 0, 3)} ({told.connections})", _words(found, 1, 2)


def _words(found: Counter[Record], *fields: int) -> str:
    """Return fields of the records that the streams left; where these differ, each with its count."""
    kinds: Counter[str] = Counter()
    for record, count in found.items():
        kinds[", ".join(str(record[at]) for at in fields)] += count
    return " / ".join(f"{count} {kind}" if len(kinds) > 1 else kind for kind, count in kinds.items()) or "no record"


def line(service: Service, row: Row) -> list[str]:
    """Return one line of the table."""
    chat = [cell(service, row, APIS["chat"], backend) for backend in BACKENDS]
    backend = next(backend for backend in BACKENDS if row.function(backend) is not None)
    responses = "" if RESPONSES.args[0] else cell(service, row, APIS["responses"], backend)[1]
    return [row.name, *(ending for ending, _ in chat), next(told for _, told in chat if told), responses]


def table() -> Iterator[list[str]]:
    """Measure this openai, line by line."""
    with Replay() as replay:
        service = Service(replay)
        for row in ROWS:
            yield line(service, row)
        ends = {backend: _words(Counter(left_open(service, backend)), 0, 3) for backend in ("sync", "asyncio")}
        yield ["process ends with open streams", ends["sync"], ends["asyncio"], "", "honored, None", ""]


def page() -> None:
    """Measure every version that has a leg, and write the page."""
    versions: list[str] = []
    cells: defaultdict[tuple[int, int], defaultdict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for leg in (leg for name, leg in legs.table().items() if name.startswith("openai-")):
        version, *lines = legs.told(leg, __file__).splitlines()
        versions.append(version.removeprefix("openai "))
        for y, text in enumerate(lines):
            for x, cell in enumerate(text[2:-2].split(" | ")):
                cells[y, x][cell.partition(" (")[0]].append(versions[-1])
    width, height = (1 + max(at[axis] for at in cells) for axis in (1, 0))
    rows = (" | ".join(_told(cells[y, x]) for x in range(width)) for y in range(height))
    text = "\n".join(f"| {row} |" for row in rows)
    PAGE.write_text(TEXT.format(versions=", ".join(versions), python=legs.HERE, table=text), "utf-8")


def _told(kinds: dict[str, list[str]]) -> str:
    """Return what most versions say, and who says otherwise; a version without this door says nothing."""
    usual, *others = sorted((kind for kind in kinds if kind), key=lambda kind: -len(kinds[kind])) or [""]
    return "<br>".join([usual, *(f"{', '.join(kinds[other])}: {other}" for other in others)])


def main() -> None:
    """Print the table, or write the page."""
    logging.disable()
    if "--page" in sys.argv:
        page()
        return
    print(f"openai {openai.__version__}", f"| {' | '.join(HEAD)} |", f"| {' | '.join(['---'] * len(HEAD))} |", sep="\n")
    for cells in table():
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
