"""The shape of the catalog's rows: what each field may be. Read only where a file is checked."""

from __future__ import annotations

import datetime as dt
import difflib
import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tierscope import signals, words
from tierscope.catalog.deployments import TYPES, ZONES
from tierscope.catalog.rows import PICO, SUBJECTS, CatalogError, first_day, last_day, pico

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from tierscope.catalog.rows import Row

REQUIRED: Final = object()
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
_DEAREST: Final = 1_000_000
"""USD per 1M tokens: a dollar a token, which only a mistake costs."""


class Field(NamedTuple):
    """One key of a row: what fits it, what to write instead of what does not, and what it is where it is left out."""

    fits: Callable[[Any], bool]
    remedy: str
    default: Any = REQUIRED


# ── what fits ─────────────────────────────────────────────────────────────────────────────────────────────────────
def is_date(value: object) -> bool:
    """Say whether this is a calendar date as ISO 8601 writes it."""
    try:
        return isinstance(value, str) and _DATE.match(value) is not None and bool(dt.date.fromisoformat(value))
    except ValueError:
        return False


def is_text(value: object) -> bool:
    """Say whether this is a text with something in it."""
    return isinstance(value, str) and bool(value.strip())


def _is_count(value: object) -> bool:
    return type(value) is int and value >= 0


def _is_amount(value: Any) -> bool:
    return type(value) in {int, Decimal} and Decimal(value).is_finite() and value > 0


def _is_percentage(value: Any) -> bool:
    return _is_amount(value) and value <= 100  # noqa: PLR2004


def _is_price(value: Any) -> bool:
    return _is_amount(value) and value <= _DEAREST and pico(value) == value * PICO


def _is_edge(value: Any) -> bool:
    return _is_amount(value) and value in signals.RATE_BUCKETS


def _is_pattern(value: object) -> bool:
    try:
        return isinstance(value, str) and re.compile(value) is not None
    except re.error:
        return False


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(map(is_text, value))


def _is_table(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(tier, str) and tier in words.WIRE for tier in value.values())


def _or_null(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or fits(value)


def _one_of(known: Iterable[object], default: Any = REQUIRED) -> Field:
    """A closed set; of the same type, for ``True`` equals 1."""
    exact = [(type(word), word) for word in known]
    shown = ", ".join(json.dumps(word) for _, word in exact)
    return Field(lambda value: (type(value), value) in exact, f"use one of {shown}", default)


TEXT: Final = Field(is_text, "write a text that is not empty")
PRICE: Final = Field(_is_price, "write USD per 1M tokens: a number above 0, up to 6 decimals; null: not stated", None)
POSITIVE: Final = Field(lambda value: _is_count(value) and value > 0, "write a whole number above 0")
AMOUNT: Final = Field(_is_amount, "write a number above 0")
FLAG: Final = _one_of((True, False, None), None)
SAID: Final = {
    "from": Field(_or_null(is_date), "write a date as 2026-01-31, or null: not stated", None),
    "to": Field(_or_null(is_date), "write the first date on which it no longer holds, as 2026-01-31, or null", None),
    "source": TEXT._replace(default=""),
    "as_of": Field(_or_null(is_date), "write the date on which the source was read, as 2026-01-31", None),
    "certainty": _one_of(("documented", "second_hand", "inferred"), "documented"),
    "note": TEXT._replace(default=""),
}
"""What every row says of itself."""
RATES: Final = {
    "provider": TEXT,
    "model": TEXT,
    "tier": _one_of(words.CANONICAL),
    "above": Field(_is_count, "write the input tokens above which the row holds, 0 for all", 0),
    "input": PRICE._replace(fits=_is_price, default=REQUIRED),
    "cached": PRICE._replace(fits=_or_null(_is_price)),
    "cache_write": PRICE._replace(fits=_or_null(_is_price)),
    "output": PRICE._replace(fits=_or_null(_is_price)),
    "basis": _one_of(("exact", "overlay", "user"), "user"),
    "currency": _one_of(("USD",), "USD")._replace(remedy="write the price in USD"),
    **SAID,
}
PROMISES: Final = {
    "provider": TEXT,
    "model": TEXT,
    "version": Field(_or_null(is_date), "write the snapshot's date, as 2026-01-31, or null: every snapshot", None),
    "tier": _one_of((words.PRIORITY, words.SCALE)),
    "tokens_per_second_gt": Field(
        _is_edge, f"use an edge of the rates' buckets: {', '.join(map(str, signals.RATE_BUCKETS))}"
    ),
    "attainment_pct": Field(_is_percentage, "write a percentage", 99),
    "window_minutes": POSITIVE._replace(default=5),
    "uptime_pct": Field(_or_null(_is_percentage), "write a percentage, or null", None),
    "excludes_long_context": FLAG,
    "long_context_tokens": POSITIVE._replace(fits=_or_null(POSITIVE.fits), default=128_000),
    **SAID,
}
UNITS: Final = {
    "provider": TEXT._replace(default="openai"),
    "model": TEXT,
    "input_tpm": POSITIVE,
    "input_usd_day": AMOUNT,
    "output_tpm": POSITIVE,
    "output_usd_day": AMOUNT,
    "minimum_days": POSITIVE._replace(default=30),
    **SAID,
}
RAMP: Final = {
    "provider": TEXT,
    "floor_tpm": POSITIVE._replace(fits=_or_null(POSITIVE.fits), default=None),
    "growth_pct": AMOUNT,
    "window_minutes": POSITIVE,
    "effect": _one_of(("downgrade",), "downgrade"),
    **SAID,
}

WORD: Final = Field(_or_null(is_text), "write a text, or null", None)
REFUSAL: Final = {
    "tier": _one_of((*words.CANONICAL, "*")),
    "status": POSITIVE,
    "code": WORD,
    "param": WORD,
    "pattern": Field(_or_null(_is_pattern), "write a regular expression, or null", None),
}
PROVIDER: Final = {
    "provider": TEXT,
    "hosts": Field(_are_texts, "write a list of host names", ()),
    "trust": _one_of(("yes", "no", "configured")),
    "aliases": Field(_is_table, "write an object: the provider's word to a canonical tier", {}),
    "request_header": WORD,
    "response_header": WORD,
    "unset_means": _one_of((*sorted(words.WIRE), None), None),
    "auto_means": _one_of((*sorted(words.WIRE), None), None),
    "header_auto_means": _one_of((*sorted(words.WIRE), None), None),
    "refusals": Field(lambda value: isinstance(value, list), "write a list of refusals", ()),
    "stream_usage": _one_of(("known", "unknown"), "unknown"),
    "source": SAID["source"],
    "as_of": SAID["as_of"],
}


DEPLOYMENT: Final = {
    "model": WORD,
    "type": _one_of(TYPES),
    "zone": _one_of((*ZONES, None), None),
}


FIELDS: Final = {"rates": RATES, "promises": PROMISES, "scale_units": UNITS, "ramp": RAMP}
KEYS: Final = {**SUBJECTS, "rates": (*SUBJECTS["rates"], "above")}
"""What tells the rows of one day from each other."""


# ── whole rows ────────────────────────────────────────────────────────────────────────────────────────────────────
def checked(file: str, name: str, rows: object) -> list[Row]:
    """Return the rows of a section, whole.

    Raises:
        CatalogError: a row, or two of them together, cannot be used.

    """
    if not isinstance(rows, list):
        raise CatalogError(file, "file", name, type(rows).__name__, "write a list of rows")
    told = [_row(file, f"{name} row {number}", name, row) for number, row in enumerate(rows, 1)]
    _apart(file, name, told)
    return told


def _row(file: str, where: str, name: str, row: object) -> Row:
    if isinstance(row, dict):
        where = " ".join((where, *(str(row[key]) for key in KEYS[name] if row.get(key))))
    told = whole(file, where, row, FIELDS[name])
    if first_day(told["from"]) >= last_day(told["to"]):
        raise CatalogError(file, where, "to", told["to"], "write a date after `from`")
    return told


def whole(file: str, where: str, row: object, fields: Mapping[str, Field]) -> Row:
    """Return a row with every field.

    Raises:
        CatalogError: it has a field that is unknown, or that does not fit; or it lacks one.

    """
    if not isinstance(row, dict):
        raise CatalogError(file, where, "row", row, "write an object")
    for key in row.keys() - fields.keys():
        near = difflib.get_close_matches(key, fields, 1) or fields
        raise CatalogError(file, where, key, row[key], f"use {' or '.join(near)}")
    for key, field in fields.items():
        if key not in row and field.default is REQUIRED:
            raise CatalogError(file, where, key, None, f"is missing; {field.remedy}")
        if key in row and not field.fits(row[key]):
            raise CatalogError(file, where, key, row[key], field.remedy)
    return {key: row.get(key, field.default) for key, field in fields.items()}


def _apart(file: str, name: str, rows: Iterable[Row]) -> None:
    """See that no day has two rows of one key."""
    last: dict[tuple[Any, ...], Row] = {}
    for row in sorted(rows, key=lambda row: first_day(row["from"])):
        key = tuple(row[word] for word in KEYS[name])
        before = last.get(key)
        if before is not None and first_day(row["from"]) < last_day(before["to"]):
            where = f"{name} {' '.join(str(word) for word in key if word)}"
            is_twice = row["from"] == before["from"]
            remedy = "two rows for one key: keep one" if is_twice else "two rows hold on one day: end the earlier one"
            raise CatalogError(file, where, "from", row["from"], remedy)
        last[key] = row
