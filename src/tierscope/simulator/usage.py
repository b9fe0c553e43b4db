"""What the service's own books hold of a request: the tokens that ran, whether or not the client was told them.

Modelled: a reply that a client leaves is made, and counted, up to there; one that never began counts its prompt. What
ended in an error is not counted at all, as it is not billed.
"""

from tierscope.simulator import plan
from tierscope.simulator.ask import Ask
from tierscope.simulator.frames import Job
from tierscope.simulator.transcript import Facts
from tierscope.simulator.wire import Sent

COUNTED = frozenset({"chat/completions", "completions", "responses", "responses/compact"})
"""Requests that the usage API counts as completions."""
_FIRST_ERROR = 400
_NAMES = ("used_input_tokens", "used_cached_tokens", "used_cache_write_tokens", "used_output_tokens")


def used(ask: Ask, job: Job | None, wire: Sent, facts: Facts) -> dict[str, int | None]:
    """The `used_*` columns of a row; all None where nothing ran, or nothing is counted."""
    is_counted = job is not None and ask.endpoint in COUNTED and not _has_failed(wire, facts)
    return dict(zip(_NAMES, _tokens(ask, job, wire, facts) if is_counted and job else (None,) * 4, strict=True))


def _has_failed(wire: Sent, facts: Facts) -> bool:
    return wire.status >= _FIRST_ERROR or facts.stream_error is not None or facts.response_status == "failed"


def _tokens(ask: Ask, job: Job, wire: Sent, facts: Facts) -> tuple[int, int, int, int]:
    """Input, cached, written, output: as told, else as planned, else as far as it came."""
    if facts.input_tokens is not None and facts.output_tokens is not None:
        return facts.input_tokens, facts.cached_tokens or 0, facts.cache_write_tokens or 0, facts.output_tokens
    script = ask.script
    return ask.input_tokens, script.cached_tokens, script.cache_write_tokens, _output(ask, job, wire, facts)


def _output(ask: Ask, job: Job, wire: Sent, facts: Facts) -> int:
    if wire.complete or facts.finished or (wire.dropped and not ask.stream):
        whole = ask.script.output_tokens
        return plan.output_tokens(ask, job.model, job.plan.text_tokens) if whole is None else whole
    return facts.text_deltas + (job.plan.reasoning if facts.text_deltas else 0)
