"""Reads a policy: a TOML file, checked whole. Nothing of a faulty one is used."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tierscope.policy import files
from tierscope.policy.files import FileError
from tierscope.policy.rules import KEYS, TABLES, Policy, Workload
from tierscope.words import ALIASES, BATCH, CANONICAL, FLEX, REQUESTED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SCHEMA: Final = "tierscope-policy/1"
"""What the file says of itself."""
MAX_RULES: Final = 100
"""Rules are values of a metric's attribute: few enough for one series each."""
MAX_NAME: Final = 64
_FILE_KEYS: Final = ("schema", "workload")
_RULE_KEYS: Final = ("name", "match", "tier", "interactive")
_PATIENT: Final = (FLEX, BATCH)


class PolicyError(FileError):
    """A policy cannot be used; the message names the file, the rule, the key, the value and the remedy."""


def read(path: str | Path) -> Policy:
    """Read a policy.

    Raises:
        PolicyError: something of it cannot be used, or it contradicts itself.

    """
    return policy(Path(path).name, files.read(path, PolicyError, SCHEMA))


@functools.cache
def load(path: str) -> Policy:
    """Read a policy once per process.

    Raises:
        PolicyError: see ``read``.

    """
    return read(path)


def policy(file: str, told: Mapping[str, Any]) -> Policy:
    """Make a policy of what was read; ``file`` is its name in messages.

    Raises:
        PolicyError: see ``read``.

    """
    for key in told:
        if key not in _FILE_KEYS:
            raise PolicyError(file, "file", key, told[key], f"use {' and '.join(_FILE_KEYS)}")
    rules = told.get("workload")
    if not isinstance(rules, list) or not 0 < len(rules) <= MAX_RULES:
        raise PolicyError(file, "file", "workload", rules, f"write 1 to {MAX_RULES} tables [[workload]]")
    made = tuple(_Rule(file, number, rule).workload() for number, rule in enumerate(rules, 1))
    for number, workload in enumerate(made):
        _compare(file, made[:number], workload)
    return Policy(made)


class _Rule:
    """One table of the file, and what to call it in messages."""

    def __init__(self, file: str, number: int, told: object) -> None:
        self._file = file
        if not isinstance(told, dict):
            raise PolicyError(file, f"workload {number}", "content", told, "write a table [[workload]]")
        self._told, self._label = told, f"workload {number}"
        self._label = f"workload {self._name()!r}"

    def workload(self) -> Workload:
        """Check it, and return the rule."""
        for key in self._told:
            if key not in _RULE_KEYS:
                raise self._error(key, self._told[key], f"use {', '.join(_RULE_KEYS)}")
        tier, interactive = self._tier(), self._told.get("interactive")
        if interactive is not None and not isinstance(interactive, bool):
            raise self._error("interactive", interactive, "write true or false")
        if tier is None and interactive is None:
            raise self._error("tier", None, "say which tier is wanted, or whether it is interactive")
        if interactive and tier in _PATIENT:
            raise self._error("interactive", interactive, f"nobody can wait for {tier}: name another tier, or false")
        return Workload(self._name(), self._match(), tier, interactive)

    def _name(self) -> str:
        name = self._told.get("name")
        if not isinstance(name, str) or not name.isprintable() or not 0 < len(name) <= MAX_NAME:
            raise self._error("name", name, f"write 1 to {MAX_NAME} characters that can be printed")
        return name

    def _tier(self) -> str | None:
        word = self._told.get("tier")
        if word is None:
            return None
        tier = ALIASES.get(word, word) if isinstance(word, str) else word
        if tier not in CANONICAL:
            raise self._error("tier", word, f"use one of {', '.join(sorted((*CANONICAL, *ALIASES)))}")
        return str(tier)

    def _match(self) -> dict[str, tuple[str, ...]]:
        told = self._told.get("match")
        if not isinstance(told, dict) or not told:
            raise self._error("match", told, f"write a table of {', '.join(KEYS)}")
        match: dict[str, tuple[str, ...]] = {}
        for key, value in told.items():
            if key not in KEYS:
                raise self._error(f"match.{key}", value, f"use {', '.join(KEYS)}")
            for name, patterns in self._named(key, value) if key in TABLES else ((key, value),):
                if name in match:
                    raise self._error(f"match.{name}", patterns, "it is there twice: write it once")
                match[name] = self._patterns(name, patterns)
        return match

    def _named(self, key: str, told: object) -> Iterator[tuple[str, object]]:
        """Yield what is around a call by its whole name: TOML makes tables of the parts of one without quotes."""
        if not isinstance(told, dict) or not told:
            raise self._error(f"match.{key}", told, 'write a table of names and texts: { "app.workload" = "chat" }')
        for name, value in told.items():
            if isinstance(value, dict):
                yield from self._named(f"{key}.{name}", value)
            else:
                yield f"{key}.{name}", value

    def _patterns(self, key: str, value: object) -> tuple[str, ...]:
        patterns = tuple(value) if isinstance(value, list) else (value,)
        if not patterns or not all(isinstance(pattern, str) and pattern for pattern in patterns):
            raise self._error(f"match.{key}", value, "write a text, or a list of texts; * stands for any text")
        return tuple(self._requested(pattern) for pattern in patterns) if key == "requested" else patterns

    def _requested(self, word: str) -> str:
        tier = ALIASES.get(word, word)
        if tier not in REQUESTED and "*" not in tier:
            raise self._error("match.requested", word, f"use {', '.join(REQUESTED)}")
        return tier

    def _error(self, key: str, value: object, remedy: str) -> PolicyError:
        return PolicyError(self._file, self._label, key, value, remedy)


def _compare(file: str, before: tuple[Workload, ...], one: Workload) -> None:
    """See that a rule has a name of its own, and can be reached past those before it."""
    label = f"workload {one.name!r}"
    for other in before:
        if other.name == one.name:
            raise PolicyError(file, label, "name", one.name, "two rules have it: rename one")
        if not other.hides(one):
            continue
        told = dict(one.match)
        if one.hides(other):
            said = f"{other.name!r} matches the same and wants {_wish(other)}, not {_wish(one)}: keep one of the two"
            raise PolicyError(file, label, "match", told, said)
        raise PolicyError(
            file, label, "match", told, f"never reached, for {other.name!r} matches all of it: write this one first"
        )


def _wish(one: Workload) -> str:
    waits = {True: "interactive", False: "not interactive", None: None}[one.interactive]
    return " and ".join(word for word in (one.tier, waits) if word)
