"""Names and values joined: what is unknown is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


def told(names: Iterable[str], values: Iterable[Any]) -> dict[str, Any]:
    """Return attributes by name; one whose value is ``None`` is absent."""
    return {name: value for name, value in zip(names, values, strict=True) if value is not None}
