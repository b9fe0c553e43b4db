"""What the service may answer, and what clocks may be wrong by: one clear line each; pages are followed."""

from __future__ import annotations

import json
import re
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, Final

import pytest
from tests.cli.books import CLOSED, H, answering, calls, invoke, line, page, result

if TYPE_CHECKING:
    from pathlib import Path

NOBODY: Final = "http://127.0.0.1:1/v1"


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """A ledger of one call in a closed hour."""
    return calls(tmp_path / "calls.db", CLOSED + 60)


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
