"""Histograms that are bound to one attribute set.

The SDK offers none: it cleans, sorts and hashes the set anew for each record, which is four fifths of what a record
costs (ADR 24). Known are the internals of the versions in ``KNOWN``, with which ``tests/sdk/test_binding.py`` compares
points and exemplars with those of ``Histogram.record``; with any other, that is what records.
"""
# ruff: noqa: SLF001  that is the point

from __future__ import annotations

from math import inf
from time import time_ns
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from opentelemetry.version import __version__ as api_version

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from opentelemetry.context import Context
    from opentelemetry.metrics import Histogram

KNOWN: Final = ("1.45.",)
"""Minor versions, of the API: an SDK requires the very API that it was released with."""
_MODULE: Final = "opentelemetry.sdk.metrics._internal.instrument"
_PROXIES: Final = "opentelemetry.metrics._internal.instrument"


def recorder(histogram: Histogram, attributes: Mapping[str, Any]) -> Callable[[float, Context], None]:
    """Return what records values with these attributes, in a context whose span is their exemplar."""
    real: Any = histogram
    if type(histogram).__module__ == _PROXIES:  # made before there was a provider, and for good set with it
        real = getattr(histogram, "_real_instrument", None) or histogram
    if type(real).__module__ == _MODULE and api_version.startswith(KNOWN):
        return BoundHistogram(real, attributes).record
    return lambda value, context: histogram.record(value, attributes, context)


class BoundHistogram:
    """The SDK's histogram, its aggregations of one attribute set at hand."""

    __slots__ = ("_aggregations", "_attributes", "_histogram", "_keyed", "_storages")

    def __init__(self, histogram: Any, attributes: Mapping[str, Any]) -> None:
        self._histogram = histogram
        self._attributes = attributes
        self._storages: Any = None

    def record(self, value: float, context: Context) -> None:
        """Do what ``Histogram.record`` does."""
        histogram, attributes = self._histogram, self._attributes
        if not 0 <= value < inf or not histogram._is_enabled():
            histogram.record(value, attributes, context)
            return
        consumer = histogram._measurement_consumer
        storages = consumer._reader_storages
        if storages is not self._storages:  # another one as soon as a reader comes or goes
            self._bind(storages)
        at_ns = time_ns()
        is_exemplar = consumer._sdk_config.exemplar_filter.should_sample(value, at_ns, attributes, context)
        measurement = _Measurement(value, at_ns, histogram, context, attributes)
        for aggregation in self._aggregations:
            aggregation.aggregate(measurement, is_exemplar)
        for match, key, kept in self._keyed:
            with match._lock:
                match._get_or_create_aggregation(key, kept).aggregate(measurement, is_exemplar)

    def _bind(self, storages: Any) -> None:
        """Find where each reader aggregates this set: for good, or by its key where every collection begins anew."""
        from opentelemetry.sdk.metrics._internal import _view_instrument_match as sdk  # noqa: PLC0415  where there is one

        self._aggregations, self._keyed = [], []
        for match in (
            one for each in storages.values() for one in each._get_or_init_view_instrument_match(self._histogram)
        ):
            names = match._view._attribute_keys
            kept = {name: value for name, value in self._attributes.items() if names is None or name in names}
            key = sdk._hash_attributes(kept)
            if match._reset_on_collect:
                self._keyed.append((match, key, kept))
                continue
            with match._lock:
                self._aggregations.append(match._get_or_create_aggregation(key, kept))
        self._storages = storages


class _Measurement(NamedTuple):
    """What an aggregation reads of the SDK's own, whose making cleans the attributes."""

    value: float
    time_unix_nano: int
    instrument: Any
    context: Context
    attributes: Mapping[str, Any]
