"""What the wire may bring: any JSON value, documents with one value replaced, and the SDK's parsed form of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from hypothesis import strategies as st
from openai._models import construct_type  # what the SDK itself makes of a body or a chunk

if TYPE_CHECKING:
    from collections.abc import Iterator

Path = tuple[str | int, ...]
R = TypeVar("R")
KNOWN_NAMES: Final = (
    "id",
    "usage",
    "choices",
    "delta",
    "content",
    "index",
    "error",
    "code",
    "message",
    "type",
    "status",
)
values: Final = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**65), 2**65)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["priority", "stop", "", "x" * 600, "12", 0, -1, 2**63, 2**63 - 1]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KNOWN_NAMES), inner, max_size=3),
    max_leaves=6,
)
"""Any JSON value, the usual names and words among them."""


def replaced(doc: Any, path: Path, value: Any) -> Any:
    """Return the document with one value replaced; the document itself stays."""
    if not path:
        return value
    step, *rest = path
    if isinstance(doc, list) and isinstance(step, int):
        return [replaced(entry, tuple(rest), value) if at == step else entry for at, entry in enumerate(doc)]
    return {**doc, step: replaced(doc.get(step), tuple(rest), value)}


def without(doc: dict[str, Any], path: Path) -> Any:
    """Return the document with one key left out."""
    head, last = path[:-1], path[-1]
    inner: Any = doc
    for step in head:
        inner = inner[step]
    return replaced(doc, head, {key: value for key, value in inner.items() if key != last})


def places(doc: Any, path: Path = ()) -> Iterator[Path]:
    """Yield where every value of a document stands, the document itself first."""
    yield path
    entries = doc.items() if isinstance(doc, dict) else enumerate(doc) if isinstance(doc, list) else ()
    for step, inner in entries:
        yield from places(inner, (*path, step))


def parsed(kind: Any, doc: Any) -> Any:
    """Return what an application gets for this JSON from the SDK: a pydantic object made without validation."""
    return construct_type(type_=kind, value=doc)


def changed(record: R, name: str, value: Any) -> R:
    """Return a record with one field changed."""
    fields: Any = record
    return fields._replace(**{name: value})  # type: ignore[no-any-return]


def as_text(value: Any) -> str | None:
    """Say what a text field must read as: itself, at most 512 characters, or unknown."""
    return value[:512] if isinstance(value, str) and value else None


def as_count(value: Any) -> int | None:
    """Say what a count must read as: a whole number of zero or more that fits OTLP's int64, or unknown."""
    return value if type(value) is int and 0 <= value <= 9_223_372_036_854_775_807 else None
