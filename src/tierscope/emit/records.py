"""Histograms with the attribute sets they were given before: a set of a closed combination is made once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.metrics import Histogram, Meter

    from tierscope.signals import Metric

MAX_SETS: Final = 2048
"""Sets that are kept, a histogram: what comes on top is made anew each time."""


class Records:
    """The records of one histogram, keyed by the values of its attributes in the declared order."""

    __slots__ = ("_histogram", "_keys", "_sets")

    def __init__(self, histogram: Histogram, keys: tuple[str, ...]) -> None:
        self._histogram = histogram
        self._keys = keys
        self._sets: dict[tuple[Any, ...], dict[str, Any]] = {}

    def add(self, value: float, key: tuple[Any, ...], context: Context | None) -> None:
        """Record a value; ``context`` holds the span of its exemplar. A ``None`` in the key is an absent attribute."""
        attributes = self._sets.get(key)
        if attributes is None:
            attributes = {name: part for name, part in zip(self._keys, key, strict=True) if part is not None}
            if len(self._sets) < MAX_SETS:
                self._sets[key] = attributes
        self._histogram.record(value, attributes, context)


def recorded(meter: Meter, metric: Metric) -> Records:
    """Create the instrument of a histogram and return its records."""
    histogram = meter.create_histogram(
        metric.name,
        unit=metric.unit,
        description=metric.description,
        explicit_bucket_boundaries_advisory=metric.buckets,
    )
    return Records(histogram, tuple(attribute.key for attribute in metric.attributes))
