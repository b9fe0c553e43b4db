"""Compares a ledger with what the simulator knows that it served: calls, attempts, tiers and tokens."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Final

from tierscope import tiers
from tierscope.ledger.store import open_to_read

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from tierscope.simulator import Served

_CALLS: Final = (
    "SELECT response_id, served, input_tokens, output_tokens, reasoning_tokens FROM calls WHERE operation <> 'batch'"
)
"""Batches are no inference: the simulator has them in no row, and in the ledger they have no attempts."""
_TRIES: Final = "SELECT coalesce(sum(attempts), 0) FROM calls"
Told = tuple[str, int | None, int | None, int | None]


def differences(ledger: Path, served: Collection[Served]) -> list[str]:
    """Say what a ledger and the simulator tell differently; nothing where they agree."""
    db = open_to_read(ledger) if ledger.exists() else None
    if db is None:
        return ["the ledger is empty"]
    with contextlib.closing(db):
        ours: dict[str, Told] = {ident: tuple(told) for ident, *told in db.execute(_CALLS) if ident is not None}
        tries = db.execute(_TRIES).fetchone()[0]
    theirs = {row.response_id: _told(row) for row in served if row.response_id is not None}
    wrong = [f"{ident}: {ours.get(ident)} here, {theirs.get(ident)} there" for ident in _unequal(ours, theirs)]
    return wrong if tries == len(served) else [f"{tries} attempts here, {len(served)} there", *wrong]


def _unequal(ours: Mapping[str, Told], theirs: Mapping[str, Told]) -> list[str]:
    return sorted(ident for ident in {*ours, *theirs} if ours.get(ident) != theirs.get(ident))


def _told(row: Served) -> Told:
    return tiers.served(row.served), row.input_tokens, row.output_tokens, row.reasoning_tokens
