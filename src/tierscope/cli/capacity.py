"""``tierscope capacity``: growth against the ramp rule, and what was bought of Scale tier against what was used."""

from __future__ import annotations

import contextlib
import json
import re
import textwrap
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from tierscope.catalog.prices import rates
from tierscope.catalog.promises import promises
from tierscope.cli.kept import own
from tierscope.cli.report import errors_of
from tierscope.cli.sentences import dollars, many, plain
from tierscope.cli.sheet import WIDTH
from tierscope.cost import PICO
from tierscope.ledger.feeds import KIND, Feed
from tierscope.ledger.kinds import numbered
from tierscope.ledger.rows import EVER
from tierscope.ledger.samples import read
from tierscope.ledger.store import open_to_read
from tierscope.promise import ramp, scale
from tierscope.promise.sheet import DAY_NS
from tierscope.words import DEFAULT, PRIORITY, RAMP_RATE, SCALE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tierscope.catalog.prices import Rates
    from tierscope.catalog.promises import Promises, ScaleUnit
    from tierscope.promise.samples import Sample
    from tierscope.promise.share import Share

_ON_SCALE: Final = f"'{SCALE}' IN (served, expected) OR is_background OR operation = 'fetch_response'"
"""The rows that may be about ``scale``: of background work, the call that began it may alone tell what was expected."""
_UNITS: Final = re.compile(r"(?P<model>[^=]+)=(?P<taken>\d+)/(?P<given>\d+)")


class Growth(NamedTuple):
    """What the ramp rule says of one series."""

    provider: str
    model: str | None
    expected: str | None
    floor_tpm: int
    peak_tpm: float
    steps: int
    """Steps that reached the floor."""
    warnings: int
    """Those in which most of the allowed growth was used."""
    over: int
    """Those that grew beyond the rule."""
    headroom_tpm: float | None
    """Tokens per minute left in the last step; ``None`` where nothing before it is known."""


class Bought(NamedTuple):
    """What was bought of one model, and used."""

    model: str
    use: scale.Utilisation
    spill: Share
    input: scale.BreakEven | None
    output: scale.BreakEven | None


@click.command(short_help="Print growth against the ramp rule, and use of Scale units.")
@click.argument("ledger", type=click.Path(path_type=Path))
@click.option("--units", multiple=True, metavar="MODEL=IN/OUT", help="Scale units that were bought: gpt-4.1=2/4.")
@click.option(
    "--cached-weight",
    type=click.FloatRange(0, 1),
    default=1.0,
    show_default=True,
    help="What a cached token counts against a unit; no document states it.",
)
@click.option("--ramp-window", type=click.FloatRange(min=0.1), help="Seconds, instead of the rule's: for simulations.")
@click.option("--json", "is_json", is_flag=True, help="Print the figures as JSON.")
def capacity(
    ledger: Path, units: tuple[str, ...], cached_weight: float, ramp_window: float | None, is_json: bool
) -> None:
    """Print how fast the traffic of LEDGER grew against the ramp rule, and how much of bought Scale units it used.

    Growth is of completed input tokens per minute, by expected tier: one ledger sees a lower bound of a project's.
    """
    path = own()
    known, prices = promises(path), rates(path)
    chosen = [bought_of(text, known) for text in units]
    with errors_of(ledger):
        grew, causes = observed(ledger, known, ramp_window)
        on_scale = Samples(ledger, _ON_SCALE)
        bought = [use(on_scale, known, prices, *one, cached_weight) for one in chosen]
    if is_json:
        click.echo(json.dumps(told(grew, causes, bought), indent=2))
        return
    for line in (*growth_sentences(grew, causes), *(line for one in bought for line in _of_units(one))):
        click.echo(textwrap.fill(plain(line), WIDTH))


class Samples:
    """The samples of a ledger, read anew each time: no more than one is held."""

    def __init__(self, ledger: Path, where: str = "") -> None:
        self._ledger, self._where = ledger, where

    def __iter__(self) -> Iterator[Sample]:
        db = open_to_read(self._ledger)
        if db is not None:
            with contextlib.closing(db):
                yield from read(db, *EVER, where=self._where)


def bought_of(text: str, known: Promises) -> tuple[ScaleUnit, int, int]:
    """Read what was bought of a model.

    Raises:
        click.BadParameter: it is written otherwise, or no unit of that model is known.

    """
    match = _UNITS.fullmatch(text)
    if match is None:
        raise click.BadParameter(f"{plain(text)!r} is no such thing. Write it as gpt-4.1=2/4.", param_hint="--units")
    unit = known.scale_unit("openai", match["model"], time.time_ns() // DAY_NS)
    if unit is None:
        models = ", ".join(sorted({one.model for one in known.scale_units}))
        raise click.BadParameter(f"no unit of {plain(match['model'])!r} is known. Use {models}.", param_hint="--units")
    return unit, int(match["taken"]), int(match["given"])


# ── growth ────────────────────────────────────────────────────────────────────────────────────────────────────────
def observed(ledger: Path, known: Promises, window_s: float | None) -> tuple[list[Growth], Counter[str]]:
    """Judge every series of providers that have a rule, and count the inferred causes of downgrades."""
    ramps, db = ramp.Ramps(known.ramp, window_s), open_to_read(ledger)
    if db is not None:
        with contextlib.closing(db), numbered(db, KIND) as kinds:
            Feed(db, kinds).ramps(ramps)
    found = [
        grown(key, series, bound)
        for _, (bound, told_of) in sorted(ramps.series().items())
        for key, series in told_of.items()
    ]
    return found, ramps.causes()


def grown(key: ramp.Key, series: ramp.Series, bound: ramp.Limit) -> Growth:
    """Judge one series."""
    points = ramp.points(series, bound)
    peak = max(series.tpm(step, bound.step_ns) for step in series.tokens)
    warnings, over = sum(point.is_warning for point in points), sum(point.is_over for point in points)
    left = ramp.headroom(series, series.last, bound)
    return Growth(*key, bound.floor_tpm, peak, len(points), warnings, over, left)


def growth_sentences(grew: list[Growth], causes: Counter[str]) -> Iterator[str]:
    """Say what the ramp rule says of each series, and why calls were downgraded: inferred."""
    for one in grew:
        if one.steps:
            yield (
                f"{one.model or '?'}, expected {one.expected or 'unknown'}: at its peak {one.peak_tpm:,.0f} input "
                f"tokens per minute; of {many(one.steps, 'step')} above {one.floor_tpm:,}, {one.over:,} grew beyond "
                f"the ramp rule, {one.warnings - one.over:,} came near."
            )
    quiet = sum(not one.steps for one in grew)
    if quiet:
        models = "1 model and tier" if quiet == 1 else f"{quiet:,} models and tiers"
        yield f"Of {models} the ramp rule says nothing: below its floor, or seen for too short a time."
    if causes:
        counts = ", ".join(f"{cause} {count:,}" for cause, count in causes.most_common())
        yield f"Downgraded calls by inferred cause: {counts}."
    if causes[RAMP_RATE]:
        yield "Against the ramp rule: raise traffic gradually, or buy capacity in advance."


# ── units ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def use(
    samples: Samples, known: Promises, prices: Rates, unit: ScaleUnit, taken: int, given: int, cached_weight: float
) -> Bought:
    """Return what was used of the units of one model, and what they must be used to pay."""

    def mine() -> Iterator[Sample]:
        for sample in samples:
            if SCALE in {sample.served, sample.expected} and sample.model is not None:
                found = known.scale_unit(sample.provider, sample.model, sample.started_ns // DAY_NS)
                if found is not None and found.model == unit.model:
                    yield sample

    bought = scale.entitlement(unit, taken, given)
    served: Counter[str] = Counter()
    made = scale.utilisation(scale.noted(mine(), served), bought, cached_weight=cached_weight)
    price = _price_of(prices, unit)
    return Bought(
        unit.model,
        made,
        scale.spilled(served),
        _pays(unit.input_tpm, unit.input_usd_day, price("input", DEFAULT), price("input", PRIORITY)),
        _pays(unit.output_tpm, unit.output_usd_day, price("output", DEFAULT), price("output", PRIORITY)),
    )


def _price_of(known: Rates, unit: ScaleUnit) -> Callable[[str, str], float | None]:
    """Return what looks up dollars per token of a unit's model today, at a tier."""
    day = time.time_ns() // DAY_NS

    def dollars_of(side: str, tier: str) -> float | None:
        bands = known.bands(unit.provider, unit.model, tier, day)
        amount = None if isinstance(bands, str) else getattr(bands[-1].price, side)
        return None if amount is None else amount / PICO

    return dollars_of


def _pays(tpm: int, usd_day: float, default: float | None, priority: float | None) -> scale.BreakEven | None:
    if default is None:
        return None
    return scale.break_even(tpm, usd_day, default_price=default, priority_price=priority)


def _of_units(one: Bought) -> Iterator[str]:
    used, bought = one.use, one.use.entitlement
    yield (
        f"{one.model} on scale: {bought.input_tpm:,} input and {bought.output_tpm:,} output tokens per minute bought. "
        f"Over {many(used.minutes, 'minute')}, {_share(used.input)} of input and {_share(used.output)} of output were "
        f"used, at most {_share(used.peak_input)} and {_share(used.peak_output)} in one; {dollars(used.idle_usd)} idle."
    )
    if one.spill.of:
        yield f"{one.spill.met:,} of {many(one.spill.of, 'call')} that expected scale spilled over to default."
    for side, even in (("input", one.input), ("output", one.output)):
        if even is not None:
            against = (
                "" if even.utilisation is None else f"; it pays against priority from {even.utilisation:.1%} use on"
            )
            yield f"A fully used {side} unit costs {even.of_default:.3f} x the default tier's list price{against}."


def _share(part: float | None) -> str:
    return "none bought" if part is None else f"{part:.1%}"


# ── a program ─────────────────────────────────────────────────────────────────────────────────────────────────────
def told(grew: list[Growth], causes: Counter[str], bought: list[Bought]) -> dict[str, Any]:
    """The figures for a program; ``null`` is unknown."""
    return {
        "ramp": [one._asdict() for one in grew],
        "inferred_causes": dict(causes),
        "scale": [
            {
                "model": one.model,
                **one.use.entitlement._asdict(),
                "minutes": one.use.minutes,
                "input_used": one.use.input,
                "output_used": one.use.output,
                "idle_usd": one.use.idle_usd,
                "spilled": one.spill._asdict(),
                "input_break_even": one.input and one.input._asdict(),
                "output_break_even": one.output and one.output._asdict(),
            }
            for one in bought
        ],
    }
