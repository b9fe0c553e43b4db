"""Silences: what is not told, why, and how a mistake in the file is told."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tests.unit.advice.test_finding import finding
from tierscope.advice import RULES, Money
from tierscope.advice.silence import Silence, SilenceError, apply, read, stale

HEAD: Final = 'schema = "tierscope-silence/1"\n'
ONE: Final = '[[silence]]\nfinding = "long-context:openai:gpt-4.1:proj_a"\nreason = "A contract says so."\n'
LONG, RAMP = finding(), finding("ramp-rate", Money(1, "saving"))


def saved(folder: Path, text: str) -> Path:
    path = folder / "silence.toml"
    path.write_text(text, "utf-8")
    return path


def test_a_finding_is_silenced_by_its_id_and_a_rule_by_its_name(tmp_path: Path) -> None:
    silences = read(saved(tmp_path, HEAD + ONE + ONE.replace("long-context:openai:gpt-4.1:proj_a", "ramp-rate")), RULES)
    by_id, by_rule = silences
    assert by_id == Silence("long-context:openai:gpt-4.1:proj_a", "A contract says so.")
    other = finding("no-usage")
    told = apply([LONG, RAMP, other], silences)
    assert told == ((other,), ((LONG, by_id), (RAMP, by_rule)), ())


def test_what_silences_nothing_any_more_is_a_line() -> None:
    old = Silence("no-usage:openai:o3", "Old.")
    told = apply([LONG], (old,))
    assert (told.findings, told.stale) == ((LONG,), (old,))
    assert list(stale(told)) == ["no-usage:openai:o3 is silenced, and not found any more: remove it (Old.)"]


def test_two_that_cover_the_same_are_both_in_use() -> None:
    both = Silence(LONG.id, "One."), Silence(LONG.rule, "All.")
    assert apply([LONG], both) == ((), ((LONG, both[0]),), ())


def test_an_empty_file_silences_nothing(tmp_path: Path) -> None:
    assert read(saved(tmp_path, HEAD), RULES) == ()


MISTAKES: Final = [
    pytest.param(ONE, "file: schema=None", "write 'tierscope-silence/1'", id="no-schema"),
    pytest.param(HEAD + "mute = 1", "file: mute=1", "use schema and silence", id="unknown-section"),
    pytest.param(HEAD + "silence = 1", "file: silence=1", "write tables [[silence]]", id="no-tables"),
    pytest.param(HEAD + "silence = [1]", "silence 1: content=1", "write a table [[silence]]", id="no-table"),
    pytest.param(
        HEAD + ONE.replace("reason", "because"), "silence 1: because=", "use finding and reason", id="unknown-key"
    ),
    pytest.param(
        HEAD + ONE.replace('"A contract says so."', '" "'), "silence 1: reason=' '", "say why", id="no-reason"
    ),
    pytest.param(
        HEAD + ONE.replace("long-context", "long-contexts"), "silence 1: finding='long-contexts:openai:gpt-4.1:proj_a'",
        "begin with a rule: cache-breaks, could-wait", id="unknown-rule",
    ),
    pytest.param(HEAD + ONE + ONE, "silence 2: finding=", "it is there twice: remove one", id="twice"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "named", "remedy"), MISTAKES)
def test_a_mistake_is_one_line(tmp_path: Path, text: str, named: str, remedy: str) -> None:
    with pytest.raises(SilenceError) as told:
        read(saved(tmp_path, text), RULES)
    message = str(told.value)
    assert message.startswith(f"silence.toml: {named}"), message
    assert remedy in message
    assert "\n" not in message
