"""Every row of the documents from which the project began is in the tables, with its numbers."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from tierscope.catalog.prices import Rates, rates
from tierscope.catalog.promises import Promises, promises

SEEDS: Final = Path(__file__).parents[4] / "shared" / "data" / "seed-tables.yaml"
OPENAI: Final = "openai"
AZURE: Final = "azure.ai.openai"
EPOCH: Final = date(1970, 1, 1)


def day(text: str) -> int:
    return (date.fromisoformat(text) - EPOCH).days


NOW: Final = day("2026-11-22")


@pytest.fixture(scope="module")
def seeds() -> Any:
    """The transcribed tables, where they are."""
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed (requirements/dev.txt)")
    if not SEEDS.exists():
        pytest.skip("the transcribed source documents are not beside this repository")
    return yaml.safe_load(SEEDS.read_text("utf-8"))


@pytest.fixture(scope="module")
def table() -> Rates:
    return rates()


@pytest.fixture(scope="module")
def promised() -> Promises:
    return promises()


def pico(usd: object) -> int | None:
    """USD per 1M tokens as pico-dollars per token: 3.5 $/1M = 0.0000035 $ = 3 500 000 p$."""
    return None if usd is None else int(Decimal(str(usd)) * 1_000_000)


def test_every_priority_price_of_openai(seeds: Any, table: Rates) -> None:
    """Nine snapshots in eight rows; each holds from the day of o3's cut on and is still asked."""
    rows = seeds["openai_priority"]["rows"]
    assert sum(len(row["models"]) for row in rows) == 9
    for row in rows:
        for model in row["models"]:
            for on in ("2025-06-10", "2025-12-01", "2026-10-12", "2026-11-22"):
                (band,) = table.bands(OPENAI, model, "priority", day(on))
                assert band[:1] + band.price[:3] == (
                    0,
                    pico(row["input"]),
                    pico(row["output"]),
                    pico(row["cached_input"]),
                ), (model, on)
            assert table.bands(OPENAI, model, "priority", day("2025-06-09")) == "not_dated"


def test_every_promise_of_openais_priority_page(seeds: Any, promised: Promises) -> None:
    for row in seeds["openai_priority"]["rows"]:
        for model in row["models"]:
            assert _told(promised.target(OPENAI, model, "priority", NOW)) == _row(row), model


def test_every_row_of_the_scale_page(seeds: Any, promised: Promises) -> None:
    """Twelve models: what is promised, and what the units hold and cost."""
    rows = seeds["openai_scale"]["rows"]
    assert len(rows) == 12
    for row in rows:
        assert _told(promised.target(OPENAI, row["model"], "scale", NOW)) == _row(row), row["model"]
        unit = promised.scale_unit(OPENAI, row["model"], NOW)
        assert unit is not None
        sides = [(row[side]["tpm"], row[side]["usd_per_unit_day"]) for side in ("input", "output")]
        assert [(unit.input_tpm, unit.input_usd_day), (unit.output_tpm, unit.output_usd_day)] == sides, row["model"]
        assert unit.minimum_days == seeds["openai_scale"]["minimum_term_days"]


def test_every_target_of_azures_page(seeds: Any, promised: Promises) -> None:
    """By the snapshot's name, as Azure's replies give it; another snapshot has no target."""
    targets = seeds["azure_priority"]["latency_targets"]
    assert len(targets["rows"]) == 4
    for row in targets["rows"]:
        told = promised.target(AZURE, f"{row['model']}-{row['version']}", "priority", NOW)
        speed = (row["tokens_per_second_gt"], row["attainment_pct"] / 100)
        assert told is not None
        assert (told.version, told.rate, told.attainment, told.uptime) == (row["version"], *speed, None)
        assert (told.window_s, told.excludes_long_context) == (300, row["long_context_downgrade"])
        assert told.long_context_tokens == targets["long_context"]["estimated_prompt_tokens_gt"]
        assert promised.target(AZURE, f"{row['model']}-2020-01-01", "priority", NOW) is None


def test_every_flex_price(seeds: Any, table: Rates) -> None:
    """Both models on the last day of o3's old price; o4-mini's are still asked."""
    rows = {row["model"]: row for row in seeds["flex_prices"]["rows"]}
    assert set(rows) == {"o3", "o4-mini"}
    for model, days in (("o3", ["2025-06-09"]), ("o4-mini", ["2025-06-09", "2026-10-11", "2026-10-12"])):
        for on in days:
            for tier, word in (("default", "standard"), ("flex", "flex")):
                (band,) = table.bands(OPENAI, model, tier, day(on))
                asked = (pico(rows[model][f"{word}_input"]), pico(rows[model][f"{word}_output"]))
                assert band.price[:2] == asked, (model, tier, on)


def test_azures_ramp_is_the_documents(seeds: Any, promised: Promises) -> None:
    """More than half as much again within 15 minutes; no floor is stated, so ours is a floor of ours."""
    (said,) = [reason for reason in seeds["azure_priority"]["rerouting"]["reasons"] if reason["id"] == "ramp_rate"]
    rule = promised.ramp(AZURE)
    assert rule is not None
    assert (rule.growth * 100, rule.window_s / 60) == (said["tpm_increase_pct_gt"], said["window_minutes_lt"])
    assert (rule.floor_tpm, rule.is_floor_stated) == (100_000, False)


def _row(row: dict[str, Any]) -> tuple[Any, ...]:
    speed = row["latency_sla"]
    shares = (speed["attainment_pct"] / 100, pytest.approx(row["uptime_sla_pct"] / 100))
    return (speed["tokens_per_second_gt"], *shares, row["excludes_long_context"])


def _told(target: Any) -> tuple[Any, ...]:
    return target.rate, target.attainment, target.uptime, target.excludes_long_context
