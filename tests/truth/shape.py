"""What a stream was made of, and whether a generation rate may be computed from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .values import mapping, objects

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .values import Json

TEXT_EVENTS: Final = ("response.output_text.delta", "response.refusal.delta")
PLAIN_ITEMS: Final = ("message", "reasoning")
"""Every other kind of output item is a call of some tool, a list of tools, or the answer of one."""
TOOL_KEYS: Final = ("tool_calls", "function_call")
OTHER_KEYS: Final = (*TOOL_KEYS, "audio", "reasoning", "reasoning_content")
MIN_VISIBLE: Final = 20
MIN_DELTAS: Final = 20
MAX_TOKENS_PER_DELTA: Final = 4


@dataclass(frozen=True, slots=True)
class Shape:
    """The parts of a stream that decide about its rate."""

    text_deltas: int = 0
    """Deltas with non-empty text or refusal."""
    choices: int = 0
    messages: int = 0
    has_tool_call: bool = False
    has_other_delta: bool = False
    """Something else was generated between the first and the last text delta."""


def _is_mixed(kinds: Sequence[str]) -> bool:
    """Say whether something other than text stands between the first and the last text."""
    spots = [spot for spot, kind in enumerate(kinds) if kind == "text"]
    return bool(spots) and "other" in kinds[spots[0] : spots[-1]]


def _delta(choice: Json) -> Json:
    """Return the delta of a chat choice; a choice of the legacy endpoint carries its text itself."""
    delta = choice.get("delta")
    return delta if isinstance(delta, dict) else {"content": choice.get("text")}


def _choice_kinds(delta: Json) -> list[str]:
    other = ["other"] if any(delta.get(key) for key in OTHER_KEYS) else []
    return [*other, "text"] if delta.get("content") or delta.get("refusal") else other


def choices_shape(chunks: Sequence[Json]) -> Shape:
    """Return the shape of a chat or legacy completions stream."""
    choices = [choice for chunk in chunks for choice in objects(chunk.get("choices"))]
    deltas = [_delta(choice) for choice in choices]
    kinds = [kind for delta in deltas for kind in _choice_kinds(delta)]
    return Shape(
        text_deltas=kinds.count("text"),
        choices=len({choice.get("index", 0) for choice in choices}),
        has_tool_call=any(delta.get(key) for delta in deltas for key in TOOL_KEYS),
        has_other_delta=_is_mixed(kinds),
    )


def _event_kind(payload: Json) -> str:
    name = str(payload.get("type"))
    if not name.endswith(".delta") or not payload.get("delta"):
        return ""
    return "text" if name in TEXT_EVENTS else "other"


def _items(payloads: Sequence[Json]) -> list[Json]:
    """Return the output items: those of the last Responses object, or those announced, whichever are more."""
    held = [response for payload in payloads if (response := mapping(payload.get("response")))]
    final = objects(held[-1].get("output")) if held else []
    added = [payload["item"] for payload in payloads if payload.get("type") == "response.output_item.added"]
    return max(final, objects(added), key=len)


def responses_shape(payloads: Sequence[Json]) -> Shape:
    """Return the shape of a Responses stream."""
    kinds = [kind for payload in payloads if (kind := _event_kind(payload))]
    items = [item.get("type") for item in _items(payloads)]
    return Shape(
        text_deltas=kinds.count("text"),
        choices=1,
        messages=items.count("message"),
        has_tool_call=any(item not in PLAIN_ITEMS for item in items),
        has_other_delta=_is_mixed(kinds),
    )


def verdict(visible: int | None, shape: Shape, asked_choices: int) -> str:
    """Return the first reason why a stream has no generation rate, or ``rate``."""
    if visible is None:
        return "no_usage"
    conditions = (
        ("few_tokens", visible < MIN_VISIBLE),
        ("choices", asked_choices > 1 or shape.choices > 1),
        ("tool_call", shape.has_tool_call),
        ("messages", shape.messages > 1),
        ("other_deltas", shape.has_other_delta),
        ("few_deltas", shape.text_deltas < MIN_DELTAS),
        ("sparse_deltas", visible > MAX_TOKENS_PER_DELTA * shape.text_deltas),
    )
    return next((reason for reason, holds in conditions if holds), "rate")
