"""Uptime from attempts, by the definition of `tierscope.promise.uptime`, with multi-window burn rates.

Factors and windows are those of the SRE workbook, chapter 5 (as github.com/slok/sloth has them).
"""

from __future__ import annotations

from typing import Final

from tools.rules import recorded as r
from tools.rules.model import Alert, Group, Record, Severity
from tools.rules.promql import among, counted, or_zero, ratio, select, total, unlike

from tierscope import signals as s
from tierscope import words as w
from tierscope.promise import uptime

LEAST_ERRORS: Final = 10
"""Fewer errors in the longer window move nobody: at 99.9 %, one of 50 attempts burns 20 times the budget."""
ERRORS: Final = tuple(kind for kind in w.ATTEMPT_RESULTS if kind in uptime.DEFAULT.errors)
APART: Final = tuple(kind for kind in w.ATTEMPT_RESULTS if kind in uptime.DEFAULT.apart)
_BURNS: Final[tuple[tuple[str, Severity, str, tuple[tuple[float, str, str], ...]], ...]] = (
    ("TierscopeUptimeBurnsFast", "page", "within hours", ((14.4, "1h", "5m"), (6, "6h", "30m"))),
    ("TierscopeUptimeBurnsSlowly", "ticket", "within days", ((3, "1d", "2h"), (1, "3d", "6h"))),
)


def groups(promised: float) -> list[Group]:
    """Return rules and alerts of an uptime that is promised as a share."""
    attempts, errors = r.ATTEMPTS.name, r.ERRORS.name
    counts = counted(select(s.CALL_ATTEMPTS, unlike(s.ATTEMPT_RESULT, *APART)))
    failed = counted(select(s.CALL_ATTEMPTS, among(s.ATTEMPT_RESULT, ERRORS)))
    over = {window: (f"sum_over_time({errors}[{window}])", f"sum_over_time({attempts}[{window}])") for window in _LONG}
    return [
        Group(
            "tierscope-uptime",
            "1m",
            (
                Record(r.ATTEMPTS, total(r.ATTEMPTS.keys, counts)),
                Record(r.ERRORS, or_zero(total(r.ERRORS.keys, failed), attempts)),
                Record(r.ERROR_RATIOS["5m"], ratio(errors, attempts)),
                *(Record(r.ERROR_RATIOS[window], ratio(*over[window])) for window in _LONG if window != _MONTH),
                Record(r.UPTIME, f"1 - {ratio(*over[_MONTH])}"),
                *_alerts(promised),
            ),
        ),
    ]


_MONTH: Final = "30d"
_LONG: Final = (*r.BURN_WINDOWS[1:], _MONTH)


def _alerts(promised: float) -> list[Alert]:
    what = "{{ $labels.gen_ai_request_model }} at {{ $labels.gen_ai_provider_name }}"
    where = "{{ $labels.deployment_environment_name }}, tier {{ $labels.tierscope_tier_requested }}"
    return [
        Alert(
            name,
            severity,
            "\nor\n".join(_burn(*pair, round(1 - promised, 9)) for pair in pairs),
            "2m",
            f"{what} answers with too many errors {how} ({where})",
            f"{{{{ $value | humanizePercentage }}}} of the attempts failed {how}: server errors, or no response. At "
            f"this rate the promised {promised:.1%} of uptime do not last the month.",
        )
        for name, severity, how, pairs in _BURNS
    ]


def _burn(factor: float, long: str, short: str, budget: float) -> str:
    """Return the condition of one pair of windows; flex and batch are promised nothing, and left out."""
    tiers, limit = unlike(s.TIER_REQUESTED, w.FLEX, w.BATCH), f"{factor * budget:.6g}"
    ratios = (select(r.ERROR_RATIOS[window].name, tiers) for window in (long, short))
    # Each window of 5 minutes is recorded every minute, so an error stands in five of them.
    enough = f"sum_over_time({select(r.ERRORS.name, tiers)}[{long}]) / 5 >= {LEAST_ERRORS}"
    return "(\n  " + f" > {limit}\n  and ".join(ratios) + f" > {limit}\n  and {enough}\n)"
