"""A file of the user's: what it may hold, what it changes, and how each mistake in it is told."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierscope import signals, wiring
from tierscope.catalog import CatalogError, load, own, rows, shapes
from tierscope.catalog.prices import Band, Price, rates
from tierscope.catalog.promises import promises
from tierscope.config import SettingError, Settings

NOW: Final = (date(2026, 11, 22) - date(1970, 1, 1)).days
AZURE: Final = "azure.ai.openai"
RATE: Final = {"provider": "openai", "model": "gpt-4.1", "tier": "priority", "input": 3, "cached": 0.75, "output": 12}
PROMISE: Final = {"provider": "openai", "model": "gpt-4.1", "tier": "priority", "tokens_per_second_gt": 120}
UNIT: Final = {"model": "gpt-4.1", "input_tpm": 1, "input_usd_day": 2.5, "output_tpm": 3, "output_usd_day": 4}
RAMP: Final = {"provider": AZURE, "floor_tpm": 250_000, "growth_pct": 30, "window_minutes": 10}
HOST: Final = {"provider": "acme", "hosts": ["llm.acme.example"], "trust": "yes"}


@pytest.fixture
def write(tmp_path: Path) -> Any:
    """Write a file of these sections, and return its path."""

    def written(name: str = "own.json", **sections: Any) -> str:
        path = tmp_path / name
        path.write_text(json.dumps({"schema": own.SCHEMA, **sections}))
        return str(path)

    return written


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
    taken = write("taken.json", providers={"mine": {**HOST, "hosts": ["api.openai.com"]}})
    assert load(taken).of_host("api.openai.com").key == "mine"


def test_an_empty_file_changes_nothing(write: Any) -> None:
    path = write()
    assert rates(path).rows == rates().rows
    assert promises(path).targets == promises().targets
    assert list(load(path).providers) == list(load().providers)
    assert load(path).long_context_excluded == load().long_context_excluded


# ── mistakes: what is written, and (row, key, remedy) of the message ──────────────────────────────────────────────
def rate(**changed: Any) -> dict[str, Any]:
    return {"rates": [{**RATE, **changed}]}


WHERE: Final = "rates row 1 openai gpt-4.1 priority"
MISTAKES: Final = [
    ("tier-alias", rate(tier="fast"), ("rates row 1 openai gpt-4.1 fast", "tier", 'use one of "flex", "default"')),
    ("tier-type", rate(tier=3), ("rates row 1 openai gpt-4.1 3", "tier", "use one of")),
    ("model-type", rate(model=41), ("rates row 1 openai 41 priority", "model", "write a text")),
    ("model-empty", rate(model=" "), ("rates row 1 openai   priority", "model", "write a text")),
    ("provider", rate(provider="opena"), ("rates opena gpt-4.1 priority", "provider", "or add it to providers")),
    ("currency", rate(currency="EUR"), (WHERE, "currency", "write the price in USD")),
    ("zero", rate(input=0), (WHERE, "input", "a number above 0")),
    ("negative", rate(output=-1), (WHERE, "output", "a number above 0")),
    ("endless", rate(input=float("inf")), (WHERE, "input", "a number above 0")),
    ("no-number", rate(input=float("nan")), (WHERE, "input", "a number above 0")),
    ("true", rate(input=True), (WHERE, "input", "a number above 0")),
    ("text", rate(input="3"), (WHERE, "input", "a number above 0")),
    ("too-fine", rate(input=0.0000001), (WHERE, "input", "up to 6 decimals")),
    ("too-dear", rate(input=1_000_001), (WHERE, "input", "USD per 1M tokens")),
    ("no-input", {"rates": [{key: value for key, value in RATE.items() if key != "input"}]},
     (WHERE, "input", "is missing")),
    ("null-input", rate(input=None), (WHERE, "input", "a number above 0")),
    ("above", rate(above=-1), (f"{WHERE} -1", "above", "the input tokens above which")),
    ("above-part", rate(above=0.5), (f"{WHERE} 0.5", "above", "the input tokens above which")),
    ("date", rate(**{"from": "2026-02-30"}), (WHERE, "from", "write a date as 2026-01-31")),
    ("date-short", rate(**{"from": "20260201"}), (WHERE, "from", "write a date as 2026-01-31")),
    ("date-type", rate(to=20260201), (WHERE, "to", "write the first date on which it no longer holds")),
    ("backwards", rate(**{"from": "2026-02-01", "to": "2026-02-01"}), (WHERE, "to", "write a date after `from`")),
    ("typo", rate(outptu=3), (WHERE, "outptu", "use output")),
    ("certainty", rate(certainty="sure"), (WHERE, "certainty", 'use one of "documented"')),
    ("twice", {"rates": [RATE, RATE]}, ("rates openai gpt-4.1 priority", "from", "two rows for one key: keep one")),
    ("overlap", {"rates": [{**RATE, "to": "2026-02-02"}, {**RATE, "from": "2026-02-01"}]},
     ("rates openai gpt-4.1 priority", "from", "two rows hold on one day: end the earlier one")),
    ("row", {"rates": [3]}, ("rates row 1", "row", "write an object")),
    ("rows", {"rates": {}}, ("file", "rates", "write a list of rows")),
    ("section", {"prices": []}, ("file", "prices", "use rates, promises, scale_units, ramp")),
    ("schema", {"schema": "tierscope-catalog/2"}, ("file", "schema", "write 'tierscope-catalog/1'")),
    ("target", {"promises": [{**PROMISE, "tokens_per_second_gt": 85}]},
     ("promises row 1 openai gpt-4.1 priority", "tokens_per_second_gt", "use an edge of the rates' buckets: 5, 10")),
    ("target-tier", {"promises": [{**PROMISE, "tier": "flex"}]},
     ("promises row 1 openai gpt-4.1 flex", "tier", 'use one of "priority", "scale"')),
    ("percentage", {"promises": [{**PROMISE, "attainment_pct": 101}]},
     ("promises row 1 openai gpt-4.1 priority", "attainment_pct", "write a percentage")),
    ("flag", {"promises": [{**PROMISE, "excludes_long_context": 1}]},
     ("promises row 1 openai gpt-4.1 priority", "excludes_long_context", "use one of true, false, null")),
    ("unit", {"scale_units": [{**UNIT, "input_tpm": -1}]},
     ("scale_units row 1 gpt-4.1", "input_tpm", "write a whole number above 0")),
    ("unit-price", {"scale_units": [{**UNIT, "output_usd_day": 0}]},
     ("scale_units row 1 gpt-4.1", "output_usd_day", "write a number above 0")),
    ("ramp", {"ramp": [{**RAMP, "growth_pct": "50"}]}, (f"ramp row 1 {AZURE}", "growth_pct", "write a number above 0")),
    ("deployments", {"deployments": []}, ("file", "deployments", "write an object")),
    ("deployment", {"deployments": {"chat": 3}}, ("deployments", "chat", "write the name of its model")),
    ("providers", {"providers": []}, ("file", "providers", "write an object")),
    ("trust", {"providers": {"acme": {**HOST, "trust": "sure"}}},
     ("providers acme", "trust", 'use one of "yes", "no", "configured"')),
    ("hosts", {"providers": {"acme": {**HOST, "hosts": "x"}}}, ("providers acme", "hosts", "write a list of host")),
    ("alias", {"providers": {"acme": {**HOST, "aliases": {"gold": "best"}}}}, ("providers acme", "aliases", "write")),
    ("pattern", {"providers": {"acme": {**HOST, "refusals": [{"tier": "*", "status": 429, "pattern": "("}]}}},
     ("providers acme refusal", "pattern", "write a regular expression")),
]  # fmt: skip


@pytest.mark.parametrize(("sections", "said"), [row[1:] for row in MISTAKES], ids=[row[0] for row in MISTAKES])
def test_a_mistake_is_told_once_and_whole(write: Any, sections: dict[str, Any], said: tuple[str, str, str]) -> None:
    """File, row, key, value and remedy, whoever reads the file; it is not half-read."""
    path = write(**sections)
    where, key, remedy = said
    for reader in (own.read, rates, promises, load):
        with pytest.raises(CatalogError) as told:
            reader(path)
        assert (told.value.file, told.value.row, told.value.key) == ("own.json", where, key)
        assert str(told.value).startswith(f"own.json: {where}: {key}=")
        assert remedy in told.value.remedy


FILES: Final = [
    ("absent", None, "path", "No such file or directory: name a file to read"),
    ("no-json", b"{", "content", "write one JSON object, in UTF-8"),
    ("latin", '{"schema": "é"}'.encode("latin-1"), "content", "write one JSON object, in UTF-8"),
    ("list", b"[]", "content", "write one JSON object, in UTF-8"),
    ("deep", b"[" * 100_000, "content", "write one JSON object, in UTF-8"),
    ("no-schema", b"{}", "schema", "write 'tierscope-catalog/1'"),
]


@pytest.mark.parametrize(("content", "key", "remedy"), [row[1:] for row in FILES], ids=[row[0] for row in FILES])
def test_a_file_that_is_none_is_told(tmp_path: Path, content: bytes | None, key: str, remedy: str) -> None:
    path = tmp_path / "own.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CatalogError) as told:
        own.read(str(path))
    assert (told.value.row, told.value.key, told.value.remedy) == ("file", key, remedy)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(CatalogError, match="Is a directory: name a file to read"):
        own.read(str(tmp_path))


def test_a_catalog_error_is_a_value_error() -> None:
    assert issubclass(CatalogError, ValueError)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*RATE, "from", "above"]), inner),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from([*rows.SUBJECTS, "providers", "deployments"]), json_values, max_size=3))
def test_any_json_is_rows_or_one_error(sections: dict[str, Any]) -> None:
    """Nothing else is ever raised by what a user may write."""
    told = json.loads(json.dumps(sections), parse_float=Decimal, parse_constant=Decimal)
    for name, section in told.items():
        try:
            if name in rows.SUBJECTS:
                assert isinstance(shapes.checked("own.json", name, section), list)
            else:
                getattr(own, name)("own.json", section)
        except CatalogError as error:
            assert str(error).startswith("own.json: ")  # noqa: PT017  both ways out are right


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
