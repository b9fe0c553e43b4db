"""The pieces a stream is sent in: server-sent events as the service frames them (recorded)."""

import json
import random
import string
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tierscope.simulator.ask import Ask
from tierscope.simulator.errors import Problem
from tierscope.simulator.plan import Plan
from tierscope.simulator.profile import Model
from tierscope.simulator.tiers import Verdict

DONE = b"data: [DONE]\n\n"
_LETTERS = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Frame:
    """One event: its bytes, when it is due (seconds from the request), and whether it is a delta a script counts."""

    data: bytes
    due: float
    delta: bool = False


@dataclass(frozen=True, slots=True)
class Job:
    """One reply in the making: the request, the decision and the plan, under one id."""

    ask: Ask
    model: Model
    verdict: Verdict
    plan: Plan
    id: str
    created: int
    padding: random.Random
    diagnostics: Mapping[str, Any] | None = None

    @property
    def served(self) -> dict[str, str | None]:
        """`service_tier` of a whole reply: absent where the endpoint or the script has none, else as decided."""
        if self.verdict.served is None or self.plan.tier_on == "none":
            return {}
        return {"service_tier": None if self.plan.tier_on == "null" else self.verdict.served}

    def obfuscation(self, delta: str) -> dict[str, str]:
        """Padding that hides token lengths (16 characters with the delta; recorded), unless the caller declines."""
        options = self.ask.body.get("stream_options")
        if isinstance(options, Mapping) and options.get("include_obfuscation") is False:
            return {}
        return {"obfuscation": "".join(self.padding.choices(_LETTERS, k=16 - len(delta) % 16))}


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of endpoint: how it prints a whole reply, a stream, and an error inside the stream."""

    body: Callable[[Job], dict[str, Any]]
    frames: Callable[[Job], Iterator[Frame]]
    failure: Callable[[Job, Problem, int], bytes]


def data(value: Mapping[str, Any]) -> bytes:
    """An event of the chat and completions streams: `data:` alone."""
    return b"data: " + dumps(value) + b"\n\n"


def event(value: Mapping[str, Any]) -> bytes:
    """An event of a Responses stream: its type on the `event:` line and in the data."""
    return b"event: " + str(value["type"]).encode() + b"\ndata: " + dumps(value) + b"\n\n"


def dumps(value: Mapping[str, Any]) -> bytes:
    """Compact JSON, as the service sends it."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def new_id(prefix: str) -> str:
    """An id no other reply has, in any process: ids are not part of what a seed repeats."""
    return prefix + uuid.uuid4().hex
