"""What the tiers cost, by service and model; what they saved; what has no price."""

from __future__ import annotations

from typing import Final

from tools.rules import money
from tools.rules import recorded as r
from tools.rules.promql import SERVICE, equal

from grafana import links
from grafana import queries as q
from grafana.boards.choices import USUAL
from grafana.colours import BAD, EFFECTS, GOOD, TIERS, WARN
from grafana.spec import MONEY, Board, Panel, Query, Row
from tierscope import signals as s
from tierscope import words as w

_UNPRICED: Final = "No call with a price in this time range"
_LIST: Final = "list price of the tokens by the tier that served, batch included; calls without a price are in no sum."
_DAY: Final = 86_400


_AMOUNTS: Final = {
    **{kind: q.spent(r.EFFECTS, matchers=(equal(s.COST_EFFECT, kind),)) for kind in (w.PREMIUM_PAID, w.SAVING_MADE)},
    **{
        kind: q.grown(s.COST_EFFECTS, matchers=(equal(s.COST_EFFECT, kind),))
        for kind in (w.PREMIUM_NOT_CHARGED, w.SAVING_LOST)
    },
}
"""Against the default tier by the tier that served; against the promise by the tier that was expected."""


def _effect(title: str, name: str, kind: str, shows: str, do: str, absent: str) -> Panel:
    which = "served" if kind in {w.PREMIUM_PAID, w.SAVING_MADE} else "expected"
    return Panel(
        "stat",
        title,
        MONEY,
        (Query(_AMOUNTS[kind], name),),
        shows,
        f"effect `{kind}` of the priced calls, in the shown range; the variable *tier* means the {which} one.",
        do,
        width=6,
        height=5,
        absent=absent,
    )


_SUMS: Final = Row(
    "What it costs",
    (
        Panel(
            "stat",
            "Cost",
            MONEY,
            (Query(q.spent(r.COST)),),
            "What the calls of the shown range cost.",
            _LIST,
            "An estimate from list prices: discounts are not in it. Compare with `tierscope reconcile`.",
            width=12,
            height=5,
            absent=_UNPRICED,
        ),
        Panel(
            "stat",
            "The same tokens at the default tier",
            MONEY,
            (Query(q.spent(r.COST_AT_DEFAULT)),),
            "What the same tokens would have cost at the default tier.",
            "list price of the default tier; Scale has no marginal cost, and is in neither sum.",
            "The difference is what tiers cost or save.",
            width=12,
            height=5,
            absent=_UNPRICED,
        ),
        _effect(
            "Premium paid",
            "for speed delivered",
            w.PREMIUM_PAID,
            "What dearer tiers cost above the default tier.",
            "Is the speed worth it? See *Promise*.",
            "No call at a dearer tier",
        ),
        _effect(
            "Saving made",
            "by flex and batch",
            w.SAVING_MADE,
            "What flex and batch saved against the default tier.",
            "Work that can wait belongs there.",
            "No call was served by flex or batch",
        ),
        _effect(
            "Premium not charged",
            "for downgraded calls",
            w.PREMIUM_NOT_CHARGED,
            "What downgraded calls cost less than was promised: the price of a speed that you did not get.",
            "See *Tiers* for the downgrades.",
            "No call was downgraded",
        ),
        _effect(
            "Saving lost",
            "served dearer",
            w.SAVING_LOST,
            "What calls cost more, since flex or batch work was served at a dearer tier.",
            "Look at *Capacity*: refusals of flex, and fall-backs of your own.",
            "No flex or batch call was served dearer",
        ),
    ),
)
_WHO: Final = Row(
    "Who spends it",
    (
        Panel(
            "timeseries",
            "Cost by served tier",
            "suffix: USD/h",
            (Query(q.hourly(q.chosen(r.COST), s.TIER_SERVED), q.legend(s.TIER_SERVED)),),
            "Cost per hour, by the tier that served.",
            _LIST,
            "A jump without more calls is a change of tier: see *Tiers*.",
            absent=_UNPRICED,
            colours=TIERS,
            stacked=True,
            links=(links.to("tiers", "Tiers"),),
        ),
        Panel(
            "timeseries",
            "Cost by service",
            "suffix: USD/h",
            (Query(q.hourly(q.chosen(r.COST), SERVICE), q.legend(SERVICE)),),
            "Cost per hour, by the service that called.",
            _LIST,
            "Choose a service above to see its models.",
            absent=_UNPRICED,
            stacked=True,
        ),
        Panel(
            "table",
            "Cost by service, model and tier",
            MONEY,
            (
                Query(q.spent(r.COST, SERVICE, s.RESPONSE_MODEL, s.TIER_SERVED), "Cost"),
                Query(q.spent(r.COST_AT_DEFAULT, SERVICE, s.RESPONSE_MODEL, s.TIER_SERVED), "At default"),
                Query(q.spent(r.PREMIUM, SERVICE, s.RESPONSE_MODEL, s.TIER_SERVED), "Difference"),
            ),
            "Where the money went in the shown range.",
            f"{_LIST} The difference is premium less saving: below 0 a tier saved.",
            "Begin with the first rows.",
            width=24,
            widths=(("Answering model", 190),),
            absent=_UNPRICED,
        ),
        Panel(
            "timeseries",
            "What tiers made of the bill",
            "suffix: USD/h",
            (Query(q.hourly(q.chosen(r.EFFECTS), s.COST_EFFECT), q.legend(s.COST_EFFECT)),),
            "Premiums paid and not charged, savings made and lost.",
            "against the default tier (paid, made) and against the promised tier (not charged, lost); each above 0.",
            "*saving_lost* is money that a change of yours can keep.",
            absent="No call had such an effect",
            colours=EFFECTS,
        ),
        Panel(
            "timeseries",
            "Premium less saving, by tier",
            "suffix: USD/h",
            (Query(q.hourly(q.chosen(r.PREMIUM), s.TIER_SERVED), q.legend(s.TIER_SERVED)),),
            "What each tier costs above the default tier; below 0 it saves.",
            f"rule `{r.PREMIUM.name}`.",
            "Compare with what the tier brings in *Promise*.",
            absent=_UNPRICED,
            colours=TIERS,
        ),
    ),
)
_TRUST: Final = Row(
    "What these sums leave out",
    (
        Panel(
            "timeseries",
            "Calls without a price",
            "percentunit",
            (Query(q.chosen(r.UNPRICED), q.legend(SERVICE, s.REQUEST_MODEL)),),
            "Share of the calls that no sum holds; 0 where every call has a price.",
            f"rule `{r.UNPRICED.name}`, over an hour.",
            "Below, by reason; `tierscope catalog` prices a model of your own.",
            thresholds=((None, GOOD), (0.05, WARN), (0.5, BAD)),
        ),
        Panel(
            "timeseries",
            "Calls without a price, by reason",
            "suffix: calls/min",
            (Query(q.per_minute(s.UNPRICED, s.UNPRICED_REASON), q.legend(s.UNPRICED_REASON)),),
            "Why they have none.",
            "rate of the answered calls without a price.",
            "*no_usage*: TIERSCOPE_STREAM_USAGE; *unknown_model*: a file of your own; *tier_unreported*: a proxy.",
            stacked=True,
            absent="Every call has a price",
        ),
        Panel(
            "timeseries",
            "Calls whose tokens are unknown",
            "percentunit",
            (Query(q.chosen(r.USAGE_MISSING), q.legend(SERVICE, s.REQUEST_MODEL)),),
            "Share of the answered calls that told no usage: streams, as a rule.",
            f"rule `{r.USAGE_MISSING.name}`, over an hour.",
            "Set TIERSCOPE_STREAM_USAGE=auto, or ask for `stream_options.include_usage`.",
            thresholds=((None, GOOD), (0.2, WARN)),
        ),
        Panel(
            "stat",
            "Age of the price list",
            "suffix: days",
            (Query(f"max({q.chosen(s.CATALOG_AGE)}) / {_DAY}"),),
            "How old the oldest list is by which a service prices its calls.",
            "age of the packaged catalog.",
            f"Above {money.MAX_AGE_DAYS} days update Tierscope: prices may have changed.",
            thresholds=((None, GOOD), (money.MAX_AGE_DAYS, WARN)),
            absent="No service tells its list",
            decimals=0,
        ),
    ),
)
BOARD: Final = Board(
    "money",
    "Tierscope / Money",
    "Cost by tier, service and model; premiums, savings, and what has no price.",
    (_SUMS, _WHO, _TRUST),
    USUAL,
)
