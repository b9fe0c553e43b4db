"""Every recorded series, declared once: rules, alerts, dashboards and `docs/prometheus.md` take their names from here.

The first part of a name says what a series stands for: `request_model` (the model as asked for, on Azure a deployment),
`response_model` (as it answered), `promise` (as the catalog's target names it), `service_model`, `scale`. All but the
catalog's constants and `scale` keep the environment; provider and environment are not repeated in the name.
"""

from __future__ import annotations

from typing import Final

from tools.rules.model import Series
from tools.rules.promql import ENVIRONMENT, SERVICE

from tierscope import signals as s

PROMISE_MODEL: Final = "tierscope_promise_model"
"""Model as the catalog names it: every snapshot of it, and every fine-tuned model of an `ft:` one."""
TARGET: Final = "tierscope_promise_target"
"""Promised tokens per second, as text."""
DIRECTION: Final = "tierscope_token_direction"
"""`input` or `output`."""
SIGNAL: Final = "signal"
"""`spans` or `metric_points`, of the Collector."""

_ASKED: Final = (ENVIRONMENT, s.PROVIDER, s.REQUEST_MODEL)
_ANSWERED: Final = (ENVIRONMENT, s.PROVIDER, s.RESPONSE_MODEL)

# ── calls and their tiers ─────────────────────────────────────────────────────────────────────────────────────────
SERVED: Final = Series(
    "request_model_served:tierscope_calls:ratio5m",
    (*_ASKED, s.TIER_SERVED),
    "ratio",
    "Share of a tier in the calls whose served tier is known and can be believed.",
)
_EXPECTED: Final = (*_ASKED, s.TIER_EXPECTED)
JUDGED: Final = Series(
    "request_model_expected:tierscope_calls:count5m",
    _EXPECTED,
    "calls in 5 min",
    "Calls that were promised a tier and got one: honored, downgraded or upgraded.",
)
DOWNGRADED: Final = Series(
    "request_model_expected:tierscope_calls_downgraded:count5m",
    _EXPECTED,
    "calls in 5 min",
    "Those that got a lower one; 0 where none did.",
)
DOWNGRADED_RATIO: Final = Series(
    "request_model_expected:tierscope_calls_downgraded:ratio5m",
    _EXPECTED,
    "ratio",
    "Share of downgraded calls: 0 where there was none, absent where there was no call.",
)

# ── promised speed ────────────────────────────────────────────────────────────────────────────────────────────────
_TARGET: Final = (s.PROVIDER, PROMISE_MODEL, s.TIER_SERVED, TARGET)
_PROMISE: Final = (ENVIRONMENT, *_TARGET, s.RATE_BASIS)
TARGET_RATE: Final = Series(
    "promise:tierscope_target:tokens_per_second",
    _TARGET,
    "token/s",
    "Constant of the catalog: output rate that is to be exceeded.",
)
TARGET_ATTAINMENT: Final = Series(
    "promise:tierscope_target:attainment_ratio",
    _TARGET,
    "ratio",
    "Constant of the catalog: share of windows, or of calls, that are to exceed it.",
)
TARGET_UPTIME: Final = Series(
    "promise:tierscope_target:uptime_ratio",
    _TARGET,
    "ratio",
    "Constant of the catalog: promised uptime; absent where none is stated.",
)
_MEASURED: Final = (*_ANSWERED, s.TIER_SERVED, s.RATE_BASIS)
RATED_CALLS: Final = Series(
    "response_model_served:tierscope_output_rate:count5m",
    _MEASURED,
    "calls in 5 min",
    "Calls with a rate that Priority or Scale served and whose reader was not the brake.",
)
RATED_SLOW: Final = Series(
    "response_model_served:tierscope_output_rate_at_most_target:count5m",
    (*_MEASURED, TARGET),
    "calls in 5 min",
    "Those of them at or below a rate that the catalog promises of any model.",
)
WINDOW_CALLS: Final = Series(
    "promise:tierscope_output_rate:window_calls", _PROMISE, "calls", "Calls with a rate in a window of 5 minutes."
)
WINDOW_SLOW: Final = Series(
    "promise:tierscope_output_rate:window_slow", _PROMISE, "calls", "Those of them at or below the target."
)
WINDOW_GOOD: Final = Series(
    "promise:tierscope_output_rate:window_good",
    _PROMISE,
    "0 or 1",
    "Whether the median of the window was above the target; absent without calls; exactly half of them is missed.",
)
WINDOWS: Final = Series(
    "promise:tierscope_output_rate:windows30d", _PROMISE, "windows", "Windows with calls in the last 30 days."
)
WINDOWS_GOOD: Final = Series(
    "promise:tierscope_output_rate:windows_good30d",
    _PROMISE,
    "windows",
    "Those of them with the median above the target.",
)
WINDOW_ATTAINMENT: Final = Series(
    "promise:tierscope_output_rate:window_attainment30d", _PROMISE, "ratio", "Reading A: share of good windows."
)
WINDOW_BUDGET: Final = Series(
    "promise:tierscope_output_rate:window_budget30d",
    _PROMISE,
    "windows",
    "Windows that may still be missed; below 0 the promise of the last 30 days is broken.",
)
CALLS: Final = Series(
    "promise:tierscope_output_rate:calls30d", _PROMISE, "calls", "Calls with a rate in the last 30 days."
)
CALL_ATTAINMENT: Final = Series(
    "promise:tierscope_output_rate:call_attainment30d", _PROMISE, "ratio", "Reading B: share of calls above the target."
)

# ── uptime ────────────────────────────────────────────────────────────────────────────────────────────────────────
_REQUESTED: Final = (*_ASKED, s.TIER_REQUESTED)
ATTEMPTS: Final = Series(
    "request_model_requested:tierscope_call_attempts:count5m",
    _REQUESTED,
    "attempts in 5 min",
    "HTTP attempts that count; those that the client gave up do not.",
)
ERRORS: Final = Series(
    "request_model_requested:tierscope_call_attempts_errors:count5m",
    _REQUESTED,
    "attempts in 5 min",
    "Attempts that count against the provider: server errors, and no response.",
)
BURN_WINDOWS: Final = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
ERROR_RATIOS: Final = {
    window: Series(
        f"request_model_requested:tierscope_call_attempts_errors:ratio{window}",
        _REQUESTED,
        "ratio",
        f"Share of them in {window}.",
    )
    for window in BURN_WINDOWS
}
UPTIME: Final = Series(
    "request_model_requested:tierscope_call_attempts:uptime_ratio30d",
    _REQUESTED,
    "ratio",
    "Uptime of the last 30 days.",
)

# ── ramp rate ─────────────────────────────────────────────────────────────────────────────────────────────────────
RAMP_FLOOR: Final = Series(
    "provider:tierscope_ramp:floor_tokens_per_minute",
    (s.PROVIDER,),
    "token/min",
    "Constant of the catalog: input tokens per minute from which on growth counts.",
)
RAMP_GROWTH: Final = Series(
    "provider:tierscope_ramp:allowed_growth_ratio",
    (s.PROVIDER,),
    "ratio",
    "Constant of the catalog: growth that is allowed within 15 minutes.",
)
INPUT: Final = Series(
    "response_model:tierscope_input_tokens:per_minute",
    _ANSWERED,
    "token/min",
    "Completed input tokens of calls that expected Priority, whatever served them; without batch.",
)
LOWEST: Final = Series(
    "response_model:tierscope_input_tokens:lowest15m", _ANSWERED, "token/min", "The lowest of the last 15 minutes."
)
ALLOWED: Final = Series(
    "response_model:tierscope_input_tokens:allowed_per_minute", _ANSWERED, "token/min", "What the ramp rule allows now."
)
HEADROOM: Final = Series(
    "response_model:tierscope_input_tokens:headroom_per_minute",
    _ANSWERED,
    "token/min",
    "What may still be added; below 0 the rule is broken.",
)
GROWTH: Final = Series(
    "response_model:tierscope_input_tokens:growth_ratio",
    _ANSWERED,
    "ratio",
    "Growth against the lowest; absent after an idle minute.",
)
GROWTH_USED: Final = Series(
    "response_model:tierscope_input_tokens:growth_used_ratio",
    _ANSWERED,
    "ratio",
    "Share of the allowed growth that is used, from the floor on; above 1 the rule is broken.",
)
DOWNGRADED_TOKENS: Final = Series(
    "response_model:tierscope_input_tokens_downgraded:ratio5m",
    _ANSWERED,
    "ratio",
    "Share of downgraded calls in the input tokens of those that expected Priority.",
)
RAMP_INFERRED: Final = Series(
    "response_model:tierscope_downgrade_inferred_ramp_rate:bool",
    _ANSWERED,
    "1",
    "Downgrades while the ramp rule was broken: *inferred* to be its effect; absent otherwise.",
)

# ── money ─────────────────────────────────────────────────────────────────────────────────────────────────────────
_SERVICE_MODEL: Final = (ENVIRONMENT, SERVICE, s.PROVIDER, s.RESPONSE_MODEL, s.TIER_SERVED)
_SERVICE_ASKED: Final = (ENVIRONMENT, SERVICE, s.PROVIDER, s.REQUEST_MODEL)
COST: Final = Series(
    "service_model_served:tierscope_cost_usd:rate5m",
    _SERVICE_MODEL,
    "USD/s",
    "List price of the tokens, batch included.",
)
COST_AT_DEFAULT: Final = Series(
    "service_model_served:tierscope_cost_at_default_usd:rate5m",
    _SERVICE_MODEL,
    "USD/s",
    "The same tokens at the default tier.",
)
EFFECTS: Final = Series(
    "service_model_served:tierscope_cost_effects_usd:rate5m",
    (*_SERVICE_MODEL, s.COST_EFFECT),
    "USD/s",
    "What the tiers made of the bill, each kind above 0: premium paid, saving made, premium not charged, saving lost.",
)
PREMIUM: Final = Series(
    "service_model_served:tierscope_premium_usd:rate5m",
    _SERVICE_MODEL,
    "USD/s",
    "Premium paid less saving made, against the default tier; below 0 a saving.",
)
UNPRICED: Final = Series(
    "service_request_model:tierscope_cost_unpriced:ratio1h",
    _SERVICE_ASKED,
    "ratio",
    "Share of calls without a price: no sum of money holds them.",
)
USAGE_MISSING: Final = Series(
    "service_request_model:tierscope_usage_missing:ratio1h",
    _SERVICE_ASKED,
    "ratio",
    "Share of answered calls whose tokens are unknown.",
)

# ── Scale tier ────────────────────────────────────────────────────────────────────────────────────────────────────
_SCALE: Final = (s.PROVIDER, PROMISE_MODEL, DIRECTION)
UNIT_TOKENS: Final = Series(
    "scale:tierscope_unit:tokens_per_minute", _SCALE, "token/min", "Constant of the catalog: what a unit entitles to."
)
UNIT_PRICE: Final = Series(
    "scale:tierscope_unit:usd_per_day", _SCALE, "USD/day", "Constant of the catalog: what a unit costs."
)
BREAK_EVEN: Final = Series(
    "scale:tierscope_unit:break_even_ratio",
    _SCALE,
    "ratio",
    "Constant of the catalog: utilisation from which on a unit costs no more than Priority.",
)
UNITS: Final = Series(
    "scale:tierscope_units:bought", _SCALE, "units", "What you bought: a rule of your own, `scale-units.example.yaml`."
)
SCALE_TOKENS: Final = Series(
    "scale:tierscope_tokens:per_minute", _SCALE, "token/min", "Tokens that `scale` served; cached ones count in full."
)
UTILISATION: Final = Series(
    "scale:tierscope_units:utilisation_ratio",
    _SCALE,
    "ratio",
    "Share of the entitlement that is used; 0 where nothing is, absent where no telemetry of the provider arrives.",
)
IDLE: Final = Series(
    "scale:tierscope_units:idle_usd_per_hour", _SCALE, "USD/h", "What is paid for tokens that are not used."
)
SPILL: Final = Series(
    "request_model:tierscope_scale_spill:ratio5m",
    _ASKED,
    "ratio",
    "Share of `default` in the calls that expected `scale` and that either of them served.",
)

# ── flex ──────────────────────────────────────────────────────────────────────────────────────────────────────────
FLEX_ATTEMPTS: Final = Series(
    "request_model:tierscope_flex_attempts:count5m", _ASKED, "attempts in 5 min", "HTTP attempts that asked for flex."
)
FLEX_REFUSED: Final = Series(
    "request_model:tierscope_flex_attempts_refused:ratio5m",
    _ASKED,
    "ratio",
    "Share of them that were refused: 0 where none was, absent where there was no attempt.",
)

# ── telemetry and pipeline ────────────────────────────────────────────────────────────────────────────────────────
PRESENT: Final = Series(
    "service:tierscope_calls:series", (ENVIRONMENT, SERVICE), "series", "Services whose telemetry arrives."
)
QUEUE: Final = Series(
    "exporter:otelcol_exporter_queue:used_ratio", ("job", "instance", "exporter"), "ratio", "Fill of a sending queue."
)
ENQUEUE_FAILED: Final = Series(
    "exporter:otelcol_exporter_enqueue_failed:rate5m",
    ("job", "instance", "exporter", SIGNAL),
    "items/s",
    "What a full queue turned away: lost, unless the sender tries again.",
)
SEND_FAILED: Final = Series(
    "exporter:otelcol_exporter_send_failed:rate5m",
    ("job", "instance", "exporter", SIGNAL),
    "items/s",
    "What the back end refused for good: lost.",
)
REFUSED: Final = Series(
    "receiver:otelcol_receiver_refused:rate5m",
    ("job", "instance", "receiver", SIGNAL),
    "items/s",
    "What the Collector turned away: its memory is short; the sender tries again.",
)
DROPPED_EARLY: Final = Series(
    "instance:otelcol_tail_sampling_dropped_too_early:rate5m",
    ("job", "instance"),
    "traces/s",
    "Traces that left the memory before their decision.",
)
KEPT: Final = Series(
    "instance:otelcol_tail_sampling_kept:ratio5m", ("job", "instance"), "ratio", "Share of the traces that were kept."
)

ALL: Final = tuple(
    series
    for value in list(globals().values())
    for series in (value.values() if isinstance(value, dict) else [value])
    if isinstance(series, Series)
)
