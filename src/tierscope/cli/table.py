"""The summary as a table of model, requested and served tier: readable at 80 columns and at 100."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final, TypeAlias

from rich.console import Group as Stack
from rich.table import Table
from rich.text import Text

from tierscope.cli.sentences import dollars, footnotes, headlines, inferred, percent, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from rich.console import Console, RenderableType

    from tierscope.ledger.figures import Group, Quantiles, Report

UNKNOWN: Final = "\N{EN DASH}"
DOWN: Final = "bold #E69F00"
"""Orange, blue and vermilion of the palette of Okabe and Ito, which colour-blind readers can tell apart."""
UP: Final = "#56B4E9"
BAD: Final = "#D55E00"
QUIET: Final = "dim"
WIDE: Final = 96
"""From this width on, headings are written out."""
_WIDE_HEADS: Final = (
    "Served tier",
    "Calls",
    "Share",
    "Generation\ntok/s",
    "End to end\ntok/s",
    "First token\np50",
    "Tokens",
)
_NARROW_HEADS: Final = ("Served tier", "Calls", "Share", "Gen.\ntok/s", "E2E\ntok/s", "First\ntoken", "Tokens")
_TROUBLE: Final = "Trouble"
_TIER_AND: Final = len(_WIDE_HEADS)
"""How many columns stand beside that of the tiers."""
_TIER_MIN: Final = 10
_LONG: Final = 100_000
_TENTHS_BELOW, _HUNDREDTHS_BELOW = 9.95, 9.995
_UNITS: Final = ("", "k", "M", "G", "T", "P", "E", "Z", "Y", "R")
_ROUNDED_UP: Final = 999.5
"""What three figures would show as 1000."""
Cells = tuple[Text, ...]
Promised: TypeAlias = "Callable[[Group], float | None]"
Lines: TypeAlias = "Iterable[str]"


def print_report(console: Console, report: Report, promised: Promised = lambda _: None, kept: Lines = ()) -> None:
    """Print the whole summary."""
    console.print(summary(report, console.width, promised, kept))


def summary(report: Report, width: int, promised: Promised = lambda _: None, kept: Lines = ()) -> RenderableType:
    """The summary: what matters first as sentences, the table, and what must be known to read it.

    ``promised`` says which rate a group was promised, ``kept`` what became of the promises.
    """
    lines = [Text(plain(line), style=DOWN if is_loud else "") for line, is_loud in headlines(report)]
    if not report.calls:
        return Stack(*lines)
    notes = [Text(plain(line), style=QUIET) for line in footnotes(report)]
    said = [Text(plain(line)) for line in kept]
    return Stack(*lines, Text(), table(report, width, promised), Text(), *said, *notes)


def table(report: Report, width: int, promised: Promised = lambda _: None) -> RenderableType:
    """One row per (model, requested, served), under a line for each model; names and causes may take a whole line."""
    is_wide = width >= WIDE
    heads = tuple(Text(head, style=QUIET) for head in (*(_WIDE_HEADS if is_wide else _NARROW_HEADS), _TROUBLE))
    rows = [(group, _cells(group, promised(group))) for group in report.groups]
    gap = 2 if is_wide else 1
    widths = _widths([heads, *(cells for _, cells in rows)], width - gap * _TIER_AND)
    return Stack(_line(heads, widths, gap), *_body(report, rows, widths, gap))


def _body(
    report: Report, rows: Sequence[tuple[Group, Cells]], widths: Sequence[int], gap: int
) -> Iterator[RenderableType]:
    several = len({group.provider for group in report.groups}) > 1
    for (provider, model), members in itertools.groupby(rows, key=lambda row: (row[0].provider, row[0].model)):
        yield Text(plain(f"{model or UNKNOWN} · {provider}" if several else model or UNKNOWN), style="bold")
        for group, cells in members:
            yield _line(cells, widths, gap)
            if group.causes:
                yield Text(plain(f"    {inferred(group.causes)}"), style=QUIET)


def _widths(rows: Sequence[Cells], room: int) -> list[int]:
    """The widest line of each column; where there is no room for all, the tiers give way, and fold."""
    tier, *figures = [
        max(line.cell_len for cell in column for line in cell.split()) for column in zip(*rows, strict=True)
    ]
    return [max(_TIER_MIN, min(tier, room - sum(figures))), *figures]


def _line(cells: Cells, widths: Sequence[int], gap: int) -> Table:
    """One row; all are of the same widths. Where those do not fit, lines are folded, never cut."""
    grid = Table.grid(padding=(0, gap, 0, 0))
    for number, width in enumerate(widths):
        grid.add_column(width=width, justify="right" if number else "left", overflow="fold")
    grid.add_row(*cells)
    return grid


def _cells(group: Group, target: float | None) -> Cells:
    return (
        _tier(group, target),
        Text(f"{group.calls:,}" if group.calls < _LONG else short(group.calls)),
        Text(percent(group.share)),
        _rate(group.generation),
        _rate(group.end_to_end),
        Text(seconds(group.first_token.p50)),
        _tokens(group),
        _trouble(group),
    )


def _tier(group: Group, target: float | None) -> Text:
    """The served tier; beneath it, quietly, what was asked for and what was expected, where it differs."""
    mark, style = _mark(group)
    text = Text(f"  {mark} {plain(group.served or UNKNOWN)}", style=style)
    if group.requested != group.served:
        text.append(f"\n    requested: {plain(group.requested)}", style=QUIET)
    if group.expected not in {None, group.requested, group.served}:
        text.append(f"\n    expected: {plain(str(group.expected))}", style=QUIET)
    if target is not None:
        text.append(f"\n    promised: >{target:g} tok/s", style=QUIET)
    return text


def _mark(group: Group) -> tuple[str, str]:
    if group.downgraded:
        return "▼", DOWN
    return ("▲", UP) if group.outcomes.get("upgraded") else (" ", "")


def _rate(rates: Quantiles) -> Text:
    text = Text(number(rates.p50))
    if rates.p95 is not None:
        text.append(f"\np95 {number(rates.p95)}", style=QUIET)
    return text


def _tokens(group: Group) -> Text:
    if not group.tokens.input and not group.tokens.output:
        return Text(UNKNOWN)
    text = Text(f"{short(group.tokens.input)} in\n{short(group.tokens.output)} out")
    if group.money.priced:
        text.append(f"\n{dollars(group.money.cost)}")
    return text


def _trouble(group: Group) -> Text:
    """What did not go as hoped: refusals, failures, retries; nothing where there were none."""
    counts = (
        (group.outcomes.get("refused", 0), "refused", BAD),
        (group.outcomes.get("failed", 0), "failed", BAD),
        (group.retries, "retry" if group.retries == 1 else "retries", ""),
    )
    return Text("\n").join(Text(f"{short(count)} {word}", style=style) for count, word, style in counts if count)


def number(value: float | None) -> str:
    """A rate in at most five characters; an en dash where it is unknown."""
    if value is None:
        return UNKNOWN
    return f"{value:.1f}" if value < _TENTHS_BELOW else _whole(value)


def seconds(value: float | None) -> str:
    """Seconds to the hundredth, from ten on whole ones; an en dash where unknown."""
    if value is None:
        return UNKNOWN
    return f"{value:.2f} s" if value < _HUNDREDTHS_BELOW else f"{_whole(value)} s"


def _whole(value: float) -> str:
    return f"{value:.0f}" if value < _LONG else short(round(value))


def short(count: int) -> str:
    """A count in at most five characters: 999, 12.3k, 4.57M, 890G; never rounded up to the next unit's thousand."""
    value = float(count)
    for unit in _UNITS:
        if value < _ROUNDED_UP:
            return f"{value:.3g}{unit}"
        value /= 1000
    return f">{_UNITS[-1]}"
