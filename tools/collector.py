"""Write the generated blocks of the Collector's configurations, or with `--check` say which are stale.

A block stands between the lines `# generated: NAME` and `# end`, at the depth of the first; everything else in those
files is written by hand.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import ottl_metrics as metrics
import ottl_redact as redact
import ottl_tiers as tiers
import yaml
from ottl import span

from tierscope import signals as s
from tierscope import words
from tierscope.catalog import promises

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

CONFIGS: Final = Path(__file__).parent.parent / "collector-config"
BLOCK: Final = re.compile(r"^( *)# generated: ([a-z-]+).*\n((?:.*\n)*?)\1# end\n", re.MULTILINE)


class UnknownBlockError(Exception):
    """A file asks for a block that nobody writes, or for one without its end."""


# ── blocks ────────────────────────────────────────────────────────────────────────────────────────────────────────
def _lines(statements: Iterable[str]) -> str:
    """Return a list of YAML, one quoted line each: no statement may be broken."""
    return "".join(f"- '{one.replace(chr(39), chr(39) * 2)}'\n" for one in statements)


def _metrics() -> str:
    return "".join(_metric(metric) for metric in metrics.derived())


def _metric(metric: dict[str, Any]) -> str:
    """Return one metric, its attributes one a line."""
    head = {key: metric[key] for key in ("name", "unit", "description")}
    rest = {key: metric[key] for key in metric.keys() - head.keys()}
    lines = [f"{key}: {_flow(value)}" for key, value in head.items()]
    lines += [f"{key}: {_flow(rest[key])}" for key in ("conditions", "sum", "histogram") if key in rest]
    for key in ("include_resource_attributes", "attributes"):
        lines += [f"{key}:", *(f"  - {_flow(value)}" for value in rest[key])]
    return f"- {lines[0]}\n" + "".join(f"  {line}\n" for line in lines[1:])


def _flow(value: object) -> str:
    return (
        yaml.safe_dump(value, default_flow_style=True, width=100_000, sort_keys=False).removesuffix("\n...\n").strip()
    )


def _slow() -> str:
    """Slow is below the lowest promise of the catalog, or long; a flex call may be both."""
    lowest = min(target.rate for target in promises.promises().targets if target.valid_to is None)
    served = span(s.TIER_SERVED)
    is_slow = " or ".join(
        (
            f"({span(s.RATE_GENERATION)} != nil and {span(s.RATE_GENERATION)} < {lowest:.1f})",
            '(span.end_time - span.start_time) > Duration("${env:TIERSCOPE_SLOW_AFTER:-30s}")',
        )
    )
    return _lines([f'{served} != nil and {served} != "{words.FLEX}" and ({is_slow})'])


def _tiers() -> str:
    """Return the processor that gives other instrumentations' spans our names, tiers and outcome."""
    named = _group(tiers.names(), [tiers.FOREIGN])
    told = _group(tiers.verdict(), [f"{tiers.FOREIGN} and {tiers.MODEL_CALL}"])
    return _processor("transform/tiers", "silent", {"trace_statements": [named, told]})


def _redact() -> str:
    """Return the two processors that leave out content, credentials and ids."""
    parts = (redact.resources(), redact.scopes(), redact.spans(), redact.events(), redact.unmark())
    traces = [_group(part) for part in parts]
    parts = (redact.resources(), redact.scopes(), redact.metrics(), redact.points(), redact.exemplars())
    points = [_group(part) for part in parts]
    return _processor("transform/redact", "ignore", {"trace_statements": traces, "metric_statements": points})


def _derive() -> str:
    """Return the processors in front of the connector: which spans count, and what they tell."""
    conditions = _lines(metrics.dropped())
    head = "filter/derived:\n  error_mode: silent\n  trace_conditions:\n" + _indented(conditions, 4)
    bounded = [_group(metrics.bounded())]
    return head + _processor("transform/derived", "silent", {"trace_statements": bounded})


def _langfuse() -> str:
    """Return the processor that tells an intake the tier that served."""
    return _processor("transform/langfuse", "ignore", {"trace_statements": [_group(tiers.priced_by_request())]})


def _processor(name: str, error_mode: str, groups: Mapping[str, list[str]]) -> str:
    lists = "".join(f"  {signal}:\n{_indented(''.join(of), 4)}" for signal, of in groups.items())
    return f"{name}:\n  error_mode: {error_mode}\n{lists}"


def _group(statements: Iterable[str], conditions: Iterable[str] = ()) -> str:
    """Return statements that are run together, under any of the conditions."""
    of = [f"conditions:\n{_indented(_lines(conditions), 2)}"] if conditions else []
    first, *rest = "".join([*of, f"statements:\n{_indented(_lines(statements), 2)}"]).splitlines()
    return f"- {first}\n" + "".join(f"  {line}\n" for line in rest)


def _indented(text: str, depth: int) -> str:
    return "".join(f"{' ' * depth}{line}\n" for line in text.splitlines())


BLOCKS: Final[Mapping[str, Callable[[], str]]] = {
    "tiers": _tiers,
    "redact": _redact,
    "derive": _derive,
    "derived": _metrics,
    "slow": _slow,
    "langfuse": _langfuse,
}


# ── files ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def written(text: str, blocks: Mapping[str, Callable[[], str]] = BLOCKS) -> str:
    """Return the text of a configuration with its blocks as they are to be.

    Raises:
        UnknownBlockError: a block has no writer, or no end.

    """

    def fill(found: re.Match[str]) -> str:
        depth, name = found[1], found[2]
        if name not in blocks:
            raise UnknownBlockError(f"no block {name}; there are {', '.join(blocks)}")
        body = "".join(f"{depth}{line}\n" for line in blocks[name]().splitlines())
        return f"{depth}# generated: {name}\n{body}{depth}# end\n"

    filled, count = BLOCK.subn(fill, text)
    if count != (begun := len(re.findall(r"^ *# generated: ", text, re.MULTILINE))):
        raise UnknownBlockError(f"{begun} blocks begin and {count} end: each needs `# end` at its own depth")
    return filled


def main() -> int:
    """Write the blocks, or compare them; return 1 where one is stale or unknown."""
    is_check, stale = "--check" in sys.argv[1:], []
    for path in sorted([*CONFIGS.glob("*.yaml"), *CONFIGS.glob("overlays/*.yaml")]):
        old = path.read_text("utf-8")
        try:
            new = written(old)
        except UnknownBlockError as error:
            print(f"{path.relative_to(CONFIGS.parent)}: {error}", file=sys.stderr)
            return 1
        if new != old:
            stale.append(path.relative_to(CONFIGS.parent))
            if not is_check:
                path.write_text(new, "utf-8")
    verb = "is stale: run `make collector-config`" if is_check else "written"
    print("\n".join(f"{name} {verb}" for name in stale) or "the Collector's configurations are up to date")
    return int(is_check and bool(stale))


if __name__ == "__main__":
    sys.exit(main())
