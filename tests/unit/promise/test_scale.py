"""Scale units: entitlement, use, spill-over, idle money, and what a unit must be used to pay."""

from __future__ import annotations

import pytest
from tests.unit.promise.made import NOON, SAMPLE, UNIT, S

from tierscope.promise.scale import Entitlement, Use, break_even, entitlement, spill, utilisation
from tierscope.promise.share import Share

BOUGHT = Entitlement(input_tpm=60_000, output_tpm=2_500, input_usd_day=220.0, output_usd_day=36.0)
SCALE = SAMPLE._replace(expected="scale", served="scale", duration_ns=0)
MINUTE = NOON // (60 * S)


def used(
    minute: float, tokens_in: int | None, tokens_out: int | None, cached: int | None = None, served: str = "scale"
):
    return SCALE._replace(
        started_ns=NOON + round(minute * 60 * S),
        input_tokens=tokens_in,
        output_tokens=tokens_out,
        cached_tokens=cached,
        served=served,
    )


def test_an_entitlement_is_units_times_tokens() -> None:
    """Two input units of 30 000 at 110 USD, one output unit of 2 500 at 36 USD (Scale Tier page, GPT-4.1)."""
    assert entitlement(UNIT, 2, 1) == BOUGHT


def test_utilisation_by_minute() -> None:
    """Minutes 0 to 3: 30 000 + 24 000 of 240 000 input is 22.5 %; 2 000 of 10 000 output is 20 %."""
    found = utilisation([used(0, 30_000, 1_000), used(2, 20_000, 600), used(2.9999, 4_000, 400), used(3, 0, 0)], BOUGHT)
    assert found.minutes == 4
    assert found.used == {MINUTE: Use(30_000, 1_000), MINUTE + 2: Use(24_000, 1_000), MINUTE + 3: Use(0, 0)}
    assert (found.input, found.output) == (0.225, 0.2)
    assert (found.peak_input, found.peak_output) == (0.5, 0.4)


def test_tokens_count_when_their_call_ended() -> None:
    """A call of 90 s that began at 0:00 ended in minute 1."""
    found = utilisation([used(0, 10, 5)._replace(duration_ns=90 * S)], BOUGHT)
    assert (list(found.used), found.minutes) == ([MINUTE + 1], 1)


def test_only_what_scale_served_uses_it_but_spilled_calls_were_observed() -> None:
    """A spilled call at minute 9 lengthens the span to ten minutes and uses nothing; Priority draws no units at all."""
    calls = [used(0, 6_000, 250), used(9, 50_000, 900, served="default")]
    found = utilisation([SAMPLE._replace(started_ns=NOON + 3_600 * S), *calls], BOUGHT)
    assert (found.minutes, found.used) == (10, {MINUTE: Use(6_000, 250)})
    assert found.input == pytest.approx(0.01)  # 6 000 of 600 000
    assert found.output == pytest.approx(0.01)  # 250 of 25 000


@pytest.mark.parametrize(("weight", "expected"), [(1.0, 1_000), (0.5, 700), (0.0, 400)])
def test_the_weight_of_cached_tokens(weight: float, expected: float) -> None:
    """600 of 1 000 are cached; unknown ones are taken in full."""
    (use,) = utilisation([used(0, 1_000, 1, cached=600)], BOUGHT, cached_weight=weight).used.values()
    assert use == Use(expected, 1)
    (use,) = utilisation([used(0, 1_000, 1)], BOUGHT, cached_weight=weight).used.values()
    assert use == Use(1_000, 1)


def test_idle_money() -> None:
    """One minute at a quarter of the input and none of the output: 165 (of 220) and 36 USD a day, of 1 440 minutes."""
    found = utilisation([used(0, 15_000, None)], BOUGHT)
    assert found.idle_usd == pytest.approx((165 + 36) / 1_440)


def test_more_than_was_bought_is_not_idle() -> None:
    """Calls of several minutes may end in one: its share is above 1, its idle money none."""
    found = utilisation([used(0, 90_000, 5_000)], BOUGHT)
    assert (found.input, found.peak_input, found.output, found.idle_usd) == (1.5, 1.5, 2, 0)


def test_of_nothing_nothing_is_known() -> None:
    """Neither without calls, nor where no unit of a kind was bought."""
    empty = utilisation([], BOUGHT)
    assert (empty.input, empty.output, empty.minutes, empty.idle_usd) == (None, None, 0, 0)
    assert (empty.peak_input, empty.peak_output) == (None, None)
    none = utilisation([used(0, 5, 5)], Entitlement(60_000, 0, 220.0, 0.0))
    assert (none.output, none.peak_output) == (None, None)
    assert none.idle_usd == pytest.approx((1 - 5 / 60_000) * 220 / 1_440)


def test_cached_tokens_count_in_full_and_unknown_ones_not_at_all() -> None:
    """No source states their weight: that of nobody's choice over-states the use."""
    found = utilisation([used(0, 1_000, 1, cached=600), used(1, None, None)], BOUGHT)
    assert found.used == {MINUTE: Use(1_000, 1), MINUTE + 1: Use(0, 0)}


def test_a_span_of_spilled_calls_alone_is_idle() -> None:
    found = utilisation([used(0, 5, 5, served="default")], BOUGHT)
    assert (found.minutes, found.input, found.output, found.peak_input, found.peak_output) == (1, 0, 0, 0, 0)
    assert found.idle_usd == pytest.approx((220 + 36) / 1_440)


def test_spill_over() -> None:
    """3 of 8 that expected scale went to default; failures, flex, untrusted hosts, other expectations are aside."""
    default = SCALE._replace(served="default", outcome="downgraded")
    calls = [*[SCALE] * 5, *[default] * 3]
    aside = [
        SCALE._replace(served="unreported", outcome="failed"),
        SCALE._replace(served="flex"),
        default._replace(trusted=False),
        default._replace(expected="priority"),
    ]
    assert spill([*calls, *aside]) == Share(3, 8)
    assert spill(aside).value is None


# Unit: tokens per minute and USD a day (Scale Tier page); USD per million tokens at default and Priority (genai-prices
# 0.2.3, Priority page). Literals of the reference table: multiple of default, break-even in per cent.
@pytest.mark.parametrize(
    ("tpm", "usd_day", "default", "priority", "multiple", "percent"),
    [
        pytest.param(25_000, 75.00, 1.25, 2.50, 1.667, 83.3, id="gpt-5-in"),
        pytest.param(2_500, 60.00, 10.0, 20.0, 1.667, 83.3, id="gpt-5-out"),
        pytest.param(500_000, 275.00, 0.25, 0.45, 1.528, 84.9, id="gpt-5-mini-in"),
        pytest.param(50_000, 220.00, 2.00, 3.60, 1.528, 84.9, id="gpt-5-mini-out"),
        pytest.param(30_000, 110.00, 2.00, 3.50, 1.273, 72.8, id="gpt-4.1-in"),
        pytest.param(2_500, 36.00, 8.00, 14.0, 1.250, 71.4, id="gpt-4.1-out"),
        pytest.param(500_000, 450.00, 0.40, 0.70, 1.562, 89.3, id="gpt-4.1-mini-in"),
        pytest.param(50_000, 175.00, 1.60, 2.80, 1.519, 86.8, id="gpt-4.1-mini-out"),
        pytest.param(500_000, 110.00, 0.10, 0.20, 1.528, 76.4, id="gpt-4.1-nano-in"),
        pytest.param(50_000, 40.00, 0.40, 0.80, 1.389, 69.4, id="gpt-4.1-nano-out"),
        pytest.param(25_000, 75.00, 2.00, 3.50, 1.042, 59.5, id="o3-in"),
        pytest.param(5_000, 60.00, 8.00, 14.0, 1.042, 59.5, id="o3-out"),
        pytest.param(30_000, 50.00, 1.10, 2.00, 1.052, 57.9, id="o4-mini-in"),
        pytest.param(5_000, 32.50, 4.40, 8.00, 1.026, 56.4, id="o4-mini-out"),
        pytest.param(30_000, 124.59, 2.50, 4.25, 1.154, 67.9, id="gpt-4o-in"),
        pytest.param(2_500, 39.34, 10.0, 17.0, 1.093, 64.3, id="gpt-4o-out"),
        pytest.param(500_000, 114.75, 0.15, 0.25, 1.062, 63.7, id="gpt-4o-mini-in"),
        pytest.param(50_000, 49.18, 0.60, 1.00, 1.138, 68.3, id="gpt-4o-mini-out"),
        pytest.param(500_000, 229.50, 0.30, None, 1.062, None, id="ft-gpt-4o-mini-in"),
        pytest.param(50_000, 98.36, 1.20, None, 1.138, None, id="ft-gpt-4o-mini-out"),
        pytest.param(5_000, 163.93, 15.0, None, 1.518, None, id="o1-in"),
        pytest.param(1_000, 131.15, 60.0, None, 1.518, None, id="o1-out"),
        pytest.param(30_000, 78.69, 1.10, None, 1.656, None, id="o3-mini-in"),
        pytest.param(5_000, 52.46, 4.40, None, 1.656, None, id="o3-mini-out"),
    ],
)
def test_what_a_unit_must_be_used_to_pay(
    tpm: int, usd_day: float, default: float, priority: float | None, multiple: float, percent: float | None
) -> None:
    """To the printed digit: half a unit of it, and a hair for the ties (1.0625 is printed as 1.062)."""
    found = break_even(
        tpm, usd_day, default_price=default / 1e6, priority_price=None if priority is None else priority / 1e6
    )
    assert found.of_default == pytest.approx(multiple, abs=0.000_500_1)
    assert found.of_default > 1
    if percent is None or found.utilisation is None:
        assert found.utilisation is percent
    else:
        assert 100 * found.utilisation == pytest.approx(percent, abs=0.050_001)
