"""Completions and embeddings: no tier in request or reply (types of the SDK), usage all the same."""

import base64
import random
import struct
from collections.abc import Iterator
from typing import Any

from tierscope.simulator.chat import failure
from tierscope.simulator.frames import DONE, Family, Frame, Job, data
from tierscope.simulator.plan import Usage

_DIMENSIONS = 8


def _usage(used: Usage) -> dict[str, int]:
    return {
        "prompt_tokens": used.input,
        "completion_tokens": used.output,
        "total_tokens": used.input + used.output,
    }


def _head(job: Job) -> dict[str, Any]:
    return {"id": job.id, "object": "text_completion", "created": job.created, "model": job.model.snapshot}


def _choice(text: str, index: int, finish: str | None) -> dict[str, Any]:
    return {"text": text, "index": index, "logprobs": None, "finish_reason": finish}


def _finish(job: Job) -> str:
    return "length" if job.plan.ending == "incomplete" else "stop"


def _body(job: Job) -> dict[str, Any]:
    text = "".join(job.plan.texts)
    reply = _head(job) | {"choices": [_choice(text, i, _finish(job)) for i in range(job.plan.choices)]}
    return reply | ({"usage": _usage(job.plan.usage)} if job.plan.usage else {})


def _frames(job: Job) -> Iterator[Frame]:
    plan = job.plan
    for number, text in enumerate(plan.texts):
        for index in range(plan.choices):
            yield Frame(data(_head(job) | {"choices": [_choice(text, index, None)]}), plan.text_due(number), delta=True)
    if plan.ending == "none":
        return
    for index in range(plan.choices):
        yield Frame(data(_head(job) | {"choices": [_choice("", index, _finish(job))]}), plan.end())
    options = job.ask.body.get("stream_options") or {}
    if options.get("include_usage") is True and plan.usage:
        yield Frame(data(_head(job) | {"choices": [], "usage": _usage(plan.usage)}), plan.end())
    yield Frame(DONE, plan.end())


COMPLETIONS = Family(_body, _frames, failure)


def _embeddings(job: Job) -> dict[str, Any]:
    """Vectors of eight numbers (modelled), as floats or base64, which is what the SDK asks for."""
    inputs = job.ask.body.get("input")
    count = len(inputs) if isinstance(inputs, list) and inputs and not isinstance(inputs[0], int) else 1
    encode = _base64 if job.ask.body.get("encoding_format") == "base64" else list
    rows = [{"object": "embedding", "index": i, "embedding": encode(_vector(i))} for i in range(count)]
    reply: dict[str, Any] = {"object": "list", "data": rows, "model": job.model.snapshot}
    if job.plan.usage:
        reply["usage"] = {"prompt_tokens": job.plan.usage.input, "total_tokens": job.plan.usage.input}
    return reply


def _vector(index: int) -> list[float]:
    rng = random.Random(index)  # noqa: S311  # numbers for a test, not a secret
    return [round(rng.uniform(-0.1, 0.1), 6) for _ in range(_DIMENSIONS)]


def _base64(vector: list[float]) -> str:
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()


def _no_frames(_job: Job) -> Iterator[Frame]:
    yield from ()


EMBEDDINGS = Family(_embeddings, _no_frames, failure)
