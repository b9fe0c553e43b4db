"""Notes what is around a call of that which a policy matches by: laid between only where one does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from opentelemetry import baggage, context, trace

from tierscope import guard
from tierscope.policy.rules import ATTRIBUTE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from tierscope.model import Call, Request
    from tierscope.observer import Observation, Observer

MAX_TEXT: Final = 256
"""Characters kept of a value."""


class Ambient:
    """An observer in front of another, which tells that one's calls what was around them when they were made."""

    def __init__(self, inner: Observer, keys: tuple[str, ...]) -> None:
        """Put it in front.

        Args:
            inner: who observes.
            keys: what to note, as rules of a policy name it.

        """
        self._inner = inner
        self.is_suppressed, self.batches = inner.is_suppressed, inner.batches
        named = [(key, *key.split(".", 1)) for key in keys]
        self._attributes = tuple((key, name) for key, table, name in named if table == ATTRIBUTE)
        self._baggage = tuple((key, name) for key, table, name in named if table != ATTRIBUTE)

    def started(self, request: Request, unix_ns: int) -> Observation | None:
        """Ask the observer, and note what is around the call."""
        found = guard.isolate("ambient", self._found)
        observation = self._inner.started(request, unix_ns)
        return AmbientObservation(observation, found) if observation is not None and found else observation

    def _found(self) -> tuple[tuple[str, str], ...]:
        ambient = context.get_current()
        if not ambient:
            return ()
        attributes = getattr(trace.get_current_span(ambient), "attributes", None) if self._attributes else None
        told = [(key, attributes.get(name)) for key, name in self._attributes] if attributes else []
        told += [(key, baggage.get_baggage(name, ambient)) for key, name in self._baggage]
        return tuple((key, text) for key, value in told for text in texts(value))


class AmbientObservation:
    """The observer's observation; its end tells what was around."""

    __slots__ = ("_found", "_inner", "is_curious")

    def __init__(self, inner: Observation, found: tuple[tuple[str, str], ...]) -> None:
        self._inner, self._found = inner, found
        self.is_curious = inner.is_curious

    def __enter__(self) -> object:
        return self._inner.__enter__()

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._inner.__exit__(kind, exc, tb)

    def learned(self, call: Call) -> None:
        """Hand on what was learned."""
        self._inner.learned(call)

    def ended(self, call: Call) -> None:
        """Tell what was around, too."""
        self._inner.ended(call._replace(ambient=self._found))


def texts(value: Any) -> Iterator[str]:
    """Yield the texts that a rule is compared with; of a list, each."""
    if isinstance(value, bool):
        yield "true" if value else "false"
    elif isinstance(value, str | int | float):
        yield str(value)[:MAX_TEXT]
    elif isinstance(value, tuple | list):
        for one in value:
            yield from texts(one)
