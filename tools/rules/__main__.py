"""Write Prometheus' rules, or with `--check` say which are stale: `python -m tools.rules`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tools.rules import files
from tools.rules.page import page

from tierscope.catalog import CatalogError
from tierscope.catalog.files import PROMISES, packaged
from tierscope.catalog.prices import rates
from tierscope.catalog.promises import promises
from tierscope.catalog.rows import day

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tools.rules.model import Group

ROOT: Final = Path(__file__).parents[2]
RULES: Final = ROOT / "prometheus" / "rules"
PAGE: Final = ROOT / "docs" / "prometheus.md"


def wanted(given: argparse.Namespace) -> dict[Path, str]:
    """Return what each file is to hold.

    Raises:
        CatalogError: the catalog, or the user's file, holds a row that no rule can judge.

    """
    made = groups(given.catalog, given.day)
    texts = {given.out / name: text for name, text in files.texts(made, given.runbook).items()}
    if given.out == RULES:
        texts[PAGE] = page(PAGE.read_text("utf-8"), (group for groups in made.values() for group in groups))
    return texts


def groups(catalog: str | None = None, on: int | None = None) -> dict[str, list[Group]]:
    """Return the groups of each file.

    Args:
        catalog: a file of the user's, laid over the packaged one.
        on: the day whose promises hold; else that of the catalog.

    Raises:
        CatalogError: the catalog, or the user's file, holds a row that no rule can judge.

    """
    judged = day(packaged(PROMISES)["as_of"]) if on is None else on
    return files.groups(promises(catalog), rates(catalog), judged)


def stale(texts: Mapping[Path, str], folder: Path) -> list[Path]:
    """Return the files that are not as they are to be: those that nothing makes any more, too."""
    other = [path for path in sorted(folder.glob("*.yaml")) if path not in texts and _is_ours(path)]
    return other + [path for path, text in texts.items() if not path.exists() or path.read_text("utf-8") != text]


def _is_ours(path: Path) -> bool:
    """A folder may hold rules of a user's own."""
    return path.read_text("utf-8").startswith(files.HEAD)


def main(*arguments: str) -> int:
    """Write the files, or compare them; return 1 where one is stale, 2 where the catalog cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m tools.rules", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare; write nothing")
    parser.add_argument("--catalog", metavar="FILE", help="a file of your own, laid over the catalog")
    parser.add_argument("--day", type=day, metavar="DATE", help="judge by what holds on it; else on the catalog's")
    parser.add_argument("--out", type=Path, default=RULES, help="folder of the rules")
    parser.add_argument("--runbook", default=files.RUNBOOK, metavar="URL", help="where docs/runbook.md can be read")
    given = parser.parse_args(arguments)
    try:
        texts = wanted(given)
    except CatalogError as error:
        print(error, file=sys.stderr)
        return 2
    old = stale(texts, given.out)
    if not given.check:
        _write(texts, old, given.out)
    verb = "is stale: run `make rules`" if given.check else "written"
    print("\n".join(f"{path} {verb}" for path in old) or "rules are up to date")
    return int(given.check and bool(old))


def _write(texts: Mapping[Path, str], old: list[Path], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for path in old:
        if path in texts:
            path.write_text(texts[path], "utf-8")
        else:
            path.unlink()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
