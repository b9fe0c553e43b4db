"""How fast traffic grew against the ramp rule, and how much of what expected Scale spilled over."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tierscope.cli.capacity import growth_sentences
from tierscope.cli.pages import names
from tierscope.cli.pages.rates import step_of
from tierscope.cli.sentences import many
from tierscope.cli.table import short
from tierscope.html.page import Chart, Legend, Said, Section, Table
from tierscope.promise import ramp
from tierscope.words import DEFAULT, SCALE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tierscope.cli.pages.reading import Reading, Traffic
    from tierscope.html.page import Block
    from tierscope.ledger.figures import Report

KEY, TITLE = "capacity", "Capacity and ramp"
SERIES: Final = 4
"""As many are drawn."""
_STEPS: Final = (1, 5, 15, 60, 360, 1440, 10_080)
_LINE_PX: Final = 230


class Step(NamedTuple):
    """One point: of the minutes it stands for the busiest, of those beyond the rule where there are any."""

    begin_ns: int
    tpm: float
    allowed: float | None
    """``None`` where nothing before it is known in whole."""
    over: int
    """Minutes beyond the rule."""


def section(reading: Reading, report: Report) -> Section:
    """The section."""
    drawn = [one for one in reading.traffic if one.growth.steps][:SERIES]
    grew = [one.growth for one in reading.traffic]
    said = [Said(line) for line in growth_sentences(grew, Counter())]
    if not reading.traffic:
        said = [Said("No ramp rule is known of the providers of these calls, so no growth is judged.")]
    return Section(KEY, TITLE, (*map(_picture, drawn), *said, *_scale(report)))


def _picture(traffic: Traffic) -> Block:
    _, model, expected = traffic.key
    step_ns = traffic.limit.step_ns
    steps = [*_steps(traffic, step_of(traffic.series.first * step_ns, traffic.series.last * step_ns, step_ns, _STEPS))]
    over = sum(step.over for step in steps)
    title = f"{names.model(model)}, {expected or 'no tier'} expected: input tokens per minute"
    rows = tuple(
        (
            names.moment(step.begin_ns),
            f"{step.tpm:,.0f}",
            None if step.allowed is None else f"{step.allowed:,.0f}",
            f"{step.over:,}",
        )
        for step in steps
    )
    table = Table(title, ("From (UTC)", "Input tokens per minute", "Allowed by the rule", "Minutes beyond it"), rows)
    tier = names.tier(expected)
    legend = (Legend(tier, "input tokens per minute, completed"), Legend("other", "allowed by the ramp rule", True))
    label = f"{title}. {many(over, 'minute')} beyond the ramp rule, peak {short(round(traffic.growth.peak_tpm))}."
    data = {
        "height": _LINE_PX,
        "begin": traffic.series.first * step_ns // names.MS,
        "end": (traffic.series.last + 1) * step_ns // names.MS,
        "series": [
            {"name": "completed", "tier": tier, "step": 1, "points": [_point(step) for step in steps]},
            {"name": "allowed", "tier": "other", "dashed": 1, "step": 1, "points": [_allowed(step) for step in steps]},
        ],
    }
    return Chart("lines", title, label, data, table, legend)


def _steps(traffic: Traffic, width: int) -> Iterator[Step]:
    """The minutes, so many of them laid together."""
    series, limit = traffic.series, traffic.limit
    over = {point.step for point in ramp.points(series, limit) if point.is_over}
    for begin in range(series.first, series.last + 1, width):
        minutes = range(begin, min(begin + width, series.last + 1))
        step = max(minutes, key=lambda one: (one in over, series.tpm(one, limit.step_ns)))
        least = ramp.lowest(series, step, limit)
        allowed = None if least is None else limit.allowed(least)
        yield Step(begin * limit.step_ns, series.tpm(step, limit.step_ns), allowed, len(over.intersection(minutes)))


def _point(step: Step) -> dict[str, Any]:
    told = f"{step.tpm:,.0f} tokens per minute"
    point = {"t": step.begin_ns // names.MS, "v": round(step.tpm), "told": told}
    return {**point, "told": f"{told}, {many(step.over, 'minute')} beyond the rule", "bad": 1} if step.over else point


def _allowed(step: Step) -> dict[str, Any]:
    if step.allowed is None:
        return {"t": step.begin_ns // names.MS, "v": None}
    return {"t": step.begin_ns // names.MS, "v": round(step.allowed), "told": f"{step.allowed:,.0f} allowed"}


# ── scale ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def _scale(report: Report) -> Iterator[Said]:
    calls: Counter[str | None] = Counter()
    for group in report.groups:
        if SCALE in {group.expected, group.served}:
            calls[group.served] += group.calls
    if not calls:
        yield Said("No call expected Scale, and none was served from it: there are no units to judge.")
        return
    yield Said(
        f"Of {many(calls.total(), 'call')} on Scale, {calls[SCALE]:,} were served from it and {calls[DEFAULT]:,} "
        f"spilled over to {DEFAULT}. How much of the units was used depends on how many were bought, which no call "
        f"tells: tierscope capacity --units prints it."
    )
