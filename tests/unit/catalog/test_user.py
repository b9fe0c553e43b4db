"""A file of the user's: what it may hold, and what it changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from tests.unit.catalog.samples import AZURE, HOST, NOW, PROMISE, RAMP, RATE, UNIT, rate
from tierscope import signals, wiring
from tierscope.catalog import load, own, rows
from tierscope.catalog.deployments import TYPES, Kind
from tierscope.catalog.prices import Band, Price, rates
from tierscope.catalog.promises import promises
from tierscope.config import SettingError, Settings

WHERE = "rates row 1 openai gpt-4.1 priority"


# ── what it changes ───────────────────────────────────────────────────────────────────────────────────────────────
def test_a_users_price_takes_the_place_of_ours(write: Any) -> None:
    """Of the same provider, model and tier: its whole history and every band; nothing else changes."""
    told = rates(write(rates=[{**RATE, "from": "2026-01-01"}, {**RATE, "above": 128_000, "input": 6}]))
    price = Price(input=3_000_000, output=12_000_000, cached=750_000, cache_write=None, basis="user")
    long = price._replace(input=6_000_000)
    assert told.bands("openai", "gpt-4.1-2025-04-14", "priority", NOW) == (Band(128_000, long), Band(0, price))
    assert told.bands("openai", "gpt-4.1", "priority", 0) == (Band(128_000, long),)
    assert told.bands("openai", "gpt-4.1", "default", NOW) == rates().bands("openai", "gpt-4.1", "default", NOW)
    assert {row.source for row in told.rows if row.band.price.basis == "user"} == {"own.json"}


def test_a_history_is_in_order_however_it_is_written(write: Any) -> None:
    """What has no first day comes first."""
    later, first = {**RATE, "from": "2026-02-01", "input": 4}, {**RATE, "from": "2026-01-01", "to": "2026-02-01"}
    told = rates(write(rates=[later, first, {**RATE, "to": "2026-01-01", "input": 2}]))
    assert [row.valid_from for row in told.rows if row[:3] == ("openai", "gpt-4.1", "priority")] == [
        None, "2026-01-01", "2026-02-01",
    ]  # fmt: skip
    assert told.bands("openai", "gpt-4.1", "priority", NOW)[0].price.input == 4_000_000


def test_a_unit_is_sold_for_a_while(write: Any) -> None:
    """From its first day to the day before its last."""
    told = promises(write(scale_units=[{**UNIT, "from": "2026-11-22", "to": "2026-11-23"}]))
    sold = [told.scale_unit("openai", "gpt-4.1", NOW + days) is not None for days in (-1, 0, 1)]
    assert sold == [False, True, False]


def test_a_row_for_another_name_stands_for_that_name_alone(write: Any) -> None:
    """Which has no tier but those that are stated; the model keeps its own."""
    told = rates(write(rates=[{**RATE, "model": "gpt-5-codex"}]))
    assert told.bands("openai", "gpt-5-codex", "priority", NOW)[0] == Band(
        0, Price(input=3_000_000, output=12_000_000, cached=750_000, cache_write=None, basis="user")
    )
    assert told.bands("openai", "gpt-5-codex", "default", NOW) == "no_price"
    assert told.bands("openai", "gpt-5", "priority", NOW) == rates().bands("openai", "gpt-5-codex", "priority", NOW)


def test_a_deployment_is_its_model(write: Any) -> None:
    """In prices and promises, on every provider; the fine-tuned and the dated names work behind it too."""
    path = write(deployments={"chat-prod": "gpt-4.1-2025-04-14", "tuned": "ft:gpt-4o-mini-2024-07-18:acme::1"})
    assert rates(path).bands(AZURE, "chat-prod", "priority", NOW) == rates().bands(AZURE, "gpt-4.1", "priority", NOW)
    told = rates(path).bands("openai", "tuned", "default", NOW)
    assert told == rates().bands("openai", "ft:gpt-4o-mini", "default", NOW)
    assert promises(path).target(AZURE, "chat-prod", "priority", NOW) == promises().target(
        AZURE, "gpt-4.1-2025-04-14", "priority", NOW
    )
    assert promises(path).scale_unit("openai", "chat-prod", NOW) == promises().scale_unit("openai", "gpt-4.1", NOW)


def test_a_deployment_may_have_a_type(write: Any) -> None:
    """With or without its model, which is then known as ever."""
    kinds = {"eu": {"type": "DataZoneStandard", "zone": "eu"}, "all": {"type": "GlobalStandard", "model": "gpt-4.1"}}
    path = write(deployments={**kinds, "chat": "gpt-5"})
    assert promises(path).kinds == {"eu": Kind("DataZoneStandard", "eu"), "all": Kind("GlobalStandard")}
    assert rates(path).bands(AZURE, "all", "priority", NOW) == rates().bands(AZURE, "gpt-4.1", "priority", NOW)
    assert own.read(path)["deployments"] == {"all": "gpt-4.1", "chat": "gpt-5"}
    assert promises().kinds == {}


PRIORITY: Final = [
    (Kind("GlobalStandard"), True),
    (Kind("DataZoneStandard", "us"), True),
    (Kind("DataZoneStandard", "eu"), False),
    (Kind("DataZoneStandard"), None),
    *((Kind(name), False) for name in TYPES if name not in {"GlobalStandard", "DataZoneStandard"}),
]


@pytest.mark.parametrize(("kind", "has_priority"), PRIORITY, ids=str)
def test_which_types_have_priority(kind: Kind, has_priority: bool | None) -> None:
    """As Azure's page of 2026-09-24 names them."""
    assert kind.has_priority is has_priority


def test_a_users_promises_take_the_place_of_ours(write: Any) -> None:
    path = write(promises=[{**PROMISE, "excludes_long_context": False}], scale_units=[UNIT], ramp=[RAMP])
    told = promises(path)
    target, unit, rule = (
        told.target("openai", "gpt-4.1", "priority", NOW),
        told.scale_unit("openai", "gpt-4.1", NOW),
        told.ramp(AZURE),
    )
    assert target is not None
    assert unit is not None
    assert rule is not None
    assert (target.rate, target.uptime, target.source) == (120.0, None, "own.json")
    assert (unit.input_tpm, unit.input_usd_day, unit.minimum_days) == (1, 2.5, 30)
    assert (rule.floor_tpm, rule.growth, rule.window_s, rule.is_floor_stated) == (250_000, 0.3, 600, True)
    assert told.ramp("openai") == promises().ramp("openai")
    assert load().excludes_long_context("openai", "gpt-4.1-2025-04-14")
    assert not load(path).excludes_long_context("openai", "gpt-4.1-2025-04-14")


def test_a_users_provider_is_asked_first(write: Any) -> None:
    path = write(
        providers={"acme": {**HOST, "aliases": {"gold": "priority"}, "refusals": [{"tier": "*", "status": 409}]}},
        rates=[{**RATE, "provider": "acme"}],
    )
    row = load(path).of_host("llm.acme.example")
    assert (row.key, row.name, row.trust, row.aliases["gold"], row.aliases["fast"]) == (
        "acme", "acme", "yes", "priority", "priority",
    )  # fmt: skip
    assert [(refusal.tier, refusal.status) for refusal in row.refusals] == [("*", 409)]
    assert load(path).of_host("api.openai.com").key == "openai"
    assert not isinstance(rates(path).bands("acme", "gpt-4.1", "priority", NOW), str)
    assert rates(path).bands("acme", "gpt-9", "priority", NOW) == "unknown_model"
    assert rates(path).name("nobody", "gpt-9-2026-01-01") == "gpt-9-2026-01-01"
    taken = write("taken.json", providers={"mine": {**HOST, "hosts": ["api.openai.com"]}})
    assert load(taken).of_host("api.openai.com").key == "mine"


def test_an_empty_file_changes_nothing(write: Any) -> None:
    path = write()
    assert rates(path).rows == rates().rows
    assert promises(path).targets == promises().targets
    assert list(load(path).providers) == list(load().providers)
    assert load(path).long_context_excluded == load().long_context_excluded


# ── the setting ───────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_broken_file_switches_off_with_one_line(write: Any, caplog: pytest.LogCaptureFixture) -> None:
    """The application runs on."""
    path = write(**rate(input=0))
    assert wiring.WIRING.activate(Settings(catalog=path)) is False
    (record,) = caplog.records
    assert record.getMessage() == (
        f"Tierscope is off: TIERSCOPE_CATALOG={path!r}: own.json: {WHERE}: input=0: "
        "write USD per 1M tokens: a number above 0, up to 6 decimals; null: not stated"
    )


def test_a_trusted_host_may_have_a_row_of_the_file(write: Any) -> None:
    """Known with the file, unknown without it."""
    settings = Settings(trusted_hosts={"proxy.example": "acme"})
    wiring.check(settings._replace(catalog=write(providers={"acme": HOST})))
    with pytest.raises(SettingError, match="TIERSCOPE_TRUSTED_HOSTS"):
        wiring.check(settings)


def test_every_promise_stands_on_an_edge() -> None:
    """So that a share of calls above it can be counted exactly."""
    assert {target.rate for target in promises().targets} <= set(signals.RATE_BUCKETS)


def test_the_file_of_the_documentation_can_be_used(tmp_path: Path) -> None:
    """As it stands there, with every section."""
    page = (Path(__file__).parents[3] / "docs" / "catalog.md").read_text("utf-8")
    path = tmp_path / "own.json"
    path.write_text(page.partition("```json\n")[2].partition("```")[0], "utf-8")
    told = own.read(str(path))
    assert all(told[name] for name in (*rows.SUBJECTS, "deployments", "providers"))
    assert promises(str(path)).target("openai", "gpt-6.1-sol", "priority", NOW) is not None
