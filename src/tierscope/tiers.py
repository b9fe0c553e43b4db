"""The vocabulary of tiers: canonical form, expectation, outcome. Pure.

Sources: OpenAI fast-mode guide (``fast`` and ``priority`` are one tier since 2026-07-30), Microsoft Learn
"Enable priority processing" (deployment table), openai-python 3.54 ``types/responses/service_tier.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from tierscope.words import (
    ALIASES,
    AUTO,
    CANONICAL,
    CAPACITY_OR_UNKNOWN,
    DEFAULT,
    DOWNGRADED,
    FLEX,
    HONORED,
    LONG_CONTEXT,
    OTHER,
    PRIORITY,
    RESOLVED,
    SCALE,
    ULTRAFAST,
    UNREPORTED,
    UNSET,
    UNVERIFIED,
    UPGRADED,
    WIRE,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

ReplyState = Literal["refused", "failed", "pending", "answered"]
"""No reply and refused; no reply or an error; not final yet; final."""


def _table() -> dict[tuple[str, str], str]:
    """Outcome of each (expected, served) pair: rank decides, ``scale`` and ``batch`` stand beside it."""
    ranked = (FLEX, DEFAULT, PRIORITY, ULTRAFAST)
    table = {(tier, tier): HONORED for tier in CANONICAL}
    for asked, expected in enumerate(ranked):
        for given, served in enumerate(ranked):
            if given != asked:
                table[expected, served] = DOWNGRADED if given < asked else UPGRADED
    for tier in (DEFAULT, FLEX):
        table[SCALE, tier] = DOWNGRADED
        table[tier, SCALE] = UPGRADED
    return table


TABLE: Final[Mapping[tuple[str, str], str]] = {
    **{(expected, served): UNVERIFIED for expected in CANONICAL for served in CANONICAL},
    **_table(),
}
"""The 6 x 6 table; pairs without a documented relation are ``unverified``."""


def canonical(raw: str | None, aliases: Mapping[str, str] = ALIASES) -> str | None:
    """Return the canonical word for a tier as received; ``_OTHER`` if unknown, ``None`` if there was none."""
    if not raw:
        return None
    word = aliases.get(raw, raw)
    return word if word in WIRE else OTHER


def requested(raw: str | None, aliases: Mapping[str, str] = ALIASES) -> str:
    """Return the requested tier: ``unset`` if nothing was sent; ``auto`` is a value of its own."""
    if raw == AUTO:
        return AUTO
    return canonical(raw, aliases) or UNSET


def served(raw: str | None, aliases: Mapping[str, str] = ALIASES) -> str:
    """Return the served tier; absent, empty and ``auto`` (an echo, never a tier) are ``unreported``."""
    return UNREPORTED if raw == AUTO else canonical(raw, aliases) or UNREPORTED


def expected(request: str, *, configured: str | None, auto_means: str | None) -> str | None:
    """Return the tier that was promised, or ``None`` where nobody said what ``auto`` resolves to.

    Args:
        request: the requested tier as ``requested()`` gives it.
        configured: the configured default of the project or deployment.
        auto_means: what an explicit ``auto`` means on this path (Azure's header: ``priority``).

    """
    if request == AUTO and auto_means is not None:
        return auto_means
    if request in {AUTO, UNSET}:
        return configured
    return request if request in CANONICAL else None


def outcome(*, expectation: str | None, served_word: str, trusted: bool, state: ReplyState) -> str:
    """Say whether the promise was kept; the first rule that matches wins (DESIGN, section 3)."""
    if state in {"refused", "failed"}:
        return state
    if state == "pending" or not trusted:
        return UNVERIFIED
    if served_word == UNREPORTED:
        return UNREPORTED
    if served_word == OTHER:
        return UNVERIFIED
    if expectation is None:
        return RESOLVED
    return TABLE[expectation, served_word]


def inferred_cause(outcome_word: str, *, input_tokens: int | None, excludes_long_context: bool) -> str | None:
    """Infer why a call was downgraded; the API never says. ``ramp_rate`` needs a series, not one call."""
    if outcome_word != DOWNGRADED:
        return None
    is_long = input_tokens is not None and input_tokens > LONG_CONTEXT_TOKENS
    return LONG_CONTEXT if excludes_long_context and is_long else CAPACITY_OR_UNKNOWN


LONG_CONTEXT_TOKENS: Final = 128_000
"""Prompts above this are long (OpenAI and Azure priority pages, footnote 1; the service judges by an estimate)."""
