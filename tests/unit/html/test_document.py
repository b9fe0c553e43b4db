"""The page's drawing: every text is escaped, unknown is no zero, and the file needs nobody."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tierscope.html import markup
from tierscope.html.document import document
from tierscope.html.page import Answer, Chart, Figure, Figures, Folded, Legend, Page, Said, Section, Table

TABLE: Final = Table("Sums", ("Tier", "Calls", "Price"), (("flex", "0", None), (None, "1", "$2.00")))
CHART: Final = Chart("bars", "A chart", "What it shows", {"height": 10, "rows": []}, TABLE, (Legend("flex", "flex"),))


def page(*blocks: Any, title: str = "t", answer: str = "Done.") -> Page:
    return Page(title, ("about",), (Answer(answer, is_loud=True),), (), (Section("one", "One", blocks),), "foot")


@given(st.text())
def test_any_text_comes_back_as_text(text: str) -> None:
    """No sign of it is markup, and none is lost."""
    found = re.search(r"<p>(.*)</p>\n</section>", markup.body(page(Said(text))), re.DOTALL)
    assert found is not None
    assert "<" not in found[1]
    assert html.unescape(found[1]) == html.unescape(html.escape(text))


@given(st.recursive(st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_any_data_comes_back_as_data(value: Any) -> None:
    """Within a script element: no tag begins or ends in it."""
    told = markup.data(value)
    assert re.search("[<>&]", told) is None
    assert json.loads(told) == value


def test_unknown_is_no_zero() -> None:
    """A dash that is read out as unknown; a zero is a zero."""
    body = markup.body(page(TABLE, Figures((Figure("a", None), Figure("b", "0")))))
    assert f'<tr><th scope="row">flex</th><td>0</td>{markup.ABSENT}</tr>' in body
    assert '<th scope="row">unknown</th><td>1</td>' in body
    assert '<dd class="absent">\N{EN DASH}</dd>' in body
    assert "<dd>0</dd>" in body


def test_a_sentence_is_whole_though_its_end_is_quiet() -> None:
    body = markup.body(page(answer="A was B; inferred: c 1; d 2."))
    (heading,) = re.findall(r"<h1[^>]*>(.*?)</h1>", body)
    assert re.sub("<[^>]+>", "", heading) == "A was B; inferred: c 1; d 2."


def test_behind_each_chart_is_its_table() -> None:
    body = markup.body(page(CHART, CHART, Folded("More", TABLE)))
    assert re.findall(r'id="(chart-\d)-title"', body) == ["chart-1", "chart-2"]
    assert body.count("<details><summary>") == 3
    assert body.count('data-chart aria-label="What it shows"') == 2


def test_a_colour_is_of_a_tier() -> None:
    """What becomes part of the style is checked."""
    bad = CHART._replace(legend=(Legend("x);background:url(//y", "z"),))
    assert 'style="--swatch:var(--tier-other)"' in markup.body(page(bad))
    assert 'style="--swatch:var(--tier-flex)"' in markup.body(page(CHART))


def test_a_block_of_no_kind_is_a_fault() -> None:
    with pytest.raises(TypeError, match="int"):
        markup.body(page(3))


def test_only_the_script_inside_may_run() -> None:
    """The policy of the file names it by its hash; nothing else is allowed but the style inside."""
    text = document(page(title="</title><b>"))
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', text)
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    proof = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.startswith(f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{proof}'")
    assert "<title>&lt;/title&gt;&lt;b&gt;</title>" in text
    assert re.findall(r'\b(?:src|href)="(?!#|data:,)', text.replace(script, "")) == []
