"""Names as Prometheus stores them, and the few forms of PromQL that rules and dashboards are made of. Pure.

Names are translated as Prometheus' OTLP endpoint does by default (`UnderscoreEscapingWithSuffixes`, github.com/
prometheus/otlptranslator): a unit in braces vanishes, `/s` becomes `_per_second`, a counter ends in `_total`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tierscope.declared import Attribute, Metric

ENVIRONMENT: Final = "deployment_environment_name"
SERVICE: Final = "service_name"
PROMOTED: Final = (
    "service.name",
    "service.namespace",
    "service.version",
    "service.instance.id",
    "deployment.environment.name",
    "collector.instance.id",
)
"""Resource attributes that `prometheus.yml` makes labels of: two processes never write one series."""

WINDOW: Final = "5m"
_UNITS: Final = {"s": "seconds", "By": "bytes", "d": "days"}
_PER: Final = {"s": "second"}


# ── names ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def label(key: Attribute | str) -> str:
    """Return an attribute's label."""
    return re.sub(r"[^a-zA-Z0-9_]", "_", key if isinstance(key, str) else key.key)


def name(metric: Metric) -> str:
    """Return a metric's name; of a histogram without `_bucket`, `_count`, `_sum`."""
    unit, _, per = metric.unit.partition("/")
    words = [
        *re.split(r"[^a-zA-Z0-9]+", metric.name),
        *filter(None, [_UNITS.get(unit, "" if unit.startswith("{") or unit == "1" else unit)]),
        *(["per", _PER[per]] if per else []),
        *(["ratio"] if unit == "1" and metric.kind == "gauge" else []),
        *(["total"] if metric.kind == "counter" else []),
    ]
    return "_".join(words)


def names(metric: Metric) -> tuple[str, ...]:
    """Return the names of all its series."""
    stem = name(metric)
    return tuple(f"{stem}_{part}" for part in ("bucket", "count", "sum")) if metric.kind == "histogram" else (stem,)


# ── selectors ─────────────────────────────────────────────────────────────────────────────────────────────────────
def equal(key: Attribute | str, value: str) -> str:
    """Return a matcher."""
    return f'{label(key)}="{value}"'


def unlike(key: Attribute | str, *values: str) -> str:
    """Return a matcher of everything but these words."""
    return f'{label(key)}!="{values[0]}"' if len(values) == 1 else f'{label(key)}!~"{"|".join(values)}"'


def among(key: Attribute | str, values: Iterable[str]) -> str:
    """Return a matcher of any of these words."""
    words = list(values)
    return equal(key, words[0]) if len(words) == 1 else f'{label(key)}=~"{"|".join(words)}"'


def edge(bound: float) -> str:
    """Return a matcher of a bucket: OTLP writes `le="80"`, a scrape `le="80.0"`."""
    return f'le=~"{bound:g}([.]0)?"'


def select(metric: Metric | str, *matchers: str, part: str = "") -> str:
    """Return a selector of a metric or a recorded series; of a histogram with its part: `bucket`, `count`, `sum`."""
    stem = metric if isinstance(metric, str) else name(metric)
    return f"{stem}{'_' if part else ''}{part}" + (f"{{{', '.join(matchers)}}}" if matchers else "")


# ── expressions ───────────────────────────────────────────────────────────────────────────────────────────────────
def total(labels: Iterable[Attribute | str], expression: str) -> str:
    """Return the sum by labels: over processes, services and Collectors where they are not among them."""
    return f"sum by ({', '.join(map(label, labels))}) (\n{_indented(expression)}\n)"


def rate(selector: str, window: str = WINDOW) -> str:
    """Return the increase per second."""
    return f"rate({selector}[{window}])"


def counted(selector: str, window: str = WINDOW) -> str:
    """Return what a counter counted in the window: exactly, births included, gaps in the telemetry not.

    `increase()` extrapolates, by an amount that differs between a bucket and its count; it also misses what
    happened before the first sample of a series (one born at 1 never was 0), and what lies between two ranges. So: the
    difference to the window's begin; of a series that was not there on the day before it, its value; after a reset, or
    a gap of more than five minutes, `increase()`.
    """
    return (
        f"({selector} - {selector} offset {window} >= 0)\n"
        f"or ({selector} unless last_over_time({selector}[1d] offset {window}))\n"
        f"or increase({selector}[{longer(window)}])"
    )


def longer(window: str) -> str:
    """Return a window of minutes and one interval of export (60 s) more."""
    return f"{int(window.removesuffix('m')) + 1}m"


def or_zero(expression: str, of: str) -> str:
    """Return an expression that is 0 where it has no value, and the other one has any."""
    return f"{expression}\nor 0 * {of}"


def ratio(part: str, whole: str) -> str:
    """Return a share; absent where there is nothing of which it would be one (0 / 0 is NaN, and passes for a 0)."""
    return f"{part}\n/ ({whole} > 0)"


def replaced(expression: str, new: str, source: str, pattern: str, value: str = "$1") -> str:
    """Return series with a further label, read from another one."""
    return f'label_replace(\n{_indented(expression)},\n  "{new}", "{value}", "{source}", "{pattern}"\n)'


def _indented(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.splitlines())
