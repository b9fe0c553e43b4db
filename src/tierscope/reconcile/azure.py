"""Reads what Azure Monitor exports of the metric ``AzureOpenAIRequests``, split by both service tiers.

JSON: the answer of the metrics API, as ``az monitor metrics list --output json`` prints it. CSV: one row a point, with
a header that names the time, the two dimensions and the total. Names are compared without case and blanks, for the
API writes dimensions in lower case.

What the words of the two dimensions are for calls that named no tier is not documented: none, ``auto`` and ``unset``
are taken for one.
"""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tierscope import tiers
from tierscope.reconcile.figures import ZERO, Figures, Key, Theirs, add, named
from tierscope.words import AUTO, UNREPORTED, UNSET

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

METRIC: Final = "AzureOpenAIRequests"
REQUEST, RESPONSE = "servicetierrequest", "servicetierresponse"
DEPLOYMENT, STATUS = "modeldeploymentname", "statuscode"
_TIMES: Final = ("timestamp", "timegenerated", "time")
_TOTALS: Final = ("total", "sum", "count", "requests")
_NONE: Final = frozenset({"", "none", "null", "unknown", "n/a"})
_SHAPE: Final = (
    f"Export {METRIC} with its dimensions ServiceTierRequest and ServiceTierResponse: "
    f"az monitor metrics list --metrics {METRIC} --interval PT1H --aggregation Total "
    "--filter \"ServiceTierRequest eq '*' and ServiceTierResponse eq '*'\" --output json"
)
_DURATION: Final = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?")


class ExportError(Exception):
    """A file is no such export; the message names row, value and remedy."""


class Point(NamedTuple):
    """Requests of one interval and pair of tiers."""

    at_s: int
    requested: str
    served: str
    deployment: str | None
    requests: int


class Export(NamedTuple):
    """What a file holds."""

    points: tuple[Point, ...]
    interval_s: int | None
    """Width of its intervals; ``None`` where the file does not say, and one point alone."""
    failed: int
    """Requests that were not answered with a 2xx: in no point. Only known where the file splits by status."""
    has_deployments: bool


def read(text: str, name: str) -> Export:
    """Read an export: JSON where it begins like it, else CSV.

    Raises:
        ExportError: it is neither, or lacks what is needed.

    """
    rows = _of_json(text, name) if text.lstrip()[:1] in {"{", "["} else _of_csv(text, name)
    return _export(rows, name)


class _Row(NamedTuple):
    where: str
    time: str
    dimensions: Mapping[str, str]
    total: object
    interval: str | None = None


# ── JSON ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def _of_json(text: str, name: str) -> list[_Row]:
    try:
        told = json.loads(text)
    except ValueError as error:
        raise ExportError(f"{name} is no JSON: {error}. Was it cut off? {_SHAPE}") from None
    if not isinstance(told, dict) or not isinstance(told.get("value"), list):
        raise ExportError(f"{name} is not what the metrics API answers: it has no list named value. {_SHAPE}")
    metrics = [one for one in told["value"] if _text(one, "name", "value").lower() == METRIC.lower()]
    if not metrics:
        there = ", ".join(sorted({_text(one, "name", "value") for one in told["value"]})) or "none"
        raise ExportError(f"{name} holds no metric {METRIC}; there are: {there}. {_SHAPE}")
    return [row for metric in metrics for row in _series(metric, told.get("interval"), name)]


def _text(one: Any, *path: str) -> str:
    for step in path:
        one = one.get(step) if isinstance(one, dict) else None
    return one if isinstance(one, str) else ""


def _series(metric: Mapping[str, Any], interval: object, name: str) -> Iterator[_Row]:
    for number, series in enumerate(metric.get("timeseries") or ()):
        where = f"{name}: time series {number + 1}"
        if not isinstance(series, dict) or not isinstance(series.get("data"), list):
            raise ExportError(f"{where} has no list named data. {_SHAPE}")
        dimensions = {
            _plain(_text(pair, "name", "value")): _text(pair, "value") for pair in series.get("metadatavalues") or ()
        }
        for point in series["data"]:
            lower = {str(key).lower(): value for key, value in point.items()} if isinstance(point, dict) else {}
            yield _Row(
                where,
                str(lower.get("timestamp", "")),
                dimensions,
                lower.get("total"),
                interval if isinstance(interval, str) else None,
            )


# ── CSV ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def _of_csv(text: str, name: str) -> list[_Row]:
    if text.startswith("PK"):
        raise ExportError(f"{name} is a workbook. Its layout is not documented: use JSON. {_SHAPE}")
    lines = list(csv.reader(io.StringIO(text.removeprefix("\N{BYTE ORDER MARK}"))))
    if not lines:
        raise ExportError(f"{name} is empty. {_SHAPE}")
    head = [_plain(cell) for cell in lines[0]]
    time = next((head.index(word) for word in _TIMES if word in head), None)
    total = next((head.index(word) for word in _TOTALS if word in head), None)
    if time is None or total is None:
        lacking = f"time ({', '.join(_TIMES)})" if time is None else f"total ({', '.join(_TOTALS)})"
        raise ExportError(f"{name}: row 1 names no column of the {lacking}: {', '.join(lines[0])!r:.120}. {_SHAPE}")
    found = []
    for number, line in enumerate(lines[1:], 2):
        if len(line) != len(head):
            if any(line):
                raise ExportError(f"{name}: row {number} has {len(line)} cells, row 1 has {len(head)}. Was it cut off?")
            continue
        cells = dict(zip(head, line, strict=True))
        found.append(_Row(f"{name}: row {number}", line[time], cells, line[total]))
    return found


def _plain(word: str) -> str:
    return word.replace(" ", "").replace("_", "").lower()


# ── both ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def _export(rows: list[_Row], name: str) -> Export:
    failed, points = 0, []
    for row in rows:
        lacking = next((word for word in (REQUEST, RESPONSE) if word not in row.dimensions), None)
        if lacking is not None:
            word = "ServiceTierRequest" if lacking == REQUEST else "ServiceTierResponse"
            raise ExportError(f"{row.where} is not split by {word}. {_SHAPE}")
        requests = _count(row)
        if requests is None:
            continue
        if row.dimensions.get(STATUS, "200").startswith("2"):
            points.append(_point(row, requests))
        else:
            failed += requests
    if not points:
        raise ExportError(f"{name} holds no request: export a range with traffic, and the aggregation Total. {_SHAPE}")
    has_deployments = all(DEPLOYMENT in row.dimensions for row in rows)
    return Export(tuple(points), _interval(rows, points), failed, has_deployments)


def _count(row: _Row) -> int | None:
    """Return the requests of a point; nothing where there is none."""
    if row.total is None or (isinstance(row.total, str) and not row.total.strip()):
        return None
    try:
        value = float(row.total) if isinstance(row.total, str | int | float) else -1.0
    except ValueError:
        value = -1.0
    if value < 0 or value != int(value):
        raise ExportError(f"{row.where}: the total is {row.total!r:.40}, no whole number of requests.")
    return int(value) or None


def _point(row: _Row, requests: int) -> Point:
    asked, answered = row.dimensions[REQUEST].strip(), row.dimensions[RESPONSE].strip()
    return Point(
        _seconds(row),
        AUTO if asked.lower() in _NONE or asked.lower() == UNSET else tiers.requested(asked.lower()),
        UNREPORTED if answered.lower() in _NONE else tiers.served(answered.lower()),
        row.dimensions.get(DEPLOYMENT) or None,
        requests,
    )


def _seconds(row: _Row) -> int:
    """Return when a point begins; a time without an offset is UTC, as Azure Monitor writes it."""
    try:
        moment = datetime.fromisoformat(row.time.strip())
    except ValueError:
        raise ExportError(
            f"{row.where}: the time is {row.time!r:.40}. Write it as 2026-11-26T08:00:00Z: other forms do not "
            "tell day and month apart."
        ) from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def _interval(rows: list[_Row], points: list[Point]) -> int | None:
    """Return the width of the intervals: as the file says, else the least distance of two of its times."""
    found = _DURATION.fullmatch(rows[0].interval or "")
    if found and any(found.groups()):
        return int(found[1] or 0) * 3600 + int(found[2] or 0) * 60
    times = sorted({point.at_s for point in points})
    return min((later - sooner for sooner, later in pairwise(times)), default=None)


def books(export: Export, width_s: int) -> dict[int, dict[Key, Theirs]]:
    """Add the points up by bucket and key; requests only, for the metric knows no tokens.

    Raises:
        ExportError: its intervals do not fit into the buckets.

    """
    if export.interval_s is not None and width_s % export.interval_s:
        raise ExportError(
            f"its intervals are of {export.interval_s} s and do not fit into buckets of {width_s} s. "
            "Export it with --interval PT1H, or PT1M for --bucket 1m."
        )
    held: dict[int, dict[Key, Theirs]] = {}
    for point in export.points:
        bucket = held.setdefault(point.at_s // width_s * width_s, {})
        key = Key(point.deployment or named(None), point.served, point.requested)
        bucket[key] = Theirs(add(bucket.get(key, Theirs(ZERO)).figures, Figures(point.requests, None, None, None)))
    return held


def asked(requested: str) -> str:
    """Return the word by which a requested tier is compared: none sent is ``auto``."""
    return AUTO if requested == UNSET else requested
