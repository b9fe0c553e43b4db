"""Lines of a ledger's bill: calls that have everything in common that rules tell apart, added up."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, NamedTuple

from tierscope.ledger.queries import COMPLETE
from tierscope.ledger.schema import LedgerError
from tierscope.words import FAILED, FLEX, REFUSED

if TYPE_CHECKING:
    from tierscope.advice.columns import Row, Workload
    from tierscope.cost import Parts

PATIENCE_S: Final = (600.0, 605.0)
"""How long an attempt took that ran into the SDK's default time-out of 600 s (openai-python, ``_constants.py``)."""
_LOST: Final = frozenset({REFUSED, FAILED})


class Line(NamedTuple):
    """The calls of one workload on one day, with prompts of one band of the price list. Money is pico-dollars."""

    where: Workload
    day: int
    """Whole days since 1970."""
    prompt: int
    """A length that stands for their prompts: prices are the same for all of them."""
    calls: int
    priced: int
    paid: int
    above_default: int
    """What they cost more than at the default tier (less: negative), where both are known."""
    above_expected: int
    """What they cost more than at the tier that was promised (less: negative), where both are known."""
    compared: int
    """Calls for which both are: another tier served, and each has a price."""
    parts: Parts
    """Tokens of the priced: input that was neither cached nor written to the cache, cached, written, output."""
    retried: int
    """Calls with more than one attempt."""
    retries: int
    """Attempts beyond the first."""
    waited_s: float
    """Seconds between attempts."""
    without_usage: int
    """Streams read out whose tokens were not told."""
    impatient: int
    """Calls on flex with an attempt that ran into the SDK's default time-out."""
    missed: int
    """Input tokens that the service estimates a miss of the prompt cache to have affected."""
    lost_plain: int
    """Of the priced: those of them that could have been read from the cache, as far as they were not written to it."""
    lost_written: int
    """The rest of those."""


class Alike(NamedTuple):
    """Sums of such calls; of the same name in ``Sums``."""

    calls: int
    priced: int
    compared: int
    without_usage: int
    paid: int
    above_default: int
    above_expected: int
    plain: int
    cached: int
    written: int
    output: int


class Sums:
    """The running sums of one line."""

    __slots__ = (*(name for name in Line._fields[3:] if name != "parts"), "cached", "output", "plain", "written")

    def __init__(self) -> None:
        self.calls = self.priced = self.paid = self.above_default = self.above_expected = self.compared = 0
        self.plain = self.cached = self.written = self.output = 0
        self.retried = self.retries = self.without_usage = self.impatient = 0
        self.waited_s = 0.0
        self.missed = self.lost_plain = self.lost_written = 0

    def add(self, row: Row) -> None:
        """Add one call."""
        self.calls += 1
        if row.paid is not None:
            self._price(row, row.paid)
        if row.attempts > 1:
            self.retried += 1
            self.retries += row.attempts - 1
            self.waited_s += row.retry_wait_s or 0.0
        self.without_usage += row.output_tokens is None and tells_usage(row, row.ending)
        if row.cache_missed_tokens_estimated is not None:
            self._miss(row, row.cache_missed_tokens_estimated)
        if row.attempts_timeout and FLEX in {row.requested, row.expected}:
            self.impatient += any(PATIENCE_S[0] <= took < PATIENCE_S[1] for took in _timed_out(row))

    def include(self, alike: Alike) -> None:
        """Add calls that SQLite has added up: of one attempt each, which did not time out."""
        for name, count in zip(Alike._fields, alike, strict=True):
            setattr(self, name, getattr(self, name) + count)

    def _price(self, row: Row, paid: int) -> None:
        self.priced += 1
        self.paid += paid
        if row.at_default is not None:
            self.above_default += paid - row.at_default
        if row.at_expected is not None:
            self.above_expected += paid - row.at_expected
            self.compared += 1
        cached, written = row.cached_tokens or 0, row.cache_write_tokens or 0
        self.plain += (row.input_tokens or 0) - cached - written
        self.cached += cached
        self.written += written
        self.output += row.output_tokens or 0

    def _miss(self, row: Row, missed: int) -> None:
        """Add a miss of the cache: as few tokens as what is told allows, and those at the lower price first."""
        self.missed += missed
        if row.paid is None:
            return
        cached, written = row.cached_tokens or 0, row.cache_write_tokens or 0
        if row.cache_reusable_tokens is not None:
            missed = min(missed, max(row.cache_reusable_tokens - cached, 0))
        plain = min(missed, (row.input_tokens or 0) - cached - written)
        self.lost_plain += plain
        self.lost_written += min(missed - plain, written)

    def line(self, where: Workload, day: int, prompt: int) -> Line:
        """The sums so far, frozen."""
        return Line(
            where, day, prompt,
            self.calls, self.priced, self.paid, self.above_default, self.above_expected, self.compared,
            (self.plain, self.cached, self.written, self.output),
            self.retried, self.retries, self.waited_s, self.without_usage, self.impatient,
            self.missed, self.lost_plain, self.lost_written,
        )  # fmt: skip


def tells_usage(where: Row | Workload, ending: str) -> bool:
    """Say whether a call should have told its usage: a chat stream that was read out."""
    is_read_out = ending == COMPLETE and where.outcome not in _LOST
    return bool(where.is_stream) and where.endpoint != "responses" and is_read_out


def _timed_out(row: Row) -> list[float]:
    """Return how long the attempts took that the client gave up, in seconds.

    Raises:
        LedgerError: the attempts of the row cannot be read.

    """
    try:
        told = json.loads(row.attempts_json or "")
        ends = [*(later["start_s"] - (later["wait_s"] or 0.0) for later in told[1:]), row.duration_s]
        return [end - one["start_s"] for one, end in zip(told, ends, strict=True) if one["result"] == "timeout"]
    except (TypeError, ValueError, KeyError):
        raise LedgerError(
            f"row {row.row}: attempts_json is {row.attempts_json!r:.60}, no list of attempts. Something else than "
            f"Tierscope wrote it; delete the row, or read a copy of the ledger without it."
        ) from None
