"""Every metric with its buckets: the second half of ``signals``, through which all others read them."""

from __future__ import annotations

from typing import Final

from tierscope import attributes as a
from tierscope.declared import Attribute, Metric

# ── buckets ───────────────────────────────────────────────────────────────────────────────────────────────────────
RATE_BUCKETS: Final = (5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 120, 150, 200, 300, 500, 1000)
"""Holds every promised rate (50, 70, 80, 90, 100 token/s) as an edge, so that "p50 > N" is exact."""
SECONDS: Final = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
LONG_SECONDS: Final = (*SECONDS, 163.84, 327.68, 655.36, 900.0, 1800.0)
"""Flex calls wait for minutes (the vendor advises a time-out of 900 s)."""
HOURS: Final = (60, 300, 600, 1800, 3600, 7200, 14400, 21600, 28800, 43200, 64800, 86400, 90000, 172800)
"""Seconds: minutes to two days; a batch is promised within 24 h, which are an edge."""
TOKENS: Final = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)

# ── metrics ───────────────────────────────────────────────────────────────────────────────────────────────────────
_WHO: Final = (a.PROVIDER, a.OPERATION, a.REQUEST_MODEL, a.RESPONSE_MODEL)
_PAIR: Final = (a.PROVIDER, a.REQUEST_MODEL, a.RESPONSE_MODEL, a.TIER_REQUESTED, a.TIER_SERVED)
_VERDICT: Final = (*_WHO, a.TIER_REQUESTED, a.TIER_EXPECTED, a.TIER_SERVED, a.TIER_OUTCOME)

CALLS: Final = Metric(
    "tierscope.calls",
    "counter",
    "{call}",
    "Finished calls.",
    (a.PROVIDER, a.OPERATION, a.REQUEST_MODEL, a.TIER_REQUESTED, a.TIER_EXPECTED, a.TIER_SERVED, a.TIER_OUTCOME),
)
"""Without the response's model and the error, so that the series of a downgrade can start at 0 before there is one."""
CALL_ERRORS: Final = Metric(
    "tierscope.call.errors",
    "counter",
    "{call}",
    "Calls that did not succeed, by error.",
    (a.PROVIDER, a.OPERATION, a.REQUEST_MODEL, a.TIER_REQUESTED, a.ERROR_TYPE),
)
CALL_ATTEMPTS: Final = Metric(
    "tierscope.call.attempts",
    "counter",
    "{attempt}",
    "HTTP attempts; the contract counts these, not calls.",
    (a.PROVIDER, a.OPERATION, a.REQUEST_MODEL, a.TIER_REQUESTED, a.ATTEMPT_RESULT),
)
TOKENS_USED: Final = Metric(
    "tierscope.tokens", "counter", "{token}", "Tokens as reported, in parts that add up.", (*_VERDICT, a.TOKEN_KIND)
)
COST_USD: Final = Metric(
    "tierscope.cost.usd",
    "counter",
    "{USD}",
    "List price of the tokens, by the tier that served.",
    (*_VERDICT, a.COST_BASIS),
)
COST_AT_DEFAULT: Final = Metric(
    "tierscope.cost.at_default.usd", "counter", "{USD}", "The same tokens at the default tier.", _VERDICT
)
COST_EFFECTS: Final = Metric(
    "tierscope.cost.effects.usd",
    "counter",
    "{USD}",
    "What the tiers made of the bill, by kind.",
    (*_VERDICT, a.COST_EFFECT),
)
UNPRICED: Final = Metric(
    "tierscope.cost.unpriced",
    "counter",
    "{call}",
    "Answered calls without a price, by reason.",
    (*_WHO, a.TIER_REQUESTED, a.TIER_SERVED, a.UNPRICED_REASON),
)
CATALOG_AGE: Final = Metric(
    "tierscope.catalog.age", "gauge", "s", "Age of the price list that calls are priced with.", ()
)
RATE_MISSING: Final = Metric(
    "tierscope.output_rate.missing",
    "counter",
    "{call}",
    "Calls without an output rate, by reason.",
    (a.PROVIDER, a.OPERATION, a.REQUEST_MODEL, a.TIER_REQUESTED, a.RATE_BASIS, a.RATE_ABSENT),
)
USAGE_MISSING: Final = Metric(
    "tierscope.usage.missing",
    "counter",
    "{call}",
    "Answered calls whose tokens are unknown.",
    (a.PROVIDER, a.OPERATION, a.REQUEST_MODEL, a.TIER_REQUESTED, a.IS_STREAM),
)
POLICY_DRIFT: Final = Metric(
    "tierscope.policy.drift",
    "counter",
    "{call}",
    "Finished calls that were meant for another tier than the policy wants.",
    (a.POLICY_WORKLOAD, a.POLICY_TIER, a.PROVIDER, a.REQUEST_MODEL, a.TIER_REQUESTED, a.TIER_EXPECTED, a.TIER_SERVED),
)
"""Only where there is a policy. Calls that keep it have series too, which stay at 0."""
INTERNAL_ERRORS: Final = Metric(
    "tierscope.internal.errors",
    "counter",
    "{error}",
    "Errors inside Tierscope that the application never saw.",
    (a.STEP,),
)
HEADROOM: Final = Metric(
    "tierscope.rate_limit.headroom",
    "gauge",
    "1",
    "Share of the rate limit that was left at the last reply.",
    (a.PROVIDER, a.REQUEST_MODEL, a.LIMIT_KIND),
)
DURATION: Final = Metric(
    "tierscope.call.duration", "histogram", "s", "Duration of calls, streams to their end.", _PAIR, LONG_SECONDS
)
GENERATION: Final = Metric(
    "tierscope.output_rate.generation",
    "histogram",
    "{token}/s",
    "Visible tokens per second between first and last text delta.",
    (*_PAIR, a.CONSUMER_LIMITED),
    RATE_BUCKETS,
)
END_TO_END: Final = Metric(
    "tierscope.output_rate.end_to_end",
    "histogram",
    "{token}/s",
    "Output tokens per second of the last attempt.",
    (*_PAIR, a.CONSUMER_LIMITED),
    RATE_BUCKETS,
)
TIME_TO_FIRST_TOKEN: Final = Metric(
    "tierscope.time_to_first_token",
    "histogram",
    "s",
    "Time from the last attempt's start to the first token of a stream.",
    _PAIR,
    LONG_SECONDS,
)
_ASKED: Final = (a.PROVIDER, a.OPERATION, a.REQUEST_MODEL, a.TIER_REQUESTED)
RETRY_WAIT: Final = Metric(
    "tierscope.call.retry_wait", "counter", "s", "Waiting between the attempts of calls, where known.", _ASKED
)
_BATCH: Final = (a.PROVIDER, a.RESPONSE_MODEL)
TURNAROUND: Final = Metric(
    "tierscope.batch.turnaround", "histogram", "s", "From creation to end of batches.", (*_BATCH, a.BATCH_STATUS), HOURS
)
BATCH_REQUESTS: Final = Metric(
    "tierscope.batch.requests", "counter", "{request}", "Requests of batches that ended.", (*_BATCH, a.BATCH_RESULT)
)

_COMMON: Final = (a.OPERATION, a.PROVIDER, a.REQUEST_MODEL, a.RESPONSE_MODEL, a.SERVER_ADDRESS, a.SERVER_PORT)
GENAI_DURATION: Final = Metric(
    "gen_ai.client.operation.duration",
    "histogram",
    "s",
    "GenAI operation duration.",
    (*_COMMON, a.ERROR_TYPE, a.RESPONSE_TIER),
    SECONDS,
)
GENAI_TOKENS: Final = Metric(
    "gen_ai.client.token.usage",
    "histogram",
    "{token}",
    "Number of input and output tokens used.",
    (*_COMMON, a.TOKEN_TYPE, a.RESPONSE_TIER),
    TOKENS,
)
GENAI_FIRST_CHUNK: Final = Metric(
    "gen_ai.client.operation.time_to_first_chunk",
    "histogram",
    "s",
    "Time to receive the first chunk of a stream.",
    (*_COMMON, a.RESPONSE_TIER),
    SECONDS,
)

FILE_METRICS: Final = (
    Metric(
        "tierscope.reconcile.coverage",
        "gauge",
        "1",
        "Part of what the provider's own books hold that the ledger holds, by tier; absent where it is unknown.",
        (
            a.PROVIDER,
            a.TIER_SERVED,
            Attribute("tierscope.reconcile.figure", "What is counted.", ("requests", "input", "cached", "output")),
        ),
    ),
    Metric(
        "tierscope.reconcile.until", "gauge", "s", "End of the last closed bucket compared, seconds since 1970.", ()
    ),
)
"""Gauges that `tierscope reconcile --gauge` writes to a file; no instrumented process emits them."""

METRICS: Final = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
OWN_METRICS: Final = tuple(metric for metric in METRICS if metric.name.startswith("tierscope."))
GENAI_METRICS: Final = tuple(metric for metric in METRICS if metric not in OWN_METRICS)
