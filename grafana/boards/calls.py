"""Which calls were slow, downgraded or failed, with the way to their traces."""

from __future__ import annotations

from typing import Final

from grafana import links
from grafana import queries as q
from grafana.boards.choices import USUAL
from grafana.colours import BAD, GOOD, WARN
from grafana.spec import Board, Panel, Query, Row
from tierscope import signals as s
from tierscope import words as w

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
        "s",
        (Query(q.quantile(rank, s.DURATION, *_SERVED), q.legend(*_SERVED), exemplar=True),),
        f"{name} of the calls' duration by the tier that served; streams count to their end.",
        "histogram quantile, interpolated within a bucket; points are exemplars, with a trace each.",
        "Compare tiers at one time: is the dearer one faster?",
        by_tier=True,
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
            "s",
            (Query(q.quantile(0.95, s.TIME_TO_FIRST_TOKEN, *_SERVED), q.legend(*_SERVED), exemplar=True),),
            "The 95th percentile of the wait for the first token of a stream.",
            "from the start of the last attempt; histogram quantile.",
            "Grows with long prompts and with load; Priority is to keep it low.",
            by_tier=True,
            absent="No stream in this time range",
            links=(_SLOW,),
        ),
        Panel(
            "table",
            "Slowest models",
            "s",
            (
                Query(q.mean(s.DURATION, *_ROW), "Mean"),
                Query(q.grown(s.DURATION, *_ROW, part="count"), "Calls"),
            ),
            "The mean duration by model and tiers, over the shown range.",
            "sum ÷ count of the durations.",
            _TRACES,
            units=(("Calls", "short"),),
            links=(links.traces("Slow traces", _MODEL, "duration > 10s"),),
        ),
    ),
)
_BELOW: Final = Row(
    "Downgraded",
    (
        Panel(
            "timeseries",
            "Downgraded calls",
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
            absent="No call was ever downgraded",
            links=(links.DOWNGRADED, links.to("tiers", "Tiers")),
        ),
        Panel(
            "table",
            "Downgraded calls by model",
            "short",
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
            absent="No call was ever downgraded",
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
            absent="No call failed",
            links=(links.traces("Failed traces", links.of_label(s.ERROR_TYPE)),),
        ),
        Panel(
            "timeseries",
            "Attempts by result",
            "suffix: /min",
            (Query(q.per_minute(s.CALL_ATTEMPTS, s.ATTEMPT_RESULT), q.legend(s.ATTEMPT_RESULT)),),
            "HTTP attempts by how they ended; the SDK retries twice.",
            "rate of the attempts.",
            "*server_error* and *no_response* count against the promised uptime, *timeout* is the client's own.",
            stacked=True,
        ),
        Panel(
            "table",
            "Errors by model",
            "short",
            (Query(q.grown(s.CALL_ERRORS, s.REQUEST_MODEL, s.TIER_REQUESTED, s.ERROR_TYPE), "Calls"),),
            "Which model fails with what.",
            "increase over the shown range, extrapolated to its edges.",
            _TRACES,
            absent="No call failed",
            links=(links.traces("Failed traces", _MODEL, links.span(s.ERROR_TYPE, "${__data.fields.Error}")),),
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
            absent="No call failed",
            thresholds=((None, GOOD), (0.02, WARN), (0.1, BAD)),
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
