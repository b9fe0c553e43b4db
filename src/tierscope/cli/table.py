"""The summary as a table of model, requested and served tier: readable at 80 columns and at 100."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rich.console import Group as Stack
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from tierscope.cli.sentences import footnotes, headlines

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from tierscope.ledger.figures import Group, Quantiles, Report

UNKNOWN: Final = "–"  # noqa: RUF001  an en dash: no figure, and no minus
DOWN: Final = "bold #E69F00"
"""Orange, blue and vermilion of the palette of Okabe and Ito, which colour-blind readers can tell apart."""
UP: Final = "#56B4E9"
BAD: Final = "#D55E00"
QUIET: Final = "dim"
WIDE: Final = 96
"""From this width on, headings are written out."""
_K, _M = 1_000, 1_000_000
_SMALL = 10


def print_report(console: Console, report: Report) -> None:
    """Print the whole summary."""
    console.print(summary(report, console.width))


def summary(report: Report, width: int) -> RenderableType:
    """The summary: what matters first as sentences, the table, and what must be known to read it."""
    lines = [Text(line, style=DOWN if is_loud else "") for line, is_loud in headlines(report)]
    if not report.calls:
        return Stack(*lines)
    notes = [Padding(Text(line, style=QUIET), (0, 0, 0, 0)) for line in footnotes(report)]
    return Stack(*lines, Text(), table(report, width), Text(), *notes)


def table(report: Report, width: int) -> Table:
    """One row per (model, requested, served), under a line for each model."""
    grid = _grid(width)
    several = len({group.provider for group in report.groups}) > 1
    model: tuple[str, str | None] | None = None
    for group in report.groups:
        if (group.provider, group.model) != model:
            if model is not None:
                grid.add_section()
            model = group.provider, group.model
            grid.add_row(Text(f"{group.model or UNKNOWN}{f' · {group.provider}' if several else ''}", style="bold"))
        grid.add_row(*_cells(group))
    return grid


def _grid(width: int) -> Table:
    is_wide = width >= WIDE
    grid = Table(box=None, padding=(0, 2 if is_wide else 1, 0, 0), pad_edge=False, expand=False, header_style=QUIET)
    names = (
        ("Calls", "", "right"),
        ("Share", "", "right"),
        ("Generation" if is_wide else "Gen.", "tok/s", "right"),
        ("End to end" if is_wide else "E2E", "tok/s", "right"),
        ("First token" if is_wide else "First", "p50" if is_wide else "token", "right"),
        ("Tokens", "", "right"),
        ("Not as", "hoped", "right"),
    )
    grid.add_column("Served tier", no_wrap=False, min_width=22)
    for name, unit, side in names:
        grid.add_column(f"{name}\n{unit}".rstrip(), justify="right" if side == "right" else "left", no_wrap=True)
    return grid


def _cells(group: Group) -> tuple[Text, ...]:
    return (
        _tier(group),
        Text(f"{group.calls}"),
        Text(f"{group.share:.0%}".replace("%", " %")),
        _rate(group.generation),
        _rate(group.end_to_end),
        Text(seconds(group.first_token.p50)),
        _tokens(group),
        _trouble(group),
    )


def _tier(group: Group) -> Text:
    """The served tier; what was asked for beneath it, quietly, where it differs; and inferred causes."""
    mark, style = _mark(group)
    text = Text(f"{mark} {group.served or UNKNOWN}", style=style)
    lines = []
    if group.requested != group.served:
        lines.append(f"requested: {group.requested}")
    if group.expected not in {None, group.requested, group.served}:
        lines.append(f"expected: {group.expected}")
    lines += [f"inferred: {cause} {count}" for cause, count in group.causes.items()]
    for line in lines:
        text.append(f"\n  {line}", style=QUIET)
    return text


def _mark(group: Group) -> tuple[str, str]:
    if group.downgraded:
        return "▼", DOWN
    if group.outcomes.get("upgraded"):
        return "▲", UP
    return " ", ""


def _rate(rates: Quantiles) -> Text:
    text = Text(number(rates.p50))
    if rates.p95 is not None:
        text.append(f"\np95 {number(rates.p95)}", style=QUIET)
    return text


def _tokens(group: Group) -> Text:
    if not group.tokens.input and not group.tokens.output:
        return Text(UNKNOWN)
    return Text(f"{short(group.tokens.input)} in\n{short(group.tokens.output)} out")


def _trouble(group: Group) -> Text:
    """What did not go as hoped: refusals, failures, retries; nothing where there were none."""
    failed = group.outcomes.get("failed", 0)
    counts = (
        (group.outcomes.get("refused", 0), "refused", BAD),
        (failed, "failed", BAD),
        (group.retries, "retries", ""),
    )
    said = [Text(f"{count} {word}", style=style) for count, word, style in counts if count]
    return Text("\n").join(said)


def number(value: float | None) -> str:
    """A rate in three figures; an en dash where it is unknown."""
    if value is None:
        return UNKNOWN
    return f"{value:.1f}" if value < _SMALL else f"{value:.0f}"


def seconds(value: float | None) -> str:
    """Seconds in two or three figures; an en dash where unknown."""
    if value is None:
        return UNKNOWN
    return f"{value:.2f} s" if value < _SMALL else f"{value:.0f} s"


def short(count: int) -> str:
    """A count in at most five characters: 999, 12.3k, 4.56M."""
    if count < _K:
        return str(count)
    if count < 100 * _K:
        return f"{count / _K:.1f}k"
    return f"{count / _K:.0f}k" if count < _M else f"{count / _M:.3g}M"
