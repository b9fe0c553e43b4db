"""Output rates, time to first token, and why a rate is absent. Pure.

No source defines the contract's tokens per second, so both bases are named by their own formula (DESIGN, section 3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tierscope.model import Speed
from tierscope.words import (
    BACKGROUND,
    COARSE_DELTAS,
    FEW_DELTAS,
    FEW_TOKENS,
    NO_TIME,
    NO_USAGE,
    NOT_COMPLETE,
    NOT_STREAMED,
    OTHER_DELTAS,
    SEVERAL_CHOICES,
    SEVERAL_MESSAGES,
    TOOL_CALL,
)

if TYPE_CHECKING:
    from tierscope.model import Attempt, Shape, Timing, Usage

MIN_VISIBLE: Final = 20
MIN_DELTAS: Final = 20
MAX_TOKENS_PER_DELTA: Final = 4
MIN_WAITED_SHARE: Final = 0.15
"""Below this share of waiting the reader was the brake (reader sleeping 10 ms per chunk measured 0.02, 2 ms 0.56)."""
MAX_CPU_SHARE: Final = 0.85
"""Above this share of process CPU the event loop was the brake (80 streams in a loop measured 1.0, 20 streams 0.66)."""
MAX_LATE_SHARE: Final = 0.05
"""Above this share the last text was read late: the rate came out so much too low (see docs/consumer-limited.md)."""
TICK_NS: Final = 10_000_000
"""A lateness below this is none: the system counts it in ticks of up to 10 ms."""
NS: Final = 1e-9


def visible(usage: Usage | None) -> int | None:
    """Return the visible output tokens: output less reasoning, rejected prediction and audio tokens."""
    if usage is None or usage.output is None:
        return None
    return usage.output - (usage.reasoning or 0) - (usage.rejected_prediction or 0) - (usage.audio_output or 0)


def _shape_fault(shape: Shape, tokens: int) -> str | None:
    """Return the first condition of a text-only reply that this one fails, in the order of the reference table."""
    rules = (
        (shape.choices > 1, SEVERAL_CHOICES),
        (shape.has_tool_call, TOOL_CALL),
        (shape.messages > 1, SEVERAL_MESSAGES),
        (shape.has_other_delta, OTHER_DELTAS),
        (shape.text_deltas < MIN_DELTAS, FEW_DELTAS),
        (shape.text_deltas * MAX_TOKENS_PER_DELTA < tokens, COARSE_DELTAS),
    )
    return next((reason for failed, reason in rules if failed), None)


def generation_absent(usage: Usage | None, shape: Shape | None, *, is_complete: bool) -> str | None:
    """Return why there is no generation rate, or ``None`` when there is one."""
    if shape is None:
        return NOT_STREAMED
    tokens = visible(usage)
    if tokens is None:
        return NO_USAGE if is_complete else NOT_COMPLETE
    if tokens < MIN_VISIBLE:
        return FEW_TOKENS
    return _shape_fault(shape, tokens)


def generation(usage: Usage, timing: Timing) -> float | None:
    """Return (V - 1) / (last text - first text) in tokens per second; ``None`` without two text stamps."""
    tokens, first, last = visible(usage), timing.first_text_ns, timing.last_text_ns
    if tokens is None or first is None or last is None or last <= first:
        return None
    return (tokens - 1) / ((last - first) * NS)


def end_to_end(usage: Usage | None, timing: Timing) -> float | None:
    """Return output tokens / (end - start of the last attempt) in tokens per second."""
    start = timing.attempt_ns if timing.attempt_ns is not None else timing.start_ns
    if usage is None or not usage.output or timing.end_ns <= start:
        return None
    return usage.output / ((timing.end_ns - start) * NS)


def duration(timing: Timing) -> float:
    """Return seconds from start to end of a call, back-off included."""
    return (timing.end_ns - timing.start_ns) * NS


def retry_wait(attempts: tuple[Attempt, ...]) -> float | None:
    """Return the seconds waited between attempts; ``None`` without any, and where one of the waits is unknown."""
    if not attempts:
        return None
    waited = 0
    for attempt in attempts[1:]:
        if attempt.wait_ns is None:
            return None
        waited += attempt.wait_ns
    return waited * NS


def first_token(timing: Timing) -> float | None:
    """Return the time to the first token in seconds, from the start of the last attempt."""
    if timing.first_token_ns is None:
        return None
    start = timing.attempt_ns if timing.attempt_ns is not None else timing.start_ns
    return (timing.first_token_ns - start) * NS


def consumer_limited(timing: Timing) -> bool | None:
    """Say whether the reader or its event loop was the brake; it errs towards yes. ``None`` if not streamed.

    Three signs, measured in docs/consumer-limited.md: it hardly waited for the network, it had no processor, it
    read the last text late.
    """
    wall, waited = timing.window_ns, timing.waited_ns
    if not wall or waited is None or timing.cpu_ns is None:
        return None
    late = timing.late_ns
    is_late = late is not None and late > TICK_NS and late / wall > MAX_LATE_SHARE
    return is_late or waited / wall < MIN_WAITED_SHARE or timing.cpu_ns / wall > MAX_CPU_SHARE


def _end_to_end_absent(usage: Usage | None, *, is_complete: bool) -> str | None:
    if not is_complete:
        return NOT_COMPLETE
    if usage is None or usage.output is None:
        return NO_USAGE
    return FEW_TOKENS if usage.output == 0 else None


def speed(
    usage: Usage | None,
    shape: Shape | None,
    timing: Timing,
    *,
    is_complete: bool,
    is_background: bool = False,
    is_replayed: bool = False,
) -> Speed:
    """Return every rate of a call, each exact or absent with its reason.

    Background work has no end-to-end rate (it waited in a queue); a stored response that is fetched has none at all.
    """
    if is_replayed:
        return _REPLAYED
    why = generation_absent(usage, shape, is_complete=is_complete)
    rate = None if why or usage is None else generation(usage, timing)
    why_total = BACKGROUND if is_background else _end_to_end_absent(usage, is_complete=is_complete)
    total = None if why_total else end_to_end(usage, timing)
    return Speed(
        None if shape is None else first_token(timing),
        rate,
        (why or NO_TIME) if rate is None else None,
        total,
        (why_total or NO_TIME) if total is None else None,
        None if shape is None else consumer_limited(timing),
    )


_REPLAYED: Final = Speed(generation_absent=BACKGROUND, end_to_end_absent=BACKGROUND)
