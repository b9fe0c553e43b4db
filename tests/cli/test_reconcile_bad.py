"""What can be wrong with a key, an answer, a clock, a ledger, a range or a file: one clear line each."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import time
from typing import TYPE_CHECKING, Final

import pytest
from tests.cli.books import CLOSED, H, answering, calls, invoke, line, page, result, run

from tierscope.cli import admin
from tierscope.simulator import Profile, Simulator
from tierscope.simulator.admin import ADMIN_KEY, UNSCOPED_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


NOBODY: Final = "http://127.0.0.1:1/v1"


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """A ledger of one call in a closed hour."""
    return calls(tmp_path / "calls.db", CLOSED + 60)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A service that has served nothing."""
    with Simulator(Profile.fast()) as simulator:
        yield simulator.base_url


# ── the key ───────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("key", "said"),
    [
        (None, "OPENAI_ADMIN_KEY is not set"),
        ("  ", "OPENAI_ADMIN_KEY is not set"),
        ("sk-admin-a\nb", "OPENAI_ADMIN_KEY is no key"),
        ("sk-admin-\u00e9", "OPENAI_ADMIN_KEY is no key"),
        ("sk-invalid", "refused the key in OPENAI_ADMIN_KEY (401)"),
        ("sk-proj-1", "lacks the permission api.usage.read (403)"),
        (UNSCOPED_KEY, "lacks the permission api.usage.read (403)"),
    ],
    ids=["none", "blank", "two-lines", "accent", "refused", "of-a-project", "without-scope"],
)
def test_a_key_that_will_not_do(ledger: Path, url: str, key: str | None, said: str) -> None:
    """Named by its variable, never shown; what the gauge held stays."""
    gauge = ledger.with_name("t.prom")
    gauge.write_text("before")
    assert said in line(invoke("--ledger", ledger, "--base-url", url, "--gauge", gauge, key=key))
    assert gauge.read_text() == "before"
    assert [one.name for one in ledger.parent.iterdir() if one.suffix == ".tmp"] == []


def test_a_missing_scope_may_come_as_401(ledger: Path) -> None:
    """As in some reports."""
    body = json.dumps({"error": {"message": "Missing scopes: api.usage.read", "type": "x"}})
    with answering(lambda _: (401, body, {})) as base_url:
        assert "lacks the permission api.usage.read (401)" in line(invoke("--ledger", ledger, "--base-url", base_url))


@pytest.mark.parametrize(
    ("base_url", "said"),
    [
        ("http://example.com/v1", "would get the admin key in the clear. Use https"),
        ("example.com/v1", "is no address"),
        ("ftp://example.com", "is no address"),
    ],
)
def test_a_key_goes_nowhere_in_the_clear(ledger: Path, base_url: str, said: str) -> None:
    assert said in line(invoke("--ledger", ledger, "--base-url", base_url), 2)


def test_the_key_goes_to_the_api_alone() -> None:
    """Not to the gateway that OPENAI_BASE_URL names."""
    env = {"OPENAI_ADMIN_KEY": ADMIN_KEY, "OPENAI_BASE_URL": "https://gateway.example.com"}
    assert admin.access(None, env) == ("https://api.openai.com/v1", ADMIN_KEY)


def test_the_key_is_no_option() -> None:
    """A command line is seen by every process of a machine."""
    assert "key" not in " ".join(option for option in invoke("--help").stdout.split() if option.startswith("--"))


# ── ledgers ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_ledger_that_is_none(tmp_path: Path, url: str) -> None:
    """Absent, empty, without a call, of something else, of another version, cut off, locked."""
    whole = calls(tmp_path / "whole.db", *(CLOSED + n for n in range(500)))
    (tmp_path / "version.db").write_bytes(whole.read_bytes())
    run(tmp_path / "version.db", "PRAGMA user_version = 99")
    (tmp_path / "cut.db").write_bytes(whole.read_bytes()[:20_000])
    (tmp_path / "text.db").write_text("no ledger" * 99)
    (tmp_path / "empty.db").touch()
    calls(tmp_path / "bare.db")
    said = {
        "absent.db": "there is no such file",
        "version.db": "is a ledger of version 99",
        "cut.db": "a broken one (database disk image is malformed)",
        "text.db": "is not a ledger",
        "empty.db": "holds no call yet",
        "bare.db": "holds no call yet",
    }
    found = {name: line(invoke("--ledger", tmp_path / name, "--base-url", url)) for name in said}
    assert {name: text for name, text in said.items() if text not in found[name]} == {}, found


def test_a_ledger_that_is_locked(ledger: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tierscope.ledger.store.PATIENCE_S", 0.01)
    run(ledger, "PRAGMA journal_mode = DELETE")
    with contextlib.closing(sqlite3.connect(ledger)) as db:
        db.execute("BEGIN EXCLUSIVE")
        assert "locked. Try again" in line(invoke("--ledger", ledger, "--base-url", url))


# ── ranges ────────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (("--from", "yesterday"), 2, "'yesterday' is no time. Write it as 2026-11-26T08:00"),
        (("--from", "9999-01-01"), 2, "is no time of a call"),
        (("--from", "2026-11-02", "--to", "2026-11-01"), 2, "is not after"),
        (("--from", "2025-11-25T08:10", "--to", "2025-11-25T08:50"), 1, "No whole hour from 2025-11-25 08:10"),
        (("--from", "2999-01-01", "--to", "2999-01-02"), 1, "is closed yet"),
        (
            ("--from", "2025-11-25", "--to", "2025-11-26"),
            1,
            "counted no request from 2025-11-25 00:00 to 2025-11-26 00:00",
        ),
        (("--from", "2025-11-01", "--bucket", "1m"), 2, "at most 10,080 are compared at once"),
        (("--bucket", "1w"), 2, "is not one of"),
        (("--fail-under", "9"), 2, "is not in the range"),
    ],
)
def test_a_range_that_will_not_do(ledger: Path, url: str, options: tuple[str, ...], status: int, said: str) -> None:
    assert said in line(invoke("--ledger", ledger, "--base-url", url, *options), status)


def test_a_range_in_which_only_the_ledger_has_calls(ledger: Path, url: str) -> None:
    """No coverage of nothing: it says what each side has."""
    told = line(invoke("--ledger", ledger, "--base-url", url))
    assert "counted no request" in told
    assert "calls.db holds 1 call of then" in told


def test_the_open_hour_is_named_and_left_out(tmp_path: Path) -> None:
    """And partial hours at either end are not compared."""
    now = int(time.time())
    ledger = calls(tmp_path / "calls.db", CLOSED + 60, now)
    with answering(lambda path: (200, page(result()) if "usage" in path else page(), {})) as base_url:
        done = invoke("--ledger", ledger, "--base-url", base_url, "--json")
    told = json.loads(done.stdout)
    assert now // H * H in told["open_unix_s"]
    assert told["total"]["ours"]["requests"] == 1


# ── files ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_gauge_that_cannot_be_written(ledger: Path, url: str, tmp_path: Path) -> None:
    """Said before anything is asked."""
    (tmp_path / "folder.prom").mkdir()
    (tmp_path / "closed").mkdir(mode=0o500)
    said = {tmp_path / "none" / "t.prom": "there is no folder", tmp_path / "folder.prom": "it is a folder"}
    if os.getuid():
        said[tmp_path / "closed" / "t.prom"] = "no permission"
    for path, text in said.items():
        assert text in line(invoke("--ledger", ledger, "--base-url", NOBODY, "--gauge", path))


def test_a_gauge_that_fails_in_the_end(tmp_path: Path) -> None:
    """A disk that is full meanwhile: what stood there stands there still, and nothing beside it."""
    from click import ClickException

    from tierscope.cli import gauge

    target = tmp_path / "t.prom"
    target.mkdir()
    with pytest.raises(ClickException, match="cannot write"):
        gauge.write(target, "text")
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "cannot be read: No such file"), (b"\xff\xfe\x00", "is no text in UTF-8"), (b"{", "is no JSON")],
    ids=["absent", "binary", "cut"],
)
def test_an_export_that_will_not_do(ledger: Path, tmp_path: Path, content: bytes | None, said: str) -> None:
    if content is not None:
        (tmp_path / "azure.json").write_bytes(content)
    assert said in line(invoke("--ledger", ledger, "--azure", tmp_path / "azure.json", key=None))
