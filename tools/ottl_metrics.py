"""The metrics that a Collector derives from other instrumentations' spans: those that a span proves, no others.

Of `tierscope.*` that is calls, errors, tokens, missing usage and duration. Attempts, waits, rates of one attempt and
prices are not in a span, and so not derived.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from ottl import is_word, put, span, text, variable
from ottl_tiers import AROUND, MODEL_CALL

from tierscope import catalog
from tierscope import signals as s
from tierscope.reading.errors import ERROR_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tierscope.declared import Attribute, Metric

SCRATCH: Final = "tierscope.internal."
"""Prefix of what is worked out on the copy of a span that only the connector reads."""
SIDES: Final = (
    ("input", s.INPUT_TOKENS, ((s.CACHE_READ, "input_cached"), (s.CACHE_WRITE, "input_cache_write")), "input_uncached"),
    ("output", s.OUTPUT_TOKENS, ((s.REASONING, "output_reasoning"),), "output_visible"),
)
RESOURCE: Final = ("service.name", "service.namespace", "service.version", "deployment.environment.name")
"""What stays of a resource: a series belongs to a service, and to the Collector that counted it."""
OK: Final = "span.status.code != STATUS_CODE_ERROR"
COUNT: Final = "Int(AdjustedCount())"
"""1, or the calls that a span stands for where its sampler says so in the trace state."""


# ── which spans count ─────────────────────────────────────────────────────────────────────────────────────────────
def dropped() -> Iterator[str]:
    """Yield the conditions under which nothing is derived from a span."""
    language = 'resource.attributes["telemetry.sdk.language"]'
    service, scope = 'resource.attributes["service.name"]', "scope.name"
    named = f"IsMatch({service}, {variable('TIERSCOPE_PYTHON_SERVICES')})"
    opted = f"{named} and IsMatch({scope}, {variable('TIERSCOPE_PYTHON_SCOPES')})"
    yield f"{span(s.DERIVED)} != true"
    yield f"not {MODEL_CALL}"
    yield f'{language} == nil or {language} == ""'
    yield f"{language} == {text('python')} and {service} == nil"
    yield f"{language} == {text('python')} and not ({opted})"
    yield f"IsMatch({scope}, {variable('TIERSCOPE_IGNORED_SCOPES')})"
    yield is_word(span("openinference.span.kind"), AROUND)
    yield is_word(span("traceloop.span.kind"), ("workflow", "task", "agent", "tool"))
    names = sorted({row.name for row in catalog.load().providers.values()})
    yield f"{span(s.PROVIDER)} != nil and not {is_word(span(s.PROVIDER), names)}"


# ── what they tell ────────────────────────────────────────────────────────────────────────────────────────────────
def bounded() -> Iterator[str]:
    """Yield what makes a span's values those of closed sets, and its tokens parts that add up."""
    for model in (s.REQUEST_MODEL, s.RESPONSE_MODEL):
        is_long = f"Len({span(model)}) > {s.MAX_MODEL_LENGTH}"
        is_odd = f"(not IsString({span(model)}) or {is_long} or IsMatch({span(model)}, {text('[[:cntrl:]]')}))"
        yield put(span(model), text(s.OTHER), f"{span(model)} != nil and {is_odd}")
    yield put(span(s.PROVIDER), text(s.OTHER), f"{span(s.PROVIDER)} == nil")
    yield put(span(s.ERROR_TYPE), text(s.OTHER), f"not {is_word(span(s.ERROR_TYPE), ERROR_TYPES)}")
    yield put(span(s.IS_STREAM), span(s.REQUEST_STREAM), f"IsBool({span(s.REQUEST_STREAM)})")
    for side, total, parts, rest in SIDES:
        yield from _whole(total)
        for part, _ in parts:
            yield from _whole(part)
        yield from _parts(side, total, parts, rest)


def _whole(count: Attribute) -> Iterator[str]:
    """A count that is no whole number of tokens is none."""
    path = span(count)
    yield put(path, f"Int({path})", f"IsDouble({path})")
    yield f"delete_key(span.attributes, {text(count.key)}) where {path} != nil and not IsInt({path})"
    yield f"delete_key(span.attributes, {text(count.key)}) where {path} != nil and {path} < 0"


def _parts(side: str, total: Attribute, parts: tuple[tuple[Attribute, str], ...], rest: str) -> Iterator[str]:
    left = _scratch(rest)
    known = " or ".join(f"{span(part)} != nil" for part, _ in parts)
    yield put(left, span(total), f"{span(total)} != nil and ({known})")
    for part, kind in parts:
        yield put(left, f"{left} - {span(part)}", f"{left} != nil and {span(part)} != nil")
        yield put(_scratch(kind), span(part), f"{left} != nil and {span(part)} != nil")
    undivided = _scratch(f"{side}_undivided")
    yield put(undivided, span(total), f"{span(total)} != nil and ({left} == nil or {left} < 0)")
    for kind in (*(kind for _, kind in parts), rest):
        yield f"delete_key(span.attributes, {text(SCRATCH + kind)}) where {undivided} != nil"


def _scratch(kind: str) -> str:
    return span(SCRATCH + kind)


# ── metrics ───────────────────────────────────────────────────────────────────────────────────────────────────────
def derived() -> Iterator[dict[str, Any]]:
    """Yield the metrics as the connector is told of them."""
    yield _sum(s.CALLS, COUNT)
    yield _sum(s.CALL_ERRORS, COUNT, when="span.status.code == STATUS_CODE_ERROR")
    for kind in s.TOKEN_KIND.values or ():
        if kind != "output_rejected_prediction":
            value = f"{_scratch(kind)} * {COUNT}"
            yield _sum(s.TOKENS_USED, value, when=f"{_scratch(kind)} != nil", fixed={s.TOKEN_KIND.key: kind})
    no_tokens = f"{span(s.INPUT_TOKENS)} == nil and {span(s.OUTPUT_TOKENS)} == nil"
    asked = f"{span(s.OPERATION)} != {text('embeddings')}"
    yield _sum(s.USAGE_MISSING, COUNT, when=f"{no_tokens} and {OK} and {asked}")
    yield {
        **_head(s.DURATION, {}),
        "conditions": ["span.start_time_unix_nano > 0 and span.end_time_unix_nano >= span.start_time_unix_nano"],
        "histogram": {
            "buckets": list(s.DURATION.buckets),
            "count": COUNT,
            "value": "Double(span.end_time_unix_nano - span.start_time_unix_nano) / 1000000000.0",
        },
    }


def _sum(metric: Metric, value: str, *, when: str = "", fixed: dict[str, str] | None = None) -> dict[str, Any]:
    told = _head(metric, fixed or {})
    return {**told, **({"conditions": [when]} if when else {}), "sum": {"value": value, "monotonic": True}}


def _head(metric: Metric, fixed: dict[str, str]) -> dict[str, Any]:
    return {
        "name": metric.name,
        "unit": metric.unit,
        "description": metric.description,
        "include_resource_attributes": [{"key": key, "optional": True} for key in RESOURCE],
        "attributes": [
            {"key": a.key, "default_value": fixed[a.key]} if a.key in fixed else {"key": a.key, "optional": True}
            for a in metric.attributes
        ],
    }
