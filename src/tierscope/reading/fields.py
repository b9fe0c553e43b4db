"""Fields of a JSON mapping or of a parsed SDK object, checked: a wrong type is the same as absence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_NOTHING: Final[Mapping[str, Any]] = {}
_INT64: Final = 2**63
MAX_TEXT: Final = 512
"""Characters kept of any text from the wire; ids and models are far shorter."""


def mapping(thing: object) -> Mapping[str, Any]:
    """Return a thing's fields for several look-ups: of a parsed object the declared ones and the extras."""
    if type(thing) is dict:
        return thing
    fields = getattr(thing, "__dict__", None) or _NOTHING
    extra = getattr(thing, "__pydantic_extra__", None)
    return {**extra, **fields} if extra else fields


def field(thing: object, name: str) -> Any:
    """Return a field, or ``None``. Declared fields of pydantic models stand in ``__dict__``, others in the extras.

    ``getattr`` is no substitute: a miss on a pydantic chunk costs 3 microseconds (openai 3.54).
    """
    if type(thing) is dict:
        return thing.get(name)
    fields = getattr(thing, "__dict__", None)
    if fields is None:
        return None
    if name in fields:
        return fields[name]
    extra = getattr(thing, "__pydantic_extra__", None)
    return extra.get(name) if extra else None


def text(thing: object, name: str) -> str | None:
    """Return a non-empty text of bounded length, or ``None``."""
    value = field(thing, name)
    return value[:MAX_TEXT] if isinstance(value, str) and value else None


def texts(*values: object) -> list[str | None]:
    """Return each value as ``text`` would: one hop for all, since bodies are read inside the application's call."""
    return [value[:MAX_TEXT] if isinstance(value, str) and value else None for value in values]


def counts(*values: object) -> list[int | None]:
    """Return each value as ``count`` would."""
    return [value if type(value) is int and 0 <= value < _INT64 else None for value in values]


def count(value: object) -> int | None:
    """Return a count of zero or more that OTLP can carry (int64), or ``None``; a bool is no count."""
    return value if type(value) is int and 0 <= value < _INT64 else None


def flag(thing: object, name: str) -> bool | None:
    """Return a bool, or ``None``."""
    value = field(thing, name)
    return value if isinstance(value, bool) else None


def items(thing: object, name: str) -> list[Any]:
    """Return the entries of a list that are there; ``null`` entries are left out."""
    value = field(thing, name)
    return [entry for entry in value if entry is not None] if isinstance(value, list) else []
