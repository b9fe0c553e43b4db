"""A user's file in TOML, and how one that cannot be used is told."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any


class FileError(ValueError):
    """A file cannot be used; the message names the file, the table in it, the key, the value and the remedy."""

    def __init__(self, file: str, where: str, key: str, value: object, remedy: str) -> None:
        super().__init__(f"{file}: {where}: {key}={value!r:.200}: {remedy}")
        self.file, self.where, self.key, self.value, self.remedy = file, where, key, value, remedy


def read(path: str | Path, error: type[FileError], schema: str) -> dict[str, Any]:
    """Read a file that says which schema it has.

    Args:
        path: its path.
        error: what to raise.
        schema: what it must say of itself, by which a later shape can be told from this one.

    Raises:
        FileError: it cannot be read, or is something else.

    """
    file = Path(path)
    try:
        told = tomllib.loads(file.read_text("utf-8"))
    except OSError as fault:
        raise error(file.name, "file", "path", str(path), f"{fault.strerror}: name a file to read") from None
    except ValueError as fault:  # TOML, and UTF-8
        raise error(file.name, "file", "content", str(fault), "write TOML, in UTF-8") from None
    if told.get("schema") != schema:
        raise error(file.name, "file", "schema", told.get("schema"), f"write {schema!r}")
    return told
