"""JSON values of unknown making, read without trust: what has the wrong type is absent."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


def text(value: object) -> str | None:
    """Return a non-empty string as it is, anything else as absent."""
    return value if isinstance(value, str) and value else None


def count(value: object) -> int | None:
    """Return a whole number as it is, anything else as absent (JSON's ``true`` is no number)."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def mapping(value: object) -> Json:
    """Return an object as it is, anything else as an empty one."""
    return value if isinstance(value, dict) else {}


def objects(value: object) -> list[Json]:
    """Return the objects of a list; whatever else stands in it is no object of the API."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
