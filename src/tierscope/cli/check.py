"""Compares a ledger with what the simulator knows that it served: calls, attempts, tiers, tokens and money."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final, NamedTuple

from tierscope import tiers
from tierscope.cost import PICO
from tierscope.ledger.store import open_to_read
from tierscope.words import UNREPORTED

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

    from tierscope.simulator import Served

_CALLS: Final = (
    "SELECT response_id, served, input_tokens, output_tokens, reasoning_tokens, cost_usd FROM calls "
    "WHERE operation IS NOT 'batch'"
)
"""Batches are no inference: the simulator's ledger has no row of them."""
_TRIES: Final = "SELECT coalesce(sum(attempts), 0) FROM calls"


class Told(NamedTuple):
    """What one side tells of a reply; None is unknown, a cost of None unpriced."""

    served: str
    input: int | None
    output: int | None
    reasoning: int | None
    cost_pico: int | None


Replies = list[tuple[str | None, Told]]


def differences(ledger: Path, served: Collection[Served]) -> list[str]:
    """Say what a ledger and the simulator tell differently; nothing where they agree."""
    db = open_to_read(ledger) if ledger.exists() else None
    if db is None:
        return ["the ledger is empty"]
    with contextlib.closing(db):
        ours = list(_ours(db))
        tries = db.execute(_TRIES).fetchone()[0]
    theirs = [(row.response_id, _told(row)) for row in served]
    wrong = [] if tries == len(served) else [f"{tries} attempts here, {len(served)} there"]
    here, there = _total(ours), _total(theirs)
    wrong += [] if here == there else [f"{_usd(here)} here, {_usd(there)} there"]
    return [*wrong, *_unequal(_by_id(ours), _by_id(theirs))]


def _ours(db: sqlite3.Connection) -> Iterator[tuple[str | None, Told]]:
    for ident, *told, usd in db.execute(_CALLS):
        yield ident, Told._make((*told, None if usd is None else round(usd * PICO)))


def _told(row: Served) -> Told:
    served = UNREPORTED if _is_broken_off(row) else tiers.served(row.served)
    return Told(served, row.input_tokens, row.output_tokens, row.reasoning_tokens, row.cost_pico)


def _is_broken_off(row: Served) -> bool:
    """Whether the client raised at an error event, and never came to the `response.failed` that names the tier."""
    return row.endpoint == "responses" and row.stream and row.ending == "error"


def _by_id(replies: Replies) -> dict[str, Told]:
    return {ident: told for ident, told in replies if ident is not None}


def _unequal(ours: Mapping[str, Told], theirs: Mapping[str, Told]) -> list[str]:
    wrong = sorted(ident for ident in {*ours, *theirs} if ours.get(ident) != theirs.get(ident))
    return [f"{ident}: {ours.get(ident)} here, {theirs.get(ident)} there" for ident in wrong]


def _total(replies: Iterable[tuple[str | None, Told]]) -> int:
    return sum(told.cost_pico or 0 for _, told in replies)


def _usd(pico: int) -> str:
    return f"{pico / PICO:.12f} USD"
