"""A statement as plain text of 80 columns."""

from __future__ import annotations

import textwrap
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from tierscope.cli.claim import DAY_S, MEASURED, OPEN
from tierscope.cli.sentences import cut_off, many, plain
from tierscope.cli.table import UNKNOWN
from tierscope.promise.sla import MIN_TOKENS, S

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tierscope.cli.claim import Statement
    from tierscope.promise.share import Share
    from tierscope.promise.sheet import Section
    from tierscope.promise.uptime import Definition

WIDTH: Final = 80
BASIS: Final = {"generation": "generation", "end_to_end": "end to end"}
REASON: Final = {
    "host_not_trusted": "their host's echo of the tier is not documented",
    "failed": "failed",
    "refused": "refused over their tier",
    "unverified": "it cannot be told which tier served",
    "unreported": "the reply named no tier",
    "other_tier": "another tier served",
    "no_target": "no target is known",
    "long_context": "long prompt, which the promise leaves out",
    "consumer_limited": "the reader was the brake",
    "no_rate": "no rate on this basis",
    "few_tokens": f"fewer than {MIN_TOKENS} output tokens",
}


class Line(NamedTuple):
    """One promise of a section: what is needed of it, and what there was."""

    label: str
    share: Share
    needs: float | None


def text(made: Statement) -> str:
    """The whole statement."""
    lines = [*_head(made)]
    for section in made.sections:
        lines += ["", *_section(section, made)]
    measured = (*MEASURED, *_defined(made.definition))
    lines += ["", "What is measured", *_listed(measured), "", "What the contract leaves open", *_listed(OPEN)]
    return "\n".join(lines)


def _defined(definition: Definition) -> Iterator[str]:
    errors, apart = sorted(definition.errors), sorted(definition.apart - definition.errors)
    yield f"Errors are {', '.join(errors)}; neither way count {', '.join(apart) or 'none'}."
    yield f"Of a server kind, at any status or within a reply, are the codes {', '.join(sorted(definition.codes))}."


def _head(made: Statement) -> Iterator[str]:
    month = made.month
    yield f"Service-level statement for {month.name} (UTC)"
    yield from _wrapped(f"Ledger: {plain(made.ledger)}, {many(made.calls, 'call')} of that month.")
    days = (made.last_ns - made.first_ns) / (DAY_S * S)
    yield from _wrapped(
        f"First call {_moment(made.first_ns)}, last call {_moment(made.last_ns)}: {days:.1f} of the {month.days} days "
        f"lie between them. What was not recorded is in no figure."
    )
    if made.dropped is not None:
        yield from _wrapped(cut_off(made.dropped.rows, made.dropped.last_unix_ns))
    if not month.is_over:
        yield from _wrapped(f"The month has not ended: figures up to {_moment(month.now_ns)}.")


def _section(section: Section, made: Statement) -> Iterator[str]:
    title = plain(f"{section.provider} · {section.model or UNKNOWN} · {section.tier}")
    yield title
    yield "=" * len(title)
    yield from _target(section)
    yield ""
    yield from _promises(section)
    yield ""
    yield from _windows(section, made)
    yield from _left_out(section)
    yield from _attempts(section)


def _target(section: Section) -> Iterator[str]:
    target = section.target
    if target is None:
        yield from _wrapped("Promised: nothing that is known. Speed cannot be judged.")
    else:
        uptime = "" if target.uptime is None else f", uptime {_percent(target.uptime)}"
        version = f", version {target.version}" if target.version else ""
        speed = (
            f"{_percent(target.attainment)} above {target.rate:g} token/s by windows of {section.speed[0].window_s} s"
        )
        yield from _wrapped(f"Promised: {speed}{uptime}{version}.")
        dated = f"as of {target.as_of}" if target.as_of else "undated"
        yield from _wrapped(f"Source ({target.certainty}, {dated}): {plain(target.source)}")
    if section.names and section.names != (section.model,):
        yield from _wrapped(f"Asked for or answered as: {plain(', '.join(section.names))}.")


def lines_of(section: Section) -> list[Line]:
    """The promises of a section, speed and uptime beside each other."""
    target = section.target
    speed, needed = (section.speed, target.attainment) if target else ((), None)
    return [
        *(Line(f"A: windows, {BASIS[told.basis]}", told.windows, needed) for told in speed),
        *(Line(f"B: calls, {BASIS[told.basis]}", told.requests, needed) for told in speed),
        Line("Uptime: attempts", section.uptime.share, target.uptime if target else None),
    ]


def _promises(section: Section) -> Iterator[str]:
    yield f"{'Promise':24}{'of':>10}{'met':>10}{'missed':>10}{'share':>11}{'needs':>8}{'kept':>7}"
    for label, share, needs in lines_of(section):
        kept = {None: UNKNOWN, True: "yes", False: "no"}[share.keeps(needs)]
        counts = f"{share.of:>10,}{share.met:>10,}{share.missed:>10,}"
        yield f"{label:24}{counts}{cut(share):>11}{_percent(needs):>8}{kept:>7}"


def _windows(section: Section, made: Statement) -> Iterator[str]:
    held = -((made.month.begin_ns - made.month.end_ns) // (section.speed[0].window_s * S))
    counts = " and ".join(f"{told.windows.of:,} by {BASIS[told.basis]}" for told in section.speed)
    yield from _wrapped(f"Of {many(held, 'window')} of the month, {counts} had calls that count.")
    for told in section.speed:
        if told.thin.of:
            yield from _wrapped(
                f"By {BASIS[told.basis]}, {told.thin.of:,} of {many(told.windows.of, 'window')} "
                f"had fewer than {many(made.min_samples, 'call')}, {told.thin.missed:,} of those missed."
            )
        if told.long_context_unclear:
            yield from _wrapped(
                f"By {BASIS[told.basis]}, {many(told.long_context_unclear, 'counted call')} had a long prompt, or "
                f"one of unknown length, and it is not clear whether the promise covers that."
            )


def _left_out(section: Section) -> Iterator[str]:
    reasons = [reason for reason in REASON if any(reason in told.excluded for told in section.speed)]
    if not reasons:
        yield f"No call of {section.calls:,} was left out of speed."
        return
    heads = "".join(f"{BASIS[told.basis]:>14}" for told in section.speed)
    yield f"{f'Left out of speed, of {section.calls:,} calls':52}{heads}"
    for reason in reasons:
        counts = "".join(f"{told.excluded.get(reason, 0):>14,}" for told in section.speed)
        yield f"{f'  {REASON[reason]}':52}{counts}"
    yield f"{'  counted':52}{''.join(f'{told.requests.of:>14,}' for told in section.speed)}"


def _attempts(section: Section) -> Iterator[str]:
    uptime = section.uptime
    errors, apart = uptime.errors, uptime.apart
    rest = {
        kind: count for kind, count in uptime.kinds.items() if kind != "ok" and kind not in errors and kind not in apart
    }
    parts = (("errors", errors), ("neither way", apart), ("no errors by this definition", rest))
    told = [f"{label}: {_counts(counts)}" for label, counts in parts if counts] or ["all without an error"]
    yield from _wrapped(f"{many(uptime.attempts, 'attempt')}; {'; '.join(told)}.")
    if section.untrusted:
        yield from _wrapped(f"{many(section.untrusted, 'call')} on hosts that are not trusted: in no figure.")


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{kind} {count:,}" for kind, count in counts.items())


def cut(share: Share) -> str:
    """A share in per cent, cut off: what misses 99 % never reads as 99 %."""
    if not share.of:
        return UNKNOWN
    thousandths = share.met * 100_000 // share.of
    return f"{thousandths // 1_000}.{thousandths % 1_000:03}%"


def _percent(part: float | None) -> str:
    return UNKNOWN if part is None else f"{100 * part:.10g}%"


def _moment(moment_ns: int) -> str:
    return f"{datetime.fromtimestamp(moment_ns // S, UTC):%Y-%m-%d %H:%M:%S}"


def _wrapped(line: str) -> list[str]:
    return textwrap.wrap(line, WIDTH)


def _listed(sentences: tuple[str, ...]) -> Iterator[str]:
    for sentence in sentences:
        yield from textwrap.wrap(sentence, WIDTH, initial_indent="- ", subsequent_indent="  ")
