"""How the page's figures are made: what was counted, what is left out of which, what is inferred, what is open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tierscope.cli.claim import MEASURED, OPEN
from tierscope.cli.sentences import dropped, left_out, totals, tries
from tierscope.html.page import Listed, Section

if TYPE_CHECKING:
    import datetime as dt

    from tierscope.ledger.figures import Report

KEY, TITLE = "method", "How these figures are made"
SPEED: Final = (
    (
        "A point of a line is the median of one window of five minutes: of an even number of calls the lower of the "
        "two in the middle. It is above the target exactly where reading A holds that the window was met."
    ),
    (
        "Windows without calls that count break the line: nothing is drawn where nothing is known. A line over a "
        "long time joins windows, and its table says how many, with the lowest and the highest median among them."
    ),
    (
        "Tiers of which nothing is promised are held to the same rules as those of which something is, so that they "
        "can be compared. Percentiles and medians are exact (nearest rank), never interpolated."
    ),
)
TIERS: Final = (
    (
        "Requested is what the caller sent, served what the reply named, each in one word: fast is priority, "
        "standard is default. Share is of the calls of a model that asked for, and expected, the same tier."
    ),
    (
        "A downgrade is counted only where a tier was expected and the host's own documents say that its replies "
        "name the tier that served."
    ),
)
MONEY: Final = (
    (
        "Prices are list prices of the served tier on the day of the call: no invoice, no discount, no tax. A call "
        "without a proven price is unpriced: counted, and in no sum."
    ),
    (
        "The counterfactual is the same tokens at the default tier. Premium paid and saving made are what served "
        "calls cost above and below it. Premium not charged is what downgraded calls would have cost more at the "
        "tier that was promised, saving lost what calls cost above the flex tier they asked for. Speed that was "
        "lost has no price here."
    ),
    (
        "Calls served from Scale have no price of their own, since its units are paid by the day: they are in "
        "neither sum."
    ),
)
INFERRED: Final = (
    (
        "Inferred: the causes of downgrades. The API states none. ramp_rate follows from the growth of completed "
        "input tokens per minute, of which one ledger sees a lower bound; long_context from the tokens that were "
        "counted, where the service goes by an estimate of its own."
    ),
    (
        "Extrapolated: only amounts of a month, and only beyond a day of calls; each says so. No other figure is "
        "estimated."
    ),
    "Not known and zero look different: a dash is unknown, 0 was counted.",
)


def section(report: Report, as_of: dt.date) -> Section:
    """The section; the prices are of a day."""
    dated = f"The price list is as of {as_of:%-d %B %Y}."
    return Section(
        KEY,
        TITLE,
        (
            Listed("What was counted", (*dropped(report), *totals(report), *tries(report), *left_out(report))),
            Listed("Tiers", TIERS),
            Listed("Speed", (*MEASURED, *SPEED)),
            Listed("Money", (*MONEY, dated)),
            Listed("What is inferred, and what extrapolated", INFERRED),
            Listed("What the contract leaves open", OPEN),
        ),
    )
