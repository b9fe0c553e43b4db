"""The names under which a model is looked up: a dated snapshot is its model, a fine-tuned one is never its base."""

from __future__ import annotations

import re
from typing import Final

_SNAPSHOT: Final = re.compile(r"-(\d{4}-\d{2}-\d{2})\Z")
TUNED: Final = "ft:"


def candidates(model: str) -> tuple[str, ...]:
    """Return the names of a model, nearest first.

    Its own name; without the date of its snapshot; of ``ft:base:organization:suffix:id`` the ``ft:base`` with and
    without date. What is priced or promised for the plain base says nothing of a fine-tuned model.
    """
    plain = ":".join(model.split(":")[:2]) if model.startswith(TUNED) else model
    return tuple(dict.fromkeys((model, plain, _SNAPSHOT.sub("", plain))))


def snapshot(model: str) -> str | None:
    """Return the date that a snapshot's name ends with."""
    found = _SNAPSHOT.search(model)
    return found and found[1]
