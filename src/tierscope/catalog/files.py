"""The files of the catalog: those of the package, and one of the user's laid over them."""

from __future__ import annotations

import functools
import json
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tierscope.catalog.rows import SUBJECTS, CatalogError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tierscope.catalog.deployments import Kind
    from tierscope.catalog.rows import Row

PROVIDERS: Final = "providers.json"
RATES: Final = "rates.json"
PROMISES: Final = "promises.json"


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


def own(path: str) -> Row:
    """Read a user's file: every section, whole and checked.

    Raises:
        CatalogError: something of it cannot be used; nothing is half-read.

    """
    from tierscope.catalog import own  # noqa: PLC0415  only where there is a file

    return own.read(path)


def deployments(path: str | None) -> Mapping[str, str]:
    """Return the models of the deployments that a user's file names."""
    told: Mapping[str, str] = {} if path is None else own(path)["deployments"]
    return told


def kinds(path: str | None) -> Mapping[str, Kind]:
    """Return the kinds of the deployments of which a user's file tells them."""
    told: Mapping[str, Kind] = {} if path is None else own(path)["kinds"]
    return told


def merged(name: str, ours: Iterable[Row], path: str | None) -> list[Row]:
    """Return our rows of a section and the user's; where those speak of a subject, ours of it are gone."""
    theirs: list[Row] = [] if path is None else own(path)[name]
    subject = SUBJECTS[name]
    spoken = {tuple(row[key] for key in subject) for row in theirs}
    return [*(row for row in ours if tuple(row[key] for key in subject) not in spoken), *theirs]
