"""One colour for each tier, outcome and effect on every board, and three for verdicts.

Each set is told apart by colour-blind readers, and shows on white and on Grafana's dark panels. Tiers wear the palette
of Okabe and Ito (jfly.uni-koeln.de/color), but for *batch*: their yellow does not show on white.
"""

from __future__ import annotations

from typing import Final

from tierscope import words as w

GOOD: Final = "#0072B2"
WARN: Final = "#8F7A00"
BAD: Final = "#C2337A"
PLAIN: Final = "#8E8E8E"
"""A figure that is neither good nor bad."""
TIERS: Final = {
    w.PRIORITY: "#E69F00",
    w.DEFAULT: "#56B4E9",
    w.FLEX: "#009E73",
    w.SCALE: "#CC79A7",
    w.ULTRAFAST: "#D55E00",
    w.BATCH: "#7B5FD0",
    w.UNREPORTED: "#999999",
    w.OTHER: "#666666",
}
OUTCOMES: Final = {
    w.HONORED: GOOD,
    w.DOWNGRADED: BAD,
    w.UPGRADED: "#8A24D9",
    w.RESOLVED: "#14BAC9",
    w.REFUSED: "#CAA13A",
    w.FAILED: "#D9480F",
    w.UNREPORTED: TIERS[w.UNREPORTED],
    w.UNVERIFIED: "#C8C8C8",
}
EFFECTS: Final = {
    w.PREMIUM_PAID: "#D9480F",
    w.PREMIUM_NOT_CHARGED: BAD,
    w.SAVING_MADE: GOOD,
    w.SAVING_LOST: "#CAA13A",
}
