"""Growth of completed input tokens against the ramp rule, by the definition of `tierscope.promise.ramp`."""

from __future__ import annotations

from typing import Final

from tools.rules import recorded as r
from tools.rules.model import Alert, Group, Record
from tools.rules.promql import counted, equal, label, or_zero, rate, ratio, select, total

from tierscope import signals as s
from tierscope import words as w
from tierscope.promise.ramp import STEPS, WARNING_SHARE

BEFORE: Final = f"[{STEPS}m] offset 1m"
"""The 15 minutes before the one that is judged: a range leaves out its left edge (Prometheus 3)."""
LEAST_SHARE: Final = 0.01
"""Downgraded tokens, of those that expected Priority, below which growth alone wakes nobody."""
_INPUT: Final = (equal(s.TIER_EXPECTED, w.PRIORITY), f'{label(s.TOKEN_KIND)}=~"input.*"')
_BY: Final = label(s.PROVIDER)


def groups() -> list[Group]:
    """Return rules and alerts."""
    return [Group("tierscope-ramp", "1m", (*_records(), *_alerts()))]


def _records() -> list[Record]:
    tokens, lowest = r.INPUT.name, r.LOWEST.name
    floor, growth = (f"on ({_BY}) group_left () {one.name}" for one in (r.RAMP_FLOOR, r.RAMP_GROWTH))
    per_minute = total(r.INPUT.keys, rate(select(s.TOKENS_USED, *_INPUT), "3m"))
    at_floor = f"{lowest} * 0 + {floor}"
    allowed = f"{lowest} * {growth} + {lowest}"
    promised, downgraded = (
        total(r.INPUT.keys, counted(select(s.TOKENS_USED, *_INPUT, *more)))
        for more in ((), (equal(s.TIER_OUTCOME, w.DOWNGRADED),))
    )
    base = f"{r.ALLOWED.name} / {growth.replace(r.RAMP_GROWTH.name, f'(1 + {r.RAMP_GROWTH.name})')}"
    return [
        Record(r.INPUT, f"60 * {per_minute}"),
        Record(r.LOWEST, f"min_over_time({tokens}{BEFORE})"),
        Record(r.ALLOWED, f"({allowed}) >= ({at_floor})\nor {at_floor}"),
        Record(r.HEADROOM, f"{r.ALLOWED.name} - {tokens}"),
        Record(r.GROWTH, f"{tokens} / ({lowest} > 0) - 1"),
        Record(
            r.GROWTH_USED,
            f"(\n  ({tokens} - ({base}))\n  / ({r.ALLOWED.name} - ({base}))\n)\nand ({tokens} >= {floor})",
        ),
        Record(r.DOWNGRADED_TOKENS, ratio(f"({or_zero(downgraded, promised)})", promised)),
        Record(
            r.RAMP_INFERRED,
            f"({r.GROWTH_USED.name} > bool 1) == 1\nand {r.DOWNGRADED_TOKENS.name} > {LEAST_SHARE}",
        ),
    ]


def _alerts() -> list[Alert]:
    what = "{{ $labels.gen_ai_response_model }} ({{ $labels.deployment_environment_name }})"
    return [
        Alert(
            "TierscopeRampForewarning",
            "info",
            f"{r.GROWTH_USED.name} > {WARNING_SHARE}",
            "",
            f"Input tokens of {what} grow almost faster than the ramp rule allows",
            "{{ $value | humanizePercentage }} of the growth that is allowed within 15 minutes is used. Above 100 % "
            "Priority may serve calls at the default tier.",
        ),
        Alert(
            "TierscopeRampDowngrades",
            "page",
            f"max_over_time({r.GROWTH_USED.name}[5m]) > 1\nand {r.DOWNGRADED_TOKENS.name} > {LEAST_SHARE}",
            "2m",
            f"{what} is downgraded while its tokens grow faster than the ramp rule allows",
            "{{ $value | humanizePercentage }} of the allowed growth was used within the last 5 minutes, and calls "
            "that expected Priority are served lower. That the one is the cause of the other is inferred: the API "
            "states none.",
            keep="5m",
        ),
    ]
