"""Every span attribute and metric that Tierscope emits: declared once; docs, rules, panels and tests derive from here.

Names under ``gen_ai.`` and ``openai.`` are those of the official package's release
(opentelemetry-instrumentation-genai-openai 1.3b0, schema 1.37.0); names under ``tierscope.`` are our own.
"""

from __future__ import annotations

from typing import Final

from tierscope import words
from tierscope.declared import Attribute, Metric

SCHEMA_URL: Final = "https://opentelemetry.io/schemas/1.37.0"
SCOPE: Final = "tierscope"
OTHER: Final = words.OTHER

MAX_MODELS: Final = 100
"""Distinct model names that metrics carry in one process; later ones become ``_OTHER``."""
MAX_MODEL_LENGTH: Final = 128

# ── attributes of the GenAI conventions ───────────────────────────────────────────────────────────────────────────
OPERATION: Final = Attribute(
    "gen_ai.operation.name",
    "Kind of operation; `batch` is our own word.",
    ("chat", "text_completion", "embeddings", "fetch_response", "batch"),
)
PROVIDER: Final = Attribute("gen_ai.provider.name", "Provider: `openai`, `azure.ai.openai`, or a row of the catalog.")
REQUEST_MODEL: Final = Attribute("gen_ai.request.model", "Model asked for; on Azure usually the deployment's name.")
RESPONSE_MODEL: Final = Attribute("gen_ai.response.model", "Model that answered, a dated snapshot as a rule.")
RESPONSE_ID: Final = Attribute("gen_ai.response.id", "Identifier of the reply. Spans only.")
FINISH_REASONS: Final = Attribute("gen_ai.response.finish_reasons", "Why the model stopped, one entry a choice.")
REQUEST_STREAM: Final = Attribute("gen_ai.request.stream", "True for streams, absent otherwise.")
FIRST_CHUNK: Final = Attribute("gen_ai.response.time_to_first_chunk", "Seconds to the first event of a stream.")
INPUT_TOKENS: Final = Attribute("gen_ai.usage.input_tokens", "Input tokens, cached ones included.")
OUTPUT_TOKENS: Final = Attribute("gen_ai.usage.output_tokens", "Output tokens, reasoning included.")
CACHE_READ: Final = Attribute("gen_ai.usage.cache_read.input_tokens", "Input tokens read from the prompt cache.")
CACHE_WRITE: Final = Attribute("gen_ai.usage.cache_write.input_tokens", "Input tokens written to the prompt cache.")
REASONING: Final = Attribute("gen_ai.usage.reasoning.output_tokens", "Output tokens spent on hidden reasoning.")
TOKEN_TYPE: Final = Attribute("gen_ai.token.type", "Side of the token count.", ("input", "output"), is_on_spans=False)
REQUEST_TIER: Final = Attribute(
    "openai.request.service_tier", "Tier as sent; absent for `auto` and when none was sent."
)
RESPONSE_TIER: Final = Attribute(
    "openai.response.service_tier", "Tier that served: raw on spans, canonical on metrics."
)
API_TYPE: Final = Attribute("openai.api.type", "API used.", ("chat_completions", "responses"))
FINGERPRINT: Final = Attribute("openai.response.system_fingerprint", "Backend configuration. Spans only.")
ERROR_TYPE: Final = Attribute(
    "error.type", "Error code of the API, else exception class, else `_OTHER`; a closed list."
)
SERVER_ADDRESS: Final = Attribute("server.address", "Host that was called.")
SERVER_PORT: Final = Attribute("server.port", "Port that was called, 443 too.")
RESPONSE_STATUS: Final = Attribute("gen_ai.response.status", "Status of a fetched response.")

# ── our own attributes ────────────────────────────────────────────────────────────────────────────────────────────
TIER_REQUESTED: Final = Attribute(
    "tierscope.tier.requested", "Tier asked for; `unset` when none was sent.", words.REQUESTED
)
TIER_EXPECTED: Final = Attribute(
    "tierscope.tier.expected", "Tier promised after resolution, else `unknown`.", (*words.CANONICAL, words.UNKNOWN)
)
TIER_SERVED: Final = Attribute(
    "tierscope.tier.served", "Tier that served; `unreported` when none was echoed.", words.SERVED
)
TIER_OUTCOME: Final = Attribute(
    "tierscope.tier.outcome", "Whether the promise was kept, or why that cannot be said.", words.OUTCOMES
)
INFERRED_CAUSE: Final = Attribute(
    "tierscope.tier.inferred_cause",
    "Inferred cause of a downgrade; the API states none.",
    (words.LONG_CONTEXT, words.CAPACITY_OR_UNKNOWN),
)
ENDING: Final = Attribute("tierscope.ending", "How the call ended.", words.ENDINGS)
ATTEMPTS: Final = Attribute("tierscope.attempts", "HTTP attempts of the call, retries included.")
ATTEMPT_RESULT: Final = Attribute(
    "tierscope.attempt.result", "How one HTTP attempt ended.", words.ATTEMPT_RESULTS, is_on_spans=False
)
FIRST_TOKEN: Final = Attribute(
    "tierscope.time_to_first_token", "Seconds from the last attempt's start to the first token."
)
RATE_GENERATION: Final = Attribute(
    "tierscope.output_rate.generation", "Visible tokens per second between first and last text."
)
RATE_END_TO_END: Final = Attribute("tierscope.output_rate.end_to_end", "Output tokens per second of the last attempt.")
RATE_BASIS: Final = Attribute(
    "tierscope.output_rate.basis", "Formula of the rate.", ("generation", "end_to_end"), is_on_spans=False
)
RATE_ABSENT: Final = Attribute(
    "tierscope.output_rate.absent", "Why there is no rate; on spans, of streams.", words.ABSENT
)
CONSUMER_LIMITED: Final = Attribute(
    "tierscope.consumer_limited", "The reader or its event loop was the brake; absent where unknown, or not streamed."
)
IS_STREAM: Final = Attribute("tierscope.stream", "Whether the call was streamed.", is_on_spans=False)
TOKEN_KIND: Final = Attribute(
    "tierscope.token.kind",
    "Part of the tokens; the kinds partition the total. `_undivided`: no details were reported.",
    (
        "input_uncached",
        "input_cached",
        "input_cache_write",
        "input_undivided",
        "output_visible",
        "output_reasoning",
        "output_rejected_prediction",
        "output_undivided",
    ),
    is_on_spans=False,
)
LIMIT_KIND: Final = Attribute(
    "tierscope.rate_limit.kind", "What the rate limit counts.", ("requests", "tokens"), is_on_spans=False
)
STEP: Final = Attribute(
    "tierscope.internal.step", "Step of Tierscope in which an internal error was caught.", is_on_spans=False
)
REQUEST_ID: Final = Attribute("tierscope.request_id", "`x-request-id` or `apim-request-id`. Spans only.")
PROCESSING_MS: Final = Attribute("tierscope.processing_ms", "`openai-processing-ms`; to the headers on streams.")
LIMIT_REQUESTS: Final = Attribute(
    "tierscope.rate_limit.requests.limit",
    "Requests allowed in the window; of a call, where it was not served as asked.",
)
REMAINING_REQUESTS: Final = Attribute(
    "tierscope.rate_limit.requests.remaining",
    "Requests left in the window; of a call, where it was not served as asked.",
)
LIMIT_TOKENS: Final = Attribute(
    "tierscope.rate_limit.tokens.limit",
    "Tokens allowed in the window; of a call, where it was not served as asked.",
)
REMAINING_TOKENS: Final = Attribute(
    "tierscope.rate_limit.tokens.remaining",
    "Tokens left in the window; of a call, where it was not served as asked.",
)
AZURE_DEPLOYMENT: Final = Attribute("tierscope.azure.deployment", "Azure deployment that was called or answered.")
AZURE_REGION: Final = Attribute("tierscope.azure.region", "`x-ms-region` of the reply.")
AZURE_SPILLED: Final = Attribute("tierscope.azure.spilled_over", "A provisioned deployment handed the request on.")
AZURE_SPILLED_FROM: Final = Attribute("tierscope.azure.spilled_over_from", "Deployment that handed the request on.")
BATCH_COUNT: Final = Attribute("tierscope.batch.count", "Batches whose end the API call was the first to tell of.")
BATCH_STATUS: Final = Attribute("tierscope.batch.status", "How the batch ended.", words.BATCH_STATES)
BATCH_TURNAROUND: Final = Attribute("tierscope.batch.turnaround", "Seconds from creation to end of the batch.")
BATCH_COMPLETED: Final = Attribute("tierscope.batch.requests.completed", "Requests of the batch that succeeded.")
BATCH_FAILED: Final = Attribute("tierscope.batch.requests.failed", "Requests of the batch that failed.")
BATCH_RESULT: Final = Attribute(
    "tierscope.batch.result", "How requests of a batch ended.", ("completed", "failed"), is_on_spans=False
)

SPAN_ATTRIBUTES: Final = tuple(
    value for value in list(globals().values()) if isinstance(value, Attribute) and value.is_on_spans
)
"""Every attribute that a span of ours may carry."""

# ── HTTP spans ────────────────────────────────────────────────────────────────────────────────────────────────────
ATTEMPT_NUMBER: Final = Attribute(
    "tierscope.attempt.number", "Number of the HTTP attempt within its call, from 1.", is_on_spans=False
)
HTTP_ATTRIBUTES: Final = (
    *(ATTEMPT_NUMBER, TIER_REQUESTED, REQUEST_ID, PROCESSING_MS),
    *(LIMIT_REQUESTS, REMAINING_REQUESTS, LIMIT_TOKENS, REMAINING_TOKENS),
)
"""What we add to the HTTP span of an attempt, whoever made that span."""

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
_WHO: Final = (PROVIDER, OPERATION, REQUEST_MODEL, RESPONSE_MODEL)
_PAIR: Final = (PROVIDER, REQUEST_MODEL, RESPONSE_MODEL, TIER_REQUESTED, TIER_SERVED)
_VERDICT: Final = (*_WHO, TIER_REQUESTED, TIER_EXPECTED, TIER_SERVED, TIER_OUTCOME)

CALLS: Final = Metric(
    "tierscope.calls",
    "counter",
    "{call}",
    "Finished calls.",
    (PROVIDER, OPERATION, REQUEST_MODEL, TIER_REQUESTED, TIER_EXPECTED, TIER_SERVED, TIER_OUTCOME),
)
"""Without the response's model and the error, so that the series of a downgrade can start at 0 before there is one."""
CALL_ERRORS: Final = Metric(
    "tierscope.call.errors",
    "counter",
    "{call}",
    "Calls that did not succeed, by error.",
    (PROVIDER, OPERATION, REQUEST_MODEL, TIER_REQUESTED, ERROR_TYPE),
)
CALL_ATTEMPTS: Final = Metric(
    "tierscope.call.attempts",
    "counter",
    "{attempt}",
    "HTTP attempts; the contract counts these, not calls.",
    (PROVIDER, OPERATION, REQUEST_MODEL, TIER_REQUESTED, ATTEMPT_RESULT),
)
TOKENS_USED: Final = Metric(
    "tierscope.tokens", "counter", "{token}", "Tokens as reported, in parts that add up.", (*_VERDICT, TOKEN_KIND)
)
RATE_MISSING: Final = Metric(
    "tierscope.output_rate.missing",
    "counter",
    "{call}",
    "Calls without an output rate, by reason.",
    (PROVIDER, OPERATION, REQUEST_MODEL, TIER_REQUESTED, RATE_BASIS, RATE_ABSENT),
)
USAGE_MISSING: Final = Metric(
    "tierscope.usage.missing",
    "counter",
    "{call}",
    "Answered calls whose tokens are unknown.",
    (PROVIDER, OPERATION, REQUEST_MODEL, TIER_REQUESTED, IS_STREAM),
)
INTERNAL_ERRORS: Final = Metric(
    "tierscope.internal.errors",
    "counter",
    "{error}",
    "Errors inside Tierscope that the application never saw.",
    (STEP,),
)
HEADROOM: Final = Metric(
    "tierscope.rate_limit.headroom",
    "gauge",
    "1",
    "Share of the rate limit that was left at the last reply.",
    (PROVIDER, REQUEST_MODEL, LIMIT_KIND),
)
DURATION: Final = Metric(
    "tierscope.call.duration", "histogram", "s", "Duration of calls, streams to their end.", _PAIR, LONG_SECONDS
)
GENERATION: Final = Metric(
    "tierscope.output_rate.generation",
    "histogram",
    "{token}/s",
    "Visible tokens per second between first and last text delta.",
    (*_PAIR, CONSUMER_LIMITED),
    RATE_BUCKETS,
)
END_TO_END: Final = Metric(
    "tierscope.output_rate.end_to_end",
    "histogram",
    "{token}/s",
    "Output tokens per second of the last attempt.",
    (*_PAIR, CONSUMER_LIMITED),
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
_ASKED: Final = (PROVIDER, OPERATION, REQUEST_MODEL, TIER_REQUESTED)
RETRY_WAIT: Final = Metric(
    "tierscope.call.retry_wait", "counter", "s", "Waiting between the attempts of calls, where known.", _ASKED
)
_BATCH: Final = (PROVIDER, RESPONSE_MODEL)
TURNAROUND: Final = Metric(
    "tierscope.batch.turnaround", "histogram", "s", "From creation to end of batches.", (*_BATCH, BATCH_STATUS), HOURS
)
BATCH_REQUESTS: Final = Metric(
    "tierscope.batch.requests", "counter", "{request}", "Requests of batches that ended.", (*_BATCH, BATCH_RESULT)
)

_COMMON: Final = (OPERATION, PROVIDER, REQUEST_MODEL, RESPONSE_MODEL, SERVER_ADDRESS, SERVER_PORT)
GENAI_DURATION: Final = Metric(
    "gen_ai.client.operation.duration",
    "histogram",
    "s",
    "GenAI operation duration.",
    (*_COMMON, ERROR_TYPE, RESPONSE_TIER),
    SECONDS,
)
GENAI_TOKENS: Final = Metric(
    "gen_ai.client.token.usage",
    "histogram",
    "{token}",
    "Number of input and output tokens used.",
    (*_COMMON, TOKEN_TYPE, RESPONSE_TIER),
    TOKENS,
)
GENAI_FIRST_CHUNK: Final = Metric(
    "gen_ai.client.operation.time_to_first_chunk",
    "histogram",
    "s",
    "Time to receive the first chunk of a stream.",
    (*_COMMON, RESPONSE_TIER),
    SECONDS,
)

METRICS: Final = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
OWN_METRICS: Final = tuple(metric for metric in METRICS if metric.name.startswith("tierscope."))
GENAI_METRICS: Final = tuple(metric for metric in METRICS if metric not in OWN_METRICS)
