"""Nothing that was planted leaves: by no exporter, under no key, on no level of nesting."""

from __future__ import annotations

import json
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.pipeline.collectors import ROOT, Collector, until
from tests.pipeline.conftest import FILES, METRICS, TRACES, Starts
from tests.pipeline.made import Attributes, attributes, span, spans_of
from tests.pipeline.planted import Plant, of_metrics, of_traces
from tests.pipeline.test_derived import derived
from tests.pipeline.test_tiers import OPENAI, through

from tierscope import signals as s

LEAVES: Final = (TRACES, METRICS, "derived.jsonl", "collector.log")


def test_none_of_the_planted_texts_is_in_any_output(starts: Starts) -> None:
    """Files, the debug exporter at its most talkative, a scrape, the Collector's own log and metrics."""
    told = list(of_traces()), list(of_metrics())
    assert len({plant.text for plants in told for plant in plants}) >= 50
    one = starts("standalone", "overlays/debug", over=FILES)
    for kind, plants in zip(("traces", "metrics"), told, strict=True):
        assert [one.send(kind, plant.export) for plant in plants] == [(200, '{"partialSuccess":{}}')] * len(plants)
    derived(one, service="the-last")
    assert until(lambda: len(spans_of(one.folder / TRACES)) == len(told[0]) + 1)
    assert until(lambda: one.log.count("-> Name: http.calls") >= 4)
    assert until(lambda: "http_calls" in one.scraped)
    outputs = {name: (one.folder / name).read_text("utf-8") for name in LEAVES}
    outputs |= {"scrape": one.scraped, "own metrics": one.own_metrics}
    assert all(outputs.values())
    assert "Span #0" in outputs["collector.log"]
    assert _found(outputs, told[0] + told[1]) == []


def _found(outputs: dict[str, str], plants: list[Plant]) -> list[tuple[str, str]]:
    return [(name, plant.text) for name, text in outputs.items() for plant in plants if plant.text in text]


def test_what_is_searched_for_would_be_found(starts: Starts) -> None:
    """Without the processor every text is in a file: the test above does not pass on nothing."""
    plants = list(of_traces())
    bare = FILES.replace("traces/keep: {", "traces/bare: {receivers: [otlp], ")
    one = starts("standalone", over=bare)
    for plant in plants:
        one.send("traces", plant.export)
    assert until(lambda: len(spans_of(one.folder / TRACES)) == len(plants))
    text = (one.folder / TRACES).read_text("utf-8")
    assert [plant.text for plant in plants if plant.text not in text] == []


def test_a_span_about_models_keeps_what_is_declared(shared: Collector) -> None:
    """All attributes that Tierscope may set pass."""
    own = {attribute.key: (attribute.values or ("x",))[0] for attribute in s.SPAN_ATTRIBUTES}
    (found,) = through(shared, span(own))
    assert found["attributes"] == own


ORDINARY: Final = {
    "http.request.method": "GET",
    "url.path": "/risk-management-framework-of-ours",
    "db.query.summary": "SELECT tokens",
    "messaging.message.id": "task-0123456789abcdef0123",
    "k8s.pod.uid": "275ecb36-5aa8-4c2a-9c47-d8bb681b9aff",
    "list": ["a", "b"],
    "number": 7,
}


def test_an_ordinary_span_passes_as_it_is(shared: Collector) -> None:
    events = [{"timeUnixNano": "1", "name": "exception", "attributes": attributes({"exception.message": "no row"})}]
    sent = span(ORDINARY, name="GET /", events=events, status={"code": 2, "message": "not found"})
    (found,) = through(shared, sent)
    assert found == {**sent, "attributes": ORDINARY}


def test_the_operator_can_keep_more(starts: Starts) -> None:
    """By a pattern of keys; what has the shape of a credential goes all the same."""
    one = starts("standalone", over=FILES, TIERSCOPE_KEEP_KEYS="^(shop[.].*|exception[.]message)$")
    kept: Attributes = {"shop.cart": 3, "shop.key": "sk-abcdefghijklmnopqrstuvwx"}
    event = {"timeUnixNano": "1", "name": "exception", "attributes": attributes({"exception.message": "said"})}
    (found,) = through(one, span({**OPENAI, **kept, "other": 1}, events=[event]))
    assert {key: v for key, v in found["attributes"].items() if key in {*kept, "other"}} == {
        "shop.cart": 3,
        "shop.key": "sk-***",
    }
    assert found["events"] == [event]


def test_logs_are_not_taken(shared: Collector) -> None:
    """The conventions put prompts and completions there."""
    assert shared.send("logs", {"resourceLogs": []})[0] == 404


def test_the_words_that_are_looked_for_first_are_in_every_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pattern is tried where none of the words is: they must be in whatever a pattern finds. 40 texts of each."""
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    import ottl_redact as redact

    for pattern, _ in redact.SECRETS:
        assert _without(pattern, redact.MARKS) == []
    for pattern in redact.REMOVED:
        assert _without(pattern, redact.KEY_MARKS) == []


def _without(pattern: str, marks: tuple[str, ...]) -> list[str]:
    """Return texts that a pattern finds and none of the words is in."""
    missed: list[str] = []

    @settings(max_examples=40, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(st.from_regex(pattern, alphabet=st.characters(codec="ascii")))
    def look(text: str) -> None:
        held = json.dumps([text]).lower()
        if not any(mark in held for mark in marks):
            missed.append(text)

    look()
    return missed


LINK: Final = {"traceId": "a" * 32, "spanId": "b" * 16, "attributes": attributes({"note": "any"})}


def test_links_are_dropped_and_counted(shared: Collector) -> None:
    """What they carry cannot be seen to."""
    (found,) = through(shared, span({"http.request.method": "GET"}, links=[LINK, LINK], droppedLinksCount=1))
    assert (found.get("links"), found["droppedLinksCount"]) == (None, 3)


def test_links_stay_where_the_operator_says_so(starts: Starts) -> None:
    (found,) = through(starts("standalone", over=FILES, TIERSCOPE_KEEP_LINKS="yes"), span({}, links=[LINK]))
    assert found["links"] == [LINK]
