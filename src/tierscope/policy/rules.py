"""Which workload should use which tier, and which one people wait for: the rules of a team, applied. Pure."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from tierscope.words import AUTO, CANONICAL, UNSET

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tierscope.model import Call

KEPT: Final = "kept"
DRIFTED: Final = "drifted"
UNSAID: Final = "unsaid"
VERDICTS: Final = (KEPT, DRIFTED, UNSAID)
"""The tier is the one that was wanted; another; or nothing tells which one the call got."""


class Facts(NamedTuple):
    """What rules can ask of a call: what its record, and its row in a ledger, hold. ``None`` matches nothing."""

    provider: str
    operation: str
    endpoint: str
    requested: str
    model: str | None = None
    """As asked for."""
    answered: str | None = None
    """As the reply names it."""
    project: str | None = None
    deployment: str | None = None
    host: str | None = None
    service: str | None = None
    """``service.name`` of the process that made the call."""
    ambient: tuple[tuple[str, str], ...] = ()
    """While a call is made: what was around it of that which rules ask for, by key and value."""
    spoken: str | None = None
    """Of a row in a ledger, which holds nothing of that: the rule that spoke of the call when it was made."""

    def values(self, key: str) -> tuple[str, ...]:
        """Return what a key of a rule is compared with; a model goes by either name."""
        if key.startswith(_AMBIENT):
            return tuple(value for name, value in self.ambient if name == key)
        found = (self.model, self.answered) if key == "model" else (getattr(self, key),)
        return tuple(value for value in found if value is not None)


ATTRIBUTE: Final = "attribute"
BAGGAGE: Final = "baggage"
TABLES: Final = (ATTRIBUTE, BAGGAGE)
"""What a rule may match by that is around a call, by names of its own: attributes of the span that is current where the
call is made, and entries of the baggage there. In rules their keys are ``attribute.NAME`` and ``baggage.NAME``."""
_AMBIENT: Final = tuple(f"{table}." for table in TABLES)
KEYS: Final = (*(key for key in Facts._fields if key not in {"answered", "ambient", "spoken"}), *TABLES)
"""What a rule may match by."""


class Workload(NamedTuple):
    """One rule: the calls it speaks of, and what is wanted of them."""

    name: str
    match: Mapping[str, tuple[str, ...]]
    """By key, patterns of which one must match; ``*`` stands for any text. Every key must match."""
    tier: str | None = None
    """Canonical tier; ``None``: the rule wants none."""
    interactive: bool | None = None
    """Whether somebody waits for the replies; ``None``: not said."""

    def speaks_of(self, facts: Facts) -> bool:
        """Say whether the rule is about such a call; what was around it, of a row in a ledger, by its word of then."""
        return all(
            _any(patterns, facts.values(key)) or (facts.spoken == self.name and key.startswith(_AMBIENT))
            for key, patterns in self.match.items()
        )

    @property
    def ambient(self) -> tuple[str, ...]:
        """The keys that ask for what is around a call."""
        return tuple(key for key in self.match if key.startswith(_AMBIENT))

    def hides(self, later: Workload) -> bool:
        """Say whether a later rule can never be reached: this one speaks of all that the other speaks of."""
        return all(
            key in later.match and all(any(fits(own, other) for own in patterns) for other in later.match[key])
            for key, patterns in self.match.items()
        )


class Policy:
    """The rules in their order: the first that speaks of a call decides."""

    def __init__(self, workloads: tuple[Workload, ...]) -> None:
        self.workloads = workloads
        self.ambient = tuple(dict.fromkeys(key for workload in workloads for key in workload.ambient))
        """The keys of all rules that ask for what is around a call, each once."""

    def workload(self, facts: Facts) -> Workload | None:
        """Return the rule about a call; ``None``: there is none."""
        return next((workload for workload in self.workloads if workload.speaks_of(facts)), None)

    def of(self, call: Call, service: str | None) -> Workload | None:
        """Return the rule about a call of a service; ``None``: there is none."""
        request, reply = call.request, call.reply
        return self.workload(
            Facts(
                request.provider,
                request.operation,
                request.endpoint,
                request.requested,
                request.model,
                reply.model if reply is not None else None,
                request.project,
                request.deployment,
                request.address,
                service,
                call.ambient,
            )
        )


def fits(pattern: str, text: str) -> bool:
    """Say whether a pattern matches a text; or, where the text is a pattern too, all that this one matches."""
    return _compiled(pattern).fullmatch(text) is not None


@functools.lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, pattern.split("*"))), re.DOTALL)


def _any(patterns: tuple[str, ...], values: tuple[str, ...]) -> bool:
    return any(fits(pattern, value) for pattern in patterns for value in values)


def used(requested: str, expected: str | None, served: str) -> str | None:
    """Return the tier a call was meant for: the promised one; where nothing was asked for, the one that served.

    ``None``: nothing tells. What became of a promise is no drift: a downgrade is the service's doing.
    """
    if expected is not None:
        return expected
    return served if requested in {AUTO, UNSET} and served in CANONICAL else None


def verdict(wanted: str, requested: str, expected: str | None, served: str) -> str:
    """Say whether a call was meant for the tier that is wanted of it: one of ``VERDICTS``."""
    meant = used(requested, expected, served)
    if meant is None:
        return UNSAID
    return KEPT if meant == wanted else DRIFTED
