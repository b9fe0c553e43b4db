"""Reads pages of OpenAI's usage and costs API (openai-python 3.57, ``types/admin/organization/usage_*``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tierscope import tiers
from tierscope.reconcile.figures import ZERO, Figures, Key, Theirs, add, named
from tierscope.words import BATCH, UNREPORTED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

GROUP_BY: Final = ("model", "service_tier", "batch", "project_id")
COSTS_BY: Final = ("line_item",)
PICO: Final = 10**12
_REQUIRED: Final = ("num_model_requests", "input_tokens", "output_tokens")


class PageError(Exception):
    """A page is not what the API documents; the message says where."""


class Used(NamedTuple):
    """One result of the usage API."""

    begin_s: int
    key: Key
    project: str | None
    figures: Figures


class Paid(NamedTuple):
    """One result of the costs API."""

    begin_s: int
    line_item: str | None
    pico: int


def used(page: Mapping[str, Any]) -> list[Used]:
    """The results of a page of usage.

    Raises:
        PageError: it is none.

    """
    return [_used(begin, result) for begin, result in _results(page)]


def paid(page: Mapping[str, Any]) -> list[Paid]:
    """The results of a page of costs, in pico-dollars.

    Raises:
        PageError: it is none, or not in US dollars.

    """
    return [_paid(begin, result) for begin, result in _results(page)]


def following(page: Mapping[str, Any]) -> str | None:
    """The cursor of the next page; ``None`` where this is the last.

    Raises:
        PageError: there shall be one, and it is not named.

    """
    if not page.get("has_more"):
        return None
    cursor = page.get("next_page")
    if not isinstance(cursor, str) or not cursor:
        raise PageError("it says that there is more, and names no next page")
    return cursor


def _results(page: Mapping[str, Any]) -> Iterable[tuple[int, Mapping[str, Any]]]:
    if not isinstance(page, dict) or not isinstance(page.get("data"), list):
        raise PageError(f"it is {type(page).__name__} without a list named data")
    for bucket in page["data"]:
        results, begin = (bucket.get("results"), bucket.get("start_time")) if isinstance(bucket, dict) else (None, None)
        if not isinstance(results, list) or not isinstance(begin, int):
            raise PageError(f"a bucket has no results or no start_time: {bucket!r:.80}")
        yield from ((begin, result) for result in results if isinstance(result, dict))


def _used(begin: int, result: Mapping[str, Any]) -> Used:
    absent = next((name for name in _REQUIRED if not isinstance(result.get(name), int)), None)
    if absent is not None:
        raise PageError(f"a result of the bucket {begin} has no {absent}")
    cached = result.get("input_cached_tokens")
    figures = Figures(
        result["num_model_requests"],
        result["input_tokens"],
        cached if isinstance(cached, int) else None,
        result["output_tokens"],
    )
    return Used(begin, Key(named(result.get("model")), _tier(result)), result.get("project_id"), figures)


def _tier(result: Mapping[str, Any]) -> str:
    raw = result.get("service_tier")
    if result.get("batch") is True or raw == BATCH:
        return BATCH
    return tiers.canonical(raw) or UNREPORTED


def _paid(begin: int, result: Mapping[str, Any]) -> Paid:
    amount = result.get("amount")
    value, currency = (amount.get("value"), amount.get("currency")) if isinstance(amount, dict) else (None, None)
    try:
        pico = round(float(value or 0) * PICO)  # a number, or its text in some replies
    except (TypeError, ValueError):
        raise PageError(f"an amount of the day {begin} is no number: {value!r:.40}") from None
    if currency not in {"usd", None}:
        raise PageError(f"an amount of the day {begin} is in {currency!r:.10}, not in usd")
    return Paid(begin, result.get("line_item"), pico)


def books(results: Iterable[Used], width_s: int, known: frozenset[str] | None) -> dict[int, dict[Key, Theirs]]:
    """Add results up by bucket and key.

    Args:
        results: of the usage API.
        width_s: of a bucket; the first one of a page may begin later than its full width would.
        known: the projects of the ledger, if all its calls name theirs; else ``None``.

    """
    held: dict[int, dict[Key, Theirs]] = {}
    for result in results:
        bucket = held.setdefault(result.begin_s // width_s * width_s, {})
        before = bucket.get(result.key, Theirs(ZERO))
        is_foreign = known is not None and result.project is not None and result.project not in known
        bucket[result.key] = Theirs(
            add(before.figures, result.figures), add(before.foreign, result.figures) if is_foreign else before.foreign
        )
    return held
