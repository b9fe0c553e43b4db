"""Which calls were slow, downgraded or failed, with the way to their traces."""

from __future__ import annotations

from typing import Final

from tools.rules.promql import unlike

from grafana import links
from grafana import queries as q
from grafana.boards.choices import USUAL
from grafana.colours import BAD, GOOD, OUTCOMES, TIERS, WARN
from grafana.spec import COUNT, SECONDS, Board, Panel, Query, Row
from tierscope import signals as s
from tierscope import words as w
from tierscope.promise.uptime import OK

_SERVED: Final = (s.TIER_SERVED,)
_ROW: Final = (s.REQUEST_MODEL, s.TIER_REQUESTED, s.TIER_SERVED)
_MODEL: Final = links.span(s.REQUEST_MODEL, "${__data.fields.Model}")
_SLOW: Final = links.traces("Traces of this tier", links.of_label(s.TIER_SERVED))
_TRACES: Final = (
    "Click it for its traces (where a store of traces is chosen); tail sampling keeps such traces up to a cap."
)


def _quantiles(title: str, rank: float, name: str) -> Panel:
    return Panel(
        "timeseries",
        title,
        SECONDS,
        (Query(q.quantile(rank, s.DURATION, *_SERVED), q.legend(*_SERVED), exemplar=True),),
        f"{name} of the calls' duration by the tier that served; streams count to their end.",
        "histogram quantile, interpolated within a bucket; points are exemplars, with a trace each.",
        "Compare tiers at one time: is the dearer one faster? Each line of the grid is twice the one below.",
        colours=TIERS,
        logarithmic=True,
        links=(_SLOW,),
    )


_SPEED: Final = Row(
    "Slow",
    (
        _quantiles("Duration, median", 0.5, "The median"),
        _quantiles("Duration, slowest 5 %", 0.95, "The 95th percentile"),
        Panel(
            "timeseries",
            "Time to the first token, slowest 5 %",
            SECONDS,
            (Query(q.quantile(0.95, s.TIME_TO_FIRST_TOKEN, *_SERVED), q.legend(*_SERVED), exemplar=True),),
            "The 95th percentile of the wait for the first token of a stream.",
            "from the start of the last attempt; histogram quantile.",
            "Grows with long prompts and with load; Priority is to keep it low.",
            colours=TIERS,
            logarithmic=True,
            width=24,
            height=7,
            absent="No stream in this time range",
            links=(_SLOW,),
        ),
        Panel(
            "table",
            "Slowest models",
            SECONDS,
            (
                Query(q.mean(s.DURATION, *_ROW), "Mean"),
                Query(q.grown(s.DURATION, *_ROW, part="count"), "Calls"),
            ),
            "The mean duration by model and tiers, over the shown range.",
            "sum ÷ count of the durations.",
            _TRACES,
            width=24,
            height=9,
            units=(("Calls", COUNT),),
            links=(links.traces("Slow traces", _MODEL, "duration > 10s"),),
        ),
    ),
)
_BELOW: Final = Row(
    "Downgraded",
    (
        Panel(
            "timeseries",
            "Downgraded calls per minute",
            "suffix: calls/min",
            (
                Query(
                    q.per_minute(s.CALLS, s.REQUEST_MODEL, s.TIER_EXPECTED, matchers=(q.outcome(w.DOWNGRADED),)),
                    q.legend(s.REQUEST_MODEL, s.TIER_EXPECTED),
                ),
            ),
            "Calls that were served below what was promised.",
            "rate of the calls with outcome `downgraded`.",
            _TRACES,
            absent="No downgraded call in this time range",
            links=(links.DOWNGRADED, links.to("tiers", "Tiers")),
        ),
        Panel(
            "table",
            "Downgraded calls by model",
            COUNT,
            (
                Query(
                    q.grown(
                        s.CALLS, s.REQUEST_MODEL, s.TIER_EXPECTED, s.TIER_SERVED, matchers=(q.outcome(w.DOWNGRADED),)
                    ),
                    "Calls",
                ),
            ),
            "What was promised, and what served instead.",
            "increase over the shown range, extrapolated to its edges.",
            _TRACES,
            absent="No downgraded call in this time range",
            links=(links.traces("Traces of downgraded calls", links.span(s.TIER_OUTCOME, w.DOWNGRADED), _MODEL),),
        ),
    ),
)
_FAILED: Final = Row(
    "Failed",
    (
        Panel(
            "timeseries",
            "Errors of calls",
            "suffix: calls/min",
            (Query(q.per_minute(s.CALL_ERRORS, s.ERROR_TYPE), q.legend(s.ERROR_TYPE)),),
            "Calls that did not succeed, by error, after their retries.",
            "rate of the calls without success.",
            "Codes are the API's; exception classes come from the SDK.",
            stacked=True,
            absent="No call failed in this time range",
            links=(links.traces("Failed traces", links.of_label(s.ERROR_TYPE)),),
        ),
        Panel(
            "timeseries",
            "Attempts that failed, by result",
            "suffix: attempts/min",
            (
                Query(
                    q.per_minute(s.CALL_ATTEMPTS, s.ATTEMPT_RESULT, matchers=(unlike(s.ATTEMPT_RESULT, OK),)),
                    q.legend(s.ATTEMPT_RESULT),
                ),
            ),
            "HTTP attempts that failed, by how they ended; the SDK retries twice, so a call may still succeed.",
            "rate of the attempts, without those that went well.",
            "*server_error* and *no_response* count against the promised uptime, *timeout* is the client's own.",
            stacked=True,
            absent="No attempt failed in this time range",
        ),
        Panel(
            "timeseries",
            "Share of calls without a reply",
            "percentunit",
            (
                Query(
                    q.some_parts(s.CALLS, s.TIER_OUTCOME, q.outcome(w.FAILED, w.REFUSED)),
                    q.legend(s.TIER_OUTCOME),
                ),
            ),
            "Failed and refused calls, as shares of all.",
            "rate of the calls with that outcome ÷ rate of all.",
            "Refused are flex calls without room, or a tier that you may not use.",
            width=24,
            height=6,
            absent="No call failed in this time range",
            colours=OUTCOMES,
            thresholds=((None, GOOD), (0.02, WARN), (0.1, BAD)),
        ),
        Panel(
            "table",
            "Errors by model",
            COUNT,
            (Query(q.grown(s.CALL_ERRORS, s.REQUEST_MODEL, s.TIER_REQUESTED, s.ERROR_TYPE), "Calls"),),
            "Which model fails with what.",
            "increase over the shown range, extrapolated to its edges.",
            _TRACES,
            width=24,
            height=6,
            absent="No call failed in this time range",
            links=(links.traces("Failed traces", _MODEL, links.span(s.ERROR_TYPE, "${__data.fields.Error}")),),
        ),
    ),
)
BOARD: Final = Board(
    "calls",
    "Tierscope / Calls",
    "Which calls were slow, downgraded or failed, with links to their traces.",
    (_SPEED, _BELOW, _FAILED),
    USUAL,
)
