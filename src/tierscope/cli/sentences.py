"""The summary in sentences: what changed silently first, then what must be known to read the table."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tierscope.ledger.figures import Money, Report, Shift

UNSAID: Final = {
    "host_not_trusted": "their host's echo of the tier is not documented (TIERSCOPE_TRUSTED_HOSTS adds one)",
    "cut_short": "they ended before the tier was known",
    "queued": "they were still queued",
    "unknown_word": "the tier in the reply is no known word",
    "no_rule": "nothing says which of the two tiers is the better one",
    "not_reported": "the reply named no tier",
    "tierless_endpoint": "their endpoint has no tiers",
}
UNPRICED: Final = {
    "no_usage": "they told no tokens",
    "tier_unreported": "the reply named no tier",
    "tier_unknown": "the tier in the reply is no known word",
    "no_model": "no model is known",
    "unknown_provider": "the price list has no prices of their host's provider",
    "unknown_model": "the price list does not know their model",
    "no_price": "the price list has no price of their model at this tier",
    "not_dated": "the price list has no price for their day",
    "no_cache_price": "the price list has no price of their cached tokens",
    "audio": "they hold audio, which has prices of its own",
    "inconsistent_usage": "more tokens were cached than taken",
}
_EFFECTS: Final = {
    "premium_paid": "premium paid for faster tiers",
    "saving_made": "saved by slower ones",
    "premium_not_charged": "premium not charged for downgraded calls",
    "saving_lost": "saving lost where flex was answered by a dearer tier",
}
_CUT: Final = ("closed", "abandoned", "cancelled")
_FOREIGN: Final = "\N{REPLACEMENT CHARACTER}"


def headlines(report: Report) -> list[tuple[str, bool]]:
    """What a reader must not miss, and whether it is bad news."""
    if not report.calls:
        return [("No call was recorded.", False), *((line, False) for line in _batches(report))]
    said = [(_shift(shift), shift.is_down or shift.expected == "flex") for shift in report.shifts]
    refused = report.outcomes.get("refused", 0)
    if refused:
        said.append((f"{_of(refused, report.calls)} {_was(refused)} refused over {_its(refused)} tier.", True))
    if said:
        return said
    promised = report.outcomes.get("honored", 0)
    if promised:
        return [(f"No downgrade: {many(promised, 'call')} got the tier that was expected.", False)]
    return [("No downgrade was seen.", False)]


def _shift(shift: Shift) -> str:
    asked = f"asked for {shift.expected}" if shift.is_asked else f"expected {shift.expected} without naming it"
    text = f"{_of(shift.calls, shift.of)} that {asked} {_was(shift.calls)} served {shift.served}"
    if shift.is_down:
        return f"{text}; {inferred(shift.causes)}."
    return f"{text}: dearer, the saving is lost." if shift.expected == "flex" else f"{text}."


def inferred(causes: Mapping[str, int]) -> str:
    """The causes of downgrades, which the API never states."""
    return f"inferred: {_counts(causes)}"


def footnotes(report: Report) -> list[str]:
    """Counts over all calls, what is left out and why, and how to read the columns."""
    return [*dropped(report), *totals(report), *money(report.money), *tries(report), *left_out(report), *_reading()]


def dropped(report: Report) -> Iterator[str]:
    """What was held once, and is no more."""
    if report.dropped and report.dropped_until_unix_ns is not None:
        yield cut_off(report.dropped, report.dropped_until_unix_ns)


def cut_off(rows: int, until_ns: int) -> str:
    """What a ledger held once and was told not to keep."""
    last = datetime.fromtimestamp(until_ns // 1_000_000_000, UTC)
    was = "was" if rows == 1 else "were"
    return f"{many(rows, 'row')}, up to {last:%Y-%m-%d %H:%M} UTC, {was} dropped from this ledger: in no figure."


def totals(report: Report) -> Iterator[str]:
    """How many calls, attempts, tokens and batches there were."""
    tokens, retries = report.tokens, sum(group.retries for group in report.groups)
    failed, cut = report.outcomes.get("failed", 0), sum(report.endings.get(word, 0) for word in _CUT)
    yield (
        f"{many(report.calls, 'call')}, {many(report.attempts, 'attempt')} ({many(retries, 'retry')}), "
        f"{failed:,} failed, {cut:,} cut short. Tokens: {tokens.input:,} in ({tokens.cached:,} cached), "
        f"{tokens.output:,} out ({tokens.reasoning:,} reasoning)."
    )
    if report.errors:
        yield f"Errors by type: {_counts(report.errors)}."
    if report.fetches:
        yield f"{many(report.fetches, 'fetch')} of stored responses brought nothing new, and count as no call."
    yield from _batches(report)


def _batches(report: Report) -> Iterator[str]:
    if report.batches:
        tokens, done = report.batch_tokens, many(report.batch_requests_completed, "request")
        yield (
            f"{many(report.batches, 'batch')} ended, counted apart: {done} completed, {report.batch_requests_failed:,} "
            f"failed; {tokens.input:,} tokens in, {tokens.output:,} out."
        )


def money(sums: Money) -> Iterator[str]:
    """What calls cost, what the tiers made of it, and which have no price."""
    if sums.priced:
        effects = [f"{dollars(getattr(sums, kind))} {text}" for kind, text in _EFFECTS.items() if getattr(sums, kind)]
        at_default = f" ({dollars(sums.at_default)} at the default tier)" if effects else ""
        yield f"List price of {many(sums.priced, 'call')}: {dollars(sums.cost)}{at_default}."
        if effects:
            yield f"What the tiers made of it: {', '.join(effects)}."
    for reason, count in sums.unpriced.items():
        yield f"Without a price: {many(count, 'call')}, for {UNPRICED.get(reason, reason)}."


def dollars(amount: float) -> str:
    """Money in US dollars: cents from one dollar on, below it three significant digits."""
    if amount >= 1 or amount == 0:
        return f"${amount:,.2f}"
    return f"${amount:.{max(2, 2 - math.floor(math.log10(amount)))}f}"


def tries(report: Report) -> Iterator[str]:
    """What became of attempts that were lost."""
    refused, recovered = report.attempts_refused, report.recovered
    if refused:
        yield (
            f"{many(refused, 'attempt')} {_was(refused)} refused over {_its(refused)} tier; "
            f"{many(recovered, 'call')} got through on a retry."
        )
    others = {
        "rate limited": report.attempts_rate_limited,
        "server error": report.attempts_server_error,
        "timeout": report.attempts_timeout,
        "no response": report.attempts_no_response,
    }
    others = {word: count for word, count in others.items() if count}
    if others:
        yield f"Attempts lost otherwise: {_counts(others)}."


def left_out(report: Report) -> Iterator[str]:
    """Which calls are missing from which figures, and why."""
    for reason, count in report.unsaid.items():
        yield f"Outcome unknown for {many(count, 'call')}: {UNSAID.get(reason, reason)}."
    if report.streams_without_usage:
        yield (
            f"{many(report.streams_without_usage, 'chat stream')} came without usage: no tokens, no rates. "
            f"TIERSCOPE_STREAM_USAGE=auto asks for it."
        )
    limited = report.consumer_limited
    if limited:
        yield f"{many(limited, 'call')} {_was(limited)} read too slowly to tell the service's rate: in no rate above."


def _reading() -> Iterator[str]:
    yield "Share: of the calls of this model that asked for the same tier. First line of rates and times: p50."
    yield "Generation: output rate between first and last text; end to end: output tokens over the whole last attempt."
    yield "Percentiles are exact (nearest rank)."


def many(count: int, thing: str) -> str:
    """So many things: 1 call, 2 calls, 3 retries, 4 fetches."""
    if count == 1:
        return f"1 {thing}"
    if thing.endswith("y"):
        return f"{count:,} {thing[:-1]}ies"
    return f"{count:,} {thing}{'es' if thing.endswith('ch') else 's'}"


def percent(share: float) -> str:
    """A share in whole per cents; only none is 0%, and only all are 100%."""
    if 0 < share <= 0.005:  # noqa: PLR2004  what would be rounded to 0
        return "<1%"
    return ">99%" if 0.995 <= share < 1 else f"{share:.0%}"  # noqa: PLR2004  what would be rounded to 100


def plain(text: str) -> str:
    """A text of somebody else's, in one line: nothing in it moves the cursor, colours, or turns the line around."""
    return "".join(mark if mark.isprintable() else _FOREIGN for mark in text)


def _of(count: int, total: int) -> str:
    return f"{count:,} of {many(total, 'call')} ({percent(count / total)})"


def _was(count: int) -> str:
    return "was" if count == 1 else "were"


def _its(count: int) -> str:
    return "its" if count == 1 else "their"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{word} {count:,}" for word, count in counts.items())
