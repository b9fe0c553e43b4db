"""What SQLite adds up of calls that count by themselves, kind by kind, and their speed, which needs every sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tierscope.cost import PICO
from tierscope.ledger.figures import Tokens
from tierscope.ledger.forms import Alike
from tierscope.ledger.kinds import NUMBERED, ONCE, among, total, whole
from tierscope.model import Cost

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping

    from tierscope.ledger.forms import Form

PICO_USD: Final = f"CAST(round({{}} * {PICO}) AS INTEGER)"
"""The pico-dollars of a column, in SQL."""
ENDED: Final = "started_unix_ns + CAST(round(duration_s * 1000000000) AS INTEGER)"
"""When a call ended, nanoseconds since 1970, in SQL."""
_TOKENS: Final = ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens")
_AMOUNTS: Final = ("paid", "at_default", "at_expected")
_TOTALS: Final = f"""
SELECT kind, min(row), count(*), min(started_unix_ns), max(started_unix_ns), sum(output_tokens IS NULL),
    count(paid), count(at_default), count(at_expected), {", ".join(map(total, (*_TOKENS, *_AMOUNTS)))}
FROM (
    SELECT kind, row, started_unix_ns, {", ".join(_TOKENS)}, {PICO_USD.format("cost_usd")} AS paid,
        {PICO_USD.format("cost_default_usd")} AS at_default, {PICO_USD.format("cost_expected_usd")} AS at_expected
    FROM {NUMBERED} WHERE {{}} {ONCE}
)
GROUP BY kind * 18 + (paid IS NULL) * 9 + coalesce(paid > at_default, 2) * 3 + coalesce(paid > at_expected, 2)
"""  # noqa: S608  our own names
_SPEED: Final = (
    f"SELECT kind, first_token_s, rate_generation, rate_end_to_end FROM {NUMBERED} "  # noqa: S608  our own names
    "WHERE {} AND coalesce(first_token_s, rate_generation, rate_end_to_end) IS NOT NULL"
)


def read(db: sqlite3.Connection, forms: Mapping[int, Form]) -> None:
    """Add the numbered rows of these kinds to their forms."""
    for kind, alike in _alike(db, forms):
        forms[kind].include(alike)
    takers = {kind: form.takers() for kind, form in forms.items()}
    for kind, first_token, generation, end_to_end in db.execute(_SPEED.format(among(forms))):
        of_first, of_generation, of_end_to_end = takers[kind]
        if first_token is not None:
            of_first(first_token)
        if generation is not None:
            of_generation(generation)
        if end_to_end is not None:
            of_end_to_end(end_to_end)


def _alike(db: sqlite3.Connection, forms: Mapping[int, Form]) -> Iterator[tuple[int, Alike]]:
    """Return sums of calls of which all, or none, cost more than at another tier: see ``Bill.add_alike``."""
    for kind, row, calls, first_ns, last_ns, without, *rest in db.execute(_TOTALS.format(among(forms))):
        known, sums = rest[: len(_AMOUNTS)], whole(rest[len(_AMOUNTS) :])
        paid, at_default, at_expected = (
            amount if told else None for amount, told in zip(sums[len(_TOKENS) :], known, strict=True)
        )
        bill = Cost(paid, at_default, at_expected)
        yield kind, Alike(row, calls, first_ns, last_ns, without, Tokens(*sums[: len(_TOKENS)]), bill)
