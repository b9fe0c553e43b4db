"""How each mistake in a user's file is told: file, row, key, value and remedy."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.catalog.samples import AZURE, HOST, PROMISE, RAMP, RATE, UNIT, rate
from tierscope.catalog import CatalogError, load, own, rows, shapes
from tierscope.catalog.prices import rates
from tierscope.catalog.promises import promises

# ── mistakes: what is written, and (row, key, remedy) of the message ──────────────────────────────────────────────
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
    ("deployment-type", {"deployments": {"chat": {"type": "Global"}}},
     ("deployments chat", "type", 'use one of "GlobalStandard", "DataZoneStandard"')),
    ("deployment-bare", {"deployments": {"chat": {"model": "gpt-5"}}}, ("deployments chat", "type", "use one of")),
    ("deployment-model", {"deployments": {"chat": {"type": "Standard", "model": ""}}},
     ("deployments chat", "model", "write a text, or null")),
    ("deployment-zone", {"deployments": {"chat": {"type": "Standard", "zone": "eu"}}},
     ("deployments chat", "zone", "leave it out: only data zones have one")),
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


def test_a_value_is_told_as_it_was_written() -> None:
    """Texts in quotes, numbers without, and of what is long the beginning."""
    told = []
    for value in ("3", Decimal("0.1234567"), "x" * 300):
        error = CatalogError("own.json", "rates row 1", "input", value, "write a number")
        told.append(str(error))
    assert told == [
        "own.json: rates row 1: input='3': write a number",
        "own.json: rates row 1: input=0.1234567: write a number",
        f"own.json: rates row 1: input='{'x' * 199}: write a number",
    ]


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
