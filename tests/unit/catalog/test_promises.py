"""What is promised, by provider, model, snapshot, tier and day."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

import pytest

from tierscope.catalog import files, load, shapes
from tierscope.catalog.promises import LEAST_FLOOR, promises

OPENAI: Final = "openai"
AZURE: Final = "azure.ai.openai"
TOLD: Final = promises()


def day(text: str) -> int:
    return (date.fromisoformat(text) - date(1970, 1, 1)).days


NOW: Final = day("2026-11-22")

# (provider, model, tier, day) → (rate, excludes long prompts), or None
TARGETS: Final = [
    (OPENAI, "gpt-5.6-terra", "priority", NOW, (70, False)),
    (OPENAI, "gpt-5.6-sol", "priority", day("2026-08-20"), (80, True)),
    (OPENAI, "gpt-5.6-sol", "priority", day("2026-08-21"), (80, False)),
    (OPENAI, "gpt-5.6-luna", "priority", NOW, (100, False)),
    (OPENAI, "gpt-5.5", "priority", NOW, (50, True)),
    (OPENAI, "gpt-5.4", "priority", NOW, (50, True)),
    (OPENAI, "gpt-5.4-mini-2026-03-17", "priority", NOW, (100, True)),
    (OPENAI, "gpt-5.2", "priority", NOW, (50, None)),
    (OPENAI, "gpt-5.1", "priority", NOW, (50, None)),
    (OPENAI, "gpt-5-2025-08-07", "priority", NOW, (50, None)),
    (OPENAI, "gpt-5-mini", "priority", NOW, (80, None)),
    (OPENAI, "gpt-5.1-codex", "priority", NOW, (50, None)),
    (OPENAI, "gpt-5-codex", "priority", NOW, (50, None)),
    (OPENAI, "gpt-4o-2024-08-06", "priority", NOW, (80, False)),
    (OPENAI, "o3", "priority", NOW, (80, False)),
    (OPENAI, "gpt-5", "scale", NOW, (50, False)),
    (OPENAI, "ft:gpt-4o-mini-2024-07-18:acme::x", "scale", NOW, (90, False)),
    (OPENAI, "ft:gpt-4o-mini-2024-07-18:acme::x", "priority", NOW, None),
    (OPENAI, "gpt-6-astra", "priority", NOW, None),
    (OPENAI, "gpt-6.1-sol", "priority", NOW, None),
    (OPENAI, "gpt-5.6-sol", "scale", NOW, None),
    (OPENAI, "gpt-4.1", "default", NOW, None),
    (OPENAI, "gpt-4.1", "fast", NOW, None),
    (AZURE, "gpt-6-sol-2026-09-22", "priority", NOW, (80, False)),
    (AZURE, "gpt-5.6-sol-2026-07-09", "priority", day("2026-09-23"), (50, False)),
    (AZURE, "gpt-5.6-sol-2026-07-09", "priority", day("2026-09-24"), (80, False)),
    (AZURE, "gpt-5.6-terra-2026-07-09", "priority", NOW, (70, False)),
    (AZURE, "gpt-5.5-2026-04-24", "priority", NOW, (50, False)),
    (AZURE, "gpt-5.4-mini-2026-03-17", "priority", NOW, (100, False)),
    (AZURE, "gpt-5.4", "priority", NOW, (50, True)),
    (AZURE, "gpt-5.4-2026-03-06", "priority", NOW, None),
    (AZURE, "gpt-4.1", "scale", NOW, None),
    ("groq", "gpt-4.1", "priority", NOW, None),
]


@pytest.mark.parametrize(("provider", "model", "tier", "on", "expected"), TARGETS)
def test_a_target_is_what_was_promised_on_that_day(
    provider: str, model: str, tier: str, on: int, expected: Any
) -> None:
    """For the snapshot or the model; nothing where no document says so."""
    told = TOLD.target(provider, model, tier, on)
    assert (None if told is None else (told.rate, told.excludes_long_context)) == expected


def test_a_target_has_its_shares_and_seconds() -> None:
    told = TOLD.target(OPENAI, "gpt-4.1-2025-04-14", "priority", NOW)
    assert told is not None
    assert told[:10] == (OPENAI, "gpt-4.1", None, "priority", 80.0, 0.99, 300, 0.999, True, 128_000)
    assert told[10:] == (
        "2026-11-22",
        "OpenAI 'Priority processing for API customers', 2025; OpenAI API-fast-mode page",
        "documented",
        None,
        None,
    )
    azure = TOLD.target(AZURE, "gpt-4.1-2025-04-14", "priority", NOW)
    assert azure is not None
    assert azure[:10] == (AZURE, "gpt-4.1", "2025-04-14", "priority", 80.0, 0.99, 300, None, True, 128_000)


def test_only_a_stated_floor_is_said_to_be_stated() -> None:
    openai, azure = TOLD.ramp(OPENAI), TOLD.ramp(AZURE)
    assert openai == (OPENAI, 1_000_000, 0.5, 900, "downgrade", True)
    assert azure == (AZURE, 100_000, 0.5, 900, "downgrade", False)
    assert LEAST_FLOOR == 100_000
    assert TOLD.ramp("groq") is None


def test_units_are_those_of_the_model_alone() -> None:
    unit = TOLD.scale_unit(OPENAI, "gpt-4.1-2025-04-14", NOW)
    assert unit is not None
    assert unit[:6] == ("gpt-4.1", 30_000, 110.0, 2_500, 36.0, 30)
    assert unit[6:] == ("2025-08-07", "OpenAI 'Scale Tier for API customers', 2025", OPENAI, None, None)
    assert TOLD.scale_unit(AZURE, "gpt-4.1", NOW) is None
    assert TOLD.scale_unit(OPENAI, "gpt-5.6-sol", NOW) is None
    assert TOLD.scale_unit(OPENAI, "gpt-4o-mini", NOW) != TOLD.scale_unit(OPENAI, "ft:gpt-4o-mini", NOW)


def test_what_excludes_long_prompts_is_said_once() -> None:
    """The catalog of providers repeats what holds here now."""
    held = {(row.provider, row.model) for row in TOLD.targets if row.excludes_long_context and row.valid_to is None}
    assert load().long_context_excluded == held


@pytest.mark.parametrize("name", ["promises", "scale_units", "ramp"])
def test_the_file_keeps_its_own_rules(name: str) -> None:
    """Whole rows with source and date, no two of one key on one day; what the loader takes on trust."""
    told = files.packaged("promises.json")
    assert shapes.checked("promises.json", name, told[name]) == [{**row, "note": ""} for row in told[name]]
    assert all(row["as_of"] and row["source"] for row in told[name])


def test_the_file_is_read_once() -> None:
    assert promises() is promises(None) is TOLD
