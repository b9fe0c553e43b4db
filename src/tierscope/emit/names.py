"""What the process is called: by the resource of its tracer provider, else by its environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from opentelemetry import trace

from tierscope import guard

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider

_KEY: Final = "service.name"
_UNKNOWN: Final = "unknown_service"
"""What the SDK says where nobody has named the service; it puts the executable's name behind it."""


def service(tracers: TracerProvider | None, told: str | None) -> str | None:
    """Return the name of the service; ``None``: it has none.

    Args:
        tracers: the provider that spans are made with; ``None``: the global one.
        told: what the environment says, for a process whose provider has no resource, or one that does not name it.

    """
    own = guard.isolate("service", _own, tracers)
    return next((name for name in (own, told) if isinstance(name, str) and _is_said(name)), None)


def _own(tracers: TracerProvider | None) -> object:
    """Ask a provider, which may be anybody's."""
    resource = getattr(tracers or trace.get_tracer_provider(), "resource", None)
    attributes: Any = getattr(resource, "attributes", None)
    return attributes.get(_KEY) if isinstance(attributes, Mapping) else None


def _is_said(name: str) -> bool:
    return bool(name) and name != _UNKNOWN and not name.startswith(f"{_UNKNOWN}:")
