"""Chat completions: whole replies and streams (shapes recorded; the placing of the tier per chunk is a profile's)."""

from collections.abc import Iterator, Mapping
from typing import Any

from tierscope.simulator.errors import Problem
from tierscope.simulator.frames import DONE, Family, Frame, Job, data, new_id
from tierscope.simulator.plan import Usage
from tierscope.simulator.text import pieces

_FINISH = {"completed": "stop", "incomplete": "length", "failed": "stop"}
_SAFE = {name: {"filtered": False, "severity": "safe"} for name in ("hate", "self_harm", "sexual", "violence")}


def usage(used: Usage) -> dict[str, Any]:
    """The `usage` object of chat completions."""
    return {
        "prompt_tokens": used.input,
        "completion_tokens": used.output,
        "total_tokens": used.input + used.output,
        "prompt_tokens_details": {"cached_tokens": used.cached, "audio_tokens": 0}
        | ({"cache_write_tokens": used.cache_write} if used.cache_write else {}),
        "completion_tokens_details": {
            "reasoning_tokens": used.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": used.rejected,
        },
    }


def _finish(job: Job) -> str:
    if job.plan.ending == "completed" and job.plan.tool_calls:
        return "tool_calls"
    return _FINISH.get(job.plan.ending, "stop")


def body(job: Job) -> dict[str, Any]:
    """A whole chat completion."""
    reply: dict[str, Any] = {
        "id": job.id,
        "object": "chat.completion",
        "created": job.created,
        "model": job.model.snapshot,
        "choices": [_choice(job, index) for index in range(job.plan.choices)],
        "system_fingerprint": None,
        **job.served,
    }
    if job.plan.usage:
        reply["usage"] = usage(job.plan.usage)
    if job.ask.azure:
        reply["prompt_filter_results"] = [{"prompt_index": 0, "content_filter_results": _SAFE}]
    return reply


def _choice(job: Job, index: int) -> dict[str, Any]:
    text = "".join(job.plan.texts)
    message: dict[str, Any] = {
        "role": "assistant",
        "content": None if job.plan.refusal or not text else text,
        "refusal": text if job.plan.refusal else None,
        "annotations": [],
    }
    if job.plan.tool_calls:
        message["tool_calls"] = [
            {"id": new_id("call_")[:29], "type": "function", "function": {"name": c.name, "arguments": c.arguments}}
            for c in job.plan.tool_calls
        ]
    filtered = {"content_filter_results": _SAFE} if job.ask.azure else {}
    return {"index": index, "message": message, "logprobs": None, "finish_reason": _finish(job), **filtered}


def frames(job: Job) -> Iterator[Frame]:
    """A chat stream: role chunk, deltas, finish chunk, the usage chunk where it was asked for, `[DONE]`."""
    plan = job.plan
    opening = plan.pace.opening
    if job.ask.azure:
        yield Frame(data(_prompt_filter()), opening)
    for index in range(plan.choices):
        role = {"role": "assistant", "content": "", "refusal": None}
        yield Frame(_chunk(job, "first", role, index), opening)
    yield from _deltas(job)
    if plan.ending == "none":
        return
    for index in range(plan.choices):
        yield Frame(_chunk(job, "last", {}, index, _finish(job)), plan.end())
    if _wants_usage(job) and plan.usage:
        yield Frame(
            data(_head(job, "last") | {"choices": [], "usage": usage(plan.usage)} | job.obfuscation("")), plan.end()
        )
    yield Frame(DONE, plan.end())


def _deltas(job: Job) -> Iterator[Frame]:
    plan, key = job.plan, "refusal" if job.plan.refusal else "content"
    for number, text in enumerate(plan.summaries):
        yield Frame(_chunk(job, "inner", {"reasoning_content": text}), plan.summary_due(number), delta=True)
    for number, text in enumerate(plan.texts):
        for index in range(plan.choices):
            where = "inner" if number else "early"
            yield Frame(_chunk(job, where, {key: text}, index), plan.text_due(number), delta=True)
    for index in range(plan.choices):
        yield from _calls(job, index)


def _calls(job: Job, index: int) -> Iterator[Frame]:
    sent = 0
    for number, call in enumerate(job.plan.tool_calls):
        head = {"index": number, "id": new_id("call_")[:29], "type": "function",
                "function": {"name": call.name, "arguments": ""}}  # fmt: skip
        yield Frame(_chunk(job, "inner", {"tool_calls": [head]}, index), job.plan.argument_due(sent))
        for piece in pieces(call.arguments):
            part = {"index": number, "function": {"arguments": piece}}
            due = job.plan.argument_due(sent)
            yield Frame(_chunk(job, "inner", {"tool_calls": [part]}, index), due, delta=True)
            sent += 1


def _chunk(job: Job, where: str, delta: Mapping[str, Any], index: int = 0, finish: str | None = None) -> bytes:
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
    if job.ask.azure:
        choice["content_filter_results"] = {} if where != "inner" else _SAFE
    text = delta.get("content") or delta.get("refusal") or ""
    asked = {"usage": None} if _wants_usage(job) else {}
    return data(_head(job, where) | {"choices": [choice]} | asked | job.obfuscation(text))


def _head(job: Job, where: str) -> dict[str, Any]:
    """What all chunks share. `where` is first (role chunk), early (first text), inner or last (finish and usage)."""
    return {
        "id": job.id,
        "object": "chat.completion.chunk",
        "created": job.created,
        "model": job.model.snapshot,
        **_tier(job, where),
        "system_fingerprint": None,
    }


def _tier(job: Job, where: str) -> dict[str, str | None]:
    mode, served = job.plan.tier_on, job.verdict.served
    if served is None or mode == "none":
        return {}
    if mode == "null":
        return {"service_tier": None}
    if mode == "echo" and where != "last":
        return {"service_tier": job.verdict.requested or "auto"}
    absent = {"some": {"first", "early"}, "last": {"first", "early", "inner"}}.get(mode, set())
    return {} if where in absent else {"service_tier": served}


def _wants_usage(job: Job) -> bool:
    options = job.ask.body.get("stream_options")
    return isinstance(options, Mapping) and options.get("include_usage") is True


def _prompt_filter() -> dict[str, Any]:
    """Azure's first chunk (recorded): filter results, no choices, empty id and model."""
    results = [{"prompt_index": 0, "content_filter_results": _SAFE}]
    return {"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": results}


def failure(job: Job, problem: Problem, _sequence: int) -> bytes:
    """An error inside a chat stream: an event with `error` and nothing after it (modelled after the SDK's reading)."""
    return data(problem.body(azure=job.ask.azure))


CHAT = Family(body, frames, failure)
