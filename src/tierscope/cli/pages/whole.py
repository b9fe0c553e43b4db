"""The whole page of a ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tierscope import advice
from tierscope.advice import Known
from tierscope.catalog.prices import rates as prices_of
from tierscope.catalog.promises import promises
from tierscope.cli.advise import policy_of
from tierscope.cli.kept import own
from tierscope.cli.pages import capacity, causes, change, flow, method, money, names, rates
from tierscope.cli.pages.reading import Reading, read
from tierscope.cli.sentences import headlines, many, plain
from tierscope.html.page import Answer, Page, Section
from tierscope.version import VERSION

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Iterator
    from pathlib import Path

    from tierscope.advice import Finding
    from tierscope.ledger.figures import Report


def page(ledger: Path, policy: str | None = None) -> tuple[Reading, Page]:
    """Read a ledger, and say all of it.

    Args:
        ledger: path of a ledger.
        policy: path of a policy, which says what nobody waits for.

    Raises:
        click.ClickException: the user's file of the catalog, or the policy, cannot be used.
        LedgerError: the file is no ledger, or a row cannot be read.
        sqlite3.Error: the file cannot be read to its end.

    """
    path = own()
    prices, promised = prices_of(path), promises(path)
    known = Known(prices, promised, policy_of(policy))
    reading = read(ledger, known)
    findings = advice.find(reading.figures, known)
    return reading, made(ledger, reading, findings, prices.as_of)


def made(ledger: Path, reading: Reading, findings: tuple[Finding, ...], as_of: dt.date) -> Page:
    """Compose the page of its figures."""
    report = reading.report
    name = plain(ledger.name)
    return Page(
        title=f"Service tiers: {name}",
        about=(*_about(name, report),),
        answers=tuple(Answer(text, is_loud) for text, is_loud in headlines(report)),
        lead=money.lead(report) if report.calls else (),
        sections=(*_sections(reading, findings, as_of),),
        foot=f"Made by tierscope {VERSION} from {name}. This page loads nothing and sends nothing.",
    )


def _about(name: str, report: Report) -> Iterator[str]:
    yield "Service tier report"
    yield name
    if report.first_unix_ns is not None and report.last_unix_ns is not None:
        yield names.span(report.first_unix_ns, report.last_unix_ns)
        yield f"{many(report.calls, 'call')} in {names.length(report.first_unix_ns, report.last_unix_ns)}"


def _sections(reading: Reading, findings: tuple[Finding, ...], as_of: dt.date) -> Iterator[Section]:
    report = reading.report
    if report.calls:
        yield change.section(findings)
        yield flow.section(report)
        yield rates.section(reading)
        yield money.section(report)
        yield causes.section(reading.causes)
        yield capacity.section(reading, report)
    yield method.section(report, as_of)
