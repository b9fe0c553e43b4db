"""``deployment-type``."""

from __future__ import annotations

from typing import Any, Final

import pytest

from tests.unit.advice.made import KNOWN, LOST, found, line
from tierscope.advice import Money
from tierscope.advice.deployment_type import find
from tierscope.advice.never_served import find as never_served
from tierscope.catalog.deployments import Kind
from tierscope.catalog.prices import rates
from tierscope.catalog.promises import Promises

AZURE: Final[dict[str, Any]] = {"provider": "azure.ai.openai", "deployment": "chat-eu", "project": None}
KINDS: Final = {
    "chat-eu": Kind("DataZoneStandard", "eu"),
    "all": Kind("GlobalStandard"),
    "any": Kind("DataZoneStandard"),
}
TOLD: Final = KNOWN._replace(rates=rates(), promises=Promises((), (), (), {}, KINDS))


def test_priority_asked_of_a_type_that_has_none_is_found() -> None:
    """From the first call on, with what the promised tier would have cost more; never-served leaves it to this one."""
    sums = {"compared": 20, "above_expected": -7, "paid": 9}
    lines = [line(20, sums=sums, **AZURE, **LOST), line(9, **AZURE, **{**LOST, "inferred_cause": "long_context"})]
    (one,) = found(find, *lines, known=TOLD)
    assert (one.id, one.calls) == ("deployment-type:azure.ai.openai:gpt-4.1:chat-eu", 20)
    assert one.money == Money(7, "not_charged")
    assert one.evidence == {"type": "DataZoneStandard (eu)", "served": "default", "paid_pico_usd": 9}
    assert one.title == (
        "20 calls on gpt-4.1 (chat-eu) expected priority of a DataZoneStandard (eu) deployment, which has none."
    )
    assert found(never_served, *lines, known=TOLD) == []
    assert len(found(never_served, *lines)) == 1


OTHERS: Final = [
    pytest.param([line(5, **{**AZURE, "deployment": "all"}, **LOST)], id="a-type-that-has-it"),
    pytest.param([line(5, **{**AZURE, "deployment": "any"}, **LOST)], id="zone-unknown"),
    pytest.param([line(5, **{**AZURE, "deployment": "other"}, **LOST)], id="type-unknown"),
    pytest.param([line(5, **{**AZURE, "deployment": None}, **LOST)], id="deployment-unknown"),
    pytest.param([line(5, **{**AZURE, "provider": "openai"}, **LOST)], id="not-azure"),
    pytest.param([line(5, **AZURE, **LOST), line(1, **AZURE)], id="served-all-the-same"),
    pytest.param([line(5, **AZURE, requested="default", expected="default")], id="not-asked"),
    pytest.param([line(5, **AZURE, served="unreported", outcome="failed")], id="not-answered"),
    pytest.param([line(5, **AZURE, **{**LOST, "inferred_cause": "long_context"})], id="long-prompts"),
]


@pytest.mark.parametrize("lines", OTHERS)
def test_nothing_else_is(lines: list[Any]) -> None:
    assert found(find, *lines, known=TOLD) == []
