"""Served and requested tiers: whether we get what we ask for."""

from __future__ import annotations

from typing import Final

from tools.rules import recorded as r
from tools.rules.calls import LEAST_CALLS
from tools.rules.promql import equal, unlike

from grafana import links
from grafana import queries as q
from grafana.boards.choices import USUAL
from grafana.colours import BAD, GOOD, WARN
from grafana.spec import Board, Panel, Query, Row
from tierscope import signals as s
from tierscope import words as w

LIMITS: Final = ((None, GOOD), (0.01, WARN), (0.05, BAD))
"""Those of the alerts TierscopeDowngradeRatioHigh and …VeryHigh."""
_RATIO: Final = "downgraded ÷ (honored + downgraded + upgraded)"
_UNPROMISED: Final = "Nothing was promised a tier, or no call could be judged"
_ASK: Final = "Open *Capacity* for the inferred cause, *Calls* for the traces; the runbook names the ways out."
_MODEL: Final = (s.REQUEST_MODEL, s.TIER_EXPECTED)

_NOW: Final = Row(
    "Are we served what we ask for?",
    (
        Panel(
            "stat",
            "Downgraded calls",
            "percentunit",
            (Query(q.downgraded()),),
            "Share of the calls that were promised a tier and were served a lower one.",
            f"{_RATIO}, over the shown range; 1 % is the limit of a ticket, 5 % of a page.",
            _ASK,
            width=6,
            height=6,
            absent=_UNPROMISED,
            thresholds=LIMITS,
            links=(links.to("capacity", "Capacity"), links.to("calls", "Calls")),
            decimals=2,
        ),
        Panel(
            "stat",
            "Judged calls",
            "short",
            (Query(q.judged()),),
            "Calls of which it is known what was promised and what served.",
            "honored + downgraded + upgraded, over the shown range.",
            f"Read shares with care below {LEAST_CALLS} calls in 5 minutes: no alert fires there.",
            width=6,
            height=6,
            absent=_UNPROMISED,
        ),
        Panel(
            "stat",
            "Calls that say nothing",
            "percentunit",
            (Query(q.ended(w.UNREPORTED, w.UNVERIFIED)),),
            "Share of the calls whose served tier was not told, or is not to be believed.",
            "(unreported + unverified) ÷ all calls, over the shown range.",
            "A proxy may hide the tier, or a host may have to be trusted: `tierscope doctor` says which.",
            width=6,
            height=6,
            thresholds=((None, GOOD), (0.2, WARN)),
            decimals=2,
        ),
        Panel(
            "stat",
            "Failed or refused calls",
            "percentunit",
            (Query(q.ended(w.FAILED, w.REFUSED)),),
            "Share of the calls without a reply.",
            "(failed + refused) ÷ all calls, over the shown range; retries are inside a call.",
            "Open *Calls* for the errors; refusals of flex are free of charge and may be retried.",
            width=6,
            height=6,
            thresholds=((None, GOOD), (0.02, WARN), (0.1, BAD)),
            links=(links.to("calls", "Calls"),),
            decimals=2,
        ),
        Panel(
            "table",
            "Downgrades by model",
            "percentunit",
            (
                Query(q.downgraded(*_MODEL), "Downgraded"),
                Query(q.downgrades(*_MODEL), "Calls downgraded"),
                Query(q.judged(*_MODEL), "Calls judged"),
                Query(q.first_downgrade(*_MODEL), "First seen"),
                Query(
                    q.grown(s.COST_EFFECTS, *_MODEL, matchers=(equal(s.COST_EFFECT, w.PREMIUM_NOT_CHARGED),)),
                    "Premium not charged",
                ),
            ),
            "Which model is downgraded most, since when, and what its premium would have cost.",
            f"{_RATIO} by requested model, over the shown range. First seen: the first downgrade within it. "
            "A downgraded call is charged at the tier that served; the premium not charged is what it cost less.",
            "Begin with the first row: click it for its traces.",
            width=24,
            height=7,
            absent=_UNPROMISED,
            thresholds=LIMITS,
            units=(
                ("Calls downgraded", "short"),
                ("Calls judged", "short"),
                ("First seen", "dateTimeAsIso"),
                ("Premium not charged", "currencyUSD"),
            ),
            links=(
                links.traces(
                    "Traces of downgraded calls",
                    links.span(s.TIER_OUTCOME, w.DOWNGRADED),
                    links.span(s.REQUEST_MODEL, "${__data.fields.Model}"),
                ),
            ),
        ),
    ),
)
_TIME: Final = Row(
    "Since when?",
    (
        Panel(
            "timeseries",
            "Downgraded calls by model",
            "percentunit",
            (Query(q.chosen(r.DOWNGRADED_RATIO), q.legend(*_MODEL)),),
            "Share of downgraded calls in windows of 5 minutes; a gap is no call, 0 is no downgrade.",
            f"Rule `{r.DOWNGRADED_RATIO.name}`: {_RATIO}.",
            _ASK,
            absent=_UNPROMISED,
            thresholds=LIMITS,
            links=(links.DOWNGRADED, links.to("capacity", "Capacity")),
        ),
        Panel(
            "state-timeline",
            "When models were downgraded",
            "percentunit",
            (Query(q.chosen(r.DOWNGRADED_RATIO), q.legend(*_MODEL)),),
            "The same as bars: blue is kept, sand above 1 %, wine above 5 %; a gap is no call.",
            f"Rule `{r.DOWNGRADED_RATIO.name}`: {_RATIO}.",
            "Compare the begin with deployments (grey lines) and with your traffic on *Capacity*.",
            absent=_UNPROMISED,
            thresholds=LIMITS,
            links=(links.DOWNGRADED,),
        ),
        Panel(
            "timeseries",
            "Served tiers",
            "percentunit",
            (Query(q.parts(s.CALLS, s.TIER_SERVED, unlike(s.TIER_SERVED, w.UNREPORTED)), q.legend(s.TIER_SERVED)),),
            "Which tiers served, as shares of the calls that told it.",
            "calls by served tier ÷ their sum; calls without an echoed tier are left out.",
            "A share that drops where you asked for it: see the table above.",
            by_tier=True,
            stacked=True,
            maximum=1,
        ),
        Panel(
            "timeseries",
            "Outcomes",
            "suffix: calls/min",
            (Query(q.per_minute(s.CALLS, s.TIER_OUTCOME), q.legend(s.TIER_OUTCOME)),),
            "All calls by outcome: whether the promise was kept, or why that cannot be said.",
            "rate of the calls, by outcome (docs/tiers.md).",
            "*unverified* and *unreported* are no verdict; *resolved* is a tier that nobody asked for.",
            stacked=True,
        ),
    ),
)
_DETAIL: Final = Row(
    "What became of what we asked for, and what it costs",
    (
        Panel(
            "table",
            "Requested and served",
            "short",
            (Query(q.grown(s.CALLS, s.TIER_REQUESTED, s.TIER_EXPECTED, s.TIER_SERVED, s.TIER_OUTCOME), "Calls"),),
            "Each pair of what was asked for and what served, with its outcome.",
            "increase of the calls over the shown range, extrapolated to its edges.",
            "Look for rows that you did not expect, `unset` ones first: there the project's default decides.",
        ),
        Panel(
            "timeseries",
            "Cost by served tier",
            "suffix: USD/h",
            (Query(q.hourly(q.chosen(r.COST), s.TIER_SERVED), q.legend(s.TIER_SERVED)),),
            "What the calls cost, by the tier that served them.",
            "list price of the tokens; calls without a price are in no sum.",
            "Open *Money* for services and models.",
            by_tier=True,
            stacked=True,
            absent="No call with a price in this time range",
            links=(links.to("money", "Money"),),
        ),
        Panel(
            "table",
            "Calls beside the policy",
            "short",
            (
                Query(
                    q.grown(s.POLICY_DRIFT, s.POLICY_WORKLOAD, s.POLICY_TIER, s.REQUEST_MODEL, s.TIER_REQUESTED),
                    "Calls",
                ),
            ),
            "Calls that were meant for another tier than your policy wants; 0 where a workload keeps it.",
            "increase over the shown range, extrapolated to its edges; only where TIERSCOPE_POLICY is set.",
            "Change the request, or the policy: `tierscope policy check` says what it wants.",
            width=24,
            height=6,
            absent="No policy is set (TIERSCOPE_POLICY)",
        ),
        Panel(
            "stat",
            "Premium paid",
            "currencyUSD",
            (Query(q.spent(r.EFFECTS, matchers=(equal(s.COST_EFFECT, w.PREMIUM_PAID),))),),
            "What dearer tiers cost above the default tier, in the shown range.",
            "cost less the cost of the same tokens at the default tier, where above 0.",
            "Is the speed worth it? *Promise* shows what was got for it.",
            width=8,
            height=5,
            absent="No call at a dearer tier",
            decimals=2,
        ),
        Panel(
            "stat",
            "Flex and batch saved",
            "currencyUSD",
            (Query(q.spent(r.EFFECTS, matchers=(equal(s.COST_EFFECT, w.SAVING_MADE),))),),
            "What cheaper tiers saved against the default tier, in the shown range.",
            "cost of the same tokens at the default tier less cost, where above 0.",
            "Work that can wait belongs there: `tierscope report` names candidates.",
            width=8,
            height=5,
            absent="No call was served by flex or batch",
            decimals=2,
        ),
        Panel(
            "stat",
            "Calls without a price",
            "percentunit",
            (Query(f"max({q.chosen(r.UNPRICED)})"),),
            "The model and service whose calls lack a price most often; they are in no sum of money.",
            f"largest value of `{r.UNPRICED.name}`.",
            "`tierscope catalog` prices a model of your own; streams may lack their usage.",
            width=8,
            height=5,
            thresholds=((None, GOOD), (0.05, WARN), (0.5, BAD)),
            decimals=1,
        ),
    ),
)
BOARD: Final = Board(
    "tiers",
    "Tierscope / Tiers",
    "Are we served what we ask for? Requested and served tiers, downgrades, what they cost.",
    (_NOW, _TIME, _DETAIL),
    USUAL,
)
