"""Response headers, in one pass: all of them are optional, junk is unknown."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Final

from tierscope.model import Headers, RateLimits
from tierscope.reading.fields import count

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LIMITS: Final = tuple(
    f"x-ratelimit-{what}-{kind}".encode() for kind in ("requests", "tokens") for what in ("limit", "remaining", "reset")
)
_SPILLED: Final = b"x-ms-spillover-from-"
_SPILLED_NAMED: Final = b"x-ms-spillover-from-deployment"
"""Azure prints the name either as the value of this header or inside the header's own name."""
_WANTED: Final = frozenset(
    (
        b"x-request-id",
        b"apim-request-id",
        b"openai-processing-ms",
        b"x-ms-region",
        b"x-ms-deployment-name",
        b"x-ms-is-spilled-over",
        _SPILLED_NAMED,
        *_LIMITS,
    )
)
_FLAGS: Final[Mapping[bytes, bool]] = {b"true": True, b"false": False}
_DURATION: Final = rb"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?"
MAX_TEXT: Final = 256


class _Names(dict[bytes, bytes | None]):
    """Spellings of header names → the name that tells something, else ``None``; filled as they are met, bounded."""

    MOST: Final = 512

    def __missing__(self, key: bytes) -> bytes | None:
        lower = key.lower()
        name = lower if lower in _WANTED or lower.startswith(_SPILLED) else None
        if len(self) < self.MOST:
            self[key] = name
        return name


_NAMES: Final = _Names()


def read(raw: Iterable[tuple[bytes, bytes]], tier_header: str | None = None) -> Headers:
    """Read the header pairs of a response as httpx keeps them (``headers.raw``)."""
    names, pairs = _NAMES, list(raw)
    found = {name: value.strip()[:MAX_TEXT] for key, value in pairs if (name := names[key]) is not None}
    told = found.get
    return Headers(
        _text(told(b"x-request-id")) or _text(told(b"apim-request-id")),
        _number(told(b"openai-processing-ms")),
        _rate_limits(found),
        *(_NOT_AZURE if _OPENAI.issuperset(found) else _azure(found)),
        _tier(pairs, tier_header.encode()) if tier_header else None,
    )


def _text(value: bytes | None) -> str | None:
    return value.decode("latin-1") if value else None


def _tier(pairs: list[tuple[bytes, bytes]], header: bytes) -> str | None:
    return next((_text(value.strip()[:MAX_TEXT]) for key, value in reversed(pairs) if key.lower() == header), None)


_OPENAI: Final = frozenset(name for name in _WANTED if not name.startswith(b"x-ms-"))
_NOT_AZURE: Final = (None, None, None, None)


def _azure(found: Mapping[bytes, bytes]) -> tuple[str | None, str | None, bool | None, str | None]:
    """Return region, deployment, whether another deployment had handed the request on, and which."""
    odd = [name.removeprefix(_SPILLED) for name in found if name not in _WANTED]
    return (
        _text(found.get(b"x-ms-region")),
        _text(found.get(b"x-ms-deployment-name")),
        _FLAGS.get(found.get(b"x-ms-is-spilled-over", b"").lower()),
        _text(found.get(_SPILLED_NAMED)) or (_text(odd[-1]) if odd else None),
    )


def _rate_limits(found: Mapping[bytes, bytes]) -> RateLimits | None:
    limit, left, reset, token_limit, tokens_left, token_reset = values = [found.get(name) for name in _LIMITS]
    if not any(values):
        return None
    return RateLimits(
        _count(limit), _count(left), seconds(reset), _count(token_limit), _count(tokens_left), seconds(token_reset)
    )


@functools.lru_cache(maxsize=512)
def _count(value: bytes | None) -> int | None:
    """Azure has answered -1 for limits it does not know: that is unknown, not a number."""
    return count(int(value)) if value and len(value) < MAX_TEXT and value.isdigit() else None


def _number(value: bytes | None) -> float | None:
    """Plain digits only: ``float`` would take "1_000", "1e3" and "nan" too; a text too long says nothing."""
    if not value or len(value) >= MAX_TEXT:
        return None
    return float(value) if value.replace(b".", b"", 1).isdigit() else None


@functools.lru_cache(maxsize=512)
def seconds(value: bytes | None) -> float | None:
    """Return a reset duration ("8.64s", "1m0.198s", "0s") in seconds; one without unit, or cut, is unknown."""
    match = re.fullmatch(_DURATION, value) if value and len(value) < MAX_TEXT else None
    if match is None:
        return None
    hours, minutes, secs, millis = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + secs + millis / 1000
