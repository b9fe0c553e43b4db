# ruff: noqa: RUF001  the en dash of the table
"""The table and its sentences, rendered from a ledger made by hand: nothing is cut, hidden, or taken for an order."""

from __future__ import annotations

import dataclasses
import io
import re
import unicodedata
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from tests.ledger.made import PLAIN, write

from tierscope.cli import table
from tierscope.cli.report import read
from tierscope.cli.sentences import footnotes, headlines, many, percent, plain
from tierscope.ledger.figures import Group, Quantiles, Report, Shift, Tokens
from tierscope.model import Attempt, Call, Reply, Speed, Usage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WIDTHS: Final = (80, 100, 140)
OK: Final = Attempt(0, "ok", status=200)
REFUSED: Final = Attempt(0, "refused", status=429, code="resource_unavailable")


def call(model: str, requested: str, served: str, outcome: str, **fields: Any) -> Call:
    """Return an answered call; ``rates`` are generation, end to end, and the time to the first token."""
    generation, end_to_end, first = fields.pop("rates", (None, None, None))
    used = fields.pop("used", (1_000, 250))
    expected = fields.pop("expected", requested)
    made = PLAIN._replace(
        request=PLAIN.request._replace(model=model, requested=requested, expected=expected),
        attempts=(OK,),
        reply=Reply(
            status=200, usage=Usage(input=used[0], output=used[1], cached=used[0] // 4, reasoning=used[1] // 2)
        ),
        ending="complete",
        speed=Speed(first, generation, end_to_end=end_to_end, consumer_limited=False),
        served=served,
        outcome=outcome,
    )
    return made._replace(**fields)


FAILED: Final = {"reply": None, "ending": "error"}
CALLS: Final = (
    *(call("gpt-4.1", "priority", "priority", "honored", rates=(80.0 + n, 60.0 + n, 0.2 + n / 100)) for n in range(17)),
    call("gpt-4.1", "priority", "default", "downgraded", rates=(41.5, 30.0, 1.234), inferred_cause="long_context"),
    *[call("gpt-4.1", "priority", "default", "downgraded", inferred_cause="capacity_or_unknown", used=(90_000, 8))] * 2,
    *[call("gpt-4.1", "unset", "scale", "honored", expected="scale")] * 3,
    call("gpt-4.1", "unset", "default", "downgraded", expected="scale", inferred_cause="capacity_or_unknown"),
    *[call("gpt-5-mini", "flex", "flex", "honored")] * 3,
    call("gpt-5-mini", "flex", "flex", "honored", attempts=(REFUSED, REFUSED, OK)),
    call("gpt-5-mini", "flex", "default", "upgraded"),
    call(
        "gpt-5-mini",
        "flex",
        "unreported",
        "refused",
        **FAILED,
        attempts=(REFUSED,) * 3,
        error_type="resource_unavailable",
    ),
    call(
        "gpt-5-mini",
        "flex",
        "unreported",
        "failed",
        **FAILED,
        attempts=(Attempt(0, "timeout"),) * 2,
        error_type="timeout",
    ),
    call("o4-mini", "auto", "default", "resolved", expected=None, ending="closed"),
)


def rendered(report: Report, width: int, **options: Any) -> str:
    """Return what a console of this width shows; without colours, as into a file or a pipe."""
    out = io.StringIO()
    table.print_report(Console(file=out, width=width, **options), report)
    return out.getvalue()


def shown(report: Report, width: int) -> str:
    """Return it without the blanks that fill lines."""
    return "\n".join(line.rstrip() for line in rendered(report, width).splitlines())


@pytest.fixture
def report(tmp_path: Path) -> Report:
    """The figures of the ledger made by hand."""
    write(tmp_path / "calls.db", CALLS)
    return read(tmp_path / "calls.db")


EXPECTED: Final = {
    80: """
3 of 20 calls (15%) that asked for priority were served default; inferred:
capacity_or_unknown 2, long_context 1.
1 of 4 calls (25%) that expected scale without naming it was served default;
inferred: capacity_or_unknown 1.
1 of 7 calls (14%) that asked for flex was served default: dearer, the saving is
lost.
1 of 32 calls (3%) was refused over its tier.

Served tier             Calls Share   Gen.    E2E  First    Tokens   Trouble
                                     tok/s  tok/s  token
gpt-4.1
    priority               17   85%     88     68 0.28 s    17k in
                                    p95 96 p95 76        4.25k out
  ▼ default                 3   15%     42     30 1.23 s   181k in
    requested: priority             p95 42 p95 30          266 out
    inferred: capacity_or_unknown 2, long_context 1
    scale                   3   75%      –      –      –     3k in
    requested: unset                                       750 out
  ▼ default                 1   25%      –      –      –     1k in
    requested: unset                                       250 out
    expected: scale
    inferred: capacity_or_unknown 1
gpt-5-mini
    flex                    4   57%      –      –      –     4k in 2 retries
                                                            1k out
    –                       2   29%      –      –      –         – 1 refused
    requested: flex                                                 1 failed
                                                                   3 retries
  ▲ default                 1   14%      –      –      –     1k in
    requested: flex                                        250 out
o4-mini
    default                 1  100%      –      –      –     1k in
    requested: auto                                        250 out

32 calls, 37 attempts (5 retries), 1 failed, 1 cut short. Tokens: 208,000 in
(52,000 cached), 7,016 out (3,508 reasoning).
Errors by type: resource_unavailable 1, timeout 1.
5 attempts were refused over their tier; 1 call got through on a retry.
Attempts lost otherwise: timeout 2.
Share: of the calls of this model that asked for the same tier. First line of
rates and times: p50.
Generation: output rate between first and last text; end to end: output tokens
over the whole last attempt.
Percentiles are exact (nearest rank).
""",
    100: """
3 of 20 calls (15%) that asked for priority were served default; inferred: capacity_or_unknown 2,
long_context 1.
1 of 4 calls (25%) that expected scale without naming it was served default; inferred:
capacity_or_unknown 1.
1 of 7 calls (14%) that asked for flex was served default: dearer, the saving is lost.
1 of 32 calls (3%) was refused over its tier.

Served tier              Calls  Share  Generation  End to end  First token     Tokens    Trouble
                                            tok/s       tok/s          p50
gpt-4.1
    priority                17    85%          88          68       0.28 s     17k in
                                           p95 96      p95 76               4.25k out
  ▼ default                  3    15%          42          30       1.23 s    181k in
    requested: priority                    p95 42      p95 30                 266 out
    inferred: capacity_or_unknown 2, long_context 1
    scale                    3    75%           –           –            –      3k in
    requested: unset                                                          750 out
  ▼ default                  1    25%           –           –            –      1k in
    requested: unset                                                          250 out
    expected: scale
    inferred: capacity_or_unknown 1
gpt-5-mini
    flex                     4    57%           –           –            –      4k in  2 retries
                                                                               1k out
    –                        2    29%           –           –            –          –  1 refused
    requested: flex                                                                     1 failed
                                                                                       3 retries
  ▲ default                  1    14%           –           –            –      1k in
    requested: flex                                                           250 out
o4-mini
    default                  1   100%           –           –            –      1k in
    requested: auto                                                           250 out

32 calls, 37 attempts (5 retries), 1 failed, 1 cut short. Tokens: 208,000 in (52,000 cached), 7,016
out (3,508 reasoning).
Errors by type: resource_unavailable 1, timeout 1.
5 attempts were refused over their tier; 1 call got through on a retry.
Attempts lost otherwise: timeout 2.
Share: of the calls of this model that asked for the same tier. First line of rates and times: p50.
Generation: output rate between first and last text; end to end: output tokens over the whole last
attempt.
Percentiles are exact (nearest rank).
""",
    140: """
3 of 20 calls (15%) that asked for priority were served default; inferred: capacity_or_unknown 2, long_context 1.
1 of 4 calls (25%) that expected scale without naming it was served default; inferred: capacity_or_unknown 1.
1 of 7 calls (14%) that asked for flex was served default: dearer, the saving is lost.
1 of 32 calls (3%) was refused over its tier.

Served tier              Calls  Share  Generation  End to end  First token     Tokens    Trouble
                                            tok/s       tok/s          p50
gpt-4.1
    priority                17    85%          88          68       0.28 s     17k in
                                           p95 96      p95 76               4.25k out
  ▼ default                  3    15%          42          30       1.23 s    181k in
    requested: priority                    p95 42      p95 30                 266 out
    inferred: capacity_or_unknown 2, long_context 1
    scale                    3    75%           –           –            –      3k in
    requested: unset                                                          750 out
  ▼ default                  1    25%           –           –            –      1k in
    requested: unset                                                          250 out
    expected: scale
    inferred: capacity_or_unknown 1
gpt-5-mini
    flex                     4    57%           –           –            –      4k in  2 retries
                                                                               1k out
    –                        2    29%           –           –            –          –  1 refused
    requested: flex                                                                     1 failed
                                                                                       3 retries
  ▲ default                  1    14%           –           –            –      1k in
    requested: flex                                                           250 out
o4-mini
    default                  1   100%           –           –            –      1k in
    requested: auto                                                           250 out

32 calls, 37 attempts (5 retries), 1 failed, 1 cut short. Tokens: 208,000 in (52,000 cached), 7,016 out (3,508 reasoning).
Errors by type: resource_unavailable 1, timeout 1.
5 attempts were refused over their tier; 1 call got through on a retry.
Attempts lost otherwise: timeout 2.
Share: of the calls of this model that asked for the same tier. First line of rates and times: p50.
Generation: output rate between first and last text; end to end: output tokens over the whole last attempt.
Percentiles are exact (nearest rank).
""",  # noqa: E501
}


@pytest.mark.parametrize("width", WIDTHS)
def test_the_summary(report: Report, width: int) -> None:
    """Word for word."""
    assert shown(report, width) == EXPECTED[width].strip("\n")


# ── whatever is in a ledger ───────────────────────────────────────────────────────────────────────────────────────────
ESCAPES: Final = "\x1b[31mred\x1b]0;title\x07\x1b[2J"
HOSTILE: Final = {
    "markup": "[bold]gpt[/bold] [/] [link=http://x]",
    "escapes": ESCAPES,
    "lines": "one\ntwo\r\nthree\vfour\ffive\x85six\u2028seven\u2029",
    "long": "x" * 300,
    "long words": "a-model " * 60,
    "wide": "模型" * 100,
    "bidi": "\u202egpt\u202c\u200b\u2066",
    "nul and tabs": "a\0b\tc\bd",
    "emoji": ":smile: \U0001f600\u200d\U0001f525",
    "surrogate": "\udcff",
    "combining": "e\u0301" * 100,
    "empty": "",
}


def hostile(name: str) -> Report:
    """Return a report in which every text is of somebody's choice."""
    rates, counts = Quantiles(3, 1.0, 50.0, 90.0), {name: 3}
    group = Group(
        name,
        name,
        name,
        f"{name}!",
        f"{name}?",
        3,
        1.0,
        {"downgraded": 3},
        counts,
        counts,
        1,
        rates,
        rates,
        rates,
        Tokens(1, 2),
    )
    return Report(
        calls=3,
        attempts=4,
        groups=(group, Group(f"{name}2", *(getattr(group, field) for field in Group.__slots__[1:]))),
        shifts=(Shift(name, f"{name}?", True, True, 3, 3, counts),),
        outcomes={"downgraded": 3},
        errors=counts,
        unsaid=counts,
    )


def whole(text: str) -> str:
    """Return a text without its blanks: what is left does not depend on where lines were folded."""
    return "".join(text.split())


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_breaks_nothing(name: str, width: int) -> None:
    """No line is wider than the console, no escape or control character comes through, and nothing is cut."""
    text = HOSTILE[name]
    out = rendered(hostile(text), width)
    lines = out.split("\n")
    assert max(map(cell_len, lines)) <= width
    assert {mark for mark in out if unicodedata.category(mark) in {"Cc", "Cf", "Cs", "Zl", "Zp"}} == {"\n"}
    assert whole(f"{plain(text)}·{plain(text)}2") in whole(out)
    for word in ("tok/s", "p9590", "1in", "2out", "1retry", "100%"):
        assert word in whole(out)


@pytest.mark.parametrize(
    ("text", "kept"), [("gpt-4.1 é模🙂", "gpt-4.1 é模🙂"), ("a\x1b[1m\n\u202e\ud800b", "a�[1m���b")]
)
def test_only_what_is_no_letter_is_replaced(text: str, kept: str) -> None:
    """One sign for one sign; markup is no matter of it."""
    assert plain(text) == kept


def test_markup_is_text() -> None:
    """A model may be called ``[bold]``."""
    assert "[bold]gpt[/bold] [/] [link=http://x]" in rendered(hostile(HOSTILE["markup"]), 140)


def test_no_colours_in_a_file(report: Report) -> None:
    """Marks and words say all; a terminal gets them in colour as well."""
    assert "\x1b" not in rendered(report, 100)
    coloured = rendered(report, 100, force_terminal=True, color_system="truecolor")
    assert re.search(r"\x1b\[1;38;2;230;159;0m *▼ default", coloured)
    assert re.search(r"\x1b\[38;2;86;180;233m *▲ default", coloured)
    assert re.search(r"\x1b\[38;2;213;94;0m *1 refused", coloured)


def test_a_terminal_without_colours(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    """``NO_COLOR`` is heard."""
    monkeypatch.setenv("NO_COLOR", "1")
    assert "38;2" not in rendered(report, 100, force_terminal=True, color_system="truecolor")


def test_narrow_consoles_fold(report: Report) -> None:
    """Even where it is no beauty, no figure is cut."""
    out = rendered(report, 40)
    assert max(map(cell_len, out.split("\n"))) <= 40
    assert "…" not in out


@pytest.mark.parametrize("width", WIDTHS)
def test_large_figures_fit(width: int) -> None:
    """A year of a large fleet, side by side with a day of a small one."""
    rates = Quantiles(9, 1.0, 123_456.0, 1_234_567.0)
    tokens = Tokens(987_654_321_987, 123_456_789_123, 1, 1)
    many_of_all = {"refused": 99_999_999, "failed": 99_999_999}
    group = Group(
        "openai",
        "m",
        "priority",
        "priority",
        None,
        123_456_789,
        0.9999,
        many_of_all,
        {},
        {},
        7_777_777,
        rates,
        rates,
        rates,
        tokens,
    )
    out = rendered(Report(calls=123_456_789, attempts=131_234_566, groups=(group,)), width)
    assert max(map(cell_len, out.split("\n"))) <= width
    for word in ("123M", ">99%", "988G in", "123G out", "100M refused", "7.78M retries"):
        assert whole(word) in whole(out)
    assert "…" not in out


# ── sentences ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def heads(**fields: Any) -> list[tuple[str, bool]]:
    return headlines(Report(**{"calls": 4, **fields}))


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        pytest.param(heads(calls=0), [("No call was recorded.", False)], id="nothing"),
        pytest.param(heads(), [("No downgrade was seen.", False)], id="nothing-known"),
        pytest.param(
            heads(outcomes={"honored": 1}), [("No downgrade: 1 call got the tier that was expected.", False)], id="one"
        ),
        pytest.param(
            heads(outcomes={"honored": 1_234}),
            [("No downgrade: 1,234 calls got the tier that was expected.", False)],
            id="all",
        ),
        pytest.param(
            heads(shifts=(Shift("priority", "default", True, True, 1, 1, {"long_context": 1}),)),
            [("1 of 1 call (100%) that asked for priority was served default; inferred: long_context 1.", True)],
            id="one-downgrade",
        ),
        pytest.param(
            heads(shifts=(Shift("scale", "default", False, True, 2, 400, {"a": 2}),)),
            [
                (
                    "2 of 400 calls (<1%) that expected scale without naming it were served default; inferred: a 2.",
                    True,
                )
            ],
            id="downgrade-by-a-setting",
        ),
        pytest.param(
            heads(shifts=(Shift("flex", "default", True, False, 399, 400, {}),)),
            [("399 of 400 calls (>99%) that asked for flex were served default: dearer, the saving is lost.", True)],
            id="flex-upgrade",
        ),
        pytest.param(
            heads(shifts=(Shift("default", "priority", True, False, 1, 2, {}),)),
            [("1 of 2 calls (50%) that asked for default was served priority.", False)],
            id="upgrade",
        ),
        pytest.param(
            heads(outcomes={"refused": 1, "honored": 3}),
            [("1 of 4 calls (25%) was refused over its tier.", True)],
            id="a-refusal",
        ),
        pytest.param(
            heads(outcomes={"refused": 3}), [("3 of 4 calls (75%) were refused over their tier.", True)], id="refusals"
        ),
    ],
)
def test_headlines(lines: list[tuple[str, bool]], said: list[tuple[str, bool]]) -> None:
    """What must not be missed, and whether it is bad news."""
    assert lines == said


NOTES: Final = [
    "Share: of the calls of this model that asked for the same tier. First line of rates and times: p50.",
    "Generation: output rate between first and last text; end to end: output tokens over the whole last attempt.",
    "Percentiles are exact (nearest rank).",
]


TOTALS: Final = (
    "5,000 calls, 4,000 attempts (0 retries), 1,500 failed, 1,011 cut short. "
    "Tokens: 0 in (0 cached), 0 out (0 reasoning)."
)
UNTRUSTED: Final = (
    "Outcome unknown for 1 call: their host's echo of the tier is not documented (TIERSCOPE_TRUSTED_HOSTS adds one)."
)


def test_footnotes_of_little() -> None:
    """Singulars, and only what there is."""
    assert footnotes(Report(calls=1, attempts=1, tokens=Tokens(1, 2, 3, 4))) == [
        "1 call, 1 attempt (0 retries), 0 failed, 0 cut short. Tokens: 1 in (3 cached), 2 out (4 reasoning).",
        *NOTES,
    ]


BATCHES: Final = "2 batches ended, counted apart: 1,500 requests completed, 1 failed; 4,000 tokens in, 900 out."


def test_batches_are_told_of() -> None:
    """In a footnote; where there is no call, beside that."""
    fields: dict[str, Any] = {"batch_requests_completed": 1_500, "batch_requests_failed": 1}
    some = Report(batches=2, batch_tokens=Tokens(4_000, 900), **fields)
    assert headlines(some) == [("No call was recorded.", False), (BATCHES, False)]
    assert footnotes(dataclasses.replace(some, calls=1))[1:-3] == [BATCHES]
    one = Report(calls=1, batches=1, batch_requests_completed=1)
    assert footnotes(one)[1] == "1 batch ended, counted apart: 1 request completed, 0 failed; 0 tokens in, 0 out."


def test_footnotes_of_much() -> None:
    """Everything that may be said; of one and of many. Calls that never got to an attempt make no retries negative."""
    one = Report(
        calls=5_000,
        attempts=4_000,
        endings={"closed": 1, "abandoned": 1_000, "cancelled": 10, "complete": 9},
        outcomes={"failed": 1_500},
        errors={"timeout": 1_200, "x": 1},
        fetches=1,
        unsaid={"host_not_trusted": 1, "cut_short": 2, "queued": 3, "unknown_word": 4, "no_rule": 5},
        attempts_refused=1,
        recovered=1,
        attempts_rate_limited=1,
        attempts_server_error=2,
        attempts_timeout=3,
        attempts_no_response=4,
        consumer_limited=1,
        streams_without_usage=1,
    )
    assert footnotes(one) == [
        TOTALS,
        "Errors by type: timeout 1,200, x 1.",
        "1 fetch of stored responses brought nothing new, and count as no call.",
        "1 attempt was refused over its tier; 1 call got through on a retry.",
        "Attempts lost otherwise: rate limited 1, server error 2, timeout 3, no response 4.",
        UNTRUSTED,
        "Outcome unknown for 2 calls: they ended before the tier was known.",
        "Outcome unknown for 3 calls: they were still queued.",
        "Outcome unknown for 4 calls: the tier in the reply is no known word.",
        "Outcome unknown for 5 calls: nothing says which of the two tiers is the better one.",
        "1 chat stream came without usage: no tokens, no rates. TIERSCOPE_STREAM_USAGE=auto asks for it.",
        "1 call was read too slowly to tell the service's rate: in no rate above.",
        *NOTES,
    ]
    some = Report(
        calls=2,
        attempts=2,
        fetches=2,
        attempts_refused=2,
        recovered=2,
        streams_without_usage=2,
        consumer_limited=2,
        unsaid={"not_reported": 1, "tierless_endpoint": 1, "something_new": 1},
    )
    assert footnotes(some)[1:-3] == [
        "2 fetches of stored responses brought nothing new, and count as no call.",
        "2 attempts were refused over their tier; 2 calls got through on a retry.",
        "Outcome unknown for 1 call: the reply named no tier.",
        "Outcome unknown for 1 call: their endpoint has no tiers.",
        "Outcome unknown for 1 call: something_new.",
        "2 chat streams came without usage: no tokens, no rates. TIERSCOPE_STREAM_USAGE=auto asks for it.",
        "2 calls were read too slowly to tell the service's rate: in no rate above.",
    ]


@pytest.mark.parametrize(
    ("function", "value", "text"),
    [
        (percent, 0.0, "0%"),
        (percent, 0.0001, "<1%"),
        (percent, 0.005, "<1%"),
        (percent, 0.0051, "1%"),
        (percent, 0.42, "42%"),
        (percent, 0.9949, "99%"),
        (percent, 0.995, ">99%"),
        (percent, 0.99999, ">99%"),
        (percent, 1.0, "100%"),
        (table.number, None, "–"),
        (table.number, 0.04, "0.0"),
        (table.number, 9.94, "9.9"),
        (table.number, 9.96, "10"),
        (table.number, 123.4, "123"),
        (table.number, 99_999.4, "99999"),
        (table.number, 123_456.7, "123k"),
        (table.seconds, None, "–"),
        (table.seconds, 0.3149, "0.31 s"),
        (table.seconds, 9.994, "9.99 s"),
        (table.seconds, 9.996, "10 s"),
        (table.seconds, 75.4, "75 s"),
        (table.seconds, 100_000.0, "100k s"),
        (table.short, 0, "0"),
        (table.short, 999, "999"),
        (table.short, 1_000, "1k"),
        (table.short, 12_345, "12.3k"),
        (table.short, 99_999, "100k"),
        (table.short, 999_499, "999k"),
        (table.short, 999_999, "1M"),
        (table.short, 4_567_890, "4.57M"),
        (table.short, 999_600_000, "1G"),
        (table.short, 10**40, ">R"),
    ],
)
def test_figures_in_words(function: Callable[[float | None], str], value: float | None, text: str) -> None:
    """Where roundings change their look, and on both sides of it."""
    assert function(value) == text


@settings(derandomize=True, deadline=None, database=None)
@given(st.integers(0, 2**80))
def test_a_short_count_is_short_and_right(count: int) -> None:
    """At most five characters, and within half a per cent of the truth."""
    said = table.short(count)
    unit = said.lstrip("0123456789.")
    value = float(said.removesuffix(unit)) * 1000 ** ["", "k", "M", "G", "T", "P", "E", "Z", "Y"].index(unit)
    assert len(said) <= 5
    assert abs(value - count) <= 0.005 * count


@pytest.mark.parametrize(
    ("count", "thing", "text"),
    [(1, "call", "1 call"), (0, "call", "0 calls"), (1_000, "retry", "1,000 retries"), (2, "fetch", "2 fetches")],
)
def test_plurals(count: int, thing: str, text: str) -> None:
    """As English has them."""
    assert many(count, thing) == text
