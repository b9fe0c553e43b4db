"""Uptime from attempts: the contract counts requests, and the SDK sends a request again by itself.

No source defines an error. By default one is: a 5xx, an error of a server kind (also inside a 200: an ``error`` event,
``response.failed``), and no response at all. 4xx and 429 are none. What the client gave up itself is in neither half of
the share, and shown apart. Each of these is a set of a ``Definition``.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

from tierscope.promise.share import Share
from tierscope.words import ATTEMPT_RESULTS, FAILED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tierscope.promise.samples import Sample, Try

SERVER_ERROR: Final = "server_error"
NO_RESPONSE: Final = "no_response"
TIMEOUT: Final = "timeout"
OK: Final = "ok"
IN_REPLY: Final = "in_reply"
"""A 200 that held a server's error: in a stream, or in a response that failed in the background."""
CONNECTION_LOST: Final = "connection_lost"
"""A 200 whose stream broke off: neither side said why."""
KINDS: Final = (*ATTEMPT_RESULTS, IN_REPLY, CONNECTION_LOST)
"""What an attempt came to: a closed set."""
_MIN_SERVER_STATUS: Final = 500
_LIBRARIES: Final = ("httpx", "httpx2")
_TIMEOUTS: Final = frozenset({"openai.APITimeoutError", *(f"{library}.ReadTimeout" for library in _LIBRARIES)})
_LOST: Final = frozenset(f"{library}.{name}" for library in _LIBRARIES for name in ("ReadError", "RemoteProtocolError"))


class Definition(NamedTuple):
    """What counts as an error."""

    errors: frozenset[str] = frozenset({SERVER_ERROR, NO_RESPONSE, IN_REPLY})
    """Kinds that count against the provider."""
    apart: frozenset[str] = frozenset({TIMEOUT, "cancelled", CONNECTION_LOST})
    """Kinds that count neither way; a kind that is in both sets counts as an error."""
    codes: frozenset[str] = frozenset({"server_error", "server_is_overloaded", "service_unavailable_error"})
    """Error codes and types of a server kind, whatever the status."""

    def counting(self, *kinds: str) -> Definition:
        """Return a definition by which these kinds are errors too."""
        return self._replace(errors=self.errors | frozenset(kinds))


DEFAULT: Final = Definition()


class Uptime(NamedTuple):
    """What became of all attempts."""

    kinds: Mapping[str, int] = {}
    """Attempts by kind."""
    definition: Definition = DEFAULT

    @property
    def attempts(self) -> int:
        """All, those apart included."""
        return sum(self.kinds.values())

    @property
    def errors(self) -> dict[str, int]:
        """Attempts that count against the provider, by kind."""
        return {kind: count for kind, count in self.kinds.items() if kind in self.definition.errors}

    @property
    def apart(self) -> dict[str, int]:
        """Attempts that count neither way, by kind."""
        aside = self.definition.apart - self.definition.errors
        return {kind: count for kind, count in self.kinds.items() if kind in aside}

    @property
    def share(self) -> Share:
        """Attempts without an error, of those that count."""
        counted = self.attempts - sum(self.apart.values())
        return Share(counted - sum(self.errors.values()), counted)


def kind_of(attempt: Try, closing: str | None = None, definition: Definition = DEFAULT) -> str:
    """Return what an attempt came to.

    Args:
        attempt: one of the call's.
        closing: of the last attempt of a failed call, the call's error type.
        definition: says which codes are of a server kind.

    """
    is_5xx = attempt.status is not None and attempt.status >= _MIN_SERVER_STATUS
    if is_5xx or attempt.code in definition.codes:
        return SERVER_ERROR
    if attempt.result != OK:
        return attempt.result
    if closing in definition.codes:
        return IN_REPLY
    if closing in _TIMEOUTS:
        return TIMEOUT
    return CONNECTION_LOST if closing in _LOST else OK


def closing_of(sample: Sample) -> str | None:
    """Return what its last attempt is judged by, beside its own result: the error type of a call that failed."""
    return sample.error_type if sample.outcome == FAILED else None


def kinds(tries: tuple[Try, ...], closing: str | None, definition: Definition = DEFAULT) -> list[str]:
    """Return what each of a call's attempts came to."""
    last = len(tries) - 1
    return [kind_of(attempt, closing if number == last else None, definition) for number, attempt in enumerate(tries)]


def kinds_of(sample: Sample, definition: Definition = DEFAULT) -> list[str]:
    """Return what each attempt of a call came to."""
    return kinds(sample.tries, closing_of(sample), definition)


def uptime(samples: Iterable[Sample], definition: Definition = DEFAULT) -> Uptime:
    """Return the uptime of calls; those on hosts that are not trusted are somebody else's, and left out."""
    found: Counter[str] = Counter()
    for sample in samples:
        if sample.trusted:
            found.update(kinds_of(sample, definition))
    return figures(found, definition)


def figures(counts: Mapping[str, int], definition: Definition = DEFAULT) -> Uptime:
    """Freeze counts, in the order of ``KINDS``."""
    return Uptime({kind: counts[kind] for kind in KINDS if counts.get(kind)}, definition)
