"""What a statement holds, what it says beside its figures, and the whole of it as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tierscope.promise.sla import S

if TYPE_CHECKING:
    from tierscope.catalog.promises import Target
    from tierscope.ledger.retention import Dropped
    from tierscope.promise.share import Share
    from tierscope.promise.sheet import Section
    from tierscope.promise.sla import Readings
    from tierscope.promise.uptime import Definition, Uptime

DAY_S: Final = 86_400
MEASURED: Final = (
    (
        "Generation: (visible output tokens - 1) / (last text - first text), of streamed replies of nothing but "
        "text. End to end: output tokens / (end - start of the last attempt), from 100 output tokens on, without "
        "background work; the ledger does not tell tools that ran at the service apart."
    ),
    (
        "Reading A: share of windows (UTC, by the start of a call) with a median above the target: with fewer than "
        "half of the calls at or below it. Windows without calls do not count. Reading B: share of calls above the "
        "target."
    ),
    (
        "Uptime: share of HTTP attempts without an error, the SDK's own retries included, less those that count "
        "neither way."
    ),
    "Times are those seen by the client, network included. Shares are cut off after three places, never rounded up.",
)
OPEN: Final = (
    "Tokens per second: no source defines numerator or denominator.",
    (
        "Which requests count: no source says whether failed, refused, cut short, background, or few-token requests"
        " do, nor windows with a single call."
    ),
    "Long context: the service judges by an estimate of the prompt, this statement by the tokens that were counted.",
    "What an error is, over which period uptime is taken, and whether a retry is a request of its own.",
    (
        "Credits: their amounts are in no public source. Of two missed promises the greater credit is due, per "
        "calendar month (Scale Tier page)."
    ),
)


class Month(NamedTuple):
    """A calendar month in UTC; nanoseconds since 1970."""

    name: str
    begin_ns: int
    end_ns: int
    now_ns: int

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.now_ns >= self.end_ns

    @property
    def days(self) -> int:
        """How many it has."""
        return (self.end_ns - self.begin_ns) // (DAY_S * S)


class Statement(NamedTuple):
    """Everything that is said of a month."""

    ledger: str
    month: Month
    first_ns: int
    """Start of the first call."""
    last_ns: int
    """Start of the last call."""
    calls: int
    """Of endpoints that have tiers, those of tiers without a promise too."""
    min_samples: int
    definition: Definition
    sections: tuple[Section, ...]
    dropped: Dropped | None = None
    """What the ledger was told not to keep, if calls of the month may have been among it."""


def told(made: Statement) -> dict[str, Any]:
    """The whole statement for programs; moments are nanoseconds since 1970, shares parts of one."""
    month = made.month
    return {
        "ledger": made.ledger,
        "month": month.name,
        "begin_unix_ns": month.begin_ns,
        "end_unix_ns": month.end_ns,
        "is_over": month.is_over,
        "first_unix_ns": made.first_ns,
        "last_unix_ns": made.last_ns,
        "calls": made.calls,
        "dropped": None if made.dropped is None else made.dropped._asdict(),
        "min_samples": made.min_samples,
        "definition": {name: sorted(held) for name, held in made.definition._asdict().items()},
        "sections": [_told_section(section) for section in made.sections],
        "measured": MEASURED,
        "open": OPEN,
    }


def _told_section(section: Section) -> dict[str, Any]:
    target = section.target
    return {
        "provider": section.provider,
        "model": section.model,
        "tier": section.tier,
        "names": section.names,
        "target": target._asdict() if target is not None else None,
        "calls": section.calls,
        "untrusted": section.untrusted,
        "speed": {readings.basis: _told_readings(readings, target) for readings in section.speed},
        "uptime": _told_uptime(section.uptime, target),
    }


def _told_readings(readings: Readings, target: Target | None) -> dict[str, Any]:
    needed = target.attainment if target else None
    return {
        "window_s": readings.window_s,
        "windows": _told_share(readings.windows, needed),
        "thin_windows": _told_share(readings.thin),
        "requests": _told_share(readings.requests, needed),
        "excluded": dict(readings.excluded),
        "long_context_unclear": readings.long_context_unclear,
    }


def _told_uptime(uptime: Uptime, target: Target | None) -> dict[str, Any]:
    return {
        **_told_share(uptime.share, target.uptime if target else None),
        "attempts": uptime.attempts,
        "errors": uptime.errors,
        "apart": uptime.apart,
        "kinds": dict(uptime.kinds),
    }


def _told_share(share: Share, needed: float | None = None) -> dict[str, Any]:
    return {
        "of": share.of,
        "met": share.met,
        "missed": share.missed,
        "share": None if share.value is None else float(share.value),
        "needed": needed,
        "kept": share.keeps(needed),
    }
