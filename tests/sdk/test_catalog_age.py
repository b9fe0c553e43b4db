"""The price list grows old: a metric says how old, and a log line when it is too old."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import pytest
from tests.sdk import replies
from tests.sdk.conftest import CHAT

from tierscope.catalog import prices

if TYPE_CHECKING:
    from tests.sdk.conftest import Service
    from tests.sdk.telemetry import Telemetry

DAY = 86_400


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if "price list" in record.getMessage()]


def test_its_age_is_a_metric(service: Service, telemetry: Telemetry) -> None:
    """Seconds since the end of the day on which it was true."""
    service.client(replies.whole(replies.chat())).chat.completions.create(**CHAT)
    (age,) = telemetry.points("tierscope.catalog.age").values()
    assert age == pytest.approx(prices.age_s(time.time()), abs=60)


def test_its_age_begins_with_the_end_of_its_day() -> None:
    """Never below zero."""
    end = (prices.rates().as_of.toordinal() + 1 - 719_163) * DAY  # the ordinal of 1970-01-01
    assert [prices.age_s(end + offset) for offset in (-DAY, 0, 1, 90 * DAY)] == [0, 0, 1, 90 * DAY]


@pytest.mark.parametrize(("days", "count"), [(90.9, 0), (91, 1), (400, 1)])
def test_an_old_list_is_warned_of_once(
    service: Service, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, days: float, count: int
) -> None:
    """With the first call, not with the second; the calls are priced all the same."""
    from tests.sdk.telemetry import Telemetry

    monkeypatch.setattr(prices, "age_s", lambda _: days * DAY)
    client = service.client(replies.whole(replies.chat()))
    with caplog.at_level(logging.WARNING, "tierscope"), Telemetry() as running:
        for _ in range(2):
            client.chat.completions.create(**CHAT)
        assert sum(running.points("tierscope.calls").values()) == 2
    assert len(warnings(caplog)) == count
    assert all("TIERSCOPE_CATALOG" in line for line in warnings(caplog))
