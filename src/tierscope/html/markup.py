"""A page as HTML: every text is escaped at the one place where it becomes markup."""

from __future__ import annotations

import html
import json
from functools import singledispatch
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from tierscope.html.page import (
    Answer,
    Chart,
    Figure,
    Figures,
    Finding,
    Folded,
    Legend,
    Listed,
    Page,
    Pair,
    Said,
    Section,
    Table,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tierscope.html.page import Block, Cell

ABSENT: Final = '<td class="absent"><span aria-hidden="true">\N{EN DASH}</span><span class="unseen">unknown</span></td>'
_TIERS: Final = frozenset("abcdefghijklmnopqrstuvwxyz")


def text(value: str) -> str:
    """A text of anybody's, as text."""
    return html.escape(value, quote=True)


def data(value: Any) -> str:
    """JSON that stays inside of its script element: no sign of it opens or closes a tag, or ends a line."""
    told = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return told.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def joined(parts: Iterable[str]) -> str:
    """Markup behind each other."""
    return "\n".join(parts)


def body(page: Page) -> str:
    """Everything a page shows."""
    numbers = count(1)
    head, *rest = page.answers
    about = joined(f"<span>{text(part)}</span>" for part in page.about)
    return joined(
        (
            f'<header class="top"><p class="about">{about}</p>',
            f'<h1 class="{_loud(head)}">{_split(head.text)}</h1>',
            *(f'<p class="also {_loud(one)}">{_split(one.text)}</p>' for one in rest),
            *_blocks(page.lead, 2, numbers),
            f'</header>\n{_contents(page.sections)}\n<main id="main" tabindex="-1">',
            *(_section(section, numbers) for section in page.sections),
            f"</main>\n<footer><p>{text(page.foot)}</p></footer>",
        )
    )


def _loud(answer: Answer) -> str:
    return "loud" if answer.is_loud else "calm"


def _split(sentence: str) -> str:
    """The claim, and more quietly what follows its first semicolon."""
    claim, mark, rest = sentence.partition("; ")
    return f"{text(claim)}<span class=unseen>; </span><small>{text(rest)}</small>" if mark else text(claim)


def _contents(sections: tuple[Section, ...]) -> str:
    items = joined(f'<li><a href="#{text(one.key)}">{text(one.title)}</a></li>' for one in sections)
    return f'<nav aria-label="Contents"><ol>{items}</ol></nav>'


def _section(section: Section, numbers: Iterator[int]) -> str:
    key = text(section.key)
    return joined(
        (
            f'<section id="{key}" aria-labelledby="{key}-title"><h2 id="{key}-title">{text(section.title)}</h2>',
            *_blocks(section.blocks, 3, numbers),
            "</section>",
        )
    )


def _blocks(blocks: tuple[Block, ...], level: int, numbers: Iterator[int]) -> Iterator[str]:
    for block in blocks:
        yield _markup(block, level, numbers)


@singledispatch
def _markup(block: Block, _level: int, _numbers: Iterator[int]) -> str:
    """One block; headings within it are of a level, and ids end with a number of their own."""
    raise TypeError(type(block).__name__)


@_markup.register(Said)
def _(block: Said, _level: int, _numbers: Iterator[int]) -> str:
    return f"<p{' class=quiet' if block.is_quiet else ''}>{text(block.text)}</p>"


@_markup.register(Listed)
def _(block: Listed, level: int, _numbers: Iterator[int]) -> str:
    items = joined(f"<li>{text(item)}</li>" for item in block.items)
    return f'<div class="listed"><h{level}>{text(block.title)}</h{level}><ul>{items}</ul></div>'


@_markup.register(Figures)
def _(block: Figures, _level: int, _numbers: Iterator[int]) -> str:
    return f'<dl class="figures">{joined(map(_figure, block.items))}</dl>'


def _figure(one: Figure) -> str:
    value = '<dd class="absent">\N{EN DASH}</dd>' if one.value is None else f"<dd>{text(one.value)}</dd>"
    note = f'<dd class="note">{text(one.note)}</dd>' if one.note else ""
    return f"<div><dt>{text(one.name)}</dt>{value}{note}</div>"


@_markup.register(Finding)
def _(block: Finding, level: int, _numbers: Iterator[int]) -> str:
    worth = f'<p class="worth">{text(block.worth)}</p>'
    lines = joined(f"<p>{text(line)}</p>" for line in block.lines)
    facts = joined(f"<div><dt>{text(name)}</dt><dd>{text(told)}</dd></div>" for name, told in block.facts)
    title = f"<h{level}>{text(block.title)}</h{level}>"
    return f'<article class="finding">{worth}{title}{lines}<dl class="facts">{facts}</dl></article>'


@_markup.register(Folded)
def _(block: Folded, _level: int, _numbers: Iterator[int]) -> str:
    return f"<details><summary>{text(block.summary)}</summary>{_table(block.table)}</details>"


@_markup.register(Table)
def _(block: Table, _level: int, _numbers: Iterator[int]) -> str:
    return _table(block)


@_markup.register(Pair)
def _(block: Pair, level: int, numbers: Iterator[int]) -> str:
    title = f"<h{level}>{text(block.title)}</h{level}>"
    sides = joined(f"<div>{_markup(side, level + 1, numbers)}</div>" for side in (block.left, block.right))
    return f'{title}<div class="pair">{sides}</div>'


@_markup.register(Chart)
def _(block: Chart, level: int, numbers: Iterator[int]) -> str:
    """A drawing that can be reached by keyboard, and the table that says the same."""
    key = f"chart-{next(numbers)}"
    legend = f'<ul class="legend">{joined(map(_legend, block.legend))}</ul>' if block.legend else ""
    return joined(
        (
            f'<figure><h{level} id="{key}-title">{text(block.title)}</h{level}>{legend}',
            f'<div class="chart" role="img" tabindex="0" data-chart aria-label="{text(block.label)}">',
            f'<script type="application/json">{data({"kind": block.kind, **block.data})}</script></div>',
            f"<details><summary>The same as a table<span class=unseen>: {text(block.title)}</span></summary>",
            f"{_table(block.table)}</details></figure>",
        )
    )


def _legend(one: Legend) -> str:
    """A sample of the colour, whose name is checked: it becomes part of the style."""
    tier = one.tier if set(one.tier) <= _TIERS else "other"
    dashed = " dashed" if one.is_dashed else ""
    return f'<li><i class="swatch{dashed}" style="--swatch:var(--tier-{tier})"></i>{text(one.text)}</li>'


# ── tables ────────────────────────────────────────────────────────────────────────────────────────────────────────
def _table(table: Table) -> str:
    """A table in a frame of its own, which scrolls, and which the keyboard reaches for that."""
    heads = "".join(f'<th scope="col">{text(head)}</th>' for head in table.head)
    rows = joined(map(_row, table.rows))
    return (
        f'<div class="frame" role="region" tabindex="0" aria-label="{text(table.caption)}">'
        f'<table class="words-{table.words}"><caption>'
        f"{text(table.caption)}</caption><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
        "</div>"
    )


def _row(row: tuple[Cell, ...]) -> str:
    first, *rest = row
    cells = (ABSENT if cell is None else f"<td>{text(cell)}</td>" for cell in rest)
    return f'<tr><th scope="row">{text(first or "unknown")}</th>{"".join(cells)}</tr>'
