"""OTLP JSON by hand: spans in, spans and points out, as plain dictionaries."""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from tests.pipeline.collectors import lines

NUMBERS: Final = itertools.count(1)
SECOND_NS: Final = 1_000_000_000
Attributes = dict[str, Any]


def value(plain: Any) -> dict[str, Any]:
    """Return a value as OTLP JSON writes it."""
    if isinstance(plain, bool):
        return {"boolValue": plain}
    if isinstance(plain, int):
        return {"intValue": str(plain)}
    if isinstance(plain, float):
        return {"doubleValue": plain}
    if isinstance(plain, list):
        return {"arrayValue": {"values": [value(one) for one in plain]}}
    if isinstance(plain, dict):
        return {"kvlistValue": {"values": attributes(plain)}}
    return {"stringValue": plain}


def attributes(plain: Attributes) -> list[dict[str, Any]]:
    """Return attributes as OTLP JSON writes them."""
    return [{"key": key, "value": value(one)} for key, one in plain.items()]


def span(plain: Attributes, *, name: str = "chat m", seconds: float = 1.0, **rest: Any) -> dict[str, Any]:
    """Return a span of a trace of its own that ended now."""
    end, number = time.time_ns(), next(NUMBERS)
    return {
        "traceId": hashlib.sha256(b"%d" % number).hexdigest()[:32],  # as even as random ones: samplers hash them
        "spanId": f"{number:016x}",
        "name": name,
        "kind": 3,
        "startTimeUnixNano": str(end - int(seconds * SECOND_NS)),
        "endTimeUnixNano": str(end),
        "attributes": attributes(plain),
        **rest,
    }


def traces(
    *spans: dict[str, Any], resource: Attributes | None = None, scope: Attributes | None = None
) -> dict[str, Any]:
    """Return an export of spans of one service, a JavaScript one unless told otherwise."""
    told = {"service.name": "shop", "telemetry.sdk.language": "nodejs", **(resource or {})}
    about = {key: one for key, one in told.items() if one is not None}
    scopes = [{"scope": {"name": "test", **(scope or {})}, "spans": list(spans)}]
    return {"resourceSpans": [{"resource": {"attributes": attributes(about)}, "scopeSpans": scopes}]}


# ── what came out ─────────────────────────────────────────────────────────────────────────────────────────────────
def spans_of(path: Path) -> list[dict[str, Any]]:
    """Return the spans of a file exporter's file, with plain attributes."""
    return [
        {**span, "attributes": plain(span.get("attributes", ()))}
        for line in lines(path)
        for resource in line.get("resourceSpans", ())
        for scope in resource["scopeSpans"]
        for span in scope["spans"]
    ]


def plain(told: Iterable[dict[str, Any]]) -> Attributes:
    """Return attributes of OTLP JSON as plain values."""
    return {one["key"]: _plain(one["value"]) for one in told}


def _plain(told: dict[str, Any]) -> Any:
    ((kind, held),) = told.items() or (("", None),)
    if kind == "intValue":
        return int(held)
    if kind == "arrayValue":
        return [_plain(one) for one in held.get("values", ())]
    return plain(held.get("values", ())) if kind == "kvlistValue" else held


def samples(text: str) -> Iterator[tuple[str, dict[str, str], float]]:
    """Yield name, labels and value of every sample of Prometheus's text format."""
    for line in text.splitlines():
        if line and not line.startswith("#"):
            head, _, number = line.partition(" # ")[0].rpartition(" ")
            name, _, labels = head.partition("{")
            pairs = (pair.partition("=") for pair in labels.rstrip("}").split('",') if pair)
            yield name, {key: quoted.strip('"') for key, _, quoted in pairs}, float(number)
