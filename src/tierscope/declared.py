"""What a declaration of a signal holds: the forms of ``signals``."""

from __future__ import annotations

from typing import Literal, NamedTuple

Kind = Literal["counter", "histogram", "gauge"]


class Attribute(NamedTuple):
    """One attribute key: what it means, and the closed set of its values where there is one."""

    key: str
    description: str
    values: tuple[str, ...] | None = None
    is_on_spans: bool = True
    """Whether the span of a call may carry it; not so for what only metrics or HTTP spans do."""


class Metric(NamedTuple):
    """One metric: OTel name (no unit in it), kind, unit, description, buckets, attribute keys."""

    name: str
    kind: Kind
    unit: str
    description: str
    attributes: tuple[Attribute, ...]
    buckets: tuple[float, ...] = ()
