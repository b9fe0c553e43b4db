"""Served shares, downgrades, refusals of flex."""

from __future__ import annotations

from typing import Final

from tools.rules import recorded as r
from tools.rules.model import Alert, Group, Record
from tools.rules.promql import among, counted, equal, label, or_zero, rate, ratio, select, total, unlike

from tierscope import signals as s
from tierscope import words as w

LEAST_CALLS: Final = 20
"""Fewer calls, or attempts, in 5 minutes move nobody: one of ten is 10 %."""
_PROMISED: Final = among(s.TIER_EXPECTED, (w.PRIORITY, w.ULTRAFAST))
_BELIEVED: Final = (unlike(s.TIER_SERVED, w.UNREPORTED, w.OTHER), unlike(s.TIER_OUTCOME, w.UNVERIFIED))
_JUDGED: Final = among(s.TIER_OUTCOME, (w.HONORED, w.DOWNGRADED, w.UPGRADED))
_LOWER: Final = equal(s.TIER_OUTCOME, w.DOWNGRADED)
_FLEX: Final = equal(s.TIER_REQUESTED, w.FLEX)


def groups() -> list[Group]:
    """Return rules and alerts."""
    return [Group("tierscope-calls", "1m", (*_records(), *_alerts())), Group("tierscope-flex", "1m", (*_flex(),))]


def _records() -> list[Record]:
    model = r.SERVED.keys[:3]
    by_tier, all_tiers = (total(keys, rate(select(s.CALLS, *_BELIEVED))) for keys in (r.SERVED.keys, model))
    judged, lower = (total(r.JUDGED.keys, counted(select(s.CALLS, kind))) for kind in (_JUDGED, _LOWER))
    return [
        Record(r.SERVED, f"{by_tier}\n/ on ({', '.join(map(label, model))}) group_left () (\n{all_tiers} > 0\n)"),
        Record(r.JUDGED, judged),
        Record(r.DOWNGRADED, or_zero(lower, r.JUDGED.name)),
        Record(r.DOWNGRADED_RATIO, ratio(r.DOWNGRADED.name, r.JUDGED.name)),
    ]


def _alerts() -> list[Alert]:
    ratio_of, calls = select(r.DOWNGRADED_RATIO.name, _PROMISED), select(r.JUDGED.name, _PROMISED)
    asked = "{{ $labels.gen_ai_request_model }} ({{ $labels.deployment_environment_name }})"
    share = "{{ $value | humanizePercentage }} of the calls that expected {{ $labels.tierscope_tier_expected }} were"
    return [
        Alert(
            "TierscopeDowngraded",
            "info",
            f"{select(r.DOWNGRADED.name, _PROMISED)} > 0",
            "",
            f"Calls of {asked} were served below the tier that was promised",
            "{{ $value | humanize }} calls in the last 5 minutes expected {{ $labels.tierscope_tier_expected }} and "
            "were served a lower tier, at its price and its speed.",
        ),
        Alert(
            "TierscopeDowngradeRatioHigh",
            "ticket",
            f"{ratio_of} > 0.01\nand {calls} >= {LEAST_CALLS}",
            "10m",
            f"More than 1 % of the calls of {asked} are downgraded",
            f"{share} served a lower tier, for 10 minutes.",
        ),
        Alert(
            "TierscopeDowngradeRatioVeryHigh",
            "page",
            f"{ratio_of} > 0.05\nand {calls} >= {LEAST_CALLS}",
            "5m",
            f"More than 5 % of the calls of {asked} are downgraded",
            f"{share} served a lower tier, for 5 minutes.",
        ),
    ]


def _flex() -> list[Record | Alert]:
    attempted = r.FLEX_ATTEMPTS.name
    attempts = total(r.FLEX_ATTEMPTS.keys, counted(select(s.CALL_ATTEMPTS, _FLEX)))
    refused = total(r.FLEX_REFUSED.keys, counted(select(s.CALL_ATTEMPTS, _FLEX, equal(s.ATTEMPT_RESULT, w.REFUSED))))
    model = "{{ $labels.gen_ai_request_model }} ({{ $labels.deployment_environment_name }})"
    return [
        Record(r.FLEX_ATTEMPTS, attempts),
        Record(r.FLEX_REFUSED, ratio(f"({or_zero(refused, attempted)})", attempted)),
        Alert(
            "TierscopeFlexRefusals",
            "ticket",
            f"{r.FLEX_REFUSED.name} > 0.5\nand {attempted} >= {LEAST_CALLS}",
            "15m",
            f"Flex has no room for {model}",
            "{{ $value | humanizePercentage }} of the flex attempts were refused, for 15 minutes. A refusal costs "
            "nothing, and the SDK's retries are attempts of their own.",
        ),
    ]
