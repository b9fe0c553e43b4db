"""Findings that a team knows of and has decided to live with: a TOML file, each with its reason."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from tierscope.policy import files
from tierscope.policy.files import FileError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tierscope.advice.finding import Finding

SCHEMA: Final = "tierscope-silence/1"
"""What the file says of itself."""
_FILE_KEYS: Final = ("schema", "silence")
_KEYS: Final = ("finding", "reason")


class SilenceError(FileError):
    """The file cannot be used; the message names the file, the table, the key, the value and the remedy."""


class Silence(NamedTuple):
    """One finding, or every one of a rule, that is not to be told."""

    finding: str
    """The id of a finding, or the name of a rule."""
    reason: str

    def covers(self, one: Finding) -> bool:
        """Say whether a finding is meant."""
        return self.finding in {one.id, one.rule}


class Told(NamedTuple):
    """What is left, and what became of the rest."""

    findings: tuple[Finding, ...]
    silenced: tuple[tuple[Finding, Silence], ...]
    stale: tuple[Silence, ...]
    """Those that silence nothing any more."""


def read(path: str | Path, rules: Iterable[str]) -> tuple[Silence, ...]:
    """Read the file.

    Args:
        path: its path.
        rules: the names of the rules that there are.

    Raises:
        SilenceError: something of it cannot be used.

    """
    file, known, made = Path(path).name, tuple(rules), dict[str, Silence]()
    told = files.read(path, SilenceError, SCHEMA)
    for key in told:
        if key not in _FILE_KEYS:
            raise SilenceError(file, "file", key, told[key], f"use {' and '.join(_FILE_KEYS)}")
    tables = told.get("silence", [])
    if not isinstance(tables, list):
        raise SilenceError(file, "file", "silence", tables, "write tables [[silence]]")
    for number, table in enumerate(tables, 1):
        one = _silence(file, f"silence {number}", table, known)
        if one.finding in made:
            raise SilenceError(file, f"silence {number}", "finding", one.finding, "it is there twice: remove one")
        made[one.finding] = one
    return tuple(made.values())


def _silence(file: str, where: str, table: Any, rules: tuple[str, ...]) -> Silence:
    if not isinstance(table, dict):
        raise SilenceError(file, where, "content", table, "write a table [[silence]]")
    for key in table:
        if key not in _KEYS:
            raise SilenceError(file, where, key, table[key], f"use {' and '.join(_KEYS)}")
    finding, reason = table.get("finding"), table.get("reason")
    if not isinstance(finding, str) or finding.partition(":")[0] not in rules:
        raise SilenceError(file, where, "finding", finding, f"begin with a rule: {', '.join(rules)}")
    if not isinstance(reason, str) or not reason.strip():
        raise SilenceError(file, where, "reason", reason, "say why this is not to be told")
    return Silence(finding, reason)


def apply(found: Iterable[Finding], silences: tuple[Silence, ...]) -> Told:
    """Take out what is silenced; the first that covers a finding counts."""
    kept, silenced, used = [], [], set()
    for one in found:
        covering = [silence for silence in silences if silence.covers(one)]
        used.update(covering)
        if covering:
            silenced.append((one, covering[0]))
        else:
            kept.append(one)
    return Told(tuple(kept), tuple(silenced), tuple(silence for silence in silences if silence not in used))


def stale(told: Told) -> Iterator[str]:
    """Say, a line each, what silences nothing any more."""
    for silence in told.stale:
        yield f"{silence.finding} is silenced, and not found any more: remove it ({silence.reason})"
