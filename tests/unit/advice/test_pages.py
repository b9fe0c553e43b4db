"""The page about advice says what there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest
from click import Option

from tierscope import advice
from tierscope.cli.advise import advise

PAGE: Final = (Path(__file__).parents[3] / "docs" / "advice.md").read_text("utf-8")


@pytest.mark.parametrize("rule", advice.RULES)
def test_every_rule_has_its_row_and_its_section(rule: str) -> None:
    assert re.search(rf"^\| \[`{rule}`\]\(#", PAGE, re.MULTILINE)
    assert re.search(rf"^### .*\b{rule}\b", PAGE, re.MULTILINE)


def test_no_row_is_of_a_rule_that_is_gone() -> None:
    assert sorted(re.findall(r"^\| \[`([\w-]+)`\]\(#", PAGE, re.MULTILINE)) == sorted(advice.RULES)


@pytest.mark.parametrize("kind", advice.MONEY.values())
def test_every_kind_of_money_is_explained(kind: str) -> None:
    assert f"\n| {kind} |" in PAGE


def test_every_option_is_explained() -> None:
    options = [one.opts for one in advise.params if isinstance(one, Option)]
    assert [names for names in options if f"| `{names[0]}" not in PAGE] == []
