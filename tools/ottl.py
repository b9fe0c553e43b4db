"""Statements of the Collector's transformation language (OTTL), as text: the grammar, not the meaning."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tierscope.declared import Attribute

NEVER: Final = "a^"
"""A pattern that matches nothing, and needs no sign that the Collector's variables would read."""


def span(key: str | Attribute) -> str:
    """Return the path of a span attribute."""
    return f'span.attributes["{_key(key)}"]'


def text(value: str) -> str:
    """Return a string literal; a `$` is doubled, which else would begin a variable of the Collector."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "$$")
    return f'"{escaped}"'


def variable(name: str, default: str = NEVER) -> str:
    """Return a string literal that is an environment variable with a default."""
    return f'"${{env:{name}:-{default}}}"'


def put(path: str, value: str, when: str = "") -> str:
    """Return a statement that sets a path."""
    return f"set({path}, {value})" + (f" where {when}" if when else "")


def matches(path: str, pattern: str) -> str:
    """Return a condition: the pattern is found; false where nothing is there to look in."""
    return f"({path} != nil and IsMatch({path}, {text(pattern)}))"


def is_word(path: str, words: Iterable[str]) -> str:
    """Return a condition: the path holds one of these words."""
    return matches(path, f"^{either(words)}$")


def either(words: Iterable[str]) -> str:
    """Return a pattern for one of these words, taken literally."""
    return f"({'|'.join(literal(word) for word in words)})"


def literal(word: str) -> str:
    """Return a pattern for this word: classes of one sign, which no layer of quoting changes."""
    return re.sub(r"[.+*?()|\[\]{}^$\\]", lambda sign: f"[{sign[0]}]", word)


def _key(key: str | Attribute) -> str:
    return key if isinstance(key, str) else key.key
