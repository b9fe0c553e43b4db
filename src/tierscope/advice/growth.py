"""Growth of the traffic on Priority, and the calls that may have met the ramp rule: counts by step, no calls."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from tierscope.advice.columns import SHARED, Workload
from tierscope.advice.figures import Beyond
from tierscope.words import BATCH, CAPACITY_OR_UNKNOWN, DOWNGRADED, LONG_CONTEXT, PRIORITY

if TYPE_CHECKING:
    from tierscope.advice.columns import Row
    from tierscope.promise.ramp import Key, Over, Ramps


class Growth:
    """Adds rows up by the provider's own steps."""

    def __init__(self, ramps: Ramps) -> None:
        self._ramps = ramps
        self._tokens: dict[Key, defaultdict[int, int]] = {}
        self._seen: dict[str, list[int]] = {}
        """When the first and the last call of each provider ended: its series all have this span."""
        self._lost: dict[tuple[tuple[Any, ...], Key], dict[tuple[int, int], list[int]]] = {}

    def add(self, row: Row) -> None:
        """Add one call, if it tells of growth: not batch work, nor what is too long for Priority."""
        step_ns = self.step_ns(row)
        if step_ns is None:
            return
        end, taken = row.ended_unix_ns, 0 if row.usage_is_new == 0 else row.input_tokens or 0
        self.see(row.provider, end, end)
        if row.expected == PRIORITY:
            self.take(row, end // step_ns, taken)
            if is_lost(row):
                self.lose(row)

    def step_ns(self, where: Row | Workload) -> int | None:
        """Return the length of the steps of a call that tells of growth; ``None``: it does not."""
        if BATCH in (where.served, where.expected) or where.inferred_cause == LONG_CONTEXT:
            return None
        return self._ramps.step_ns(where.provider)

    def see(self, provider: str, first_ns: int, last_ns: int) -> None:
        """Note when the first and the last of some calls ended."""
        seen = self._seen.setdefault(provider, [first_ns, last_ns])
        seen[0] = min(seen[0], first_ns)
        seen[1] = max(seen[1], last_ns)

    def take(self, where: Row | Workload, step: int, tokens: int) -> None:
        """Add input tokens of calls that expected Priority."""
        key = _key(where)
        if key not in self._tokens:
            self._tokens[key] = defaultdict(int)
        self._tokens[key][step] += tokens

    def lose(self, row: Row) -> None:
        """Add one of those that ``is_lost`` means, with what it would have cost more."""
        step_ns = self._ramps.step_ns(row.provider) or 1
        steps = row.started_unix_ns // step_ns, row.ended_unix_ns // step_ns
        held = self._lost.setdefault((row[:SHARED], _key(row)), {}).setdefault(steps, [0, 0, 0])
        held[0] += 1
        if row.paid is not None and row.at_expected is not None:
            held[1] += 1
            held[2] += row.at_expected - row.paid

    def told(self) -> tuple[Over, tuple[Beyond, ...]]:
        """The steps beyond the rule, and the downgraded calls that ran in one of them."""
        for provider, seen in self._seen.items():
            for end in seen:
                self._ramps.take((provider, None, None), end, 0)
        for key, tokens in self._tokens.items():
            step_ns = self._ramps.step_ns(key[0]) or 1
            for step, count in tokens.items():
                self._ramps.take(key, step * step_ns, count)
        over = self._ramps.over()
        beyond = (
            Beyond(Workload._make(where), key, steps, *counts)
            for (where, key), held in self._lost.items()
            for (first, last), counts in held.items()
            if over.covers(key, steps := range(first, last + 1))
        )
        return over, tuple(beyond)


def is_lost(where: Row | Workload) -> bool:
    """Say whether a call that expected Priority may have lost it for growth."""
    return where.outcome == DOWNGRADED and where.inferred_cause in {None, CAPACITY_OR_UNKNOWN}


def _key(where: Row | Workload) -> Key:
    return where.provider, where.response_model or where.request_model, where.expected
