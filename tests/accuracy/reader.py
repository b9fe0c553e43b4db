"""An application in a process of its own that reads streams, some at a time, and thinks over each chunk for a while.

``python -m tests.accuracy.reader``; its orders come as JSON on the standard input, its ledger is the environment's.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import openai

import tierscope

SCRIPT_HEADER = "x-sim-script"


def read(client: openai.OpenAI, script: str, pause_s: float) -> None:
    """Read one stream to its end."""
    stream = client.chat.completions.create(
        model="gpt-4.1",
        service_tier="priority",
        messages=[{"role": "user", "content": "Which tier is this?"}],
        stream=True,
        stream_options={"include_usage": True},
        extra_headers={SCRIPT_HEADER: script},
    )
    for _ in stream:
        if pause_s:
            time.sleep(pause_s)


def main(scripts: list[str], at_once: int, pause_s: float) -> None:
    """Read them all."""
    tierscope.instrument()
    with openai.OpenAI() as client, ThreadPoolExecutor(at_once) as readers:
        for done in [readers.submit(read, client, script, pause_s) for script in scripts]:
            done.result()


if __name__ == "__main__":
    main(**json.load(sys.stdin))
