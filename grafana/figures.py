"""The kinds of panels, each as a builder of the foundation SDK with what all panels of that kind have in common."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from grafana_foundation_sdk.builders import bargauge, common, heatmap, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.builders import dashboard as b
from grafana_foundation_sdk.models import common as c
from grafana_foundation_sdk.models import dashboard as m
from tools.rules import recorded as r
from tools.rules.promql import ENVIRONMENT, SERVICE, label

from grafana.colours import TIERS
from tierscope import signals as s

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

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
BLANK: Final = "—"
"""A cell without a value in a row that has others: Grafana would write there what the panel says when it is empty."""


def figure(panel: Panel) -> Any:
    """Return the builder of a panel, but for its place and its queries."""
    made = _KINDS[panel.kind](panel).unit(panel.unit).no_value(panel.absent)
    steps = [m.Threshold(value=value, color=colour) for value, colour in panel.thresholds]
    made.thresholds(b.ThresholdsConfig().mode(m.ThresholdsMode.ABSOLUTE).steps(steps))
    if panel.links:
        made.data_links([b.DashboardLink(link.title).url(link.url) for link in panel.links])
    if panel.decimals is not None:
        made.decimals(panel.decimals)
    if panel.maximum is not None:
        made.min(0).max(panel.maximum)
    if panel.words:
        made.mappings([_mapping(panel)])
    if panel.by_tier:
        _colour(made)
    return made


def _mapping(panel: Panel) -> m.ValueMap:
    return m.ValueMap({value: m.ValueMappingResult(text=word, color=colour) for value, word, colour in panel.words})


def _colour(made: Any) -> None:
    """Give each series that begins with a tier's name the tier's colour."""
    for tier, colour in TIERS.items():
        fixed = m.DynamicConfigValue("color", {"mode": "fixed", "fixedColor": colour})
        made.override_by_regexp(f"/^{re.escape(tier)}( .*)?$/", [fixed])


def _reduced() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"]).values(False)


def _stat(panel: Panel) -> Any:
    colour = c.BigValueColorMode.BACKGROUND if len(panel.thresholds) > 1 else c.BigValueColorMode.NONE
    made = stat.Panel().color_mode(colour).graph_mode(c.BigValueGraphMode.NONE)
    return made.reduce_options(_reduced()).text_mode(
        c.BigValueTextMode.VALUE_AND_NAME if panel.queries[0].legend else c.BigValueTextMode.VALUE
    )


def _lines(panel: Panel) -> Any:
    made = timeseries.Panel().span_nulls(False).line_width(2).show_points(c.VisibilityMode.AUTO)
    made.legend(
        common.VizLegendOptions()
        .show_legend(True)
        .display_mode(c.LegendDisplayMode.LIST)
        .placement(c.LegendPlacement.BOTTOM)
    )
    made.tooltip(common.VizTooltipOptions().mode(c.TooltipDisplayMode.MULTI).sort(c.SortOrder.DESCENDING))
    made.axis_soft_min(0).fill_opacity(70 if panel.stacked else 0)
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
    made = table.Panel().show_header(True)
    made.with_transformation(m.DataTransformerConfig(id_val="merge", options={}))
    order = {key: at for at, key in enumerate(HEADS)}
    options = {"excludeByName": {"Time": True}, "renameByName": names, "indexByName": order}
    made.with_transformation(m.DataTransformerConfig(id_val="organize", options=options))
    made.sort_by([common.TableSortByFieldState().display_name(panel.queries[0].legend).desc(True)])
    for query in panel.queries if len(panel.queries) > 1 else ():
        made.override_by_name(query.legend, [m.DynamicConfigValue("noValue", BLANK)])
    for column, unit in panel.units:
        made.override_by_name(column, [m.DynamicConfigValue("unit", unit)])
    if len(panel.thresholds) > 1:
        cell = m.DynamicConfigValue("custom.cellOptions", {"type": "color-background", "mode": "basic"})
        made.override_by_name(panel.queries[0].legend, [cell])
    return made


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
    colour = heatmap.HeatmapColorOptions().scheme("Viridis").steps(64).reverse(True)
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
