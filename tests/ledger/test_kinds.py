"""Kinds of rows: numbered as they come first, of one moment, and gone afterwards."""

from __future__ import annotations

import contextlib
import sqlite3
from typing import TYPE_CHECKING, Final

from tests.ledger.made import PLAIN, write

from tierscope.ledger.kinds import NUMBERED, STARTED, among, numbered, total, whole
from tierscope.ledger.queries import Tally
from tierscope.ledger.store import open_to_read
from tierscope.model import Reply, Usage

if TYPE_CHECKING:
    from pathlib import Path

    from tierscope.model import Call

COLUMNS: Final = ("served", "expected")


def call(served: str, expected: str | None, started: int = 0, taken: int | None = None) -> Call:
    usage = None if taken is None else Usage(taken, 0)
    return PLAIN._replace(
        request=PLAIN.request._replace(expected=expected),
        reply=Reply(usage=usage),
        served=served,
        timing=PLAIN.timing._replace(unix_ns=started),
    )


CALLS: Final = (
    call("flex", None, 10),
    call("default", "flex", 20),
    call("flex", None, 30),
    call("flex", "flex", 40),
    call("default", "flex", 50),
)


def opened(path: Path) -> sqlite3.Connection:
    write(path, CALLS)
    db = open_to_read(path)
    assert db is not None
    return db


def test_kinds_are_numbered_as_they_come_first(tmp_path: Path) -> None:
    """What is unknown is a value like others."""
    with contextlib.closing(opened(tmp_path / "calls.db")) as db, numbered(db, COLUMNS) as kinds:
        assert kinds.of(COLUMNS) == {1: ("flex", None), 2: ("default", "flex"), 3: ("flex", "flex")}
        assert kinds.of(("expected", "served"))[2] == ("flex", "default")
        found = db.execute(f"SELECT row, kind, started_unix_ns FROM {NUMBERED}").fetchall()  # noqa: S608
        assert found == [(1, 1, 10), (2, 2, 20), (3, 1, 30), (4, 3, 40), (5, 2, 50)]
        some = db.execute(f"SELECT count(*) FROM {NUMBERED} WHERE {among([3, 1])}").fetchall()  # noqa: S608
        assert some == [(3,)]


def test_only_some_rows(tmp_path: Path) -> None:
    """Those of a period, from its begin to before its end."""
    with contextlib.closing(opened(tmp_path / "calls.db")) as db, numbered(db, COLUMNS, STARTED, (20, 40)) as kinds:
        assert kinds.of(COLUMNS) == {1: ("default", "flex"), 2: ("flex", None)}
        assert db.execute("SELECT row, kind FROM temp.numbered").fetchall() == [(2, 1), (3, 2)]


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    """Twice by one connection, once after an error; another process may write meanwhile, which is not seen."""
    path = tmp_path / "calls.db"
    with contextlib.closing(opened(path)) as db, contextlib.closing(sqlite3.connect(path)) as other:
        with contextlib.suppress(KeyError), numbered(db, COLUMNS):
            raise KeyError
        with numbered(db, COLUMNS):
            with other:
                other.execute("DELETE FROM calls WHERE row > 1")
            assert db.execute("SELECT count(*) FROM calls").fetchone() == (5,)
        assert db.execute("SELECT count(*) FROM temp.sqlite_master").fetchone() == (0,)
        assert db.execute("SELECT count(*) FROM calls").fetchone() == (1,)
        assert not db.in_transaction


def test_sums_beyond_64_bits(tmp_path: Path) -> None:
    """Three times as many tokens as a column can hold, and fewer than none."""
    most = 2**63 - 1
    write(tmp_path / "calls.db", [call("flex", None, taken=taken) for taken in (most, most, most, None, -5)])
    db = open_to_read(tmp_path / "calls.db")
    assert db is not None
    tally = Tally()
    with contextlib.closing(db):
        tally.read(db)
        sums = db.execute(f"SELECT {total('input_tokens')}, {total('-input_tokens')} FROM calls").fetchone()  # noqa: S608
    assert whole(sums) == [3 * most - 5, 5 - 3 * most]
    assert tally.report().tokens.input == 3 * most - 5
