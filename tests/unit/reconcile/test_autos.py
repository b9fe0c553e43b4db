"""Calls that named no tier go by their project's setting, as far as the provider's books say so."""

from __future__ import annotations

from typing import Final

import pytest

from tierscope.reconcile.autos import AUTO_OTHERWISE, resolve
from tierscope.reconcile.figures import Figures, Key, Ours, Theirs

BLANK: Final = Key("gpt-5-mini", "unreported")
FAST: Final = Key("gpt-5-mini", "priority")
HERE: Final = Ours(Figures(3, 30, 3, 15), unsaid={})
"""Three calls whose replies named priority."""
CUT: Final = Ours(Figures(2, 20, 0, 10), near_end=1, unsaid={"cut_short": 2})
"""Two calls that were cut short, both with their tokens."""


def books(requests: int) -> dict[int, dict[Key, Theirs]]:
    return {0: {FAST: Theirs(Figures(requests, 50, 3, 25))}}


def ours(*, of: str = "proj_a", more: Ours | None = None) -> dict[int, dict[Key, Ours]]:
    whole = CUT if more is None else more
    return {0: {FAST: HERE, BLANK: whole._replace(autos={of: CUT})}}


def test_under_the_tier_of_the_setting() -> None:
    """3 + 2 of 5 requests, and 30 + 20 input tokens; by whatever word for the tier; of the unknown nothing is left."""
    found = resolve(books(5), ours(), {"proj_a": "fast"})
    assert found.cells == {0: {FAST: Ours(Figures(5, 50, 3, 25), near_end=1)}}
    assert (found.meant, found.otherwise) == ({"proj_a": 2}, {})


def test_not_where_the_books_have_fewer() -> None:
    """Of 4 requests 3 are known: one is no two. The reason is told."""
    found = resolve(books(4), ours(), {"proj_a": "priority"})
    assert found.cells[0][FAST] == HERE
    assert found.cells[0][BLANK].figures == CUT.figures
    assert found.cells[0][BLANK].unsaid == {AUTO_OTHERWISE: 2}
    assert (found.meant, found.otherwise) == ({}, {"proj_a": 2})


@pytest.mark.parametrize("means", [{}, {"proj_a": None}, {"proj_a": "auto"}, {"proj_a": "warp"}, {"proj_b": "fast"}])
def test_not_by_a_setting_that_nobody_knows(means: dict[str, str | None]) -> None:
    found = resolve(books(5), ours(), means)
    assert (found.cells, found.meant, found.otherwise) == (ours(), {}, {})


def test_what_is_left_of_the_unknown() -> None:
    """One call of three asked for a tier: it stays, with its 25 - 20 and 12 - 10 tokens; cached ones are unknown."""
    more = Ours(Figures(3, 25, None, 12), near_end=1, unsaid={"cut_short": 2, "no_rule": 1})
    found = resolve(books(5), ours(more=more), {"proj_a": "priority"})
    assert found.cells[0][BLANK] == Ours(Figures(1, 5, None, 2), unsaid={"no_rule": 1})
    assert found.cells[0][FAST].figures == Figures(5, 50, 3, 25)


def test_calls_that_told_no_tokens() -> None:
    """They count; the tokens stay those of the others, or absent."""
    blank = Ours(Figures(1, None, None, None), without_usage=1, unsaid={"queued": 1})
    held = {0: {FAST: HERE, BLANK: blank._replace(autos={"proj_a": blank})}}
    found = resolve(books(4), held, {"proj_a": "priority"})
    assert found.cells[0] == {FAST: Ours(Figures(4, 30, 3, 15), without_usage=1)}
    alone = resolve(books(1), {0: {BLANK: held[0][BLANK]}}, {"proj_a": "priority"})
    assert alone.cells[0] == {FAST: blank._replace(unsaid={})}
