"""What can be wrong with a key, an answer, a clock, a ledger, a range or a file: one clear line each."""

from __future__ import annotations

import contextlib
import json
import os
import re
import sqlite3
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Any, Final

import pytest
from tests.cli.books import CLOSED, H, S, answering, invoke, run
from tests.cli.months import GOOD
from tests.ledger.made import write

from tierscope.cli import admin
from tierscope.simulator import Profile, Simulator
from tierscope.simulator.admin import ADMIN_KEY, UNSCOPED_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from click.testing import Result

NOBODY: Final = "http://127.0.0.1:1/v1"


def calls(path: Path, *moments: int) -> Path:
    """Write a ledger of calls at these moments."""
    write(path, [GOOD._replace(timing=GOOD.timing._replace(unix_ns=seconds * S)) for seconds in moments])
    return path


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """A ledger of one call in a closed hour."""
    return calls(tmp_path / "calls.db", CLOSED + 60)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A service that has served nothing."""
    with Simulator(Profile.fast()) as simulator:
        yield simulator.base_url


def result(begin: int = CLOSED, requests: int = 1) -> dict[str, Any]:
    """Return a bucket of the ledger's own call."""
    used = {
        "num_model_requests": requests,
        "input_tokens": 1_200 * requests,
        "input_cached_tokens": 0,
        "output_tokens": 150 * requests,
        "model": "gpt-4.1-2025-04-14",
        "service_tier": "priority",
    }
    return {"start_time": begin, "end_time": begin + H, "results": [used]}


def page(*buckets: dict[str, Any], **more: Any) -> str:
    return json.dumps({"object": "page", "data": list(buckets), "has_more": False, **more})


def line(done: Result, status: int = 1) -> str:
    """Return the one line of an error; nothing came out, no key is shown."""
    assert (done.exit_code, done.stdout) == (status, ""), done.output
    said = [one for one in done.stderr.splitlines() if one.startswith("Error: ")]
    assert len(said) == 1, done.stderr
    assert "Traceback" not in done.output
    assert "sk-" not in done.output
    return said[0]


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


# ── the answer ────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_nobody_answers(ledger: Path) -> None:
    assert "127.0.0.1:1 cannot be reached" in line(invoke("--ledger", ledger, "--base-url", NOBODY))


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, "<html>", "answered no page as the API documents it"),
        (200, "[]", "answered no page as the API documents it: it is list"),
        (200, '{"data": [{"start_time": 1}]}', "a bucket has no results"),
        (200, page(has_more=True), "names no next page"),
        (200, page(has_more=True, next_page="a"), "the same next page comes again and again"),
        (404, "{}", "is the base URL that of the API, with /v1?"),
        (400, '{"error": {"message": "no \\u001b[31m such sk-admin-simulated"}}', "answered 400"),
    ],
    ids=["html", "list", "bucket", "no-cursor", "circle", "404", "400"],
)
def test_an_answer_that_is_none(ledger: Path, status: int, body: str, said: str) -> None:
    with answering(lambda _: (status, body, {})) as base_url:
        told = line(invoke("--ledger", ledger, "--base-url", base_url))
    assert said in told
    assert "\x1b" not in told


@pytest.mark.parametrize(
    ("status", "said"), [(429, "5 times for too many requests (429)"), (500, "answered 500, 5 of 5")]
)
def test_a_refusal_that_does_not_pass(ledger: Path, status: int, said: str) -> None:
    """Five tries, as far apart as the service asks for."""
    asked: list[str] = []

    def answer(path: str) -> tuple[int, str, dict[str, str]]:
        asked.append(path)
        return status, "{}", {"retry-after-ms": "1"}

    with answering(answer) as base_url:
        assert said in line(invoke("--ledger", ledger, "--base-url", base_url))
    assert len(asked) == 5


def test_a_refusal_for_too_long_is_not_waited_out(ledger: Path) -> None:
    """More than two minutes: said at once."""
    with answering(lambda _: (429, "{}", {"retry-after": "3600"})) as base_url:
        assert "1 times for too many" in line(invoke("--ledger", ledger, "--base-url", base_url))


def test_pages_are_followed(ledger: Path) -> None:
    """Each is asked for by its cursor, until none is named; the first hour of each adds up."""

    def answer(path: str) -> tuple[int, str, dict[str, str]]:
        if "usage" not in path:
            return 200, page(), {}
        second = "page=abc" in path
        return 200, page(result(), **({} if second else {"has_more": True, "next_page": "abc"})), {}

    with answering(answer) as base_url:
        done = invoke("--ledger", ledger, "--base-url", base_url, "--json")
    assert json.loads(done.stdout)["total"]["theirs"]["requests"] == 2
    assert "usage: 1 page so far" in done.stderr


# ── clocks ────────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(("ahead", "said"), [(4_000, "ahead of"), (-4_000, "behind")])
def test_this_machines_clock_is_wrong(ledger: Path, ahead: int, said: str) -> None:
    """By more than a tenth of what is compared, as the service's own `Date` tells."""
    dated = {"date": formatdate(time.time() - ahead, usegmt=True)}
    with answering(lambda _: (200, page(result()), dated)) as base_url:
        told = line(invoke("--ledger", ledger, "--base-url", base_url))
    assert f" s {said} that of 127.0.0.1" in told
    assert re.search(r"clock is (3,999|4,00[01]) s", told)


def test_a_clock_that_is_a_little_off_is_told(ledger: Path) -> None:
    """A program sees by how much."""
    dated = {"date": formatdate(time.time() - 60, usegmt=True)}
    with answering(lambda path: (200, page(result()) if "usage" in path else page(), dated)) as base_url:
        done = invoke("--ledger", ledger, "--base-url", base_url, "--json")
    assert 58 < json.loads(done.stdout)["clock_ahead_s"] < 63


def test_the_ledgers_clock_was_wrong(tmp_path: Path) -> None:
    """Three hours of it are there, two hours earlier: no other clock says so."""
    ledger = calls(tmp_path / "calls.db", *(CLOSED - n * H + 60 for n in (0, 1, 2) for _ in range(n + 1)))
    buckets = [result(CLOSED - (n + 2) * H, n + 1) for n in (0, 1, 2)]
    with answering(lambda _: (200, page(*buckets), {})) as base_url:
        told = line(invoke("--ledger", ledger, "--base-url", base_url))
    assert "calls.db is 2 hours ahead of 127.0.0.1" in told
    assert "each of its figures is there, 2 hours earlier" in told


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
