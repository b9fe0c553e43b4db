"""Prices by provider, model, tier, length of the prompt and day: exact, or absent for a stated reason."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

import pytest

from tierscope.catalog import files, shapes
from tierscope.catalog.names import candidates, snapshot
from tierscope.catalog.prices import UNPRICED, Band, Price, rates
from tierscope.words import CANONICAL

OPENAI: Final = "openai"
AZURE: Final = "azure.ai.openai"
TABLE: Final = rates()


def day(text: str) -> int:
    return (date.fromisoformat(text) - date(1970, 1, 1)).days


def usd(bands: Any) -> Any:
    """Bands as (above, input, cached, written, output), USD per 1M tokens; or the reason why there is none."""
    if isinstance(bands, str):
        return bands
    return [
        (above, *(None if pico is None else pico / 1e6 for pico in (p.input, p.cached, p.cache_write, p.output)))
        for above, p in bands
    ]


# ── exact: (provider, model, tier, day) and what it costs ─────────────────────────────────────────────────────────
PRICED: Final = [
    (OPENAI, "gpt-4.1", "default", "2026-11-22", [(0, 2, 0.5, None, 8)]),
    (OPENAI, "gpt-4.1", "priority", "2026-11-22", [(0, 3.5, 0.875, None, 14)]),
    (OPENAI, "gpt-4.1-2025-04-14", "priority", "2026-11-22", [(0, 3.5, 0.875, None, 14)]),
    # the batch variant states no price of cached tokens
    (OPENAI, "gpt-4.1", "batch", "2026-11-22", [(0, 1, None, None, 4)]),
    (OPENAI, "o3", "batch", "2026-11-22", [(0, 1, None, None, 4)]),
    (OPENAI, "gpt-5", "batch", "2026-11-22", [(0, 0.625, 0.0625, None, 5)]),
    # the page lists the standard rates again
    (OPENAI, "gpt-3.5-turbo-1106", "batch", "2026-11-22", [(0, 1, None, None, 2)]),
    # o3: cut on 2025-06-10
    (OPENAI, "o3", "default", "2025-06-09", [(0, 10, 0.5, None, 40)]),
    (OPENAI, "o3", "default", "2025-06-10", [(0, 2, 0.5, None, 8)]),
    (OPENAI, "o3", "flex", "2025-06-09", [(0, 5, None, None, 20)]),
    (OPENAI, "o3", "flex", "2026-10-12", [(0, 1, 0.25, None, 4)]),
    (OPENAI, "o4-mini", "flex", "2026-10-11", [(0, 0.55, None, None, 2.2)]),
    (OPENAI, "o4-mini", "flex", "2026-10-12", [(0, 0.55, 0.138, None, 2.2)]),
    # bands by falling length
    (OPENAI, "gpt-6.1-sol", "default", "2026-11-22", [(272_000, 4, 0.2, 5, 15), (0, 2, 0.1, 2.5, 10)]),
    (OPENAI, "gpt-6.1-sol", "priority", "2026-11-22", [(272_000, 8, 0.4, 10, 30), (0, 4, 0.2, 5, 20)]),
    (OPENAI, "gpt-6.1-sol", "ultrafast", "2026-11-22", [(272_000, 24, 1.2, 30, 90), (0, 12, 0.6, 15, 60)]),
    (OPENAI, "gpt-6-astra", "ultrafast", "2026-11-22", [(272_000, 120, 12, 150, 450), (0, 60, 6, 75, 300)]),
    # one flat price: such a prompt is served `default`
    (OPENAI, "gpt-5.4", "priority", "2026-11-22", [(0, 5, 0.5, None, 30)]),
    (OPENAI, "gpt-5.4", "default", "2026-11-22", [(272_000, 5, 0.5, None, 22.5), (0, 2.5, 0.25, None, 15)]),
    (OPENAI, "gpt-5.6-luna", "default", "2026-07-29", [(272_000, 2, 0.2, 2.5, 9), (0, 1, 0.1, 1.25, 6)]),
    (OPENAI, "gpt-5.6-luna", "default", "2026-07-30", [(272_000, 0.4, 0.04, 0.5, 1.8), (0, 0.2, 0.02, 0.25, 1.2)]),
    (OPENAI, "gpt-5.5-cyber", "default", "2026-10-18", [(0, 12.5, None, None, 75)]),
    (OPENAI, "gpt-5.5-cyber", "default", "2026-10-19", [(0, 12.5, 1.25, None, 75)]),
    # a snapshot's own rows win, and fine-tuned models have their own
    (OPENAI, "gpt-4o-2024-05-13", "default", "2026-11-22", [(0, 5, None, None, 15)]),
    (OPENAI, "gpt-4o-2024-11-20", "default", "2026-11-22", [(0, 2.5, 1.25, None, 10)]),
    (OPENAI, "ft:gpt-4o-mini-2024-07-18:acme::x1", "default", "2026-11-22", [(0, 0.3, None, None, 1.2)]),
    (OPENAI, "ft:gpt-3.5-turbo-0125:acme::x1", "batch", "2026-11-22", [(0, 1.5, None, None, 3)]),
    (OPENAI, "ft:gpt-4.1-2025-04-14:acme::x1", "default", "2026-11-22", [(0, 3, 0.75, None, 12)]),
    # no source states what a long prompt costs on flex: without a price of output such a call is unpriced
    (OPENAI, "gpt-5.5-pro", "flex", "2026-11-22", [(272_000, 30, None, None, None), (0, 15, None, None, 90)]),
    (OPENAI, "gpt-5.5-pro", "batch", "2026-11-22", [(272_000, 30, None, None, 135), (0, 15, None, None, 90)]),
    # other names of the same model
    (OPENAI, "gpt-5-codex", "priority", "2026-11-22", [(0, 2.5, 0.25, None, 20)]),
    (OPENAI, "gpt-5.6", "default", "2026-11-22", [(272_000, 8, 0.8, 10, 30), (0, 4, 0.4, 5, 20)]),
    # embeddings put nothing out
    (OPENAI, "text-embedding-3-small", "default", "2026-11-22", [(0, 0.02, None, None, None)]),
    (AZURE, "text-embedding-3-small", "default", "2026-11-22", [(0, 0.02, None, None, None)]),
    (AZURE, "gpt-4.1-2025-04-14", "priority", "2026-11-22", [(0, 3.5, 0.875, None, 14)]),
    (AZURE, "gpt-5.1-2025-11-13", "priority", "2026-11-22", [(0, 2.5, 0.25, None, 20)]),
    (AZURE, "gpt-5.2-2025-12-11", "priority", "2026-11-22", [(0, 3.5, 0.35, None, 28)]),
    (AZURE, "gpt-4.1", "default", "2026-11-22", [(0, 2, 0.5, None, 8)]),
    (AZURE, "gpt-5.6-sol-2026-07-09", "flex", "2026-09-25", [(272_000, 4, 0.4, 5, 15), (0, 2, 0.2, 2.5, 10)]),
    (AZURE, "gpt-5.1-codex-2025-11-13", "priority", "2026-11-22", [(0, 2.5, 0.25, None, 20)]),
]


@pytest.mark.parametrize(("provider", "model", "tier", "on", "expected"), PRICED)
def test_a_price_is_what_its_source_states(provider: str, model: str, tier: str, on: str, expected: Any) -> None:
    assert usd(TABLE.bands(provider, model, tier, day(on))) == expected


# ── absent: where calculators fall back, in silence, on the standard price ────────────────────────────────────────
ABSENT: Final = [
    (OPENAI, "gpt-4.1", "Priority", "2026-11-22", "no_price"),
    (OPENAI, "gpt-4.1", "fast", "2026-11-22", "no_price"),
    (OPENAI, "gpt-4.1", "flex", "2026-11-22", "no_price"),
    (OPENAI, "gpt-4.1", "scale", "2026-11-22", "no_price"),
    (OPENAI, "gpt-4.1", "auto", "2026-11-22", "no_price"),
    (OPENAI, "gpt-4.1", "standard", "2026-11-22", "no_price"),
    (OPENAI, "gpt-4.1", "ultrafast", "2026-11-22", "no_price"),
    (OPENAI, "gpt-4.1", "", "2026-11-22", "no_price"),
    (OPENAI, "gpt-5", "priority", "2026-10-11", "not_dated"),
    (OPENAI, "gpt-4.1", "priority", "2025-06-09", "not_dated"),
    (OPENAI, "gpt-4.1", "batch", "2026-10-13", "not_dated"),
    (OPENAI, "o3", "flex", "2025-06-10", "not_dated"),
    (OPENAI, "o3", "flex", "2026-10-11", "not_dated"),
    (OPENAI, "o3", "priority", "2025-06-09", "not_dated"),
    # known under a nearer name: never the price of a farther one
    (OPENAI, "gpt-4o-2024-05-13", "flex", "2026-11-22", "no_price"),
    (OPENAI, "ft:gpt-4o-mini-2024-07-18:acme::x1", "priority", "2026-11-22", "no_price"),
    (OPENAI, "ft:gpt-5-2025-08-07:acme::x1", "default", "2026-11-22", "unknown_model"),
    (OPENAI, "ft:o3", "default", "2026-11-22", "unknown_model"),
    (OPENAI, "ft:gpt-4.1-2025-04-14:acme::x1", "priority", "2026-11-22", "no_price"),
    (OPENAI, "GPT-4.1", "default", "2026-11-22", "unknown_model"),
    (OPENAI, "gpt-4.1-2025", "default", "2026-11-22", "unknown_model"),
    (OPENAI, "chat-prod", "default", "2026-11-22", "unknown_model"),
    (OPENAI, "", "default", "2026-11-22", "unknown_model"),
    # what is not counted in tokens of text
    (OPENAI, "gpt-4o-audio-preview", "default", "2026-11-22", "unknown_model"),
    (OPENAI, "gpt-realtime", "default", "2026-11-22", "unknown_model"),
    (OPENAI, "gpt-image-1", "default", "2026-11-22", "unknown_model"),
    (AZURE, "o3-mini", "priority", "2026-11-22", "no_price"),
    (AZURE, "gpt-5.6-sol", "flex", "2026-09-24", "not_dated"),
    (AZURE, "gpt-5.4", "flex", "2026-11-22", "no_price"),
    (AZURE, "gpt-6.1-sol", "ultrafast", "2026-11-22", "no_price"),
    (AZURE, "phi-4", "default", "2026-11-22", "unknown_model"),
    ("groq", "gpt-4.1", "default", "2026-11-22", "unknown_provider"),
    ("", "gpt-4.1", "default", "2026-11-22", "unknown_provider"),
    ("azure", "gpt-4.1", "default", "2026-11-22", "unknown_provider"),
]


@pytest.mark.parametrize(("provider", "model", "tier", "on", "reason"), ABSENT)
def test_no_price_is_ever_guessed(provider: str, model: str, tier: str, on: str, reason: str) -> None:
    """Unpriced, with one of four reasons."""
    assert TABLE.bands(provider, model, tier, day(on)) == reason
    assert reason in UNPRICED


def test_a_price_is_in_whole_pico_dollars() -> None:
    """3.5 $ for 1M tokens are 0.0000035 $ for one: 3 500 000 e-12; 0.875 $ are 875 000, 14 $ are 14 000 000."""
    price = Price(input=3_500_000, output=14_000_000, cached=875_000, cache_write=None, basis="exact")
    assert TABLE.bands(OPENAI, "gpt-4.1", "priority", day("2026-11-22")) == (Band(0, price),)


def test_a_call_costs_what_its_tokens_cost() -> None:
    """100 tokens in, 64 of them cached, and 20 out, in pico-dollars: $0.000264 by default, $0.000462 on priority."""
    costs = []
    for tier in ("default", "priority"):
        (price,) = [band.price for band in TABLE.bands(OPENAI, "gpt-4.1", tier, day("2026-11-22"))]
        costs.append(36 * price.input + 64 * price.cached + 20 * price.output)
    assert costs == [264_000_000, 462_000_000]


def test_what_another_source_states_is_marked() -> None:
    """Ultrafast and Azure's tiers stand in no price library that is taken as exact."""
    told = {(row.provider, row.model, row.tier): row.band.price.basis for row in TABLE.rows}
    assert {basis for (provider, _, tier), basis in told.items() if provider == AZURE and tier != "default"} == {
        "overlay"
    }
    assert {basis for (_, _, tier), basis in told.items() if tier == "ultrafast"} == {"overlay"}
    assert {basis for (provider, _, tier), basis in told.items() if (provider, tier) == (OPENAI, "priority")} == {
        "exact"
    }
    assert told[OPENAI, "ft:gpt-4.1", "default"] == "overlay"


def test_equal_prices_of_two_sources_are_one_row() -> None:
    """OpenAI's page of 2025 and the price list of 2026-10-12; the first day is inferred, and the row says so."""
    (row,) = [row for row in TABLE.rows if row[:3] == (OPENAI, "gpt-4.1", "priority")]
    assert row[4:6] + row[7:] == ("2025-06-10", None, "2026-11-22", "inferred")
    assert "genai-prices" in row.source
    assert "Priority processing" in row.source


# ── the file ──────────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_file_keeps_its_own_rules() -> None:
    """Whole rows, no two of one key on one day, sorted; what the loader takes on trust."""
    told = files.packaged("rates.json")
    assert shapes.checked("rates.json", "rates", told["rates"]) == [
        {**row, "currency": "USD", "note": ""} for row in told["rates"]
    ]
    keys = [tuple(row[key] for key in ("provider", "model", "tier", "above")) for row in told["rates"]]
    assert keys == sorted(keys)
    assert all(row["as_of"] and row["source"] for row in told["rates"])
    assert {row.tier for row in TABLE.rows} == set(CANONICAL) - {"scale"}


def test_other_names_lead_to_rows_and_hide_none() -> None:
    for provider, names in files.packaged("rates.json")["names"].items():
        known = {row.model for row in TABLE.rows if row.provider == provider}
        assert set(names.values()) <= known
        assert not names.keys() & known


def test_every_band_above_has_one_below() -> None:
    """On the first day of a band, shorter prompts have a price too."""
    for row in TABLE.rows:
        on = -1 if row.valid_from is None else day(row.valid_from)
        assert TABLE.bands(row.provider, row.model, row.tier, on)[-1].above == 0


def test_the_table_is_read_once_and_dated() -> None:
    assert rates() is rates(None) is TABLE
    assert TABLE.as_of == date(2026, 11, 22)


# ── names ─────────────────────────────────────────────────────────────────────────────────────────────────────────
NAMES: Final = [
    ("gpt-4.1", ("gpt-4.1",)),
    ("gpt-4.1-2025-04-14", ("gpt-4.1-2025-04-14", "gpt-4.1")),
    ("gpt-4.1-2025-04-14x", ("gpt-4.1-2025-04-14x",)),
    ("gpt-3.5-turbo-0125", ("gpt-3.5-turbo-0125",)),
    ("ft:gpt-4o-mini-2024-07-18:acme:mine:x1", (
        "ft:gpt-4o-mini-2024-07-18:acme:mine:x1", "ft:gpt-4o-mini-2024-07-18", "ft:gpt-4o-mini",
    )),
    ("llama:8b:q4", ("llama:8b:q4",)),
    ("ft:gpt-4.1:acme", ("ft:gpt-4.1:acme", "ft:gpt-4.1")),
    ("ft:gpt-4.1", ("ft:gpt-4.1",)),
    ("ft:", ("ft:",)),
    ("", ("",)),
]  # fmt: skip


@pytest.mark.parametrize(("model", "names"), NAMES)
def test_a_model_is_looked_up_by_its_nearest_name_first(model: str, names: tuple[str, ...]) -> None:
    """A fine-tuned model is never its base."""
    assert candidates(model) == names


def test_a_snapshot_has_a_date() -> None:
    told = [snapshot(name) for name in ("gpt-4.1-2025-04-14", "gpt-4.1", "gpt-4-0613", "gpt-4.1-2025-04-14\n")]
    assert told == ["2025-04-14", None, None, None]
