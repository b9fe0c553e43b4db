"""Opening ledger files: for writing (created where nothing is), and for reading. Foreign files stay untouched."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias

from tierscope.ledger import migrations
from tierscope.ledger.schema import APPLICATION_ID, COLUMNS, TABLE, VERSION, LedgerError

if sys.platform != "win32":
    import fcntl

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger("tierscope")

BUSY_S: Final = 0.25
"""How long one statement waits for another process; the sink tries again by itself, so this stays short."""
MOVES: Final = 5
"""How often it is tried to open a ledger that is moved meanwhile."""
FOLDS: Final = 10
"""How often it is tried to fold a WAL into its file: for some three seconds at most."""
PATIENCE_S: Final = 5.0
"""How long a reader waits for another process."""
PRIMARY: Final = 0xFF
"""The part of an SQLite error code that names its kind."""
_NEW: Final = (0, 0, 0)
Identity: TypeAlias = tuple[int, int]
"""Device and number of a file."""


def _marks(db: sqlite3.Connection) -> tuple[int, int, int]:
    """Application id, version, and the number of things in the file: all zero in a file that is still nobody's.

    Of one moment: another process may make the ledger between two statements, which would look like a foreign file.
    """
    db.execute("SAVEPOINT marks")  # also inside of a transaction, unlike BEGIN
    marks = (
        db.execute("PRAGMA application_id").fetchone()[0],
        db.execute("PRAGMA user_version").fetchone()[0],
        db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0],
    )
    db.execute("RELEASE marks")
    return marks


def _is_ledger(db: sqlite3.Connection, path: str) -> bool:
    """Whether this is a ledger of our version or an older one; false for an empty file.

    Raises:
        LedgerError: it is something else.

    """
    try:
        marks = _marks(db)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):
            raise
        raise LedgerError(f"{path} is not a ledger: no SQLite file, or a broken one ({error}). Name another.") from None
    if marks == _NEW:
        return False
    application, version, _ = marks
    if application != APPLICATION_ID:
        raise LedgerError(
            f"{path} is not a ledger: it is an SQLite file of another application "
            f"(application_id {application:#x}). Name another file."
        )
    if not migrations.OLDEST <= version <= VERSION:
        remedy = "Upgrade Tierscope" if version > VERSION else "Take the Tierscope that wrote it"
        raise LedgerError(
            f"{path} is a ledger of version {version}, this Tierscope writes version {VERSION} and reads versions from "
            f"{migrations.OLDEST} on. {remedy}, or name another file."
        )
    return True


def identity(path: str) -> Identity | None:
    """Return which file stands at this path; ``None``: none."""
    with contextlib.suppress(OSError):
        status = Path(path).stat()
        return status.st_dev, status.st_ino
    return None


def fold(db: sqlite3.Connection) -> None:
    """Bring every commit into the file itself, which was moved without its WAL; another writer may be at it too."""
    with contextlib.suppress(sqlite3.Error):  # a file that was removed with its folder
        db.rollback()  # inside of a transaction nothing is folded
        for _ in range(FOLDS):
            if db.execute("PRAGMA wal_checkpoint(FULL)").fetchone()[0] == 0:
                return
            time.sleep(BUSY_S / FOLDS)


def open_to_write(path: str) -> tuple[sqlite3.Connection, Identity | None]:
    """Open a ledger, creating it where there is no file or an empty one; usable from any one thread at a time.

    Returns:
        The connection, and which file it is: the one that stood at the path from before it was opened until SQLite had
        its WAL, which is found by name. Opened over a move, a connection would have the one file and the other's WAL.

    Raises:
        LedgerError: the file is something else; it was not changed.
        sqlite3.OperationalError: it cannot be opened or is locked; trying again later may help.

    """
    for _ in range(MOVES):
        file = identity(path)
        try:
            _refuse_foreign(path)
            _make_way(Path(path))
            file = identity(path)
            db = _connect(path)
        except (sqlite3.OperationalError, LedgerError):  # of one file with the WAL of another, either may be said
            if identity(path) == file:
                raise
            continue
        if identity(path) == file:
            return db, file
        db.close()
    raise sqlite3.OperationalError(f"{path} is moved or removed again and again")


def _connect(path: str) -> sqlite3.Connection:
    """Connect to a file that is there, make it a ledger if it is empty, and one of our version if it is older."""
    uri = f"{Path(path).absolute().as_uri()}?mode=rw"
    db = sqlite3.connect(uri, uri=True, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
    try:
        if not _is_ledger(db, path):
            _create(db, path)
        before = migrations.migrate(db)
        if before is not None:
            log.info("Tierscope: the ledger %s was of version %d, and is of version %d now.", path, before, VERSION)
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        db.close()
        raise
    return db


def _make_way(path: Path) -> None:
    """Where there is no file, begin one, and remove what SQLite keeps beside it.

    Of a ledger that was moved or removed, other processes may still use these: shared with a new one, they spoil both.
    """
    if path.exists():
        return
    with contextlib.suppress(OSError), _alone_in(path.parent):  # said when it is opened to write
        if not path.exists():
            for suffix in ("-wal", "-shm"):
                path.with_name(path.name + suffix).unlink(missing_ok=True)
            path.touch(0o644)  # as SQLite does


@contextlib.contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Keep other processes of ours from making a ledger in this folder meanwhile."""
    if sys.platform == "win32":  # no file is removed there while it is open
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
        fcntl.flock(handle, fcntl.LOCK_UN)  # a child forked meanwhile has the handle too
    finally:
        os.close(handle)


def _refuse_foreign(path: str) -> None:
    """Look at a file by a connection that cannot write: closing another would fold a foreign file's WAL into it.

    Raises:
        LedgerError: it is something else.

    """
    with contextlib.suppress(sqlite3.OperationalError):  # not there yet, locked: said when it is opened to write
        db = _attached(Path(path), "mode=ro", BUSY_S)
        if db is not None:
            db.close()


def _create(db: sqlite3.Connection, path: str) -> None:
    """Make the table; whoever of several processes comes second finds it made."""
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("BEGIN IMMEDIATE")
    try:
        if not _is_ledger(db, path):
            columns = ", ".join(f"{column.name} {column.kind}" for column in COLUMNS)
            db.execute(f"CREATE TABLE {TABLE} (row INTEGER PRIMARY KEY, {columns})")
            db.execute(f"CREATE INDEX {TABLE}_started ON {TABLE} (started_unix_ns)")
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            db.execute(f"PRAGMA user_version = {VERSION}")
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def open_to_read(path: str | Path) -> sqlite3.Connection | None:
    """Open a ledger for reading; ``None`` where the file is still empty.

    Raises:
        LedgerError: there is no such file, it cannot be read, or it is something else.

    """
    path = Path(path)
    if not path.is_file():
        found = "it is a directory" if path.is_dir() else "there is no such file"
        raise LedgerError(f"{path}: {found}. A ledger is written by `tierscope run` or with TIERSCOPE_LEDGER={path}.")
    try:
        return _opened(path)
    except sqlite3.Error as error:
        remedy = "Try again" if is_locked(error) else "Check its permissions, and those of its folder"
        raise LedgerError(f"{path} cannot be read: {error}. {remedy}.") from None


def _opened(path: Path) -> sqlite3.Connection | None:
    """Open it as it is; in a read-only place and without a WAL, as a file that never changes."""
    try:
        return _attached(path, "mode=ro", PATIENCE_S)
    except sqlite3.OperationalError as error:
        if is_locked(error) or Path(f"{path}-wal").exists():
            raise
    return _attached(path, "immutable=1", PATIENCE_S)


def is_locked(error: sqlite3.Error) -> bool:
    """Whether another process is at work on the file: a matter of time."""
    return (getattr(error, "sqlite_errorcode", 0) & PRIMARY) == sqlite3.SQLITE_BUSY


def _attached(path: Path, how: str, patience: float) -> sqlite3.Connection | None:
    """A connection that cannot write to this ledger; ``None`` where the file is still empty."""
    uri = f"{path.absolute().as_uri()}?{how}"
    db = sqlite3.connect(uri, uri=True, timeout=patience, check_same_thread=False)
    try:
        if _is_ledger(db, str(path)):
            migrations.complete(db)
            return db
    except BaseException:
        db.close()
        raise
    db.close()
    return None
