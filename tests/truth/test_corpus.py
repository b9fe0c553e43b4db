import json
from collections import Counter
from typing import Final

import pytest

from .corpus import REASON, Exchange, corpus_dir, exchanges
from .oracle import expected
from .sse import blocks, events
from .told import TERMINAL
from .values import Json

pytestmark = pytest.mark.skipif(corpus_dir() is None, reason=REASON)

# id: verdict, visible tokens, text deltas. The required table of the reference (domain, section 7).
REQUIRED: Final = {
    "41c9eb6efc99": ("rate", 30, 29),
    "8acc178094dc": ("rate", 262, 261),
    "a4a5573e9bfc": ("rate", 140, 139),
    "82e8c93e5ea1": ("rate", 24, 20),
    "0708a2258f4c": ("tool_call", 43, 0),
    "8522dee1b35f": ("tool_call", 51, 0),
    "9ad1ba530528": ("tool_call", 40, 0),
    "9ee55ca1238b": ("tool_call", 28, 0),
    "eca212e5e9e3": ("tool_call", 45, 0),
    "29e2a7d6155b": ("tool_call", 67, 0),
    "245b4244e9c7": ("tool_call", 31, 0),
    "ee78724053f3": ("tool_call", 23, 0),
    "481c5055e7d9": ("tool_call", 109, 75),
    "a02c57abbc8b": ("tool_call", 70, 44),
    "945ff3920024": ("tool_call", 40, 4),
    "673402e17439": ("tool_call", 215, 209),
    "da32a97af998": ("tool_call", 451, 343),
    "839a1cc30c66": ("messages", 399, 4),
    "3fbef3c59cfa": ("few_deltas", 30, 12),
}
FAILED_INSIDE: Final = {
    "a008e3bdc11d": ("insufficient_quota", "insufficient_quota"),
    "529d6bbdf679": (None, "model_error"),
    "f9773ab41cec": (None, "model_error"),
}


def one(exchange_id: str) -> Exchange:
    return next(exchange for exchange in exchanges() if exchange.id == exchange_id)


def answered(hosts: str, endpoint: str, *, is_stream: bool) -> list[Exchange]:
    """Return the exchanges answered 200 by ``oa``, ``az`` or ``compat`` hosts."""
    return [
        exchange
        for exchange in exchanges()
        if exchange.name.startswith(f"{hosts}-") and exchange.status == 200
        if (exchange.endpoint, exchange.is_stream) == (endpoint, is_stream)
    ]


def test_corpus_is_whole() -> None:
    """The corpus holds 128 exchanges, 110 answered 200, 48 of them streams."""
    found = exchanges()
    assert len({exchange.id for exchange in found}) == len(found) == 128
    assert sum(exchange.status == 200 for exchange in found) == 110
    assert sum(exchange.is_stream for exchange in found) == 48


@pytest.mark.parametrize(
    ("hosts", "endpoint", "is_stream", "absent", "whole"),
    [
        ("oa", "chat/completions", False, 7, 23),
        ("oa", "chat/completions", True, 5, 16),
        ("oa", "responses", False, 6, 24),
        ("oa", "responses", True, 2, 19),
        ("az", "chat/completions", False, 4, 4),
        ("az", "chat/completions", True, 3, 4),
    ],
)
def test_tier_is_often_absent(hosts: str, endpoint: str, absent: int, whole: int, *, is_stream: bool) -> None:
    """As many replies say no tier at all as the reference counted."""
    raws = [expected(exchange).served_raw for exchange in answered(hosts, endpoint, is_stream=is_stream)]
    assert (raws.count(None), len(raws)) == (absent, whole)


def test_azure_responses_always_say_the_tier() -> None:
    """No Azure reply of the Responses endpoint leaves the tier out."""
    replies = [*answered("az", "responses", is_stream=False), *answered("az", "responses", is_stream=True)]
    assert [expected(exchange).served_raw for exchange in replies] == ["default"] * 7


def responses_in(exchange: Exchange, *types: str) -> list[Json]:
    """Return the Response of each event of these types; not every recorded stream names its events."""
    payloads = [json.loads(event.data) for event in events(exchange.body) if event.data.startswith("{")]
    return [payload["response"] for payload in payloads if payload["type"] in types]


@pytest.mark.parametrize(("hosts", "echoes", "whole"), [("oa", 14, 19), ("az", 3, 3)])
def test_created_says_auto_and_the_end_says_default(hosts: str, echoes: int, whole: int) -> None:
    """Most Responses streams begin with the echo ``auto`` and end with the tier that served them."""
    streams = answered(hosts, "responses", is_stream=True)
    echoes_of = {stream.id: responses_in(stream, "response.created", "response.in_progress") for stream in streams}
    echoing = [stream for stream in streams if {echo.get("service_tier") for echo in echoes_of[stream.id]} == {"auto"}]
    ends = [expected(stream).served_raw for stream in echoing]
    assert (ends.count("default"), len(streams)) == (echoes, whole)


def test_only_two_replies_were_served_priority() -> None:
    """One chat body and one Responses body asked for priority and got it."""
    served = [expected(exchange) for exchange in exchanges() if expected(exchange).served == "priority"]
    assert {(record.id, record.requested, record.outcome) for record in served} == {
        ("61a4d0b994d9", "priority", "honored"),
        ("2749d9f59edb", "priority", "honored"),
    }


@pytest.mark.parametrize("exchange_id", ["67061ed7e2cc", "acab07794f27"])
def test_auto_in_a_final_object_is_unreported(exchange_id: str) -> None:
    """A completed object that says ``auto`` reports no tier."""
    record = expected(one(exchange_id))
    assert (record.served_raw, record.served, record.outcome) == ("auto", "unreported", "unreported")


@pytest.mark.parametrize("exchange_id", ["73b8f2aa8129", "a917a07fe28b"])
def test_queued_responses_are_unverified(exchange_id: str) -> None:
    """A background response that is still queued proves nothing."""
    record = expected(one(exchange_id))
    assert (record.response_status, record.is_final, record.outcome) == ("queued", False, "unverified")


def test_errors_inside_streams() -> None:
    """Three streams answered 200 failed inside, and the oracle knows why."""
    failed = [expected(exchange) for exchange in exchanges() if exchange.status == 200]
    errors = {record.id: record.error for record in failed if record.outcome == "failed"}
    assert {key: (error.code, error.type) for key, error in errors.items() if error} == FAILED_INSIDE


def test_outcomes_of_the_corpus() -> None:
    """Every exchange has one outcome, and nothing in the corpus is a downgrade or a refusal."""
    assert Counter(expected(exchange).outcome for exchange in exchanges()) == {
        "resolved": 64,
        "unreported": 36,
        "failed": 21,
        "honored": 5,
        "unverified": 2,
    }


def test_every_http_error_is_told() -> None:
    """Each of the 18 error replies holds an error object with the HTTP status beside it."""
    errors = [expected(exchange).error for exchange in exchanges() if exchange.status != 200]
    assert Counter(error.status for error in errors if error) == {404: 7, 400: 6, 403: 2, 401: 2, 429: 1}


def test_required_table_of_rates() -> None:
    """Of the 19 streams with 20 visible tokens or more, 4 have a rate and 15 have the named reason."""
    records = [expected(exchange) for exchange in exchanges() if exchange.is_stream]
    found = {
        record.id: (record.rate_verdict, record.visible_tokens, record.text_deltas)
        for record in records
        if record.visible_tokens is not None and record.visible_tokens >= 20
    }
    assert found == REQUIRED


def test_other_streams_have_no_rate() -> None:
    """Of the other 29 streams, 17 are too short and 12 carry no usage."""
    verdicts = [expected(exchange).rate_verdict for exchange in exchanges() if exchange.id not in REQUIRED]
    assert Counter(verdicts) == {"not_streamed": 80, "few_tokens": 17, "no_usage": 12}


def test_every_responses_stream_ends_once() -> None:
    """Each recorded Responses stream holds exactly one terminal event."""
    streams = [exchange for exchange in exchanges() if exchange.is_stream and exchange.endpoint == "responses"]
    assert {len(responses_in(stream, *TERMINAL)) for stream in streams} == {1}


def test_blocks_give_back_every_body() -> None:
    """Cutting a recorded stream for replay loses no byte and makes one part an event."""
    for exchange in exchanges():
        if exchange.is_stream:
            assert b"".join(blocks(exchange.body)) == exchange.body
            assert len(blocks(exchange.body)) >= len(events(exchange.body)) > 0


def test_replayed_headers_are_safe() -> None:
    """No recorded header that is sent again describes the framing, and each reply has a content type."""
    for exchange in exchanges():
        assert not {"content-length", "transfer-encoding", "content-encoding", "connection"} & set(exchange.headers)
        assert exchange.headers["content-type"]
