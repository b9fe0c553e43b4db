"""Reading a policy: what it says, and how each mistake is told in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from tierscope.policy import PolicyError, Workload, load, read

HEAD: Final = 'schema = "tierscope-policy/1"\n'
CHAT: Final = '[[workload]]\nname = "chat"\nmatch = { project = "a" }\ntier = "priority"\n'


def saved(folder: Path, text: str) -> Path:
    path = folder / "own.toml"
    path.write_text(text, "utf-8")
    return path


def test_a_policy_is_its_rules_in_their_order(tmp_path: Path) -> None:
    """Tiers and requested tiers are canonical; a text is a list of one."""
    more = (
        '[[workload]]\nname = "nightly"\nmatch = { model = ["gpt-5*", "o3"], requested = ["fast", "unset"] }\n'
        'tier = "standard"\ninteractive = false\n[[workload]]\nname = "rest"\nmatch = { project = "*" }\n'
        "interactive = true\n"
    )
    assert read(saved(tmp_path, HEAD + CHAT + more)).workloads == (
        Workload("chat", {"project": ("a",)}, "priority", None),
        Workload("nightly", {"model": ("gpt-5*", "o3"), "requested": ("priority", "unset")}, "default", False),
        Workload("rest", {"project": ("*",)}, None, True),
    )


def test_names_of_what_is_around_a_call_are_whole(tmp_path: Path) -> None:
    """With quotes, or as the tables TOML makes of their parts; and the same word in both tables is two keys."""
    match = (
        'attribute = { "app.workload" = "a", http.route = ["/a", "/b*"] }, baggage = { tenant = "t" }, service = "s"'
    )
    (one,) = read(saved(tmp_path, changed('project = "a"', match))).workloads
    assert one.match == {
        "attribute.app.workload": ("a",),
        "attribute.http.route": ("/a", "/b*"),
        "baggage.tenant": ("t",),
        "service": ("s",),
    }


def test_it_is_loaded_once_per_process(tmp_path: Path) -> None:
    path = str(saved(tmp_path, HEAD + CHAT))
    assert load(path) is load(path)


def changed(old: str, new: str) -> str:
    assert old in HEAD + CHAT
    return (HEAD + CHAT).replace(old, new)


TIERS: Final = "use one of batch, default, fast, flex, priority, scale, standard, ultrafast"
KEYS: Final = "provider, operation, endpoint, requested, model, project, deployment, host, service, attribute, baggage"
TEXT: Final = "write a text, or a list of texts; * stands for any text"
NAMES: Final = 'write a table of names and texts: { "app.workload" = "chat" }'
AROUND: Final = CHAT.replace('project = "a"', 'attribute = { a = "b" }')
AGAIN: Final = CHAT.replace('"chat"', '"later"')
MISTAKES: Final = [
    pytest.param("x = [", "file: content=", "write TOML, in UTF-8", id="no-toml"),
    pytest.param(CHAT, "file: schema=None", "write 'tierscope-policy/1'", id="no-schema"),
    pytest.param(changed("policy/1", "policy/2"), "file: schema='tierscope-policy/2'", "write", id="other-schema"),
    pytest.param(HEAD, "file: workload=None", "write 1 to 100 tables [[workload]]", id="no-rule"),
    pytest.param(HEAD + "workload = []", "file: workload=[]", "write 1 to 100 tables", id="empty"),
    pytest.param(HEAD + "workload = [1]", "workload 1: content=1", "write a table [[workload]]", id="no-table"),
    pytest.param("defaults = 1\n" + HEAD + CHAT, "file: defaults=1", "use schema and workload", id="unknown-section"),
    pytest.param(changed('tier = "p', 'teir = "p'), "workload 'chat': teir='priority'", "use name,", id="unknown-key"),
    pytest.param(changed('"priority"', '"gold"'), "workload 'chat': tier='gold'", TIERS, id="unknown-tier"),
    pytest.param(changed('"priority"', "1"), "workload 'chat': tier=1", TIERS, id="no-word"),
    pytest.param(changed('"priority"', "[]"), "workload 'chat': tier=[]", TIERS, id="a-list"),
    pytest.param(changed('tier = "priority"', ""), "workload 'chat': tier=None", "say which tier", id="no-wish"),
    pytest.param(changed('name = "chat"', ""), "workload 1: name=None", "write 1 to 64 characters", id="no-name"),
    pytest.param(changed('"chat"', '"' + "x" * 65 + '"'), "workload 1: name='xxx", "write 1 to 64", id="long-name"),
    pytest.param(changed('"chat"', '"a\\u001b"'), "workload 1: name='a\\x1b'", "that can be printed", id="escape"),
    pytest.param(changed('{ project = "a" }', "{}"), "workload 'chat': match={}", f"write a table of {KEYS}", id="all"),
    pytest.param(changed("project =", "team ="), "workload 'chat': match.team='a'", f"use {KEYS}", id="unknown-match"),
    pytest.param(changed('"a"', "1"), "workload 'chat': match.project=1", TEXT, id="a-number"),
    pytest.param(changed('"a"', '""'), "workload 'chat': match.project=''", TEXT, id="nothing"),
    pytest.param(changed('"a"', "[]"), "workload 'chat': match.project=[]", TEXT, id="empty-list"),
    pytest.param(
        changed('project = "a"', 'requested = "gold"'), "workload 'chat': match.requested='gold'", "use flex, default",
        id="unknown-requested",
    ),
    pytest.param(changed('project = "a"', 'attribute = "a"'), "workload 'chat': match.attribute='a'", NAMES, id="bare"),
    pytest.param(changed('project = "a"', "baggage = {}"), "workload 'chat': match.baggage={}", NAMES, id="no-names"),
    pytest.param(
        changed('project = "a"', "attribute = { a.b = 1 }"), "workload 'chat': match.attribute.a.b=1", TEXT, id="value"
    ),
    pytest.param(
        changed('project = "a"', 'attribute = { a.b = "1", "a.b" = "2" }'), "workload 'chat': match.attribute.a.b='2'",
        "it is there twice: write it once", id="twice",
    ),
    pytest.param(
        HEAD + AROUND + AROUND.replace('"chat"', '"later"').replace("priority", "flex"),
        "workload 'later': match={'attribute.a': ('b',)}",
        "'chat' matches the same and wants priority, not flex: keep one of the two", id="contradiction-around-a-call",
    ),
    pytest.param(
        HEAD + CHAT + "interactive = 1", "workload 'chat': interactive=1", "write true or false", id="no-boolean"
    ),
    pytest.param(
        changed('"priority"', '"flex"\ninteractive = true'), "workload 'chat': interactive=True",
        "nobody can wait for flex: name another tier, or false", id="nobody-waits-for-flex",
    ),
    pytest.param(HEAD + CHAT + CHAT, "workload 'chat': name='chat'", "two rules have it: rename one", id="same-name"),
    pytest.param(
        HEAD + CHAT + AGAIN.replace("priority", "flex") + "interactive = false",
        "workload 'later': match={'project': ('a',)}",
        "'chat' matches the same and wants priority, not flex and not interactive: keep one of the two",
        id="contradiction",
    ),
    pytest.param(
        HEAD + CHAT + AGAIN.replace('project = "a"', 'project = "a", model = "o3"'), "workload 'later': match={",
        "never reached, for 'chat' matches all of it: write this one first", id="unreachable",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "named", "remedy"), MISTAKES)
def test_a_mistake_is_one_line_with_file_rule_key_value_and_remedy(
    tmp_path: Path, text: str, named: str, remedy: str
) -> None:
    with pytest.raises(PolicyError) as told:
        read(saved(tmp_path, text))
    message = str(told.value)
    assert message.startswith(f"own.toml: {named}"), message
    assert message.partition(f"{told.value.key}=")[2].count(": ") >= 1
    assert told.value.remedy.startswith(remedy) or remedy in told.value.remedy
    assert "\n" not in message


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=r"none\.toml: file: path=.*No such file or directory: name a file to read"):
        read(tmp_path / "none.toml")


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    path = tmp_path / "own.toml"
    path.write_bytes(b"\xff")
    with pytest.raises(PolicyError, match="write TOML, in UTF-8"):
        read(path)


def test_rules_that_overlap_are_told_apart_by_their_order(tmp_path: Path) -> None:
    """Neither hides the other: the first that matches decides."""
    narrow = CHAT.replace('"chat"', '"narrow"').replace('project = "a"', 'project = "a", model = "o3"')
    assert [one.name for one in read(saved(tmp_path, HEAD + narrow + CHAT)).workloads] == ["narrow", "chat"]


def test_the_example_can_be_used() -> None:
    example = read(Path(__file__).parents[3] / "examples" / "policy.toml")
    assert [(one.name, one.tier) for one in example.workloads] == [
        ("chat", "priority"), ("evaluation", "flex"), ("analyst", "scale")
    ]  # fmt: skip
