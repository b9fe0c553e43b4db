"""The simulator's ledger: one frozen row per HTTP request it answered, in memory and, if asked for, in SQLite."""

import contextlib
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any, get_args


@dataclass(frozen=True, slots=True)
class Served:
    """The truth about one attempt. Seconds are `time.monotonic`, `*_ns` wall nanoseconds since 1970; None = never.

    What was decided: `requested` raw (`requested_from` header or body), `expected` and `decided` canonical, `cause`
    (none, ramp_rate, long_context, peak_load, scale_exhausted, flex_capacity, region or scripted).
    What was sent, read back from the bytes: `served` raw, tokens, `response_*`, `text_deltas`, `usage_sent`,
    `error_code` (the code, or the type where the code is null), `bytes_sent` (body bytes). `started` is the request's
    arrival, `first_byte` the reply's headers, `first_token` the first delta of any kind, `first_delta` and `last_delta`
    text deltas. `status` is 0 where nothing was sent.
    `ending` is complete, client_disconnected, dropped (by us) or error (an error status or event).
    `cost_pico` is what this answer is billed, in pico-dollars (`prices`), from the model, tier and tokens that were
    sent: None where those are not in the bytes (an error, a stream without usage), where the list has no price (`scale`
    is paid by the day: it has no marginal cost), and where an earlier answer told the same response's usage.
    `used_*` are the tokens that the model took and made for this request, told to the client or not: what the service's
    own books hold (`usage`). None where nothing ran, where it ended in an error, and for anything but a new request.
    """

    sequence: int
    provider: str
    endpoint: str
    method: str
    project: str | None
    deployment: str | None
    model: str
    requested: str | None
    requested_from: str | None
    expected: str | None
    decided: str | None
    served: str | None
    cause: str
    status: int
    error_code: str | None
    attempt: int
    script_id: str | None
    stream: bool
    usage_sent: bool
    input_tokens: int | None
    cached_tokens: int | None
    cache_write_tokens: int | None
    output_tokens: int | None
    reasoning_tokens: int | None
    used_input_tokens: int | None
    used_cached_tokens: int | None
    used_cache_write_tokens: int | None
    used_output_tokens: int | None
    cost_pico: int | None
    response_id: str | None
    response_model: str | None
    response_status: str | None
    request_id: str | None
    text_deltas: int
    chunks: int
    bytes_sent: int
    ending: str
    started: float
    first_byte: float | None
    first_token: float | None
    first_delta: float | None
    last_delta: float | None
    ended: float
    started_ns: int
    first_byte_ns: int | None
    first_token_ns: int | None
    first_delta_ns: int | None
    last_delta_ns: int | None
    ended_ns: int


_COLUMNS = tuple(f.name for f in fields(Served))
_KINDS = {"int": "INTEGER", "bool": "INTEGER", "float": "REAL", "str": "TEXT"}


def _schema() -> str:
    kinds = {f.name: (get_args(f.type) or (f.type,))[0] for f in fields(Served)}
    columns = ", ".join(f"{name} {_KINDS[kind.__name__]}" for name, kind in kinds.items())
    return f"CREATE TABLE IF NOT EXISTS served (row INTEGER PRIMARY KEY, {columns})"


class Ledger:
    """Rows in the order in which their replies ended; safe to read from any thread while the server runs.

    With a path every row is also committed to the SQLite table `served` (WAL: other processes may read meanwhile). What
    an earlier run left there stays, and is `earlier`: no row of this run, but part of the service's books.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._rows: list[Served] = []
        self._under_way = 0
        self._changed = threading.Condition()
        self._db = _opened(path) if path else None
        self.earlier: tuple[Served, ...] = _read(self._db) if self._db else ()

    def add(self, row: Served) -> None:
        """Appends a row and wakes who waits."""
        with self._changed:
            self._rows.append(row)
            if self._db:
                marks = ",".join("?" * len(_COLUMNS))
                self._db.execute(f"INSERT INTO served ({','.join(_COLUMNS)}) VALUES ({marks})", astuple(row))  # noqa: S608  # our own names
                self._db.commit()
            self._changed.notify_all()

    @contextlib.contextmanager
    def exchange(self) -> Iterator[None]:
        """Around one request: `settle` waits until it is left."""
        with self._changed:
            self._under_way += 1
        try:
            yield
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def settle(self, timeout: float = 5.0) -> tuple[Served, ...]:
        """All rows, as soon as no request is under way; raises `TimeoutError` after `timeout` seconds."""
        with self._changed:
            if not self._changed.wait_for(lambda: self._under_way == 0, timeout):
                raise TimeoutError(f"{self._under_way} requests still under way after {timeout} s")
            return tuple(self._rows)

    def wait(self, count: int, timeout: float = 5.0) -> tuple[Served, ...]:
        """The rows, as soon as there are `count`; raises `TimeoutError` after `timeout` seconds.

        A client has its last byte before the row is written, so tests wait here instead of sleeping.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._rows) >= count, timeout):
                raise TimeoutError(f"{len(self._rows)} rows after {timeout} s, expected {count}")
            return tuple(self._rows)

    def rows(self) -> tuple[Served, ...]:
        """All rows so far."""
        with self._changed:
            return tuple(self._rows)

    def close(self) -> None:
        """Closes the database; rows in memory stay."""
        with self._changed:
            if self._db:
                self._db.close()
                self._db = None

    def __iter__(self) -> Iterator[Served]:
        return iter(self.rows())

    def __len__(self) -> int:
        return len(self.rows())

    def __getitem__(self, index: int) -> Served:
        return self.rows()[index]


def _read(db: sqlite3.Connection) -> tuple[Served, ...]:
    kinds = [(get_args(f.type) or (f.type,))[0] for f in fields(Served)]
    rows = db.execute(f"SELECT {','.join(_COLUMNS)} FROM served ORDER BY row")  # noqa: S608  # our own names
    return tuple(_made(kinds, row) for row in rows)


def _made(kinds: list[Any], row: tuple[Any, ...]) -> Served:
    values: list[Any] = [bool(value) if kind is bool else value for kind, value in zip(kinds, row, strict=True)]
    return Served(*values)


def _opened(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, check_same_thread=False)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=NORMAL")
    db.execute(_schema())
    db.commit()
    absent = set(_COLUMNS) - {name for _, name, *_ in db.execute("PRAGMA table_info(served)")}
    if absent:
        db.close()
        raise sqlite3.OperationalError(f"another version wrote it, without {', '.join(sorted(absent))}; name another")
    return db
