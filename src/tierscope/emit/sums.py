"""Counters as sums of our own, read by observable counters: a fraction of what an ``add`` costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from opentelemetry.metrics import CallbackOptions, Observation

from tierscope.emit.attributes import told

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opentelemetry.metrics import Meter

    from tierscope.declared import Metric
    from tierscope.emit.later import Later

Key = tuple[Any, ...]


class Cell:
    """The sum, or the last value, of one series."""

    __slots__ = ("value",)

    def __init__(self) -> None:
        self.value: float = 0


class Sums:
    """The series of one metric, keyed by the values of its attributes in the declared order.

    Only one thread adds at a time (``later.Later``); what waits is added before the sums are read.
    """

    def __init__(self, metric: Metric, later: Later, per: int = 1) -> None:
        self._per = per
        self._keys = tuple(attribute.key for attribute in metric.attributes)
        self._later = later
        self._cells: dict[Key, Cell] = {}

    def cell(self, *key: Any) -> Cell:
        """Return one series; asking for it makes it exist, at 0."""
        cell = self._cells.get(key)
        if cell is None:
            cell = self._cells[key] = Cell()
        return cell

    def clear(self) -> None:
        """Forget everything: a forked child has sums of its own."""
        self._cells = {}

    def observe(self, _options: CallbackOptions) -> Iterable[Observation]:
        """Return one observation a series; a value of ``None`` is an attribute that is absent."""
        self._later.drain()
        per, cells = self._per, list(self._cells.items())
        return [Observation(cell.value if per == 1 else cell.value / per, told(self._keys, key)) for key, cell in cells]


class Cells(dict[Any, "Cell"]):
    """The series of one metric that differ in the last attributes alone, made when they are first met."""

    def __init__(self, sums: Sums, *key: Any) -> None:
        super().__init__()
        self._sums = sums
        self._key: Key = key

    def __missing__(self, last: Any) -> Cell:
        cell = self[last] = self._sums.cell(*self._key, *(last if isinstance(last, tuple) else (last,)))
        return cell


def observable(meter: Meter, metric: Metric, later: Later, per: int = 1) -> Sums:
    """Create the instrument of a counter or gauge and return its sums, kept in so many parts of the metric's unit."""
    sums = Sums(metric, later, per)
    create = meter.create_observable_gauge if metric.kind == "gauge" else meter.create_observable_counter
    create(metric.name, callbacks=[sums.observe], unit=metric.unit, description=metric.description)
    return sums
