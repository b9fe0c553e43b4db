"""What rules are made of: everything a ledger holds, as far as they ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from array import array
    from collections.abc import Mapping

    from tierscope.advice.columns import Workload
    from tierscope.advice.finding import Span
    from tierscope.advice.lines import Line
    from tierscope.promise.ramp import Key, Over


class Speeds(NamedTuple):
    """Samples of one model and served tier; those of slow readers are left out."""

    generation: array[float]
    """Output rate (generation), token/s."""
    first_token: array[float]
    """Seconds."""


class Minute(NamedTuple):
    """Tokens that ``scale`` served, by the minute in which their call ended."""

    input: int
    output: int


class Beyond(NamedTuple):
    """Downgraded calls of one workload that ran while their series grew beyond the ramp rule."""

    where: Workload
    key: Key
    steps: range
    """From the start of the calls to their end."""
    calls: int
    compared: int
    """Those whose price is known at both tiers."""
    not_charged: int
    """Pico-dollars that they would have cost more."""


class Figures(NamedTuple):
    """What a ledger holds, as far as rules ask."""

    calls: int
    span: Span
    lines: tuple[Line, ...]
    speeds: Mapping[tuple[str, str | None, str], Speeds]
    """By provider, model of the reply, and served tier."""
    scale: Mapping[tuple[str, str | None], Mapping[int, Minute]]
    """By provider and model of the reply, then by minute; one with a call that expected scale is there."""
    beyond: tuple[Beyond, ...]
    over: Over
