"""The files of the catalog: those of the package, and one of the user's laid over them."""

from __future__ import annotations

import functools
import json
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tierscope.catalog.rows import PROVIDER, REFUSAL, SECTIONS, CatalogError, checked, is_text, whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tierscope.catalog.rows import Row

SCHEMA: Final = "tierscope-catalog/1"
"""What a user's file says of itself, by which a later shape can be told from this one."""
PROVIDERS: Final = "providers.json"
_BESIDE: Final = frozenset(("schema", "note", "deployments", "providers"))


def read(path: Path) -> Row:
    """Read a JSON object; numbers with a point are exact.

    Raises:
        CatalogError: the file cannot be read, or is something else.

    """
    try:
        told = json.loads(path.read_text("utf-8"), parse_float=Decimal, parse_constant=Decimal)
    except OSError as error:
        raise CatalogError(path.name, "file", "path", str(path), f"{error.strerror}: name a file to read") from None
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise CatalogError(path.name, "file", "content", str(error), "write one JSON object, in UTF-8") from None
    if not isinstance(told, dict):
        raise CatalogError(path.name, "file", "content", type(told).__name__, "write one JSON object, in UTF-8")
    return told


@functools.cache
def packaged(name: str) -> Row:
    """Read a file beside this module: its rows are whole, and the tests have checked them."""
    return read(Path(__file__).with_name(name))


@functools.cache
def user(path: str) -> Row:
    """Read a user's file: every section, whole and checked.

    Raises:
        CatalogError: something of it cannot be used; nothing is half-read.

    """
    file = Path(path)
    told = dict(read(file))
    if told.get("schema") != SCHEMA:
        raise CatalogError(file.name, "file", "schema", told.get("schema"), f"write {SCHEMA!r}")
    for key in told.keys() - SECTIONS.keys() - _BESIDE:
        raise CatalogError(file.name, "file", key, told[key], f"use {', '.join((*SECTIONS, *sorted(_BESIDE)))}")
    told["providers"] = _providers(file.name, told.get("providers", {}))
    known = {row["provider"] for row in (*packaged(PROVIDERS)["providers"].values(), *told["providers"].values())}
    for name in SECTIONS:
        told[name] = [_users(row, file) for row in checked(file.name, name, told.get(name, []))]
        for row in told[name]:
            if row["provider"] not in known:
                remedy = f"use one of {', '.join(sorted(known))}, or add it to providers"
                raise CatalogError(file.name, f"{name} {row.get('model', '')}", "provider", row["provider"], remedy)
    told["deployments"] = _deployments(file.name, told.get("deployments", {}))
    return told


def _users(row: Row, file: Path) -> Row:
    whole = {**row, "source": row["source"] or file.name}
    return {**whole, "basis": "user"} if "basis" in row else whole


def _providers(file: str, told: object) -> Mapping[str, Row]:
    if not isinstance(told, dict):
        raise CatalogError(file, "file", "providers", told, "write an object of names of rows and rows")
    rows = {key: whole(file, f"providers {key}", row, PROVIDER) for key, row in told.items()}
    return {
        key: {**row, "refusals": [whole(file, f"providers {key} refusal", told, REFUSAL) for told in row["refusals"]]}
        for key, row in rows.items()
    }


def _deployments(file: str, told: object) -> Mapping[str, str]:
    if not isinstance(told, dict):
        raise CatalogError(file, "file", "deployments", told, "write an object of names of deployments and models")
    for name, model in told.items():
        if not is_text(model):
            raise CatalogError(file, "deployments", name, model, "write the name of its model")
    return told


def deployments(path: str | None) -> Mapping[str, str]:
    """Return the models of the deployments that a user's file names."""
    told: Mapping[str, str] = {} if path is None else user(path)["deployments"]
    return told


def merged(name: str, ours: Iterable[Row], path: str | None) -> list[Row]:
    """Return our rows of a section and the user's; where those speak of a subject, ours of it are gone."""
    theirs: list[Row] = [] if path is None else user(path)[name]
    subject = SECTIONS[name].subject
    spoken = {tuple(row[key] for key in subject) for row in theirs}
    return [*(row for row in ours if tuple(row[key] for key in subject) not in spoken), *theirs]
