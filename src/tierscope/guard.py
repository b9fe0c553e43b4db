"""The one place of broad ``except``: our fault is a log line and a count, never the application's problem.

``Exception`` only: a cancellation or an interrupt is the application's own and passes.
"""

from __future__ import annotations

import functools
import logging
from collections import Counter
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from tierscope.forks import at_fork

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

P = ParamSpec("P")
R = TypeVar("R")

log = logging.getLogger("tierscope")


class _Faults:
    """Counts internal errors by step; each step logs its first error and stays silent afterwards."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.strict = False
        at_fork(in_child=self._forked)

    def _forked(self) -> None:
        """A child counts its own errors."""
        self.counts = Counter()

    def caught(self, step: str, exc: Exception) -> None:
        if self.strict:
            raise exc
        self.note(step, type(exc).__name__, exc=exc)

    def note(self, step: str, fault: str, *, exc: BaseException | None = None) -> None:
        self.counts[step] += 1
        if self.counts[step] == 1:
            log.warning(
                "Tierscope: internal error in %s (%s). The application is unaffected; further ones are only counted.",
                step,
                fault,
                exc_info=exc,
            )


_faults = _Faults()


def isolate(step: str, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R | None:
    """Call a function; what it raises is logged once, counted under ``step``, and answered with ``None``."""
    try:
        return function(*args, **kwargs)
    except Exception as exc:
        _faults.caught(step, exc)
        return None


def guarded(step: str) -> Callable[[Callable[P, R]], Callable[P, R | None]]:
    """Isolate every call of a function: ``isolate`` without its hop, which costs a microsecond in a cold cache."""

    def decorate(function: Callable[P, R]) -> Callable[P, R | None]:
        @functools.wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> R | None:
            try:
                return function(*args, **kwargs)
            except Exception as exc:
                _faults.caught(step, exc)
                return None

        return run

    return decorate


def note(step: str, fault: str) -> None:
    """Count a fault that raised nothing (a full queue, a lost row) and log its first occurrence."""
    _faults.note(step, fault)


def counts() -> Mapping[str, int]:
    """Return the internal errors so far, by step."""
    return dict(_faults.counts)


def reset(*, strict: bool = False) -> None:
    """Forget all counts; with ``strict``, let internal errors through (for Tierscope's own tests)."""
    _faults.counts.clear()
    _faults.strict = strict
