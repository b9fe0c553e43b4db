"""``flex-timeout``."""

from __future__ import annotations

from tests.unit.advice.made import found, line
from tierscope.advice.flex_timeout import find


def test_calls_that_gave_up_after_ten_minutes_are_found_without_money() -> None:
    """What was not answered has no tokens."""
    (one,) = found(find, line(40, sums={"impatient": 3}, requested="flex", expected="flex", served="unreported"))
    assert (one.id, one.calls, one.money) == ("flex-timeout:openai:gpt-4.1:proj_a", 3, None)
    assert one.evidence == {"calls_on_flex": 40, "gave_up_after_600_s": 3}


def test_without_proof_nothing_is_said() -> None:
    """The time-out of a client is in no record."""
    assert found(find, line(40, requested="flex", expected="flex", served="flex")) == []
