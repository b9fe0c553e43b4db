"""Advice: what a ledger says should be changed, each finding with its money over the observed span.

A rule is a function of a file of its own: figures in, findings out. None finds anything without a number, and no number
is one that the ledger does not hold.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from tierscope import policy as policies
from tierscope.advice import (
    cache_breaks,
    could_wait,
    deployment_type,
    flex_lost,
    flex_timeout,
    futile_retries,
    long_context,
    never_served,
    no_usage,
    ramp_rate,
    same_rate,
    scale_units,
)
from tierscope.advice.figures import Figures
from tierscope.advice.finding import MONEY, Finding, Money, Span, Subject, ranked
from tierscope.advice.known import Known, Units
from tierscope.advice.reading import Reading
from tierscope.catalog.prices import rates
from tierscope.catalog.promises import promises
from tierscope.ledger.store import open_to_read
from tierscope.promise.ramp import Ramps

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = [
    "MONEY",
    "RULES",
    "Figures",
    "Finding",
    "Known",
    "Money",
    "Span",
    "Subject",
    "Units",
    "advise",
    "find",
    "read",
]

_FINDERS: Final = (
    cache_breaks.find,
    could_wait.find,
    deployment_type.find,
    flex_lost.find,
    flex_timeout.find,
    futile_retries.find,
    long_context.find,
    never_served.find,
    no_usage.find,
    ramp_rate.find,
    same_rate.find,
    scale_units.find,
)
RULES: Final = (
    cache_breaks.RULE,
    could_wait.RULE,
    deployment_type.RULE,
    flex_lost.RULE,
    flex_timeout.RULE,
    futile_retries.RULE,
    long_context.RULE,
    never_served.RULE,
    no_usage.RULE,
    ramp_rate.RULE,
    same_rate.RULE,
    scale_units.IDLE,
    scale_units.SPILL,
)
"""The name of every rule: what the id of a finding begins with."""


def advise(
    ledger: str | Path,
    *,
    policy: str | Path | None = None,
    units: Iterable[Units] = (),
    catalog: str | None = None,
    ramp_window: float | None = None,
) -> tuple[Finding, ...]:
    """Return what should be changed, by money, most first; what has none in the ledger comes last.

    Args:
        ledger: path of a ledger.
        policy: path of a policy, which says what nobody waits for.
        units: Scale units that were bought.
        catalog: path of a user's file of prices and promises.
        ramp_window: seconds, instead of the ramp rule's: for simulations.

    Raises:
        LedgerError: the ledger cannot be read.
        sqlite3.Error: it cannot be read to its end.
        PolicyError: the policy cannot be used.
        CatalogError: the user's file cannot be used.

    """
    known = Known(rates(catalog), promises(catalog), None if policy is None else policies.read(policy), tuple(units))
    return find(read(ledger, known, ramp_window), known)


def read(ledger: str | Path, known: Known, ramp_window: float | None = None) -> Figures:
    """Read what rules are made of, once for all of them.

    Raises:
        LedgerError: the ledger cannot be read.
        sqlite3.Error: it cannot be read to its end.

    """
    reading, db = Reading(known.rates, Ramps(known.promises.ramp, ramp_window)), open_to_read(ledger)
    if db is None:
        return reading.figures()
    with contextlib.closing(db):
        return reading.read(db)


def find(figures: Figures, known: Known) -> tuple[Finding, ...]:
    """Ask every rule."""
    return ranked([finding for finder in _FINDERS for finding in finder(figures, known)])
