"""The demo's check: a ledger against what the simulator served, with work that is no inference beside it."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

import openai

import tierscope
from tierscope.cli.check import differences
from tierscope.cli.report import read
from tierscope.config import Settings
from tierscope.simulator import SCRIPT_HEADER, Profile, Script, Simulator

if TYPE_CHECKING:
    from pathlib import Path

CHAT: Final[dict[str, Any]] = {"model": "gpt-5", "messages": [{"role": "user", "content": "hi"}]}
AT_ONCE: Final = {SCRIPT_HEADER: Script(first_delay=0.0, input_tokens=500, output_tokens=50).json}
TOLD: Final = "SELECT operation, served, outcome, attempts, input_tokens, output_tokens, turnaround_s FROM calls"


def test_batches_are_no_difference(tmp_path: Path) -> None:
    """Calls and attempts are equal to the simulator's rows, in which batches are not; the report has them apart."""
    path = tmp_path / "calls.db"
    with Simulator(Profile.fast()) as simulator, openai.OpenAI(api_key="k", base_url=simulator.base_url) as client:
        tierscope.instrument(Settings(ledger=str(path), trusted_hosts={"127.0.0.1": "openai"}))
        made = client.batches.create(
            input_file_id="f", endpoint="/v1/responses", completion_window="24h", extra_headers=AT_ONCE
        )
        client.chat.completions.create(**CHAT)
        while client.batches.retrieve(made.id).status != "completed":
            pass
        client.batches.list()
        tierscope.uninstrument()
        assert differences(path, simulator.ledger.settle()) == []
    with closing(sqlite3.connect(path)) as db:
        (chat,), (batch,) = (db.execute(f"{TOLD} WHERE operation = '{kind}'").fetchall() for kind in ("chat", "batch"))
    assert chat[:4] == ("chat", "default", "resolved", 1)
    assert batch == ("batch", "batch", "honored", 0, 500, 50, 0)
    report = read(path)
    assert (report.calls, report.attempts, report.batches, report.batch_tokens.input) == (1, 1, 1, 500)
