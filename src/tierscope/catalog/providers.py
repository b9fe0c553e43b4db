"""Hosts, trust, aliases and refusal patterns per provider: the rows of ``providers.json``."""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

from tierscope.catalog import files
from tierscope.catalog.names import candidates
from tierscope.words import ALIASES, PRIORITY

if TYPE_CHECKING:
    from collections.abc import Mapping

FALLBACK: Final = "_OTHER"
AZURE: Final = "azure.ai.openai"


class Refusal(NamedTuple):
    """One way in which a host says that a tier has no room or is not allowed."""

    tier: str
    """Canonical tier that was asked for, or ``*``."""
    status: int
    code: str | None = None
    param: str | None = None
    pattern: str | None = None
    """Regular expression; compiled when a call is first refused, not at every start."""

    def matches(
        self, requested: str, status: int | None, *, code: str | None, param: str | None, message: str | None
    ) -> bool:
        """Say whether a failed reply is this refusal."""
        if status != self.status or self.tier not in {"*", requested}:
            return False
        if self.code is not None or self.param is not None:
            return (self.code is None or self.code == code) and (self.param is None or self.param == param)
        pattern = self.pattern
        return pattern is not None and any(text and re.search(pattern, text, re.IGNORECASE) for text in (code, message))


class _Row(NamedTuple):
    key: str
    name: str
    """``gen_ai.provider.name``."""
    hosts: tuple[str, ...] = ()
    trust: Literal["yes", "no", "configured"] = "no"
    aliases: Mapping[str, str] = ALIASES
    request_header: str | None = None
    response_header: str | None = None
    unset_means: str | None = None
    auto_means: str | None = None
    header_auto_means: str | None = None
    refusals: tuple[Refusal, ...] = ()
    stream_usage: Literal["known", "unknown"] = "unknown"


class Provider(_Row):
    """One row of ``providers.json``; equal only to itself, so that it can be part of a key."""

    __slots__ = ()
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def serves(self, host: str) -> bool:
        """Say whether this row names the host: exactly, by suffix, or with one ``*`` for a region."""
        return any(_host_matches(entry, host) for entry in self.hosts)


class Catalog(NamedTuple):
    """The loaded rows; every lookup is pure."""

    providers: Mapping[str, Provider]
    long_context_excluded: frozenset[tuple[str, str]]

    def of_host(self, host: str | None) -> Provider:
        """Return the row that names this host, else the row for anything else."""
        name = (host or "").lower()
        return next((row for row in self.providers.values() if row.serves(name)), self.providers[FALLBACK])

    def excludes_long_context(self, provider: str, model: str | None) -> bool:
        """Say whether the promise for this model is documented to exclude prompts above 128k tokens."""
        return model is not None and any((provider, name) in self.long_context_excluded for name in candidates(model))


def _host_matches(entry: str, host: str) -> bool:
    if entry.startswith("."):
        return host.endswith(entry)
    head, star, tail = entry.partition("*")
    region = host.removeprefix(head).removesuffix(tail) if star else ""
    return host == f"{head}{region}{tail}" and bool(region) == bool(star) and "." not in region


def _refusal(row: Mapping[str, Any]) -> Refusal:
    return Refusal(row["tier"], row["status"], row.get("code"), row.get("param"), row.get("pattern"))


def _provider(key: str, row: Mapping[str, Any]) -> Provider:
    return Provider(
        key=key,
        name=row["provider"],
        hosts=tuple(row["hosts"]),
        trust=row["trust"],
        aliases={**ALIASES, **row["aliases"]},
        request_header=row["request_header"],
        response_header=row["response_header"],
        unset_means=row["unset_means"],
        auto_means=row["auto_means"],
        header_auto_means=row["header_auto_means"],
        refusals=tuple(_refusal(refusal) for refusal in row["refusals"]),
        stream_usage=row["stream_usage"],
    )


def load(path: str | None = None) -> Catalog:
    """Read ``providers.json`` once per process; a user's file is laid over it, and its rows are asked first.

    Raises:
        CatalogError: the user's file cannot be used.

    """
    return _load(path)


@functools.cache
def _load(path: str | None) -> Catalog:
    theirs = {} if path is None else files.own(path)["providers"]
    rows = {**theirs, **files.packaged(files.PROVIDERS)["providers"], **theirs}
    promised = files.merged("promises", files.packaged(files.PROMISES)["promises"], path)
    held = (row for row in promised if row["tier"] == PRIORITY and row["to"] is None)
    return Catalog(
        providers={key: _provider(key, row) for key, row in rows.items()},
        long_context_excluded=frozenset(
            (row["provider"], row["model"]) for row in held if row["excludes_long_context"]
        ),
    )
