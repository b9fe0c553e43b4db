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
        step_ns = self._ramps.step_ns(row.provider)
        if step_ns is None or BATCH in (row.served, row.expected) or row.inferred_cause == LONG_CONTEXT:
            return
        end = row.ended_unix_ns
        seen = self._seen.setdefault(row.provider, [end, end])
        seen[0] = min(seen[0], end)
        seen[1] = max(seen[1], end)
        if row.expected == PRIORITY:
            self._add(row, end // step_ns, step_ns)

    def _add(self, row: Row, step: int, step_ns: int) -> None:
        key = row.provider, row.response_model or row.request_model, row.expected
        tokens = self._tokens.get(key)
        if tokens is None:
            tokens = self._tokens[key] = defaultdict(int)
        tokens[step] += 0 if row.usage_is_new == 0 else row.input_tokens or 0
        if row.outcome == DOWNGRADED and row.inferred_cause in {None, CAPACITY_OR_UNKNOWN}:
            steps = row.started_unix_ns // step_ns, step
            held = self._lost.setdefault((row[:SHARED], key), {}).setdefault(steps, [0, 0, 0])
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
