"""Bounds for values that come from outside: at most so many models on metrics, the rest is ``_OTHER``."""

from __future__ import annotations

from tierscope.signals import MAX_MODEL_LENGTH, MAX_MODELS, OTHER


class Bounded:
    """Admits the first ``limit`` distinct texts of bounded length."""

    __slots__ = ("_known", "_limit")

    def __init__(self, limit: int = MAX_MODELS) -> None:
        self._limit = limit
        self._known: dict[str, str] = {}

    def __call__(self, text: str | None) -> str | None:
        """Return the text, or ``_OTHER`` beyond the bound; ``None`` stays ``None``."""
        if text is None or text in self._known:
            return text
        if len(self._known) >= self._limit or len(text) > MAX_MODEL_LENGTH or not text.isprintable():
            return OTHER
        self._known[text] = text
        return text
