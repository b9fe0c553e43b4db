"""The page's file: written whole or not at all."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextlib.contextmanager
def written(path: Path, ledger: Path) -> Iterator[Callable[[str], int]]:
    """Yield what writes a text, which takes the file's place at the end; before anything is read, it is said if not.

    Raises:
        click.ClickException: no file can be written there; what was there stays as it was.

    """
    _refuse(path, ledger)
    place = Path(os.path.realpath(path))  # of a link the file it stands for
    scratch = place.with_name(f".{place.name}.{os.getpid()}.part")
    try:
        with _errors_of(path):
            file = scratch.open("x", encoding="utf-8", newline="\n")
        with file:

            def write(text: str) -> int:
                with _errors_of(path):
                    file.write(text)
                    file.flush()
                    return file.tell()

            yield write
        with _errors_of(path):
            scratch.replace(place)
    finally:
        with contextlib.suppress(OSError):
            scratch.unlink()


def _refuse(path: Path, ledger: Path) -> None:
    with contextlib.suppress(OSError):
        if path.samefile(ledger):
            raise click.ClickException(f"{path} is the ledger itself. Name another file for the page.")
    if path.is_dir():
        raise click.ClickException(f"{path} cannot be written: it is a directory. Name a file in it.")
    if path.exists() and not path.is_file():
        raise click.ClickException(f"{path} cannot be written: it is no ordinary file. Name another.")


@contextlib.contextmanager
def _errors_of(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise click.ClickException(
            f"{path} cannot be written: {why}. Check the folder {path.parent}, or name another file."
        ) from None
