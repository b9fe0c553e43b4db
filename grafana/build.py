"""From a board's data to Grafana's classic JSON, by the builders of the foundation SDK. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from grafana_foundation_sdk.builders import dashboard as b
from grafana_foundation_sdk.builders import prometheus
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as m
from grafana_foundation_sdk.models.common import DataSourceRef

from grafana import links, queries
from grafana.colours import BAD
from grafana.figures import figure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from grafana.spec import Board, Panel, Variable

METRICS: Final = DataSourceRef(type_val="prometheus", uid="${datasource}")
COLUMNS: Final = 24


def text(board: Board) -> str:
    """Return a board as the file that is committed."""
    made = json.loads(JSONEncoder(sort_keys=True).encode(_board(board)))
    shown = [panel.get("fieldConfig", {}).get("defaults", {}) for panel in made["panels"]]
    of_values = [link for one in shown for link in one.get("links", [])]
    for one in (*made["links"], *made["annotations"]["list"], *of_values):
        one.pop("placement", None)  # the SDK's only choice, a menu, would hide them
    return json.dumps(made, indent=2, sort_keys=True) + "\n"


def _board(board: Board) -> m.Dashboard:
    made = b.Dashboard(board.title)
    made.uid(board.uid).description(board.description).tags([links.TAG]).readonly().timezone("browser")
    made.time("now-3h", "now").refresh("1m").tooltip(m.DashboardCursorSync.CROSSHAIR)
    made.variables([*_sources(), *map(_variable, board.variables)])
    made.links([_boards()]).annotations([*_annotations()])
    for panel in _placed(board):
        made.with_panel(panel)
    return made.build()


def _boards() -> b.DashboardLink:
    link = b.DashboardLink("Tierscope's boards").type(m.DashboardLinkType.DASHBOARDS).tags([links.TAG])
    return link.keep_time(True).include_vars(True)


def _sources() -> Iterator[b.DatasourceVariable]:
    metrics = b.DatasourceVariable("datasource").label("Metrics").type("prometheus")
    yield metrics.description("Prometheus, or what speaks its language, with Tierscope's rules.")
    traces = b.DatasourceVariable(links.TRACES).label("Traces").type("tempo")
    yield traces.description("Store of traces that links lead to; without one, they lead nowhere.")


def _variable(of: Variable) -> b.QueryVariable:
    query = f"label_values({of.selector}, {of.key})"
    made = b.QueryVariable(of.name).label(of.label).description(of.description).datasource(METRICS).multi(of.multi)
    made.query(query).definition(query)
    made.refresh(m.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(m.VariableSort.ALPHABETICAL_ASC).include_all(of.multi)
    if of.multi:
        made.all_value(".*").current(m.VariableOption(text="All", value="$__all", selected=True))
    return made


class _Annotation:
    """An annotation of the Prometheus data source: the builder's model lacks its query's kind."""

    def __init__(self, title: str, colour: str, expression: str, head: str, body: str) -> None:
        self._made = b.AnnotationQuery().name(title).datasource(METRICS).enable(True).icon_color(colour)
        self._made.expr(expression).title_format(head).text_format(body).step("60s")

    def build(self) -> m.AnnotationQuery:
        return self._made.build()


def _annotations() -> Iterator[Any]:
    yield _Annotation(
        "Deployments (grey)", "#999999", queries.deployed(), "{{service_name}}", "version {{service_version}}"
    )
    yield _Annotation("Alerts that fire (magenta)", BAD, queries.firing(), "{{alertname}}", "{{severity}}")


def _placed(board: Board) -> Iterator[Any]:
    number, top = 1, 0
    for row in board.rows:
        yield b.Row(row.title).id(number).grid_pos(m.GridPos(h=1, w=COLUMNS, x=0, y=top))
        number, top, left, deep = number + 1, top + 1, 0, 0
        for panel in row.panels:
            if left + panel.width > COLUMNS:
                top, left, deep = top + deep, 0, 0
            yield _panel(panel, number, m.GridPos(h=panel.height, w=panel.width, x=left, y=top))
            number, left, deep = number + 1, left + panel.width, max(deep, panel.height)
        top += deep


def _panel(panel: Panel, number: int, place: m.GridPos) -> Any:
    made = figure(panel).id(number).grid_pos(place).datasource(METRICS)
    made.title(panel.title).description(panel.description)
    return made.targets([_target(panel, at) for at in range(len(panel.queries))])


def _target(panel: Panel, at: int) -> prometheus.Dataquery:
    query = panel.queries[at]
    made = prometheus.Dataquery().ref_id(chr(ord("A") + at)).expr(query.expression).datasource(METRICS)
    made.exemplar(query.exemplar)
    if panel.kind == "table":
        return made.instant().format("table")  # type: ignore[arg-type]
    if panel.kind in {"stat", "bargauge"}:
        made.instant()
    else:
        made.range()
    return made.format("heatmap" if panel.kind == "heatmap" else "time_series").legend_format(query.legend)  # type: ignore[arg-type]
