"""Every attribute of spans and metrics: the first half of ``signals``, through which all others read them."""

from __future__ import annotations

from typing import Final

from tierscope import words
from tierscope.declared import Attribute

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
COST_BASIS: Final = Attribute(
    "tierscope.cost.basis",
    "Where the price comes from: the compiled list and the source documents, our overlay, the user's file.",
    words.BASES,
    is_on_spans=False,
)
COST_EFFECT: Final = Attribute(
    "tierscope.cost.effect",
    "What the tier made of the bill: against the default tier, or against the tier that was promised.",
    words.EFFECTS,
    is_on_spans=False,
)
UNPRICED_REASON: Final = Attribute(
    "tierscope.cost.absent", "Why an answered call has no price.", words.UNPRICED, is_on_spans=False
)
POLICY_WORKLOAD: Final = Attribute(
    "tierscope.policy.workload", "Rule of the policy that speaks of the call.", is_on_spans=False
)
POLICY_TIER: Final = Attribute(
    "tierscope.policy.tier", "Tier that the policy wants.", words.CANONICAL, is_on_spans=False
)
CACHE_MISS: Final = Attribute(
    "tierscope.prompt_cache.miss_reason",
    "Why the prompt was not read from the cache, where a Responses call asked for its diagnostics.",
    words.CACHE_MISSES,
)
CACHE_MISSED: Final = Attribute(
    "tierscope.prompt_cache.missed_tokens_estimated",
    "Input tokens from the first difference on, by the service's estimate. Spans only.",
)
CACHE_REUSABLE: Final = Attribute(
    "tierscope.prompt_cache.reusable_tokens", "Tokens of the compared response that could be used again. Spans only."
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
