"""Served and requested tiers: whether we get what we ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tools.rules import recorded as r
from tools.rules.calls import LEAST_CALLS
from tools.rules.promql import equal, unlike

from grafana import links
from grafana import queries as q
from grafana.boards.choices import USUAL
from grafana.colours import BAD, GOOD, OUTCOMES, TIERS, WARN
from grafana.spec import COUNT, MONEY, WHEN, Board, Panel, Query, Row
from tierscope import signals as s
from tierscope import words as w

if TYPE_CHECKING:
    from tierscope.declared import Attribute

LIMITS: Final = ((None, GOOD), (0.01, WARN), (0.05, BAD))
"""Those of the alerts TierscopeDowngradeRatioHigh and …VeryHigh."""
_RATIO: Final = "downgraded ÷ (honored + downgraded + upgraded)"
_UNPROMISED: Final = "Nothing was promised a tier, or no call could be judged"
_ASK: Final = "Open *Capacity* for the inferred cause, *Calls* for the traces; the runbook names the ways out."
_MODEL: Final = (s.REQUEST_MODEL, s.TIER_EXPECTED)


def _not_charged(*keys: Attribute) -> str:
    """Return what downgraded calls cost less than was promised."""
    return q.grown(s.COST_EFFECTS, *keys, matchers=(equal(s.COST_EFFECT, w.PREMIUM_NOT_CHARGED),))


_NOW: Final = Row(
    "Are we served what we ask for?",
    (
        Panel(
            "stat",
            "Share of calls that were downgraded",
            "percentunit",
            (Query(q.downgraded()),),
            "Share of the calls that were promised a tier and were served a lower one.",
            f"{_RATIO}, over the shown range; 1 % is the limit of a ticket, 5 % of a page.",
            _ASK,
            height=5,
            absent=_UNPROMISED,
            thresholds=LIMITS,
            links=(links.to("capacity", "Capacity"), links.to("calls", "Calls")),
        ),
        Panel(
            "stat",
            "What downgrades cost",
            MONEY,
            (Query(_not_charged(), "not billed: the premium of speed that was lost"),),
            "What the downgraded calls would have cost more at the tier that was promised: the price of the speed that "
            "you did not get. Nothing is added to the bill; it is lower by this.",
            "priced calls, at list prices, over the shown range; by model in the table below.",
            _ASK,
            height=5,
            absent="No downgraded call with a price in this time range",
            links=(links.to("money", "Money"),),
        ),
        Panel(
            "stat",
            "Judged calls",
            COUNT,
            (Query(q.judged()),),
            "Calls of which it is known what was promised and what served.",
            "honored + downgraded + upgraded, over the shown range.",
            f"Read shares with care below {LEAST_CALLS} calls in 5 minutes: no alert fires there.",
            width=8,
            height=4,
            absent=_UNPROMISED,
        ),
        Panel(
            "stat",
            "Calls of unknown tier",
            "percentunit",
            (Query(q.ended(w.UNREPORTED, w.UNVERIFIED)),),
            "Share of the calls whose served tier was not told, or is not to be believed.",
            "(unreported + unverified) ÷ all calls, over the shown range.",
            "A proxy may hide the tier, or a host may have to be trusted: `tierscope doctor` says which.",
            width=8,
            height=4,
            thresholds=((None, GOOD), (0.2, WARN)),
        ),
        Panel(
            "stat",
            "Failed or refused calls",
            "percentunit",
            (Query(q.ended(w.FAILED, w.REFUSED)),),
            "Share of the calls without a reply.",
            "(failed + refused) ÷ all calls, over the shown range; retries are inside a call.",
            "Open *Calls* for the errors; refusals of flex are free of charge and may be retried.",
            width=8,
            height=4,
            thresholds=((None, GOOD), (0.02, WARN), (0.1, BAD)),
            links=(links.to("calls", "Calls"),),
        ),
        Panel(
            "table",
            "Downgrades by model",
            "percentunit",
            (
                Query(q.downgraded(*_MODEL), "Share"),
                Query(q.downgrades(*_MODEL), "Calls"),
                Query(q.judged(*_MODEL), "Judged"),
                Query(q.seen_downgraded("min", *_MODEL), "First seen"),
                Query(q.seen_downgraded("max", *_MODEL), "Last seen"),
                Query(_not_charged(*_MODEL), "Not billed"),
            ),
            "Which model is downgraded most, from when to when, and what that costs: the premium that was not billed.",
            f"{_RATIO} by requested model, over the shown range. First and last seen: within it, to the minute. "
            "A downgraded call is charged at the tier that served; — is what has no price by the token, as Scale.",
            "Begin with the first row: click it for its traces.",
            width=24,
            height=7,
            absent=_UNPROMISED,
            thresholds=LIMITS,
            units=(
                ("Calls", COUNT),
                ("Judged", COUNT),
                ("First seen", WHEN),
                ("Last seen", WHEN),
                ("Not billed", MONEY),
            ),
            widths=(("Model", 120), ("First seen", 100), ("Last seen", 100), ("Not billed", 85)),
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
            "The same as bars: blue is kept, ochre above 1 %, magenta above 5 %; a gap is no call.",
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
            colours=TIERS,
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
            colours=OUTCOMES,
        ),
    ),
)
_DETAIL: Final = Row(
    "What became of what we asked for?",
    (
        Panel(
            "table",
            "Requested and served",
            COUNT,
            (Query(q.grown(s.CALLS, s.TIER_REQUESTED, s.TIER_EXPECTED, s.TIER_SERVED, s.TIER_OUTCOME), "Calls"),),
            "Each pair of what was asked for and what served, with its outcome.",
            "increase of the calls over the shown range, extrapolated to its edges.",
            "Look for rows that you did not expect, `unset` ones first: there the project's default decides.",
            width=24,
            height=10,
        ),
        Panel(
            "table",
            "Calls beside the policy",
            COUNT,
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
            height=5,
            absent="No policy is set (TIERSCOPE_POLICY)",
        ),
    ),
)
_MONEY: Final = Row(
    "What the tiers cost, downgraded or not",
    (
        Panel(
            "stat",
            "Premium paid",
            MONEY,
            (Query(q.spent(r.EFFECTS, matchers=(equal(s.COST_EFFECT, w.PREMIUM_PAID),)), "for speed delivered"),),
            "What dearer tiers cost above the default tier, in the shown range. Downgraded calls are not in it.",
            "cost less the cost of the same tokens at the default tier, where above 0.",
            "Is the speed worth it? *Promise* shows what was got for it.",
            width=8,
            height=5,
            absent="No call was served by a dearer tier",
        ),
        Panel(
            "stat",
            "Flex and batch saved",
            MONEY,
            (Query(q.spent(r.EFFECTS, matchers=(equal(s.COST_EFFECT, w.SAVING_MADE),)), "against the default tier"),),
            "What cheaper tiers saved against the default tier, in the shown range.",
            "cost of the same tokens at the default tier less cost, where above 0.",
            "Work that can wait belongs there: `tierscope report` names candidates.",
            width=8,
            height=5,
            absent="No call was served by flex or batch",
        ),
        Panel(
            "stat",
            "Calls without a price",
            "percentunit",
            (Query(f"max({q.chosen(r.UNPRICED)})", "of the worst model and service"),),
            "The model and service whose calls lack a price most often; they are in no sum of money.",
            f"largest value of `{r.UNPRICED.name}`.",
            "`tierscope catalog` prices a model of your own; streams may lack their usage.",
            width=8,
            height=5,
            thresholds=((None, GOOD), (0.05, WARN), (0.5, BAD)),
        ),
        Panel(
            "timeseries",
            "Cost by served tier",
            "suffix: USD/h",
            (Query(q.hourly(q.chosen(r.COST), s.TIER_SERVED), q.legend(s.TIER_SERVED)),),
            "What the calls cost, by the tier that served them.",
            "list price of the tokens; calls without a price are in no sum.",
            "Open *Money* for services and models.",
            width=24,
            height=7,
            colours=TIERS,
            stacked=True,
            absent="No call with a price in this time range",
            links=(links.to("money", "Money"),),
        ),
    ),
)
BOARD: Final = Board(
    "tiers",
    "Tierscope / Tiers",
    "Are we served what we ask for? Requested and served tiers, downgrades, what they cost.",
    (_NOW, _TIME, _DETAIL, _MONEY),
    USUAL,
)
