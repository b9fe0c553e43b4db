"""PromQL of the boards: selectors narrowed by their variables, and the few forms that panels share. Pure.

No name of a metric stands here: all come from `tierscope.signals` and `tools.rules.recorded`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tools.rules import recorded as r
from tools.rules.model import Series
from tools.rules.promql import ENVIRONMENT, SERVICE, among, equal, label, name, select, total

from tierscope import signals as s

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tierscope.declared import Attribute, Metric

RANGE: Final = "$__range"
STEP: Final = "$__rate_interval"
HOUR: Final = 3600
WINDOW: Final = 5
"""Minutes of a window that is counted every minute: a call stands in as many of its points."""
ALERTS: Final = "ALERTS"
"""Prometheus' own series of alerts."""
UP: Final = "up"
"""Prometheus' own series of what it scrapes."""
TARGET_INFO: Final = "target_info"
"""The attributes of a resource, as Prometheus' OTLP endpoint stores them."""
DATED: Final = "(-[0-9]{4}-[0-9]{2}-[0-9]{2})?(:.*)?"
"""What an answering model's name may carry after the one that was asked for."""


TIER_KEYS: Final = (s.TIER_EXPECTED, s.TIER_REQUESTED, s.TIER_SERVED)
"""What the variable `tier` means: the first of them that a series has."""
_NARROWED: Final = {
    ENVIRONMENT: "$environment",
    SERVICE: "$service",
    label(s.PROVIDER): "$provider",
    label(s.REQUEST_MODEL): "$model",
    label(s.RESPONSE_MODEL): f"($model){DATED}",
    label(r.PROMISE_MODEL): "$model",
}


def chosen(of: Series | Metric, *matchers: str, part: str = "") -> str:
    """Return a selector narrowed by every variable that the series has a label for.

    Args:
        of: a recorded series, or a metric.
        matchers: further ones.
        part: of a histogram: `bucket`, `count`, `sum`.

    """
    keys: tuple[Attribute | str, ...] = of.keys if isinstance(of, Series) else (ENVIRONMENT, SERVICE, *of.attributes)
    labels = [label(key) for key in keys]
    tiers = [key for key in TIER_KEYS if label(key) in labels][:1]
    narrowed = [f'{one}=~"{_NARROWED[one]}"' for one in labels if one in _NARROWED]
    narrowed += [f'{label(key)}=~"$tier"' for key in tiers]
    return select(of.name if isinstance(of, Series) else name(of), *narrowed, *matchers, part=part)


def legend(*keys: Attribute | str) -> str:
    """Return a legend of labels."""
    return " · ".join(f"{{{{{label(key)}}}}}" for key in keys)


# ── sums ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def added(expression: str, *keys: Attribute | str) -> str:
    """Return a sum by labels, or of everything."""
    return total(keys, expression) if keys else f"sum(\n{expression}\n)"


def least(expression: str, *keys: Attribute | str) -> str:
    """Return the least value, by labels."""
    return f"min by ({', '.join(map(label, keys))}) ({expression})"


def outcome(*words: str) -> str:
    """Return a matcher of calls with any of these outcomes."""
    return among(s.TIER_OUTCOME, words)


def over(selector: str, window: str = RANGE) -> str:
    """Return the sum of a series' points."""
    return f"sum_over_time({selector}[{window}])"


def share(part: str, whole: str) -> str:
    """Return a share; absent where there is nothing of which it would be one."""
    return f"({part})\n/ ({whole} > 0)"


def grown(of: Metric, *keys: Attribute | str, matchers: Iterable[str] = (), window: str = RANGE, part: str = "") -> str:
    """Return by how much counters grew in the window, extrapolated to its edges."""
    return added(f"increase({chosen(of, *matchers, part=part)}[{window}])", *keys)


def ended(*outcomes: str) -> str:
    """Return the share of calls with these outcomes in all calls of the shown range: 0 where there was none."""
    some = grown(s.CALLS, matchers=(outcome(*outcomes),))
    return share(f"{some}\nor 0 * {grown(s.CALLS)}", grown(s.CALLS))


def parts(of: Metric, key: Attribute, *matchers: str) -> str:
    """Return the shares of a label's values."""
    selector = f"rate({chosen(of, *matchers)}[{STEP}])"
    return f"{added(selector, key)}\n/ on () group_left () ({added(selector)} > 0)"


def some_parts(of: Metric, key: Attribute, *matchers: str) -> str:
    """Return the shares that some values of a label have in all."""
    some, every = (f"rate({chosen(of, *which)}[{STEP}])" for which in (matchers, ()))
    return f"{added(some, key)}\n/ on () group_left () ({added(every)} > 0)"


def mean(of: Metric, *keys: Attribute | str) -> str:
    """Return the mean of a histogram over the shown range."""
    return share(*(grown(of, *keys, part=part) for part in ("sum", "count")))


def per_minute(
    of: Metric,
    *keys: Attribute | str,
    matchers: Iterable[str] = (),
    part: str = "",
) -> str:
    """Return the counts of a minute."""
    return "60 * " + added(f"rate({chosen(of, *matchers, part=part)}[{STEP}])", *keys)


def hourly(selector: str, *keys: Attribute | str) -> str:
    """Return an amount per hour of one per second."""
    return f"{HOUR} * {added(selector, *keys)}"


def spent(of: Series, *keys: Attribute | str, matchers: Iterable[str] = ()) -> str:
    """Return the amount in the shown range, of a series of amounts per second that has a point a minute."""
    return f"60 * {added(over(chosen(of, *matchers)), *keys)}"


def quantile(q: float, of: Metric, *keys: Attribute | str, matchers: Iterable[str] = ()) -> str:
    """Return a quantile of a histogram, interpolated within a bucket: for the eye, never a verdict."""
    buckets = added(f"rate({chosen(of, *matchers, part='bucket')}[{STEP}])", *keys, "le")
    return f"histogram_quantile({q}, {buckets})"


def buckets(of: Metric, *matchers: str) -> str:
    """Return a histogram's buckets for a heatmap."""
    return added(f"increase({chosen(of, *matchers, part='bucket')}[{STEP}])", "le")


def last(of: Series, *matchers: str, minutes: int = 10) -> str:
    """Return the last point of a series that is recorded every 5 minutes."""
    return f"last_over_time({chosen(of, *matchers)}[{minutes}m])"


# ── downgrades ────────────────────────────────────────────────────────────────────────────────────────────────────
def downgraded(*keys: Attribute | str) -> str:
    """Return the share of downgraded calls in those that could be judged, over the shown range."""
    part, whole = (added(over(chosen(one)), *keys) for one in (r.DOWNGRADED, r.JUDGED))
    return share(part, whole)


def judged(*keys: Attribute | str) -> str:
    """Return how many calls could be judged in the shown range."""
    return f"{added(over(chosen(r.JUDGED)), *keys)}\n/ {WINDOW}"


def downgrades(*keys: Attribute | str) -> str:
    """Return how many calls were downgraded in the shown range; 0 where calls were judged and none was."""
    return f"{added(over(chosen(r.DOWNGRADED)), *keys)}\n/ {WINDOW}"


def first_downgrade(*keys: Attribute | str) -> str:
    """Return when a downgrade was first counted in the shown range, in milliseconds of the epoch."""
    by = ", ".join(map(label, keys))
    return f"1000 * min by ({by}) (min_over_time(timestamp({chosen(r.DOWNGRADED)} > 0)[{RANGE}:1m]))"


def firing() -> str:
    """Return our alerts that fire, by severity and name."""
    where = f'alertname=~"Tierscope.+", alertstate="firing", {ENVIRONMENT}=~"$environment|"'
    return f"count by (severity, alertname) ({ALERTS}{{{where}}})"


def deployed() -> str:
    """Return the moments at which a service appeared with another version; another process of the same is none."""
    version = f'{TARGET_INFO}{{{SERVICE}=~"$service"}}'
    now, before = (f"count by ({SERVICE}, service_version) ({version}{at})" for at in ("", " offset 5m"))
    return f"{now}\nunless {before}"


def answers(job: str) -> str:
    """Return whether the processes of a job answer."""
    return select(UP, equal("job", job))
