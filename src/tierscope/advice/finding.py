"""What advice is made of: one frozen finding, with its figures, and how to undo what it advises."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from tierscope.cost import DAY_NS

if TYPE_CHECKING:
    from collections.abc import Mapping

Effort = Literal["low", "medium", "high"]
SAVING: Final = "saving"
NOT_CHARGED: Final = "not_charged"
PAID: Final = "paid"
ESTIMATED: Final = "estimated"
MONEY: Final[Mapping[str, str]] = {
    SAVING: "saving",
    NOT_CHARGED: "premium not charged",
    PAID: "paid beyond the units",
    ESTIMATED: "saving, estimated",
}
"""What an amount is. ``saving``: by so much the same tokens would have been cheaper. ``not_charged``: what the promised
tier would have cost more; it was not served, and not charged. ``paid``: what the calls were charged. ``estimated``: a
saving of which the service estimated the tokens."""
MONTH_DAYS: Final = 30


class Subject(NamedTuple):
    """What a finding is about."""

    provider: str
    model: str | None
    """As the application asks for it, or, where a rule compares replies, as these name it."""
    project: str | None = None
    deployment: str | None = None

    def __str__(self) -> str:
        """As part of an id: what is known, by colons."""
        return ":".join(part for part in self if part is not None)

    @property
    def words(self) -> str:
        """As part of a sentence."""
        where = self.deployment or self.project
        model = self.model or "an unknown model"
        return model if where is None or where == model else f"{model} ({where})"


class Money(NamedTuple):
    """An amount over the observed span, exact."""

    pico: int
    """Pico-dollars (1e-12 USD)."""
    kind: str
    """One of ``MONEY``."""

    @property
    def usd(self) -> Decimal:
        """Dollars, to the last digit."""
        return Decimal(self.pico).scaleb(-12)


class Span(NamedTuple):
    """From the first to the last call that a ledger holds, nanoseconds since 1970."""

    begin_ns: int
    end_ns: int

    @property
    def ns(self) -> int:
        """Its length."""
        return self.end_ns - self.begin_ns


class Finding(NamedTuple):
    """One thing to change. Findings may overlap: their money is never to be added up."""

    rule: str
    """One of ``tierscope.advice.RULES``."""
    subject: Subject
    title: str
    """A sentence with figures: what was seen."""
    advice: str
    """A sentence: what to do."""
    calls: int
    money: Money | None
    """``None``: the ledger does not hold what it would be worth."""
    evidence: Mapping[str, int | float | str]
    """The figures the rule decided by."""
    effort: Effort
    risk: str
    undo: str
    span: Span

    @property
    def id(self) -> str:
        """Name it: the same for the same rule and subject, whatever the figures."""
        return f"{self.rule}:{self.subject}"

    @property
    def month_extrapolated(self) -> Money | None:
        """The same amount at the same pace over thirty days; ``None`` unless more than a day was observed."""
        if self.money is None or self.span.ns <= DAY_NS:
            return None
        return self.money._replace(pico=self.money.pico * MONTH_DAYS * DAY_NS // self.span.ns)


def ranked(found: list[Finding]) -> tuple[Finding, ...]:
    """Return findings by money, most first; those without any behind them, by calls."""
    return tuple(
        sorted(found, key=lambda one: (one.money is None, -(one.money or Money(0, "")).pico, -one.calls, one.id))
    )
