"""``tierscope dashboards``: Grafana's dashboards, as files that it can import or provision."""

from __future__ import annotations

import tempfile
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from tierscope.cli.sentences import many

if TYPE_CHECKING:
    from collections.abc import Mapping

FOLDER: Final = "dashboards"
CHECKOUT: Final = Path(__file__).parents[3] / "grafana" / FOLDER
"""Where they are before a wheel is built: `pyproject.toml` copies them into the package."""


@click.group(short_help="Write Grafana's dashboards.")
def dashboards() -> None:
    """Dashboards of tiers, promises, money, capacity, calls and the pipeline, for Grafana 11 or later."""


@dashboards.command(short_help="Write them into a folder.")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Write over files that are different.")
def export(folder: Path, force: bool) -> None:
    """Write a file for each dashboard into DIR, which is made if need be.

    Import them in Grafana, or provision the folder. A file that is there and holds something else stays as it is, and
    none is written, unless --force is given.
    """
    texts = packaged()
    try:
        other = [] if force else [folder / name for name in texts if _differs(folder / name, texts[name])]
        if other:
            raise click.ClickException(f"{_listed(other)} would be lost: choose another folder, or give --force.")
        _write(folder, texts)
    except OSError as error:
        reason = error.strerror or str(error)
        raise click.ClickException(f"cannot write to {folder}: {reason}. Choose a folder that you may write.") from None
    click.echo(f"{many(len(texts), 'dashboard')} in {folder}: {', '.join(Path(name).stem for name in texts)}.")


def packaged() -> dict[str, str]:
    """Return the dashboards by the name of their file."""
    inside = resources.files("tierscope") / FOLDER
    place = inside if inside.is_dir() else CHECKOUT
    found = {one.name: one.read_text("utf-8") for one in place.iterdir() if one.name.endswith(".json")}
    return dict(sorted(found.items()))


def _differs(path: Path, text: str) -> bool:
    return path.exists() and (not path.is_file() or path.read_bytes() != text.encode())


def _listed(paths: list[Path]) -> str:
    return ", ".join(map(str, paths))


def _write(folder: Path, texts: Mapping[str, str]) -> None:
    """Write all of them beside their places first: what fails there leaves every old file whole."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".tierscope-") as part:
        for name, text in texts.items():
            (Path(part) / name).write_bytes(text.encode())
        for name in texts:
            (Path(part) / name).replace(folder / name)
