"""What the figures need to know of a finished call."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tierscope.words import UNREPORTED

if TYPE_CHECKING:
    from tierscope.model import AttemptResult


class Try(NamedTuple):
    """One HTTP attempt: a request, as the contract counts them."""

    result: AttemptResult
    status: int | None = None
    code: str | None = None


class Sample(NamedTuple):
    """One finished call. ``None`` is unknown."""

    provider: str
    started_ns: int
    """By the wall clock, nanoseconds since 1970."""
    duration_ns: int = 0
    request_model: str | None = None
    response_model: str | None = None
    expected: str | None = None
    served: str = UNREPORTED
    outcome: str = UNREPORTED
    inferred_cause: str | None = None
    error_type: str | None = None
    trusted: bool = True
    input_tokens: int | None = None
    cached_tokens: int | None = None
    output_tokens: int | None = None
    generation: float | None = None
    """Output rate (generation), token/s."""
    end_to_end: float | None = None
    """Output rate (end to end), token/s."""
    consumer_limited: bool | None = None
    is_background: bool = False
    tries: tuple[Try, ...] = ()

    @property
    def ended_ns(self) -> int:
        """When its tokens were known."""
        return self.started_ns + self.duration_ns

    @property
    def model(self) -> str | None:
        """The model as the reply names it, else as it was asked for."""
        return self.response_model or self.request_model
