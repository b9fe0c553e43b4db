"""What the counters must be, from the simulator's ledger alone: it counts requests and knows nothing of Tierscope."""

from __future__ import annotations

import contextlib
import sqlite3
from collections import Counter
from dataclasses import fields
from typing import TYPE_CHECKING, Final, NamedTuple

from tierscope.simulator import Served

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

TRIES: Final = 3
"""What the openai client makes of a call on its own; the ledger counts them from 1."""
RETRIED: Final = frozenset({0, 408, 409, 429, *range(500, 600)})
"""Statuses after which it does (`_should_retry` of the client); 0: no answer."""
RANKS: Final = ("flex", "default", "priority", "ultrafast")
PICO: Final = 10**12
CONFIGURED: Final = {"proj_analyst": "scale"}
"""What the demo says of its projects (`TIERSCOPE_EXPECTED_TIERS`): a call that names no tier has no other promise."""


class Truth(NamedTuple):
    """Counters by the values of their labels; only what is above 0."""

    calls: Counter[tuple[str, ...]]
    """By request model, requested, expected, served and outcome."""
    attempts: Counter[tuple[str, ...]]
    """By request model and requested; those that were answered, for a service cannot know of others."""
    tokens: Counter[tuple[str, ...]]
    """By request model, served and kind."""
    pico: Counter[tuple[str, ...]]
    """Pico-dollars, by request model and served."""


def rows(path: Path) -> tuple[Served, ...]:
    """Read the file of a simulator's ledger."""
    names = [field.name for field in fields(Served)]
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        found = db.execute(f"SELECT {', '.join(names)} FROM served ORDER BY row")  # noqa: S608  our own names
        return tuple(Served(*values) for values in found)


def told(served: Collection[Served]) -> Truth:
    """Count calls, attempts, tokens and money."""
    calls: Counter[tuple[str, ...]] = Counter(verdict(row) for row in served if not is_retried(row))
    attempts: Counter[tuple[str, ...]] = Counter((row.model, asked(row)) for row in served if row.status)
    tokens: Counter[tuple[str, ...]] = Counter()
    pico: Counter[tuple[str, ...]] = Counter()
    for row in served:
        for kind, count in (*_input(row), *_output(row)):
            tokens[row.model, word(row), kind] += count
        pico[row.model, word(row)] += row.cost_pico or 0
    return Truth(calls, attempts, _above(tokens), _above(pico))


def is_retried(row: Served) -> bool:
    """Say whether the client tried again after this attempt: the call is told by a later row."""
    return row.status in RETRIED and row.attempt < TRIES


def asked(row: Served) -> str:
    """Return the word for what was sent."""
    return row.requested or "unset"


def expected(row: Served) -> str:
    """Return the promise, as far as a client can know it: the project's default is known where it was configured."""
    return row.requested or CONFIGURED.get(row.project or "", "unknown")


def word(row: Served) -> str:
    """Return the tier that the client could read: a stream of events that breaks off has not named it."""
    is_cut = row.endpoint == "responses" and row.stream and row.ending == "error"
    return "unreported" if is_cut or row.served is None else row.served


def verdict(row: Served) -> tuple[str, ...]:
    """Return the labels of the call that ended with this attempt."""
    return row.model, asked(row), expected(row), word(row), _outcome(row)


def _outcome(row: Served) -> str:
    promised, got = expected(row), word(row)
    if row.ending == "error":
        return "refused" if row.cause == "flex_capacity" else "failed"
    if promised == "unknown":
        return "resolved"
    if got == promised:
        return "honored"
    if promised == "scale":
        return "downgraded"
    return "downgraded" if RANKS.index(got) < RANKS.index(promised) else "upgraded"


def _input(row: Served) -> Iterator[tuple[str, int]]:
    if row.input_tokens is not None:
        cached, written = row.cached_tokens or 0, row.cache_write_tokens or 0
        yield "input_uncached", row.input_tokens - cached - written
        yield from (("input_cached", cached), ("input_cache_write", written))


def _output(row: Served) -> Iterator[tuple[str, int]]:
    if row.output_tokens is not None:
        hidden = row.reasoning_tokens or 0
        yield from (("output_visible", row.output_tokens - hidden), ("output_reasoning", hidden))


def _above(counts: Counter[tuple[str, ...]]) -> Counter[tuple[str, ...]]:
    return Counter({key: count for key, count in counts.items() if count > 0})


def unequal(what: str, here: Counter[tuple[str, ...]], there: Counter[tuple[str, ...]]) -> Iterable[str]:
    """Say where two counts differ."""
    for key in sorted({*here, *there}):
        if here[key] != there[key]:
            yield f"{what} of {' '.join(key)}: {here[key]} in Prometheus, {there[key]} in the simulator's ledger"
