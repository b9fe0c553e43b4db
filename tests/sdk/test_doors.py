"""Every door by which a stream is left: one record each, and nothing else changes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
from tests.sdk.capabilities import IS_AIOHTTP, LATE_TIMEOUT, RESPONSES, TRIO
from tests.sdk.doors import awaited, blocking, cancelled
from tests.sdk.doors.apis import APIS
from tests.sdk.doors.exits import left_open
from tests.sdk.doors.table import BACKENDS, ROWS, Record
from tests.sdk.doors.walk import TIMES, walk

if TYPE_CHECKING:
    from tests.sdk.conftest import Service
    from tests.sdk.doors.table import Row


def marked(row: Row, backend: str) -> list[pytest.MarkDecorator]:
    """Return what a client of aiohttp cannot do."""
    marks = [TRIO] if backend == "trio" else []
    if row.name == "server falls silent" and backend == "asyncio":
        marks.append(LATE_TIMEOUT)
    return marks


def is_left_to_chance(row: Row) -> bool:
    """Say whether aiohttp, with us and without, keeps a connection or not: if the body's end is there already."""
    return IS_AIOHTTP and row.door == "read_to_the_end" and row.ending == "error"


CASES = [
    pytest.param(row, api, backend, id=f"{row.name}-{api.name}-{backend}", marks=[*marks, *marked(row, backend)])
    for row in ROWS
    for api, marks in ((APIS["chat"], ()), (APIS["responses"], (RESPONSES,)))
    for backend in BACKENDS
    if row.function(backend) is not None
    if (api.name, backend) != ("responses", "trio")  # trio differs below the APIs, where both are one
]


@pytest.mark.parametrize(("row", "api", "backend"), CASES)
def test_a_door_leaves_one_record_and_changes_nothing(service: Service, row: Any, api: Any, backend: str) -> None:
    """Several streams in a row leave one record each; chunks, exception, connections and warnings are as without us."""
    bare = walk(service, row, api, backend, is_ours=False)
    ours = walk(service, row, api, backend, is_ours=True)
    assert ours.records == [row.records(api)] * TIMES
    assert ours.seen == bare.seen
    if not is_left_to_chance(row):
        assert ours.connections == bare.connections
    assert ours.warnings - bare.warnings == {}
    assert ours.loggers - bare.loggers == set()


DIES = pytest.mark.skipif(sys.version_info[:3] == (3, 13, 0), reason="Python 3.13.0 dies of it without Tierscope too")


@pytest.mark.parametrize("backend", [pytest.param("sync", marks=DIES), "async"])
def test_streams_that_are_open_when_the_process_ends_are_in_the_ledger(service: Service, backend: str) -> None:
    """One kept by a global, one dropped but never collected: each is recorded once, as abandoned."""
    assert left_open(service, backend) == [Record("abandoned", "honored", None, "at exit")] * 2


def test_every_door_is_in_the_table() -> None:
    """A door that nobody walks through proves nothing."""
    doors = {
        name
        for module in (blocking, awaited, cancelled)
        for name, thing in vars(module).items()
        if callable(thing) and getattr(thing, "__annotations__", {}).get("at") == "At" and not name.startswith("_")
    }
    assert len(doors) > 50
    assert doors == {row.door for row in ROWS}
