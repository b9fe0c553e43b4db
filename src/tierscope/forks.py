"""Hooks around ``os.fork``, where the platform has it: a forked child is a process of its own.

Whoever holds a lock in the parent is not there in the child: what the child needs is made anew.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def _nothing() -> None:
    """Do nothing on this side."""


def at_fork(
    *,
    before: Callable[[], object] = _nothing,
    in_parent: Callable[[], object] = _nothing,
    in_child: Callable[[], object] = _nothing,
) -> None:
    """Call these around every fork, for as long as the process lives; servers that fork in C may skip the first two."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=before, after_in_parent=in_parent, after_in_child=in_child)
