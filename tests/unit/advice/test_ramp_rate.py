"""``ramp-rate``."""

from __future__ import annotations

from typing import Final

from tests.unit.advice.made import CHAT, LOST, found
from tierscope.advice import Money
from tierscope.advice.figures import Beyond
from tierscope.advice.ramp_rate import find
from tierscope.promise.ramp import Over

KEY: Final = ("openai", "gpt-4.1-2025-04-14", "priority")
OVER: Final = Over({"openai": 60 * 10**9}, frozenset({(KEY, 7), (KEY, 8), (("openai", "gpt-5", "priority"), 9)}))
CHATS: Final = CHAT._replace(**LOST)


def test_calls_that_ran_while_the_series_grew_beyond_the_rule_are_found() -> None:
    """Of one call the price at priority is not known; steps of another model are not counted."""
    beyond = (
        Beyond(CHATS, KEY, range(6, 8), 2, 2, 30),
        Beyond(CHATS, KEY, range(8, 9), 4, 3, 500),
    )
    (one,) = found(find, beyond=beyond, over=OVER)
    assert (one.id, one.calls, one.money) == ("ramp-rate:openai:gpt-4.1:proj_a", 6, Money(530, "not_charged"))
    assert one.evidence == {"steps_beyond_the_rule": 2, "seconds_a_step": 60.0}
    assert "inferred" in one.title


def test_growth_that_cost_nobody_priority_is_none() -> None:
    assert found(find, over=OVER) == []


def test_without_prices_there_is_no_money() -> None:
    (one,) = found(find, beyond=(Beyond(CHATS, KEY, range(7, 8), 3, 0, 0),), over=OVER)
    assert (one.calls, one.money) == (3, None)
