"""Uptime: what each attempt came to, and which count."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.promise.made import SAMPLE

from tierscope.promise.samples import Try
from tierscope.promise.share import Share
from tierscope.promise.uptime import DEFAULT, KINDS, kind_of, kinds_of, uptime
from tierscope.words import ATTEMPT_RESULTS

FAILED: Final = SAMPLE._replace(outcome="failed")


@pytest.mark.parametrize(
    ("attempt", "closing", "kind"),
    [
        pytest.param(Try("ok", 200), None, "ok", id="ok"),
        pytest.param(Try("server_error", 503), None, "server_error", id="503"),
        pytest.param(Try("refused", 500), None, "server_error", id="a-5xx-is-one-whatever-it-says"),
        pytest.param(Try("rate_limited", 429, "server_is_overloaded"), None, "server_error", id="overloaded"),
        pytest.param(Try("client_error", 400, "server_error"), None, "server_error", id="code"),
        pytest.param(Try("rate_limited", 429, "slow_down"), None, "rate_limited", id="429"),
        pytest.param(Try("spend_limited", 429, "insufficient_quota"), None, "spend_limited", id="quota"),
        pytest.param(Try("client_error", 408), None, "client_error", id="408"),
        pytest.param(Try("refused", 429), None, "refused", id="refused"),
        pytest.param(Try("no_response"), "openai.APIConnectionError", "no_response", id="connect"),
        pytest.param(Try("timeout"), "openai.APITimeoutError", "timeout", id="timeout"),
        pytest.param(Try("cancelled"), "asyncio.CancelledError", "cancelled", id="cancelled"),
        pytest.param(Try("ok", 200), "server_is_overloaded", "in_reply", id="in-stream"),
        pytest.param(Try("ok", 200), "server_error", "in_reply", id="response-failed"),
        pytest.param(Try("ok", 200), "service_unavailable_error", "in_reply", id="in-stream-type"),
        pytest.param(Try("ok", 200), "insufficient_quota", "ok", id="in-stream-quota"),
        pytest.param(Try("ok", 200), "openai.APITimeoutError", "timeout", id="told-by-the-client"),
        pytest.param(Try("ok", 200), "httpx2.ReadTimeout", "timeout", id="timeout-in-a-stream"),
        pytest.param(Try("ok", 200), "httpx.RemoteProtocolError", "connection_lost", id="broke-off"),
        pytest.param(Try("ok", 200), "httpx2.ReadError", "connection_lost", id="read-error"),
        pytest.param(Try("ok", 200), "_OTHER", "ok", id="other"),
        pytest.param(Try("server_error", 499), None, "server_error", id="result-alone"),
        pytest.param(Try("client_error", 499), None, "client_error", id="499"),
    ],
)
def test_what_an_attempt_came_to(attempt: Try, closing: str | None, kind: str) -> None:
    assert kind_of(attempt, closing) == kind


def test_only_the_last_attempt_of_a_failed_call_bears_its_error() -> None:
    """Two tries that were answered: the second broke in the stream. Of a call that did not fail, none."""
    call = FAILED._replace(tries=(Try("ok", 200), Try("ok", 200)), error_type="server_error")
    assert kinds_of(call) == ["ok", "in_reply"]
    assert kinds_of(call._replace(outcome="honored")) == ["ok", "ok"]
    assert kinds_of(SAMPLE._replace(tries=())) == []


CALLS: Final = [
    SAMPLE,
    SAMPLE._replace(tries=(Try("server_error", 500), Try("no_response"), Try("ok", 200))),
    FAILED._replace(tries=(Try("rate_limited", 429),)),
    FAILED._replace(tries=(Try("timeout"), Try("timeout"))),
    FAILED._replace(error_type="server_is_overloaded"),
    FAILED._replace(tries=(Try("refused", 429),), outcome="refused"),
]
"""9 attempts: 2 ok, 1 5xx, 1 without response, 1 in a reply, 1 429, 1 refused, 2 time-outs."""


def test_by_default_time_outs_are_in_neither_half() -> None:
    """9 attempts less 2 time-outs are 7; 5xx, no response and in a reply are 3 errors: 4 of 7."""
    found = uptime(CALLS)
    assert found.attempts == 9
    assert found.errors == {"server_error": 1, "no_response": 1, "in_reply": 1}
    assert found.apart == {"timeout": 2}
    assert found.share == Share(4, 7)
    assert found.share.keeps(0.999) is False


def test_time_outs_and_refusals_can_count() -> None:
    """Then all 9 count, and 3 + 2 + 1 are errors."""
    found = uptime(CALLS, DEFAULT.counting("timeout", "refused"))
    assert found.share == Share(3, 9)
    assert found.apart == {}
    assert found.errors == {"refused": 1, "server_error": 1, "timeout": 2, "no_response": 1, "in_reply": 1}


def test_what_the_client_gave_up_or_lost_is_apart() -> None:
    """Of five attempts two count."""
    tries = (Try("cancelled"), Try("timeout"), Try("client_error", 400), Try("ok", 200), Try("ok", 200))
    found = uptime([FAILED._replace(tries=tries, error_type="httpx.ReadError")])
    assert found.apart == {"timeout": 1, "cancelled": 1, "connection_lost": 1}
    assert found.share == Share(2, 2)


def test_codes_are_a_part_of_the_definition() -> None:
    found = uptime([FAILED._replace(error_type="server_is_overloaded")], DEFAULT._replace(codes=frozenset()))
    assert found.share == Share(1, 1)


def test_a_proxy_is_not_the_provider() -> None:
    """What failed at a host that is not trusted is nobody's broken promise."""
    down = FAILED._replace(tries=(Try("server_error", 502),))
    assert uptime([down._replace(trusted=False)]).share == Share()
    assert uptime([down]).share == Share(0, 1)


@pytest.mark.parametrize(("lost", "is_kept"), [(1, True), (2, False)])
def test_three_nines(lost: int, is_kept: bool) -> None:
    """One of 1 000 is 99.9 %, two are not."""
    down = FAILED._replace(tries=(Try("server_error", 500),))
    assert uptime([*[SAMPLE] * (1_000 - lost), *[down] * lost]).share.keeps(0.999) is is_kept


tries = st.builds(
    Try,
    st.sampled_from(ATTEMPT_RESULTS),
    st.sampled_from([None, 200, 400, 429, 500, 503]),
    st.sampled_from([None, "server_error", "slow_down"]),
)
broken = st.builds(
    SAMPLE._replace,
    tries=st.lists(tries, max_size=3).map(tuple),
    outcome=st.sampled_from(["honored", "failed"]),
    error_type=st.sampled_from([None, "server_error", "httpx.ReadError", "_OTHER"]),
)


@given(st.lists(broken), st.sets(st.sampled_from(KINDS)))
def test_every_attempt_is_of_one_kind(calls: list, also: set[str]) -> None:
    """Errors, those apart and the rest are all; counting more kinds never raises the number of good attempts."""
    found = uptime(calls, DEFAULT.counting(*also))
    assert set(found.kinds) <= set(KINDS)
    assert found.attempts == sum(len(call.tries) for call in calls)
    assert found.share.of + sum(found.apart.values()) == found.attempts
    assert found.share.missed == sum(found.errors.values())
    assert found.share.met <= uptime(calls).share.met
