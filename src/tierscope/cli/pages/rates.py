"""Rates against promises over time: a picture for each model and basis, and a sentence for each promise."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tierscope.cli import kept
from tierscope.cli.pages import names
from tierscope.cli.sentences import many
from tierscope.cli.sheet import BASIS, REASON
from tierscope.cli.table import number
from tierscope.html.page import Chart, Folded, Legend, Pair, Said, Section, Table
from tierscope.promise.sla import BASES, Basis
from tierscope.promise.timeline import WINDOW_NS, Bin, Line, Window, binned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tierscope.cli.pages.reading import Reading
    from tierscope.html.page import Cell

KEY, TITLE = "rates", "Speed against promises"
MODELS: Final = 4
"""As many are drawn; the others stand in the table."""
POINTS: Final = 72
"""More points than a line can show apart are laid together."""
_STEPS: Final = (1, 3, 12, 36, 72, 288, 2016)
"""Windows that one point may stand for: up to a week."""
_LINE_PX, _BAR_PX = 250, 46
_TOP: Final = {"generation": "Generation, token/s", "end_to_end": "End to end, token/s"}


class Drawn(NamedTuple):
    """One line of a picture."""

    line: Line
    windows: tuple[Window, ...]
    target: float | None
    median: float
    """Of all calls that count."""

    @property
    def calls(self) -> int:
        """Those that count."""
        return sum(window.calls for window in self.windows)


def section(reading: Reading) -> Section:
    """The section."""
    drawn = _drawn(reading)
    models = Counter[tuple[str, str | None]]()
    for one in drawn:
        models[one.line.provider, one.line.model] += one.calls
    is_one = len({provider for provider, _ in models}) < 2  # noqa: PLR2004  no other to tell it from
    pairs = [
        _pair(names.title(*model, is_one), [one for one in drawn if one.line[:2] == model], reading)
        for model, _ in models.most_common(MODELS)
    ]
    rest = len(models) - len(pairs)
    more = [Said(f"{many(rest, 'further model')} with fewer calls: in the table below.")] if rest > 0 else []
    whole = [Folded("Medians of the whole ledger", _whole(drawn, is_one))] if drawn else []
    return Section(KEY, TITLE, (*_said(reading, bool(drawn)), *pairs, *more, *whole))


def _drawn(reading: Reading) -> list[Drawn]:
    targets, medians = reading.timeline.targets(), reading.timeline.rates()
    return [
        Drawn(line, windows, targets.get(line), medians[line]) for line, windows in reading.timeline.lines().items()
    ]


def _said(reading: Reading, is_known: bool) -> Iterator[Said]:
    if not is_known:
        yield Said("No call of this ledger tells a rate that counts, so there is no line to draw.")
    if not reading.kept:
        yield Said("Nothing that is known was promised of these calls: there is no target to compare them with.")
    yield from map(Said, kept.sentences(reading.kept))


def _pair(title: str, drawn: list[Drawn], reading: Reading) -> Pair:
    sides = {basis: [one for one in drawn if one.line.basis == basis] for basis in BASES}
    made = [_picture(title, basis, sides[basis]) or _none(basis, drawn, reading) for basis in BASES]
    return Pair(title, *made)


def _none(basis: Basis, drawn: list[Drawn], reading: Reading) -> Said:
    """Say why there is no picture of a basis."""
    reasons: Counter[str] = Counter()
    for line in {one.line._replace(basis=basis) for one in drawn}:
        reasons.update(reading.timeline.left_out.get(line, {}))
    counts = ", ".join(
        f"{many(count, 'call')}: {REASON.get(reason, reason)}" for reason, count in reasons.most_common()
    )
    return Said(
        f"No call counts {BASIS[basis]}, so nothing is drawn. {counts}." if counts else "Nothing is drawn.", True
    )


def _picture(title: str, basis: Basis, drawn: list[Drawn]) -> Chart | None:
    if not drawn:
        return None
    if max(len(one.windows) for one in drawn) == 1:
        return _bars(title, basis, drawn)
    return _lines(title, basis, drawn)


# ── one window: there is no time to show ──────────────────────────────────────────────────────────────────────────
def _bars(title: str, basis: Basis, drawn: list[Drawn]) -> Chart:
    rows = [
        {
            "name": one.line.tier,
            "tier": names.tier(one.line.tier),
            "value": round(one.median, 1),
            "mark": one.target,
            "text": number(one.median) + ("" if one.target is None else f" (promised > {one.target:g})"),
            "lines": [f"{number(one.median)} token/s, median of {many(one.calls, 'call')}"],
        }
        for one in drawn
    ]
    label = f"{title}, {_TOP[basis]}: " + "; ".join(f"{row['name']} {row['text']}" for row in rows)
    data = {"height": _BAR_PX * len(rows) + 8, "rows": rows}
    return Chart(
        "bars", f"{_TOP[basis]}: median of one 5-minute window", f"{label}.", data, _table(title, basis, drawn, 1)
    )


# ── lines over time ───────────────────────────────────────────────────────────────────────────────────────────────
def step_of(begin_ns: int, end_ns: int, least_ns: int, steps: tuple[int, ...] = _STEPS) -> int:
    """Return how many windows one point stands for, so that a line has no more points than can be told apart."""
    held = (end_ns - begin_ns) // least_ns
    return next((step for step in steps if held <= POINTS * step), steps[-1])


def _lines(title: str, basis: Basis, drawn: list[Drawn]) -> Chart:
    begins = [window.begin_ns for one in drawn for window in one.windows]
    first, last = min(begins), max(begins)
    step = step_of(first, last, WINDOW_NS)
    series = [_series(one, step) for one in drawn]
    unit = "5-minute windows" if step == 1 else f"5-minute windows, each point the median of those of {_each(step)}"
    legend = tuple(Legend(names.tier(one.line.tier), _told(one)) for one in drawn)
    label = f"{title}, {_TOP[basis]}, medians of {unit}. " + "; ".join(item.text for item in legend)
    data = {
        "height": _LINE_PX,
        "begin": first // (step * WINDOW_NS) * step * WINDOW_NS // names.MS,
        "end": (last + WINDOW_NS) // names.MS,
        "series": series,
    }
    return Chart("lines", f"{_TOP[basis]}: {unit}", f"{label}.", data, _table(title, basis, drawn, step), legend)


def _each(step: int) -> str:
    minutes = step * 5
    if minutes % 1440 == 0:
        return many(minutes // 1440, "day")
    return many(minutes // 60, "hour") if minutes % 60 == 0 else f"{minutes} minutes"


def _told(one: Drawn) -> str:
    target = "" if one.target is None else f", promised > {one.target:g}"
    return f"{one.line.tier} {number(one.median)}{target}"


def _series(one: Drawn, step: int) -> dict[str, Any]:
    target = None if one.target is None else {"value": one.target, "text": f"promised > {one.target:g}"}
    return {
        "name": one.line.tier,
        "tier": names.tier(one.line.tier),
        "target": target,
        "points": [*_points(binned(one.windows, step * WINDOW_NS), step)],
    }


def _points(bins: tuple[Bin, ...], step: int) -> Iterator[dict[str, Any]]:
    """The points, and between two that do not follow each other one without a value: there the line is broken."""
    previous = None
    for one in bins:
        if previous is not None and one.begin_ns - previous > step * WINDOW_NS:
            yield {"t": (previous + step * WINDOW_NS) // names.MS, "v": None}
        previous = one.begin_ns
        told = f"{number(one.median)} token/s, {many(one.calls, 'call')}"
        if one.missed:
            told += f", {many(one.missed, 'window')} missed"
        point = {"t": one.begin_ns // names.MS, "v": round(one.median, 1), "told": told}
        yield {**point, "bad": 1} if one.missed and one.missed * 2 >= one.windows else point


# ── tables ────────────────────────────────────────────────────────────────────────────────────────────────────────
def _table(title: str, basis: Basis, drawn: list[Drawn], step: int) -> Table:
    bins = {one.line: binned(one.windows, step * WINDOW_NS) for one in drawn}
    found = sorted(chain.from_iterable(((told.begin_ns, line, told) for told in some) for line, some in bins.items()))
    rows = tuple(_row(line, told) for _, line, told in found)
    head = ("From (UTC)", "Tier", "Windows", "Missed", "Calls", "Lowest", "Median", "Highest")
    return Table(f"{title}: medians of 5-minute windows, {_TOP[basis].lower()}", head, rows, words=2)


def _row(line: Line, told: Bin) -> tuple[Cell, ...]:
    return (
        names.moment(told.begin_ns),
        line.tier,
        f"{told.windows:,}",
        None if told.missed is None else f"{told.missed:,}",
        f"{told.calls:,}",
        number(told.lowest),
        number(told.median),
        number(told.highest),
    )


def _whole(drawn: list[Drawn], is_one: bool) -> Table:
    rows = tuple(
        (
            names.title(one.line.provider, one.line.model, is_one),
            one.line.tier,
            BASIS[one.line.basis],
            f"{one.calls:,}",
            f"{len(one.windows):,}",
            number(one.median),
            None if one.target is None else f"> {one.target:g}",
        )
        for one in drawn
    )
    head = ("Model", "Served", "Basis", "Calls", "Windows", "Median token/s", "Promised")
    return Table("Medians of all calls that count", head, rows, words=3)
