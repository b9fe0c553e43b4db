"""Response headers, in one pass: all of them are optional, junk is unknown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from tierscope.model import Headers, RateLimits
from tierscope.reading.fields import count

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LIMITS: Final = tuple(
    f"x-ratelimit-{what}-{kind}" for kind in ("requests", "tokens") for what in ("limit", "remaining", "reset")
)
_WANTED: Final[Mapping[bytes, str]] = {
    name.encode(): name
    for name in (
        "x-request-id",
        "apim-request-id",
        "openai-processing-ms",
        "x-ms-region",
        "x-ms-deployment-name",
        "x-ms-is-spilled-over",
        "x-ms-spillover-from-deployment",
        *_LIMITS,
    )
}
_SPILLED_FROM: Final = b"x-ms-spillover-from-"
"""Azure prints the name either as the value of ``…-from-deployment`` or inside the header's own name."""
_FLAGS: Final[Mapping[str, bool]] = {"true": True, "false": False}
_DURATION: Final = re.compile(r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?", re.ASCII)
MAX_TEXT: Final = 256


def read(raw: Iterable[tuple[bytes, bytes]], tier_header: str | None = None) -> Headers:
    """Read the header pairs of a response as httpx keeps them (``headers.raw``)."""
    found: dict[str, str] = {}
    spilled_from = None
    wanted = {**_WANTED, tier_header.encode(): tier_header} if tier_header else _WANTED
    for key, value in raw:
        lower = key.lower()
        name = wanted.get(lower)
        if name is not None:
            found[name] = value.decode("latin-1").strip()[:MAX_TEXT]
        elif lower.startswith(_SPILLED_FROM):
            spilled_from = lower[len(_SPILLED_FROM) :].decode("latin-1")
    return Headers(
        request_id=found.get("x-request-id") or found.get("apim-request-id") or None,
        processing_ms=_number(found.get("openai-processing-ms")),
        rate_limits=_rate_limits(found),
        region=found.get("x-ms-region") or None,
        deployment=found.get("x-ms-deployment-name") or None,
        is_spilled_over=_FLAGS.get(found.get("x-ms-is-spilled-over", "").lower()),
        spilled_from=found.get("x-ms-spillover-from-deployment") or spilled_from,
        tier_raw=found.get(tier_header) if tier_header else None,
    )


def _rate_limits(found: Mapping[str, str]) -> RateLimits | None:
    values = [found.get(name) for name in _LIMITS]
    if not any(values):
        return None
    limit, remaining, reset, limit_tokens, remaining_tokens, reset_tokens = values
    return RateLimits(
        limit_requests=_count(limit),
        remaining_requests=_count(remaining),
        reset_requests_s=seconds(reset),
        limit_tokens=_count(limit_tokens),
        remaining_tokens=_count(remaining_tokens),
        reset_tokens_s=seconds(reset_tokens),
    )


def _count(value: str | None) -> int | None:
    """Azure has answered -1 for limits it does not know: that is unknown, not a number."""
    return count(int(value)) if value and value.isascii() and value.isdigit() else None


def _number(value: str | None) -> float | None:
    """Plain digits only: ``float`` would take "1_000", "1e3" and "nan" too; a text that was cut says nothing."""
    if not value or len(value) >= MAX_TEXT or not value.isascii():
        return None
    return float(value) if value.replace(".", "", 1).isdigit() else None


def seconds(value: str | None) -> float | None:
    """Return a reset duration ("12ms", "8.64s", "1m0.198s", "0s") in seconds; a number without unit is unknown."""
    if value and value.endswith("s"):  # "8.64s" and "12ms", nearly always: no regular expression on the hot path
        is_milli = value.endswith("ms")
        number = value[:-2] if is_milli else value[:-1]
        if number.isascii() and number.replace(".", "", 1).isdigit():
            return float(number) / (1000 if is_milli else 1)
    match = _DURATION.fullmatch(value) if value else None
    if match is None or not any(match.groups()):
        return None
    hours, minutes, secs, millis = (float(part or 0) for part in match.groups())
    return hours * 3600 + minutes * 60 + secs + millis / 1000
