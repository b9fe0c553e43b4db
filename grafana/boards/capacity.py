"""How much may be asked for: the ramp rule, rate limits, Scale units, and how long flex and batch make us wait."""

from __future__ import annotations

from typing import Final

from tools.rules import recorded as r
from tools.rules.promql import equal

from grafana import links
from grafana import queries as q
from grafana.boards.choices import USUAL
from grafana.colours import BAD, GOOD, TIERS, WARN
from grafana.spec import SECONDS, Board, Panel, Query, Row
from tierscope import signals as s
from tierscope import words as w

_ALLOWED: Final = "allowed"
_PRIORITY: Final = "No call expected Priority in this time range"
_SCALE: Final = "No call was served by scale, or no units are known (own/scale-units.yaml)"
_FLEX: Final = "No call asked for flex in this time range"
_BATCH: Final = "No batch ended in this time range"
_MODEL: Final = (s.RESPONSE_MODEL,)
_UNIT: Final = (r.PROMISE_MODEL, r.DIRECTION)
_INPUT: Final = "completed input tokens of calls that expected Priority, whatever served them"

_RAMP: Final = Row(
    "May traffic grow?",
    (
        Panel(
            "timeseries",
            "Input tokens and what the ramp rule allows",
            "count:token/min",
            (
                Query(q.added(q.chosen(r.INPUT), *_MODEL), f"{q.legend(*_MODEL)} used"),
                Query(q.added(q.chosen(r.ALLOWED), *_MODEL), f"{q.legend(*_MODEL)} {_ALLOWED}"),
            ),
            "Input tokens per minute at Priority, and how many the ramp rule allows.",
            f"{_INPUT}; allowed is 1.5 times the lowest of 15 minutes, from a floor on that the catalog knows.",
            "Spread a start or a batch job over more minutes where the first line nears the dashed one.",
            absent=_PRIORITY,
            limits=(_ALLOWED,),
        ),
        Panel(
            "timeseries",
            "Allowed growth that is used",
            "percentunit",
            (Query(f"clamp_min({q.chosen(r.GROWTH_USED)}, 0)", q.legend(*_MODEL)),),
            "How much of the growth that is allowed within 15 minutes is used; above 100 % the rule is broken.",
            f"rule `{r.GROWTH_USED.name}`; 0 where traffic falls, absent below the floor.",
            "Above 100 % Priority may serve calls at the default tier.",
            absent="No traffic above the floor of the ramp rule",
            thresholds=((None, GOOD), (0.8, WARN), (1, BAD)),
        ),
        Panel(
            "timeseries",
            "Tokens that may still be added",
            "count:token/min",
            (Query(q.chosen(r.HEADROOM), q.legend(*_MODEL)),),
            "The next safe step of traffic; below 0 the rule is broken.",
            f"rule `{r.HEADROOM.name}`.",
            "Keep a new job below this line.",
            absent=_PRIORITY,
            thresholds=((None, BAD), (0, GOOD)),
        ),
        Panel(
            "timeseries",
            "Rate limit that was left",
            "percentunit",
            (
                Query(
                    q.least(q.chosen(s.HEADROOM), s.REQUEST_MODEL, s.LIMIT_KIND),
                    q.legend(s.REQUEST_MODEL, s.LIMIT_KIND),
                ),
            ),
            "Share of the rate limit that the last reply left; the least of all processes.",
            "remaining ÷ limit of the reply's headers.",
            "Near 0 calls will be answered with 429: raise the limit, or spread the work.",
            absent="No reply told its rate limit",
            maximum=1,
            thresholds=((None, BAD), (0.1, WARN), (0.3, GOOD)),
        ),
        Panel(
            "state-timeline",
            "Downgrades with the ramp rate as inferred cause",
            "bool_on_off",
            (Query(q.chosen(r.RAMP_INFERRED), q.legend(*_MODEL)),),
            "When calls were downgraded while the rule was broken. That the one caused the other is *inferred*.",
            f"rule `{r.RAMP_INFERRED.name}`: growth above what is allowed, and downgraded tokens.",
            "Slow the ramp. Without a bar the cause is another: capacity, or a long prompt.",
            width=24,
            height=5,
            absent="No downgrade while the ramp rule was broken",
            words=(("1", "inferred: ramp rate", BAD),),
            links=(links.to("tiers", "Tiers"),),
        ),
    ),
)
_UNITS: Final = Row(
    "Scale units",
    (
        Panel(
            "timeseries",
            "Use of the units that were bought",
            "percentunit",
            (Query(q.chosen(r.UTILISATION), q.legend(*_UNIT)),),
            "Share of the entitlement that is used; 0 is bought and idle.",
            f"rule `{r.UTILISATION.name}`, from your own rule of what you bought.",
            "Above 100 % calls spill over to the default tier; low for days: give units back.",
            absent=_SCALE,
            thresholds=((None, GOOD), (1, WARN)),
        ),
        Panel(
            "bargauge",
            "Use against break-even",
            "percentunit",
            (
                Query(
                    f"{q.chosen(r.UTILISATION)}\n/ on ({', '.join(r.BREAK_EVEN.labels)}) {q.chosen(r.BREAK_EVEN)}",
                    q.legend(*_UNIT),
                ),
            ),
            "The use now as a share of the use from which on a unit costs no more than Priority: 100 % is that use.",
            f"rule `{r.UTILISATION.name}` ÷ rule `{r.BREAK_EVEN.name}`. Bars end at 200 %.",
            "Below 100 % for long: Priority is cheaper.",
            absent=_SCALE,
            thresholds=((None, WARN), (1, GOOD)),
            maximum=2,
            decimals=0,
        ),
        Panel(
            "timeseries",
            "Money for idle units",
            "suffix: USD/h",
            (Query(q.chosen(r.IDLE), q.legend(*_UNIT)),),
            "What is paid for tokens that are not used.",
            f"rule `{r.IDLE.name}`.",
            "Move traffic there, or give units back.",
            absent=_SCALE,
        ),
        Panel(
            "timeseries",
            "Spilled over",
            "percentunit",
            (Query(q.chosen(r.SPILL), q.legend(s.REQUEST_MODEL)),),
            "Share of the calls that expected scale and were served by the default tier.",
            f"rule `{r.SPILL.name}`.",
            "Buy units, or flatten the peaks.",
            absent="No call expected scale in this time range",
            thresholds=((None, GOOD), (0.05, WARN)),
        ),
    ),
)
_WAITS: Final = Row(
    "Flex and batch: what waiting they cost",
    (
        Panel(
            "timeseries",
            "Flex attempts that were refused",
            "percentunit",
            (Query(q.chosen(r.FLEX_REFUSED), q.legend(s.REQUEST_MODEL)),),
            "Share of the flex attempts that found no room; a refusal is free of charge.",
            f"rule `{r.FLEX_REFUSED.name}`: attempts, so the SDK's retries are in it.",
            "Above half for long: fall back to the default tier, or move the work to other hours.",
            absent=_FLEX,
            thresholds=((None, GOOD), (0.2, WARN), (0.5, BAD)),
        ),
        Panel(
            "timeseries",
            "How long flex calls take",
            SECONDS,
            tuple(
                Query(q.quantile(rank, s.DURATION, matchers=(equal(s.TIER_SERVED, w.FLEX),)), name, exemplar=True)
                for name, rank in (("p50", 0.5), ("p95", 0.95))
            ),
            "Duration of the calls that flex served.",
            "histogram quantiles, interpolated within a bucket.",
            "Set the client's time-out above it: 900 s are advised.",
            absent="No call was served by flex in this time range",
        ),
        Panel(
            "timeseries",
            "How long batches take",
            "h",
            tuple(
                Query(f"{q.quantile(rank, s.TURNAROUND)} / {q.HOUR}", name)
                for name, rank in (("p50", 0.5), ("p95", 0.95))
            ),
            "From creation to end of batches.",
            "histogram quantiles; 24 hours, which are promised, are an edge.",
            "Above a day batches expire: `tierscope report` says which.",
            absent=_BATCH,
            thresholds=((None, GOOD), (24, BAD)),
        ),
        Panel(
            "timeseries",
            "Requests of batches",
            "suffix: requests/min",
            (Query(q.per_minute(s.BATCH_REQUESTS, s.BATCH_RESULT), q.legend(s.BATCH_RESULT)),),
            "Requests of batches that ended, by how they ended.",
            "rate of the requests, counted when an API call tells the end.",
            "Failed ones are in the batch's error file.",
            absent=_BATCH,
            stacked=True,
        ),
        Panel(
            "timeseries",
            "Calls that wait for their next attempt",
            "suffix: calls",
            (
                Query(
                    q.added(f"rate({q.chosen(s.RETRY_WAIT)}[{q.STEP}])", s.TIER_REQUESTED),
                    q.legend(s.TIER_REQUESTED),
                ),
            ),
            "How many calls wait for a retry at one time, by requested tier.",
            "rate of the known waits: so many seconds waited in a second are so many calls that wait.",
            "Much waiting at Priority is latency that you pay for: see *Calls* for the errors.",
            width=24,
            height=6,
            absent="No call was tried again in this time range",
            colours=TIERS,
        ),
    ),
)
BOARD: Final = Board(
    "capacity",
    "Tierscope / Capacity",
    "Ramp and headroom, rate limits, Scale units, and the waits of flex and batch.",
    (_RAMP, _UNITS, _WAITS),
    USUAL,
)
