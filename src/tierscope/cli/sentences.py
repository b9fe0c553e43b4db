"""The summary in sentences: what changed silently first, then what must be known to read the table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tierscope.ledger.figures import Report, Shift

_UNSAID: Final = {
    "host_not_trusted": "their host's echo of the tier is not documented (TIERSCOPE_TRUSTED_HOSTS adds one)",
    "cut_short": "they ended before the tier was known",
    "queued": "they were still queued",
    "unknown_word": "the tier in the reply is no known word",
    "no_rule": "nothing says which of the two tiers is the better one",
    "not_reported": "the reply named no tier",
    "tierless_endpoint": "their endpoint has no tiers",
}


def headlines(report: Report) -> list[tuple[str, bool]]:
    """What a reader must not miss, and whether it is bad news."""
    if not report.calls:
        return [("No call was recorded.", False)]
    said = [(_shift(shift), shift.is_down or shift.expected == "flex") for shift in report.shifts]
    refused = report.outcomes.get("refused", 0)
    if refused:
        said.append((f"{_of(refused, report.calls)} {_was(refused)} refused over {_its(refused)} tier.", True))
    if said:
        return said
    promised = report.outcomes.get("honored", 0)
    if promised:
        return [(f"No downgrade: {_calls(promised)} got the tier that was expected.", False)]
    return [("No downgrade was seen.", False)]


def _shift(shift: Shift) -> str:
    asked = "asked for" if shift.is_asked else "expected (by a setting)"
    text = f"{_of(shift.calls, shift.of)} that {asked} {shift.expected} {_was(shift.calls)} served {shift.served}"
    if shift.is_down:
        return f"{text}; inferred: {_counts(shift.causes)}."
    return f"{text}: dearer, the saving is lost." if shift.expected == "flex" else f"{text}."


def footnotes(report: Report) -> list[str]:
    """Counts over all calls, what is left out and why, and how to read the columns."""
    return [*_totals(report), *_left_out(report), *_reading()]


def _totals(report: Report) -> Iterator[str]:
    tokens, retries = report.tokens, report.attempts - report.calls
    failed, cut = report.outcomes.get("failed", 0), sum(report.endings.get(w, 0) for w in ("closed", "abandoned"))
    yield (
        f"{_calls(report.calls)}, {report.attempts} attempts ({retries} retries), {failed} failed, {cut} cut short. "
        f"Tokens: {tokens.input:,} in ({tokens.cached:,} cached), {tokens.output:,} out "
        f"({tokens.reasoning:,} reasoning)."
    ).replace(",", ",")
    if report.attempts_refused:
        yield (
            f"{report.attempts_refused} attempts were refused over their tier; "
            f"{_calls(report.recovered)} got through on a retry."
        )
    if report.errors:
        yield f"Errors by type: {_counts(report.errors)}."


def _left_out(report: Report) -> Iterator[str]:
    for reason, count in report.unsaid.items():
        yield f"Outcome unknown for {_calls(count)}: {_UNSAID.get(reason, reason)}."
    if report.streams_without_usage:
        yield (
            f"{report.streams_without_usage} chat streams came without usage: no tokens, no rates. "
            f"TIERSCOPE_STREAM_USAGE=auto asks for it."
        )
    if report.consumer_limited:
        yield f"{_calls(report.consumer_limited)} read too slowly to tell the service's rate; left out of the rates."


def _reading() -> Iterator[str]:
    yield "Share: of the calls of this model that asked for the same tier. p50, p95: exact (nearest rank)."
    yield "Generation: output rate between first and last text; end to end: output tokens over the whole last attempt."


def _calls(count: int) -> str:
    return f"{count:,} call{'' if count == 1 else 's'}"


def _of(count: int, total: int) -> str:
    return f"{count:,} of {total:,} calls ({count / total:.0%})".replace("%)", " %)")


def _was(count: int) -> str:
    return "was" if count == 1 else "were"


def _its(count: int) -> str:
    return "its" if count == 1 else "their"


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{word} {count:,}" for word, count in counts.items())
