"""What genai-prices states exactly: its own data, without the fall-backs of its calculator.

Its calculator prices a call at the standard rate whenever a tier is unknown to it, and says nothing. So only this is
taken: the standard prices by their dates, and a variant whose whole condition is the tier, with the fields that it
names itself, from the day on which it was verified.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any, Final

from tierscope.catalog.names import candidates

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    Row = dict[str, Any]
    Listed = Mapping[str, Mapping[str, Any]]

FIELDS: Final = {
    "input": "input_mtok",
    "cached": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "output": "output_mtok",
}
FEES: Final = {"web_searches_kcount", "storage_searches_kcount"}
"""Of tools, apart from the tokens."""
CONTEXTS: Final = {
    "priority": ({"service_tier": "priority"}, {"service_tier": "fast"}),
    "flex": ({"service_tier": "flex"},),
    "batch": ({"processing": "batch"},),
}
"""Each canonical tier in the library's words; where several are there they must agree."""
PROVIDERS: Final = {"openai": "openai", "azure": "azure.ai.openai"}
SERVED: Final = re.compile(r"ft:|gpt-|chatgpt-|chat-|o\d|text-|codex-|computer-use|babbage-|davinci-")
"""What the endpoints for text and embeddings serve, or have served."""
NOT_SERVED: Final = re.compile(r"audio|image|live|moderation|oss|realtime|transcri|translate|tts|whisper|:extended")


def rows(providers: Iterable[Any], listed: Listed, said: Row) -> Iterator[Row]:
    """Return one row per model, tier, band and span of dates; ``said`` is what each says of its source."""
    for provider, model in _models(providers):
        name = _names(provider, model, listed)[0]
        for tier, first, last, price in _spans(model):
            for above, fields in _bands(price, model):
                key = {"provider": PROVIDERS[provider.id], "model": name, "tier": tier, "above": above}
                row = {**key, "from": first, "to": last, **fields, **said}
                _prove(model, row)
                yield row


def names(providers: Iterable[Any], listed: Listed) -> dict[str, dict[str, str]]:
    """Return by provider the other names of its models, where the date of a snapshot is not all that differs."""
    others: dict[str, dict[str, str]] = {name: {} for name in PROVIDERS.values()}
    for provider, model in _models(providers):
        name, *rest = _names(provider, model, listed)
        others[PROVIDERS[provider.id]] |= dict.fromkeys(rest, name)
    return others


def _models(providers: Iterable[Any]) -> Iterator[tuple[Any, Any]]:
    for provider in providers:
        for model in provider.models if provider.id in PROVIDERS else ():
            if SERVED.match(model.id) and not NOT_SERVED.search(model.id) and _is_by_token(model):
                yield provider, model


def _is_by_token(model: Any) -> bool:
    """Say whether tokens of text are all that is charged: of others the price depends on what nobody counts here."""
    prices = model.prices if isinstance(model.prices, list) else [model]
    kinds = {key for price in prices for key, value in vars(price.prices).items() if value is not None}
    return FIELDS["input"] in kinds and kinds <= {*FIELDS.values(), *FEES}


def _names(provider: Any, model: Any, listed: Listed) -> list[str]:
    """Return the name that the rows carry, and then every other one that no shorter name stands for."""
    row = listed.get(model.id)
    if row is not None:
        for name in row["like"]:
            if provider.find_model(name) is not model:
                raise SystemExit(f"genai-prices: {name} is not {model.id}")
        return [row["model"], *(name for name in row["like"] if row["model"] not in candidates(name))]
    known = {name for name in (model.id, *_equals(model.match)) if provider.find_model(name) is model}
    kept = sorted(name for name in known if not known & set(candidates(name)[1:]))
    first = next(name for name in (*reversed(candidates(model.id)), *kept) if name in kept)
    return [first, *(name for name in kept if name != first)]


def _equals(match: Any) -> Iterator[str]:
    if (name := getattr(match, "equals", None)) is not None:
        yield name
    for part in getattr(match, "or_", ()):
        yield from _equals(part)


# ── dates ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def _spans(model: Any) -> Iterator[tuple[str, str | None, str | None, Any]]:
    standard = list(_standard(model))
    yield from (("default", *span) for span in standard)
    for tier, contexts in CONTEXTS.items():
        found = [variant for when in contexts for variant in model.price_variants or () if variant.when == when]
        if not found:
            continue
        variant = found[0]
        if any((other.prices, other.constraint) != (variant.prices, variant.constraint) for other in found):
            raise SystemExit(f"genai-prices: the {tier} prices of {model.id} differ by their names")
        since = _since(variant.constraint)
        if vars(variant.prices):
            yield tier, since, None, variant.prices
        else:  # a condition of its own without a price of its own: the same price, verified
            for first, last, price in standard:
                if last is None or since is None or since < last:
                    yield tier, max(filter(None, (first, since)), default=None), last, price


def _standard(model: Any) -> Iterator[tuple[str | None, str | None, Any]]:
    if not isinstance(model.prices, list):
        yield None, None, model.prices
        return
    first = [_since(price.constraint) for price in model.prices]
    for start, end, price in zip(first, [*first[1:], None], model.prices, strict=True):
        yield start, end, price.prices


def _since(constraint: Any) -> str | None:
    if constraint is None:
        return None
    start: dt.date = constraint.start_date
    return start.isoformat()


# ── bands ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def _bands(price: Any, model: Any) -> Iterator[tuple[int, Row]]:
    values = {name: getattr(price, key, None) for name, key in FIELDS.items()}
    has_output = any(getattr(part, FIELDS["output"], None) is not None for *_, part in _standard(model))
    if values["input"] is None or (values["output"] is None and has_output):
        return  # part of a price proves none
    starts = {0} | {step.start for value in values.values() for step in getattr(value, "tiers", ())}
    for above in sorted(starts):
        yield above, {name: _at(value, above) for name, value in values.items()}


def _at(value: Any, above: int) -> Any:
    steps = [step.price for step in getattr(value, "tiers", ()) if step.start <= above]
    return steps[-1] if steps else getattr(value, "base", value)


# ── the proof ─────────────────────────────────────────────────────────────────────────────────────────────────────
def _prove(model: Any, row: Row) -> None:
    """See that the library itself asks this price, on the first day and ever after."""
    context = CONTEXTS.get(row["tier"], ({"service_tier": "default"},))[0]
    days = [dt.date.fromisoformat(row["from"])] if row["from"] else [dt.date(2020, 1, 1)]
    days.append(dt.date.fromisoformat(row["to"]) - dt.timedelta(1) if row["to"] else dt.date.max)
    for day in days:
        asked = model.get_prices(dt.datetime.combine(day, dt.time(12), dt.UTC), context)
        for name, key in FIELDS.items():
            if row[name] is not None and row[name] != _at(getattr(asked, key, None), row["above"]):
                raise SystemExit(f"genai-prices: {row['model']} {row['tier']} {name} is not {row[name]} on {day}")
