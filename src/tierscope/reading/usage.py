"""Token usage in the two forms of the API."""

from __future__ import annotations

from tierscope.model import Usage
from tierscope.reading.fields import count, mapping


def _known(usage: Usage) -> Usage | None:
    return usage if usage.input is not None or usage.output is not None else None


def of_chat(usage: object) -> Usage | None:
    """Read ``prompt_tokens``/``completion_tokens`` (chat, legacy completions, embeddings)."""
    if usage is None:
        return None
    usage = mapping(usage)
    prompt, completion = mapping(usage.get("prompt_tokens_details")), mapping(usage.get("completion_tokens_details"))
    return _known(
        Usage(
            input=count(usage.get("prompt_tokens")),
            output=count(usage.get("completion_tokens")),
            cached=count(prompt.get("cached_tokens")),
            cache_write=count(prompt.get("cache_write_tokens")),
            reasoning=count(completion.get("reasoning_tokens")),
            rejected_prediction=count(completion.get("rejected_prediction_tokens")),
            audio_output=count(completion.get("audio_tokens")),
            total=count(usage.get("total_tokens")),
        )
    )


def of_responses(usage: object) -> Usage | None:
    """Read ``input_tokens``/``output_tokens`` (Responses)."""
    if usage is None:
        return None
    usage = mapping(usage)
    details, output = mapping(usage.get("input_tokens_details")), mapping(usage.get("output_tokens_details"))
    return _known(
        Usage(
            input=count(usage.get("input_tokens")),
            output=count(usage.get("output_tokens")),
            cached=count(details.get("cached_tokens")),
            cache_write=count(details.get("cache_write_tokens")),
            reasoning=count(output.get("reasoning_tokens")),
            total=count(usage.get("total_tokens")),
        )
    )
