"""Walk through every door of a stream and print what was measured as a Markdown table: `python tools/doors.py`.

A cell is the ending word, when the record came, and the connections that five streams in a row took. For another
openai put its packages first on the path, as tools/leg.py does: ``PYTHONPATH=.venv-legs/openai-2-…``.
"""

from __future__ import annotations

import logging
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final

ROOT: Final = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

import openai  # noqa: E402
from tests.sdk.capabilities import RESPONSES  # noqa: E402
from tests.sdk.conftest import Service, freeze  # noqa: E402
from tests.sdk.doors.apis import APIS  # noqa: E402
from tests.sdk.doors.exits import left_open  # noqa: E402
from tests.sdk.doors.table import BACKENDS, ROWS  # noqa: E402
from tests.sdk.doors.walk import walk  # noqa: E402
from tests.truth.replay import Replay  # noqa: E402

if TYPE_CHECKING:
    from tests.sdk.doors.apis import Api
    from tests.sdk.doors.table import Record, Row

HEAD: Final = ("door", *BACKENDS, "outcome and tokens: chat", "Responses")


def cell(service: Service, row: Row, api: Api, backend: str) -> tuple[str, str]:
    """Return ending and connections of a door, and outcome and tokens."""
    if row.function(backend) is None:
        return "", ""
    freeze()
    told = walk(service, row, api, backend, is_ours=True)
    found = Counter(record for records in told.records for record in records)
    return f"{_words(found, 0, 3)} ({told.connections})", _words(found, 1, 2)


def _words(found: Counter[Record], *fields: int) -> str:
    """Return fields of the records that five streams left; where these differ, each with its count."""
    kinds = Counter({", ".join(str(record[at]) for at in fields): 0 for record in found})
    for record, count in found.items():
        kinds[", ".join(str(record[at]) for at in fields)] += count
    return " / ".join(f"{count} {kind}" if len(kinds) > 1 else kind for kind, count in kinds.items()) or "no record"


def line(service: Service, row: Row) -> list[str]:
    """Return one line of the table."""
    chat = [cell(service, row, APIS["chat"], backend) for backend in BACKENDS]
    backend = next(backend for backend in BACKENDS if row.function(backend) is not None)
    responses = "" if RESPONSES.args[0] else cell(service, row, APIS["responses"], backend)[1]
    return [row.name, *(ending for ending, _ in chat), next(told for _, told in chat if told), responses]


def main() -> None:
    """Print the table."""
    logging.disable()
    with Replay() as replay:
        service = Service(replay)
        print(f"openai {openai.__version__}, Python {sys.version.split()[0]}\n")
        print(f"| {' | '.join(HEAD)} |\n|{'---|' * len(HEAD)}")
        for row in ROWS:
            print(f"| {' | '.join(line(service, row))} |", flush=True)
        ends = {backend: _words(Counter(left_open(service, backend)), 0, 3) for backend in ("sync", "asyncio")}
        print(f"| process ends with open streams | {ends['sync']} | {ends['asyncio']} | | honored, None | |")


if __name__ == "__main__":
    main()
