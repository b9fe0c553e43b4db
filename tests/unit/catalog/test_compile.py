"""The compiler of the prices: what it takes of a price list, and how it joins two sources."""

from __future__ import annotations

import importlib
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

TOOLS: Final = Path(__file__).parents[3] / "tools"
SAID: Final = {"basis": "exact", "certainty": "documented", "as_of": "2026-11-22", "source": "list"}
DAY: Final = "2026-10-12"


@pytest.fixture
def tools(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """The two modules, forgotten afterwards."""
    monkeypatch.syspath_prepend(TOOLS)
    names = ("catalog", "pricelist", "legs")
    yield SimpleNamespace(**{name: importlib.import_module(name) for name in names})
    for name in names:
        del sys.modules[name]


# ── what is taken: a price list in the shapes of genai-prices ─────────────────────────────────────────────────────
class Model(SimpleNamespace):
    """A model that asks its prices as the library does: each key of the first variant that matches, else standard."""

    def get_prices(self, at: Any, context: dict[str, str]) -> SimpleNamespace:
        merged = dict(vars(self.prices))
        for variant in reversed(self.price_variants or []):
            since = variant.constraint
            if all(context.get(key) == value for key, value in variant.when.items()) and (
                since is None or at.date() >= since.start_date
            ):
                merged |= vars(variant.prices)
        return SimpleNamespace(**merged)


def price(**usd: Any) -> SimpleNamespace:
    return SimpleNamespace(**{f"{key}_mtok": _exact(value) for key, value in usd.items()})


def _exact(value: Any) -> Any:
    return value if isinstance(value, SimpleNamespace) else Decimal(value)


def steps(base: str, above: str) -> SimpleNamespace:
    return SimpleNamespace(base=Decimal(base), tiers=[SimpleNamespace(start=272_000, price=Decimal(above))])


def variant(prices: SimpleNamespace, on: str = DAY, **when: str) -> SimpleNamespace:
    return SimpleNamespace(
        when=when, prices=prices, constraint=SimpleNamespace(start_date=date.fromisoformat(on)) if on else None
    )


def taken(tools: SimpleNamespace, *variants: Any, **standard: Any) -> list[tuple[Any, ...]]:
    """Return (tier, above, from, input, cached, output) of the rows of a model with these prices."""
    model = Model(
        id="gpt-x", match=SimpleNamespace(equals="gpt-x"), prices=price(**standard), price_variants=[*variants]
    )
    provider = SimpleNamespace(id="openai", models=[model], find_model=lambda name: model if name == "gpt-x" else None)
    keys = ("tier", "above", "from", "input", "cached", "output")
    return [tuple(row[key] for key in keys) for row in tools.pricelist.rows([provider], {}, SAID)]


STANDARD: Final = ("default", 0, None, Decimal(2), Decimal("0.5"), Decimal(8))
PLAIN: Final = {"input": "2", "cache_read": "0.5", "output": "8"}


def test_a_tier_is_taken_with_the_fields_it_names(tools: SimpleNamespace) -> None:
    """The standard price of cached tokens is no price of the tier's."""
    told = taken(tools, variant(price(input="1", output="4"), processing="batch"), **PLAIN)
    assert told == [STANDARD, ("batch", 0, DAY, Decimal(1), None, Decimal(4))]


@pytest.mark.parametrize(
    "left",
    [
        variant(price(input="1", output="4"), service_tier="Priority"),
        variant(price(input="1", output="4"), service_tier="scale"),
        variant(price(input="1", output="4"), service_tier="priority", region="eu"),
        variant(price(input="1"), service_tier="priority"),
        variant(price(output="4"), service_tier="priority"),
    ],
    ids=["spelling", "other-tier", "other-condition", "no-output", "no-input"],
)
def test_part_of_a_match_is_none(tools: SimpleNamespace, left: Any) -> None:
    """Nothing is completed from the standard price."""
    assert taken(tools, left, **PLAIN) == [STANDARD]


def test_a_condition_without_prices_of_its_own_repeats_the_standard(tools: SimpleNamespace) -> None:
    told = taken(tools, variant(price(), processing="batch"), **PLAIN)
    assert told == [STANDARD, ("batch", 0, DAY, *STANDARD[3:])]


def test_two_names_of_a_tier_are_one_row_or_an_error(tools: SimpleNamespace) -> None:
    same = [variant(price(input="3", output="9"), service_tier=word) for word in ("priority", "fast")]
    assert taken(tools, *same, **PLAIN)[1:] == [("priority", 0, DAY, Decimal(3), None, Decimal(9))]
    other = variant(price(input="4", output="9"), service_tier="fast")
    with pytest.raises(SystemExit, match="the priority prices of gpt-x differ by their names"):
        taken(tools, same[0], other, **PLAIN)


def test_a_step_is_a_band_of_its_own(tools: SimpleNamespace) -> None:
    told = taken(tools, input=steps("2", "4"), output=steps("8", "12"))
    assert told == [
        ("default", 0, None, Decimal(2), None, Decimal(8)),
        ("default", 272_000, None, Decimal(4), None, Decimal(12)),
    ]


def test_what_is_charged_by_more_than_text_is_left_out(tools: SimpleNamespace) -> None:
    assert taken(tools, input="2", output="8", input_audio="10") == []


# ── joining ───────────────────────────────────────────────────────────────────────────────────────────────────────
def row(since: str | None, usd: int, **changed: Any) -> dict[str, Any]:
    said = {**SAID, "cached": None, "cache_write": None, "output": usd * 4}
    return {"model": "m", "tier": "flex", "from": since, "to": None, "input": usd, **said, **changed}


def joined(tools: SimpleNamespace, *rows: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [(row["from"], row["to"], row["input"], row["source"]) for row in tools.catalog._joined(list(rows))]


def test_equal_prices_that_follow_each_other_are_one_row(tools: SimpleNamespace) -> None:
    told = tools.catalog._joined([row(DAY, 2), row("2025-06-10", 2, source="page", certainty="inferred")])
    assert [(r["from"], r["to"], r["source"], r["certainty"]) for r in told] == [
        ("2025-06-10", None, "page; list", "inferred")
    ]


def test_another_price_ends_the_one_before(tools: SimpleNamespace) -> None:
    told = joined(tools, row(DAY, 2), row(None, 3, source="page"))
    assert told == [(None, DAY, 3, "page"), (DAY, None, 2, "list")]


def test_what_has_ended_is_not_joined(tools: SimpleNamespace) -> None:
    told = joined(tools, row(None, 5, to="2025-06-10"), row(DAY, 5))
    assert [span[:3] for span in told] == [(None, "2025-06-10", 5), (DAY, None, 5)]


def test_two_sources_of_the_same_days_complete_each_other_or_contradict(tools: SimpleNamespace) -> None:
    """What one does not state the other may; what both state must agree."""
    (told,) = tools.catalog._joined([row(None, 2), row(None, 2, cached=1, source="page", certainty="second_hand")])
    assert (told["cached"], told["source"], told["certainty"]) == (1, "list; page", "documented")
    with pytest.raises(SystemExit, match=r"m flex input: 2 \(list\), 3"):
        tools.catalog._joined([row(None, 2), row(None, 3)])
