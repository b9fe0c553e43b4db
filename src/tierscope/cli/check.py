"""Compares a ledger with what the simulator knows that it served: calls, attempts, tiers, tokens and money."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final, NamedTuple

from tierscope import tiers
from tierscope.ledger.store import open_to_read
from tierscope.words import UNREPORTED

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

    from tierscope.simulator import Served

_COST: Final = "cost_usd"
_CALLS: Final = (
    "SELECT response_id, served, input_tokens, output_tokens, reasoning_tokens, {cost} FROM calls "
    "WHERE operation IS NOT 'batch'"
)
"""Batches are no inference: the simulator's ledger has no row of them."""
_TRIES: Final = "SELECT coalesce(sum(attempts), 0) FROM calls"
_PICO: Final = 10**12
"""Pico-dollars of a dollar: the simulator's rates are whole ones, a float of dollars is rounded to them."""


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
        has_cost = _has_cost(db)
        ours = list(_ours(db, _COST if has_cost else "NULL"))
        tries = db.execute(_TRIES).fetchone()[0]
    theirs = [(row.response_id, _told(row, has_cost=has_cost)) for row in served]
    wrong = [] if tries == len(served) else [f"{tries} attempts here, {len(served)} there"]
    here, there = _total(ours), _total(theirs)
    wrong += [] if here == there else [f"{_usd(here)} here, {_usd(there)} there"]
    return [*wrong, *_unequal(_by_id(ours), _by_id(theirs))]


def is_priced(ledger: Path) -> bool:
    """Whether a ledger has costs, so that ``differences`` compares them."""
    db = open_to_read(ledger) if ledger.exists() else None
    if db is None:
        return False
    with contextlib.closing(db):
        return _has_cost(db)


def _has_cost(db: sqlite3.Connection) -> bool:
    return any(name == _COST for _, name, *_ in db.execute("PRAGMA table_info(calls)"))


def _ours(db: sqlite3.Connection, cost: str) -> Iterator[tuple[str | None, Told]]:
    for ident, *told, usd in db.execute(_CALLS.format(cost=cost)):
        yield ident, Told._make((*told, None if usd is None else round(usd * _PICO)))


def _told(row: Served, *, has_cost: bool) -> Told:
    cost = row.cost_pico if has_cost else None
    served = UNREPORTED if _is_broken_off(row) else tiers.served(row.served)
    return Told(served, row.input_tokens, row.output_tokens, row.reasoning_tokens, cost)


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
    return f"{pico / _PICO:.12f} USD"
