"""What tiers cost and saved, what has no price, and calls whose tokens are unknown.

The package prices each call when it ends, so that history never changes with a price list: rules only add.
"""

from __future__ import annotations

from typing import Final

from tools.rules import recorded as r
from tools.rules.model import Alert, Group, Record
from tools.rules.promql import counted, equal, or_zero, rate, ratio, select, total, unlike

from tierscope import signals as s
from tierscope import words as w

HOUR: Final = "60m"
LEAST_CALLS: Final = 50
MAX_AGE_DAYS: Final = 90
_DAY: Final = 86_400
_NO_BATCH: Final = unlike(s.OPERATION, "batch")
_NO_USAGE: Final = unlike(s.OPERATION, "embeddings", "fetch_response")
_REPLIED: Final = unlike(s.TIER_OUTCOME, w.REFUSED, w.FAILED)


def groups() -> list[Group]:
    """Return rules and alerts."""
    return [Group("tierscope-money", "1m", (*_records(), *_alerts()))]


def _records() -> list[Record]:
    paid, saved = (
        or_zero(total(r.PREMIUM.keys, select(r.EFFECTS.name, equal(s.COST_EFFECT, kind))), r.COST_AT_DEFAULT.name)
        for kind in (w.PREMIUM_PAID, w.SAVING_MADE)
    )
    unpriced = total(r.UNPRICED.keys, counted(select(s.UNPRICED, _NO_BATCH), HOUR))
    priced = total(r.UNPRICED.keys, counted(select(s.CALLS, _REPLIED), HOUR))
    unused = total(r.USAGE_MISSING.keys, counted(select(s.USAGE_MISSING), HOUR))
    used = total(r.USAGE_MISSING.keys, counted(select(s.CALLS, _REPLIED, _NO_USAGE), HOUR))
    return [
        Record(r.COST, total(r.COST.keys, rate(select(s.COST_USD)))),
        Record(r.COST_AT_DEFAULT, total(r.COST_AT_DEFAULT.keys, rate(select(s.COST_AT_DEFAULT)))),
        Record(r.EFFECTS, total(r.EFFECTS.keys, rate(select(s.COST_EFFECTS)))),
        Record(r.PREMIUM, f"({paid})\n- ({saved})"),
        Record(r.UNPRICED, _of(unpriced, priced)),
        Record(r.USAGE_MISSING, _of(unused, used)),
    ]


def _of(part: str, whole: str) -> str:
    """Return a share of calls; one that lost its reply may have been counted in the part alone."""
    share = ratio("(" + or_zero(part, f"({whole})") + ")", whole)
    return f"clamp_max(\n{share},\n1)"


def _alerts() -> list[Alert]:
    what = (
        "{{ $labels.gen_ai_request_model }} in {{ $labels.service_name }} ({{ $labels.deployment_environment_name }})"
    )
    calls = total(r.UNPRICED.keys, f"increase({select(s.CALLS, _REPLIED)}[1h])")
    lost = total(
        [key for key in r.EFFECTS.keys if key not in {s.TIER_SERVED, s.COST_EFFECT}],
        f"avg_over_time({select(r.EFFECTS.name, equal(s.COST_EFFECT, w.SAVING_LOST))}[1h]) * 3600",
    )
    return [
        Alert(
            "TierscopeCallsUnpriced",
            "ticket",
            f"{r.UNPRICED.name} > 0.05\nand\n{calls} >= {LEAST_CALLS}",
            "15m",
            f"Calls of {what} have no price",
            "{{ $value | humanizePercentage }} of the calls of the last hour are in no sum of money.",
        ),
        Alert(
            "TierscopeUsageMissing",
            "ticket",
            f"{r.USAGE_MISSING.name} > 0.2\nand\n{calls} >= {LEAST_CALLS}",
            "15m",
            f"Tokens of {what} are unknown",
            "{{ $value | humanizePercentage }} of the answered calls of the last hour told no usage.",
        ),
        Alert(
            "TierscopeFlexSavingsLost",
            "info",
            f"{lost} > 1",
            "15m",
            "{{ $labels.gen_ai_response_model }} in {{ $labels.service_name }} was to be cheap and was not",
            "{{ $value | humanize }} USD an hour are paid because flex or batch work was served at a dearer tier.",
        ),
        Alert(
            "TierscopePriceListOld",
            "ticket",
            f"max by ({', '.join(r.PRESENT.labels)}) ({select(s.CATALOG_AGE)}) > {MAX_AGE_DAYS * _DAY}",
            "1h",
            "{{ $labels.service_name }} prices its calls with an old list",
            f"The list is {{{{ $value | humanizeDuration }}}} old, more than {MAX_AGE_DAYS} days.",
        ),
    ]
