"""One colour for each tier on every board, and three for verdicts; told apart by colour-blind readers too.

Tiers wear the palette of Okabe and Ito (jfly.uni-koeln.de/color), verdicts three of Paul Tol's "muted" scheme.
"""

from __future__ import annotations

from typing import Final

from tierscope import words as w

TIERS: Final = {
    w.PRIORITY: "#E69F00",
    w.DEFAULT: "#56B4E9",
    w.FLEX: "#009E73",
    w.SCALE: "#CC79A7",
    w.ULTRAFAST: "#D55E00",
    w.BATCH: "#F0E442",
    w.UNREPORTED: "#999999",
    w.OTHER: "#666666",
}
GOOD: Final = "#0072B2"
WARN: Final = "#DDCC77"
BAD: Final = "#882255"
PLAIN: Final = "#8E8E8E"
"""A figure that is neither good nor bad."""
