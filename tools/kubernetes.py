"""Write the Kubernetes resources of the Collectors: `--check` compares, `--crds FOLDER` holds them against schemas.

`config:` is the tested file, whole. Two things differ, and no other: the agent's gateways are found by DNS (its
overlay, laid over as the Collector itself does), and the address of a Collector's own metrics is written out, since the
operator reads it as a number and would put its default in the place of what it cannot read.
"""

from __future__ import annotations

import argparse
import copy
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import jsonschema
import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

CONFIGS: Final = Path(__file__).parent.parent / "collector-config"
RESOURCES: Final = CONFIGS / "kubernetes"
MARK: Final = "  # generated: config\n"
SOURCES: Final = {"agent": ("agent.yaml", "overlays/gateways-by-dns.yaml"), "gateway": ("gateway.yaml",)}
"""By the resource's file: what its Collector is tested with, the later over the earlier."""
OWN_METRICS: Final = {"host": "0.0.0.0", "port": 8888}  # noqa: S104  in a pod, for Prometheus to scrape
Tree = dict[str, Any]


class NoMarkError(Exception):
    """A resource has no place for its configuration."""


def merged(*files: str) -> Tree:
    """Return configurations laid over each other as the Collector does: maps are merged, all else is replaced."""
    whole: Tree = {}
    for file in files:
        whole = _over(whole, yaml.safe_load((CONFIGS / file).read_text("utf-8")))
    return whole


def embedded(name: str) -> Tree:
    """Return what a resource is to hold as `config`."""
    config = copy.deepcopy(merged(*SOURCES[name]))
    (reader,) = config["service"]["telemetry"]["metrics"]["readers"]
    reader["pull"]["exporter"]["prometheus"] = dict(OWN_METRICS)
    return config


def text(name: str) -> str:
    """Return a resource's file with its configuration: all from the mark on is generated.

    Raises:
        NoMarkError: the file has no mark.

    """
    path = RESOURCES / f"{name}.yaml"
    head, mark, _ = path.read_text("utf-8").partition(MARK)
    if not mark:
        raise NoMarkError(f"{path}: no line `{MARK.strip()}`, behind which the configuration is written")
    dumped = yaml.dump({"config": embedded(name)}, Dumper=_Plain, sort_keys=False, width=10_000, allow_unicode=True)
    return head + mark + "".join(f"  {line}\n" for line in dumped.splitlines())


def resources() -> Iterator[tuple[Path, Tree]]:
    """Yield every resource of the folder."""
    for path in sorted(RESOURCES.glob("*.yaml")):
        for one in yaml.safe_load_all(path.read_text("utf-8")):
            yield path, one


def faults(crds: Path) -> Iterator[str]:
    """Yield what the schemas of the operator's custom resources say against ours; `crds` is its config/crd/bases."""
    for path, resource in resources():
        schema = _schema(crds, resource)
        for error in jsonschema.Draft202012Validator(schema).iter_errors(resource):
            yield f"{path.name}: {'.'.join(map(str, error.absolute_path))}: {error.message[:200]}"


def _schema(crds: Path, resource: Mapping[str, Any]) -> Tree:
    group, _, version = resource["apiVersion"].partition("/")
    definition = yaml.safe_load((crds / f"{group}_{resource['kind'].lower()}s.yaml").read_text("utf-8"))
    found = next(one for one in definition["spec"]["versions"] if one["name"] == version)
    return dict(_closed(found["schema"]["openAPIV3Schema"]))


def _closed(schema: Any) -> Any:
    """Refuse what is not declared, as the API server drops it without a word."""
    if isinstance(schema, list):
        return [_closed(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    inner = {key: _closed(value) for key, value in schema.items()}
    is_open = schema.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in schema
    return (
        inner if is_open or not isinstance(schema.get("properties"), dict) else {**inner, "additionalProperties": False}
    )


def _over(below: Tree, above: Tree) -> Tree:
    both = {**below, **above}
    for key in below.keys() & above.keys():
        if isinstance(below[key], dict) and isinstance(above[key], dict):
            both[key] = _over(below[key], above[key])
    return both


class _Plain(yaml.SafeDumper):
    """Without anchors: a reader of the resource sees each part whole."""

    def ignore_aliases(self, data: Any) -> bool:
        """Say that nothing is an alias."""
        del data
        return True


def main(*arguments: str) -> int:
    """Write the resources, compare them, or check them; return 1 where something is stale or wrong."""
    parser = argparse.ArgumentParser(prog="python tools/kubernetes.py", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare; write nothing")
    parser.add_argument("--crds", type=Path, metavar="FOLDER", help="config/crd/bases of opentelemetry-operator")
    given = parser.parse_args(arguments)
    if given.crds is not None:
        wrong = list(faults(given.crds))
        print("\n".join(wrong) or f"{len(list(resources()))} resources are as the operator's schemas want them")
        return int(bool(wrong))
    stale = [name for name in SOURCES if (RESOURCES / f"{name}.yaml").read_text("utf-8") != text(name)]
    for name in () if given.check else stale:
        (RESOURCES / f"{name}.yaml").write_text(text(name), "utf-8")
    if given.check and stale:
        print(f"stale: {', '.join(stale)} in {RESOURCES}: run `make kubernetes`", file=sys.stderr)
    return int(given.check and bool(stale))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
