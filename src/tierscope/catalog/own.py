"""A user's file, checked row by row. Read only where there is one."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tierscope.catalog import files, shapes
from tierscope.catalog.deployments import Kind
from tierscope.catalog.rows import SUBJECTS, CatalogError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tierscope.catalog.rows import Row

SCHEMA: Final = "tierscope-catalog/1"
"""What the file says of itself, by which a later shape can be told from this one."""
_KEYS: Final = (*SUBJECTS, "providers", "deployments", "schema", "note")


@functools.cache
def read(path: str) -> Row:
    """Read every section, whole and checked; one that the file lacks is empty.

    Raises:
        CatalogError: something of it cannot be used; nothing is half-read.

    """
    file, told = Path(path).name, files.read(Path(path))
    if told.get("schema") != SCHEMA:
        raise CatalogError(file, "file", "schema", told.get("schema"), f"write {SCHEMA!r}")
    for key in told.keys() - set(_KEYS):
        raise CatalogError(file, "file", key, told[key], f"use {', '.join(_KEYS)}")
    lists = {name: [_own(row, file) for row in shapes.checked(file, name, told.get(name, []))] for name in SUBJECTS}
    hosts = providers(file, told.get("providers", {}))
    known = {row["provider"] for row in (*files.packaged(files.PROVIDERS)["providers"].values(), *hosts.values())}
    for name, table in lists.items():
        _see(file, name, table, known)
    models, kinds = deployments(file, told.get("deployments", {}))
    return {**lists, "providers": hosts, "deployments": models, "kinds": kinds}


def _own(row: Row, file: str) -> Row:
    told = {**row, "source": row["source"] or file}
    return {**told, "basis": "user"} if "basis" in row else told


def _see(file: str, name: str, table: Iterable[Row], known: set[str]) -> None:
    """See that every provider is known: a slip of the pen would hide the row."""
    for row in table:
        if row["provider"] not in known:
            where = " ".join(str(row[key]) for key in SUBJECTS[name] if row[key])
            remedy = f"use one of {', '.join(sorted(known))}, or add it to providers"
            raise CatalogError(file, f"{name} {where}", "provider", row["provider"], remedy)


def providers(file: str, told: object) -> Mapping[str, Row]:
    """Return the rows of providers, whole.

    Raises:
        CatalogError: one cannot be used.

    """
    if not isinstance(told, dict):
        raise CatalogError(file, "file", "providers", told, "write an object of names of rows and rows")
    return {key: _provider(file, f"providers {key}", row) for key, row in told.items()}


def _provider(file: str, where: str, row: object) -> Row:
    told = shapes.whole(file, where, row, shapes.PROVIDER)
    refusals = [shapes.whole(file, f"{where} refusal", refusal, shapes.REFUSAL) for refusal in told["refusals"]]
    return {**told, "refusals": refusals}


def deployments(file: str, told: object) -> tuple[Mapping[str, str], Mapping[str, Kind]]:
    """Return the models behind names of deployments, and their kinds: what is said of each.

    Raises:
        CatalogError: one is neither a name nor an object with a type.

    """
    if not isinstance(told, dict):
        raise CatalogError(file, "file", "deployments", told, "write an object of names of deployments and models")
    models, kinds = {}, {}
    for name, said in told.items():
        if isinstance(said, dict):
            row = shapes.whole(file, f"deployments {name}", said, shapes.DEPLOYMENT)
            kinds[name] = _kind(file, name, Kind(row["type"], row["zone"]))
            model = row["model"]
        else:
            model = said
        if model is None:
            continue
        if not shapes.is_text(model):
            raise CatalogError(file, "deployments", name, model, "write the name of its model, or an object")
        models[name] = model
    return models, kinds


def _kind(file: str, name: str, kind: Kind) -> Kind:
    if kind.zone is not None and not kind.is_in_zone:
        raise CatalogError(file, f"deployments {name}", "zone", kind.zone, "leave it out: only data zones have one")
    return kind
