"""Responses: whole objects and event streams (shapes recorded).

The opening events echo the request (`auto` when it named no tier) and only the terminal event tells the tier that
served, as 17 of 22 recorded streams do.
"""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

from tierscope.simulator.errors import Problem
from tierscope.simulator.frames import Family, Frame, Job, event, new_id
from tierscope.simulator.plan import Usage
from tierscope.simulator.text import pieces

_Emit = Callable[..., bytes]


def usage(used: Usage) -> dict[str, Any]:
    """The `usage` object of Responses."""
    return {
        "input_tokens": used.input,
        "input_tokens_details": {"cached_tokens": used.cached}
        | ({"cache_write_tokens": used.cache_write} if used.cache_write else {}),
        "output_tokens": used.output,
        "output_tokens_details": {"reasoning_tokens": used.reasoning},
        "total_tokens": used.input + used.output,
    }


def response(job: Job, status: str, output: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """The Response object in a status: before the end it echoes the request's tier and has neither output nor usage."""
    asked, final = job.ask.body, status in {"completed", "incomplete", "failed"}
    reply: dict[str, Any] = {
        "id": job.id,
        "object": "response",
        "created_at": job.created,
        "status": status,
        "background": asked.get("background") is True,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
        "instructions": asked.get("instructions"),
        "max_output_tokens": asked.get("max_output_tokens"),
        "max_tool_calls": None,
        "model": job.model.snapshot,
        "output": output or [],
        "parallel_tool_calls": True,
        "previous_response_id": asked.get("previous_response_id"),
        "prompt_cache_key": asked.get("prompt_cache_key"),
        "reasoning": {"effort": None, "summary": None},
        "safety_identifier": None,
        **(job.served if final else _echo(job)),
        "store": asked.get("store") is not False,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": "auto",
        "tools": asked.get("tools") or [],
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": usage(job.plan.usage) if job.plan.usage and final and status != "failed" else None,
        "user": None,
        "metadata": asked.get("metadata") or {},
    }
    if final and job.diagnostics is not None:
        reply["prompt_cache_diagnostics"] = job.diagnostics
    return reply | ({"content_filters": None} if job.ask.azure else {})


def _echo(job: Job) -> dict[str, str | None]:
    if job.verdict.served is None or job.plan.tier_on in {"none", "some", "last"}:
        return {}
    return {"service_tier": None if job.plan.tier_on == "null" else job.verdict.requested or "auto"}


def final_status(job: Job) -> str:
    """How the response ends; a stream scripted to stop without an end is completed all the same in the store."""
    return "completed" if job.plan.ending == "none" else job.plan.ending


def body(job: Job) -> dict[str, Any]:
    """A whole response in its final status."""
    status = final_status(job)
    items = [item for item, _ in _items(job)]
    reply = response(job, status, items)
    if status == "failed":
        reply["error"] = {"code": "server_error", "message": "The model failed to generate a response."}
    return reply


def _items(job: Job) -> list[tuple[dict[str, Any], str]]:
    """Output items in order, each with its streamed kind: reasoning, message, function_call."""
    plan, found = job.plan, []
    key = job.id.partition("_")[2]
    if plan.summaries or plan.reasoning:
        summary = [{"type": "summary_text", "text": "".join(plan.summaries)}] if plan.summaries else []
        found.append(({"id": f"rs_{key}", "type": "reasoning", "summary": summary}, "reasoning"))
    if plan.texts or not plan.tool_calls:
        part = _part(job, "".join(plan.texts))
        found.append(({"id": f"msg_{key}", "type": "message", "status": "completed", "content": [part],
                       "role": "assistant"}, "message"))  # fmt: skip
    for number, call in enumerate(plan.tool_calls):
        found.append(({"id": f"fc_{number}_{key}", "type": "function_call", "status": "completed",
                       "arguments": call.arguments, "call_id": f"call_{number}_{key[:20]}", "name": call.name},
                      "function_call"))  # fmt: skip
    return found


def _part(job: Job, text: str) -> dict[str, Any]:
    if job.plan.refusal:
        return {"type": "refusal", "refusal": text}
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}


def frames(job: Job) -> Iterator[Frame]:
    """A Responses stream: created, (queued,) in_progress, the items with their deltas, the terminal event."""
    plan, emit = job.plan, _emitter()
    opening, waiting = plan.pace.opening, job.ask.background
    first = response(job, "queued" if waiting else "in_progress")
    yield Frame(emit("response.created", response=first), opening)
    if waiting:
        yield Frame(emit("response.queued", response=first), opening)
    yield Frame(emit("response.in_progress", response=response(job, "in_progress")), max(opening, plan.pace.queue))
    streams = {"reasoning": _reasoning, "message": _message, "function_call": _function_call}
    sent = 0
    for index, (item, kind) in enumerate(_items(job)):
        if kind == "function_call":
            yield from _function_call(job, emit, item, index, sent)
            sent += len(pieces(item["arguments"]))
        else:
            yield from streams[kind](job, emit, item, index, 0)
    if plan.ending != "none":
        yield Frame(emit(f"response.{plan.ending}", response=body(job)), plan.end())


def _emitter() -> _Emit:
    """Numbers events from 0 in the order they are made."""
    count = itertools.count()

    def emit(kind: str, **fields: Any) -> bytes:
        return event({"type": kind, "sequence_number": next(count), **fields})

    return emit


def _message(job: Job, emit: _Emit, item: dict[str, Any], index: int, _sent: int) -> Iterator[Frame]:
    plan = job.plan
    kind, name = ("refusal", "refusal") if plan.refusal else ("output_text", "text")
    logprobs = {} if plan.refusal else {"logprobs": list[Any]()}
    where = {"item_id": item["id"], "output_index": index, "content_index": 0}
    start = plan.text_due(0) if plan.texts else plan.end()
    opened = item | {"status": "in_progress", "content": []}
    yield Frame(emit("response.output_item.added", output_index=index, item=opened), start)
    yield Frame(emit("response.content_part.added", **where, part=_part(job, "")), start)
    for number, text in enumerate(plan.texts):
        sent = emit(f"response.{kind}.delta", **where, delta=text, **logprobs, **job.obfuscation(text))
        yield Frame(sent, plan.text_due(number), delta=True)
    whole, end = "".join(plan.texts), plan.text_due(len(plan.texts) - 1) if plan.texts else plan.end()
    yield Frame(emit(f"response.{kind}.done", **where, **{name: whole}, **logprobs), end)
    yield Frame(emit("response.content_part.done", **where, part=_part(job, whole)), end)
    yield Frame(emit("response.output_item.done", output_index=index, item=item), end)


def _reasoning(job: Job, emit: _Emit, item: dict[str, Any], index: int, _sent: int) -> Iterator[Frame]:
    plan = job.plan
    where = {"item_id": item["id"], "output_index": index, "summary_index": 0}
    start = plan.pace.due(0)
    yield Frame(emit("response.output_item.added", output_index=index, item=item | {"summary": []}), start)
    if plan.summaries:
        part = {"type": "summary_text", "text": ""}
        yield Frame(emit("response.reasoning_summary_part.added", **where, part=part), start)
    for number, text in enumerate(plan.summaries):
        sent = emit("response.reasoning_summary_text.delta", **where, delta=text, **job.obfuscation(text))
        yield Frame(sent, plan.summary_due(number), delta=True)
    end = plan.pace.due(max(0, plan.reasoning - 1))
    if plan.summaries:
        whole = "".join(plan.summaries)
        yield Frame(emit("response.reasoning_summary_text.done", **where, text=whole), end)
        yield Frame(emit("response.reasoning_summary_part.done", **where, part=item["summary"][0]), end)
    yield Frame(emit("response.output_item.done", output_index=index, item=item), end)


def _function_call(job: Job, emit: _Emit, item: dict[str, Any], index: int, sent: int) -> Iterator[Frame]:
    where = {"item_id": item["id"], "output_index": index}
    start, kind = job.plan.argument_due(sent), "response.function_call_arguments"
    opened = item | {"status": "in_progress", "arguments": ""}
    yield Frame(emit("response.output_item.added", output_index=index, item=opened), start)
    parts = pieces(item["arguments"])
    for number, piece in enumerate(parts):
        frame = emit(f"{kind}.delta", **where, delta=piece, **job.obfuscation(piece))
        yield Frame(frame, job.plan.argument_due(sent + number), delta=True)
    end = job.plan.argument_due(sent + max(0, len(parts) - 1))
    yield Frame(emit(f"{kind}.done", **where, arguments=item["arguments"], name=item["name"]), end)
    yield Frame(emit("response.output_item.done", output_index=index, item=item), end)


def failure(job: Job, problem: Problem, sequence: int) -> bytes:
    """An error inside a stream: an `error` event, then `response.failed` (recorded) unless it shall stand alone."""
    error = {"type": problem.kind, "code": problem.code, "message": problem.message, "param": problem.param}
    sent = event({"type": "error", "sequence_number": sequence, "error": error})
    if job.ask.script.error_alone:
        return sent
    failed = response(job, "failed") | {"error": {"code": problem.code, "message": problem.message}}
    return sent + event({"type": "response.failed", "sequence_number": sequence + 1, "response": failed})


def compacted(job: Job) -> dict[str, Any]:
    """A compacted conversation: the object has no tier (SDK type `CompactedResponse`)."""
    item = {"id": new_id("cmp_"), "type": "compaction", "encrypted_content": "c2ltdWxhdGVk"}
    used = usage(job.plan.usage) if job.plan.usage else None
    return {"id": job.id, "object": "response.compaction", "created_at": job.created, "output": [item], "usage": used}


def _no_frames(_job: Job) -> Iterator[Frame]:
    yield from ()


RESPONSES = Family(body, frames, failure)
COMPACT = Family(compacted, _no_frames, failure)
