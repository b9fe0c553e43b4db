"""Ledgers of older versions: brought up to date by whoever writes to them, completed with NULL for who only reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tierscope.ledger.schema import NAMES, TABLE, VERSION

if TYPE_CHECKING:
    import sqlite3


class Step(NamedTuple):
    """What makes a ledger of the version before into one of this version."""

    version: int
    statements: tuple[str, ...]
    """SQL as it was when the version came: never derived from today's columns."""


STEPS: Final = (
    Step(
        2,
        tuple(
            f"ALTER TABLE calls ADD COLUMN {column}"
            for column in (
                "retry_wait_s REAL",
                "cost_usd REAL",
                "cost_default_usd REAL",
                "cost_expected_usd REAL",
                "cost_basis TEXT",
                "cost_absent TEXT",
                "completion_window TEXT",
                "turnaround_s INTEGER",
                "batch_requests_total INTEGER",
                "batch_requests_completed INTEGER",
                "batch_requests_failed INTEGER",
            )
        ),
    ),
    Step(
        3,
        tuple(
            f"ALTER TABLE calls ADD COLUMN {column}"
            for column in (
                "cache_miss TEXT",
                "cache_missed_tokens_estimated INTEGER",
                "cache_reusable_tokens INTEGER",
                "service TEXT",
                "workload TEXT",
            )
        ),
    ),
)
"""In their order. Columns that a version brought are NULL in older rows: unknown, and never 0."""
OLDEST: Final = STEPS[0].version - 1
"""The oldest version that can be read."""


def version_of(db: sqlite3.Connection) -> int:
    """Return the version that a ledger says it has."""
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    return version


def migrate(db: sqlite3.Connection) -> int | None:
    """Bring a ledger up to date in one transaction: others see the old one or the new one, whatever happens.

    Returns:
        The version that it had; ``None`` where there was nothing to do.

    Raises:
        sqlite3.OperationalError: another process is writing; trying again later may help.

    """
    if version_of(db) >= VERSION:
        return None
    db.execute("BEGIN IMMEDIATE")
    try:
        before = version_of(db)  # another process may have been faster
        for step in STEPS:
            for statement in step.statements if step.version > before else ():
                db.execute(statement)
        db.execute(f"PRAGMA user_version = {VERSION}")
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")
    return before if before < VERSION else None


def complete(db: sqlite3.Connection) -> None:
    """Lay a view over an older ledger's table, for this connection alone: columns that it lacks are NULL in it."""
    if version_of(db) >= VERSION:
        return
    held = {name for (name,) in db.execute("SELECT name FROM pragma_table_info(?, 'main')", (TABLE,))}
    missing = [f"NULL AS {name}" for name in NAMES if name not in held]
    if missing:
        db.execute("PRAGMA temp_store = MEMORY")
        db.execute(f"CREATE TEMP VIEW {TABLE} AS SELECT *, {', '.join(missing)} FROM main.{TABLE}")  # noqa: S608  our own names
