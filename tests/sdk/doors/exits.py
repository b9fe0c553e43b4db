"""The last door: the process ends while streams are open. Its ledger must hold a record of each."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tests.sdk import replies
from tests.sdk.doors.apis import APIS, HELD_AFTER
from tests.sdk.doors.table import Record

if TYPE_CHECKING:
    from tests.sdk.conftest import Service

PROGRAM: Final = """
import asyncio, gc, sys
import openai
import tierscope

gc.disable()  # nothing but the end of the process may end these streams
tierscope.instrument()
ask = {"model": "m", "messages": [], "service_tier": "priority", "stream": True}

def blocking(client):
    global kept
    kept = client.chat.completions.create(**ask)
    next(kept)
    next(client.chat.completions.create(**ask))

async def awaited(client):
    global kept
    kept = await client.chat.completions.create(**ask)
    await anext(kept)
    await anext(await client.chat.completions.create(**ask))

where = {"api_key": "k", "base_url": sys.argv[1]}
if sys.argv[2] == "sync":
    blocking(openai.OpenAI(**where))
else:
    asyncio.run(awaited(openai.AsyncOpenAI(**where)))
"""

MEMORY: Final = "/dev/shm"  # noqa: S108  the flush at exit has five seconds, which a busy disk may need for one row


def left_open(service: Service, backend: str) -> list[Record]:
    """Run a program that ends with two open streams, one kept and one dropped; return what its ledger holds."""
    url = service.url(replies.stream(APIS["chat"].events), hold_after=HELD_AFTER)
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("OTEL_", "TIERSCOPE_"))}
    with tempfile.TemporaryDirectory(dir=MEMORY if Path(MEMORY).is_dir() else None) as folder:
        ledger = Path(folder) / "calls.db"
        env = {**clean, "TIERSCOPE_LEDGER": str(ledger), "TIERSCOPE_TRUSTED_HOSTS": "127.0.0.1=openai"}
        program = [sys.executable, "-W", "ignore", "-c", PROGRAM, url, backend]
        subprocess.run(program, env=env, check=True, timeout=60, capture_output=True)
        with closing(sqlite3.connect(ledger)) as rows:
            found = rows.execute("SELECT ending, outcome, output_tokens FROM calls").fetchall()
    return [Record(*row, when="at exit") for row in found]
