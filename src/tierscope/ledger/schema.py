"""The ledger's one table: every column declared once, with its type, its source in a ``Call``, and its meaning."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tierscope.cost import PICO
from tierscope.model import NO_HEADERS, NO_LIMITS, NO_REPLY, NO_USAGE, Batch
from tierscope.rates import NS, duration, retry_wait

if TYPE_CHECKING:
    from collections.abc import Callable

    from tierscope.model import Call, Headers, RateLimits, Usage

VERSION: Final = 3
"""``PRAGMA user_version``: raised with every change of the columns."""
APPLICATION_ID: Final = 0x54494552
"""``PRAGMA application_id``: the letters TIER, which tell a ledger from any other SQLite file."""
TABLE: Final = "calls"
_BITS: Final = 63
_NO_BATCH: Final = Batch()

Value = str | int | float | None


class LedgerError(Exception):
    """A file cannot serve as a ledger: the message names the path, what was found, and the remedy."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, SQL type, where its value comes from, and what it means. NULL means unknown."""

    name: str
    kind: str
    get: Callable[[Call], Value]
    about: str


def _usage(call: Call) -> Usage:
    return (call.reply or NO_REPLY).usage or NO_USAGE


def _headers(call: Call) -> Headers:
    return call.headers or NO_HEADERS


def _limits(call: Call) -> RateLimits:
    return _headers(call).rate_limits or NO_LIMITS


def _flag(value: bool | None) -> int | None:
    return None if value is None else int(value)


def _status(call: Call) -> int | None:
    """The status of the reply, or that of the last attempt that had one."""
    if call.reply is not None and call.reply.status is not None:
        return call.reply.status
    return next((attempt.status for attempt in reversed(call.attempts) if attempt.status is not None), None)


def _count(*results: str) -> Callable[[Call], int]:
    return lambda call: sum(attempt.result in results for attempt in call.attempts)


def _attempts(call: Call) -> str:
    """Each attempt as JSON; times in seconds, counted from the start of the call."""
    start = call.timing.start_ns
    return json.dumps(
        [
            {
                "start_s": round((attempt.start_ns - start) * NS, 6),
                "result": attempt.result,
                "status": attempt.status,
                "code": attempt.code,
                "wait_s": None if attempt.wait_ns is None else round(attempt.wait_ns * NS, 6),
            }
            for attempt in call.attempts
        ],
        separators=(",", ":"),
    )


def _token(field: str) -> Callable[[Call], Value]:
    return lambda call: getattr(_usage(call), field)


def _miss(field: str) -> Callable[[Call], Value]:
    return lambda call: getattr((call.reply or NO_REPLY).cache_miss, field, None)


def _of_batch(field: str) -> Callable[[Call], Value]:
    return lambda call: getattr((call.reply or NO_REPLY).batch or _NO_BATCH, field)


def _limit(field: str) -> Callable[[Call], Value]:
    return lambda call: getattr(_limits(call), field)


def _usd(field: str) -> Callable[[Call], Value]:
    """Dollars of an amount in pico-dollars: the nearest number that SQLite can hold, from which it is found again."""

    def dollars(call: Call) -> Value:
        amount = getattr(call.cost, field)
        return None if amount is None else amount / PICO

    return dollars


_KEYS: Final = (
    Column(
        "provider", "TEXT", lambda c: c.request.provider, "provider of the GenAI conventions: openai, azure.ai.openai …"
    ),
    Column(
        "operation", "TEXT", lambda c: c.request.operation, "chat, text_completion, embeddings, fetch_response or batch"
    ),
    Column(
        "endpoint",
        "TEXT",
        lambda c: c.request.endpoint,
        "chat_completions, responses, completions, embeddings or batches",
    ),
    Column("request_model", "TEXT", lambda c: c.request.model, "model as asked for"),
    Column("response_model", "TEXT", lambda c: (c.reply or NO_REPLY).model, "model as the reply names it"),
    Column("requested_raw", "TEXT", lambda c: c.request.tier_raw, "tier exactly as sent; NULL where none was"),
    Column("served_raw", "TEXT", lambda c: (c.reply or NO_REPLY).tier_raw, "tier exactly as received"),
    Column("requested", "TEXT", lambda c: c.request.requested, "unset, auto, a canonical tier, _OTHER or unreported"),
    Column("expected", "TEXT", lambda c: c.request.expected, "canonical tier that was promised"),
    Column("served", "TEXT", lambda c: c.served, "canonical tier that served, unreported or _OTHER"),
    Column(
        "outcome",
        "TEXT",
        lambda c: c.outcome,
        "honored, downgraded, upgraded, resolved, refused, failed, unreported, unverified",
    ),
    Column(
        "inferred_cause", "TEXT", lambda c: c.inferred_cause, "inferred cause of a downgrade; the API never states one"
    ),
    Column("ending", "TEXT", lambda c: c.ending, "complete, error, closed, abandoned or cancelled"),
    Column("error_type", "TEXT", lambda c: c.error_type, "as on span and metrics; NULL on success"),
    Column("status", "INTEGER", _status, "HTTP status of the reply, else of the last attempt that had one"),
    Column("trusted", "INTEGER", lambda c: int(c.request.trusted), "1 where the host's echo of the tier is believed"),
)
_TIMES: Final = (
    Column(
        "started_unix_ns",
        "INTEGER",
        lambda c: c.timing.unix_ns,
        "wall-clock start, nanoseconds since 1970; of a batch: of the call that told of its end",
    ),
    Column("duration_s", "REAL", lambda c: duration(c.timing), "seconds, back-off included"),
    Column("attempts", "INTEGER", lambda c: len(c.attempts), "HTTP tries; the first is no retry"),
    Column(
        "attempts_refused",
        "INTEGER",
        _count("refused"),
        "tries refused over the tier (flex capacity, tier not allowed)",
    ),
    Column(
        "attempts_rate_limited",
        "INTEGER",
        _count("rate_limited", "spend_limited"),
        "tries beyond a rate or spend limit",
    ),
    Column("attempts_server_error", "INTEGER", _count("server_error"), "tries answered with a 5xx"),
    Column("attempts_timeout", "INTEGER", _count("timeout"), "tries the client gave up waiting for"),
    Column("attempts_no_response", "INTEGER", _count("no_response"), "tries without any response"),
    Column("attempts_json", "TEXT", _attempts, "each try: start_s, result, status, code, wait_s"),
    Column("retry_wait_s", "REAL", lambda c: retry_wait(c.attempts), "seconds waited between tries"),
)
_TOKENS: Final = (
    Column("input_tokens", "INTEGER", _token("input"), "cached and cache-write tokens included"),
    Column("output_tokens", "INTEGER", _token("output"), "reasoning and rejected prediction tokens included"),
    Column("cached_tokens", "INTEGER", _token("cached"), "inside input"),
    Column("cache_write_tokens", "INTEGER", _token("cache_write"), "inside input"),
    Column("reasoning_tokens", "INTEGER", _token("reasoning"), "inside output"),
    Column("rejected_prediction_tokens", "INTEGER", _token("rejected_prediction"), "inside output"),
    Column("audio_output_tokens", "INTEGER", _token("audio_output"), "inside output"),
    Column("total_tokens", "INTEGER", _token("total"), "as reported"),
    Column(
        "usage_is_new",
        "INTEGER",
        lambda c: _flag(c.reply.is_usage_new) if c.reply else None,
        "0: these tokens were counted before",
    ),
    Column(
        "usage_asked",
        "INTEGER",
        lambda c: int(c.request.usage_asked),
        "1: Tierscope itself asked for the usage of this stream",
    ),
)
_CACHE: Final = (
    Column("cache_miss", "TEXT", _miss("reason"), "why the prompt was not read from the cache, where the reply says"),
    Column("cache_missed_tokens_estimated", "INTEGER", _miss("missed_estimated"), "input affected, as it estimates"),
    Column("cache_reusable_tokens", "INTEGER", _miss("reusable"), "of the compared prompt, what could be used again"),
)
_MONEY: Final = (
    Column("cost_usd", "REAL", _usd("amount"), "list price of the tokens at the served tier; NULL: see cost_absent"),
    Column("cost_default_usd", "REAL", _usd("at_default"), "the same tokens at the default tier"),
    Column(
        "cost_expected_usd",
        "REAL",
        _usd("at_expected"),
        "the same tokens at the expected tier, where another one served",
    ),
    Column("cost_basis", "TEXT", lambda c: c.cost.basis, "exact, overlay or user: where the price comes from"),
    Column("cost_absent", "TEXT", lambda c: c.cost.unpriced, "why an answered call has no price"),
)
_SPEED: Final = (
    Column("first_token_s", "REAL", lambda c: c.speed.first_token_s, "seconds from the last attempt's start"),
    Column("rate_generation", "REAL", lambda c: c.speed.generation, "token/s: (V - 1) / (last text - first text)"),
    Column("rate_generation_absent", "TEXT", lambda c: c.speed.generation_absent, "why there is none"),
    Column("rate_end_to_end", "REAL", lambda c: c.speed.end_to_end, "token/s: output / (end - last attempt's start)"),
    Column("rate_end_to_end_absent", "TEXT", lambda c: c.speed.end_to_end_absent, "why there is none"),
    Column(
        "consumer_limited",
        "INTEGER",
        lambda c: _flag(c.speed.consumer_limited),
        "1: the reader was the brake, not the service",
    ),
)
_CONTEXT: Final = (
    Column("is_stream", "INTEGER", lambda c: int(c.request.is_stream), "1 for a stream"),
    Column("is_background", "INTEGER", lambda c: int(c.request.is_background), "1 for background work"),
    Column("completion_window", "TEXT", lambda c: c.request.window, "of background work: soonest, 2h or 8h"),
    Column(
        "response_status",
        "TEXT",
        lambda c: (c.reply or NO_REPLY).response_status,
        "status of a Responses object, or of a batch",
    ),
    Column("service", "TEXT", lambda c: c.service, "`service.name` of the process that made the call"),
    Column("workload", "TEXT", lambda c: c.workload, "rule of the policy that spoke of the call when it was made"),
    Column("project", "TEXT", lambda c: c.request.project, "OpenAI project"),
    Column("deployment", "TEXT", lambda c: c.request.deployment or _headers(c).deployment, "Azure deployment"),
    Column("address", "TEXT", lambda c: c.request.address, "host"),
    Column("port", "INTEGER", lambda c: c.request.port, "port"),
    Column("response_id", "TEXT", lambda c: (c.reply or NO_REPLY).response_id, "id of the reply"),
    Column(
        "request_id", "TEXT", lambda c: _headers(c).request_id, "the provider's id of the last attempt, for its support"
    ),
    Column(
        "processing_ms",
        "REAL",
        lambda c: _headers(c).processing_ms,
        "openai-processing-ms; on a stream the time to the headers",
    ),
    Column("limit_requests", "INTEGER", _limit("limit_requests"), "rate limit, requests"),
    Column("remaining_requests", "INTEGER", _limit("remaining_requests"), "requests left"),
    Column(
        "reset_requests_s",
        "REAL",
        _limit("reset_requests_s"),
        "seconds to the reset; NULL where the unit is not documented",
    ),
    Column("limit_tokens", "INTEGER", _limit("limit_tokens"), "rate limit, tokens"),
    Column("remaining_tokens", "INTEGER", _limit("remaining_tokens"), "tokens left"),
    Column(
        "reset_tokens_s",
        "REAL",
        _limit("reset_tokens_s"),
        "seconds to the reset; NULL where the unit is not documented",
    ),
    Column("region", "TEXT", lambda c: _headers(c).region, "Azure region"),
    Column(
        "spilled_over",
        "INTEGER",
        lambda c: _flag(_headers(c).is_spilled_over),
        "1: a provisioned Azure deployment handed on",
    ),
)
_BATCHES: Final = (
    Column("turnaround_s", "INTEGER", _of_batch("turnaround_s"), "seconds from creation to end of a batch"),
    Column("batch_requests_total", "INTEGER", _of_batch("requests_total"), "requests of a batch"),
    Column("batch_requests_completed", "INTEGER", _of_batch("requests_completed"), "those that succeeded"),
    Column("batch_requests_failed", "INTEGER", _of_batch("requests_failed"), "those that failed"),
)
COLUMNS: Final = (*_KEYS, *_TIMES, *_TOKENS, *_CACHE, *_MONEY, *_SPEED, *_CONTEXT, *_BATCHES)
NAMES: Final = tuple(column.name for column in COLUMNS)
INSERT: Final = f"INSERT INTO {TABLE} ({', '.join(NAMES)}) VALUES ({', '.join('?' * len(NAMES))})"  # noqa: S608  our own names


def row(call: Call) -> tuple[Value, ...]:
    """The row of one finished call, in the order of ``COLUMNS``."""
    return tuple(_held(column.get(call)) for column in COLUMNS)


def _held(value: Value) -> Value:
    """The value as SQLite can hold it: a reply may bring lone surrogates, or an integer beyond 64 bits."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode(errors="replace").decode()
    return None if isinstance(value, int) and value.bit_length() > _BITS else value
