"""The kinds of panels, each as a builder of the foundation SDK with what all panels of that kind have in common."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from grafana_foundation_sdk.builders import bargauge, common, heatmap, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.builders import dashboard as b
from grafana_foundation_sdk.models import common as c
from grafana_foundation_sdk.models import dashboard as m
from grafana_foundation_sdk.models import heatmap as h
from tools.rules import recorded as r
from tools.rules.promql import ENVIRONMENT, SERVICE, label

from grafana.colours import GOOD
from grafana.spec import COUNT, MONEY, SECONDS
from tierscope import signals as s

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from grafana.spec import Panel

HEADS: Final = {
    ENVIRONMENT: "Environment",
    SERVICE: "Service",
    **{
        label(key): head
        for key, head in (
            (s.PROVIDER, "Provider"),
            (s.REQUEST_MODEL, "Model"),
            (s.RESPONSE_MODEL, "Answering model"),
            (s.TIER_REQUESTED, "Requested"),
            (s.TIER_EXPECTED, "Expected"),
            (s.TIER_SERVED, "Served"),
            (s.TIER_OUTCOME, "Outcome"),
            (s.ERROR_TYPE, "Error"),
            (s.RATE_BASIS, "Rate"),
            (s.UNPRICED_REASON, "Reason"),
            (s.BATCH_STATUS, "Status"),
            (s.POLICY_WORKLOAD, "Workload"),
            (s.POLICY_TIER, "Policy"),
            (r.PROMISE_MODEL, "Promised model"),
            (r.TARGET, "Target (token/s)"),
            (r.DIRECTION, "Direction"),
        )
    },
    "alertname": "Alert",
    "severity": "Severity",
}
"""How a table calls a label's column, in the order in which columns stand."""
DECIMALS: Final = {COUNT: 0, MONEY: 2, SECONDS: 2, "percentunit": 2}
"""Of figures; the ticks of an axis have what they need."""
LEAST: Final = {MONEY: (0.005, "< 0.01 USD"), "percentunit": (0.000_05, "< 0.01%")}
"""Below which value a figure would be rounded to a 0 that it is not, and what stands there instead."""
BLANK: Final = "—"
"""A cell without a value in a row that has others: Grafana would write there what the panel says when it is empty."""
NARROW: Final = 70
"""Pixels that a column has at least; Grafana's own 150 push the last ones out of sight on a narrow screen."""
_FIGURES: Final = frozenset({"stat", "table", "bargauge"})
"""Kinds that write values as figures."""


def figure(panel: Panel) -> Any:
    """Return the builder of a panel, but for its place and its queries."""
    made = _KINDS[panel.kind](panel).unit(panel.unit).no_value(panel.absent)
    steps = [m.Threshold(value=value, color=colour) for value, colour in panel.thresholds]
    made.thresholds(b.ThresholdsConfig().mode(m.ThresholdsMode.ABSOLUTE).steps(steps))
    if panel.links:
        made.data_links([b.DashboardLink(link.title).url(link.url) for link in panel.links])
    if panel.decimals is not None:
        made.decimals(panel.decimals)
    elif panel.kind in _FIGURES and panel.unit in DECIMALS:
        made.decimals(DECIMALS[panel.unit])
    if panel.maximum is not None:
        made.min(0).max(panel.maximum)
    if mappings := [*_mappings(panel)]:
        made.mappings(mappings)
    for word, colour in (panel.colours or {}).items():
        _by_name(made, f"^{re.escape(word)}( .*)?$", "color", {"mode": "fixed", "fixedColor": colour})
    for ending in panel.limits:
        _by_name(made, f"(^| ){re.escape(ending)}$", "custom.lineStyle", {"fill": "dash", "dash": [8, 6]})
    return made


def _mappings(panel: Panel) -> Iterator[m.ValueMap | m.RangeMap]:
    if panel.words:
        yield m.ValueMap({value: m.ValueMappingResult(text=word, color=colour) for value, word, colour in panel.words})
    if panel.kind in _FIGURES and panel.unit in LEAST:
        yield _least(panel.unit)


def _least(unit: str) -> m.RangeMap:
    end, text = LEAST[unit]
    return m.RangeMap(m.DashboardRangeMapOptions(from_val=1e-12, to=end, result=m.ValueMappingResult(text=text)))


def _by_name(made: Any, pattern: str, key: str, value: Any) -> None:
    made.override_by_regexp(f"/{pattern}/", [m.DynamicConfigValue(key, value)])


def _reduced() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"]).values(False)


def _stat(panel: Panel) -> Any:
    colour = c.BigValueColorMode.BACKGROUND if len(panel.thresholds) > 1 else c.BigValueColorMode.NONE
    made = stat.Panel().color_mode(colour).graph_mode(c.BigValueGraphMode.NONE)
    return made.reduce_options(_reduced()).text_mode(
        c.BigValueTextMode.VALUE_AND_NAME if panel.queries[0].legend else c.BigValueTextMode.VALUE
    )


def _lines(panel: Panel) -> Any:
    made = timeseries.Panel().span_nulls(False).line_width(1 if panel.stacked else 2).show_points(c.VisibilityMode.AUTO)
    made.legend(
        common.VizLegendOptions()
        .show_legend(True)
        .display_mode(c.LegendDisplayMode.LIST)
        .placement(c.LegendPlacement.BOTTOM)
    )
    made.tooltip(common.VizTooltipOptions().mode(c.TooltipDisplayMode.MULTI).sort(c.SortOrder.DESCENDING))
    made.fill_opacity(70 if panel.stacked else 0)
    if panel.logarithmic:
        made.scale_distribution(common.ScaleDistributionConfig().type(c.ScaleDistribution.LOG).log(2))
    else:
        made.axis_soft_min(0)
    made.color_scheme(b.FieldColor().mode(m.FieldColorModeId.PALETTE_CLASSIC_BY_NAME))
    if panel.stacked:
        made.stacking(common.StackingConfig().mode(c.StackingMode.NORMAL).group("A"))
    if len(panel.thresholds) > 1:
        made.thresholds_style(common.GraphThresholdsStyleConfig().mode(c.GraphThresholdsStyleMode.DASHED))
    return made


def _table(panel: Panel) -> Any:
    """Return a table with a row for each set of labels, and a column for each query."""
    letters = [chr(ord("A") + at) for at in range(len(panel.queries))]
    heads = {f"Value #{letter}": query.legend for letter, query in zip(letters, panel.queries, strict=True)}
    names: Mapping[str, str] = {**HEADS, **heads, "Value": panel.queries[0].legend}
    made = table.Panel().show_header(True).min_width(NARROW)
    made.with_transformation(m.DataTransformerConfig(id_val="merge", options={}))
    order = {key: at for at, key in enumerate(HEADS)}
    options = {"excludeByName": {"Time": True}, "renameByName": names, "indexByName": order}
    made.with_transformation(m.DataTransformerConfig(id_val="organize", options=options))
    made.sort_by([common.TableSortByFieldState().display_name(panel.queries[0].legend).desc(True)])
    for query in panel.queries if len(panel.queries) > 1 else ():
        made.override_by_name(query.legend, [m.DynamicConfigValue("noValue", BLANK)])
    _columns(panel, made)
    return made


def _columns(panel: Panel, made: Any) -> None:
    """Give columns what is their own: units with their decimals, widths, and the colours of thresholds."""
    for column, unit in panel.units:
        made.override_by_name(column, [*_of_unit(unit)])
    for column, pixels in panel.widths:
        made.override_by_name(column, [m.DynamicConfigValue("custom.width", pixels)])
    others = {column for column, _ in panel.units}
    for query in panel.queries if len(panel.thresholds) > 1 else ():
        if query.legend not in others:
            cell = {"type": "color-background", "mode": "basic"}
            made.override_by_name(query.legend, [m.DynamicConfigValue("custom.cellOptions", cell)])


def _of_unit(unit: str) -> Iterator[m.DynamicConfigValue]:
    yield m.DynamicConfigValue("unit", unit)
    if unit in DECIMALS:
        yield m.DynamicConfigValue("decimals", DECIMALS[unit])
    if unit in LEAST:
        yield m.DynamicConfigValue("mappings", [_least(unit)])


def _timeline(panel: Panel) -> Any:
    made = statetimeline.Panel().merge_values(True).show_value(c.VisibilityMode.AUTO).row_height(0.8).fill_opacity(85)
    # where thresholds colour, Grafana writes their ranges over the words
    mode = m.FieldColorModeId.FIXED if panel.words else m.FieldColorModeId.THRESHOLDS
    made.color_scheme(b.FieldColor().mode(mode)).span_nulls(False)
    return made.legend(
        common.VizLegendOptions()
        .show_legend(True)
        .placement(c.LegendPlacement.BOTTOM)
        .display_mode(c.LegendDisplayMode.LIST)
    )


def _heatmap(panel: Panel) -> Any:
    # more calls are denser on a light and on a dark panel; one end of a scheme of colours is lost on one of them
    colour = (
        heatmap.HeatmapColorOptions().mode(h.HeatmapColorMode.OPACITY).fill(GOOD).scale(h.HeatmapColorScale.EXPONENTIAL)
    )
    colour.exponent(0.5).steps(64)
    axis = heatmap.YAxisConfig().unit(panel.unit)
    return heatmap.Panel().calculate(False).color(colour).y_axis(axis)


def _bars(_panel: Panel) -> Any:
    made = bargauge.Panel().orientation(c.VizOrientation.HORIZONTAL).display_mode(c.BarGaugeDisplayMode.BASIC)
    return made.reduce_options(_reduced()).color_scheme(b.FieldColor().mode(m.FieldColorModeId.THRESHOLDS))


_KINDS: Final[Mapping[str, Callable[[Panel], Any]]] = {
    "stat": _stat,
    "timeseries": _lines,
    "table": _table,
    "state-timeline": _timeline,
    "heatmap": _heatmap,
    "bargauge": _bars,
}
