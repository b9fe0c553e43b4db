"""Is the telemetry itself healthy? Services that report, our own errors, Collectors, alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tools.rules import pipeline
from tools.rules import recorded as r
from tools.rules.promql import SERVICE, label

from grafana import queries as q
from grafana.boards.choices import USUAL
from grafana.colours import BAD, GOOD, WARN
from grafana.spec import COUNT, Board, Panel, Query, Row
from tierscope import signals as s

if TYPE_CHECKING:
    from tools.rules.model import Series

_NONE: Final = "No Collector is scraped (job otelcol), or it does not tell this"
_WHERE: Final = ("instance", "exporter")
_LOST: Final = "The runbook's section of the alert says what is lost and what is not."


def _rate(title: str, series: Series, keys: tuple[str, ...], shows: str, do: str) -> Panel:
    return Panel(
        "timeseries",
        title,
        "suffix: items/min",
        (Query(f"60 * {q.chosen(series)}", q.legend(*keys, r.SIGNAL)),),
        shows,
        f"60 times the rule `{series.name}`; all above 0 is lost or delayed.",
        do,
        absent=_NONE,
    )


_NOW: Final = Row(
    "Does telemetry arrive?",
    (
        Panel(
            "table",
            "Services that report",
            COUNT,
            (Query(q.least(q.chosen(r.PRESENT), *r.PRESENT.keys), "Series"),),
            "Services whose calls are known now, with how many series each has.",
            f"rule `{r.PRESENT.name}`.",
            "One that is missing is silent, or has no Tierscope: `tierscope doctor` in its environment says why.",
            height=6,
            absent="No telemetry arrives",
        ),
        Panel(
            "table",
            "Alerts that fire",
            COUNT,
            (Query(q.firing(), "Firing"),),
            "Alerts of Tierscope that fire now.",
            "Prometheus' own series of alerts.",
            "docs/runbook.md has a section for each, by its name.",
            height=6,
            absent="No alert fires",
            widths=(("Alert", 224),),
        ),
        Panel(
            "stat",
            "Errors inside Tierscope",
            COUNT,
            (Query(q.grown(s.INTERNAL_ERRORS)),),
            "Errors of ours in the shown range; the application never saw them.",
            "increase of the errors that were caught.",
            "Report one with its log line: calls may be missing from the figures.",
            height=4,
            absent="No error was counted in this time range",
            thresholds=((None, GOOD), (1, BAD)),
            decimals=0,
        ),
        Panel(
            "stat",
            "Collectors that answer",
            COUNT,
            (Query(q.added(q.answers(pipeline.COLLECTOR))),),
            "How many Collectors Prometheus can scrape.",
            "sum of `up` of the Collectors' job.",
            "0 with an agent in every pod may be intended; else see the alert TierscopeCollectorDown.",
            height=4,
            absent=_NONE,
            thresholds=((None, BAD), (1, GOOD)),
        ),
    ),
)
_THROUGH: Final = Row(
    "Does it get through?",
    (
        Panel(
            "timeseries",
            "Fill of the sending queues",
            "percentunit",
            (Query(q.chosen(r.QUEUE), q.legend(*_WHERE)),),
            "How full the queues to the back ends are.",
            f"rule `{r.QUEUE.name}`.",
            "It grows while a back end is away, and is sent afterwards; full, data are lost.",
            absent=_NONE,
            thresholds=((None, GOOD), (0.5, WARN), (0.8, BAD)),
            maximum=1,
        ),
        _rate(
            "Lost: turned away by a full queue", r.ENQUEUE_FAILED, _WHERE, "Lost, unless the sender tries again.", _LOST
        ),
        _rate("Lost: refused by the back end", r.SEND_FAILED, _WHERE, "What a back end refused for good: lost.", _LOST),
        _rate(
            "Delayed: turned away at the door",
            r.REFUSED,
            ("instance", "receiver"),
            "What a Collector turned away since its memory is short; the sender tries again.",
            "Give it more memory, or a second one.",
        ),
    ),
)
_TRACES: Final = Row(
    "Traces, and errors of our own",
    (
        Panel(
            "timeseries",
            "Share of the traces that are kept",
            "percentunit",
            (Query(q.chosen(r.KEPT), q.legend("instance")),),
            "What the sampling keeps: downgraded, slow and failed traces up to a cap, and a share of the others.",
            f"rule `{r.KEPT.name}`; metrics are taken before.",
            "A link to a trace that was not kept leads to nothing.",
            absent=_NONE,
            maximum=1,
        ),
        Panel(
            "timeseries",
            "Traces dropped before their decision",
            "suffix: traces/min",
            (Query(f"60 * {q.chosen(r.DROPPED_EARLY)}", q.legend("instance")),),
            "Traces that left the memory too early.",
            f"60 times the rule `{r.DROPPED_EARLY.name}`.",
            "Raise the Collector's number of traces, or add one.",
            absent=_NONE,
        ),
        Panel(
            "timeseries",
            "Errors inside Tierscope, by step",
            "suffix: errors/min",
            (Query(q.per_minute(s.INTERNAL_ERRORS, SERVICE, s.STEP), q.legend(SERVICE, s.STEP)),),
            "Where in Tierscope an error was caught.",
            f"rate of the errors, by `{label(s.STEP)}`.",
            "Report it: none of them reached your program.",
            width=24,
            height=6,
            absent="No error was counted in this time range",
        ),
    ),
)
BOARD: Final = Board(
    "pipeline",
    "Tierscope / Pipeline",
    "Is the telemetry itself healthy? Services that report, our own errors, Collectors, alerts.",
    (_NOW, _THROUGH, _TRACES),
    USUAL,
)
