"""``futile-retries``."""

from __future__ import annotations

from tests.unit.advice.made import found, line
from tierscope.advice.futile_retries import find

GONE = {"requested": "flex", "expected": "flex", "served": "unreported", "outcome": "refused"}


def test_retries_that_lose_more_calls_than_they_save_are_found() -> None:
    """Eleven of twenty were refused again."""
    lost = line(11, sums={"retried": 11, "retries": 22, "waited_s": 16.5}, **GONE)
    saved = line(40, sums={"retried": 9, "retries": 12, "waited_s": 9.0}, **{**GONE, "outcome": "honored"})
    (one,) = found(find, lost, saved)
    assert (one.id, one.calls, one.money) == ("futile-retries:openai:gpt-4.1:proj_a", 11, None)
    assert one.evidence == {"tried_again": 20, "lost": 11, "attempts_lost": 22, "waited_s": 16.5}
    assert one.title.startswith(
        "11 of 20 calls on gpt-4.1 (proj_a) that were tried again failed all the same, after 16 s"
    )


def test_half_is_not_most() -> None:
    lost, saved = line(10, sums={"retried": 10}, **GONE), line(10, sums={"retried": 10})
    assert found(find, lost, saved) == []


def test_few_say_nothing() -> None:
    assert found(find, line(19, sums={"retried": 19}, **GONE)) == []
