"""Walks through one door several times in a row, on one client, with Tierscope or without, and says what was seen."""

from __future__ import annotations

import gc
import logging
import re
import warnings
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import anyio.lowlevel
from tests.sdk import replies
from tests.sdk.capabilities import IS_AIOHTTP
from tests.sdk.conftest import TRUSTED, aclient_of, client_of
from tests.sdk.doors.apis import HELD_AFTER, At, broken
from tests.sdk.doors.table import Record

from tierscope import testing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.sdk.conftest import Service
    from tests.sdk.doors.apis import Api
    from tests.sdk.doors.table import Row

    from tierscope.model import Call

TIMES: Final = 3
TURNS: Final = 12
"""Turns of an event loop after which it has closed what the collector left to it: four generators, one in the other."""
HOW: Final[dict[str, dict[str, int]]] = {
    "drops": {"drop_after": 3},
    "holds": {"hold_after": HELD_AFTER},
    "is silent": {"hold_after": 0},
}


@dataclass
class Walk:
    """What was seen of a door: by the application, in the records, by the service, and by the interpreter."""

    seen: list[Any] = field(default_factory=list)
    records: list[list[Record]] = field(default_factory=list)
    connections: int = 0
    warnings: Counter[str] = field(default_factory=Counter)
    """By category and text, without addresses and numbers."""
    loggers: set[str] = field(default_factory=set)
    """Who logged a warning or worse."""


class Captured:
    """The records of one stream, and how many of them there were at each stage of its end."""

    def __init__(self, calls: list[Call]) -> None:
        self._calls = calls
        self._stages: list[int] = []

    def stage(self) -> None:
        """Count the records so far: when the door is left, after a collection, and after turns of the loop."""
        self._stages.append(len(self._calls))

    def records(self) -> list[Record]:
        words = ("at once", "in a finalizer", "by the loop")
        when = next((word for word, count in zip(words, self._stages, strict=False) if count), "queued")
        return [_record(call, when) for call in self._calls]


def _record(call: Call, when: str) -> Record:
    usage = call.reply.usage if call.reply else None
    return Record(call.ending, call.outcome, usage.output if usage else None, when)


def walk(service: Service, row: Row, api: Api, backend: str, *, is_ours: bool) -> Walk:
    """Walk through a door ``TIMES`` in a row."""
    # aiohttp hands on at once all that has arrived: what is left early must not have arrived to its end
    how = HOW["holds"] if IS_AIOHTTP and row.ending in {"closed", "abandoned"} else HOW.get(row.service, {})
    url = service.url(broken(api) if row.service == "errs" else replies.stream(api.events), **how)
    key = url.split("/")[-2]
    told = Walk()

    def at(client: Any) -> At:
        return At(client, api, lambda: len(service.replay.received(key)) > len(told.seen))

    with _complaints(told):
        if backend == "sync":
            _walk_sync(row.function(backend), at, url, told, is_ours=is_ours)
        else:
            anyio.run(lambda: _walk_async(row.function(backend), at, url, told, is_ours=is_ours), backend=backend)
    told.connections = len({request.peer for request in service.replay.received(key)})
    return told


def _walk_sync(door: Any, at: Any, url: str, told: Walk, *, is_ours: bool) -> None:
    with client_of(url) as client:
        for _ in range(TIMES):
            with _captured(told, is_ours=is_ours) as captured:
                with _no_collection():
                    try:
                        told.seen.append(door(at(client)))
                    except Exception as exc:  # noqa: BLE001  whatever the application would see
                        told.seen.append(type(exc))
                    captured.stage()
                gc.collect()
                captured.stage()


async def _walk_async(door: Any, at: Any, url: str, told: Walk, *, is_ours: bool) -> None:
    async with aclient_of(url) as client:
        for _ in range(TIMES):
            with _captured(told, is_ours=is_ours) as captured:
                with _no_collection():
                    try:
                        told.seen.append(await door(at(client)))
                    except Exception as exc:  # noqa: BLE001  whatever the application would see
                        told.seen.append(type(exc))
                    captured.stage()
                for _ in range(2):  # what the loop closes after the first collection leaves the rest to the second
                    gc.collect()
                    captured.stage()
                    for _ in range(TURNS):
                        await anyio.lowlevel.checkpoint()
                    captured.stage()


@contextmanager
def _captured(told: Walk, *, is_ours: bool) -> Iterator[Captured]:
    """Capture the records of one stream, with Tierscope; without it there are none."""
    captured = Captured([])
    if is_ours:
        with testing.capture(TRUSTED) as calls:
            captured = Captured(calls)
            yield captured
    else:
        yield captured
    told.records.append(captured.records())


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep the collector out while a door is open: what is recorded meanwhile is recorded at once."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class _Log(logging.Handler):
    """Notes who complains. What trio logs of a dropped generator depends on the order in which it closes them."""

    def __init__(self, told: Walk) -> None:
        super().__init__(logging.WARNING)
        self._told = told

    def emit(self, record: logging.LogRecord) -> None:
        if record.name != "trio.async_generator_errors":
            self._told.loggers.add(record.name)


@contextmanager
def _complaints(told: Walk) -> Iterator[None]:
    """Note the warnings and log lines of a block."""
    handler = _Log(told)
    logging.getLogger().addHandler(handler)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
            gc.collect()
    finally:
        logging.getLogger().removeHandler(handler)
    told.warnings.update(
        f"{warning.category.__name__}: {re.sub(r'0x[0-9a-f]+|[0-9]+', '_', str(warning.message))}" for warning in caught
    )
