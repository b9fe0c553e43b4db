"""Percentiles are exact: some sample of their own, at the nearest rank."""

from __future__ import annotations

from fractions import Fraction
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tierscope.ledger.figures import Group, Quantiles, Tokens, nearest_rank, quantiles

SAMPLES: Final = st.lists(st.floats(0, 1e6), min_size=1, max_size=60)


@settings(derandomize=True, deadline=None, database=None)
@given(SAMPLES, st.integers(1, 100))
def test_a_percentile_is_the_smallest_sample_that_so_many_do_not_exceed(samples: list[float], percent: int) -> None:
    """The definition itself, by brute force and in exact fractions."""
    enough = [
        sample
        for sample in samples
        if Fraction(sum(other <= sample for other in samples), len(samples)) >= Fraction(percent, 100)
    ]
    assert nearest_rank(sorted(samples), percent) == min(enough)


@pytest.mark.parametrize(
    ("count", "percent", "rank"),
    [(1, 5, 1), (1, 95, 1), (19, 95, 19), (20, 95, 19), (21, 95, 20), (100, 5, 5), (101, 5, 6), (2, 50, 1), (3, 50, 2)],
)
def test_ranks_by_hand(count: int, percent: int, rank: int) -> None:
    """Where the rank is whole, and just beside it."""
    assert nearest_rank(range(1, count + 1), percent) == rank


def test_the_three_percentiles() -> None:
    """Of samples in any order; none of none."""
    assert quantiles([*range(100, 0, -1)]) == Quantiles(100, p05=5, p50=50, p95=95)
    assert quantiles([]) == Quantiles(0, None, None, None)
    assert nearest_rank((), 50) is None


@pytest.mark.parametrize(("outcomes", "count"), [({"downgraded": 3, "honored": 1}, 3), ({"honored": 4}, 0)])
def test_a_group_knows_its_downgrades(outcomes: dict[str, int], count: int) -> None:
    """None where the word is not among the outcomes."""
    none = Quantiles()
    group = Group("p", "m", "priority", "priority", "default", 4, 1.0, outcomes, {}, {}, 0, none, none, none, Tokens())
    assert group.downgraded == count
