"""Units of Scale: used, idle, spilled over. By the definitions of `tierscope.promise.scale`."""

from __future__ import annotations

from typing import Final

from tools.rules import recorded as r
from tools.rules.calls import LEAST_CALLS
from tools.rules.model import Alert, Group, Record
from tools.rules.promql import among, counted, equal, label, or_zero, rate, ratio, replaced, select, total, unlike
from tools.rules.targets import FOLD

from tierscope import signals as s
from tierscope import words as w

_BY: Final = ", ".join(r.UTILISATION.labels)


def groups() -> list[Group]:
    """Return rules and alerts."""
    return [Group("tierscope-scale", "1m", (*_records(), *_alerts()))]


def _records() -> list[Record]:
    tokens = replaced(
        rate(select(s.TOKENS_USED, equal(s.TIER_SERVED, w.SCALE)), "3m"),
        r.DIRECTION,
        label(s.TOKEN_KIND),
        "(input|output).*",
    )
    named = replaced(tokens, r.PROMISE_MODEL, label(s.RESPONSE_MODEL), FOLD)
    bought = f"({r.UNITS.name} * on ({_BY}) {r.UNIT_TOKENS.name})"
    seen = f"on ({label(s.PROVIDER)}) group by ({label(s.PROVIDER)}) ({select(s.CALLS)})"
    idle = (
        f"{r.UNITS.name} * on ({_BY}) {r.UNIT_PRICE.name} / 24\n* on ({_BY}) (1 - clamp_max({r.UTILISATION.name}, 1))"
    )
    spilled, either = (
        total(
            r.SPILL.keys,
            counted(
                select(
                    s.CALLS,
                    equal(s.TIER_EXPECTED, w.SCALE),
                    unlike(s.TIER_OUTCOME, w.UNVERIFIED),
                    among(s.TIER_SERVED, tiers),
                )
            ),
        )
        for tiers in ((w.DEFAULT,), (w.DEFAULT, w.SCALE))
    )
    return [
        Record(r.SCALE_TOKENS, f"60 * {total(r.SCALE_TOKENS.keys, named)}"),
        Record(
            r.UTILISATION,
            f"{r.SCALE_TOKENS.name} / on ({_BY}) {bought}\nor 0 * ({bought} and {seen})",
        ),
        Record(r.IDLE, idle),
        Record(r.SPILL, ratio("(" + or_zero(spilled, f"({either})") + ")", either)),
    ]


def _alerts() -> list[Alert]:
    calls = total(r.SPILL.keys, counted(select(s.CALLS, equal(s.TIER_EXPECTED, w.SCALE))))
    return [
        Alert(
            "TierscopeScaleSpillsOver",
            "ticket",
            f"{r.SPILL.name} > 0.05\nand\n{calls} >= {LEAST_CALLS}",
            "15m",
            "Calls of {{ $labels.gen_ai_request_model }} spill over the Scale units that were bought",
            "{{ $value | humanizePercentage }} of the calls that expected scale were served, and charged, by "
            "default ({{ $labels.deployment_environment_name }}).",
        ),
        Alert(
            "TierscopeScaleUnitsIdle",
            "info",
            f"avg_over_time({r.UTILISATION.name}[1d]) < on ({_BY}) {r.BREAK_EVEN.name}\n"
            f"and on ({_BY}) count_over_time({r.UTILISATION.name}[1d]) >= 1380",
            "1h",
            "{{ $labels.tierscope_token_direction }} units of {{ $labels.tierscope_promise_model }} are little used",
            "{{ $value | humanizePercentage }} of them was used over a day: less than it takes for a token to cost "
            "no more than at Priority.",
        ),
    ]
