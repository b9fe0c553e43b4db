"""What a ledger keeps: its newest rows, or those of its last days. What is dropped is counted in the ledger itself.

Rows are dropped a few at a time, each time in a transaction of milliseconds, so that no writer waits. The newest row
always stays: numbers of rows are never given twice, and whoever follows a ledger goes on where it was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tierscope.ledger.schema import TABLE

if TYPE_CHECKING:
    import sqlite3

STEP: Final = 500
"""The most rows that are dropped in one transaction."""
EVERY_S: Final = 60.0
"""How often it is looked whether there is something to drop."""
_DAY_NS: Final = 86_400_000_000_000
DROPPED: Final = "dropped"
"""The table with one row that is there once something was dropped."""
_CREATE: Final = (
    f"CREATE TABLE IF NOT EXISTS {DROPPED} (only INTEGER PRIMARY KEY CHECK (only = 1), rows INTEGER, "
    "first_unix_ns INTEGER, last_unix_ns INTEGER, last_row INTEGER)"
)


class Keep(NamedTuple):
    """How much is to be kept; ``None``: all."""

    rows: int | None = None
    days: int | None = None

    def words(self) -> str:
        """Say so: 1,000 rows, 30 days."""
        parts = ((self.rows, "rows"), (self.days, "days"))
        return ", ".join(f"{count:,} {thing}" for count, thing in parts if count is not None)


class Dropped(NamedTuple):
    """What a ledger held once, and no more."""

    rows: int
    first_unix_ns: int
    """When the first of those calls started."""
    last_unix_ns: int
    """When the last of them started."""
    last_row: int
    """The highest number of a row."""


class Plan(NamedTuple):
    """What is to be dropped next."""

    before_ns: int | None
    """Calls that started before; ``None``: the oldest rows, whenever they started."""
    rows: int
    """How many of them, at most."""
    known: int
    """How many had been dropped when this was planned: where it is more meanwhile, another process is at it."""


def dropped(db: sqlite3.Connection) -> Dropped | None:
    """Return what was dropped of a ledger; ``None``: nothing, as far as it tells."""
    if not db.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (DROPPED,)).fetchone():
        return None
    found = db.execute(f"SELECT {', '.join(Dropped._fields)} FROM {DROPPED}").fetchone()  # noqa: S608  our own names
    return None if found is None else Dropped(*found)


def plan(db: sqlite3.Connection, keep: Keep, now_ns: int) -> Plan | None:
    """Look what is to be dropped: by days first, then by rows; ``None``: nothing. Reads only."""
    told = dropped(db)
    known = 0 if told is None else told.rows
    held: int = db.execute(f"SELECT count(*) FROM {TABLE}").fetchone()[0]  # noqa: S608
    before = None if keep.days is None else now_ns - keep.days * _DAY_NS
    first = _oldest(db, None if before is None else max(0, before), 1)
    if before is not None and first:
        return Plan(before, held - 1, known)
    excess = 0 if keep.rows is None else min(held - keep.rows, held - 1)
    return Plan(None, excess, known) if excess > 0 else None


def drop(db: sqlite3.Connection, planned: Plan, most: int = STEP) -> tuple[int, Plan | None]:
    """Drop a few rows in one transaction.

    Returns:
        How many, and what is left of the plan; ``None``: nothing, or another process was at it too: plan anew.

    Raises:
        sqlite3.Error: nothing was dropped; where another process is writing, trying again later helps.

    """
    db.execute("BEGIN IMMEDIATE")
    try:
        done = _drop(db, planned, most)
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
    return done


def _drop(db: sqlite3.Connection, planned: Plan, most: int) -> tuple[int, Plan | None]:
    told = dropped(db)
    if (0 if told is None else told.rows) != planned.known:
        return 0, None
    size = min(most, planned.rows)
    found = _oldest(db, planned.before_ns, size)
    if not found:
        return 0, None
    db.executemany(f"DELETE FROM {TABLE} WHERE row = ?", [(row,) for row, _ in found])  # noqa: S608
    starts = [start for _, start in found]
    _note(db, told, Dropped(len(found), min(starts), max(starts), max(row for row, _ in found)))
    left = planned.rows - len(found)
    is_more = left > 0 and len(found) == size
    return len(found), Plan(planned.before_ns, left, planned.known + len(found)) if is_more else None


def _oldest(db: sqlite3.Connection, before_ns: int | None, size: int) -> list[tuple[int, int]]:
    """Number and start of the rows that go first; never the newest row."""
    older = f"row < (SELECT max(row) FROM {TABLE})"  # noqa: S608
    order = "row" if before_ns is None else "started_unix_ns"
    if before_ns is not None:
        older += " AND started_unix_ns < ?"
    sql = f"SELECT row, started_unix_ns FROM {TABLE} WHERE {older} ORDER BY {order} LIMIT ?"  # noqa: S608
    return db.execute(sql, (size,) if before_ns is None else (before_ns, size)).fetchall()


def _note(db: sqlite3.Connection, before: Dropped | None, now: Dropped) -> None:
    db.execute(_CREATE)
    if before is not None:
        now = Dropped(
            before.rows + now.rows,
            min(before.first_unix_ns, now.first_unix_ns),
            max(before.last_unix_ns, now.last_unix_ns),
            max(before.last_row, now.last_row),
        )
    db.execute(f"INSERT OR REPLACE INTO {DROPPED} VALUES (1, ?, ?, ?, ?)", now)  # noqa: S608


class Trimmer:
    """Drops what is not to be kept, step by step, for whoever writes."""

    def __init__(self, keep: Keep) -> None:
        self.keep = keep
        self._plan: Plan | None = None
        self._due_s = 0.0

    @property
    def is_busy(self) -> bool:
        """Whether there is more to drop at once."""
        return self._plan is not None

    def step(self, db: sqlite3.Connection, clock_s: float, now_ns: int) -> int:
        """Drop a few rows where there is something to drop; return how many.

        Raises:
            sqlite3.Error: nothing was dropped.

        """
        if self._plan is None:
            if self.keep == Keep() or clock_s < self._due_s:
                return 0
            self._due_s = clock_s + EVERY_S
            self._plan = plan(db, self.keep, now_ns)
        planned, self._plan = self._plan, None
        if planned is None:
            return 0
        count, self._plan = drop(db, planned)
        return count
