"""Token usage in the two forms of the API."""

from __future__ import annotations

from tierscope.model import Usage
from tierscope.reading.fields import count, field


def _known(usage: Usage) -> Usage | None:
    return usage if usage.input is not None or usage.output is not None else None


def of_chat(usage: object) -> Usage | None:
    """Read ``prompt_tokens``/``completion_tokens`` (chat, legacy completions, embeddings)."""
    if usage is None:
        return None
    prompt, completion = field(usage, "prompt_tokens_details"), field(usage, "completion_tokens_details")
    return _known(
        Usage(
            input=count(usage, "prompt_tokens"),
            output=count(usage, "completion_tokens"),
            cached=count(prompt, "cached_tokens"),
            cache_write=count(prompt, "cache_write_tokens"),
            reasoning=count(completion, "reasoning_tokens"),
            rejected_prediction=count(completion, "rejected_prediction_tokens"),
            audio_output=count(completion, "audio_tokens"),
            total=count(usage, "total_tokens"),
        )
    )


def of_responses(usage: object) -> Usage | None:
    """Read ``input_tokens``/``output_tokens`` (Responses)."""
    if usage is None:
        return None
    details, output = field(usage, "input_tokens_details"), field(usage, "output_tokens_details")
    return _known(
        Usage(
            input=count(usage, "input_tokens"),
            output=count(usage, "output_tokens"),
            cached=count(details, "cached_tokens"),
            cache_write=count(details, "cache_write_tokens"),
            reasoning=count(output, "reasoning_tokens"),
            total=count(usage, "total_tokens"),
        )
    )
