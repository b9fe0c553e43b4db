"""Rows of a user's file, each with what it must have."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

NOW: Final = (date(2026, 11, 22) - date(1970, 1, 1)).days
AZURE: Final = "azure.ai.openai"
RATE: Final = {"provider": "openai", "model": "gpt-4.1", "tier": "priority", "input": 3, "cached": 0.75, "output": 12}
PROMISE: Final = {"provider": "openai", "model": "gpt-4.1", "tier": "priority", "tokens_per_second_gt": 120}
UNIT: Final = {"model": "gpt-4.1", "input_tpm": 1, "input_usd_day": 2.5, "output_tpm": 3, "output_usd_day": 4}
RAMP: Final = {"provider": AZURE, "floor_tpm": 250_000, "growth_pct": 30, "window_minutes": 10}
HOST: Final = {"provider": "acme", "hosts": ["llm.acme.example"], "trust": "yes"}


def rate(**changed: Any) -> dict[str, Any]:
    """A file's prices: one row, changed."""
    return {"rates": [{**RATE, **changed}]}
