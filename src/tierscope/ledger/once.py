"""A background response counts once: with what its first final fetch told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, NamedTuple, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FETCH: Final = "fetch_response"


class Told(Protocol):
    """The columns that decide."""

    @property
    def operation(self) -> str: ...  # noqa: D102
    @property
    def usage_is_new(self) -> int | None: ...  # noqa: D102
    @property
    def is_background(self) -> int: ...  # noqa: D102
    @property
    def response_id(self) -> str | None: ...  # noqa: D102


class Said(Protocol):
    """The columns that decide whether an outcome can be said."""

    @property
    def endpoint(self) -> str: ...  # noqa: D102
    @property
    def served(self) -> str: ...  # noqa: D102
    @property
    def outcome(self) -> str: ...  # noqa: D102
    @property
    def ending(self) -> str: ...  # noqa: D102
    @property
    def trusted(self) -> int: ...  # noqa: D102
    @property
    def usage_is_new(self) -> int | None: ...  # noqa: D102
    @property
    def is_background(self) -> int: ...  # noqa: D102


RowT = TypeVar("RowT", bound=Told)


class Settled(NamedTuple, Generic[RowT]):
    """A row that counts, and, for a fetched response, the call that began it, which counts no more by itself."""

    row: RowT
    created: RowT | None = None


class Once(Generic[RowT]):
    """Goes through rows in their order, and holds back the calls that are still queued."""

    def __init__(self) -> None:
        self.fetches = 0
        """Fetches that brought nothing new; they are no calls."""
        self.queued: dict[str, RowT] = {}
        """Calls that no final fetch followed so far, by the id of the response."""

    def settled(self, row: RowT) -> Settled[RowT] | None:
        """Return what counts now that this row is known; ``None``: nothing yet, or nothing new."""
        if row.operation == FETCH and row.usage_is_new == 0:
            self.fetches += 1
            return None
        if row.operation == FETCH and row.response_id is not None:
            return Settled(row, self.queued.pop(row.response_id, None))
        if row.is_background and row.usage_is_new == 0 and row.response_id is not None:
            self.queued[row.response_id] = row
            return None
        return Settled(row)


def is_plain(row: Told) -> bool:
    """Say whether a row counts by itself, whatever else there is: so do nearly all, and need not be asked about."""
    return not row.is_background and row.operation != FETCH


def settled(rows: Iterable[RowT]) -> Iterator[Settled[RowT]]:
    """Go through the calls of a ledger: each once, and in the end those that are still queued."""
    once: Once[RowT] = Once()
    for row in rows:
        found = once.settled(row)
        if found is not None:
            yield found
    yield from map(Settled, once.queued.values())
