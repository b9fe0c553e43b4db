"""Rates and uptime against what is promised: now, in windows, over 30 days. One model and tier at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tools.rules import recorded as r
from tools.rules.promql import ENVIRONMENT, equal

from grafana import links
from grafana import queries as q
from grafana.boards.choices import PROMISED
from grafana.colours import BAD, GOOD, OUTCOMES, WARN
from grafana.spec import COUNT, Board, Panel, Query, Row
from tierscope import signals as s
from tierscope import words as w

if TYPE_CHECKING:
    from tools.rules.model import Series

_BASIS: Final = (s.RATE_BASIS,)
_TARGET: Final = "target"
_KEYS: Final = (ENVIRONMENT, s.PROVIDER, s.RATE_BASIS)
"""Of the figures: model and tier are chosen above."""
_NONE: Final = "No call with a rate, or nothing is promised for this model and tier"
_NO_ATTEMPT: Final = "No attempt at this tier was counted"
_BASES: Final = (
    "*generation* counts from the first to the last text, *end to end* from the start of the last attempt: "
    "the contract does not say which it means."
)
_WHERE: Final = "Open *Capacity* (does traffic grow too fast?) and *Calls* (which calls were slow?)."


def _figure(of: Series) -> str:
    """Return the last point of a series under its labels alone: names of rules would keep a table's rows apart."""
    return q.least(q.last(of), *_KEYS)


_MONTH: Final = Row(
    "Is the promise kept?",
    (
        Panel(
            "stat",
            "Target",
            "suffix: token/s",
            (Query(f"max({q.chosen(r.TARGET_RATE)})"),),
            "Output rate that is to be exceeded.",
            "a constant of the catalog (`tierscope catalog show`).",
            "Nothing here means: no promise is known. A contract of your own goes into TIERSCOPE_CATALOG.",
            width=6,
            height=4,
            absent="Nothing is promised",
        ),
        Panel(
            "stat",
            "Windows kept (reading A)",
            "percentunit",
            (Query(q.least(q.last(r.WINDOW_ATTAINMENT), *_BASIS), q.legend(*_BASIS)),),
            "Share of the 5-minute windows of 30 days whose median was above the target.",
            f"rule `{r.WINDOW_ATTAINMENT.name}`; windows without calls are in neither number. {_BASES}",
            "Below 99 % the promise was not kept: `tierscope statement` writes the claim.",
            width=9,
            height=4,
            absent=_NONE,
            thresholds=((None, BAD), (0.99, GOOD)),
            decimals=2,
        ),
        Panel(
            "stat",
            "Calls kept (reading B)",
            "percentunit",
            (Query(q.least(q.last(r.CALL_ATTAINMENT), *_BASIS), q.legend(*_BASIS)),),
            "Share of the calls of 30 days that were faster than the target.",
            f"rule `{r.CALL_ATTAINMENT.name}`: the other way to read the same sentence of the contract. {_BASES}",
            "Where A and B differ, slow calls come in bursts (A better) or evenly (B better).",
            width=9,
            height=4,
            absent=_NONE,
            thresholds=((None, BAD), (0.99, GOOD)),
            decimals=2,
        ),
        Panel(
            "stat",
            "Windows that may still be missed",
            "suffix: windows",
            (Query(q.least(q.last(r.WINDOW_BUDGET), *_BASIS), q.legend(*_BASIS)),),
            "What is left of the budget of 30 days.",
            f"rule `{r.WINDOW_BUDGET.name}`: 1 % of the windows with calls, less the missed ones.",
            "Below 0 it is overdrawn. Credits go by calendar month: `tierscope statement` counts that.",
            width=12,
            height=4,
            absent=_NONE,
            thresholds=((None, BAD), (0, WARN), (5, GOOD)),
        ),
        Panel(
            "stat",
            "Uptime, 30 days",
            "percentunit",
            (Query(f"min({q.chosen(r.UPTIME)})"),),
            "Share of the attempts that the provider answered; the worst of the models asked for.",
            f"rule `{r.UPTIME.name}`; client time-outs and rate limits are left out.",
            "Below 99.9 %: see the burn below.",
            width=12,
            height=4,
            absent=_NO_ATTEMPT,
            thresholds=((None, BAD), (0.999, GOOD)),
            decimals=3,
        ),
        Panel(
            "table",
            "The promise in figures",
            "percentunit",
            (
                Query(_figure(r.WINDOW_ATTAINMENT), "Kept (A)"),
                Query(_figure(r.WINDOWS), "Windows"),
                Query(_figure(r.WINDOWS_GOOD), "Above"),
                Query(_figure(r.WINDOW_BUDGET), "Left"),
                Query(_figure(r.CALL_ATTAINMENT), "Kept (B)"),
                Query(_figure(r.CALLS), "Calls"),
            ),
            "Both readings on both bases, over 30 days: windows with calls, those above the target, and those that may "
            "still be missed; calls that were faster.",
            f"recorded every 5 minutes from windows of 5 minutes. {_BASES}",
            "Read the row of the basis that your contract means.",
            width=24,
            height=6,
            absent=_NONE,
            thresholds=((None, BAD), (0.99, GOOD)),
            widths=(("Environment", 108), ("Rate", 100)),
            units=(
                ("Windows", COUNT),
                ("Above", COUNT),
                ("Left", COUNT),
                ("Calls", COUNT),
            ),
        ),
    ),
)
_NOW: Final = Row(
    "How fast is it?",
    (
        Panel(
            "timeseries",
            "Median output rate and target",
            "suffix: token/s",
            (
                Query(q.quantile(0.5, s.GENERATION), "generation", exemplar=True),
                Query(q.quantile(0.5, s.END_TO_END), "end_to_end", exemplar=True),
                Query(f"max({q.chosen(r.TARGET_RATE)})", _TARGET),
            ),
            "The median of the calls' output rates on both bases, beside what is promised.",
            f"histogram quantile, interpolated within a bucket: for the eye; verdicts use exact counts. {_BASES}",
            _WHERE,
            absent=_NONE,
            limits=(_TARGET,),
            links=(
                links.traces(
                    "Traces of this model",
                    f'span.{s.RESPONSE_MODEL.key} =~ "${{model}}.*"',
                    links.span(s.TIER_SERVED, "${tier}"),
                ),
            ),
        ),
        Panel(
            "heatmap",
            "Output rates of calls (generation)",
            "suffix: token/s",
            (Query(q.buckets(s.GENERATION), "{{le}}", exemplar=True),),
            "How the rates are spread: one slow crowd, or a few stragglers.",
            "increase of each bucket; the promised rates are edges.",
            "Two bands often are two hosts or two lengths of prompts.",
            absent=_NONE,
        ),
        Panel(
            "state-timeline",
            "Windows of 5 minutes",
            "bool_on_off",
            (Query(q.chosen(r.WINDOW_GOOD), q.legend(*_BASIS)),),
            "Whether the median of each window was above the target; a gap is a window without calls.",
            f"rule `{r.WINDOW_GOOD.name}`; exactly half at or below the target is missed.",
            _WHERE,
            absent=_NONE,
            thresholds=((None, BAD), (1, GOOD)),
            words=(("0", "missed", BAD), ("1", "kept", GOOD)),
        ),
        Panel(
            "timeseries",
            "Error ratio by window",
            "percentunit",
            tuple(Query(f"max({q.chosen(one)})", window) for window, one in r.ERROR_RATIOS.items()),
            "Share of failed attempts over windows from 5 minutes to 3 days; the worst of the models asked for.",
            "server errors and missing answers ÷ attempts; 14.4 times the budget in 1 h and 5 min pages.",
            "A short window above a long one: it is going on. Alert rules compare pairs of them.",
            absent=_NO_ATTEMPT,
            thresholds=((None, GOOD), (0.001, WARN), (0.0144, BAD)),
        ),
    ),
)
_OUT: Final = Row(
    "What is not in these figures",
    (
        Panel(
            "timeseries",
            "Calls without a rate",
            "suffix: calls/min",
            (Query(q.per_minute(s.RATE_MISSING, s.RATE_ABSENT), q.legend(s.RATE_ABSENT)),),
            "Calls of which no output rate can be known, by reason.",
            "rate of the calls, both bases together.",
            "*no_usage* goes away with TIERSCOPE_STREAM_USAGE; short replies have no meaningful rate.",
            stacked=True,
            absent="Every call had a rate",
        ),
        Panel(
            "timeseries",
            "Calls limited by their reader",
            "suffix: calls/min",
            (
                Query(
                    q.per_minute(s.GENERATION, matchers=(equal(s.CONSUMER_LIMITED, "true"),), part="count"),
                    "limited by the reader",
                ),
            ),
            "Calls whose reader, or its event loop, was the brake: left out of the promise's figures.",
            "calls with a rate that carry `tierscope.consumer_limited`.",
            "Many of them: your program is slower than the model (docs/consumer-limited.md).",
            absent="No reader was the brake",
        ),
        Panel(
            "timeseries",
            "Calls that no promise counts",
            "suffix: calls/min",
            (
                Query(
                    q.per_minute(
                        s.CALLS,
                        s.TIER_OUTCOME,
                        matchers=(q.outcome(w.DOWNGRADED, w.UNVERIFIED, w.UNREPORTED, w.FAILED),),
                    ),
                    q.legend(s.TIER_OUTCOME),
                ),
            ),
            "Calls at another tier than promised, or at one that is not known; of every model asked for.",
            "rate of the calls that were expected at this tier, by outcome.",
            "A downgraded call is charged, and judged, by the tier that served.",
            stacked=True,
            absent="Every call was served as promised",
            colours=OUTCOMES,
            width=24,
        ),
    ),
)
BOARD: Final = Board(
    "promise",
    "Tierscope / Promise",
    "Rates and uptime against the promise: now, windows, 30 days, budget. One model and tier at a time.",
    (_MONTH, _NOW, _OUT),
    PROMISED,
)
