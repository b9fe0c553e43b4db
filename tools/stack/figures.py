"""The same counters as Prometheus tells them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from tools.rules.promql import label, name, unlike
from tools.stack.truth import PICO, Truth, unequal

from tierscope import signals as s

if TYPE_CHECKING:
    from tools.stack.prometheus import Prometheus

    from tierscope.declared import Attribute, Metric

VERDICT: Final = (s.REQUEST_MODEL, s.TIER_REQUESTED, s.TIER_EXPECTED, s.TIER_SERVED, s.TIER_OUTCOME)
ASKED: Final = (s.REQUEST_MODEL, s.TIER_REQUESTED)
SERVED: Final = (s.REQUEST_MODEL, s.TIER_SERVED)
UNHEARD: Final = ("no_response", "timeout")
"""Results of attempts that no service needs to know of."""


def told(prometheus: Prometheus) -> Truth:
    """Read calls, attempts, tokens and money from the raw counters, over all that sent."""
    return Truth(
        _counts(prometheus, s.CALLS, VERDICT),
        _counts(prometheus, s.CALL_ATTEMPTS, ASKED, where=unlike(s.ATTEMPT_RESULT, *UNHEARD)),
        _counts(prometheus, s.TOKENS_USED, (*SERVED, s.TOKEN_KIND)),
        _counts(prometheus, s.COST_USD, SERVED, PICO),
    )


def differences(prometheus: Prometheus, truth: Truth) -> list[str]:
    """Say where Prometheus and the simulator's ledger differ; nothing where they agree."""
    here = told(prometheus)
    return [line for what in Truth._fields for line in unequal(what, getattr(here, what), getattr(truth, what))]


def _counts(
    prometheus: Prometheus, metric: Metric, by: tuple[Attribute, ...], scale: int = 1, where: str = ""
) -> Counter[tuple[str, ...]]:
    """Sum a counter by attributes. Its values are whole numbers of so many to one; what is 0 is left out."""
    labels = tuple(map(label, by))
    found = prometheus.by(f"sum by ({', '.join(labels)}) ({name(metric)}{{{where}}}) > 0", *labels)
    return Counter({key: round(value * scale) for key, value in found.items()})
