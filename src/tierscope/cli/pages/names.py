"""How the page writes names, moments and counts: those of somebody else's are of one line, and move nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from tierscope.cli.sentences import plain
from tierscope.promise.sla import S
from tierscope.words import AUTO, CANONICAL, OTHER, UNREPORTED, UNSET

NO_MODEL: Final = "no model named"
_ASKED: Final = {UNSET: "no tier named", OTHER: "a tier of no known name", UNREPORTED: "request not seen"}
_SERVED: Final = {OTHER: "a tier of no known name", None: "no tier reported"}
MS: Final = 1_000_000
"""Nanoseconds of a millisecond, by which a browser counts time."""


def model(name: str | None) -> str:
    """A model's name, or that there is none."""
    return NO_MODEL if name is None else plain(name)


def title(provider: str, name: str | None, is_one: bool) -> str:
    """A model, and its provider where there are several."""
    return model(name) if is_one else f"{model(name)} · {plain(provider)}"


def tier(word: str | None) -> str:
    """The colour of a tier: its canonical word, else that of all others."""
    return word if word in CANONICAL else "other"


def asked(requested: str, expected: str | None) -> str:
    """What a caller asked for, and what was promised where it differs."""
    text = _ASKED.get(requested, f"asked for {requested}")
    return text if expected is None or expected == requested else f"{text}, {expected} expected"


def asked_tier(requested: str, expected: str | None) -> str:
    """The colour of what was asked for."""
    return tier(expected if requested in {UNSET, AUTO} else requested)


def served(word: str | None) -> str:
    """What served."""
    return _SERVED.get(word, f"served {word}")


def moment(moment_ns: int) -> str:
    """A moment in UTC, to the minute."""
    return f"{datetime.fromtimestamp(moment_ns // S, UTC):%Y-%m-%d %H:%M}"


def span(first_ns: int, last_ns: int) -> str:
    """A period in UTC; of one day the day is said once."""
    first, last = (datetime.fromtimestamp(ns // S, UTC) for ns in (first_ns, last_ns))
    if first.date() == last.date():
        return f"{first:%-d %B %Y}, {first:%H:%M:%S} to {last:%H:%M:%S} UTC"
    return f"{first:%-d %B %Y, %H:%M} to {last:%-d %B %Y, %H:%M} UTC"


def length(first_ns: int, last_ns: int) -> str:
    """How long a period is, in the unit that suits it."""
    seconds = (last_ns - first_ns) / S
    for unit, size in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} seconds"
