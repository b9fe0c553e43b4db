"""Response headers: all of them are optional, each is exact or unknown."""

from __future__ import annotations

import re
from typing import Any, Final

import httpx2
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.unit import wire
from tierscope.model import Headers, RateLimits
from tierscope.reading import headers

OPENAI: Final = {
    "x-request-id": "req_1",
    "openai-processing-ms": "812",
    "openai-version": "2020-10-01",
    "x-ratelimit-limit-requests": "500",
    "x-ratelimit-remaining-requests": "499",
    "x-ratelimit-reset-requests": "120ms",
    "x-ratelimit-limit-tokens": "30000",
    "x-ratelimit-remaining-tokens": "15000",
    "x-ratelimit-reset-tokens": "1m0.198s",
}
OPENAI_READ: Final = Headers("req_1", 812.0, RateLimits(500, 499, 0.12, 30000, 15000, 60.198))
AZURE: Final = {
    "apim-request-id": "apim_1",
    "x-ms-region": "Sweden Central",
    "x-ms-deployment-name": "chat-spill",
    "x-ms-is-spilled-over": "True",
    "x-ms-spillover-from-deployment": "chat-ptu",
    "x-ratelimit-limit-requests": "-1",
    "x-ratelimit-remaining-requests": "-1",
    "x-ratelimit-reset-requests": "0",
    "x-ratelimit-remaining-tokens": "60",
    "x-ratelimit-reset-tokens": "500",
    "azureml-model-session": "d1",
}
AZURE_READ: Final = Headers(
    request_id="apim_1",
    rate_limits=RateLimits(remaining_tokens=60),
    region="Sweden Central",
    deployment="chat-spill",
    is_spilled_over=True,
    spilled_from="chat-ptu",
)


def read(values: dict[str, str] | list[tuple[str, str]], tier_header: str | None = None) -> Headers:
    """Read headers as httpx keeps them."""
    return headers.read(httpx2.Headers(values).raw, tier_header)


@pytest.mark.parametrize(("values", "told"), [(OPENAI, OPENAI_READ), (AZURE, AZURE_READ), ({}, Headers())])
def test_headers_as_seen(values: dict[str, str], told: Headers) -> None:
    """OpenAI's, Azure's (whose numbers without unit and negative ones are unknown), none."""
    assert read(values) == told


def test_the_case_of_a_name_means_nothing() -> None:
    assert read({name.upper(): value for name, value in OPENAI.items()}) == OPENAI_READ
    assert read({name.title(): value for name, value in AZURE.items()}) == AZURE_READ


# ── durations ─────────────────────────────────────────────────────────────────────────────────────────────────────
DURATIONS: Final = [
    ("0s", 0.0),
    ("1s", 1.0),
    ("12ms", 0.012),
    ("20ms", 0.02),
    ("0.5ms", 0.0005),
    ("8.64s", 8.64),
    ("59s", 59.0),
    ("1m0.198s", 60.198),
    ("6m0s", 360.0),
    ("6m", 360.0),
    ("1m30ms", 60.03),
    ("1h", 3600.0),
    ("1h0m0s", 3600.0),
    ("1h2m3.5s", 3723.5),
    ("1h3.5s", 3603.5),
    ("24h59m59s999ms", 89999.999),
    ("0" * 253 + "1m", 60.0),
]
UNKNOWN: Final = [
    "", " ", "0", "7", "60", "500", "1.5", "-1", "-1s", "+1s", "s", "ms", "m", "h", ".s", "1 s", "1,5s", "1.2.3s",
    "1e3s", "0x1s", "nans", "infs", "1_0s", "1.5h", "1.5m", "5s1m", "1m1m", "1d", "1d2h", "10us", "10\u00b5s",
    "\u00b2s", "\u0661s", "1s ", "1s,1s", "REDACTED", "2026-11-22T00:00:00Z", "0" * 254 + "1m",
]  # fmt: skip


@pytest.mark.parametrize(("text", "seconds"), DURATIONS)
def test_a_duration_is_read_in_seconds(text: str, seconds: float) -> None:
    assert headers.seconds(text.encode()) == pytest.approx(seconds, rel=1e-12, abs=0)


@pytest.mark.parametrize("text", [*UNKNOWN, None])
def test_what_is_no_duration_is_unknown(text: str | None) -> None:
    """A number without unit among them: Azure sends such, and nobody documents what it counts."""
    assert headers.seconds(None if text is None else text.encode()) is None


whole: Final = st.integers(0, 10_000)


@given(st.none() | whole, st.none() | whole, st.none() | st.decimals(0, 10_000, places=3), st.none() | whole)
def test_a_written_duration_is_read_back(hours: Any, minutes: Any, seconds: Any, millis: Any) -> None:
    """Any of the four parts may be missing, not all."""
    parts = [(hours, "h", 3600), (minutes, "m", 60), (seconds, "s", 1), (millis, "ms", 0.001)]
    text = "".join(f"{value}{unit}" for value, unit, _ in parts if value is not None)
    total = sum(float(value) * factor for value, _, factor in parts if value is not None)
    assert headers.seconds(text.encode()) == (pytest.approx(total, rel=1e-12, abs=1e-12) if text else None)


# ── numbers ───────────────────────────────────────────────────────────────────────────────────────────────────────
COUNTS: Final = [
    ("0", 0),
    ("500", 500),
    ("007", 7),
    (str(2**63 - 1), 2**63 - 1),
    (str(2**63), None),
    ("9" * 250, None),
    ("0" * 254 + "7", 7),
    ("0" * 255 + "77", None),
    ("-1", None),
    ("+1", None),
    ("1.0", None),
    ("1_000", None),
    ("1,000", None),
    ("1e3", None),
    ("\xb2", None),
    ("REDACTED", None),
]


@pytest.mark.parametrize(("text", "count"), COUNTS)
def test_a_limit_is_a_whole_number_that_can_be_stored_or_unknown(text: str, count: int | None) -> None:
    """In each of the four places; beyond int64 neither OTLP nor SQLite takes it."""
    for at, name in [(0, "limit-requests"), (1, "remaining-requests"), (3, "limit-tokens"), (4, "remaining-tokens")]:
        told = headers.read([(f"x-ratelimit-{name}".encode(), text.encode("latin-1"))]).rate_limits
        assert told == RateLimits(*[count if place == at else None for place in range(6)])


NUMBERS: Final = [
    ("0", 0.0),
    ("812", 812.0),
    ("81.25", 81.25),
    ("1e3", None),
    ("1_000", None),
    ("-1", None),
    ("nan", None),
    ("inf", None),
    ("Infinity", None),
    ("1" + "0" * 400, None),
    ("1.2.3", None),
    ("12ms", None),
    ("REDACTED", None),
]


@pytest.mark.parametrize(("text", "number"), NUMBERS)
def test_a_processing_time_is_a_plain_number_or_unknown(text: str, number: float | None) -> None:
    assert read({"openai-processing-ms": text}).processing_ms == number


@given(st.sampled_from(sorted({**OPENAI, **AZURE})), st.text("0123456789.-+_hmsEe \u00e9\u00b2", max_size=8))
@example("openai-processing-ms", "1_0")
def test_any_text_in_place_of_a_header_changes_what_it_says_alone(name: str, text: str) -> None:
    """Whatever stands in one header, the others read as before; numbers are plain digits or unknown."""
    raw = [(key.encode(), value.encode()) for key, value in OPENAI.items() if key != name]
    told = headers.read([*raw, (name.encode(), text.encode("latin-1"))])
    alone = headers.read([(name.encode(), text.encode("latin-1"))])
    rest = headers.read(raw)
    fields = zip(Headers._fields, told, alone, rest, strict=True)
    assert all(value in (one, other) for field, value, one, other in fields if field != "rate_limits")
    plain = re.fullmatch(r"\d+(\.\d*)?|\.\d+", text.strip(), re.ASCII)
    assert alone.processing_ms == (float(text) if plain and name == "openai-processing-ms" else None)


# ── texts, flags, duplicates ──────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(("text", "flag"), [("true", True), ("False", False), ("TRUE", True), ("1", None), ("", None)])
def test_spill_over_is_a_flag_or_unknown(text: str, flag: bool | None) -> None:
    assert read({"x-ms-is-spilled-over": text}).is_spilled_over is flag


def test_the_deployment_spilled_from_may_stand_in_the_headers_name() -> None:
    """Azure's pages print both forms; the value of the documented one wins."""
    assert read({"X-MS-Spillover-From-Chat-PTU": "true"}).spilled_from == "chat-ptu"
    both = [("x-ms-spillover-from-deployment", "a"), ("x-ms-spillover-from-b", "true")]
    assert read(both).spilled_from == read(both[::-1]).spilled_from == "a"
    assert read({"x-ms-spillover-from-b": "true", "x-ms-spillover-from-c": "true"}).spilled_from == "c"


def test_openais_request_id_wins_over_the_gateways() -> None:
    assert read({"apim-request-id": "a", "x-request-id": "b"}).request_id == "b"
    assert read({"apim-request-id": "a", "x-request-id": ""}).request_id == "a"


@pytest.mark.parametrize("text", ["", "   "])
def test_an_empty_header_is_unknown(text: str) -> None:
    """No empty text stands for absence."""
    assert read(dict.fromkeys([*OPENAI, *AZURE], text)) == Headers()


def test_of_a_header_sent_twice_the_last_counts() -> None:
    """Twice the same is the same; a contradiction is decided, not joined."""
    raw = [
        ("x-request-id", "a"),
        ("x-request-id", "b"),
        ("x-ratelimit-limit-tokens", "7"),
        ("x-ratelimit-limit-tokens", "7"),
    ]
    told = read(raw)
    assert (told.request_id, told.rate_limits) == ("b", RateLimits(limit_tokens=7))


def test_bytes_beyond_ascii_are_read_as_latin_1() -> None:
    """As the standard has it: any byte is a character, none raises; the name too."""
    raw = [(b"x-ms-region", "Québec".encode("latin-1")), (b"x-request-id", b"\xff\xfe"), (b"x-\xff", b"\xff")]
    told = headers.read(raw)
    assert (told.region, told.request_id) == ("Qu\u00e9bec", "\xff\xfe")
    assert headers.read([(b"x-ms-spillover-from-\xe9", b"1")]).spilled_from == "\u00e9"


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=600))
@example("x" * 255)
@example("x" * 256)
@example("x" * 257)
def test_a_text_is_kept_up_to_256_characters(text: str) -> None:
    told = read({"x-request-id": f" {text} ", "x-ms-region": text, "x-tier": text}, "x-tier")
    assert (told.request_id, told.region, told.tier_raw) == (text[:256], text[:256], text[:256])


def test_only_so_many_spellings_of_names_are_kept() -> None:
    """A host that makes up a name for each response fills no memory, and is read all the same."""
    names = headers._Names()
    assert [names[b"X-%d" % at] for at in range(600)] == [None] * 600
    assert (len(names), names[b"X-Request-Id"]) == (512, b"x-request-id")


@given(
    st.lists(
        st.tuples(
            st.sampled_from([name.encode() for name in {**OPENAI, **AZURE}]) | st.binary(max_size=9),
            st.binary(max_size=9),
        )
    )
)
def test_any_bytes_are_harmless(raw: list[tuple[bytes, bytes]]) -> None:
    """And limits are whole, times not negative."""
    told = headers.read(raw)
    limits = told.rate_limits or RateLimits()
    numbers = (*limits, told.processing_ms)
    assert all(number is None or 0 <= number < 2**63 for number in numbers)
    assert all(count == wire.as_count(count) for count in (limits[0], limits[1], limits[3], limits[4]))


def test_only_a_named_header_tells_the_tier() -> None:
    """Most hosts say it in the body; some will in a header, which their row names."""
    sent = {"X-Gemini-Service-Tier": "priority", "x-request-id": "req_1"}
    assert read(sent, "x-gemini-service-tier") == Headers("req_1", tier_raw="priority")
    assert read(sent) == Headers("req_1")
    assert read({"x-request-id": "req_1"}, "x-gemini-service-tier") == Headers("req_1")
