"""A finished call as metrics: sums for counters, one record a histogram, nothing per chunk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tierscope import guard
from tierscope.emit.batches import BatchSeries
from tierscope.emit.bounds import Bounded
from tierscope.emit.instruments import Instruments
from tierscope.emit.later import Later
from tierscope.emit.series import Series
from tierscope.forks import at_fork

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.metrics import Meter
    from opentelemetry.trace import SpanContext

    from tierscope.catalog.prices import Rates
    from tierscope.emit.drift import Drift
    from tierscope.model import Call
    from tierscope.policy import Policy

MAX_SERIES: Final = 2048
"""Combinations whose series are kept at hand; what comes on top is looked up anew each time."""


class Meters:
    """Records calls on every metric declared in ``signals``."""

    def __init__(self, meter: Meter, *, genai: bool) -> None:
        self._model = Bounded()
        self._series: dict[tuple[Any, ...], Series | BatchSeries] = {}
        self._drift: Drift | None = None
        self._made: Drift | None = None
        """The SDK refuses a second set of instruments: what was made stays."""
        self._meter = meter
        self._uncounted: list[tuple[Series | BatchSeries, Call]] = []
        self._later = Later(self._record, then=self._count)
        self._instruments = Instruments(meter, self._later, genai=genai)
        self.drain = self._later.drain
        """Record what waits."""
        at_fork(before=self._later.before_fork, in_parent=self._later.after_fork_in_parent, in_child=self._forked)

    def use(self, rates: Rates, policy: Policy | None, service: Callable[[], str | None]) -> None:
        """Price by this list from now on, and count what drifts from this policy, in calls of this service.

        ``None``: there is no policy.
        """
        self._instruments.rates = rates
        if policy is not None:
            from tierscope.emit.drift import Drift  # noqa: PLC0415  only where there is a policy

            self._made = self._made or Drift(self._meter, self._later, policy, service)
            self._made.policy, self._made.service = policy, service
        self._drift = None if policy is None else self._made
        self._series = {}

    def _forked(self) -> None:
        self._later.after_fork_in_child()
        self._series = {}
        if self._made is not None:
            self._made.clear()
        self._uncounted = []
        for sums in self._instruments.sums:
            sums.clear()

    def record(self, call: Call, span: SpanContext, *, genai: bool = True) -> None:
        """Record one call, soon; ``span`` is its exemplar, if sampled; ``genai`` off: another has recorded."""
        self._later.put(call, span if span.trace_flags.sampled else None, genai)

    def _record(self, call: Call, span: SpanContext | None, genai: bool) -> None:
        series = self._series_of(call)
        self._uncounted.append((series, call))
        series.measure(call, span)
        if series.drift is not None:
            series.drift.value += 1
        if genai and series.conventions is not None:
            series.conventions.measure(call, span)

    def _count(self) -> None:
        """Count the calls whose values are recorded, one after the other: between records it costs four times more."""
        uncounted, self._uncounted = self._uncounted, []
        for series, call in uncounted:
            guard.isolate("metrics", series.count, call)

    def _series_of(self, call: Call) -> Series | BatchSeries:
        model = call.reply.model if call.reply is not None else None
        key: tuple[Any, ...] = (call.request, model, call.served, call.outcome, call.error_type)
        if call.ambient and self._drift is not None:  # by the rule: there are more values than rules
            rule = self._drift.rule(call)
            key = (*key, rule and rule.name)
        series = self._series.get(key)
        if series is None:
            kind = Series if call.request.operation != "batch" else BatchSeries
            asked = self._model(call.request.model)
            series = kind(self._instruments, call, asked, self._model(model))
            if self._drift is not None:
                series.drift = self._drift.cell(call, asked)
            if len(self._series) < MAX_SERIES:
                self._series[key] = series
        return series
