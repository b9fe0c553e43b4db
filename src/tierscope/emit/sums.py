"""Counters as sums in our own dictionaries, read by observable counters: a fraction of what an ``add`` costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.metrics import CallbackOptions, Observation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opentelemetry.metrics import Meter

    from tierscope.emit.later import Later
    from tierscope.signals import Metric

Key = tuple[Any, ...]


class Sums:
    """The sums of one metric, keyed by the values of its attributes in the declared order.

    Only one thread adds at a time (``later.Later``); what waits is added before the sums are read.
    """

    def __init__(self, metric: Metric, later: Later) -> None:
        self._keys = tuple(attribute.key for attribute in metric.attributes)
        self._later = later
        self._values: dict[Key, float] = {}

    def add(self, key: Key, amount: float = 1) -> None:
        """Add to one series; an amount of 0 makes it exist."""
        values = self._values
        values[key] = values.get(key, 0) + amount

    def put(self, key: Key, value: float) -> None:
        """Set the last value of one series (gauges)."""
        self._values[key] = value

    def clear(self) -> None:
        """Forget everything: a forked child has sums of its own."""
        self._values = {}

    def observe(self, _options: CallbackOptions) -> Iterable[Observation]:
        """Return one observation a series; a value of ``None`` is an attribute that is absent."""
        self._later.drain()
        return [Observation(value, self._attributes(key)) for key, value in list(self._values.items())]

    def _attributes(self, key: Key) -> dict[str, Any]:
        return {name: value for name, value in zip(self._keys, key, strict=True) if value is not None}


def observable(meter: Meter, metric: Metric, later: Later) -> Sums:
    """Create the instrument of a counter or gauge and return its sums."""
    sums = Sums(metric, later)
    create = meter.create_observable_gauge if metric.kind == "gauge" else meter.create_observable_counter
    create(metric.name, callbacks=[sums.observe], unit=metric.unit, description=metric.description)
    return sums
