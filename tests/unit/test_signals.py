"""What is declared: the contract with dashboards, rules and the GenAI conventions."""

from __future__ import annotations

import ast
import importlib
import math
import re
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import pytest
from opentelemetry.semconv.schemas import Schemas

import tierscope
from tierscope import signals as s
from tierscope import words
from tierscope.declared import Attribute, Metric

PROVIDER, OPERATION = "gen_ai.provider.name", "gen_ai.operation.name"
MODEL, ANSWERED = "gen_ai.request.model", "gen_ai.response.model"
ASKED, PROMISED, SERVED = "tierscope.tier.requested", "tierscope.tier.expected", "tierscope.tier.served"
OUTCOME, LIMITED = "tierscope.tier.outcome", "tierscope.consumer_limited"
WHO: Final = (PROVIDER, OPERATION, MODEL, ASKED)
VERDICT: Final = (*WHO, ANSWERED, PROMISED, SERVED, OUTCOME)
PAIR: Final = (PROVIDER, MODEL, ANSWERED, ASKED, SERVED)
COMMON: Final = (OPERATION, PROVIDER, MODEL, ANSWERED, "server.address", "server.port", "openai.response.service_tier")
CONTRACT: Final = {
    "tierscope.calls": ("counter", "{call}", {*WHO, PROMISED, SERVED, OUTCOME}),
    "tierscope.call.errors": ("counter", "{call}", {*WHO, "error.type"}),
    "tierscope.call.attempts": ("counter", "{attempt}", {*WHO, "tierscope.attempt.result"}),
    "tierscope.tokens": ("counter", "{token}", {*VERDICT, "tierscope.token.kind"}),
    "tierscope.cost.usd": ("counter", "{USD}", {*VERDICT, "tierscope.cost.basis"}),
    "tierscope.cost.at_default.usd": ("counter", "{USD}", {*VERDICT}),
    "tierscope.cost.effects.usd": ("counter", "{USD}", {*VERDICT, "tierscope.cost.effect"}),
    "tierscope.cost.unpriced": ("counter", "{call}", {*WHO, ANSWERED, SERVED, "tierscope.cost.absent"}),
    "tierscope.catalog.age": ("gauge", "s", set()),
    "tierscope.output_rate.missing": (
        *("counter", "{call}"),
        {*WHO, "tierscope.output_rate.basis", "tierscope.output_rate.absent"},
    ),
    "tierscope.usage.missing": ("counter", "{call}", {*WHO, "tierscope.stream"}),
    "tierscope.call.retry_wait": ("counter", "s", {*WHO}),
    "tierscope.batch.requests": ("counter", "{request}", {PROVIDER, ANSWERED, "tierscope.batch.result"}),
    "tierscope.batch.turnaround": ("histogram", "s", {PROVIDER, ANSWERED, "tierscope.batch.status"}),
    "tierscope.policy.drift": (
        *("counter", "{call}"),
        {PROVIDER, MODEL, ASKED, PROMISED, SERVED, "tierscope.policy.workload", "tierscope.policy.tier"},
    ),
    "tierscope.internal.errors": ("counter", "{error}", {"tierscope.internal.step"}),
    "tierscope.rate_limit.headroom": ("gauge", "1", {PROVIDER, MODEL, "tierscope.rate_limit.kind"}),
    "tierscope.call.duration": ("histogram", "s", {*PAIR}),
    "tierscope.output_rate.generation": ("histogram", "{token}/s", {*PAIR, LIMITED}),
    "tierscope.output_rate.end_to_end": ("histogram", "{token}/s", {*PAIR, LIMITED}),
    "tierscope.time_to_first_token": ("histogram", "s", {*PAIR}),
    "gen_ai.client.operation.duration": ("histogram", "s", {*COMMON, "error.type"}),
    "gen_ai.client.token.usage": ("histogram", "{token}", {*COMMON, "gen_ai.token.type"}),
    "gen_ai.client.operation.time_to_first_chunk": ("histogram", "s", {*COMMON}),
}
"""Name → kind, unit, attribute keys. Queries, rules and panels stand on it: to change a row is to break users."""
BOUNDED: Final = {
    PROVIDER: "a row of the catalog",
    MODEL: "signals.MAX_MODELS",
    ANSWERED: "signals.MAX_MODELS",
    "openai.response.service_tier": "canonical on metrics",
    "error.type": "reading.errors.ERROR_TYPES",
    "server.address": "the hosts the application is configured for",
    "server.port": "the hosts the application is configured for",
    "tierscope.policy.workload": "policy.reading.MAX_RULES",
    "tierscope.stream": "bool",
    LIMITED: "bool",
    "tierscope.internal.step": "literals in the source, see below",
}
"""Metric attributes whose bound is no list of words in the declaration, and what bounds them."""
ATTRIBUTES: Final = [value for value in vars(s).values() if isinstance(value, Attribute)]
METRICS: Final = [value for value in vars(s).values() if isinstance(value, Metric)]
KEYS: Final = [attribute.key for attribute in ATTRIBUTES]
by_name = pytest.mark.parametrize("metric", METRICS, ids=[metric.name for metric in METRICS])
by_key = pytest.mark.parametrize("attribute", ATTRIBUTES, ids=KEYS)


@by_name
def test_a_metric_is_what_its_users_were_promised(metric: Metric) -> None:
    kind, unit, keys = CONTRACT[metric.name]
    found = [attribute.key for attribute in metric.attributes]
    assert (metric.kind, metric.unit, set(found), len(found)) == (kind, unit, keys, len(keys))


def test_every_promised_metric_is_declared_once() -> None:
    assert sorted(metric.name for metric in METRICS) == sorted(CONTRACT)
    assert list(s.METRICS) == METRICS
    assert [*s.OWN_METRICS, *s.GENAI_METRICS] == METRICS
    assert [metric.name.partition(".")[0] for metric in s.GENAI_METRICS] == ["gen_ai"] * 3


def test_no_two_attributes_share_a_name() -> None:
    """Nor a Prometheus label, where dots are underscores."""
    labels = [key.replace(".", "_") for key in KEYS]
    assert (len(set(KEYS)), len(set(labels))) == (len(ATTRIBUTES), len(ATTRIBUTES))


def test_no_attribute_is_the_namespace_of_another() -> None:
    """OpenTelemetry's naming rule: ``a.b`` is a value or a namespace, not both."""
    assert [(key, other) for key in KEYS for other in KEYS if other.startswith(f"{key}.")] == []


def test_what_only_metrics_carry() -> None:
    """Parts of sums have no place on a span, which holds the whole."""
    assert {a.key for a in ATTRIBUTES if not a.is_on_spans and a not in s.HTTP_ATTRIBUTES} == {
        *("gen_ai.token.type", "tierscope.token.kind", "tierscope.attempt.result", "tierscope.output_rate.basis"),
        *("tierscope.stream", "tierscope.rate_limit.kind", "tierscope.internal.step", "tierscope.batch.result"),
        *("tierscope.cost.basis", "tierscope.cost.effect", "tierscope.cost.absent"),
        *("tierscope.policy.workload", "tierscope.policy.tier"),
    }


@by_key
def test_an_attribute_is_used_where_it_says(attribute: Attribute) -> None:
    """On spans, or on a metric at least; the list of span attributes is derived."""
    on_metrics = any(attribute in metric.attributes for metric in METRICS)
    assert (attribute in s.SPAN_ATTRIBUTES) is attribute.is_on_spans
    assert attribute.is_on_spans or on_metrics or attribute in s.HTTP_ATTRIBUTES


def test_an_http_span_carries_names_of_its_calls_span() -> None:
    """And a number of its own, which the call's span has no use for."""
    assert [a.key for a in s.HTTP_ATTRIBUTES if a not in s.SPAN_ATTRIBUTES] == ["tierscope.attempt.number"]


# ── names and units ───────────────────────────────────────────────────────────────────────────────────────────────
NAME: Final = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*(\.[a-z][a-z0-9]*(_[a-z0-9]+)*)+")
UCUM: Final = re.compile(r"1|s|\{([a-z]+|USD)\}(/s)?")
CONVENTIONS: Final = ("gen_ai", "openai", "error", "server")
ELSEWHERE: Final = {
    "gen_ai.usage.cache_write.input_tokens": "opentelemetry-util-genai 1.3b0; was cache_creation",
    "gen_ai.response.status": "semantic-conventions-genai, fetch_response spans",
}
"""Names of the conventions that the installed constants lack, and who says them."""


def conventional() -> dict[str, str]:
    """Return every name in the constants that opentelemetry-semantic-conventions installs, by name of its constant."""
    root = "opentelemetry.semconv._incubating"
    modules = [f"{root}.attributes.{group}_attributes" for group in CONVENTIONS] + [f"{root}.metrics.gen_ai_metrics"]
    found = [vars(importlib.import_module(module)) for module in modules]
    return {text: name for names in found for name, text in names.items() if name.isupper() and isinstance(text, str)}


@pytest.mark.parametrize("name", [*KEYS, *(metric.name for metric in METRICS)])
def test_a_name_is_our_own_or_the_conventions(name: str) -> None:
    """Ours begin with ``tierscope.``; any other is a constant of the installed conventions, or documented here."""
    assert NAME.fullmatch(name)
    known = conventional()
    is_ours = name.startswith("tierscope.")
    assert (is_ours, name in known or name in ELSEWHERE) in {(True, False), (False, True)}
    assert not (name in known and name in ELSEWHERE)


class Recorder:
    """A meter that only notes what the convention asks it to create."""

    def create_histogram(self, name: str, unit: str, description: str) -> tuple[str, str]:
        return name, unit


@pytest.mark.parametrize("metric", s.GENAI_METRICS, ids=[metric.name for metric in s.GENAI_METRICS])
def test_a_metric_of_the_conventions_has_their_unit_and_kind(metric: Metric) -> None:
    """As the conventions' own function creates it."""
    module: Any = importlib.import_module("opentelemetry.semconv._incubating.metrics.gen_ai_metrics")
    create = getattr(module, "create_" + conventional()[metric.name].lower())
    assert (create(Recorder()), metric.kind) == ((metric.name, metric.unit), "histogram")


@by_name
def test_a_unit_is_ucum_and_not_in_the_name(metric: Metric) -> None:
    """Prometheus adds the unit to the name: ``_seconds_seconds`` is what one would get.

    Not so what is in braces, where a currency would be lost: that stands in the name.
    """
    assert UCUM.fullmatch(metric.unit)
    assert not re.search(r"(_|\.)(total|seconds?|ms|ratio|count|bucket|sum)$", metric.name)


def test_the_schema_is_one_that_exists() -> None:
    assert s.SCHEMA_URL in {schema.value for schema in Schemas}


def test_everything_is_described_in_one_sentence() -> None:
    """The reference page is generated from these."""
    for text in (*(attribute.description for attribute in ATTRIBUTES), *(metric.description for metric in METRICS)):
        assert re.fullmatch(r"[`A-Z].*\.", text)


# ── closed sets ───────────────────────────────────────────────────────────────────────────────────────────────────
@by_name
def test_every_attribute_of_a_metric_is_bounded(metric: Metric) -> None:
    """By its own list of words, or by what this file names; never by both, never by nobody."""
    for attribute in metric.attributes:
        assert (attribute.values is None) == (attribute.key in BOUNDED), attribute.key


VALUES: Final = {
    ASKED: words.REQUESTED,
    PROMISED: (*words.CANONICAL, "unknown"),
    SERVED: words.SERVED,
    OUTCOME: words.OUTCOMES,
    "tierscope.tier.inferred_cause": ("long_context", "capacity_or_unknown"),
    "tierscope.ending": words.ENDINGS,
    "tierscope.attempt.result": words.ATTEMPT_RESULTS,
    "tierscope.output_rate.absent": words.ABSENT,
    "tierscope.output_rate.basis": ("generation", "end_to_end"),
    "tierscope.cost.absent": words.UNPRICED,
    "tierscope.cost.basis": ("exact", "overlay", "user"),
    "tierscope.cost.effect": ("premium_paid", "saving_made", "premium_not_charged", "saving_lost"),
    "tierscope.rate_limit.kind": ("requests", "tokens"),
    "tierscope.token.kind": (
        *("input_uncached", "input_cached", "input_cache_write", "input_undivided"),
        *("output_visible", "output_reasoning", "output_rejected_prediction", "output_undivided"),
    ),
    "tierscope.policy.tier": words.CANONICAL,
    "tierscope.prompt_cache.miss_reason": words.CACHE_MISSES,
    OPERATION: ("chat", "text_completion", "embeddings", "fetch_response", "batch"),
    "tierscope.batch.status": ("completed", "failed", "expired", "cancelled"),
    "tierscope.batch.result": ("completed", "failed"),
    "gen_ai.token.type": ("input", "output"),
    "openai.api.type": ("chat_completions", "responses"),
}


@by_key
def test_a_closed_set_is_that_of_the_words(attribute: Attribute) -> None:
    assert attribute.values == VALUES.get(attribute.key)
    assert len(set(attribute.values or ())) == len(attribute.values or ())


def test_the_bounds_of_model_names() -> None:
    """At most 100 models of at most 128 characters; the word for the rest is the conventions' own."""
    assert (s.MAX_MODELS, s.MAX_MODEL_LENGTH, s.OTHER) == (100, 128, "_OTHER")


def steps() -> list[ast.expr]:
    """Return the first argument of every call of the guard, outside the guard itself."""
    found = []
    for path in Path(tierscope.__file__).parent.rglob("*.py"):
        if path.name != "guard.py":
            calls = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)]
            found += [call.args[0] for call in calls if ast.unparse(call.func) in GUARDS]
    return found


GUARDS: Final = {name for verb in ("isolate", "guarded", "note") for name in (verb, f"guard.{verb}")}


def test_every_step_of_an_internal_error_is_a_literal() -> None:
    """So the label is bounded by the source: a short word, never something that came from outside."""
    found = steps()
    assert len(found) > 10
    literals = [step.value for step in found if isinstance(step, ast.Constant)]
    assert [ast.unparse(step) for step in found if not isinstance(step, ast.Constant)] == []
    assert all(re.fullmatch(r"[a-z_]{2,20}", step) for step in literals if isinstance(step, str))


# ── buckets ───────────────────────────────────────────────────────────────────────────────────────────────────────
PROMISED_RATES: Final = (50, 70, 80, 90, 100)
"""Token/s of every target of OpenAI Fast/Priority, OpenAI Scale and Azure Priority (domain reference, section 7)."""
SECONDS: Final = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKENS: Final = tuple(4**power for power in range(14))


@by_name
def test_buckets_rise_and_only_histograms_have_them(metric: Metric) -> None:
    assert bool(metric.buckets) == (metric.kind == "histogram")
    assert all(left < right for left, right in pairwise(metric.buckets))
    assert all(math.isfinite(edge) and edge > 0 for edge in metric.buckets)


@pytest.mark.parametrize("rate", PROMISED_RATES)
@pytest.mark.parametrize("metric", [s.GENERATION, s.END_TO_END], ids=["generation", "end-to-end"])
def test_every_promised_rate_is_an_edge(metric: Metric, rate: int) -> None:
    """Bounds include their edge and promises are strict: with the target on an edge "share > N" is exact."""
    assert rate in metric.buckets


def test_the_conventions_buckets_are_the_conventions() -> None:
    assert (s.GENAI_DURATION.buckets, s.GENAI_FIRST_CHUNK.buckets) == (SECONDS, SECONDS)
    assert s.GENAI_TOKENS.buckets == TOKENS


@pytest.mark.parametrize("metric", [s.DURATION, s.TIME_TO_FIRST_TOKEN], ids=["duration", "first-token"])
def test_our_own_times_reach_the_time_out_that_flex_needs(metric: Metric) -> None:
    """The convention's edges, and on: the vendor advises a time-out of 900 s for flex."""
    assert metric.buckets[: len(SECONDS)] == SECONDS
    assert {900.0, 1800.0} <= set(metric.buckets)


def test_the_promise_of_a_batch_is_an_edge() -> None:
    """24 hours; and one beyond, for those that were kept waiting longer."""
    assert {3600, 86_400} < set(s.TURNAROUND.buckets)
    assert max(s.TURNAROUND.buckets) > 86_400
