"""Overhead per call and per stream: CPU over the bare client and what is added to the caller, beside the floor.

``python bench/calls.py [--rounds N] [chat …]``
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from contestants import Priced, everyone
from noise import undisturbed
from operations import calls, chat, streams
from paired import Measured

if TYPE_CHECKING:
    from collections.abc import Iterator

CALLS, WARM, ROUNDS = 16, 16, 60
STREAMS, STREAM_ROUNDS = 1, 24


def measured(rounds: int = ROUNDS, names: tuple[str, ...] = ()) -> Iterator[Measured]:
    """Measure each kind of call whose reply is a body."""
    for operation in calls():
        if not names or operation.name in names:
            yield Measured(everyone(), operation, rounds=rounds, calls=CALLS, warm=WARM)


def measured_streams(rounds: int = STREAM_ROUNDS) -> Iterator[Measured]:
    """Measure each kind of stream."""
    for operation in streams():
        yield Measured(everyone(), operation, rounds=rounds, calls=STREAMS, warm=STREAMS)


def priced(rounds: int = ROUNDS) -> float:
    """Microseconds that the costs of a call take where they are counted, stamps included.

    The difference between calls with and without costs says less: its error is as large as they are.
    """
    contestant = Priced()
    call, spent = contestant.around(chat()), []
    for _ in range(rounds):
        contestant.enter()
        for _ in range(WARM):
            call()
        contestant.settle()
        contestant.spent_ns = 0
        for _ in range(CALLS):
            call()
        contestant.settle()
        spent.append(contestant.spent_ns / CALLS / 1000)
        contestant.leave()
    return undisturbed(spent)


def table(measured: Measured) -> str:
    """One kind of call as a Markdown table."""
    lines = [
        f"**{measured.operation.name}** (bare: {measured.bare():.0f} µs of CPU)\n",
        "| | CPU µs | × floor | median, quartiles | caller µs | × floor | attributes | records |",
        "|---|--:|--:|---|--:|--:|--:|--:|",
    ]
    for name in list(measured.blocks)[1:]:
        cpu, caller = measured.added(name), measured.added(name, "caller")
        _, attributes, records = measured.emitted[name]
        lines.append(
            f"| {name} | {cpu.undisturbed:+.0f} | {measured.ratio(name):.2f}"
            f" | {cpu.median:+.0f}, {cpu.low:+.0f} … {cpu.high:+.0f} | {caller.undisturbed:+.0f}"
            f" | {measured.ratio(name, what='caller'):.2f} | {attributes:.0f} | {records:.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"blocks of each contestant (default: {ROUNDS})")
    parser.add_argument("names", nargs="*", help="kinds of calls (default: all)")
    told = parser.parse_args()
    for one in measured(told.rounds, tuple(told.names)):
        print(table(one), "\n")


if __name__ == "__main__":
    main()
