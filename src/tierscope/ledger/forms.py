"""Calls that are alike in all but numbers, added up together: what a report says of them is worked out once for all."""

from __future__ import annotations

from array import array
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from tierscope.ledger.figures import Group, Quantiles, Tokens, quantiles
from tierscope.ledger.money import Bill, total

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from tierscope.ledger.queries import Row
    from tierscope.model import Cost

Key = tuple[str, str | None, str, str | None, str | None]
"""Provider, model, requested, expected and served tier: what a group has in common."""


class Alike(NamedTuple):
    """Calls of one form, added up."""

    row: int
    """The first of them."""
    calls: int
    first_unix_ns: int
    last_unix_ns: int
    without_output: int
    tokens: Tokens
    bill: Cost


class Form:
    """The running sums of calls of one form: those whose columns of few values have the same ones."""

    def __init__(self, row: Row) -> None:
        self.row = row
        """The first of them, for what they have in common."""
        self.calls = 0
        self.first_row = self.first_unix_ns = 2**63
        self.last_unix_ns = -(2**63)
        self.tokens = TokenSums()
        self.without_output = 0
        """Calls that tell no output tokens."""
        self.bill = Bill()
        self.generation = array("d")
        self.end_to_end = array("d")
        self.first_token = array("d")

    def add(self, row: Row) -> None:
        """Add one call."""
        self.calls += 1
        self._reach(row.row, row.started_unix_ns, row.started_unix_ns)
        self.without_output += row.output_tokens is None
        self.tokens.add(row)
        self.bill.add(row)
        if row.first_token_s is not None:
            self.first_token.append(row.first_token_s)
        if row.consumer_limited:
            return
        if row.rate_generation is not None:
            self.generation.append(row.rate_generation)
        if row.rate_end_to_end is not None:
            self.end_to_end.append(row.rate_end_to_end)

    def include(self, alike: Alike) -> None:
        """Add calls that SQLite has added up; all but their speed."""
        self.calls += alike.calls
        self._reach(alike.row, alike.first_unix_ns, alike.last_unix_ns)
        self.without_output += alike.without_output
        if self.row.usage_is_new != 0:
            self.tokens.include(alike.tokens)
        self.bill.add_alike(self.row, alike.calls, alike.bill)

    def takers(self) -> tuple[Callable[[float], None], ...]:
        """Return what adds a first token, a rate by generation, and one end to end."""
        if self.row.consumer_limited:
            return self.first_token.append, _leave, _leave
        return self.first_token.append, self.generation.append, self.end_to_end.append

    def _reach(self, row: int, first_unix_ns: int, last_unix_ns: int) -> None:
        self.first_row = min(self.first_row, row)
        self.first_unix_ns = min(self.first_unix_ns, first_unix_ns)
        self.last_unix_ns = max(self.last_unix_ns, last_unix_ns)


def _leave(_rate: float) -> None:
    """Leave out a rate of which the reader was the brake."""


class TokenSums:
    """Tokens, added up as they are told."""

    __slots__ = ("cached", "input", "output", "reasoning")

    def __init__(self) -> None:
        self.input = self.output = self.cached = self.reasoning = 0

    def add(self, row: Row) -> None:
        """Add the tokens of one row: none where they were counted before."""
        if row.usage_is_new != 0:
            self.input += row.input_tokens or 0
            self.output += row.output_tokens or 0
            self.cached += row.cached_tokens or 0
            self.reasoning += row.reasoning_tokens or 0

    def include(self, sums: Tokens) -> None:
        """Add sums."""
        self.input += sums.input
        self.output += sums.output
        self.cached += sums.cached
        self.reasoning += sums.reasoning


def tokens(sums: Iterable[TokenSums | Tokens]) -> Tokens:
    """Return the sums of several."""
    held = list(sums)
    return Tokens(
        input=sum(some.input for some in held),
        output=sum(some.output for some in held),
        cached=sum(some.cached for some in held),
        reasoning=sum(some.reasoning for some in held),
    )


def counted(forms: Iterable[Form], word: Callable[[Row], str | None]) -> dict[str, int]:
    """Count calls by a word that their form has; those without one are left out."""
    counts: Counter[str] = Counter()
    for form in forms:
        said = word(form.row)
        if said is not None:
            counts[said] += form.calls
    return dict(counts.most_common())


def group(key: Key, forms: Sequence[Form], share: float) -> Group:
    """Return the figures of one group."""
    return Group(
        *key,
        calls=sum(form.calls for form in forms),
        share=share,
        outcomes=counted(forms, lambda row: row.outcome),
        causes=counted(forms, lambda row: row.inferred_cause),
        errors=counted(forms, lambda row: row.error_type),
        retries=sum(form.calls * max(0, form.row.attempts - 1) for form in forms),
        generation=_quantiles(form.generation for form in forms),
        end_to_end=_quantiles(form.end_to_end for form in forms),
        first_token=_quantiles(form.first_token for form in forms),
        tokens=tokens(form.tokens for form in forms),
        money=total(form.bill for form in forms),
    )


def _quantiles(samples: Iterable[array[float]]) -> Quantiles:
    whole = array("d")
    for some in samples:
        whole.extend(some)
    return quantiles(whole)
