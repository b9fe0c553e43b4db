"""What the check of the demo finds: a ledger made of the simulator's own rows, and one fact of it changed."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import openai
import pytest

import tierscope
from tierscope.cli.check import differences
from tierscope.config import Settings
from tierscope.ledger import store
from tierscope.simulator import SCRIPT_HEADER, Profile, Script, Served, Simulator

TOLD: Final = "response_id, served, input_tokens, output_tokens, reasoning_tokens"
USD: Final = {"priority": 0.000462, "default": 0.000264, "scale": None}
"""Of 100 tokens in, 64 of them cached, and 20 out, on gpt-4.1: 36·3.5 + 64·0.875 + 20·14, 36·2 + 64·0.5 + 20·8."""


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Served, ...]]:
    """Three replies, one of each tier above, and a failure."""
    with Simulator(Profile.fast()) as simulator, openai.OpenAI(api_key="k", base_url=simulator.base_url) as client:
        own = client.with_options(max_retries=0)
        for script in (*(Script(served=tier, input_tokens=100, cached_tokens=64, tokens=20) for tier in USD),):
            own.chat.completions.create(model="gpt-4.1", messages=[], extra_headers={SCRIPT_HEADER: script.json})
        with pytest.raises(openai.InternalServerError):
            own.chat.completions.create(
                model="gpt-4.1", messages=[], extra_headers={SCRIPT_HEADER: Script(status=500).json}
            )
        yield simulator.ledger.settle()


@pytest.fixture
def ledger(served: tuple[Served, ...], tmp_path: Path) -> Path:
    """A ledger that tells the same, with costs in dollars."""
    path = tmp_path / "calls.db"
    db, _ = store.open_to_write(str(path))
    with contextlib.closing(db):
        for row in served:
            told = (row.response_id, row.served or "unreported", row.input_tokens, row.output_tokens)
            db.execute(
                f"INSERT INTO calls ({TOLD}, cost_usd, attempts) VALUES (?, ?, ?, ?, ?, ?, 1)",  # noqa: S608  our own
                (*told, row.reasoning_tokens, USD.get(row.served or "")),
            )
    return path


def change(ledger: Path, sql: str) -> None:
    """Change the ledger."""
    with contextlib.closing(sqlite3.connect(ledger, isolation_level=None)) as db:
        assert db.execute(sql).rowcount


def idents(served: tuple[Served, ...]) -> dict[str | None, str]:
    """The ids of the replies, by tier."""
    return {row.served: row.response_id for row in served if row.response_id is not None}


def test_ledgers_that_agree(ledger: Path, served: tuple[Served, ...]) -> None:
    """Costs too: none of the failure on either side, none of the tier that is paid by the day."""
    assert [row.cost_pico for row in served] == [462_000_000, 264_000_000, None, None]
    assert differences(ledger, served) == []


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("served = 'default'", "served='default', input=100, output=20, reasoning=0, cost_pico=462000000"),
        ("input_tokens = 101", "served='priority', input=101, output=20, reasoning=0, cost_pico=462000000"),
        ("output_tokens = NULL", "served='priority', input=100, output=None, reasoning=0, cost_pico=462000000"),
    ],
    ids=["tier", "tokens", "no tokens"],
)
def test_a_reply_that_is_told_differently(ledger: Path, served: tuple[Served, ...], what: str, said: str) -> None:
    """It is named, with what either side says of it."""
    change(ledger, f"UPDATE calls SET {what} WHERE served = 'priority'")  # noqa: S608  the test's own words
    ident = idents(served)["priority"]
    there = "served='priority', input=100, output=20, reasoning=0, cost_pico=462000000"
    assert differences(ledger, served) == [f"{ident}: Told({said}) here, Told({there}) there"]


@pytest.mark.parametrize(
    ("tier", "cost", "total"),
    [
        ("priority", "0.000462000001", "0.000726000001"),  # one pico-dollar more
        ("priority", "NULL", "0.000264000000"),
        ("scale", "0.000264", "0.000990000000"),  # what its list price would be
    ],
    ids=["one pico-dollar", "unpriced here", "unpriced there"],
)
def test_money_is_compared_to_the_pico_dollar(
    ledger: Path, served: tuple[Served, ...], tier: str, cost: str, total: str
) -> None:
    """In total and reply by reply."""
    change(ledger, f"UPDATE calls SET cost_usd = {cost} WHERE served = '{tier}'")  # noqa: S608  the test's own words
    first, second = differences(ledger, served)
    assert first == f"{total} USD here, 0.000726000000 USD there"
    assert second.startswith(f"{idents(served)[tier]}: ")


@pytest.mark.parametrize("noise", [1e-13, -1e-13])
def test_a_float_is_rounded_to_pico_dollars(ledger: Path, served: tuple[Served, ...], noise: float) -> None:
    """What arithmetic with floats leaves behind is no difference."""
    change(ledger, f"UPDATE calls SET cost_usd = cost_usd + {noise} WHERE cost_usd IS NOT NULL")  # noqa: S608  a number
    assert differences(ledger, served) == []


def test_a_cost_without_a_reply_is_in_the_total(ledger: Path, served: tuple[Served, ...]) -> None:
    """A failure that is priced has no id to be named by."""
    change(ledger, "UPDATE calls SET cost_usd = 1 WHERE response_id IS NULL")
    assert differences(ledger, served) == ["1.000726000000 USD here, 0.000726000000 USD there"]


def test_replies_and_attempts_that_are_missing(ledger: Path, served: tuple[Served, ...]) -> None:
    """On either side."""
    change(ledger, "DELETE FROM calls WHERE served = 'scale'")
    there = "served='scale', input=100, output=20, reasoning=0, cost_pico=None"
    ident = idents(served)["scale"]
    assert differences(ledger, served) == ["3 attempts here, 4 there", f"{ident}: None here, Told({there}) there"]
    kept = tuple(row for row in served if row.served != "scale")
    assert differences(ledger, kept) == []
    assert differences(ledger, kept[:-1]) == ["3 attempts here, 2 there"]


def test_a_ledger_that_is_empty(tmp_path: Path) -> None:
    """Or not there."""
    (tmp_path / "empty.db").touch()
    for name in ("none.db", "empty.db"):
        assert differences(tmp_path / name, ()) == ["the ledger is empty"]


def test_streams_that_break_off_are_no_difference(tmp_path: Path) -> None:
    """The client raises at the error event: of a chat the tier was told before, of a response it comes too late."""
    path, headers = tmp_path / "calls.db", {SCRIPT_HEADER: Script(error_after=3).json}
    with Simulator(Profile.fast()) as simulator, openai.OpenAI(api_key="k", base_url=simulator.base_url) as client:
        tierscope.instrument(Settings(ledger=str(path), trusted_hosts={"127.0.0.1": "openai"}))
        asked = {"model": "gpt-5", "service_tier": "priority", "stream": True, "extra_headers": headers}
        for create, what in ((client.chat.completions.create, "messages"), (client.responses.create, "input")):
            with pytest.raises(openai.APIError, match="overloaded"):
                list(create(**asked, **{what: []}))
        tierscope.uninstrument()
        rows = simulator.ledger.settle()
    assert [(row.served, row.ending) for row in rows] == [("priority", "error")] * 2
    with contextlib.closing(sqlite3.connect(path)) as db:
        told = db.execute("SELECT served, outcome FROM calls ORDER BY row").fetchall()
    assert told == [("priority", "failed"), ("unreported", "failed")]
    assert differences(path, rows) == []
