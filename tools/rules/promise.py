"""Promised speed: windows of 5 minutes against their targets, and what the last 30 days came to.

The definitions are those of `tierscope.promise.sla`. A histogram does not know the length of a prompt, the end-to-end
one holds replies of fewer than 100 tokens too, and no host is told from another: docs/prometheus.md says what follows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tools.rules import recorded as r
from tools.rules.model import Alert, Group, Record
from tools.rules.promql import among, counted, edge, equal, label, ratio, replaced, select, total, unlike
from tools.rules.targets import FOLD, quoted

from tierscope import signals as s
from tierscope import words as w
from tierscope.promise.sla import BASES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from tools.rules.model import Series
    from tools.rules.targets import Kept

    from tierscope.declared import Metric
    from tierscope.promise.sla import Basis

MONTH: Final = "30d"
LEAST_CALLS: Final = 10
"""A window with fewer calls alerts nobody."""
LEAST_WINDOWS: Final = 288
"""Windows of a day: with fewer, the month says little."""
_HISTOGRAMS: Final[Mapping[Basis, Metric]] = {"generation": s.GENERATION, "end_to_end": s.END_TO_END}


def groups(kept: Iterable[Kept]) -> list[Group]:
    """Return rules and alerts."""
    groups_ = list(kept)
    edges = sorted({one.rate for one in groups_})
    counts = [rule for basis in BASES for rule in _counts(basis, edges)]
    windows = [rule for one in groups_ for rule in _windows(one)]
    good = f"{ratio(r.WINDOW_SLOW.name, r.WINDOW_CALLS.name)} < bool 0.5"
    return [
        Group("tierscope-promise", "5m", (*counts, *windows, Record(r.WINDOW_GOOD, good), *_window_alerts())),
    ]


def month() -> list[Group]:
    """Return what the windows of 30 days came to."""
    return [Group("tierscope-promise-month", "5m", (*_month(), *_month_alerts()))]


def _counts(basis: Basis, edges: Iterable[float]) -> Iterator[Record]:
    """Count the samples of a window, and those at or below each rate that anything promises."""
    histogram, labels = _HISTOGRAMS[basis], {label(s.RATE_BASIS): basis}
    kept = (among(s.TIER_SERVED, (w.PRIORITY, w.SCALE)), unlike(s.CONSUMER_LIMITED, "true"))
    by = [key for key in r.RATED_CALLS.keys if key != s.RATE_BASIS]
    yield Record(r.RATED_CALLS, total(by, counted(select(histogram, *kept, part="count"))), labels)
    for bound in edges:
        slow = total(by, counted(select(histogram, edge(bound), *kept, part="bucket")))
        yield Record(r.RATED_SLOW, slow, {**labels, r.TARGET: f"{bound:g}"})


def _windows(kept: Kept) -> Iterator[Record]:
    """Add up the models that one target is for, under its name of them."""
    labels = {label(s.PROVIDER): kept.provider, label(s.TIER_SERVED): kept.tier, r.TARGET: kept.label}
    yield Record(r.WINDOW_CALLS, _by_target(kept, r.RATED_CALLS), labels)
    yield Record(r.WINDOW_SLOW, _by_target(kept, r.RATED_SLOW, equal(r.TARGET, kept.label)), labels)


def _by_target(kept: Kept, series: Series, *more: str) -> str:
    answered = label(s.RESPONSE_MODEL)
    matchers = (
        *(equal(s.PROVIDER, kept.provider), equal(s.TIER_SERVED, kept.tier), *more),
        f'{answered}=~"{kept.models}"',
        *(f'{answered}!="{model}"' for model in kept.hidden),
    )
    named = replaced(select(series.name, *matchers), r.PROMISE_MODEL, answered, FOLD)
    for model in kept.snapshots:
        named = replaced(named, r.PROMISE_MODEL, answered, quoted(model), model)
    return total([key for key in r.WINDOW_CALLS.keys if key != r.TARGET], named)


def _month() -> Iterator[Record]:
    windows, good = r.WINDOWS.name, r.WINDOWS_GOOD.name
    target = ", ".join(r.TARGET_ATTAINMENT.labels)
    yield Record(r.WINDOWS, f"count_over_time({r.WINDOW_GOOD.name}[{MONTH}])")
    yield Record(r.WINDOWS_GOOD, f"sum_over_time({r.WINDOW_GOOD.name}[{MONTH}])")
    yield Record(r.WINDOW_ATTAINMENT, f"{good} / {windows}")
    missable = f"{windows} * on ({target}) group_left () (1 - {r.TARGET_ATTAINMENT.name})"
    yield Record(r.WINDOW_BUDGET, f"floor(\n  {missable}\n  + 1e-9\n) - ({windows} - {good})")
    yield Record(r.CALLS, f"sum_over_time({r.WINDOW_CALLS.name}[{MONTH}])")
    yield Record(r.CALL_ATTAINMENT, f"1 - sum_over_time({r.WINDOW_SLOW.name}[{MONTH}]) / ({r.CALLS.name} > 0)")


_WHAT: Final = "{{ $labels.tierscope_promise_model }} at {{ $labels.tierscope_tier_served }}"
_WHERE: Final = "{{ $labels.deployment_environment_name }}, rate {{ $labels.tierscope_output_rate_basis }}"
_TARGET: Final = "{{ $labels.tierscope_promise_target }} tokens per second"


def _window_alerts() -> Iterator[Alert]:
    busy = f"sum_over_time(({r.WINDOW_CALLS.name} >= bool {LEAST_CALLS})[30m:5m])"
    last = r.WINDOW_GOOD.name
    yield Alert(
        "TierscopePromiseWindowsMissed",
        "ticket",
        f"count_over_time({last}[30m]) - sum_over_time({last}[30m]) >= 3\nand {busy} >= 3",
        "",
        f"{_WHAT} is slower than promised ({_WHERE})",
        f"In {{{{ $value }}}} windows of the last 30 minutes the median was not above {_TARGET}.",
    )


def _month_alerts() -> Iterator[Alert]:
    enough = f"{r.WINDOWS.name} >= {LEAST_WINDOWS}"
    yield Alert(
        "TierscopePromiseBudgetLow",
        "info",
        f"{r.WINDOW_BUDGET.name} >= 0\n"
        f"and {r.WINDOW_BUDGET.name} < 0.2 * ({r.WINDOWS.name} - {r.WINDOWS_GOOD.name}"
        f" + {r.WINDOW_BUDGET.name})\nand {enough}",
        "",
        f"Four fifths of the windows that {_WHAT} may miss in 30 days are spent ({_WHERE})",
        f"{{{{ $value }}}} windows may still be missed. Target: more than {_TARGET} in 99 % of the windows.",
    )
    yield Alert(
        "TierscopePromiseBroken",
        "ticket",
        f"{r.WINDOW_BUDGET.name} < 0\nand {enough}",
        "",
        f"The promise of {_WHAT} was not kept over the last 30 days ({_WHERE})",
        f"{{{{ $value }}}} windows beyond what may be missed. Target: more than {_TARGET} in 99 % of the windows.",
    )
    yield Alert(
        "TierscopePromiseCallsMissed",
        "info",
        f"{r.CALL_ATTAINMENT.name}\n< on ({', '.join(r.TARGET_ATTAINMENT.labels)}) group_left () "
        f"{r.TARGET_ATTAINMENT.name}\nand {r.CALLS.name} >= 1000",
        "",
        f"By requests, {_WHAT} is slower than promised over 30 days ({_WHERE})",
        f"Only {{{{ $value | humanizePercentage }}}} of the requests were faster than {_TARGET}; reading B wants 99 %.",
    )
