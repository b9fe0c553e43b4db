"""Beside another instrumentation of openai: nothing breaks, nobody loses anything, and we record each call once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.beside.calls import KINDS

if TYPE_CHECKING:
    from tests.beside.neighbours import Processes

pytestmark = [pytest.mark.xdist_group("beside"), pytest.mark.timeout(300)]
OURS = "tierscope"
ORDERS = pytest.mark.parametrize("order", ["ours first", "theirs first"])
KIND = pytest.mark.parametrize("kind", KINDS)
TOGETHER = pytest.mark.parametrize("name", ["ours first", "theirs first", "launched"])
CALLED = {
    **{kind: ["priority", "default", "downgraded"] for kind in KINDS},
    "embeddings": ["unset", "unreported", "unreported"],
    "refused": ["flex", "unreported", "refused"],
}
"""What our record of each kind says: requested, served, outcome."""


def alone(processes: Processes, name: str, whose: str) -> dict[str, Any]:
    """Return the calls of the process that is like this one, without the other."""
    return processes[f"launched, {whose}" if name == "launched" else whose]["calls"][0]


def by(whose: str, call: dict[str, Any]) -> tuple[Any, ...]:
    """Return what one scope emitted for a call: spans, points, and records of each GenAI metric."""
    records = {metric: scopes[whose] for metric, scopes in call["records"].items() if whose in scopes}
    return call["spans"].get(whose, 0), call["points"].get(whose, 0), records


@KIND
@TOGETHER
def test_the_application_gets_what_it_gets_without_us(processes: Processes, name: str, kind: str) -> None:
    """Types, data, chunks and exceptions are those of the neighbour alone."""
    assert processes[name]["calls"][0][kind]["got"] == alone(processes, name, "theirs")[kind]["got"]


@KIND
def test_the_application_gets_from_us_what_the_bare_client_gives(processes: Processes, kind: str) -> None:
    """Without a neighbour we change nothing at all."""
    bare, ours, launched = (processes[name]["calls"][0][kind]["got"] for name in ("bare", "ours", "launched, ours"))
    assert (ours, launched) == (bare, bare)


@KIND
@TOGETHER
def test_a_call_is_one_record_of_ours(processes: Processes, name: str, kind: str) -> None:
    """One call in ``tierscope.calls``, with the right tiers."""
    assert processes[name]["calls"][0][kind]["calls"] == [CALLED[kind]]


@KIND
@TOGETHER
def test_they_emit_what_they_emit_alone(processes: Processes, name: str, kind: str) -> None:
    """The same number of spans, points and records of each metric.

    Of the official package the points may be one more: what we add is not yet on a stream's first chunk metrics.
    """
    scope = processes.neighbour.scope
    seen, theirs = by(scope, processes[name]["calls"][0][kind]), by(scope, alone(processes, name, "theirs")[kind])
    added = seen[1] - theirs[1]
    assert (seen[0], seen[2]) == (theirs[0], theirs[2])
    assert added in ({0, 1} if processes.neighbour.is_joined and "stream" in kind else {0})


@KIND
@TOGETHER
def test_we_emit_what_we_emit_alone(processes: Processes, name: str, kind: str) -> None:
    """One span and the same metrics; inside an official span neither the span nor the GenAI metrics."""
    seen, ours = processes[name]["calls"][0][kind], alone(processes, name, "ours")[kind]
    spans, points, records = by(OURS, ours)
    if processes.neighbour.is_joined:
        genai = [metric for metric in records if metric.startswith("gen_ai.")]
        spans, points = 0, points - sum(1 + (metric == "gen_ai.client.token.usage") for metric in genai)
        records = {metric: count for metric, count in records.items() if metric not in genai}
        points += kind == "embeddings"  # its tokens are one point
    assert by(OURS, seen) == (spans, points, records)


@KIND
def test_our_tiers_are_on_one_span(processes: Processes, kind: str) -> None:
    """On ours, or on the official one that we joined, and on no other."""
    whose = processes.neighbour.scope if processes.neighbour.is_joined else OURS
    assert processes["theirs first"]["calls"][0][kind]["told"] == [[whose, *CALLED[kind]]]


@KIND
def test_one_setting_ends_the_double_genai_metrics(processes: Processes, kind: str) -> None:
    """``TIERSCOPE_GENAI_METRICS=off``: each GenAI metric is recorded by the neighbour alone, ours stay."""
    call = processes["genai off"]["calls"][0][kind]
    whose = {scope for metric, scopes in call["records"].items() if metric.startswith("gen_ai.") for scope in scopes}
    assert whose <= {processes.neighbour.scope}
    assert call["calls"] == [CALLED[kind]]


@KIND
def test_the_launcher_can_be_told_to_leave_them_out(processes: Processes, kind: str) -> None:
    """``OTEL_PYTHON_DISABLED_INSTRUMENTATIONS=openai`` ends every neighbour with that entry point; we stay."""
    call = processes["launched, ours"]["calls"][0][kind]
    assert (set(call["spans"]), call["calls"]) == ({OURS}, [CALLED[kind]])


# ── taking off ────────────────────────────────────────────────────────────────────────────────────────────────────
@ORDERS
def test_when_we_leave_they_stay(processes: Processes, order: str) -> None:
    """Taken off first, we leave the neighbour as it was alone, and nothing of ours is emitted."""
    (call,) = processes[order]["calls"][1].values()
    body = processes["theirs"]["calls"][0]["body"]
    assert (call["got"], by(processes.neighbour.scope, call)) == (body["got"], by(processes.neighbour.scope, body))
    assert (call["calls"], by(OURS, call)) == ([], (0, 0, {}))


@ORDERS
def test_when_they_leave_we_stay(processes: Processes, order: str) -> None:
    """Taken off first, the neighbour is silent and we record; afterwards both are silent.

    One that puts back the method it found, from before us, costs us one call, which is counted as missed.
    """
    if not processes.neighbour.can_be_taken_off:
        pytest.skip(f"{processes.neighbour.name} cannot be taken off")
    told = processes[f"{order}, theirs off"]
    first, second, last = (step["body"] for step in told["calls"])
    is_missed = processes.neighbour.puts_back and order == "theirs first"
    assert (first["calls"], told["faults"]) == (([], {"bypassed": 1}) if is_missed else ([CALLED["body"]], {}))
    body = processes["ours"]["calls"][0]["body"]
    spans, points, records = by(OURS, body)
    if is_missed:  # and the instrument that counts it is made at our first call
        points, records = points + 1, {**records, "tierscope.internal.errors": 1}
    assert (second["calls"], by(OURS, second)) == ([CALLED["body"]], (spans, points, records))
    assert [by(processes.neighbour.scope, call) for call in (first, second, last)] == [(0, 0, {})] * 3
    assert (last["calls"], by(OURS, last), last["got"]) == ([], (0, 0, {}), body["got"])


# ── settings of theirs ────────────────────────────────────────────────────────────────────────────────────────────
def needs(processes: Processes, name: str) -> None:
    """Skip where another neighbour is looked at."""
    if processes.neighbour.name != name:
        pytest.skip(f"a setting of {name}")


def each(processes: Processes, name: str, what: str) -> dict[str, Any]:
    """Return one finding of every kind of call."""
    return {kind: call[what] for kind, call in processes[name]["calls"][0].items()}


def test_langfuse_sends_our_span_too_unless_told_not_to(processes: Processes) -> None:
    """It exports every span with GenAI attributes: two a call, and one with ``should_export_span``."""
    needs(processes, "langfuse")
    for name, count in (("theirs", 1), ("theirs first", 2), ("+filtering first", 1)):
        assert each(processes, name, "sent") == dict.fromkeys(KINDS, count)
    assert each(processes, "+filtering first", "calls") == {kind: [called] for kind, called in CALLED.items()}


def test_logfire_silences_us_by_default_when_it_lies_around_us(processes: Processes) -> None:
    """Its ``suppress_other_instrumentation`` is honoured: no record; instrumented before us it lies inside."""
    needs(processes, "logfire")
    assert each(processes, "+suppressing first", "calls") == {kind: [called] for kind, called in CALLED.items()}
    assert each(processes, "ours first, +suppressing", "calls") == {kind: [] for kind in KINDS}


def test_nothing_goes_wrong_and_nothing_is_sent(processes: Processes) -> None:
    """No internal error of ours in any process, and no process connects to, or looks up, another machine."""
    wrong = {name: processes[name]["faults"] for name in processes if "theirs off" not in name}
    assert {name: faults for name, faults in wrong.items() if faults} == {}
    assert {name: processes[name]["outside"] for name in processes if processes[name]["outside"]} == {}
