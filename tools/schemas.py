"""Check what others read by their own types: `python -m tools.schemas` tells each fault, with its file and place.

Dashboards and alerts are read by Grafana's Foundation SDK for Go: keys that it does not know, types, absent fields,
each panel's options and each query by its kind. Which words a field may hold, only the SDK for Python says: every value
of a named type is looked up there. `compose.yaml` is read by the loader of `docker compose`, with its schema. Not
checked: properties of overrides and options of transformations, for which the SDK has no type.
"""

from __future__ import annotations

import enum
import importlib
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, get_args, get_origin, get_type_hints

from tools.gotool import AbsentError, built

if TYPE_CHECKING:
    from types import ModuleType

ROOT: Final = Path(__file__).parent.parent
SDK: Final = "grafana_foundation_sdk.models"


def files() -> dict[str, list[Path]]:
    """Return what there is to check, by its kind."""
    return {
        "dashboards": sorted((ROOT / "grafana" / "dashboards").glob("*.json")),
        "alerts": sorted((ROOT / "grafana" / "provisioning" / "alerting").glob("*.yaml")),
        "compose": [ROOT / "compose.yaml"],
    }


def faults(kind: str, *paths: Path) -> list[str]:
    """Return what is wrong with files of a kind, each with file and place.

    Raises:
        AbsentError: there is no Go to build the program with.
        subprocess.CalledProcessError: the program could not be built, or failed.

    """
    return [*_ran(kind, *paths), *(fault for *place, value in words(kind, *paths) if (fault := _word(*place, value)))]


def words(kind: str, *paths: Path) -> list[list[str]]:
    """Return every value of a type that the SDK names: its file, place, package, type, and itself."""
    return [line.split("\t") for line in _ran("-words", kind, *paths)]


def _ran(*arguments: str | Path) -> list[str]:
    done = subprocess.run([built("schemas"), *arguments], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode not in {0, 1}:
        done.check_returncode()
    return done.stdout.splitlines()


def _word(file: str, place: str, package: str, name: str, value: str) -> str:
    """Return what is wrong with a value; nothing where its type is no list of words."""
    module = importlib.import_module(f"{SDK}.{package}")
    kind: Any = getattr(module, name, None) or _inline(module, name)
    if kind is None:
        return f"{file}: {place}: the SDK for Python knows no type {package}.{name}"
    known = [str(one.value) for one in kind] if isinstance(kind, enum.EnumType) else list(map(str, get_args(kind)))
    return "" if value in known or not known else f"{file}: {place}: {value!r} is none of {', '.join(known)}"


def _inline(module: ModuleType, name: str) -> Any:
    """Return the type of a field that only Go gives a name, which is its class's and its own."""
    for owner in (one for one in vars(module).values() if isinstance(one, type) and name.startswith(one.__name__)):
        field = re.sub(r"(?<!^)(?=[A-Z])", "_", name.removeprefix(owner.__name__)).lower()
        hints = get_type_hints(owner)
        if hint := hints.get(field, hints.get(f"{field}_val")):
            return next((one for one in get_args(hint) if get_origin(one) is Literal), hint)
    return None


def main() -> int:
    """Check all; return 1 where something is wrong."""
    try:
        wrong = [fault for kind, paths in files().items() for fault in faults(kind, *paths)]
    except (AbsentError, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(wrong), end="\n" if wrong else "")
    counts = ", ".join(f"{len(paths)} {kind}" for kind, paths in files().items())
    checked = sum(len(words(kind, *paths)) for kind, paths in files().items())
    print(f"schemas: {counts}, {checked} words looked up: {len(wrong) or 'no'} faults")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
