"""What may be said about the simulated service on the command line: shared options, and the profile of them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tierscope.simulator import Profile

_MINUTE: Final = 60.0
_OPTIONS: Final = (
    click.option("--seed", type=int, help="Repeat the draws of an earlier run."),
    click.option(
        "--time-scale",
        type=click.FloatRange(min=0, min_open=True),
        help="Shorten the minutes of limits and the waits of flex by this factor; never the tokens' pace.",
    ),
    click.option(
        "--ramp-window",
        type=click.FloatRange(min=_MINUTE),
        help="Seconds, of the scaled ones, that the ramp limit looks back; it counts in minutes.  [default: 900]",
    ),
)


def profile_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options ``seed``, ``time_scale`` and ``ramp_window`` to a command; None is what the profile has."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def adjusted(profile: Profile, seed: int | None, time_scale: float | None, ramp_window: float | None) -> Profile:
    """The profile with what was said about it; what is None stays as it is."""
    return replace(
        profile,
        seed=profile.seed if seed is None else seed,
        time_scale=profile.time_scale if time_scale is None else time_scale,
        tiers=profile.tiers if ramp_window is None else replace(profile.tiers, ramp_window=ramp_window),
    )
