"""What is known about one finished operation: immutable records without behaviour.

Named tuples, for they are made on the hot path: a frozen dataclass sets every field through ``object.__setattr__``
(ADR 2). Read them by name; ``_replace`` makes a changed copy.

``None`` always means *unknown*. No field ever holds ``0``, ``""`` or ``"default"`` to stand for absence.
Times are nanoseconds of one monotonic clock unless a name says otherwise.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

Endpoint = Literal["chat_completions", "responses", "completions", "embeddings", "batches"]
Operation = Literal["chat", "text_completion", "embeddings", "fetch_response", "batch"]
TierSource = Literal["header", "body", "none"]
RawMode = Literal["raw", "stream"]
EndingWord = Literal["complete", "error", "closed", "abandoned", "cancelled"]
AttemptResult = Literal[
    "ok",
    "refused",
    "rate_limited",
    "spend_limited",
    "client_error",
    "server_error",
    "timeout",
    "no_response",
    "cancelled",
]


class Request(NamedTuple):
    """The asked-for half of a call, as far as it is known when the call starts.

    It names nothing that differs from call to call: equal requests are mostly one object.
    """

    operation: Operation
    endpoint: Endpoint
    provider: str
    """Provider name of the GenAI conventions: ``openai``, ``azure.ai.openai``, or a row of ``providers.json``."""
    row: str
    """Key of the row of ``providers.json`` that applied."""
    trusted: bool
    """Whether this host's echo of the tier is documented (or trusted by a setting)."""
    model: str | None = None
    address: str | None = None
    port: int | None = None
    tier_raw: str | None = None
    """The tier exactly as it was sent."""
    tier_source: TierSource = "none"
    requested: str = "unset"
    """``unset``, ``auto``, a canonical tier, or ``_OTHER``."""
    expected: str | None = None
    """The canonical tier that was promised, or unknown."""
    is_stream: bool = False
    raw_mode: RawMode | None = None
    is_background: bool = False
    usage_asked: bool = False
    """Tierscope itself asked for the usage of this stream (``TIERSCOPE_STREAM_USAGE``)."""
    project: str | None = None
    organization: str | None = None
    deployment: str | None = None
    """Azure deployment, from the client or the URL as sent."""
    window: str | None = None
    """Completion window of background work: ``soonest``, ``2h`` or ``8h``; no reply echoes it."""


class Attempt(NamedTuple):
    """One HTTP try inside a call. The SDK itself retries twice by default."""

    start_ns: int
    result: AttemptResult
    status: int | None = None
    """HTTP status, or unknown when no response came."""
    code: str | None = None
    """The API's error code, when the body of the failed attempt was in memory."""
    wait_ns: int | None = None
    """Back-off between the previous attempt's failure and this attempt's start."""


class Usage(NamedTuple):
    """Token counts as reported. Cached and cache-write are inside input; reasoning and rejected inside output."""

    input: int | None = None
    output: int | None = None
    cached: int | None = None
    cache_write: int | None = None
    reasoning: int | None = None
    rejected_prediction: int | None = None
    audio_output: int | None = None
    total: int | None = None


class CacheMiss(NamedTuple):
    """Why a prompt was not read from the prompt cache, where a Responses reply was asked to say so and does."""

    reason: str
    """One of ``words.CACHE_MISSES``."""
    missed_estimated: int | None = None
    """Input tokens from the first difference on: an estimate of the service's."""
    reusable: int | None = None
    """Tokens of the compared response's prompt that could have been used again, as the service counts them."""


class RateLimits(NamedTuple):
    """Rate-limit headers of the last response; resets in seconds (``None`` where the unit is not documented)."""

    limit_requests: int | None = None
    remaining_requests: int | None = None
    reset_requests_s: float | None = None
    limit_tokens: int | None = None
    remaining_tokens: int | None = None
    reset_tokens_s: float | None = None


class Headers(NamedTuple):
    """What the response headers told."""

    request_id: str | None = None
    processing_ms: float | None = None
    """``openai-processing-ms``; on a stream the time to the headers, not of the generation."""
    rate_limits: RateLimits | None = None
    region: str | None = None
    deployment: str | None = None
    is_spilled_over: bool | None = None
    """Azure: a provisioned deployment handed the request on; a change of deployment, not a tier."""
    spilled_from: str | None = None
    tier_raw: str | None = None
    """The served tier, for hosts that report it in a header (see the provider's row)."""


class Failure(NamedTuple):
    """Why a call failed, in the words of the API where it gave any."""

    error_type: str
    """A closed list: a known API error code, a known exception class, a word of ours, or ``_OTHER``."""
    status: int | None = None
    code: str | None = None
    type: str | None = None
    param: str | None = None
    message_matches: bool = False
    """Whether message or code matched a refusal pattern of the provider. The message itself is never kept."""


class Batch(NamedTuple):
    """What is known of a batch that came to its end; its id, state, model and tokens are its reply's."""

    created_unix_s: int | None = None
    """When it was made, by the service's clock: seconds since the epoch."""
    turnaround_s: int | None = None
    """Seconds from then to its end, whether it completed, failed, expired or was cancelled."""
    requests_total: int | None = None
    requests_completed: int | None = None
    requests_failed: int | None = None


class Reply(NamedTuple):
    """The served half of a call."""

    status: int | None = None
    response_id: str | None = None
    model: str | None = None
    fingerprint: str | None = None
    tier_raw: str | None = None
    finish_reasons: tuple[str | None, ...] = ()
    """One entry a choice (chat); ``None`` where a cut stream never said one."""
    response_status: str | None = None
    """Status of a Responses object, or of a batch: ``completed``, ``queued``, ``failed`` …"""
    is_background: bool | None = None
    is_terminal: bool = True
    """False while the tier may still change: queued, in progress, or a stream cut before its last word."""
    usage: Usage | None = None
    is_usage_new: bool = True
    """False for a stored response fetched again: its tokens were counted before, or by somebody else."""
    failure: Failure | None = None
    cache_miss: CacheMiss | None = None
    """``None`` where the cache was read, or nothing is said of it."""
    batch: Batch | None = None
    """Set where this is what became of a batch, and no reply to a request."""
    batches: tuple[Reply, ...] = ()
    """The batches that came to their end, of an answer about batches."""


class Shape(NamedTuple):
    """What a reply was made of; decides whether a generation rate exists (DESIGN: text-only replies)."""

    text_deltas: int = 0
    choices: int = 0
    messages: int = 0
    has_tool_call: bool = False
    has_other_delta: bool = False
    """Something that is not text arrived between the first and the last text delta."""


class Timing(NamedTuple):
    """Stamps of one monotonic clock, in nanoseconds."""

    start_ns: int
    end_ns: int
    unix_ns: int
    """The start by the wall clock, nanoseconds since the epoch."""
    attempt_ns: int | None = None
    """Start of the last attempt."""
    headers_ns: int | None = None
    first_event_ns: int | None = None
    first_token_ns: int | None = None
    """First non-empty delta of any kind: text, reasoning, tool arguments."""
    last_token_ns: int | None = None
    first_text_ns: int | None = None
    last_text_ns: int | None = None
    window_ns: int | None = None
    """From the first token to the end of a stream that was read out: the window of the two figures below."""
    waited_ns: int | None = None
    """Time in that window spent waiting for the network."""
    cpu_ns: int | None = None
    """CPU time of the process in that window, and the time for which its reader waited for a processor."""
    late_ns: int | None = None
    """For how long the last text had been there, at least, when it was read; unknown where the system does not tell."""


class Speed(NamedTuple):
    """Rates in tokens per second, times in seconds; a missing rate has its reason beside it."""

    first_token_s: float | None = None
    generation: float | None = None
    generation_absent: str | None = None
    end_to_end: float | None = None
    end_to_end_absent: str | None = None
    consumer_limited: bool | None = None
    """The reader or its event loop was the brake; unknown where nothing was streamed."""


class Cost(NamedTuple):
    """List price of a call's tokens, in pico-dollars (1e-12 USD); a missing one has its reason beside it."""

    amount: int | None = None
    """At the tier that served."""
    at_default: int | None = None
    """The same tokens at the default tier."""
    at_expected: int | None = None
    """The same tokens at the tier that was promised, where another one served."""
    basis: str | None = None
    """``exact``, ``overlay`` or ``user``; ``None`` where there is no price."""
    unpriced: str | None = None
    """Why an answered call has no price; ``None`` where it has one, and where nothing is billed by the token."""


NO_COST: Final = Cost()


class Call(NamedTuple):
    """Everything that is known about one finished operation, attempts included."""

    request: Request
    attempts: tuple[Attempt, ...]
    reply: Reply | None
    headers: Headers | None
    timing: Timing
    ending: EndingWord
    speed: Speed
    served: str
    """Canonical served tier, ``unreported`` or ``_OTHER``."""
    outcome: str
    inferred_cause: str | None = None
    error_type: str | None = None
    """The same value on the span and in the metrics; ``None`` on success, and where the application closed or dropped a
    stream that had not failed."""
    cost: Cost = NO_COST
    """Set by who records calls (``cost.priced``): in metrics, in the ledger, and in ``testing.capture()``."""
    ambient: tuple[tuple[str, str], ...] = ()
    """What was around the call of that which a policy matches by: its key, and a value."""
    service: str | None = None
    """``service.name`` of the process; set by the ledger."""
    workload: str | None = None
    """The rule of the policy that speaks of the call; set by the ledger."""


NO_REPLY: Final = Reply()
NO_USAGE: Final = Usage()
NO_HEADERS: Final = Headers()
NO_LIMITS: Final = RateLimits()
"""For readers that want a field where the whole record may be missing: everything in them is unknown."""
