"""``no-usage``."""

from __future__ import annotations

from tests.unit.advice.made import found, line
from tierscope.advice.no_usage import find


def test_streams_without_usage_are_found_without_money() -> None:
    (one,) = found(find, line(8, sums={"without_usage": 2}), line(2, served="default"), line(5, is_stream=0))
    assert (one.id, one.calls, one.money) == ("no-usage:openai:gpt-4.1:proj_a", 2, None)
    assert one.evidence == {"streams": 10, "without_usage": 2}


def test_streams_with_usage_are_none() -> None:
    assert found(find, line(8)) == []
