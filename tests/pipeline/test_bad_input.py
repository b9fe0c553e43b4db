"""Exports that nobody should send: each gets one clear answer or is counted, and the Collector lives on."""

from __future__ import annotations

import gzip
import time
import urllib.error
import urllib.request
from typing import Any, Final

import pytest
from tests.pipeline.collectors import Collector, until
from tests.pipeline.conftest import METRICS, TRACES
from tests.pipeline.made import attributes, samples, span, traces
from tests.pipeline.test_derived import CALL, derived, sums
from tests.pipeline.test_tiers import OPENAI, through, verdict

from tierscope import signals as s

JSON: Final = "application/json"
PROTOBUF: Final = "application/x-protobuf"
LIMIT: Final = 16 * 1024 * 1024
YEAR_NS: Final = 365 * 24 * 3600 * 1_000_000_000


@pytest.fixture(autouse=True)
def lives_on(shared: Collector) -> Any:
    """After each of these tests the same process still takes and exports a span, and its log holds no panic."""
    yield
    assert not shared.has_ended
    (found,) = through(shared, span({"http.request.method": "GET", "after": "all"}))
    assert found["attributes"]["after"] == "all"
    assert "panic" not in shared.log


# ── malformed ─────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("what", ["traces", "metrics"])
@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        pytest.param(b"{", JSON, 400, id="cut"),
        pytest.param(b'{"resourceSpans": 7, "resourceMetrics": 7}', JSON, 400, id="a-number-for-a-list"),
        pytest.param(b"\xff\xfe\x00", JSON, 500, id="no-text"),
        pytest.param(b"\x0a\xff\xff\xff\xff\x0f", PROTOBUF, 400, id="protobuf-longer-than-it-is"),
        pytest.param(b"{}", "text/html", 415, id="no-otlp"),
        pytest.param(b"", JSON, 400, id="nothing"),
    ],
)
def test_what_is_no_otlp_is_refused_once(shared: Collector, what: str, body: bytes, kind: str, status: int) -> None:
    """With a status that no exporter retries: of 5xx those are 502, 503 and 504 (OTLP/HTTP, failures)."""
    answer, said = shared.send(what, body, kind)
    assert answer == status
    assert said


def test_what_is_too_large_is_refused(shared: Collector) -> None:
    """One byte beyond 16 MiB of blanks; 400, as the receiver has it, is not retried."""
    answer, said = shared.send("traces", b"{" + b" " * LIMIT + b"}")
    assert (answer, "too large" in said) == (400, True)


def test_a_bomb_is_refused(shared: Collector) -> None:
    """Twenty kilobytes that would be 20 MiB: the limit is on what comes out."""
    packed = gzip.compress(b"{" + b" " * (20 * 1024 * 1024) + b"}")
    assert len(packed) < 30_000
    headers = {"content-type": JSON, "content-encoding": "gzip"}
    request = urllib.request.Request(f"{shared.url}/v1/traces", packed, headers)  # noqa: S310
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=20)  # noqa: S310
    refused.value.close()
    assert refused.value.code == 400


def test_an_id_of_another_length_is_refused(shared: Collector) -> None:
    answer, said = shared.send("traces", traces({**span(OPENAI), "traceId": "abc"}))
    assert (answer, "traceId" in said or "trace" in said.lower()) == (400, True)


# ── hostile keys and values ───────────────────────────────────────────────────────────────────────────────────────
def test_many_and_long_attributes_are_cut(shared: Collector) -> None:
    """1000 keys, one of 100 kB, a value of 1 MB: at most 128 leave, of at most 2048 bytes."""
    plain = {f"key.{n}": n for n in range(1000)} | {"k" * 100_000: "v", "a.long": "v" * 1_000_000}
    (found,) = through(shared, span(plain, name="n" * 100_000))
    kept = found["attributes"]
    assert len(kept) == 128
    assert max(map(len, kept)) <= 256
    assert max(len(str(one)) for one in kept.values()) <= 2048
    assert len(found["name"]) == 256


ODD: Final = {
    "": "empty",
    "gen_ai": "no dot",
    'gen_ai."quoted"': "q",
    "${env:HOME}": "a variable",
    "a]b[c": 1,
    "\x00\n\t": "control",
    "клю́ч": "значение",
    "gen_ai.request.model.": "m",
}


def test_odd_keys_do_no_harm(shared: Collector) -> None:
    """They go, since a key begins as ours do; what is known stays, and is told."""
    (found,) = through(shared, span({**OPENAI, **ODD}))
    assert found["attributes"].keys() & ODD.keys() == set()
    assert verdict(found["attributes"]) == ("unreported", "unknown", "unreported", "unreported")


@pytest.mark.parametrize(
    "odd", [["chat"], {"a": 1}, 7, True, 1.5, ""], ids=["list", "map", "number", "bool", "double", "empty"]
)
def test_values_of_other_kinds_make_no_series(shared: Collector, odd: Any) -> None:
    """Every attribute of a metric is a text of its set, whatever a span held."""
    service = f"kinds-{type(odd).__name__}"
    keys = (s.PROVIDER, s.REQUEST_MODEL, s.REQUEST_TIER, s.RESPONSE_TIER, s.ERROR_TYPE, s.INPUT_TOKENS)
    hostile = {**CALL, **{attribute.key: odd for attribute in keys}}
    derived(shared, span(hostile), span({**hostile, s.PROVIDER.key: "openai"}), service=service)
    told = sums(shared, s.CALLS.name, s.PROVIDER.key, s.REQUEST_MODEL.key, s.TIER_SERVED.key, of=service)
    assert {kind for series in told for kind in map(type, series)} <= {str}
    assert {provider for provider, _, _ in told} <= {"openai", "_OTHER"}


def test_a_deep_value_is_taken(shared: Collector) -> None:
    """Sixty levels, a secret at the bottom."""
    deep: Any = {"stringValue": "sk-abcdefghijklmnopqrstuvwx"}
    for _ in range(60):
        deep = {"kvlistValue": {"values": [{"key": "k", "value": deep}]}}
    one = {**span({"http.request.method": "GET"})}
    one["attributes"] = [*one["attributes"], {"key": "deep", "value": deep}]
    through(shared, one)
    assert "sk-abcdef" not in (shared.folder / TRACES).read_text("utf-8")


def test_values_without_a_value_are_taken(shared: Collector) -> None:
    one = {**span({}), "attributes": [{"key": "gen_ai.request.model"}, {"key": "x", "value": {}}, *attributes(OPENAI)]}
    (found,) = through(shared, one)
    assert verdict(found["attributes"])[3] == "unreported"


# ── clocks ────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("years", [-30, 30], ids=["long-ago", "far-ahead"])
def test_a_clock_that_is_wrong_changes_no_count(shared: Collector, years: int) -> None:
    """A derived point has the Collector's time; a duration is a difference, and so is right."""
    now = time.time_ns()
    begun = now + years * YEAR_NS
    skewed = {**span(CALL), "startTimeUnixNano": str(begun), "endTimeUnixNano": str(begun + 2_000_000_000)}
    service = f"clock{years}"
    derived(shared, skewed, service=service)
    assert sums(shared, s.CALLS.name, of=service) == {(): 1}
    seconds = [
        v
        for name, labels, v in samples(shared.scraped)
        if name == "tierscope_call_duration_seconds_sum" and labels["service_name"] == service
    ]
    assert seconds == [2.0]


# ── metrics ───────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_point_with_a_key_that_is_not_declared_loses_it(shared: Collector) -> None:
    point = {
        "attributes": attributes({s.TIER_SERVED.key: "flex", "user": "ada", "prompt": "p"}),
        "timeUnixNano": "2",
        "asInt": "1",
    }
    sum_ = {"aggregationTemporality": 2, "isMonotonic": True, "dataPoints": [point]}
    metric = {"name": "tierscope.calls", "sum": sum_}
    assert shared.send("metrics", {"resourceMetrics": [{"scopeMetrics": [{"metrics": [metric]}]}]})[0] == 200
    path = shared.folder / METRICS
    assert until(lambda: path.exists() and '"flex"' in path.read_text())
    assert '"ada"' not in path.read_text()
    assert f'"attributes":{_compact({s.TIER_SERVED.key: "flex"})}' in path.read_text()


def _compact(plain: dict[str, Any]) -> str:
    told = ",".join(f'{{"key":"{key}","value":{{"stringValue":"{one}"}}}}' for key, one in plain.items())
    return f"[{told}]"


def test_spans_are_counted_in_and_out(shared: Collector) -> None:
    """What was refused is in the Collector's own metrics, by signal."""
    before = _own(shared, "otelcol_receiver_accepted_spans")
    through(shared, span({"a": 1}))
    assert _own(shared, "otelcol_receiver_accepted_spans") == before + 1


def _own(shared: Collector, name: str) -> float:
    return sum(number for told, _, number in samples(shared.own_metrics) if told.startswith(name))
