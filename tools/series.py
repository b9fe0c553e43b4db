"""How many series Prometheus holds, counted from the declarations: `python tools/series.py` prints the arithmetic.

With `--page` it goes into docs/scale.md, with `--page --check` that page is compared.
"""

from __future__ import annotations

import math
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from tierscope import signals as s

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tierscope.declared import Metric

PAGE: Final = Path(__file__).parent.parent / "docs" / "scale.md"
BLOCK: Final = re.compile(r"(<!-- generated: series -->\n).*?(<!-- end -->)", re.DOTALL)
USUAL: Final = {
    s.TIER_SERVED: 1,
    s.TIER_OUTCOME: 1,
    s.TOKEN_KIND: 4,
    s.ERROR_TYPE: 2,
    s.ATTEMPT_RESULT: 3,
    s.RATE_ABSENT: 4,
    s.RATE_BASIS: 2,
    s.CONSUMER_LIMITED: 2,
    s.COST_EFFECT: 1,
    s.TOKEN_TYPE: 2,
}
"""Values that one model at one tier has while nothing goes wrong; 1 where this does not say: both tiers, the endpoint,
the host, the models and the price list are the same. Of the kinds of tokens, cached and not, visible and reasoning."""
OUTCOMES: Final = 4
"""Ways in which a call of one model and tier ends, at worst for long: honored, downgraded, refused, failed. The series
of the last three are there from the first call on, at 0."""
PER_REPLY: Final = 2
"""Tiers that reply to one that was asked for: itself, and the one it is downgraded to."""
EVERY_S: Final = 60
"""Seconds between two points of a series: the SDK's default."""
SPANS: Final = 2
"""Of a call: its own, and that of its HTTP request."""


class Count(NamedTuple):
    """Attribute sets of one metric, for one model asked for at one tier by one process."""

    metric: Metric
    usual: int
    """While nothing goes wrong."""
    worst: int
    """With every outcome, and a second tier that serves."""


class Fleet(NamedTuple):
    """What somebody runs."""

    name: str
    processes: int
    pairs: int
    """Models by tiers that each process asks for."""
    calls_per_s: int
    """Of all of them."""


FLEETS: Final = (
    Fleet("one team", 10, 4, 20),
    Fleet("a company", 500, 10, 2_000),
    Fleet("a platform", 10_000, 20, 50_000),
)


def series(metric: Metric) -> int:
    """Return the series of one attribute set: a histogram has its edges, `+Inf`, count and sum."""
    return len(metric.buckets) + 3 if metric.kind == "histogram" else 1


def counts() -> Iterator[Count]:
    """Count those of calls; batches, and what a process has once, are not by model and tier."""
    for metric in s.METRICS:
        keys = set(metric.attributes)
        if keys & {s.REQUEST_MODEL, s.RESPONSE_MODEL} and not keys & {s.BATCH_STATUS, s.BATCH_RESULT, s.LIMIT_KIND}:
            sets = math.prod(USUAL.get(key, 1) for key in keys)
            born = OUTCOMES if metric == s.CALLS else 1
            more = PER_REPLY if keys & {s.TIER_SERVED, s.RESPONSE_TIER} else 1
            yield Count(metric, sets * born, sets * max(born, more))


def total(what: str, *, in_series: bool = True) -> int:
    """Return the sum of a column, in series, or in attribute sets: each is one point of OTLP."""
    return sum(getattr(count, what) * (series(count.metric) if in_series else 1) for count in counts())


def own() -> int:
    """Return the series of our own metrics, at worst."""
    return sum(worst * series(metric) for metric, _, worst in counts() if metric in s.OWN_METRICS)


# ── page ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def table() -> Iterator[str]:
    """Yield the series by metric, then what fleets come to."""
    yield "| metric | series of one set | usual | at worst |\n|---|--:|--:|--:|"
    for metric, usual, worst in counts():
        each = series(metric)
        yield f"| `{metric.name}` | {each} | {usual * each} | {worst * each} |"
    yield f"| **all** | | **{total('usual')}** | **{total('worst')}** |"
    genai = total("worst") - own()
    yield f"| of them `gen_ai.*`, which `TIERSCOPE_GENAI_METRICS=off` silences | | | {genai} |"
    yield f"| points of OTLP an export | | {total('usual', in_series=False)} | {total('worst', in_series=False)} |"
    yield ""
    yield "| | processes | models by tiers | series | samples a second | OTLP points a second | spans a second |"
    yield "|---|--:|--:|--:|--:|--:|--:|"
    for fleet in FLEETS:
        pairs = fleet.processes * fleet.pairs
        held, points = pairs * total("worst"), pairs * total("worst", in_series=False)
        told = (fleet.processes, fleet.pairs, held, held // EVERY_S, points // EVERY_S, fleet.calls_per_s * SPANS)
        yield f"| {fleet.name} | {' | '.join(f'{number:,}' for number in told)} |"
    yield ""


def main(*arguments: str) -> int:
    """Print the tables, write them into the page, or compare them; return 1 where the page is stale."""
    made = "\n".join([*table(), ""])
    if "--page" not in arguments:
        print(made)
        return 0
    text = PAGE.read_text("utf-8")
    wanted, count = BLOCK.subn(lambda found: f"{found[1]}{made}{found[2]}", text)
    if count != 1:
        print(f"{PAGE}: {count} blocks `<!-- generated: series -->`, 1 is needed", file=sys.stderr)
        return 1
    if "--check" not in arguments:
        PAGE.write_text(wanted, "utf-8")
        return 0
    if wanted != text:
        print(f"{PAGE} is stale: run `python tools/series.py --page`", file=sys.stderr)
    return int(wanted != text)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
