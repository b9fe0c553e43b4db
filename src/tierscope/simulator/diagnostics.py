"""Why a prompt was not read from the cache, for who asks by `prompt_cache_options.comparison_response_id`.

The shapes are the SDK's (openai 3.57, `types/responses/response.py`); no recording is known. When a cache is read, and
how many tokens a difference costs, is modelled: nothing but the model and the tier that served is compared, and a
difference of either loses the whole prompt.
"""

from collections.abc import Mapping
from typing import Any

from tierscope.simulator.ask import Ask
from tierscope.simulator.profile import Model
from tierscope.simulator.store import Store


def told(store: Store, ask: Ask, model: Model, tier: str) -> Mapping[str, Any] | None:
    """The `prompt_cache_diagnostics` of a reply of this model and canonical tier; None where nobody asked."""
    options = ask.body.get("prompt_cache_options")
    compared = options.get("comparison_response_id") if isinstance(options, Mapping) else None
    if ask.endpoint != "responses" or not isinstance(compared, str):
        return None
    stored = store.find(compared)
    if stored is None:
        return {"type": "comparison_response_not_found"}
    before = stored.job
    if before.model.snapshot == model.snapshot and before.verdict.tier == tier:
        return {"type": "cache_hit"}
    return {
        "type": "cache_miss",
        "reason": "service_tier_changed" if before.model.snapshot == model.snapshot else "model_changed",
        "cache_missed_tokens": ask.input_tokens - ask.script.cached_tokens,
        "comparison_reusable_tokens": before.ask.input_tokens,
    }
