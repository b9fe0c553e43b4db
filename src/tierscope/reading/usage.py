"""Token usage in the two forms of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tierscope.model import CacheMiss, Usage
from tierscope.reading.fields import counts, mapping, text
from tierscope.words import CACHE_MISSES, OTHER

if TYPE_CHECKING:
    from collections.abc import Mapping


_MISS: Final = "cache_miss"
_CHAT: Final = ("prompt_tokens", "prompt_tokens_details", "completion_tokens", "completion_tokens_details")
_RESPONSES: Final = ("input_tokens", "input_tokens_details", "output_tokens", "output_tokens_details")


def of_chat(usage: object) -> Usage | None:
    """Read ``prompt_tokens``/``completion_tokens`` (chat, legacy completions, embeddings)."""
    return None if usage is None else _usage(mapping(usage), *_CHAT)


def of_responses(usage: object) -> Usage | None:
    """Read ``input_tokens``/``output_tokens`` (Responses)."""
    return None if usage is None else _usage(mapping(usage), *_RESPONSES)


def _usage(fields: Mapping[str, Any], taken: str, inside: str, given: str, outside: str) -> Usage | None:
    inputs, outputs = mapping(fields.get(inside)), mapping(fields.get(outside))
    made = Usage(
        *counts(
            fields.get(taken),
            fields.get(given),
            inputs.get("cached_tokens"),
            inputs.get("cache_write_tokens"),
            outputs.get("reasoning_tokens"),
            outputs.get("rejected_prediction_tokens"),
            outputs.get("audio_tokens"),
            fields.get("total_tokens"),
        )
    )
    return None if made.input is made.output is None else made


def cache_miss(diagnostics: object) -> CacheMiss | None:
    """Read ``prompt_cache_diagnostics`` (Responses); ``None`` unless it tells why the cache was not read."""
    fields = mapping(diagnostics)
    reason = text(fields, "reason")
    if reason is None or fields.get("type") != _MISS:
        return None
    missed, reusable = counts(fields.get("cache_missed_tokens"), fields.get("comparison_reusable_tokens"))
    return CacheMiss(reason if reason in CACHE_MISSES else OTHER, missed, reusable)
