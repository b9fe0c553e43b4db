"""From the application to Prometheus: agent, gateways, counters and windows against the simulator's own ledger."""

from __future__ import annotations

import contextlib
import json
import urllib.request
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import pytest
from tests.pipeline.application import Ran, run, say
from tests.pipeline.collectors import program
from tests.pipeline.made import samples, span, spans_of, traces
from tools import series
from tools.rules.promql import label, name
from tools.stack import demo, figures, truth
from tools.stack.process import until
from tools.stack.stack import Stack, telemetry

from tierscope import signals as s
from tierscope.catalog.promises import promises
from tierscope.declared import Metric
from tierscope.ledger import samples as ledger
from tierscope.ledger.rows import EVER
from tierscope.ledger.store import open_to_read
from tierscope.promise.samples import Sample
from tierscope.promise.sheet import Sheet

SECONDS: Final = 25
ONE_WINDOW_S: Final = 10**9
"""So that the whole run is in one window of `tierscope.promise`, as it is in the last window of the rule."""
RULE_S: Final = 3
Key = tuple[str, ...]

pytestmark = pytest.mark.timeout(300)


class Run(NamedTuple):
    """What ran, and the stack it ran through."""

    stack: Stack
    ran: Ran
    truth: truth.Truth


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Run the application once; the stack stays up until Prometheus has its last points, or half a minute is over."""
    program("collector"), program("prometheus")
    folder = tmp_path_factory.mktemp("stack")
    with Stack(folder, demo.QUICK, every=f"{RULE_S}s") as stack:
        ran = run(stack, folder / "run", SECONDS)
        wanted = truth.told(ran.served)
        until(lambda: not figures.differences(stack.prometheus, wanted), demo.SETTLE_S, 0.5)
        yield Run(stack, ran, wanted)


def test_the_application_ran_through_every_tier(done: Run) -> None:
    """Or the comparisons below would say little."""
    assert done.ran.status == 0
    outcomes = {key[-1] for key in done.truth.calls}
    assert outcomes >= {"honored", "downgraded", "resolved"}
    assert {served for _, served in done.truth.pico} == {"priority", "default", "flex"}


@pytest.mark.parametrize("what", truth.Truth._fields)
def test_the_raw_counters_equal_the_simulators_ledger(done: Run, what: str) -> None:
    """Calls, attempts, tokens by kind and pico-dollars, by model and tier: not one more, not one less."""
    here, there = getattr(figures.told(done.stack.prometheus), what), getattr(done.truth, what)
    say(f"{what}: {sum(there.values()):,} in {len(there)} series")
    assert here == there


def test_nothing_is_counted_a_second_time_from_spans(done: Run) -> None:
    """The gateways see the spans of these calls too, and derive nothing from them."""
    derived = [_text(f"http://{gateway.env['TIERSCOPE_DERIVED']}/metrics") for gateway in done.stack.gateways]
    assert [labels for text in derived for name_, labels, _ in samples(text) if name_.startswith("tierscope_")] == []


def test_each_gateway_had_its_share_of_the_traces(done: Run) -> None:
    """And every span of a trace the same gateway: the kept traces are whole."""
    accepted = [_own(gateway_url) for gateway_url in map(telemetry, done.stack.gateways)]
    assert min(accepted) > 0
    say(f"spans by gateway: {accepted}")


def test_what_went_wrong_is_kept(done: Run) -> None:
    """Every downgraded, refused or failed call that the simulator knows has its trace in the store."""
    wrong = ("downgraded", "refused", "failed")
    there = Counter({key: n for key, n in done.truth.calls.items() if key[-1] in wrong})
    keys = [attribute.key for attribute in figures.VERDICT]

    def kept() -> Counter[Key]:
        spans = (span["attributes"] for span in spans_of(done.stack.traces))
        verdicts = Counter(tuple(str(one.get(key, "unknown")) for key in keys) for one in spans if keys[-1] in one)
        return Counter({key: n for key, n in verdicts.items() if key[-1] in wrong})

    until(lambda: kept() == there, demo.SETTLE_S, 0.5)
    assert kept() == there


def test_a_model_at_a_tier_has_no_more_series_than_are_counted(done: Run) -> None:
    """The arithmetic of docs/scale.md holds for each model and requested tier of the demo."""
    by = tuple(map(label, figures.ASKED))
    found = done.stack.prometheus.by(f'count by ({", ".join(by)}) ({{__name__=~"tierscope_.+", {by[1]}!=""}})', *by)
    say(f"series: {found}, at worst {series.own()}")
    assert found.keys() == done.truth.attempts.keys()
    assert max(found.values()) <= series.own()


# ── rates ─────────────────────────────────────────────────────────────────────────────────────────────────────────
BASES: Final = {"generation": s.GENERATION, "end_to_end": s.END_TO_END}


@pytest.mark.parametrize("basis", BASES)
def test_every_rate_is_in_its_bucket(done: Run, basis: str) -> None:
    """By model, tier and reader, each bucket holds what the ledger's rates say: those of slow readers apart."""
    assert _buckets(done, BASES[basis]) == _rates(done, basis)


def _buckets(done: Run, metric: Metric) -> Counter[Key]:
    by = tuple(map(label, (s.RESPONSE_MODEL, s.TIER_SERVED, s.CONSUMER_LIMITED)))
    found = done.stack.prometheus.by(f"sum by ({', '.join(by)}, le) ({name(metric)}_bucket) > 0", *by, "le")
    return Counter({(*key, _edge(le)): int(value) for (*key, le), value in found.items()})


def _edge(le: str) -> str:
    return le if le == "+Inf" else f"{float(le):g}"


def _rates(done: Run, basis: str) -> Counter[Key]:
    edges = [*(f"{bucket:g}" for bucket in s.RATE_BUCKETS), "+Inf"]
    counts: Counter[Key] = Counter()
    with contextlib.closing(_ledger(done)) as db:
        found = db.execute(f"SELECT response_model, served, consumer_limited, rate_{basis} FROM calls")  # noqa: S608  our own name
        for model, served, limited, rate in found:
            if rate is not None:
                reader = {None: "", 0: "false", 1: "true"}[limited]
                counts.update((model, served, reader, edge) for edge in edges[bisect_left(s.RATE_BUCKETS, rate) :])
    return counts


# ── verdicts ──────────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_window_of_the_rule_says_what_the_package_says_of_the_ledger(done: Run) -> None:
    """Calls, slow calls and verdict of the recorded window, on both bases, equal those of `tierscope.promise`."""
    with contextlib.closing(_ledger(done)) as db:
        wanted = _verdicts(ledger.read(db, *EVER))
    until(lambda: _recorded(done) == wanted, 4 * RULE_S, 0.5)
    for key, (calls, slow, good) in sorted(wanted.items()):
        say(f"{' '.join(key)}: {slow} of {calls} calls not above the target, {'kept' if good else 'missed'}")
    assert _recorded(done) == wanted


def test_the_verdicts_are_those_of_the_simulators_clock(done: Run) -> None:
    """Priority keeps its promise, scale breaks it, as the simulator paced them; no verdict where no reader kept up."""
    theirs = {key: good for key, (_, _, good) in _verdicts(map(_as_served, _paced(done))).items()}
    assert theirs == {("gpt-4.1", "priority", "generation"): True, ("gpt-4.1", "scale", "generation"): False}
    ours = {key: bool(good) for key, (_, _, good) in _recorded(done).items() if key[-1] == "generation"}
    if not ours:
        pytest.skip("this machine was too busy to read a single stream as fast as it came: no call counts")
    assert ours == {key: good for key, good in theirs.items() if key in ours}


Window = tuple[float, float, float]
SERIES: Final = ("window_calls", "window_slow", "window_good")


def _recorded(done: Run) -> dict[Key, Window]:
    by = ("tierscope_promise_model", label(s.TIER_SERVED), label(s.RATE_BASIS))
    found = [done.stack.prometheus.by(f"promise:tierscope_output_rate:{one}", *by) for one in SERIES]
    return {key: (found[0][key], found[1][key], found[2][key]) for key in found[0] if all(key in one for one in found)}


def _verdicts(calls: Iterator[Sample]) -> dict[Key, Window]:
    sheet = Sheet(promises(), window_s=ONE_WINDOW_S)
    for call in calls:
        sheet.add(call)
    return {
        (str(section.model), section.tier, readings.basis): (of, of - met, float(readings.windows.met))
        for section in sheet.sections()
        for readings in section.speed
        for met, of in [readings.requests]
        if of
    }


def _paced(done: Run) -> Iterator[truth.Served]:
    """Streams of text that the simulator finished, at tiers with a promise."""
    for row in done.ran.served:
        if row.stream and row.ending == "complete" and row.text_deltas >= 20 and row.served in {"priority", "scale"}:
            yield row


def _as_served(row: truth.Served) -> Sample:
    assert None not in {row.last_delta, row.first_delta, row.output_tokens}
    rate = (row.output_tokens - (row.reasoning_tokens or 0) - 1) / (row.last_delta - row.first_delta)
    return Sample(
        provider=row.provider,
        started_ns=row.started_ns,
        response_model=row.response_model,
        served=str(row.served),
        outcome="honored",
        input_tokens=row.input_tokens,
        generation=rate,
    )


def _ledger(done: Run):
    db = open_to_read(done.ran.calls)
    assert db is not None
    return db


def _text(url: str) -> str:
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310
        return str(answer.read().decode())


def _own(address: str) -> float:
    return sum(
        value
        for name_, _, value in samples(_text(f"http://{address}/metrics"))
        if name_.startswith("otelcol_receiver_accepted_spans")
    )


# ── other services ────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_service_without_tierscope_is_counted_from_its_spans(done: Run) -> None:
    """The last test, for it adds to the counters: 40 calls, by two gateways, are scraped under the service's name."""
    calls = [span({**OPENAI, s.REQUEST_TIER.key: "flex", s.RESPONSE_TIER.key: "flex"}) for _ in range(40)]
    assert _sent(f"{done.stack.endpoint}/v1/traces", traces(*calls)) == 200
    by = tuple(map(label, ("service.name", s.TIER_REQUESTED, s.TIER_SERVED, s.TIER_OUTCOME)))
    counted = f'sum by ({", ".join(by)}) ({name(s.CALLS)}{{service_name="shop"}}) > 0'
    wanted = {("shop", "flex", "flex", "honored"): 40.0}
    until(lambda: done.stack.prometheus.by(counted, *by) == wanted, demo.SETTLE_S, 0.5)
    assert done.stack.prometheus.by(counted, *by) == wanted
    writers = done.stack.prometheus.query(f'count({name(s.CALLS)}{{service_name="shop"}} > 0)')
    assert [one.value for one in writers] == [2]


OPENAI: Final = {
    s.OPERATION.key: "chat",
    s.PROVIDER.key: "openai",
    s.REQUEST_MODEL.key: "gpt-5-mini",
    s.SERVER_ADDRESS.key: "api.openai.com",
}


def _sent(url: str, body: dict[str, Any]) -> int:
    asked = urllib.request.Request(url, json.dumps(body).encode(), {"content-type": "application/json"})  # noqa: S310
    with urllib.request.urlopen(asked, timeout=10) as answer:  # noqa: S310
        return answer.status
